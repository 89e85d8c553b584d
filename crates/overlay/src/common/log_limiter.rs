//! Log lines that a peer can cause at will, not more often than somebody can read them.

use std::time::{Duration, Instant};

/// The least time between two lines of a kind.
const APART: Duration = Duration::from_secs(5);

/// Says when a line of one kind is due.
#[derive(Debug, Default)]
pub(crate) struct LogLimiter {
    last: Option<Instant>,
    skipped: u64,
}

impl LogLimiter {
    /// Whether to write the line now; if so, how many were skipped before it.
    pub(crate) fn due(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < APART) {
            self.skipped += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.skipped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_apart_and_count_those_between() {
        let (mut limiter, now) = (LogLimiter::default(), Instant::now());
        assert_eq!(limiter.due(now), Some(0));
        assert_eq!((limiter.due(now), limiter.due(now)), (None, None));
        assert_eq!(limiter.due(now + APART), Some(2));
    }
}
