//! Accounts of the messages that are kept, and their limits.

use std::time::Duration;

use crosstalk_core::{Address, Body, Envelope, Origin};

use crate::common::map::Map;
use crate::mappings::MappingLimits;
use crate::rosters::Lists;
use crate::wire::message::Message;

/// Divisor for the share of one domain in all that is kept.
const OF_DOMAIN: usize = 8;
/// Divisor for the share of one sender in a receiver's share, lest one keeps out the others.
const SHARE: usize = 4;

/// Limits of what is kept of messages whose receivers are not signed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For how long.
    pub age: Duration,
    /// The most messages of one sender, and the most for one receiver, of which a quarter may be
    /// of one sender. With 0 nothing is kept.
    pub messages: usize,
    /// The most bytes of one sender, and the most for one receiver; the same.
    pub bytes: usize,
    /// The most bytes for everybody together: half of it for steps of consent, which strangers may
    /// have kept, and an eighth of it of all the people of one domain.
    pub total: usize,
    /// The most bytes of messages of other gateways that people here could not be given yet, of
    /// which an eighth may be of one gateway. From who said more nothing is read.
    pub backlog: usize,
    /// The most bytes of the database that are held in memory.
    pub cache: usize,
    /// Bounds on buddy lists.
    pub lists: Lists,
    /// Bounds on mappings of applications.
    pub mappings: MappingLimits,
}

impl Default for Limits {
    fn default() -> Self {
        let age = Duration::from_hours(14 * 24);
        let (total, backlog, cache) = (256 << 20, 32 << 20, 64 << 20);
        Self {
            age,
            messages: 1000,
            bytes: 1 << 20,
            total,
            backlog,
            cache,
            lists: Lists::default(),
            mappings: MappingLimits::default(),
        }
    }
}

/// Counts of what is kept.
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
    /// Reports to somebody on their own messages.
    Reports(Address),
    /// All senders of a domain.
    Domain(Origin),
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
            let (messages, bytes) = match account {
                Account::Pair(..) => {
                    (self.limits.messages.div_ceil(SHARE), self.limits.bytes / SHARE)
                }
                Account::Domain(_) => (usize::MAX, self.limits.total / OF_DOMAIN),
                _ => (self.limits.messages, self.limits.bytes),
            };
            self.accounts
                .get(account)
                .is_none_or(|held| held.messages < messages && held.bytes + size <= bytes)
        };
        let most = self.limits.total / if is_consent(message) { 2 } else { 1 };
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

/// Accounts that pay for a message. A report is paid for by its receiver, who sent the message it
/// is about.
fn accounts(message: &Message) -> Vec<Account> {
    match message {
        Message::Envelope(Envelope { from, to, .. }) => {
            let origin = Origin::of(from);
            let domain = origin.domain().is_some().then_some(Account::Domain(origin));
            let mut all = vec![
                Account::Sender(from.clone()),
                Account::Receiver(to.clone()),
                Account::Pair(from.clone(), to.clone()),
            ];
            all.extend(domain);
            all
        }
        Message::Report { from, .. } => {
            let origin = Origin::of(from);
            let domain = origin.domain().is_some().then_some(Account::Domain(origin));
            domain.into_iter().chain([Account::Reports(from.clone())]).collect()
        }
        _ => Vec::new(),
    }
}

fn is_consent(message: &Message) -> bool {
    matches!(message, Message::Envelope(Envelope { body: Body::Contact(_), .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{EnvelopeId, MAX_LINK, RichText, Style, UnixMillis};

    use crate::outbox::entry::Entry;

    fn says(from: &str, text: RichText) -> Message {
        Message::Envelope(Envelope {
            id: EnvelopeId(1),
            from: from.parse().unwrap(),
            to: "bob@yahoo".parse().unwrap(),
            sent_at: UnixMillis(0),
            body: Body::Text { text, auto: false },
            details: None,
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
    fn all_senders_of_a_domain_together_leave_room_for_others() {
        let mut book = Book::new(Limits { total: 80_000, ..Limits::default() });
        let evil = |n: usize| says(&format!("u{n}@h{n}.evil.example@jabber"), "spam".into());
        for n in 0..20 {
            assert!(book.has_room(&evil(n), 500));
            book.charge(&evil(n), 500);
        }
        assert!(!book.has_room(&evil(20), 500), "an eighth of all");
        assert!(book.has_room(&says("ann@honest.example@jabber", "hi".into()), 500));
        assert!(book.has_room(&says("ann@aol", "hi".into()), 500));
    }

    #[test]
    fn a_link_counts_with_all_its_length() {
        let mut text = RichText::default();
        text.push("x", &[Style::Link("x".repeat(MAX_LINK))]);
        let (now, long) = (std::time::Instant::now(), Duration::from_secs(1));
        assert!(Entry::new(1, says("eve@aol", text), now, true, long).size() > MAX_LINK);
    }
}
