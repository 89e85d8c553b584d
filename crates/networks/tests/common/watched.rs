//! Who sees a person, by what the engine says of it: as the router works it out.

use std::collections::BTreeSet;

use crosstalk_core::{
    Address, Audience, Body, Consent, Event, Presence, Roster, RosterEdit, Subscription,
};

/// A person whom others watch.
#[derive(Default)]
pub struct Watched {
    granted: BTreeSet<Address>,
    blocked: BTreeSet<Address>,
    audience: Audience,
    presence: Presence,
}

impl Watched {
    /// One who is there, with this list.
    pub fn online(roster: &Roster) -> Self {
        let presence = Presence::available();
        let granted = roster.contacts().filter(|c| c.from == Subscription::Granted);
        let granted = granted.map(|c| c.address.clone()).collect();
        Self { granted, presence, ..Self::default() }
    }

    /// The engine says these.
    pub fn hear<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>) {
        for event in events {
            match event {
                Event::Presence(presence) => self.presence = presence.clone(),
                Event::Audience(audience) => self.audience = audience.clone(),
                Event::Roster(RosterEdit::Block(address, true)) => {
                    self.blocked.insert(address.clone());
                }
                Event::Roster(RosterEdit::Block(address, false)) => {
                    self.blocked.remove(address);
                }
                Event::Send(said) if said.body == Body::Contact(Consent::Grant) => {
                    self.granted.insert(said.to.clone());
                }
                Event::Send(said) if said.body == Body::Contact(Consent::Revoke) => {
                    self.granted.remove(&said.to);
                }
                _ => {}
            }
        }
    }

    /// Those who see the person online.
    pub fn by(&self) -> Vec<String> {
        let sees = |address: &&Address| {
            self.presence.is_online()
                && self.audience.admits(address)
                && !self.blocked.contains(*address)
        };
        self.granted.iter().filter(sees).map(ToString::to_string).collect()
    }
}
