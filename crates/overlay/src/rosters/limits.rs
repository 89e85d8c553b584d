//! Bounds on the buddy lists that are stored.

use std::time::Duration;

/// Bounds on buddy lists of people on foreign networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lists {
    /// Time for which a list is kept whose owner does not sign on, counted in time that this
    /// gateway runs; for ever with zero.
    pub age: Duration,
    /// The most bytes of all the lists of people of one domain.
    pub of_domain: usize,
    /// The most bytes of lists that wait while the disk cannot be written; a quarter of it may be
    /// of one domain.
    pub waiting: usize,
}

impl Default for Lists {
    fn default() -> Self {
        Self { age: Duration::from_hours(365 * 24), of_domain: 64 << 20, waiting: 32 << 20 }
    }
}

/// Reason why a list cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All those of the same domain have as much as they may have.
    Domain,
    /// The disk cannot be written, and as much waits for it as may.
    Disk,
}
