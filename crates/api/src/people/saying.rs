//! Saying something, and hearing what became of it.

use std::time::Duration;

use crosstalk_core::{Address, Body, Details, EnvelopeId, Event, Failure, Outgoing};
use tokio::sync::oneshot;

use super::Person;
use crate::lock::lock;

/// Longest wait to hear what became of a message: more than a gateway waits for another one.
const PATIENCE: Duration = Duration::from_secs(20);

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A client of its receiver has it.
    Delivered,
    /// It is on disk until its receiver has it, or it is reported.
    Kept,
    /// It did not arrive.
    Undelivered(Failure),
    /// It is under way. What becomes of it is an event, if it fails.
    Pending,
}

impl Person {
    /// Says something, and waits for what becomes of it.
    pub(crate) async fn say(
        &self,
        id: EnvelopeId,
        to: Address,
        body: Body,
        details: Option<Box<Details>>,
    ) -> Said {
        let (tell, mut told) = oneshot::channel();
        lock(&self.inner).outcomes.insert(id, tell);
        let waiting = Waiting { person: self, id };
        self.handle.take(Event::Send(Outgoing { id, to, body, details }));
        if let Ok(Ok(said)) = tokio::time::timeout(PATIENCE, &mut told).await {
            return said;
        }
        if waiting.give_up() {
            return Said::Pending;
        }
        // Somebody took it to tell this very moment, and no event will.
        told.await.unwrap_or(Said::Pending)
    }

    /// Does something of which nobody hears what became of it.
    pub(crate) fn tell(&self, id: EnvelopeId, to: Address, body: Body) {
        self.handle.take(Event::Send(Outgoing { id, to, body, details: None }));
    }

    /// Tells the call that waits for it what became of a message. Returns whether one did.
    pub(super) fn settle(&self, id: EnvelopeId, said: Said) -> bool {
        let waiting = lock(&self.inner).outcomes.remove(&id);
        waiting.is_some_and(|waiting| waiting.send(said).is_ok())
    }
}

/// A call that waits to hear what became of a message. When it is dropped, nobody waits: what fails
/// then is an event.
struct Waiting<'a> {
    person: &'a Person,
    id: EnvelopeId,
}

impl Waiting<'_> {
    /// Waits no longer. Returns whether nobody has begun to tell.
    fn give_up(&self) -> bool {
        lock(&self.person.inner).outcomes.remove(&self.id).is_some()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.give_up();
    }
}
