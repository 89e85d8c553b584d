//! Rates of what is done outside for one person.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Bucket, Rate};

/// Rate of one person's posts to one site, and of the person's errands.
const RATE: Rate = Rate::new(5, Duration::from_mins(5));
/// Time after which a post that is held back is tried to be sent.
pub(super) const RATE_PAUSE: Duration = Duration::from_secs(30);
/// The number of buckets above which those that are full are forgotten.
const MANY: usize = 1024;

/// Use of the rates lately, also of who signed off meanwhile.
#[derive(Default)]
pub(super) struct Rates(Mutex<HashMap<(Address, &'static str), Bucket>>);

impl Rates {
    /// Takes one of what somebody may do, if it is there.
    pub(super) fn take(&self, user: &Address, what: &'static str) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if buckets.len() >= MANY {
            // What is left are those who did something in the last half hour.
            buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        let bucket = buckets.entry((user.clone(), what)).or_insert_with(|| Bucket::full(now));
        bucket.take(now, RATE, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_persons_use_is_not_anothers() {
        let rates = Rates::default();
        let (ann, bob): (Address, Address) =
            ("ann@aol".parse().unwrap(), "bob@aol".parse().unwrap());
        assert_eq!((0..9).filter(|_| rates.take(&ann, "x")).count(), 5);
        assert!(rates.take(&ann, "mastodon") && rates.take(&bob, "x"));
    }
}
