//! How a person is seen: presences of several sessions as one, and who is told of it.

use std::collections::BTreeMap;

use crosstalk_core::{Address, Consent, Contact, MAX_CONTACTS, Presence, Subscription};
use crosstalk_overlay::GatewayId;

use super::Hub;
use super::notes::Note;
use super::person::Person;

/// The most bytes of names in one message about presence, well below what the overlay takes.
const MAX_TOLD: usize = 64 * 1024;

/// The longest text of a presence, in bytes. It is kept for each who sees it.
const MAX_STATUS: usize = 4096;

/// Cuts the text of a presence to what others are shown.
pub(super) fn cut(presence: &mut Presence) {
    let text = &presence.text;
    if text.text().len() > MAX_STATUS {
        presence.text = text.slice(0..text.text().floor_char_boundary(MAX_STATUS));
    }
}

/// Several presences of one person as one: the most available wins, the person is idle only
/// where all are, and is there since the first of them.
pub(super) fn merge<'a>(presences: impl Iterator<Item = &'a Presence>) -> Presence {
    let mut merged = Presence::offline();
    for presence in presences.filter(|p| p.is_online()) {
        if !merged.is_online() {
            merged = presence.clone();
            continue;
        }
        // None, not idle, wins; of two idle ones the later.
        let idle_since = merged.idle_since.zip(presence.idle_since).map(|(a, b)| a.max(b));
        let online_since = [merged.online_since, presence.online_since].into_iter().flatten().min();
        if presence.show > merged.show {
            merged = presence.clone();
        }
        (merged.idle_since, merged.online_since) = (idle_since, online_since);
    }
    merged
}

/// Whether the owner sees the contact.
pub(super) fn sees(contact: &Contact) -> bool {
    contact.to == Subscription::Granted && !contact.blocked
}

/// Whether the contact sees the owner.
pub(super) fn shows(contact: &Contact) -> bool {
    contact.from == Subscription::Granted && !contact.blocked
}

/// Whether the owner's gateway must hear when the contact signs on.
pub(super) fn watches(contact: &Contact) -> bool {
    contact.to != Subscription::None && !contact.blocked && !contact.address.is_control()
}

/// What other gateways told of the contacts.
#[derive(Default)]
pub(super) struct Heard(BTreeMap<Address, BTreeMap<GatewayId, Presence>>);

impl Heard {
    /// The contact's presence, wherever it is signed on.
    pub(super) fn of(&self, contact: &Address) -> Presence {
        self.0.get(contact).map_or_else(Presence::offline, |at| merge(at.values()))
    }

    /// Who is online.
    pub(super) fn online(&self) -> impl Iterator<Item = &Address> {
        self.0.keys()
    }

    /// Returns whether the contact's presence changed.
    pub(super) fn hear(&mut self, of: &Address, at: GatewayId, presence: Presence) -> bool {
        let before = self.of(of);
        if presence.is_online() {
            self.0.entry(of.clone()).or_default().insert(at, presence);
        } else if let Some(everywhere) = self.0.get_mut(of) {
            everywhere.remove(&at);
            if everywhere.is_empty() {
                self.0.remove(of);
            }
        }
        self.of(of) != before
    }

    /// Forgets the contact. Returns whether it was online.
    pub(super) fn forget(&mut self, contact: &Address) -> bool {
        self.0.remove(contact).is_some()
    }

    /// Forgets everybody at `gateway`. Returns whose presence changed.
    pub(super) fn lose(&mut self, gateway: GatewayId) -> Vec<Address> {
        let there: Vec<_> = self
            .0
            .iter()
            .filter(|(_, at)| at.contains_key(&gateway))
            .map(|(of, _)| of.clone())
            .collect();
        there.into_iter().filter(|of| self.hear(of, gateway, Presence::offline())).collect()
    }
}

impl Person {
    /// Tells all subscribers if the sessions together now look different.
    pub(super) fn refresh(&mut self) {
        let presence = merge(self.sessions.iter().map(|s| &s.presence));
        if presence == self.shown {
            return;
        }
        self.shown = presence;
        let Some(roster) = &self.roster else { return };
        for (gateway, watchers) in &self.subscribers {
            for watcher in watchers.iter().filter(|w| roster.contact(w).is_some_and(shows)) {
                self.todo.tell.entry(*gateway).or_default().insert(watcher.clone());
            }
        }
    }

    /// Somebody at `gateway` wants to see this person from now on. Returns whether the list
    /// says that this was refused, unless that is in doubt already.
    pub(super) fn probed(&mut self, gateway: GatewayId, by: &Address) -> bool {
        let there = self.subscribers.entry(gateway).or_default();
        if there.len() < MAX_CONTACTS {
            there.insert(by.clone());
        }
        if self.contact(by).is_some_and(shows) {
            self.todo.tell.entry(gateway).or_default().insert(by.clone());
        }
        self.refuses(by) && self.doubted.insert(by.clone())
    }

    /// Tells a watcher who missed it that this person is not to be seen, if that is so.
    pub(super) fn refuse(&mut self, hub: &Hub, watcher: &Address) {
        self.doubted.remove(watcher);
        if self.is_here() && self.refuses(watcher) {
            self.say(hub, watcher, Consent::Revoke);
        }
    }

    /// Whether the list remembers somebody who may not see this person. Of one it knows nothing
    /// about, a copy of it elsewhere may know more.
    fn refuses(&self, watcher: &Address) -> bool {
        let none = |c: &Contact| c.from == Subscription::None && !c.blocked;
        self.contact(watcher).is_none_or(none)
            && self.roster.as_ref().is_some_and(|r| r.remembers(watcher))
    }

    /// A watched contact is at `gateway`: what consent allows is asked there.
    pub(super) fn arrived(&mut self, hub: &Hub, contact: &Address, gateway: GatewayId) {
        let contact = self.contact(contact).filter(|c| watches(c));
        let Some(contact) = contact.filter(|_| self.is_here()) else { return };
        match &contact.to {
            Subscription::Granted => {
                self.todo.probes.insert((contact.address.clone(), gateway));
            }
            Subscription::Asked(words) => {
                let (to, words) = (contact.address.clone(), words.clone());
                self.say(hub, &to, Consent::Request(words));
            }
            Subscription::None => {}
        }
    }

    /// A watched contact is no longer at `gateway`.
    pub(super) fn left(&mut self, hub: &Hub, contact: &Address, gateway: GatewayId) {
        self.unsubscribe(gateway, std::slice::from_ref(contact));
        self.hear(hub, contact, gateway, Presence::offline());
    }

    /// A gateway is gone with everybody there.
    pub(super) fn lost(&mut self, hub: &Hub, gateway: GatewayId) {
        self.subscribers.remove(&gateway);
        self.todo.tell.remove(&gateway);
        for contact in self.heard.lose(gateway) {
            self.post(hub, &Note::Presence(contact));
        }
    }

    /// A contact's presence at `gateway`, unless the owner may or will not see it.
    pub(super) fn hear(&mut self, hub: &Hub, of: &Address, at: GatewayId, mut presence: Presence) {
        cut(&mut presence);
        let visible = self.contact(of).is_some_and(sees);
        if visible && self.heard.hear(of, at, presence) {
            self.post(hub, &Note::Presence(of.clone()));
        }
    }

    /// `watchers` are no longer at `gateway`.
    pub(super) fn unsubscribe(&mut self, gateway: GatewayId, watchers: &[Address]) {
        if let Some(there) = self.subscribers.get_mut(&gateway) {
            there.retain(|w| !watchers.contains(w));
            if there.is_empty() {
                self.subscribers.remove(&gateway);
            }
        }
    }

    /// Those of `to` that are still subscribed are told once more.
    pub(super) fn tell_again(&mut self, gateway: GatewayId, mut to: Vec<Address>) {
        let subscribed = self.subscribers.get(&gateway);
        to.retain(|w| subscribed.is_some_and(|s| s.contains(w)));
        if !to.is_empty() {
            self.todo.tell.entry(gateway).or_default().extend(to);
        }
    }

    /// The next presence to tell, to those at one gateway who see the same.
    pub(super) fn next_told(&mut self) -> Option<(GatewayId, Presence, Vec<Address>)> {
        let mut entry = self.todo.tell.first_entry()?;
        let gateway = *entry.key();
        let roster = self.roster.as_ref();
        let sees = |w: &Address| roster.and_then(|r| r.contact(w)).is_some_and(shows);
        let visible = entry.get().first().is_some_and(sees);
        let mut length = 0;
        let mut fits = |w: &Address| {
            length += w.local().len() + w.network().as_str().len();
            length <= MAX_TOLD
        };
        let to = entry.get().iter().filter(|w| sees(w) == visible).take_while(|w| fits(w));
        let to: Vec<_> = to.cloned().collect();
        for told in &to {
            entry.get_mut().remove(told);
        }
        if entry.get().is_empty() {
            entry.remove();
        }
        let presence = if visible { self.shown.clone() } else { Presence::offline() };
        Some((gateway, presence, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{Availability, UnixMillis};

    fn presence(show: Availability, text: &str, idle: Option<u64>) -> Presence {
        let idle_since = idle.map(UnixMillis);
        Presence { show, text: text.into(), idle_since, online_since: None }
    }

    #[test]
    fn the_most_available_session_wins_and_all_must_be_idle() {
        let away = presence(Availability::Away, "lunch", Some(5));
        let there = presence(Availability::Available, "", Some(9));
        let busy = presence(Availability::Busy, "call", None);
        let merged = merge([&away, &there].into_iter());
        assert_eq!(merged, presence(Availability::Available, "", Some(9)));
        let merged = merge([&there, &away, &busy].into_iter());
        assert_eq!((merged.show, merged.idle_since), (Availability::Available, None));
        assert_eq!(merge([&Presence::offline(), &away].into_iter()), away);
        assert_eq!(merge([].into_iter()), Presence::offline());
    }
}
