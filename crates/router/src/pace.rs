//! Pace of a person: rates of messages, edits and requests.

use std::time::{Duration, Instant};

use crosstalk_core::{Bucket, Rate};

use crate::session::is_much;

/// Rate of what a client may add by itself: a receipt for each of what others say, and typing.
pub(crate) const SIGNALS: Rate = Rate::new(1000, Duration::from_millis(10));
/// Steps of consent: enough for a client that imports a whole list at once.
pub(crate) const REQUESTS: Rate = Rate::new(2000, Duration::from_millis(500));
/// Changes of the list.
pub(crate) const EDITS: Rate = Rate::new(6000, Duration::from_millis(100));
/// Questions of the person, and answers to those of others.
pub(crate) const QUESTIONS: Rate = Rate::new(10, Duration::from_secs(3));
/// Texts that are forwarded to another address of the person.
pub(crate) const FORWARDS: Rate = Rate::new(50, Duration::from_millis(500));
/// Rate of the control contact's answers.
pub(crate) const ANSWERS: Rate = Rate::new(20, Duration::from_millis(500));
/// So much of what a person says may wait before no more is read, and how long that lasts at least.
const MANY: usize = 256;
const AGAIN: Duration = Duration::from_millis(20);

/// Use of one person's rates: messages, requests and edits, what the client adds by itself, and the
/// control contact's answers, and questions. Allocated when something is used.
pub(crate) struct Pace {
    pub(crate) speech: Bucket,
    pub(crate) signals: Bucket,
    pub(crate) requests: Bucket,
    pub(crate) edits: Bucket,
    pub(crate) answers: Bucket,
    pub(crate) questions: Bucket,
    pub(crate) answered: Bucket,
    pub(crate) forwards: Bucket,
}

impl Pace {
    pub(crate) const fn new(now: Instant) -> Self {
        let full = Bucket::full(now);
        Self {
            speech: full,
            signals: full,
            requests: full,
            edits: full,
            answers: full,
            questions: full,
            answered: full,
            forwards: full,
        }
    }

    /// Whether nothing is used up.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        let Self { speech, signals, requests, edits, answers, questions, answered, forwards } =
            self;
        let all = [speech, signals, requests, edits, answers, questions, answered, forwards];
        all.iter().all(|bucket| bucket.is_full(now))
    }

    /// Time for which no more of a client is to be read: until what was said is made up for, or has
    /// left. `waiting` is how much of it has not, by number; `aside` by bytes.
    pub(crate) fn pause(
        pace: Option<&Self>,
        now: Instant,
        rate: Rate,
        waiting: usize,
        aside: usize,
    ) -> Option<Duration> {
        let many = (is_much(aside) || waiting >= MANY).then_some(AGAIN);
        let speech = pace.and_then(|pace| pace.speech.debt(now, rate));
        let requests = pace.and_then(|pace| pace.requests.debt(now, REQUESTS));
        [speech, requests, many].into_iter().flatten().max()
    }
}
