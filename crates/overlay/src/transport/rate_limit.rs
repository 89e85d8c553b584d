//! Rate limit of the work that one peer may make: a token bucket for each link. Pure.
//!
//! Messages are not weighed here: unanswered ones are bounded, and those that a router has no
//! room for are answered as busy.

use std::time::{Duration, Instant};

use crosstalk_core::{Bucket, Rate};

use crate::wire::frame::Frame;

/// The time for which a peer has used up its share by one unit of work, about a look-up.
const UNIT: Duration = Duration::from_micros(20);
/// Work that a peer may be ahead of its share: everything that a large gateway says when a link
/// comes up.
const AHEAD: Duration = Duration::from_secs(8);

/// Rate of work that a peer may ask of this gateway.
const RATE: Rate = Rate::ahead(UNIT, AHEAD);

/// Takes the work that `frame` makes from what a peer may ask for. Returns how long to read nothing
/// more of the peer, where it made too much.
pub(crate) fn take(bucket: &mut Bucket, now: Instant, frame: &Frame) -> Option<Duration> {
    bucket.owe(now, RATE, weight(frame))
}

/// The work that a frame makes, in units.
fn weight(frame: &Frame) -> u32 {
    let many = |entries: usize| 1 + u32::try_from(entries / 16).unwrap_or(u32::MAX / 2);
    match frame {
        Frame::Message { .. } | Frame::Said { .. } | Frame::Answer { .. } => 0,
        Frame::Records(records) => many(records.len()),
        Frame::HeardOut(heard) => many(heard.len()),
        // A signature each.
        Frame::Cards(cards) => many(cards.len().saturating_mul(64)),
        Frame::RosterDigests(digests) => many(digests.len()),
        // Each may be answered with a roster from the disk.
        Frame::RosterWant(keys) => many(keys.len().saturating_mul(16)),
        Frame::RosterGet { .. } | Frame::MappingGet { .. } | Frame::MappingWatch { .. } => 10,
        Frame::RosterPut { part, .. } => 1 + many(part.contacts().count()),
        // Two signatures each.
        Frame::MappingPut { rows, .. } | Frame::MappingGot { rows, .. } => {
            many(rows.len().saturating_mul(128))
        }
        Frame::MappingDigests(digests) => many(digests.len()),
        // Each may be answered with a namespace from the disk.
        Frame::MappingWant(wanted) => many(wanted.len().saturating_mul(32)),
        // A signature, or some hundred kilobytes.
        Frame::Membership(_) | Frame::MembershipGet => 1000,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use crosstalk_core::{Address, Body, Contact, Envelope, EnvelopeId, Roster, Stamp, UnixMillis};

    use super::*;
    use crate::membership::Key;
    use crate::wire::frame::{MAX_BATCH, MAX_HOPS, Record};
    use crate::wire::message::Message;

    /// The people of a large gateway, and how many each has on the list.
    const PEOPLE: usize = 5000;
    const CONTACTS: usize = 100;

    /// Time by which a peer is ahead of its share after it sent all these frames in `time`, evenly
    /// spread, and was never paused.
    fn ahead(frames: &[Frame], time: Duration) -> Duration {
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        for (n, frame) in (0..).zip(frames) {
            let now = start + time * n / u32::try_from(frames.len()).unwrap();
            assert_eq!(
                take(&mut bucket, now, frame),
                None,
                "paused at frame {n} of {}",
                frames.len()
            );
        }
        bucket.ahead(start + time)
    }

    fn user(n: usize) -> Address {
        format!("user{n}@aol").parse().unwrap()
    }

    /// All weigh the same.
    const KEY: Key = Key::from_bytes([0; 32]);
    const WATCH: Record = Record::Watch { key: KEY, turn: 1 };

    fn roster(contacts: usize) -> Frame {
        let mut part = Roster::default();
        for n in 0..contacts {
            part.put(Contact::new(user(n), String::new()), Stamp { millis: 1, writer: 1 });
        }
        Frame::RosterPut { owner: user(0), part, whole: Some(1), turn: 0 }
    }

    #[test]
    fn a_large_gateway_whose_people_all_sign_on_at_once_is_not_slowed() {
        let person = |n: usize| {
            let here = Frame::Records(vec![Record::Here { key: KEY, version: 1 }]);
            let watches = std::iter::repeat_n(Frame::Records(vec![WATCH]), CONTACTS);
            let get = Frame::RosterGet { ask: 1, owner: user(n) };
            [get, here].into_iter().chain(watches).collect::<Vec<_>>()
        };
        let frames: Vec<_> = (0..PEOPLE).flat_map(person).collect();
        let left = AHEAD.checked_sub(ahead(&frames, Duration::from_secs(10))).unwrap();
        assert!(left > AHEAD / 2, "{left:?}");
    }

    #[test]
    fn what_is_exchanged_anew_when_the_members_change_slows_nobody() {
        let batches = |of: usize| of.div_ceil(MAX_BATCH);
        let [records, digests, wanted, rosters] = [
            (Frame::Records(vec![WATCH; MAX_BATCH]), batches(PEOPLE * CONTACTS)),
            (Frame::RosterDigests(vec![(KEY, 1); MAX_BATCH]), batches(PEOPLE)),
            (Frame::RosterWant(vec![KEY; MAX_BATCH]), batches(PEOPLE)),
            (roster(CONTACTS), PEOPLE),
        ]
        .map(|(frame, count)| std::iter::repeat_n(frame, count));
        let frames: Vec<_> = records.chain(digests).chain(wanted).chain(rosters).collect();
        let left = AHEAD.checked_sub(ahead(&frames, Duration::ZERO)).unwrap();
        assert!(left > AHEAD / 2, "{left:?}");
    }

    #[test]
    fn what_people_say_is_not_weighed() {
        let message = Message::Envelope(Envelope {
            id: EnvelopeId(1),
            from: user(1),
            to: user(2),
            sent_at: UnixMillis(0),
            body: Body::Attention,
            details: None,
        });
        let said = Frame::Said { number: 1, settled: 1, hops: MAX_HOPS, age_ms: 0, message };
        let answer = Frame::Answer { number: 1, outcome: Ok(()) };
        assert_eq!(ahead(&[said, answer], Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn who_asks_too_much_waits_and_may_go_on() {
        let now = Instant::now();
        let mut bucket = Bucket::full(now);
        let each = UNIT * weight(&Frame::MembershipGet);
        for _ in 0..AHEAD.as_micros() / each.as_micros() {
            assert_eq!(take(&mut bucket, now, &Frame::MembershipGet), None);
        }
        assert_eq!(take(&mut bucket, now, &Frame::MembershipGet), Some(each));
        assert_eq!(take(&mut bucket, now + each * 2, &Frame::MembershipGet), None);
    }
}
