//! How much may be kept, for whom.

use std::time::Duration;

use crosstalk_core::{Address, Body, Envelope};

use crate::map::Map;
use crate::message::Message;

/// The most bytes kept for everybody together, and of them for steps of consent, which strangers
/// may have kept.
const MAX_BYTES: usize = 256 * 1024 * 1024;
const MAX_BYTES_OF_CONSENT: usize = MAX_BYTES / 2;
/// What part of a receiver's share one sender may take, lest one keeps out the others.
const SHARE: usize = 4;

/// What may be kept of messages whose receivers are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For how long.
    pub age: Duration,
    /// The most messages of one sender, and the most for one receiver, of which a quarter may be
    /// of one sender. With 0 nothing is kept.
    pub messages: usize,
    /// The most bytes of one sender, and the most for one receiver; the same.
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
    Pair(Address, Address),
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
            let share = if let Account::Pair(..) = account { SHARE } else { 1 };
            self.accounts.get(account).is_none_or(|held| {
                held.messages < self.limits.messages.div_ceil(share)
                    && held.bytes + size <= self.limits.bytes / share
            })
        };
        let most = if is_consent(message) { MAX_BYTES_OF_CONSENT } else { MAX_BYTES };
        self.bytes + size <= most && size <= self.limits.bytes && accounts(message).iter().all(fits)
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
        Message::Envelope(Envelope { from, to, .. }) => vec![
            Account::Sender(from.clone()),
            Account::Receiver(to.clone()),
            Account::Pair(from.clone(), to.clone()),
        ],
        _ => Vec::new(),
    }
}

fn is_consent(message: &Message) -> bool {
    matches!(message, Message::Envelope(Envelope { body: Body::Contact(_), .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{EnvelopeId, RichText, Style, UnixMillis};

    use crate::outbox::entry::Entry;

    fn says(from: &str, text: RichText) -> Message {
        Message::Envelope(Envelope {
            id: EnvelopeId(1),
            from: from.parse().unwrap(),
            to: "bob@yahoo".parse().unwrap(),
            sent_at: UnixMillis(0),
            body: Body::Text { text, auto: false },
        })
    }

    #[test]
    fn one_sender_leaves_room_for_others_with_the_same_receiver() {
        let mut book = Book::new(Limits { messages: 8, ..Limits::default() });
        let (eve, ann) = (says("eve@aol", "spam".into()), says("ann@aol", "hi".into()));
        book.charge(&eve, 300);
        assert!(book.has_room(&eve, 300));
        book.charge(&eve, 300);
        assert!(!book.has_room(&eve, 300) && book.has_room(&ann, 300));
        book.release(&eve, 300);
        assert!(book.has_room(&eve, 300));
    }

    #[test]
    fn a_link_counts_with_all_its_length() {
        let mut text = RichText::default();
        text.push("x", &[Style::Link("x".repeat(50_000))]);
        let (now, long) = (std::time::Instant::now(), Duration::from_secs(1));
        assert!(Entry::new(1, says("eve@aol", text), now, true, long).size() > 50_000);
    }
}
