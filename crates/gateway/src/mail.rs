//! What the router puts into the mailbox of a session.

mod mailbox;
pub(crate) mod weight;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crosstalk_core::{Contact, Envelope, EnvelopeId, Failure, Roster};
use tokio::sync::mpsc;

pub(crate) use mailbox::{Aside, Mailbox, is_much, mailbox};
pub use mailbox::{MAILBOX, MAILBOX_BYTES, Mails};

/// How long a delivery may wait for a session to begin with it; less than the overlay gives the
/// whole way.
const PATIENCE: Duration = Duration::from_secs(8);

/// One thing for the engine of a session, in the words of [`crosstalk_core::Input`].
#[derive(Debug)]
pub enum Mail {
    /// [`crosstalk_core::Input::Roster`].
    Roster(Roster),
    /// [`crosstalk_core::Input::Changed`].
    Changed(Contact),
    /// [`crosstalk_core::Input::Deliver`], to be confirmed.
    Deliver(Envelope, DeliveryReceipt),
    /// [`crosstalk_core::Input::Delivered`].
    Delivered(EnvelopeId),
    /// [`crosstalk_core::Input::Carbon`].
    Carbon(Envelope),
}

/// A session's side of a delivery. Dropped without [`done`](DeliveryReceipt::done), the delivery failed.
#[derive(Debug, Default)]
pub struct DeliveryReceipt(Option<Handle>);

#[derive(Clone, Debug)]
struct Handle {
    done: mpsc::Sender<()>,
    state: Arc<AtomicU8>,
}

/// Nobody has begun with it.
const WAITING: u8 = 0;
/// Some session gives it to its engine: it may be shown.
const TAKEN: u8 = 1;
/// It was given up before: it must not be shown any more.
const WITHDRAWN: u8 = 2;

impl DeliveryReceipt {
    /// Whether anybody waits for the delivery.
    pub(crate) fn is_awaited(&self) -> bool {
        self.0.as_ref().is_some_and(|handle| !handle.done.is_closed())
    }

    /// A session is about to give the envelope to its engine. Says whether that is still wanted.
    pub fn take(&self) -> bool {
        let Some(handle) = &self.0 else { return true };
        let (order, state) = (Ordering::AcqRel, &handle.state);
        let was = state.compare_exchange(WAITING, TAKEN, order, Ordering::Acquire);
        was != Err(WITHDRAWN)
    }

    /// The engine took the envelope and the bytes it made of it are on the way to the client.
    pub fn done(self) {
        if let Some(handle) = self.0 {
            // A full channel says that another session of the person was faster.
            let _ = handle.done.try_send(());
        }
    }
}

/// The router's side of a delivery to any number of sessions.
pub(crate) struct Delivery {
    done: mpsc::Receiver<()>,
    handle: Handle,
}

impl Delivery {
    pub(crate) fn new() -> Self {
        let (sender, done) = mpsc::channel(1);
        let state = Arc::new(AtomicU8::new(WAITING));
        Self { done, handle: Handle { done: sender, state } }
    }

    /// A handle for one more session.
    pub(crate) fn handed(&self) -> DeliveryReceipt {
        DeliveryReceipt(Some(self.handle.clone()))
    }

    /// Waits until one session is done. Fails when all have dropped their handles, or when none
    /// has begun with it for long enough; after that none will.
    pub(crate) fn outcome(self) -> impl Future<Output = Result<(), Failure>> + Send + 'static {
        let Self { mut done, handle: Handle { done: sender, state } } = self;
        drop(sender);
        async move {
            if let Ok(answer) = tokio::time::timeout(PATIENCE, done.recv()).await {
                return answer.ok_or(Failure::Offline);
            }
            let (order, failed) = (Ordering::AcqRel, Ordering::Acquire);
            if state.compare_exchange(WAITING, WITHDRAWN, order, failed).is_ok() {
                return Err(Failure::Busy);
            }
            // It may be shown at any moment, or the session ends for reading nothing.
            done.recv().await.ok_or(Failure::Offline)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_session_is_enough() {
        let delivery = Delivery::new();
        let (slow, quick) = (delivery.handed(), delivery.handed());
        quick.done();
        drop(slow);
        assert_eq!(delivery.outcome().await, Ok(()));
    }

    #[tokio::test]
    async fn a_delivery_that_every_session_dropped_has_failed() {
        let delivery = Delivery::new();
        drop((delivery.handed(), delivery.handed()));
        assert_eq!(delivery.outcome().await, Err(Failure::Offline));
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_session_began_with_in_time_is_never_shown() {
        let delivery = Delivery::new();
        let stuck = delivery.handed();
        assert_eq!(delivery.outcome().await, Err(Failure::Busy));
        assert!(!stuck.take());
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_has_begun_is_waited_for() {
        let delivery = Delivery::new();
        let slow = delivery.handed();
        assert!(slow.take());
        let outcome = tokio::spawn(delivery.outcome());
        tokio::time::sleep(PATIENCE * 2).await;
        slow.done();
        assert_eq!(outcome.await.unwrap(), Ok(()));
    }
}
