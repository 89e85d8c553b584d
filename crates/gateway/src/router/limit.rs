//! How much one person may say.

use std::time::Instant;

/// A bucket of tokens that refills with time.
pub(super) struct Bucket {
    burst: f32,
    per_second: f32,
    tokens: f32,
    filled: Instant,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(burst: f32, per_second: f32) -> Self {
        Self { burst, per_second, tokens: burst, filled: Instant::now() }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f32();
        self.tokens = (self.tokens + passed * self.per_second).min(self.burst);
        self.filled = now;
        let any = self.tokens >= 1.0;
        if any {
            self.tokens -= 1.0;
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_passes_and_a_flood_does_not() {
        let mut bucket = Bucket::new(50.0, 20.0);
        let start = Instant::now();
        assert_eq!((0..100).filter(|_| bucket.take(start)).count(), 50);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..100).filter(|_| bucket.take(later)).count(), 20);
    }
}
