//! A session's place at the router.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Envelope, Event, Failure, Outgoing};

use super::people::Shared;
use super::person::Person;
use super::{Hub, lock, now, strangers};
use crate::mail::{self, DeliveryReceipt, Mail, Mailbox, Mails, mailbox};
use crate::memory::Entry;

/// So much of what a person says may wait before no more is read, and how long that lasts at least.
const MANY: usize = 256;
const AGAIN: Duration = Duration::from_millis(20);

/// One signed-in session of a person; dropping it signs the session out.
pub struct Member {
    hub: Arc<Hub>,
    person: Shared,
    user: Address,
    endpoint: String,
    number: u64,
    /// It is not a session but a conversation beside one.
    talks: bool,
}

impl Member {
    pub(super) fn new(
        hub: &Arc<Hub>,
        user: Address,
        endpoint: String,
        entry: Option<&Entry>,
    ) -> (Self, Mails) {
        let (mailbox, mail) = mailbox(entry);
        tracing::info!(%user, endpoint, "signed in");
        let (person, number) = hub.people.enter(&user, |person, locked| {
            let number = locked.open(hub, &endpoint, mailbox);
            hub.start(person, locked);
            (person.clone(), number)
        });
        (Self { hub: hub.clone(), person, user, endpoint, number, talks: false }, mail)
    }

    pub(super) fn talking(
        hub: &Arc<Hub>,
        user: Address,
        endpoint: String,
        with: Vec<Address>,
        entry: Option<&Entry>,
    ) -> (Self, Mails) {
        let (mailbox, mail) = mailbox(entry);
        let (person, number) = hub.people.enter(&user, |person, locked| {
            (person.clone(), locked.open_talk(hub, &endpoint, with, mailbox))
        });
        (Self { hub: hub.clone(), person, user, endpoint, number, talks: true }, mail)
    }

    /// Replaces the people of a conversation.
    pub fn talk_with(&self, with: Vec<Address>) {
        self.hub.with(&self.person, |person| person.talk_with(&self.hub, self.number, with));
    }

    /// Says whether the session's client [takes](crosstalk_core::Engine::takes_texts) what people
    /// say. At first it does not; a conversation always does.
    pub fn takes_texts(&self, takes: bool) {
        self.hub.with(&self.person, |person| person.set_takes(self.number, takes));
    }

    /// Keeps a delivery that the session's engine [defers](crosstalk_core::Output::defer).
    pub fn hold(&self, envelope: Envelope, handed: DeliveryReceipt) {
        self.hub.hold(&self.person, self.number, envelope, handed);
    }

    /// Takes what the session's engine emitted: `Presence`, `Send`, `Roster` and `Unshown`; the
    /// other events are the session's own business. Never blocks; what exceeds a bound fails
    /// towards the client.
    pub fn take(&self, event: Event) {
        self.hub.with(&self.person, |person| person.take(&self.hub, self.number, event));
    }

    /// For how long no more of what the client says is to be read, since the person has said so
    /// much. To be asked again then.
    pub fn pause(&self) -> Option<Duration> {
        lock(&self.person).pause(&self.hub, self.number)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.talks {
            tracing::info!(user = %self.user, self.endpoint, "signed out");
        }
        self.hub.with(&self.person, |person| person.close(&self.hub, self.number));
        if self.talks {
            self.hub.people.leave(&self.person);
        }
    }
}

impl Person {
    /// Sends something in the person's name, if the person may.
    pub(super) fn send(&mut self, hub: &Hub, number: u64, outgoing: Outgoing) {
        if outgoing.to.is_control() {
            return self.command(hub, number, outgoing);
        }
        let refusal = self.refusal(hub, &outgoing);
        if refusal.is_none() && matches!(outgoing.body, Body::Contact(_)) {
            return self.consent(hub, Some(number), outgoing);
        }
        let envelope = self.envelope(outgoing);
        if let Some(why) = refusal {
            return self.undelivered(hub, &envelope, Some(number), why);
        }
        let no_copy = envelope.details.as_ref().is_some_and(|details| details.no_copy);
        if matches!(envelope.body, Body::Text { .. }) && !no_copy {
            self.carbon(hub, number, &envelope);
        }
        self.queue(hub, envelope, Some(number));
    }

    /// Shows the person's other sessions what one of them said.
    pub(super) fn carbon(&self, hub: &Hub, number: u64, envelope: &Envelope) {
        // The session that a conversation belongs to has said it, as far as its client knows.
        let of_talk = self.talk_endpoint(number);
        let others = self.sessions.iter().filter(|s| s.number != number);
        for other in others.filter(|s| Some(&*s.endpoint) != of_talk) {
            other.try_send(hub, Mail::Carbon(envelope.clone()));
        }
    }

    /// The sender and the time are the gateway's to say.
    pub(super) fn envelope(&self, outgoing: Outgoing) -> Envelope {
        let Outgoing { id, to, body, details } = outgoing;
        Envelope { id, from: self.user.clone(), to, sent_at: now(), body, details }
    }

    fn refusal(&mut self, hub: &Hub, outgoing: &Outgoing) -> Option<Failure> {
        if self.sessions.is_empty() {
            return Some(Failure::Offline);
        }
        if hub.names.network(outgoing.to.network()).is_none() {
            return Some(Failure::NoSuchUser);
        }
        let blocked = self.contact(&outgoing.to).is_some_and(|c| c.blocked);
        // Presence goes to whom it was granted, never to whom a client addresses it.
        let presence = matches!(outgoing.body, Body::Presence(_));
        // Clients acknowledge on their own, and would give away who is invisible.
        let receipt = matches!(outgoing.body, Body::Receipt { .. });
        if outgoing.to == self.user || blocked || presence || receipt && !self.shown.is_online() {
            return Some(Failure::Refused);
        }
        let now = Instant::now();
        match outgoing.body {
            Body::Contact(_) => drop(self.requests.owe(now, strangers::REQUESTS, 1)),
            Body::Typing(_) | Body::Receipt { .. } => {
                // Nobody misses one of very many.
                if !self.signals.take(now, strangers::SIGNALS, 1) {
                    hub.counters.flood.add();
                    return Some(Failure::Busy);
                }
            }
            _ => drop(self.speech.owe(now, hub.options.pace, 1)),
        }
        None
    }

    /// How long no more of what a session's client says is to be read: until what was said is
    /// made up for, or has left.
    fn pause(&self, hub: &Hub, number: u64) -> Option<Duration> {
        let now = Instant::now();
        let much = self.mailbox(number).map(Mailbox::aside).is_some_and(|(bytes, is_much)| {
            is_much && mail::is_much(bytes.saturating_sub(self.held_bytes(number)))
        });
        let many = much || self.todo.outbox.len() >= MANY || self.waiting.len() >= MANY;
        let speech = self.speech.debt(now, hub.options.pace);
        let requests = self.requests.debt(now, strangers::REQUESTS);
        [speech, requests, many.then_some(AGAIN)].into_iter().flatten().max()
    }
}
