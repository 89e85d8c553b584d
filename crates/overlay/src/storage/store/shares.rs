//! How much may be stored of whom, and for how long.

use std::time::Duration;

use crosstalk_core::{Address, Origin};
use serde::{Deserialize, Serialize};

use crate::common::map::Map;

/// What the smallest list counts: what its row takes of the disk.
const LEAST: usize = 512;
/// What part of the bytes that may wait for the disk those of one domain may take.
const SHARE: usize = 4;

/// Bounds on buddy lists of people on foreign networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lists {
    /// How long a list is kept of somebody who does not sign on, in time that this gateway runs; for
    /// ever with zero.
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

/// Why a list cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All those of the same domain have as much as they may have.
    Domain,
    /// The disk cannot be written, and as much waits for it as may.
    Disk,
}

/// What is known of a list without reading it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) owner: Address,
    pub(super) bytes: u64,
    /// How long this gateway had run when its owner was last seen to sign on, in milliseconds.
    pub(super) seen: u64,
}

impl Account {
    pub(super) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

/// What all those of each domain have stored.
#[derive(Default)]
pub(super) struct Shares {
    pub(super) limits: Lists,
    of: Map<Origin, usize>,
}

impl Shares {
    pub(super) fn new(accounts: &[Account]) -> Self {
        let mut shares = Self::default();
        for account in accounts {
            let bytes = usize::try_from(account.bytes).unwrap_or(usize::MAX);
            shares.change(&Origin::of(&account.owner), 0, bytes);
        }
        shares
    }

    /// A list grew or shrank; there was none, or is none any more, where that is zero.
    pub(super) fn change(&mut self, origin: &Origin, from: usize, to: usize) {
        let sum = self.of.entry(origin.clone()).or_default();
        *sum = sum.saturating_sub(charge(from)).saturating_add(charge(to));
        if *sum == 0 {
            self.of.remove(origin);
        }
    }

    /// Whether a list may have `to` bytes; `from` says how many it has, where that matters.
    pub(super) fn may_grow(
        &self,
        origin: &Origin,
        from: impl FnOnce() -> usize,
        to: usize,
    ) -> bool {
        let used = self.of.get(origin).copied().unwrap_or_default();
        if origin.domain().is_none() || used.saturating_add(charge(to)) <= self.limits.of_domain {
            return true;
        }
        let from = from();
        let rest = used.saturating_sub(charge(from));
        to <= from || rest.saturating_add(charge(to)) <= self.limits.of_domain
    }

    /// Whether so many bytes may wait for the disk, and so many of the same origin.
    pub(super) fn may_wait(&self, origin: &Origin, all: usize, of_origin: usize) -> bool {
        let share = if origin.domain().is_some() { SHARE } else { 1 };
        all <= self.limits.waiting && of_origin <= self.limits.waiting / share
    }
}

/// What a list counts.
const fn charge(bytes: usize) -> usize {
    if bytes == 0 || bytes > LEAST { bytes } else { LEAST }
}
