//! Mail that the router puts into the mailbox of a session.

mod mailbox;

use std::fmt;
use std::sync::Arc;

use crosstalk_router::{SessionId, Ticket};

pub use crosstalk_router::Fate;
pub use mailbox::{MAILBOX, MAILBOX_BYTES, Mails};
pub(crate) use mailbox::{Mailbox, mailbox};

/// One thing for the engine of a session.
pub type Mail = crosstalk_router::Mail<DeliveryReceipt>;

/// A session's side of a delivery. Dropped without [`done`](DeliveryReceipt::done), the session did
/// not show it.
#[derive(Default)]
pub struct DeliveryReceipt(Option<Unsettled>);

struct Unsettled {
    account: Arc<dyn Settle>,
    session: SessionId,
    delivery: Ticket,
}

/// Account that settles deliveries. Takes the account's lock.
pub(crate) trait Settle: Send + Sync {
    /// A session shows a delivery, or does not.
    fn settle(self: Arc<Self>, session: SessionId, delivery: Ticket, shown: bool);
}

impl DeliveryReceipt {
    pub(crate) fn new(account: Arc<dyn Settle>, session: SessionId, delivery: Ticket) -> Self {
        Self(Some(Unsettled { account, session, delivery }))
    }

    /// Whether anybody waits for the delivery.
    pub const fn is_awaited(&self) -> bool {
        self.0.is_some()
    }

    /// The engine took the envelope and the bytes it made of it are on the way to the client.
    pub fn done(mut self) {
        self.settle(true);
    }

    /// The delivery's name.
    pub(crate) fn delivery(&self) -> Option<Ticket> {
        self.0.as_ref().map(|unsettled| unsettled.delivery)
    }

    /// The delivery's name, for an account that goes on with it.
    pub(crate) fn into_delivery(mut self) -> Option<Ticket> {
        self.0.take().map(|unsettled| unsettled.delivery)
    }

    fn settle(&mut self, shown: bool) {
        if let Some(Unsettled { account, session, delivery }) = self.0.take() {
            account.settle(session, delivery, shown);
        }
    }
}

impl Drop for DeliveryReceipt {
    fn drop(&mut self) {
        self.settle(false);
    }
}

impl fmt::Debug for DeliveryReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeliveryReceipt").field(&self.delivery()).finish()
    }
}
