//! What the router puts into the mailbox of a session.

use std::future::Future;
use std::time::Duration;

use crosstalk_core::{Contact, Envelope, EnvelopeId, Failure, Roster};
use tokio::sync::mpsc;

/// The most mail that waits for one session; what comes on top fails as [`Failure::Busy`].
pub const MAILBOX: usize = 256;

/// A session's mail, boxed, since the queue keeps room for 32 pieces however few there are.
pub type Mails = mpsc::Receiver<Box<Mail>>;

/// How long a session may take to write one delivery to its client; less than the overlay
/// gives the whole way.
const PATIENCE: Duration = Duration::from_secs(8);

/// One thing for the engine of a session, in the words of [`crosstalk_core::Input`].
#[derive(Debug)]
pub enum Mail {
    /// [`crosstalk_core::Input::Roster`].
    Roster(Roster),
    /// [`crosstalk_core::Input::Changed`].
    Changed(Contact),
    /// [`crosstalk_core::Input::Deliver`], to be confirmed.
    Deliver(Envelope, Handed),
    /// [`crosstalk_core::Input::Delivered`].
    Delivered(EnvelopeId),
    /// [`crosstalk_core::Input::Carbon`].
    Carbon(Envelope),
}

/// A session's side of a delivery. Dropped without [`done`](Handed::done), the delivery failed.
#[derive(Debug, Default)]
pub struct Handed(Option<mpsc::Sender<()>>);

impl Handed {
    /// Whether anybody waits for the delivery.
    pub(crate) fn is_awaited(&self) -> bool {
        self.0.as_ref().is_some_and(|delivery| !delivery.is_closed())
    }

    /// The engine took the envelope and the bytes it made of it are on the way to the client.
    pub fn done(self) {
        if let Some(delivery) = self.0 {
            // A full channel says that another session of the person was faster.
            let _ = delivery.try_send(());
        }
    }
}

/// The router's side of a delivery to any number of sessions.
pub(crate) struct Delivery {
    done: mpsc::Receiver<()>,
    handle: mpsc::Sender<()>,
}

impl Delivery {
    pub(crate) fn new() -> Self {
        let (handle, done) = mpsc::channel(1);
        Self { done, handle }
    }

    /// A handle for one more session.
    pub(crate) fn handed(&self) -> Handed {
        Handed(Some(self.handle.clone()))
    }

    /// Waits until one session is done. Fails when all have dropped their handles, or have had
    /// long enough.
    pub(crate) fn outcome(self) -> impl Future<Output = Result<(), Failure>> + Send + 'static {
        let Self { mut done, handle } = self;
        drop(handle);
        async move {
            match tokio::time::timeout(PATIENCE, done.recv()).await {
                Ok(Some(())) => Ok(()),
                Ok(None) => Err(Failure::Offline),
                Err(_) => Err(Failure::Busy),
            }
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
    async fn a_session_that_never_writes_is_not_waited_for_long() {
        let delivery = Delivery::new();
        let stuck = delivery.handed();
        assert_eq!(delivery.outcome().await, Err(Failure::Busy));
        stuck.done();
    }
}
