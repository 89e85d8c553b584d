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
        let (tell, told) = oneshot::channel();
        lock(&self.inner).outcomes.insert(id, tell);
        self.handle.take(Event::Send(Outgoing { id, to, body, details }));
        if let Ok(Ok(said)) = tokio::time::timeout(PATIENCE, told).await {
            return said;
        }
        lock(&self.inner).outcomes.remove(&id);
        Said::Pending
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
