//! How much work one peer may make: a token bucket for each link. Pure.
//!
//! Messages are not weighed here: unanswered ones are bounded, and those that a router has no
//! room for are answered as busy.

use std::time::{Duration, Instant};

use crate::frame::Frame;

/// The time for which a peer has used up its share by one unit of work, about a look-up.
const UNIT: Duration = Duration::from_micros(20);
/// How far ahead of its share a peer may be: everything that a large gateway says when a link
/// comes up.
const AHEAD: Duration = Duration::from_secs(8);

/// What a peer may still ask of this gateway.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Until when it has used up its share.
    used: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) const fn new(now: Instant) -> Self {
        Self { used: now }
    }

    /// Takes the work that `frame` makes. Returns how long to read nothing more of the peer,
    /// where it made too much.
    pub(crate) fn take(&mut self, now: Instant, frame: &Frame) -> Option<Duration> {
        self.used = self.used.max(now) + UNIT * weight(frame);
        let ahead = self.used.saturating_duration_since(now);
        ahead.checked_sub(AHEAD).filter(|wait| !wait.is_zero())
    }
}

/// The work that a frame makes, in units.
fn weight(frame: &Frame) -> u32 {
    let many = |entries: usize| 1 + u32::try_from(entries / 16).unwrap_or(u32::MAX / 2);
    match frame {
        Frame::Message { .. } | Frame::Answer { .. } => 0,
        Frame::Records(records) => many(records.len()),
        Frame::HeardOut(heard) => many(heard.len()),
        // A signature each.
        Frame::Cards(cards) => many(cards.len().saturating_mul(64)),
        Frame::RosterDigests(digests) => many(digests.len()),
        // Each may be answered with a roster from the disk.
        Frame::RosterWant(keys) => many(keys.len().saturating_mul(16)),
        Frame::RosterGet { .. } | Frame::RosterPut { .. } => 10,
        // A signature, or some hundred kilobytes.
        Frame::Membership(_) | Frame::MembershipGet => 1000,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_much_waits_and_may_go_on() {
        let now = Instant::now();
        let mut bucket = Bucket::new(now);
        let each = UNIT * weight(&Frame::MembershipGet);
        for _ in 0..AHEAD.as_micros() / each.as_micros() {
            assert_eq!(bucket.take(now, &Frame::MembershipGet), None);
        }
        assert_eq!(bucket.take(now, &Frame::MembershipGet), Some(each));
        assert_eq!(bucket.take(now + each * 2, &Frame::MembershipGet), None);
    }
}
