//! A semaphore of which every client has a share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client_origin::ClientOrigin;

/// Permits for something that costs, a share of them for each origin: whoever wants more than its
/// share waits behind itself, and keeps nobody else waiting.
pub(crate) struct FairSemaphore {
    all: Arc<Semaphore>,
    share: usize,
    origins: Mutex<HashMap<ClientOrigin, Arc<Semaphore>>>,
}

/// A permit, given back when it is dropped.
pub(crate) struct FairPermit<'a> {
    semaphore: &'a FairSemaphore,
    payer: ClientOrigin,
    own: Option<OwnedSemaphorePermit>,
    all: Option<OwnedSemaphorePermit>,
}

impl FairSemaphore {
    /// `all` permits, of which one origin has at most `share` at a time.
    pub(crate) fn new(all: usize, share: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), share, origins: Mutex::default() }
    }

    /// A permit for `origin`, once it has less than its share and one is free.
    pub(crate) async fn acquire(&self, origin: &ClientOrigin) -> FairPermit<'_> {
        let payer = origin.payer();
        let own = Arc::clone(
            self.lock()
                .entry(payer.clone())
                .or_insert_with(|| Arc::new(Semaphore::new(self.share))),
        );
        // Made first, so that a wait that is given up leaves no entry behind.
        let mut permit = FairPermit { semaphore: self, payer, own: None, all: None };
        // Neither is ever closed. Its own comes first: who waits for that must hold no other.
        permit.own = own.acquire_owned().await.ok();
        permit.all = Arc::clone(&self.all).acquire_owned().await.ok();
        permit
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ClientOrigin, Arc<Semaphore>>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for FairPermit<'_> {
    fn drop(&mut self) {
        self.all = None;
        self.own = None;
        let mut origins = self.semaphore.lock();
        // Whoever else has a permit or waits for one holds the semaphore too.
        if origins.get(&self.payer).is_some_and(|own| Arc::strong_count(own) == 1) {
            origins.remove(&self.payer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use tokio::time::timeout;

    fn origin(last: u8) -> ClientOrigin {
        ClientOrigin::of([192, 0, 2, last].into())
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_wants_more_than_its_share_waits_and_keeps_nobody_waiting() {
        let semaphore = FairSemaphore::new(3, 2);
        let (greedy, other) = (origin(1), origin(2));
        let soon = Duration::from_secs(1);
        let first = semaphore.acquire(&greedy).await;
        let _second = semaphore.acquire(&greedy).await;
        assert!(timeout(soon, semaphore.acquire(&greedy)).await.is_err());
        let third = timeout(soon, semaphore.acquire(&other)).await.unwrap();
        drop(first);
        let _again = timeout(soon, semaphore.acquire(&greedy)).await.unwrap();
        drop(third);
        assert_eq!(semaphore.lock().len(), 1, "who has nothing and waits for nothing is forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn users_of_one_address_have_a_share_each() {
        let semaphore = FairSemaphore::new(9, 1);
        let [ann, ben] = ["ann", "ben"].map(|n| ClientOrigin { user: Some(n.into()), ..origin(1) });
        let elsewhere = ClientOrigin { user: Some("ann".into()), ..origin(2) };
        let _ann = semaphore.acquire(&ann).await;
        let soon = Duration::from_secs(1);
        assert!(timeout(soon, semaphore.acquire(&ben)).await.is_ok());
        assert!(timeout(soon, semaphore.acquire(&elsewhere)).await.is_err());
    }
}
