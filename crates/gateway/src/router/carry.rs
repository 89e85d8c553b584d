//! Carrying what people say to wherever the others are.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crosstalk_core::{Address, Body, Consent, Contact, Envelope, Failure, Presence, Standing};
use crosstalk_overlay::{Fate, GatewayId, Message};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::notes::try_send;
use super::people::Shared;
use super::person::Person;
use super::work::Outbound;
use super::{Hub, lock};
use crate::mail::{Handed, Mail};

/// The most messages that wait to leave; what comes on top fails as [`Failure::Busy`].
const OUTBOX: usize = 256;
/// The same for steps of consent, of which a client that imports a list says many.
const CONSENT_OUTBOX: usize = 4096;
/// How long after a failure on the way the same is tried again, and how often.
const AGAIN: Duration = Duration::from_secs(2);
const TRIES: u8 = 5;

/// An attempt at a delivery. It began when it was made, so that what is said first leaves
/// first; waiting for its end is another matter.
pub(super) enum Attempt {
    Settled(Result<(), Failure>),
    UnderWay(Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>),
}

impl Attempt {
    /// Starts `attempt`.
    pub(super) fn begin(
        attempt: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> Self {
        let mut attempt: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(attempt);
        match attempt.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Self::Settled(result),
            Poll::Pending => Self::UnderWay(attempt),
        }
    }

    pub(super) async fn end(self) -> Result<(), Failure> {
        match self {
            Self::Settled(result) => result,
            Self::UnderWay(attempt) => attempt.await,
        }
    }
}

impl Hub {
    /// Begins sending `message`, to people here without any network.
    pub(super) fn begin_sending(self: &Arc<Self>, to: GatewayId, message: Message) -> Attempt {
        if to != self.here {
            let overlay = self.overlay.clone();
            return Attempt::begin(async move { overlay.send(&to, message).await });
        }
        self.receive(to, message)
    }

    /// Begins carrying an envelope to wherever its receiver is; the end is waited for in a task
    /// of its own.
    pub(super) async fn carry(self: &Arc<Self>, person: &Shared, outbound: Outbound) {
        let speaking = lock(person).speaking.clone();
        let Ok(permit) = speaking.acquire_owned().await else { return };
        match outbound.envelope.body {
            Body::Text { auto: false, .. } | Body::Contact(_) => {
                self.post(person, outbound, permit);
            }
            _ => self.send_on(person, outbound, permit).await,
        }
    }

    /// Gives what must not get lost to the overlay, which keeps it where it may.
    fn post(self: &Arc<Self>, person: &Shared, outbound: Outbound, permit: OwnedSemaphorePermit) {
        let Outbound { envelope, from_session, tries } = outbound;
        let may_keep = lock(person).may_keep(&envelope);
        let (hub, person) = (self.clone(), person.clone());
        let (overlay, posted) = (self.overlay.clone(), envelope.clone());
        let mut posting = Box::pin(async move { overlay.post(posted, may_keep).await });
        // What is said first is posted first.
        let at_once = match posting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        };
        self.runtime.spawn(async move {
            let result = match at_once {
                Some(result) => result,
                None => posting.await,
            };
            drop(permit);
            match result {
                Ok(fate) => hub.with(&person, |p| {
                    p.delivered(&hub, &envelope, from_session);
                    if fate == (Fate::Kept { first: true }) {
                        p.is_kept(&hub, &envelope, from_session);
                    }
                }),
                Err(why) => {
                    let outbound = Outbound { envelope, from_session, tries };
                    hub.failed(&person, outbound, why).await;
                }
            }
        });
    }

    /// Sends what is of no use later.
    async fn send_on(
        self: &Arc<Self>,
        person: &Shared,
        outbound: Outbound,
        permit: OwnedSemaphorePermit,
    ) {
        let Outbound { envelope, from_session, .. } = outbound;
        let gateways = self.overlay.locate(&envelope.to).await;
        let attempts: Vec<_> = gateways
            .into_iter()
            .map(|at| self.begin_sending(at, Message::Envelope(envelope.clone())))
            .collect();
        let (hub, person) = (self.clone(), person.clone());
        self.runtime.spawn(async move {
            let result = best(attempts).await;
            drop(permit);
            match result {
                Ok(()) => hub.with(&person, |p| p.delivered(&hub, &envelope, from_session)),
                Err(why) => {
                    hub.with(&person, |p| p.undelivered(&hub, &envelope, from_session, why));
                }
            }
        });
    }

    /// Nothing will come of an envelope any more, unless it is worth another try from the start.
    async fn failed(self: &Arc<Self>, person: &Shared, outbound: Outbound, why: Failure) {
        let Outbound { envelope, from_session, tries } = outbound;
        let consent = matches!(envelope.body, Body::Contact(_));
        if consent && is_passing(why) && tries < TRIES {
            tokio::time::sleep(AGAIN).await;
            let again = Outbound { envelope, from_session, tries: tries + 1 };
            self.with(person, |p| p.queue_again(again));
        } else {
            self.with(person, |p| p.undelivered(self, &envelope, from_session, why));
        }
    }

    /// Begins telling a gateway of the person's presence; tried again while it matters.
    pub(super) async fn tell(
        self: &Arc<Self>,
        person: &Shared,
        gateway: GatewayId,
        presence: Presence,
        to: Vec<Address>,
    ) {
        let (of, telling) = telling(person);
        let Ok(permit) = telling.acquire_owned().await else { return };
        let message = Message::Presence { of, presence, to: to.clone() };
        let attempt = self.begin_sending(gateway, message);
        let (hub, person) = (self.clone(), person.clone());
        self.runtime.spawn(async move {
            let result = attempt.end().await;
            drop(permit);
            match result {
                Err(why) if is_passing(why) => {
                    tokio::time::sleep(AGAIN).await;
                    hub.with(&person, |p| p.tell_again(gateway, to));
                }
                Err(_) => hub.with(&person, |p| p.unsubscribe(gateway, &to)),
                Ok(()) => {}
            }
        });
    }

    /// Asks a gateway to tell the person of a contact's presence.
    pub(super) async fn ask(self: &Arc<Self>, person: &Shared, of: Address, at: GatewayId) {
        let (user, telling) = telling(person);
        let Ok(permit) = telling.acquire_owned().await else { return };
        let attempt = self.begin_sending(at, Message::Probe { of: of.clone(), by: vec![user] });
        let (hub, person) = (self.clone(), person.clone());
        self.runtime.spawn(async move {
            let result = attempt.end().await;
            drop(permit);
            if result.is_err_and(is_passing) {
                tokio::time::sleep(AGAIN).await;
                hub.with(&person, |p| p.todo.seek.insert(of));
            }
        });
    }

    /// Finds a contact, and goes on as if it had just arrived wherever it is.
    pub(super) async fn seek(self: &Arc<Self>, person: &Shared, contact: Address) {
        let (_, telling) = telling(person);
        let Ok(permit) = telling.acquire_owned().await else { return };
        let (hub, person) = (self.clone(), person.clone());
        self.runtime.spawn(async move {
            let places = hub.overlay.locate(&contact).await;
            drop(permit);
            hub.with(&person, |p| places.iter().for_each(|at| p.arrived(&hub, &contact, *at)));
        });
    }
}

impl Person {
    /// Puts an envelope into the outbox. A step of consent replaces an earlier one in the same
    /// direction that still waits.
    pub(super) fn queue(&mut self, hub: &Hub, envelope: Envelope, from_session: Option<u64>) {
        let outbox = &mut self.todo.outbox;
        let most = match &envelope.body {
            Body::Contact(step) => {
                outbox.retain(|o| !(o.envelope.to == envelope.to && is_superseded(o, step)));
                CONSENT_OUTBOX
            }
            _ => OUTBOX,
        };
        if outbox.len() >= most {
            hub.counters.outbox.add();
            return self.undelivered(hub, &envelope, from_session, Failure::Busy);
        }
        if is_message(&envelope.body) {
            hub.counters.sent.add();
        }
        outbox.push_back(Outbound { envelope, from_session, tries: 0 });
    }

    /// Says a step of consent once more, if that is still how things stand.
    fn queue_again(&mut self, outbound: Outbound) {
        let Body::Contact(step) = &outbound.envelope.body else { return };
        let contact = self.contact(&outbound.envelope.to);
        let is_meant = match step {
            Consent::Request(_) => contact.is_some_and(|c| matches!(c.to, Standing::Asked(_))),
            Consent::Cancel => contact.is_none_or(|c| c.to == Standing::None),
            Consent::Grant => contact.is_some_and(|c| c.from == Standing::Granted),
            Consent::Revoke => contact.is_none_or(|c| c.from == Standing::None),
        };
        if is_meant {
            self.todo.outbox.push_back(outbound);
        }
    }

    /// Whether an envelope may wait for its receiver: words only between people of whom one lets
    /// the other see the own presence, so that strangers fill no disks.
    fn may_keep(&self, envelope: &Envelope) -> bool {
        let known = |c: &Contact| [&c.to, &c.from].contains(&&Standing::Granted);
        matches!(envelope.body, Body::Contact(_)) || self.contact(&envelope.to).is_some_and(known)
    }

    /// Tells the session that said it, in the conversation, that it waits for its receiver. What
    /// is said after it waits too, without another word.
    fn is_kept(&mut self, hub: &Hub, envelope: &Envelope, from_session: Option<u64>) {
        if !matches!(envelope.body, Body::Text { .. }) {
            return;
        }
        let text = crosstalk_services::kept(&self.spelling(hub, &envelope.to)).into();
        let notice = Body::Text { text, auto: true };
        let notice = hub.envelope(envelope.to.clone(), self.user.clone(), notice);
        self.say_in_conversation(hub, &notice, from_session);
    }

    /// Tells the session that said it, or all if that one is gone, that it did not arrive; of
    /// what a person would not miss, nothing is said.
    pub(super) fn undelivered(
        &mut self,
        hub: &Hub,
        envelope: &Envelope,
        from_session: Option<u64>,
        why: Failure,
    ) {
        let final_refusal = matches!(why, Failure::NoSuchUser | Failure::Refused);
        let missed = match &envelope.body {
            Body::Contact(Consent::Request(_)) => final_refusal,
            body => is_message(body),
        };
        if !missed {
            return;
        }
        hub.counters.undelivered.add();
        let body = Body::Undelivered { of: envelope.id, why };
        let report = hub.envelope(envelope.to.clone(), self.user.clone(), body);
        self.say_in_conversation(hub, &report, from_session);
    }

    /// Delivers something about a conversation to the session that has it, or to all if that one
    /// is gone.
    fn say_in_conversation(&self, hub: &Hub, envelope: &Envelope, session: Option<u64>) {
        match session.and_then(|number| self.mailbox(number)) {
            Some(mailbox) => {
                try_send(hub, mailbox, Mail::Deliver(envelope.clone(), Handed::default()));
            }
            None => {
                self.deliver_to_all(hub, envelope, Default::default);
            }
        }
    }

    /// Those of `to` that are still subscribed are told once more.
    fn tell_again(&mut self, gateway: GatewayId, mut to: Vec<Address>) {
        let subscribed = self.subscribers.get(&gateway);
        to.retain(|w| subscribed.is_some_and(|s| s.contains(w)));
        if !to.is_empty() {
            self.todo.tell.entry(gateway).or_default().extend(to);
        }
    }
}

fn telling(person: &Shared) -> (Address, Arc<Semaphore>) {
    let person = lock(person);
    (person.user.clone(), person.telling.clone())
}

/// One success is enough; else a failure that says more than that the person is not there.
async fn best(attempts: Vec<Attempt>) -> Result<(), Failure> {
    let mut result = Err(Failure::Offline);
    for attempt in attempts {
        match attempt.end().await {
            Ok(()) => result = Ok(()),
            Err(why) if result == Err(Failure::Offline) => result = Err(why),
            Err(_) => {}
        }
    }
    result
}

/// Whether the same may succeed a little later.
const fn is_passing(why: Failure) -> bool {
    matches!(why, Failure::Unreachable | Failure::Busy)
}

/// Whether a person said this to a person, and wants to know if it was in vain.
pub(super) const fn is_message(body: &Body) -> bool {
    matches!(body, Body::Text { auto: false, .. } | Body::Attention)
}

fn is_superseded(waiting: &Outbound, by: &Consent) -> bool {
    let asks = |step: &Consent| matches!(step, Consent::Request(_) | Consent::Cancel);
    matches!(&waiting.envelope.body, Body::Contact(step) if asks(step) == asks(by))
}
