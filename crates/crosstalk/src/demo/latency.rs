//! Measured times and what is said of them.

use std::fmt;
use std::time::Duration;

use super::tell::millis;

/// How long each of several messages took.
#[derive(Default)]
pub(crate) struct Latency(Vec<Duration>);

impl Latency {
    /// One more message took `time`.
    pub(crate) fn add(&mut self, time: Duration) {
        self.0.push(time);
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut times = self.0.clone();
        times.sort_unstable();
        let (Some(max), Some(p50)) = (times.last(), times.get(times.len() / 2)) else {
            return f.write_str("not measured");
        };
        write!(f, "{} messages, p50 {}, max {}", times.len(), millis(*p50), millis(*max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_longest_are_told() {
        let mut latency = Latency::default();
        assert_eq!(latency.to_string(), "not measured");
        for ms in [5, 1, 3] {
            latency.add(Duration::from_millis(ms));
        }
        assert_eq!(latency.to_string(), "3 messages, p50 3.0 ms, max 5.0 ms");
    }
}
