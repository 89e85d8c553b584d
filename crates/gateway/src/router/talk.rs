//! Conversations that have a connection of their own.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Address, Body, Envelope};

use super::Hub;
use super::notes::try_send;
use super::people::Shared;
use super::person::Person;
use super::said::is_message;
use crate::mail::{Aside, DeliveryReceipt, Mail, Mailbox, weight};

/// The most conversations of one person; the oldest makes room, and its people are heard in the
/// main session again.
const MAX_TALKS: usize = 512;
/// The most messages of one person that wait for conversations.
const MAX_HELD: usize = 256;
/// How long a client may take to open a conversation; a little less than a delivery may take.
const PATIENCE: Duration = Duration::from_secs(7);
/// The same where nobody waits to hear of a failure.
const MUCH_PATIENCE: Duration = Duration::from_mins(1);

/// A conversation's connection, beside the session that it belongs to.
pub(super) struct Talk {
    pub(super) number: u64,
    pub(super) mailbox: Mailbox,
    pub(super) endpoint: Box<str>,
    /// The session whose messages it takes, while that lasts: where a network failed and the
    /// client signed on anew, its old connections seem to live on.
    pub(super) session: Option<u64>,
    with: BTreeSet<Address>,
}

/// A message that waits for a session's client to open a conversation with its sender.
pub(super) struct Held {
    number: u64,
    pub(super) session: u64,
    envelope: Envelope,
    handed: DeliveryReceipt,
    aside: Option<Aside>,
}

impl Hub {
    /// Keeps a message until the client behind a session opens a conversation for it.
    pub(super) fn hold(
        self: &Arc<Self>,
        person: &Shared,
        session: u64,
        envelope: Envelope,
        handed: DeliveryReceipt,
    ) {
        let patience = if handed.is_awaited() { PATIENCE } else { MUCH_PATIENCE };
        let held = self.with(person, |p| p.hold(self, session, envelope, handed));
        let Some(number) = held else { return };
        let (hub, person) = (self.clone(), person.clone());
        self.runtime.spawn(async move {
            tokio::time::sleep(patience).await;
            hub.with(&person, |p| p.held.retain(|h| h.number != number));
        });
    }
}

impl Person {
    /// Adds a conversation and returns its number.
    pub(super) fn open_talk(
        &mut self,
        hub: &Hub,
        endpoint: &str,
        with: Vec<Address>,
        mailbox: Mailbox,
    ) -> u64 {
        let number = self.next_number();
        if self.talks.len() >= MAX_TALKS {
            self.talks.remove(0);
        }
        let session = self.sessions.iter().rev().find(|s| *s.endpoint == *endpoint);
        let session = session.map(|s| s.number);
        let endpoint = endpoint.into();
        self.talks.push(Talk { number, mailbox, endpoint, session, with: BTreeSet::new() });
        self.talk_with(hub, number, with);
        number
    }

    /// Replaces the people of a conversation, and gives it what was held for it.
    pub(super) fn talk_with(&mut self, hub: &Hub, number: u64, with: Vec<Address>) {
        let Some(talk) = self.talks.iter_mut().find(|t| t.number == number) else { return };
        talk.with = with.into_iter().collect();
        if talk.session.is_none() {
            return;
        }
        let sessions = self.sessions.iter().filter(|s| s.endpoint == talk.endpoint);
        let sessions: Vec<u64> = sessions.map(|s| s.number).collect();
        let is_for_it = |held: &mut Held| {
            sessions.contains(&held.session) && talk.with.contains(&held.envelope.from)
        };
        // Two sessions of the same kind hold a message twice.
        let mut given = HashSet::new();
        for Held { envelope, handed, .. } in self.held.extract_if(.., is_for_it) {
            if given.insert(envelope.id) {
                try_send(hub, &talk.mailbox, Mail::Deliver(envelope, handed));
            }
        }
    }

    /// Keeps a message for a conversation that there may be by now. Returns its number where it
    /// has to wait.
    fn hold(
        &mut self,
        hub: &Hub,
        session: u64,
        envelope: Envelope,
        handed: DeliveryReceipt,
    ) -> Option<u64> {
        if let Some(talk) = self.talks.iter().find(|t| t.number == session) {
            // Its client is leaving, and has to open another one.
            let mailbox = self.mailbox(talk.session?)?;
            try_send(hub, mailbox, Mail::Deliver(envelope, handed));
            return None;
        }
        let endpoint = &self.sessions.iter().find(|s| s.number == session)?.endpoint;
        let open = self.talks_for(&envelope).into_iter().find(|t| t.endpoint == *endpoint);
        if let Some(talk) = open {
            try_send(hub, &talk.mailbox, Mail::Deliver(envelope, handed));
            return None;
        }
        let room = self.set_aside(session, weight::of_envelope(&envelope));
        let (Ok(aside), ..MAX_HELD) = (room, self.held.len()) else {
            hub.counters.mailbox.add();
            return None;
        };
        let number = self.next_number();
        self.held.push(Held { number, session, envelope, handed, aside });
        Some(number)
    }

    /// How many bytes wait for conversations of a session.
    pub(super) fn held_bytes(&self, session: u64) -> usize {
        let held = self.held.iter().filter(|h| h.session == session);
        held.filter_map(|h| h.aside.as_ref()).map(Aside::bytes).sum()
    }

    /// The conversations that get `envelope` instead of the sessions they belong to: of each
    /// session the newest with its sender.
    pub(super) fn talks_for(&self, envelope: &Envelope) -> Vec<&Talk> {
        let said = matches!(
            envelope.body,
            Body::Text { .. }
                | Body::Typing(_)
                | Body::Attention
                | Body::Receipt { .. }
                | Body::Undelivered { .. }
        );
        let mut seen = HashSet::new();
        let hears = |t: &&Talk| t.session.is_some() && t.with.contains(&envelope.from);
        let talks = self.talks.iter().rev().filter(|t| said && hears(t));
        talks.filter(|t| seen.insert(&t.endpoint)).collect()
    }

    /// Tells the conversation that said it that a message arrived; sessions do not ask.
    pub(super) fn delivered(&self, hub: &Hub, envelope: &Envelope, from_session: Option<u64>) {
        let talk = self.talks.iter().find(|t| Some(t.number) == from_session);
        if let Some(talk) = talk.filter(|_| is_message(&envelope.body)) {
            try_send(hub, &talk.mailbox, Mail::Delivered(envelope.id));
        }
    }

    /// Where a session or conversation gets its mail.
    pub(super) fn mailbox(&self, number: u64) -> Option<&Mailbox> {
        let sessions = self.sessions.iter().map(|s| (s.number, &s.mailbox));
        let mut all = sessions.chain(self.talks.iter().map(|t| (t.number, &t.mailbox)));
        all.find(|(n, _)| *n == number).map(|(_, mailbox)| mailbox)
    }

    /// The session that a conversation belongs to.
    pub(super) fn talk_endpoint(&self, number: u64) -> Option<&str> {
        self.talks.iter().find(|t| t.number == number).map(|t| &*t.endpoint)
    }
}
