//! Presence of a person: those of several sessions as one, and the people who are told of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crosstalk_core::{Address, Audience, Consent, Contact, MAX_CONTACTS, Presence, Subscription};

use crate::account::Account;
use crate::control;
use crate::cx::Cx;
use crate::ids::{GatewayKey, SessionId};
use crate::state_updates::StateUpdate;

/// The most bytes of names in one message about presence, well below what the network between
/// gateways takes.
const MAX_TOLD: usize = 64 * 1024;
/// The longest text of a presence, in bytes. It is kept for each who sees it.
const MAX_STATUS: usize = 4096;
/// Longest time for which the lists of one person at several gateways may differ.
const UNCERTAIN: Duration = Duration::from_secs(3);

/// Cuts the text of a presence to what others are shown.
pub(crate) fn truncate(presence: &mut Presence) {
    let text = &presence.text;
    if text.text().len() > MAX_STATUS {
        presence.text = text.slice(0..text.text().floor_char_boundary(MAX_STATUS));
    }
}

/// Several presences of one person as one: the most available wins, the person is idle only
/// where all are, and is there since the first of them.
pub(crate) fn merge<'a>(presences: impl Iterator<Item = &'a Presence>) -> Presence {
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
pub(crate) fn sees(contact: &Contact) -> bool {
    contact.to == Subscription::Granted && !contact.blocked
}

/// Whether the contact sees the owner.
pub(crate) fn shows(contact: &Contact) -> bool {
    contact.from == Subscription::Granted && !contact.blocked
}

/// Whether the owner's gateway must hear when the contact signs on.
pub(crate) fn watches(contact: &Contact) -> bool {
    contact.to != Subscription::None && !contact.blocked && !control::answers_for(&contact.address)
}

/// Presence of the contacts, as gateways told it.
#[derive(Default)]
pub(crate) struct ContactPresence(BTreeMap<Address, BTreeMap<GatewayKey, Presence>>);

impl ContactPresence {
    /// The contact's presence, wherever it is signed on.
    pub(crate) fn of(&self, contact: &Address) -> Presence {
        self.0.get(contact).map_or_else(Presence::offline, |at| merge(at.values()))
    }

    /// Contacts that are online.
    pub(crate) fn online(&self) -> impl Iterator<Item = &Address> {
        self.0.keys()
    }

    /// Whether the contact is online at `gateway`.
    fn is_at(&self, contact: &Address, gateway: GatewayKey) -> bool {
        self.0.get(contact).is_some_and(|at| at.contains_key(&gateway))
    }

    /// Returns whether the contact's presence changed.
    fn hear(&mut self, of: &Address, at: GatewayKey, presence: Presence) -> bool {
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
    pub(crate) fn forget(&mut self, contact: &Address) -> bool {
        self.0.remove(contact).is_some()
    }

    /// Forgets everybody at `gateway`. Returns whose presence changed.
    fn lose(&mut self, gateway: GatewayKey) -> Vec<Address> {
        let there = self.0.iter().filter(|(_, at)| at.contains_key(&gateway));
        let there: Vec<_> = there.map(|(of, _)| of.clone()).collect();
        there.into_iter().filter(|of| self.hear(of, gateway, Presence::offline())).collect()
    }
}

/// Presences of a person's sessions, and who sees each.
#[derive(Default, PartialEq)]
pub(crate) struct Views(Vec<(Presence, Audience)>);

impl Views {
    /// The sessions that somebody who may see the person sees, by their place.
    fn seen_by(&self, watcher: &Address) -> Vec<usize> {
        let seen = self.0.iter().enumerate().filter(|(_, (_, audience))| audience.admits(watcher));
        seen.map(|(place, _)| place).collect()
    }

    /// The presence that some of the sessions add up to.
    fn merged(&self, seen: &[usize]) -> Presence {
        merge(seen.iter().filter_map(|place| self.0.get(*place)).map(|(presence, _)| presence))
    }
}

impl<A> Account<A> {
    /// The presences of the sessions, before something changes. Without anybody to be told of it
    /// they do not matter.
    pub(crate) fn views(&self) -> Views {
        if self.subscribers.is_empty() {
            return Views::default();
        }
        let online = self.sessions.iter().filter(|s| s.presence.is_online());
        Views(online.map(|s| (s.presence.clone(), s.audience.clone())).collect())
    }

    /// Whether somebody who may see the person sees one of the sessions online.
    pub(crate) fn is_shown_online_to(&self, watcher: &Address) -> bool {
        self.sessions.iter().any(|s| s.is_seen_by(watcher))
    }

    /// Tells those subscribers to whom the sessions together look different from `before`.
    pub(crate) fn refresh(&mut self, before: &Views) {
        let after = self.views();
        if after == *before {
            return;
        }
        let Some(roster) = &self.roster else { return };
        // Of many who see the same sessions it is worked out once.
        let mut differs = BTreeMap::new();
        let mut looks_different = |watcher: &Address| {
            let seen = (before.seen_by(watcher), after.seen_by(watcher));
            *differs
                .entry(seen)
                .or_insert_with_key(|(old, new)| before.merged(old) != after.merged(new))
        };
        let mut visible = |w: &&Address| roster.contact(w).is_some_and(shows) && looks_different(w);
        let mut told: Vec<(GatewayKey, Vec<Address>)> = Vec::new();
        for (gateway, watchers) in &self.subscribers {
            let watchers: Vec<_> = watchers.iter().filter(&mut visible).cloned().collect();
            if !watchers.is_empty() {
                told.push((*gateway, watchers));
            }
        }
        for (gateway, watchers) in told {
            self.pending().tell.entry(gateway).or_default().extend(watchers);
        }
    }

    /// People at `gateway` want to see this person from now on.
    pub(crate) fn probed(&mut self, cx: &Cx<'_, A>, gateway: GatewayKey, by: &[Address]) {
        if !self.is_here() {
            return;
        }
        for watcher in by {
            let there = self.subscribers.entry(gateway).or_default();
            if there.len() < MAX_CONTACTS {
                there.insert(watcher.clone());
            }
            if self.contact(watcher).is_some_and(shows) {
                self.pending().tell.entry(gateway).or_default().insert(watcher.clone());
            } else if self.refuses(watcher) {
                // A grant given at another gateway may not be known here yet.
                let until = cx.now.instant + UNCERTAIN;
                self.pending().delayed_refusals.entry(watcher.clone()).or_insert(until);
            }
        }
    }

    /// Tells watchers who missed it that this person is not to be seen, if that is so by now.
    pub(crate) fn refuse_delayed(&mut self, cx: &mut Cx<'_, A>) {
        let now = cx.now.instant;
        let Some(pending) = self.if_pending() else { return };
        let due: Vec<_> = pending
            .delayed_refusals
            .extract_if(.., |_, at| *at <= now)
            .map(|(who, _)| who)
            .collect();
        for watcher in due {
            if self.is_here() && self.refuses(&watcher) {
                self.say(cx, &watcher, Consent::Revoke);
            }
        }
    }

    /// Whether the list remembers somebody who may not see this person. Of one it knows nothing
    /// about, a copy of it elsewhere may know more.
    fn refuses(&self, watcher: &Address) -> bool {
        let none = |c: &Contact| c.from == Subscription::None && !c.blocked;
        self.contact(watcher).is_none_or(none)
            && self.roster.as_ref().is_some_and(|r| r.remembers(watcher))
    }

    /// A watched contact is at `gateway`: what consent allows is asked there. So often it was not
    /// where it was found.
    pub(crate) fn arrived(
        &mut self,
        cx: &mut Cx<'_, A>,
        contact: &Address,
        gateway: GatewayKey,
        tries: u8,
    ) {
        let contact = self.contact(contact).filter(|c| watches(c));
        let Some(contact) = contact.filter(|_| self.is_here()) else { return };
        let to = contact.address.clone();
        let (standing, may_see) = (contact.to.clone(), shows(contact));
        let is_told = |there: &BTreeSet<_>| there.contains(&to);
        if may_see && !self.subscribers.get(&gateway).is_some_and(is_told) {
            // It asks by itself. But that may have been before the news that it had left there,
            // which took another way.
            self.resume_later(cx, gateway, [to.clone()], 0);
        }
        match standing {
            Subscription::Granted => {
                let asked = self.pending().probes.entry((to, gateway)).or_insert(tries);
                *asked = tries.min(*asked);
            }
            // One that is under way gets there by itself, and asking twice is answered twice: the
            // second answer may come after a change of mind.
            Subscription::Asked(_) if self.is_asking(&to) => {}
            Subscription::Asked(words) => self.say(cx, &to, Consent::Request(words)),
            Subscription::None => {}
        }
    }

    /// A watched contact is no longer at `gateway`.
    pub(crate) fn left(&mut self, cx: &mut Cx<'_, A>, contact: &Address, gateway: GatewayKey) {
        self.unsubscribe(gateway, std::slice::from_ref(contact));
        self.hear(cx, contact, gateway, Presence::offline());
    }

    /// A gateway is gone with everybody there.
    pub(crate) fn lost(&mut self, cx: &mut Cx<'_, A>, gateway: GatewayKey) {
        if let Some(there) = self.subscribers.remove(&gateway) {
            // It may not have lost this one: its lease may have been renewed when the other was not,
            // and then its people do not ask again.
            self.resume_later(cx, gateway, there, 0);
        }
        if let Some(pending) = self.if_pending() {
            pending.tell.remove(&gateway);
        }
        for contact in self.contact_presence.lose(gateway) {
            self.update(cx, &StateUpdate::Presence(contact));
        }
    }

    /// A gateway tells a contact's presence.
    pub(crate) fn told(
        &mut self,
        cx: &mut Cx<'_, A>,
        of: &Address,
        at: GatewayKey,
        presence: Presence,
    ) {
        let was_there = self.contact_presence.is_at(of, at);
        self.hear(cx, of, at, presence);
        if was_there && !self.contact_presence.is_at(of, at) {
            // Who signs off and on again subscribes nobody anew. That is asked for when the contact
            // arrives; of one that is back before the news gets here nobody says so. What the
            // contact is elsewhere makes no difference to that.
            self.seek_later(cx, of.clone(), 0);
        }
    }

    /// A contact's presence at `gateway`, unless the owner may or will not see it. Returns
    /// whether the contact is seen otherwise than before.
    pub(crate) fn hear(
        &mut self,
        cx: &mut Cx<'_, A>,
        of: &Address,
        at: GatewayKey,
        mut presence: Presence,
    ) -> bool {
        truncate(&mut presence);
        let visible = self.contact(of).is_some_and(sees);
        let changed = visible && self.contact_presence.hear(of, at, presence);
        if changed {
            self.update(cx, &StateUpdate::Presence(of.clone()));
        }
        changed
    }

    /// `watchers` are no longer at `gateway`.
    pub(crate) fn unsubscribe(&mut self, gateway: GatewayKey, watchers: &[Address]) {
        if let Some(there) = self.subscribers.get_mut(&gateway) {
            there.retain(|w| !watchers.contains(w));
            if there.is_empty() {
                self.subscribers.remove(&gateway);
            }
        }
    }

    /// Those of `to` that are still subscribed are told once more.
    pub(crate) fn tell_again(&mut self, gateway: GatewayKey, mut to: Vec<Address>) {
        let subscribed = self.subscribers.get(&gateway);
        to.retain(|w| subscribed.is_some_and(|s| s.contains(w)));
        if !to.is_empty() {
            self.pending().tell.entry(gateway).or_default().extend(to);
        }
    }

    /// The next presence to tell, to those at one gateway who see the same.
    pub(crate) fn next_told(&mut self) -> Option<(GatewayKey, Presence, Vec<Address>)> {
        let (gateway, waiting) = self.if_pending()?.tell.pop_first()?;
        let (presence, to, rest) = self.seen_alike(waiting);
        if !rest.is_empty() {
            self.pending().tell.insert(gateway, rest);
        }
        Some((gateway, presence, to))
    }

    /// The presence that the first of some people sees, with those who see the same, as many as one
    /// message takes, and the others.
    pub(crate) fn seen_alike(
        &self,
        people: BTreeSet<Address>,
    ) -> (Presence, Vec<Address>, BTreeSet<Address>) {
        let seen_by = |w: &Address| -> Vec<SessionId> {
            let may_see = self.contact(w).is_some_and(shows);
            let seen = self.sessions.iter().filter(|s| may_see && s.is_seen_by(w));
            seen.map(|s| s.id).collect()
        };
        let seen = people.first().map(seen_by).unwrap_or_default();
        let shown = self.sessions.iter().filter(|s| seen.contains(&s.id)).map(|s| &s.presence);
        let presence = merge(shown);
        let mut length = 0;
        let mut fits = |w: &Address| {
            length += w.local().len() + w.network().as_str().len();
            length <= MAX_TOLD
        };
        let (mut to, mut rest) = (Vec::new(), BTreeSet::new());
        for watcher in people {
            if seen_by(&watcher) == seen && fits(&watcher) {
                to.push(watcher);
            } else {
                rest.insert(watcher);
            }
        }
        (presence, to, rest)
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
