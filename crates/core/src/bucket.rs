//! Rates: how often something may happen, and how much of that is used.

use std::time::{Duration, Instant};

/// A rate that a [`Bucket`] is held to: so many at once, and then one each time this has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    each: Duration,
    burst: Duration,
}

impl Rate {
    /// Up to `burst` at once, and one in `each` over time.
    pub const fn new(burst: u32, each: Duration) -> Self {
        Self { each, burst: each.saturating_mul(burst) }
    }

    /// A rate of one in `each` over time, and of as many at once as fit into `burst`.
    pub const fn ahead(each: Duration, burst: Duration) -> Self {
        Self { each, burst }
    }

    /// The rate of `people` together, each of whom may do this.
    #[must_use]
    pub const fn of(self, people: u32) -> Self {
        let each = Duration::from_nanos(self.each.as_nanos() as u64 / people as u64);
        Self { each, burst: self.burst }
    }
}

/// The part of a [`Rate`] that somebody has used: the instant up to which it is used up, so that
/// nothing has to be done as time passes.
#[derive(Clone, Copy, Debug)]
pub struct Bucket(Instant);

impl Bucket {
    /// A full one.
    pub const fn full(now: Instant) -> Self {
        Self(now)
    }

    /// Takes `units` if they are there, and says whether they were.
    pub fn take(&mut self, now: Instant, rate: Rate, units: u32) -> bool {
        let used = self.after(now, rate, units);
        let may = used.saturating_duration_since(now) <= rate.burst;
        if may {
            self.0 = used;
        }
        may
    }

    /// Takes `units` in any case. Returns how long to wait until they are there, where they are
    /// not.
    pub fn owe(&mut self, now: Instant, rate: Rate, units: u32) -> Option<Duration> {
        self.0 = self.after(now, rate, units);
        self.debt(now, rate)
    }

    /// Time to wait until no more is used than the rate allows; `None` if nothing is owed.
    pub fn debt(&self, now: Instant, rate: Rate) -> Option<Duration> {
        self.ahead(now).checked_sub(rate.burst).filter(|wait| !wait.is_zero())
    }

    /// Whether it is as full as a new one.
    pub fn is_full(&self, now: Instant) -> bool {
        self.0 <= now
    }

    /// Time by which the use runs ahead of the rate.
    pub fn ahead(&self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    fn after(&self, now: Instant, rate: Rate, units: u32) -> Instant {
        // Time that passed unused adds nothing more: a bucket never holds more than the burst.
        self.0.max(now) + rate.each.saturating_mul(units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let (start, rate) = (Instant::now(), Rate::new(50, Duration::from_millis(50)));
        let mut bucket = Bucket::full(start);
        assert_eq!((0..100).filter(|_| bucket.take(start, rate, 1)).count(), 50);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| bucket.take(later, rate, 1)).count(), 20);
        let much_later = start + Duration::from_mins(1);
        assert!(bucket.is_full(much_later));
        assert_eq!((0..100).filter(|_| bucket.take(much_later, rate, 1)).count(), 50);
    }

    #[test]
    fn a_debt_is_waited_for_and_what_was_refused_costs_nothing() {
        let (start, rate) = (Instant::now(), Rate::new(2, Duration::from_secs(1)));
        let mut bucket = Bucket::full(start);
        assert!(!bucket.take(start, rate, 3) && bucket.take(start, rate, 2));
        assert_eq!(bucket.owe(start, rate, 3), Some(Duration::from_secs(3)));
        assert_eq!(bucket.owe(start + Duration::from_secs(4), rate, 1), None);
    }

    #[test]
    fn several_people_have_their_rates_together() {
        let rate = Rate::new(10, Duration::from_secs(1)).of(8);
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        assert_eq!((0..1000).filter(|_| bucket.take(start, rate, 1)).count(), 80);
    }
}
