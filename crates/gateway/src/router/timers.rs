//! Timers of accounts that want to be told that time has passed.
//!
//! One task for all of them, since most deadlines are of things that are done before: an account
//! is entered at most once for several of them, and taken out by none.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use tokio::sync::Notify;

use super::accounts::Slot;
use super::{RouterState, lock};

/// The accounts that have a deadline.
#[derive(Default)]
pub(super) struct Timers {
    entries: Mutex<BinaryHeap<Reverse<Timer>>>,
    /// There is an earlier one than the task waits for.
    earlier: Notify,
}

struct Timer {
    at: Instant,
    slot: Weak<Slot>,
}

impl Timers {
    /// Has an account told at `at` that time has passed.
    pub(super) fn add(&self, at: Instant, slot: Weak<Slot>) {
        let mut entries = lock(&self.entries);
        let is_first = entries.peek().is_none_or(|Reverse(first)| at < first.at);
        entries.push(Reverse(Timer { at, slot }));
        drop(entries);
        if is_first {
            self.earlier.notify_one();
        }
    }

    /// Has the task look whether the router is still there.
    pub(super) fn wake(&self) {
        self.earlier.notify_one();
    }

    fn next(&self) -> Option<Instant> {
        lock(&self.entries).peek().map(|Reverse(first)| first.at)
    }

    /// Takes out one that is due.
    fn due(&self, now: Instant) -> Option<Timer> {
        let mut entries = lock(&self.entries);
        if entries.peek()?.0.at > now {
            return None;
        }
        let due = entries.pop().map(|Reverse(due)| due);
        if entries.is_empty() {
            // Many sign on at once, and then nobody for long.
            *entries = BinaryHeap::new();
        }
        due
    }
}

/// Tells accounts that time has passed, as long as there is a router.
pub(super) async fn run(timers: Arc<Timers>, router: Weak<RouterState>) {
    loop {
        {
            let Some(state) = router.upgrade() else { return };
            while let Some(Timer { at, slot }) = timers.due(Instant::now()) {
                if let Some(slot) = slot.upgrade() {
                    state.time_has_come(&slot, at);
                }
            }
        }
        // Nothing of the router is held meanwhile; when it ends, it says so here.
        let earlier = timers.earlier.notified();
        match timers.next() {
            None => earlier.await,
            Some(at) => {
                tokio::select! {
                    () = tokio::time::sleep_until(at.into()) => {}
                    () = earlier => {}
                }
            }
        }
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}
