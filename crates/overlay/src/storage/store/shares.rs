//! Shares of the store: how much of each origin, and for how long.

use crosstalk_core::Origin;

use crate::common::map::Map;
use crate::rosters::Lists;
use crate::storage::records::Account;

/// Bytes that the smallest list counts: those that its row takes of the disk.
const LEAST: usize = 512;
/// Divisor for the share of one domain in the bytes that may wait for the disk.
const SHARE: usize = 4;

/// Bytes stored by each domain.
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

/// Bytes that a list counts.
const fn charge(bytes: usize) -> usize {
    if bytes == 0 || bytes > LEAST { bytes } else { LEAST }
}
