//! Figures that were measured.

use std::fmt;
use std::time::Duration;

use super::{BUDGET, P99, TIMES};
use crate::gateway::MIB;

/// Latencies of texts; of those that never arrived, the time for which they were waited for.
pub(super) struct Took(Vec<Duration>);

/// One run.
pub(super) struct Figures {
    pub(super) name: String,
    pub(super) at_rest: Took,
    pub(super) attacked: Took,
    /// The most memory, in bytes.
    pub(super) peak: u64,
    /// Of all processors.
    pub(super) worked: Duration,
    /// Number of attackers' connections at the end.
    pub(super) held: usize,
    pub(super) log: String,
}

impl Took {
    pub(super) fn new(mut took: Vec<Duration>) -> Self {
        assert!(took.len() >= 100, "too few texts: {}", took.len());
        took.sort();
        Self(took)
    }

    /// Latency that so many of a hundred texts stayed within.
    fn percent(&self, percent: usize) -> Duration {
        self.0[(self.0.len() * percent).div_ceil(100) - 1]
    }

    fn slowest(&self) -> Duration {
        self.percent(100)
    }
}

impl Figures {
    /// The head of a table of figures.
    pub(super) const HEAD: &'static str = "\
| Load | Texts | p99 at rest | p50 | p99 | Slowest | Memory | Processors | Held |
|---|---|---|---|---|---|---|---|---|";

    /// Whether others noticed no more than they may.
    pub(super) fn check(&self) {
        let (at_rest, p99) = (self.at_rest.percent(99), self.attacked.percent(99));
        assert!(p99 < P99, "{}: p99 is {p99:?}\n{}", self.name, self.log);
        assert!(p99 <= TIMES * at_rest, "{}: p99 is {p99:?}, at rest {at_rest:?}", self.name);
        let peak = self.peak / MIB;
        assert!(self.peak <= BUDGET, "{}: it took {peak} MiB\n{}", self.name, self.log);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
        write!(
            f,
            "| {} | {} | {} | {} | {} | {} | {} MiB | {:.1} s | {} |",
            self.name,
            self.attacked.0.len(),
            ms(self.at_rest.percent(99)),
            ms(self.attacked.percent(50)),
            ms(self.attacked.percent(99)),
            ms(self.attacked.slowest()),
            self.peak / MIB,
            self.worked.as_secs_f64(),
            self.held
        )
    }
}
