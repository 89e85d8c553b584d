//! What arrives for people here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Envelope, Failure, Presence};
use crosstalk_overlay::{GatewayId, Message};

use super::Hub;
use super::begun::{Attempt, Begun};
use super::notes::try_send;
use super::people::Shared;
use super::person::Person;
use super::strangers::{deed, is_friend};
use crate::mail::{Delivery, Mail};

/// How long the lists of one person at several gateways may differ.
const DOUBT: Duration = Duration::from_secs(3);
/// How long until it is looked again whether somebody who signs on takes texts now.
const AGAIN: Duration = Duration::from_millis(50);

/// What became of an arrival.
enum Arrival {
    Settled(Result<(), Failure>),
    /// In mailboxes.
    Waiting(Delivery),
    /// The person just signs on, and no client takes it yet.
    TooEarly,
}

impl Hub {
    /// Acts on what a gateway, which may be this one, says about people here.
    pub(super) fn receive(self: &Arc<Self>, gateway: GatewayId, message: Message) -> Attempt {
        match message {
            Message::Envelope(envelope) => self.deliver(gateway, &envelope),
            Message::Presence { of, presence, to } => {
                Begun::Ended(self.show(gateway, &of, &presence, &to))
            }
            Message::Probe { of, by } => Begun::Ended(self.probe(gateway, &of, &by)),
            Message::Report { of, from, to, why } => {
                let body = Body::Undelivered { of, why };
                self.counters.undelivered.add();
                self.deliver(gateway, &self.envelope(to, from, body))
            }
        }
    }

    /// Delivers an envelope to a person here, and here only.
    fn deliver(self: &Arc<Self>, from: GatewayId, envelope: &Envelope) -> Attempt {
        let Some(person) = self.people.get(&envelope.to) else {
            return Begun::Ended(Err(Failure::Offline));
        };
        if let Some(attempt) = self.hand_over(&person, from, envelope) {
            return attempt;
        }
        // Its sender says nothing else to this person before the answer, so that order is kept.
        let (hub, envelope) = (self.clone(), envelope.clone());
        Begun::new(async move {
            loop {
                tokio::time::sleep(AGAIN).await;
                if let Some(attempt) = hub.hand_over(&person, from, &envelope) {
                    return attempt.end().await;
                }
            }
        })
    }

    /// Gives an envelope to the sessions of a person; nothing while the person just signs on.
    fn hand_over(
        self: &Arc<Self>,
        person: &Shared,
        from: GatewayId,
        envelope: &Envelope,
    ) -> Option<Attempt> {
        let (arrival, in_talk) = self
            .with(person, |p| (p.receive(self, from, envelope), !p.talks_for(envelope).is_empty()));
        let delivery = match arrival {
            Arrival::Settled(result) => return Some(Begun::Ended(result)),
            Arrival::Waiting(delivery) => delivery,
            Arrival::TooEarly => return None,
        };
        let again = in_talk.then(|| envelope.clone());
        let (hub, person) = (self.clone(), person.clone());
        Some(Begun::new(async move {
            let mut result = delivery.outcome().await;
            // The conversation may have ended with it, and the person is still there.
            if result == Err(Failure::Offline)
                && let Some(envelope) = again
                && let Some(delivery) = hub.with(&person, |p| p.receive_outside(&hub, &envelope))
            {
                result = delivery.outcome().await;
            }
            if result.is_ok() {
                hub.counters.delivered.add();
            }
            result
        }))
    }

    /// Shows people here a presence of somebody at `gateway`.
    fn show(
        self: &Arc<Self>,
        gateway: GatewayId,
        of: &Address,
        presence: &Presence,
        to: &[Address],
    ) -> Result<(), Failure> {
        if to.is_empty() {
            self.overlay.hurry(of);
            return Ok(());
        }
        let mut anybody = Err(Failure::Offline);
        for watcher in to.iter().filter_map(|w| self.people.get(w)) {
            self.with(&watcher, |p| {
                if p.is_here() {
                    anybody = Ok(());
                    p.hear(self, of, gateway, presence.clone());
                }
            });
        }
        anybody
    }

    /// People at `gateway` want to see somebody here.
    fn probe(
        self: &Arc<Self>,
        gateway: GatewayId,
        of: &Address,
        by: &[Address],
    ) -> Result<(), Failure> {
        let person = self.people.get(of).ok_or(Failure::Offline)?;
        self.with(&person, |p| {
            if !p.is_here() {
                return Err(Failure::Offline);
            }
            for watcher in by {
                if p.probed(gateway, watcher) {
                    self.runtime.spawn(doubt(self.clone(), person.clone(), watcher.clone()));
                }
            }
            Ok(())
        })
    }
}

/// Refuses a watcher once a grant given at another gateway would have become known here.
async fn doubt(hub: Arc<Hub>, person: Shared, watcher: Address) {
    tokio::time::sleep(DOUBT).await;
    hub.with(&person, |p| p.refuse(&hub, &watcher));
}

impl Person {
    fn receive(&mut self, hub: &Hub, from: GatewayId, envelope: &Envelope) -> Arrival {
        let takes = self.sessions.iter().any(|s| s.takes);
        let hears = takes && self.is_here();
        if envelope.body.is_said() && !hears && self.is_arriving(Instant::now()) {
            return Arrival::TooEarly;
        }
        if !self.is_here() {
            return Arrival::Settled(Err(Failure::Offline));
        }
        if self.contact(&envelope.from).is_some_and(|c| c.blocked) {
            hub.counters.blocked.add();
            return Arrival::Settled(Err(Failure::Blocked));
        }
        if envelope.from.is_control() {
            return Arrival::Settled(Err(Failure::Refused));
        }
        if envelope.body.needs_reader() && !takes {
            self.turned_away.insert(from);
            return Arrival::Settled(Err(Failure::Offline));
        }
        // What a gateway tells its own people of what they said is owed to them.
        let is_owed = from == hub.here && matches!(envelope.body, Body::Undelivered { .. });
        if !is_owed
            && let Some(deed) = deed(&envelope.body)
            && !is_friend(self.contact(&envelope.from))
            && !hub.strangers.may(Instant::now(), &envelope.from, from, deed)
        {
            hub.counters.flood.add();
            return Arrival::Settled(Err(Failure::Busy));
        }
        match &envelope.body {
            Body::Text { .. } | Body::Attention | Body::Undelivered { .. } => {
                self.receive_message(hub, envelope)
            }
            Body::Typing(_) | Body::Receipt { .. } => {
                self.deliver_to_all(hub, envelope, None, Default::default);
                Arrival::Settled(Ok(()))
            }
            Body::Contact(step) => {
                let details = envelope.details.as_deref();
                Arrival::Settled(self.consented(hub, &envelope.from, step, details))
            }
            // Presence has a message of its own, which knows where it comes from.
            Body::Presence(_) => Arrival::Settled(Err(Failure::Refused)),
        }
    }

    /// Gives sessions what a conversation of theirs did not take: their clients open another one.
    fn receive_outside(&self, hub: &Hub, envelope: &Envelope) -> Option<Delivery> {
        let delivery = Delivery::new();
        let give = || Mail::Deliver(envelope.clone(), delivery.handed());
        let sessions = self.sessions.iter().filter(|s| s.takes);
        let given = sessions.filter(|s| try_send(hub, &s.mailbox, give())).count();
        (given > 0).then_some(delivery)
    }

    fn receive_message(&mut self, hub: &Hub, envelope: &Envelope) -> Arrival {
        let delivery = Delivery::new();
        if self.deliver_to_all(hub, envelope, None, || delivery.handed()) {
            return Arrival::Waiting(delivery);
        }
        Arrival::Settled(Err(Failure::Busy))
    }
}
