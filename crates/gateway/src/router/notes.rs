//! Mail about the state of things. It is never lost: what does not fit into a mailbox is noted,
//! and written from the state of the moment when there is room.

use crosstalk_core::{
    Address, Body, Consent, Contact, Details, Envelope, MAX_CONTACTS, Subscription,
};

use super::people::Shared;
use super::person::{Person, Session};
use super::{Hub, control, lock};
use crate::mail::{DeliveryReceipt, Mail, Mailbox};

/// The most notes that wait for one session: of each kind and for every contact one, and as many
/// again for those that come and go.
const MAX_BEHIND: usize = 6 * MAX_CONTACTS;

/// What there is to say about a contact, in the order of saying it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Note {
    /// The contact changed.
    Changed(Address),
    /// The contact asks for consent.
    Request(Address),
    /// The contact's presence changed.
    Presence(Address),
}

impl Session {
    /// Puts `mail` into the mailbox, if it has room.
    pub(super) fn try_send(&self, hub: &Hub, mail: Mail) -> bool {
        try_send(hub, &self.mailbox, mail)
    }
}

/// Puts `mail` into a mailbox, if it has room.
pub(super) fn try_send(hub: &Hub, mailbox: &Mailbox, mail: Mail) -> bool {
    let sent = mailbox.try_send(mail);
    if !sent {
        hub.counters.mailbox.add();
    }
    sent
}

impl Person {
    /// Tells every session.
    pub(super) fn post(&mut self, hub: &Hub, note: &Note) {
        let numbers: Vec<_> = self.sessions.iter().map(|s| s.number).collect();
        for number in numbers {
            self.post_to(hub, number, note.clone());
        }
    }

    /// Tells one session, now or when it has room.
    pub(super) fn post_to(&mut self, hub: &Hub, number: u64, note: Note) {
        let Some(mail) = self.write(hub, &note) else { return };
        let Some(session) = self.session(number) else { return };
        if !session.behind.is_empty() || !session.mailbox.try_send(mail) {
            // More than this is about people who are in no list.
            if session.behind.len() < MAX_BEHIND {
                session.behind.insert(note);
            } else {
                hub.counters.mailbox.add();
            }
        }
    }

    /// Begins a session's mail: the list, who waits for an answer, who is online.
    pub(super) fn welcome(&mut self, hub: &Hub, number: u64) {
        let Some(roster) = &self.roster else { return };
        let asking = roster.contacts().filter(|c| asks(c)).map(|c| c.address.clone());
        let mut notes: Vec<_> = asking.map(Note::Request).collect();
        if hub.options.control {
            notes.push(Note::Presence(Address::control()));
        }
        notes.extend(self.heard.online().cloned().map(Note::Presence));
        let roster = control::shown_roster(hub, roster);
        if let Some(session) = self.session(number) {
            session.try_send(hub, Mail::Roster(roster));
        }
        for note in notes {
            self.post_to(hub, number, note);
        }
    }

    /// The mail that says `note` as things are now; none if there is nothing to say any more.
    fn write(&self, hub: &Hub, note: &Note) -> Option<Mail> {
        match note {
            Note::Changed(address) => Some(Mail::Changed(self.shown_contact(hub, address))),
            Note::Request(address) => {
                let contact = self.contact(address).filter(|c| asks(c))?;
                let Subscription::Asked(words) = &contact.from else { return None };
                let body = Body::Contact(Consent::Request(words.clone()));
                let mut envelope = hub.envelope(address.clone(), self.user.clone(), body);
                let nickname = self.asking.nickname(address).cloned();
                envelope.details = Details { nickname, ..Details::default() }.boxed();
                Some(Mail::Deliver(envelope, DeliveryReceipt::default()))
            }
            Note::Presence(address) => {
                // Who was taken off the list has no presence to be shown.
                let shown = address.is_control() || self.contact(address).is_some();
                let presence = self.presence_of(hub, address);
                shown.then(|| self.deliver(hub, address, Body::Presence(presence)))
            }
        }
    }

    /// A delivery that nobody waits for.
    pub(super) fn deliver(&self, hub: &Hub, from: &Address, body: Body) -> Mail {
        let envelope = hub.envelope(from.clone(), self.user.clone(), body);
        Mail::Deliver(envelope, DeliveryReceipt::default())
    }

    /// Gives the same envelope to every session that takes it, or to the conversation that a
    /// session has with its sender. The session that `asked` for it takes it in any case. Returns
    /// whether any had room.
    pub(super) fn deliver_to_all(
        &self,
        hub: &Hub,
        envelope: &Envelope,
        asked: Option<u64>,
        handed: impl Fn() -> DeliveryReceipt,
    ) -> bool {
        let talks = self.talks_for(envelope);
        let talks_of = |s: &&Session| talks.iter().any(|t| t.endpoint == s.endpoint);
        let said = envelope.body.needs_reader();
        let takes = |s: &&Session| s.takes || !said || Some(s.number) == asked;
        let sessions = self.sessions.iter().filter(|s| !talks_of(s) && takes(s));
        let sessions = sessions.map(|s| &s.mailbox);
        let all = talks.iter().map(|t| &t.mailbox).chain(sessions);
        let give = |m: &&_| try_send(hub, m, Mail::Deliver(envelope.clone(), handed()));
        all.filter(give).count() > 0
    }

    /// Takes the next note that waits for a session; none if it is up to date or gone.
    fn next_behind(&mut self, hub: &Hub, number: u64) -> Option<Mail> {
        loop {
            let session = self.session(number)?;
            let Some(note) = session.behind.pop_first() else {
                session.catching_up = false;
                return None;
            };
            if let Some(mail) = self.write(hub, &note) {
                return Some(mail);
            }
        }
    }
}

/// Fills the mailbox of a session that is behind, as fast as the session empties it.
pub(super) async fn catch_up(
    hub: std::sync::Arc<Hub>,
    person: Shared,
    number: u64,
    mailbox: Mailbox,
) {
    while mailbox.room().await {
        // Who else writes to it holds this lock too, so that the room is not lost meanwhile.
        let mut person = lock(&person);
        while mailbox.has_room() {
            let Some(mail) = person.next_behind(&hub, number) else { return };
            mailbox.try_send(mail);
        }
    }
}

/// Whether the contact waits for the owner's answer.
pub(super) fn asks(contact: &Contact) -> bool {
    matches!(contact.from, Subscription::Asked(_)) && !contact.blocked
}
