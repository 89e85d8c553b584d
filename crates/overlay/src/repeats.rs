//! The window in which a repeated envelope of a gateway is recognised by its id. Pure.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crosstalk_core::EnvelopeId;

use crate::delivery::Call;
use crate::message::Outcome;

/// How long an envelope is remembered.
pub(crate) const WINDOW: Duration = Duration::from_mins(10);
/// The most envelopes remembered of one gateway; the oldest are forgotten first.
pub(crate) const MAX_REMEMBERED: usize = 65_536;

/// What came from one gateway in the last ten minutes.
#[derive(Default)]
pub(crate) struct Repeats {
    fates: HashMap<EnvelopeId, Fate>,
    /// The envelopes whose answer is to come, by the call they first came with.
    pending: HashMap<Call, EnvelopeId>,
    order: VecDeque<(Instant, Call, EnvelopeId)>,
}

struct Fate {
    first: Call,
    delivered: bool,
    /// The calls with which it came again before it was answered.
    again: Vec<Call>,
}

/// What is known of an envelope that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing, or that it failed before.
    First,
    /// It came before and is not answered yet.
    Waits,
    /// It was delivered.
    Delivered,
}

impl Repeats {
    /// An envelope came.
    pub(crate) fn hear(&mut self, now: Instant, id: EnvelopeId, call: Call) -> Heard {
        match self.fates.get_mut(&id) {
            Some(fate) if fate.delivered => Heard::Delivered,
            Some(fate) => {
                fate.again.push(call);
                Heard::Waits
            }
            None => {
                if self.order.len() >= MAX_REMEMBERED {
                    self.forget_oldest();
                }
                self.fates.insert(id, Fate { first: call, delivered: false, again: Vec::new() });
                self.pending.insert(call, id);
                self.order.push_back((now, call, id));
                Heard::First
            }
        }
    }

    /// The envelope that came with `call` was answered. Returns the calls with which it came
    /// again. One that failed may come again as new.
    pub(crate) fn answer(&mut self, call: Call, outcome: Outcome) -> Vec<Call> {
        let Some(id) = self.pending.remove(&call) else { return Vec::new() };
        let Some(fate) = self.fates.get_mut(&id).filter(|fate| fate.first == call) else {
            return Vec::new();
        };
        let again = std::mem::take(&mut fate.again);
        fate.delivered = outcome.is_ok();
        if !fate.delivered {
            self.fates.remove(&id);
        }
        again
    }

    /// Forgets what is older than the window.
    pub(crate) fn forget_before(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(at, ..)| now.duration_since(*at) >= WINDOW) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, call, id)) = self.order.pop_front()
            && self.fates.get(&id).is_some_and(|fate| fate.first == call)
        {
            self.fates.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::Failure;

    const ID: EnvelopeId = EnvelopeId(7);

    fn call(number: u64) -> Call {
        Call { boot: 1, number }
    }

    #[test]
    fn the_window_counts_from_the_try_that_succeeded() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        assert_eq!(repeats.hear(start, ID, call(1)), Heard::First);
        repeats.answer(call(1), Err(Failure::Offline));
        assert_eq!(repeats.hear(start + WINDOW / 2, ID, call(2)), Heard::First);
        repeats.answer(call(2), Ok(()));
        repeats.forget_before(start + WINDOW);
        assert_eq!(repeats.hear(start + WINDOW, ID, call(3)), Heard::Delivered);
        repeats.forget_before(start + WINDOW * 2);
        assert_eq!(repeats.hear(start + WINDOW * 2, ID, call(4)), Heard::First);
    }

    #[test]
    fn the_oldest_make_room() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        for n in 0..=MAX_REMEMBERED as u64 {
            repeats.hear(now, EnvelopeId(n.into()), call(n));
            repeats.answer(call(n), Ok(()));
        }
        assert_eq!((repeats.fates.len(), repeats.pending.len()), (MAX_REMEMBERED, 0));
        assert_eq!(repeats.hear(now, EnvelopeId(1), call(0)), Heard::Delivered);
        assert_eq!(repeats.hear(now, EnvelopeId(0), call(0)), Heard::First);
    }
}
