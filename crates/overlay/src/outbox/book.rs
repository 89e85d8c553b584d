//! How much may be kept, for whom.

use std::time::Duration;

use crosstalk_core::Address;

use crate::map::Map;
use crate::message::Message;

/// The most bytes kept for everybody together.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// What may be kept of messages whose receivers are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For how long.
    pub age: Duration,
    /// The most messages of one sender, and the most for one receiver. With 0 nothing is kept.
    pub messages: usize,
    /// The most bytes of one sender, and the most for one receiver.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { age: Duration::from_hours(14 * 24), messages: 1000, bytes: 1 << 20 }
    }
}

/// What is kept, counted.
pub(super) struct Book {
    pub(super) limits: Limits,
    accounts: Map<Account, Held>,
    bytes: usize,
}

#[derive(PartialEq, Eq, Hash)]
enum Account {
    Sender(Address),
    Receiver(Address),
}

#[derive(Default)]
struct Held {
    messages: usize,
    bytes: usize,
}

impl Book {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, accounts: Map::default(), bytes: 0 }
    }

    /// Whether a message of `size` bytes may be kept besides what is.
    pub(super) fn has_room(&self, message: &Message, size: usize) -> bool {
        let fits = |account: &Account| {
            self.accounts.get(account).is_none_or(|held| {
                held.messages < self.limits.messages && held.bytes + size <= self.limits.bytes
            })
        };
        self.bytes + size <= MAX_BYTES
            && size <= self.limits.bytes
            && accounts(message).iter().all(fits)
    }

    /// Counts a message, whether there is room for it or not.
    pub(super) fn charge(&mut self, message: &Message, size: usize) {
        self.bytes += size;
        for account in accounts(message) {
            let held = self.accounts.entry(account).or_default();
            held.messages += 1;
            held.bytes += size;
        }
    }

    /// Counts it no longer.
    pub(super) fn release(&mut self, message: &Message, size: usize) {
        self.bytes = self.bytes.saturating_sub(size);
        for account in accounts(message) {
            if let Some(held) = self.accounts.get_mut(&account) {
                held.messages = held.messages.saturating_sub(1);
                held.bytes = held.bytes.saturating_sub(size);
                if held.messages == 0 {
                    self.accounts.remove(&account);
                }
            }
        }
    }
}

/// A report is nobody's: it stands where a message was counted before.
fn accounts(message: &Message) -> Vec<Account> {
    match message {
        Message::Envelope(envelope) => {
            vec![Account::Sender(envelope.from.clone()), Account::Receiver(envelope.to.clone())]
        }
        _ => Vec::new(),
    }
}
