//! Counters of the router.

use std::sync::atomic::{AtomicU64, Ordering};

use crosstalk_router::Count;

use super::RouterState;
use crate::memory::Usage;

/// Counts since the start, and of the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// People signed in.
    pub users: usize,
    /// Their sessions.
    pub sessions: usize,
    /// Messages (texts and nudges) that people here sent to foreign ones, since the start.
    pub sent: u64,
    /// Messages that a client here took.
    pub delivered: u64,
    /// Messages whose senders here were told of a failure.
    pub undelivered: u64,
    /// Inputs that kept the engine of a network, and others with it, for longer than 100 ms.
    pub slow: u64,
    /// Messages that were dropped, by cause.
    pub drops: Drops,
    /// Memory of what waits.
    pub memory: Usage,
}

/// Dropped envelopes and events, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Somebody said too much in too short a time.
    pub flood: u64,
    /// Too much waits to leave.
    pub outbox: u64,
    /// Too much waits for a session.
    pub mailbox: u64,
    /// The receiver blocks the sender.
    pub blocked: u64,
    /// Requests of strangers that made room for those of others.
    pub requests: u64,
    /// Lists of people who did not sign on for so long as lists are kept.
    pub lists: u64,
}

/// The counters behind a [`Snapshot`].
#[derive(Default)]
pub(super) struct Counters {
    sent: Counter,
    delivered: Counter,
    undelivered: Counter,
    pub(super) slow: Counter,
    flood: Counter,
    outbox: Counter,
    mailbox: Counter,
    blocked: Counter,
    requests: Counter,
}

#[derive(Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn count(&self, what: Count) {
        let counter = match what {
            Count::Sent => &self.sent,
            Count::Delivered => &self.delivered,
            Count::Undelivered => &self.undelivered,
            Count::Flood => &self.flood,
            Count::Outbox => &self.outbox,
            Count::Mailbox => &self.mailbox,
            Count::Blocked => &self.blocked,
            Count::Requests => &self.requests,
        };
        counter.add();
    }
}

impl RouterState {
    pub(super) fn snapshot(&self) -> Snapshot {
        let accounts = self.accounts.everybody();
        let counters = &self.counters;
        Snapshot {
            users: accounts.len(),
            sessions: accounts.iter().map(|slot| slot.lock().account.sessions()).sum(),
            sent: counters.sent.value(),
            delivered: counters.delivered.value(),
            undelivered: counters.undelivered.value(),
            slow: counters.slow.value(),
            memory: self.memory.usage(),
            drops: Drops {
                flood: counters.flood.value(),
                outbox: counters.outbox.value(),
                mailbox: counters.mailbox.value(),
                blocked: counters.blocked.value(),
                requests: counters.requests.value(),
                lists: self.overlay.expired(),
            },
        }
    }
}
