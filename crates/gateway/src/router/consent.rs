//! The person's list: edits, the steps of consent in both directions, and what follows.

use crosstalk_core::{
    Address, Body, Consent, Contact, Details, Envelope, Failure, MAX_GROUPS, MAX_LIST, MAX_LOCAL,
    Outgoing, Roster, RosterEdit, Subscription, label,
};
use crosstalk_overlay::Full;

use super::asking::Room;
use super::notes::{Note, asks};
use super::person::Person;
use super::presence::{sees, shows, watches};
use super::work::Chore;
use super::{Hub, now};

/// What a change usually adds to a list at most, in bytes.
const MOST_NEW: usize = 2048;
/// The longest spelling of a name, in bytes: the longest name, with signs that stand for others.
const MAX_SPELLING: usize = 4 * MAX_LOCAL;
/// The longest words of introduction, in bytes.
const MAX_WORDS: usize = 1024;

impl Person {
    /// Changes their list. Every session hears how the contact stands now, also where the
    /// edit was refused because the list is full or nobody can have that name.
    pub(super) fn edit(&mut self, hub: &Hub, edit: RosterEdit) {
        let address = edit.address().clone();
        let adds = !matches!(edit, RosterEdit::Remove(_) | RosterEdit::Block(_, false));
        if let Err(full) = self.room_to_change(hub, adds) {
            self.post(hub, &Note::Changed(address));
            return self.say_full(hub, full);
        }
        let possible = hub.names.network(address.network()).is_some() && address != self.user;
        let changed = match edit {
            _ if address.is_control() => self.edit_control(hub, edit),
            RosterEdit::List { spelling, alias, groups, .. } => {
                possible && self.change(hub, &address, |c| list(c, spelling, alias, groups))
            }
            RosterEdit::Remove(_) => self.remove(hub, &address),
            RosterEdit::Block(_, blocked) => {
                possible && self.change(hub, &address, |contact| contact.blocked = blocked)
            }
        };
        if !changed {
            self.post(hub, &Note::Changed(address));
        }
    }

    /// Takes a contact off the list, and consent with it.
    fn remove(&mut self, hub: &Hub, address: &Address) -> bool {
        let Some(contact) = self.contact(address) else { return false };
        let mut steps = Vec::new();
        if contact.to != Subscription::None {
            steps.push(Consent::Cancel);
        }
        if contact.from != Subscription::None {
            steps.push(Consent::Revoke);
        }
        let changed = self.change(hub, address, |contact| {
            let blocked = contact.blocked;
            *contact = Contact::new(address.clone(), contact.spelling.clone());
            contact.blocked = blocked;
        });
        for step in steps {
            self.say(hub, address, step);
        }
        changed
    }

    /// Takes a step of consent towards a contact.
    pub(super) fn consent(&mut self, hub: &Hub, number: Option<u64>, outgoing: Outgoing) {
        let Outgoing { id, to, body: Body::Contact(step), details } = outgoing else { return };
        let body = Body::Contact(cut(step));
        let envelope = self.envelope(Outgoing { id, to, body, details });
        let Envelope { to, body: Body::Contact(step), .. } = &envelope else { return };
        if self.contact(to).is_some_and(|c| c.blocked) {
            return self.undelivered(hub, &envelope, number, Failure::Refused);
        }
        let adds = matches!(step, Consent::Request(_) | Consent::Grant);
        if let Err(full) = self.room_to_change(hub, adds) {
            self.post(hub, &Note::Changed(to.clone()));
            return self.say_full(hub, full);
        }
        let changed = self.change(hub, to, |contact| {
            contact.sent(step);
        });
        let standing = self.contact(to).map(|c| &c.to);
        match (step, standing) {
            (Consent::Request(_), Some(Subscription::Granted)) => {
                // Granted long ago; a client that asks again waits for the answer.
                let answer = self.deliver(hub, to, Body::Contact(Consent::Grant));
                if let Some(session) = number.and_then(|n| self.session(n)) {
                    session.try_send(hub, answer);
                }
            }
            (Consent::Request(_), None) => {
                self.undelivered(hub, &envelope, number, Failure::Refused);
            }
            (Consent::Request(_), _) => self.queue(hub, envelope, number),
            _ if changed => self.queue(hub, envelope, number),
            _ => {}
        }
    }

    /// Says a step of consent to a contact in the person's name.
    pub(super) fn say(&mut self, hub: &Hub, to: &Address, step: Consent) {
        let envelope = hub.envelope(self.user.clone(), to.clone(), Body::Contact(step));
        self.queue(hub, envelope, None);
    }

    /// A contact took a step of consent.
    pub(super) fn consented(
        &mut self,
        hub: &Hub,
        from: &Address,
        step: &Consent,
        details: Option<&Details>,
    ) -> Result<(), Failure> {
        // What cannot be written down is not taken: it comes again.
        let adds = matches!(step, Consent::Request(_) | Consent::Grant);
        self.room_to_change(hub, adds).map_err(|_| Failure::Busy)?;
        let known = self.contact(from);
        if matches!(step, Consent::Request(_)) {
            if known.is_some_and(|c| c.from == Subscription::Granted) {
                // The asker missed the answer.
                self.say(hub, from, Consent::Grant);
                return Ok(());
            }
            let half_full = self.roster.as_ref().is_some_and(|r| r.weight() > MAX_LIST / 2);
            let is_new = known.is_none_or(|c| c.from == Subscription::None);
            match self.asking.room_for(from) {
                _ if !is_new => {}
                _ if half_full => return Err(Failure::Busy),
                Room::Free => {}
                Room::None => return Err(Failure::Busy),
                Room::Of(other) => self.make_room(hub, &other),
            }
        }
        let asked_before = self.contact(from).is_some_and(asks);
        let step = cut(step.clone());
        let changed = self.change(hub, from, |contact| {
            contact.received(&step);
        });
        if step == Consent::Grant {
            // It may have been revoked meanwhile, and the subscription with it.
            self.todo.seek.insert(from.clone());
        }
        if matches!(step, Consent::Request(_)) {
            if !self.contact(from).is_some_and(asks) {
                return Err(Failure::Busy);
            }
            // Before the note is written, which tells it.
            self.asking.set_nickname(from, details.and_then(|d| d.nickname.as_ref()));
            if !asked_before {
                self.post(hub, &Note::Request(from.clone()));
            }
        } else if changed {
            let envelope = hub.envelope(from.clone(), self.user.clone(), Body::Contact(step));
            self.deliver_to_all(hub, &envelope, None, Default::default);
        }
        Ok(())
    }

    /// Whether a change of the list, which may add to it, could be stored.
    fn room_to_change(&self, hub: &Hub, adds: bool) -> Result<(), Full> {
        let more = if adds { MOST_NEW } else { 0 };
        let bytes = self.roster.as_ref().map_or(0, Roster::stored_bytes) + more;
        hub.overlay.room_for(&self.user, bytes)
    }

    /// Forgets a request, as if it were taken back; who asked asks again at the next sign-on.
    fn make_room(&mut self, hub: &Hub, asker: &Address) {
        self.change(hub, asker, |contact| {
            contact.received(&Consent::Cancel);
        });
        hub.counters.requests.add();
    }

    /// Changes a contact, known or not, and lets everything follow. Returns whether it changed.
    pub(super) fn change(
        &mut self,
        hub: &Hub,
        address: &Address,
        change: impl FnOnce(&mut Contact),
    ) -> bool {
        let Some(roster) = &mut self.roster else { return false };
        let before = roster.contact(address).cloned();
        let unknown = || Contact::new(address.clone(), hub.names.universal(address));
        let mut contact = before.clone().unwrap_or_else(unknown);
        change(&mut contact);
        if before.as_ref() == Some(&contact) || before.is_none() && contact.is_empty() {
            return false;
        }
        let stamp = roster.stamp().next(now(), hub.writer);
        if !roster.put(contact.clone(), stamp) {
            return false;
        }
        self.todo.chores.insert(Chore::Save);
        self.follow_up(hub, address, before.as_ref(), Some(&contact));
        true
    }

    /// Does what a change of a contact entails, whoever made it.
    pub(super) fn follow_up(
        &mut self,
        hub: &Hub,
        address: &Address,
        before: Option<&Contact>,
        after: Option<&Contact>,
    ) {
        if before == after {
            return;
        }
        self.asking.set(address, after.is_some_and(asks));
        self.post(hub, &Note::Changed(address.clone()));
        let turned = |is: fn(&Contact) -> bool| (before.is_some_and(is), after.is_some_and(is));
        match (turned(watches), turned(sees)) {
            ((was, is), _) if was != is => {
                self.todo.chores.insert(Chore::Watch);
            }
            (_, (false, true)) => {
                self.todo.seek.insert(address.clone());
            }
            _ => {}
        }
        if turned(sees) == (true, false) && self.heard.forget(address) {
            self.post(hub, &Note::Presence(address.clone()));
        }
        if turned(shows).0 != turned(shows).1 {
            self.show_or_hide(address, after.is_some_and(|c| c.from == Subscription::Granted));
        }
    }

    /// Tells a contact who is subscribed that the person can be seen, or no longer.
    fn show_or_hide(&mut self, contact: &Address, stays: bool) {
        let to = std::slice::from_ref(contact);
        let there: Vec<_> =
            self.subscribers.iter().filter(|(_, w)| w.contains(contact)).map(|(g, _)| *g).collect();
        for gateway in there {
            self.todo.tell.entry(gateway).or_default().extend(to.iter().cloned());
            if !stays {
                self.unsubscribe(gateway, to);
            }
        }
    }
}

/// Lists a contact as far as its words are kept.
pub(super) fn list(
    contact: &mut Contact,
    spelling: String,
    alias: Option<String>,
    groups: Vec<String>,
) {
    contact.listed = true;
    if spelling.len() <= MAX_SPELLING {
        contact.spelling = spelling;
    }
    contact.alias = alias.map(label).filter(|a| !a.is_empty());
    contact.groups = groups.into_iter().take(MAX_GROUPS).map(label).collect();
}

/// Cuts the words of a request to the length that is kept.
fn cut(step: Consent) -> Consent {
    match step {
        Consent::Request(words) if words.text().len() > MAX_WORDS => {
            let end = words.text().floor_char_boundary(MAX_WORDS);
            Consent::Request(words.text()[..end].into())
        }
        step => step,
    }
}
