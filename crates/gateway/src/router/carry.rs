//! Carrying what people say to wherever the others are.

use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Address, Body, Failure, Presence};
use crosstalk_overlay::{Fate, GatewayId, Message};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::begun::{Attempt, Begun};
use super::people::Shared;
use super::work::Outbound;
use super::{Hub, lock};

/// How long after a failure on the way the same is tried again, and how often.
const AGAIN: Duration = Duration::from_secs(2);
const TRIES: u8 = 5;

impl Hub {
    /// Begins sending `message`, to people here without any network.
    pub(super) fn begin_sending(self: &Arc<Self>, to: GatewayId, message: Message) -> Attempt {
        if to != self.here {
            let overlay = self.overlay.clone();
            return Begun::new(async move { overlay.send(&to, message).await });
        }
        self.receive(to, message)
    }

    /// Begins carrying an envelope to wherever its receiver is; the end is waited for in a task
    /// of its own.
    pub(super) async fn carry(self: &Arc<Self>, person: &Shared, outbound: Outbound) {
        let speaking = lock(person).speaking.clone();
        let Ok(permit) = speaking.acquire_owned().await else { return };
        match outbound.envelope.body {
            Body::Receipt { .. } | Body::Presence(_) => {
                self.send_on(person, outbound, permit).await;
            }
            _ => self.post(person, outbound, permit),
        }
    }

    /// Gives to the overlay what must not get lost, which it keeps where it may, and whatever
    /// else must not overtake that.
    fn post(self: &Arc<Self>, person: &Shared, outbound: Outbound, permit: OwnedSemaphorePermit) {
        let Outbound { envelope, from_session, tries, aside } = outbound;
        let may_keep = lock(person).may_keep(&envelope);
        let (hub, person) = (self.clone(), person.clone());
        let (overlay, posted) = (self.overlay.clone(), envelope.clone());
        let posting = Begun::new(async move { overlay.post(posted, may_keep).await });
        self.runtime.spawn(async move {
            let result = posting.end().await;
            drop(permit);
            match result {
                Ok(fate) => hub.with(&person, |p| {
                    p.delivered(&hub, &envelope, from_session);
                    if fate == (Fate::Kept { first: true }) {
                        p.is_kept(&hub, &envelope, from_session);
                    }
                }),
                Err(why) => {
                    let outbound = Outbound { envelope, from_session, tries, aside };
                    hub.failed(&person, outbound, why).await;
                }
            }
        });
    }

    /// Sends what is of no use later, and may overtake.
    async fn send_on(
        self: &Arc<Self>,
        person: &Shared,
        outbound: Outbound,
        permit: OwnedSemaphorePermit,
    ) {
        let Outbound { envelope, from_session, aside, .. } = outbound;
        let gateways = self.overlay.locate(&envelope.to).await;
        let attempts: Vec<_> = gateways
            .into_iter()
            .map(|at| self.begin_sending(at, Message::Envelope(envelope.clone())))
            .collect();
        let (hub, person) = (self.clone(), person.clone());
        self.runtime.spawn(async move {
            let result = best(attempts).await;
            drop((permit, aside));
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
        let Outbound { envelope, from_session, tries, aside } = outbound;
        let consent = matches!(envelope.body, Body::Contact(_));
        if consent && is_passing(why) && tries < TRIES {
            tokio::time::sleep(AGAIN).await;
            let again = Outbound { envelope, from_session, tries: tries + 1, aside };
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

    /// Tells a gateway whose texts for the person were not taken that they are now. One that does
    /// not hear it tries again by itself.
    pub(super) async fn wake(self: &Arc<Self>, person: &Shared, gateway: GatewayId) {
        let (of, telling) = telling(person);
        let Ok(permit) = telling.acquire_owned().await else { return };
        let message = Message::Presence { of, presence: Presence::offline(), to: Vec::new() };
        let attempt = self.begin_sending(gateway, message);
        self.runtime.spawn(async move {
            let _ = attempt.end().await;
            drop(permit);
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

fn telling(person: &Shared) -> (Address, Arc<Semaphore>) {
    let person = lock(person);
    (person.user.clone(), person.telling.clone())
}

/// One success is enough; else a failure that says more than that the person is not there, and
/// before all others that it may have arrived.
async fn best(attempts: Vec<Attempt>) -> Result<(), Failure> {
    let mut result = Err(Failure::Offline);
    for attempt in attempts {
        match attempt.end().await {
            Ok(()) => result = Ok(()),
            Err(why) if result == Err(Failure::Offline) => result = Err(why),
            Err(Failure::Unconfirmed) if result.is_err() => result = Err(Failure::Unconfirmed),
            Err(_) => {}
        }
    }
    result
}

/// Whether the same may succeed a little later.
const fn is_passing(why: Failure) -> bool {
    matches!(why, Failure::Unreachable | Failure::Unconfirmed | Failure::Busy)
}
