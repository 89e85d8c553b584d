//! Who sees a person, by what the engine says of it: as the router works it out.

use std::collections::BTreeSet;

use crosstalk_core::{
    Address, Audience, Availability, Body, Consent, Event, Presence, Roster, RosterEdit,
    Subscription,
};

/// A person whom others watch.
#[derive(Default)]
pub struct Watched {
    granted: BTreeSet<Address>,
    blocked: BTreeSet<Address>,
    audience: Audience,
    presence: Presence,
}

/// Who sees which state and text.
type View = BTreeSet<(Address, Availability, String)>;

impl Watched {
    /// One who is there, with this list.
    pub fn online(roster: &Roster) -> Self {
        let presence = Presence::available();
        let granted = roster.contacts().filter(|c| c.from == Subscription::Granted);
        let granted = granted.map(|c| c.address.clone()).collect();
        Self { granted, presence, ..Self::default() }
    }

    /// The engine says these at once. Each counts by itself: fails where somebody meanwhile sees what
    /// is shown to them neither before nor after.
    pub fn hear<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>) {
        let before = self.view();
        let mut meanwhile = View::new();
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
            meanwhile.extend(self.view());
        }
        let allowed = &before | &self.view();
        assert!(meanwhile.is_subset(&allowed), "{meanwhile:?} beyond {allowed:?}");
    }

    fn view(&self) -> View {
        let Presence { show, text, .. } = &self.presence;
        self.seeing().map(|who| (who.clone(), *show, text.text().to_owned())).collect()
    }

    /// Text that each of those reads who see the person online.
    pub fn texts(&self) -> Vec<(String, String)> {
        self.view().into_iter().map(|(who, _, text)| (who.to_string(), text)).collect()
    }

    /// Those who see the person online.
    pub fn by(&self) -> Vec<String> {
        self.seeing().map(ToString::to_string).collect()
    }

    fn seeing(&self) -> impl Iterator<Item = &Address> {
        let sees = move |address: &&Address| {
            self.presence.is_online()
                && self.audience.admits(address)
                && !self.blocked.contains(*address)
        };
        self.granted.iter().filter(sees)
    }
}
