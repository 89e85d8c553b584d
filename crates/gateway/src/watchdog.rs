//! Says which network's engine keeps a worker, and everybody who waits for that worker, for too long.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crosstalk_core::NetworkId;

/// Longest time for one input.
pub(crate) const SLOW: Duration = Duration::from_millis(100);
/// Shortest time between two warnings about one network.
const SELDOM: Duration = Duration::from_mins(1);

/// Counts of the slow inputs of one network's engines. Locked only after an input that took too
/// long.
#[derive(Debug)]
pub(crate) struct Watchdog {
    network: NetworkId,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Time of the last warning.
    said: Option<Instant>,
    /// Number of slow inputs since then, and the longest time that one took.
    times: u64,
    longest: Duration,
}

impl Watchdog {
    pub(crate) fn new(network: NetworkId) -> Self {
        Self { network, seen: Mutex::default() }
    }

    /// Says in the log that an input took `took`, at most once a minute.
    pub(crate) fn report(&self, now: Instant, took: Duration) {
        if let Some((times, longest)) = self.note(now, took) {
            let longest_ms = longest.as_millis();
            tracing::warn!(
                network = %self.network, times, longest_ms,
                "the network's engine kept a worker busy for longer than 100 ms"
            );
        }
    }

    /// Counts a slow input. Returns number and longest time if a warning is due now.
    fn note(&self, now: Instant, took: Duration) -> Option<(u64, Duration)> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.times += 1;
        seen.longest = seen.longest.max(took);
        if seen.said.is_some_and(|said| now.saturating_duration_since(said) < SELDOM) {
            return None;
        }
        let Seen { times, longest, .. } = std::mem::take(&mut *seen);
        seen.said = Some(now);
        Some((times, longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_inputs_are_said_once_a_minute_with_their_number() {
        let (watchdog, start) = (Watchdog::new("aol".parse().unwrap()), Instant::now());
        let took = Duration::from_millis(150);
        assert_eq!(watchdog.note(start, took), Some((1, took)));
        for second in 1..60 {
            let now = start + Duration::from_secs(second);
            assert_eq!(watchdog.note(now, Duration::from_millis(second + 100)), None);
        }
        let said = watchdog.note(start + SELDOM, took);
        assert_eq!(said, Some((60, Duration::from_millis(159))));
    }
}
