//! The window in which a message that was shown here is recognised when it comes again. Pure.
//!
//! The window outlives a restart (see `journal`): a sender that did not hear that its message was
//! shown, because this gateway or the link died, repeats it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crosstalk_core::{Body, Envelope};
use sha2::{Digest as _, Sha256};

use crate::common::map::Set;
use crate::wire::message::Message;

/// Time for which a message is remembered.
pub(crate) const WINDOW: Duration = Duration::from_hours(24);
/// The most messages remembered; the oldest are forgotten first.
pub(crate) const MAX_SHOWN: usize = 131_072;

/// Tells a message from all others: half the SHA-256 of its id and of who says it to whom, so
/// that nobody can take the place of another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Fingerprint(pub(crate) [u8; 16]);

impl Fingerprint {
    /// The fingerprint of a message that must not be shown twice; none where that does not matter.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        let (kind, id, from, to) = match message {
            Message::Envelope(Envelope { id, from, to, body, .. }) => match body {
                Body::Text { .. }
                | Body::Contact(_)
                | Body::Attention
                | Body::Undelivered { .. } => ("said", id, from, to),
                Body::Typing(_) | Body::Receipt { .. } => return None,
            },
            Message::Report { of, from, to, .. } => ("report", of, from, to),
            Message::Presence { .. } | Message::Probe { .. } | Message::Question { .. } => {
                return None;
            }
        };
        let mut hash = Sha256::new();
        for part in ["ct/", kind, "/1\0"] {
            hash.update(part);
        }
        for who in [from, to] {
            for part in [who.local(), "@", who.network().as_str(), "\0"] {
                hash.update(part);
            }
        }
        hash.update(id.0.to_le_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        Some(Self(std::array::from_fn(|i| hash[i])))
    }
}

/// Fingerprints of the messages that were shown here in the last day.
#[derive(Default)]
pub(crate) struct DedupWindow {
    prints: Set<Fingerprint>,
    order: VecDeque<(Instant, Fingerprint)>,
}

impl DedupWindow {
    /// Remembers again what was shown before this boot, oldest first, with how long ago.
    pub(crate) fn restore(&mut self, now: Instant, shown: Vec<(Fingerprint, Duration)>) {
        for (fingerprint, ago) in shown.into_iter().filter(|(_, ago)| *ago < WINDOW) {
            // A clock that began later than that cannot tell, and remembers it for longer.
            self.insert(now.checked_sub(ago).unwrap_or(now), fingerprint);
        }
    }

    pub(crate) fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.prints.contains(fingerprint)
    }

    /// A message was shown. Says whether that is new.
    pub(crate) fn insert(&mut self, now: Instant, fingerprint: Fingerprint) -> bool {
        let new = self.prints.insert(fingerprint);
        if new {
            self.order.push_back((now, fingerprint));
            if self.order.len() > MAX_SHOWN {
                self.forget_oldest();
            }
        }
        new
    }

    /// Forgets what is older than the window.
    pub(crate) fn forget_before(&mut self, now: Instant) {
        let old = |at: &Instant| now.saturating_duration_since(*at) >= WINDOW;
        while self.order.front().is_some_and(|(at, _)| old(at)) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, fingerprint)) = self.order.pop_front() {
            self.prints.remove(&fingerprint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(n: usize) -> Fingerprint {
        Fingerprint((n as u128).to_le_bytes())
    }

    #[test]
    fn what_was_shown_is_remembered_for_the_window() {
        let (mut shown, start) = (DedupWindow::default(), Instant::now());
        assert!(shown.insert(start, fingerprint(1)) && !shown.insert(start, fingerprint(1)));
        shown.forget_before(start + WINDOW / 2);
        assert!(shown.contains(&fingerprint(1)));
        shown.forget_before(start + WINDOW);
        assert!(!shown.contains(&fingerprint(1)));
    }

    #[test]
    fn what_was_shown_before_a_restart_is_remembered_for_the_rest_of_it() {
        let (mut shown, start) = (DedupWindow::default(), Instant::now());
        shown.restore(
            start,
            vec![(fingerprint(1), WINDOW), (fingerprint(2), Duration::from_secs(1))],
        );
        assert!(!shown.contains(&fingerprint(1)) && shown.contains(&fingerprint(2)));
    }

    #[test]
    fn the_oldest_make_room() {
        let (mut shown, now) = (DedupWindow::default(), Instant::now());
        assert!((0..=MAX_SHOWN).all(|n| shown.insert(now, fingerprint(n))));
        assert!(!shown.contains(&fingerprint(0)) && shown.contains(&fingerprint(1)));
        assert_eq!(shown.prints.len(), MAX_SHOWN);
    }
}
