//! Mappings that this gateway keeps, and their room.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crosstalk_core::Now;

use super::limits::{MAX_KEYS, MAX_NAMESPACE, MAX_TTL, MappingLimits, SLACK};
use crate::common::map::Map;
use crate::membership::GatewayId;
use crate::wire::mapping::{Mapping, Namespace, Offered, Vouched};

/// A mapping that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) row: Vouched,
    /// Number of the change here that brought it, by which readers go on where they were.
    pub(crate) change: u64,
}

/// What a mapping replaced that was news.
#[derive(Debug)]
pub(super) struct Replaced(Option<Held>);

/// Storage of mappings.
pub(crate) trait MappingStore {
    /// Whether it can be read, and more may wait for the disk.
    fn is_ready(&self) -> bool;
    /// The mapping under a key.
    fn get(&self, namespace: &Namespace, key: &str) -> Option<Held>;
    /// The mappings of a namespace, from a key on, in order of key; none where it cannot be read.
    fn read(&self, namespace: &Namespace, from: &str) -> Option<Vec<Held>>;
    /// Those of them that can be read.
    fn rows(&self, namespace: &Namespace, from: &str) -> Vec<Held> {
        self.read(namespace, from).unwrap_or_default()
    }
    /// Keeps a mapping in place of any other under its key.
    fn put(&mut self, held: Held);
    /// Keeps a mapping again in place of a later one that was refused.
    fn put_back(&mut self, held: Held);
    /// Keeps it no longer.
    fn remove(&mut self, namespace: &Namespace, key: &str);
    /// Gives all that is stored to `each`.
    fn each(&self, each: &mut dyn FnMut(Held));
}

/// Mappings that this gateway keeps.
pub(super) struct Keeping<S> {
    own: GatewayId,
    pub(super) store: S,
    pub(super) limits: MappingLimits,
    index: BTreeMap<Namespace, Summary>,
    /// Bytes by the gateway that brought them, and in all.
    of: Map<GatewayId, usize>,
    bytes: usize,
    last_change: u64,
}

/// Facts about a namespace that are known without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Summary {
    keys: usize,
    bytes: usize,
    digest: u64,
    /// No mapping ends before that time, in seconds.
    earliest: u64,
}

/// The time in seconds since 1970.
pub(super) const fn seconds(now: Now) -> u64 {
    now.wall.0 / 1000
}

impl<S: MappingStore> Keeping<S> {
    /// What is in `store`.
    pub(super) fn new(own: GatewayId, store: S) -> Self {
        let mut keeping = Self {
            own,
            store,
            limits: MappingLimits::default(),
            index: BTreeMap::new(),
            of: Map::default(),
            bytes: 0,
            last_change: 0,
        };
        let mut all = Vec::new();
        keeping.store.each(&mut |Held { row, change }| {
            let Mapping { namespace, expires_at, .. } = row.mapping;
            all.push((namespace, row.by, row.mapping.weight(), row.mapping.digest(), expires_at));
            keeping.last_change = keeping.last_change.max(change);
        });
        for (namespace, by, weight, digest, expires_at) in all {
            keeping.count(namespace, by, weight, digest, expires_at);
        }
        keeping
    }

    /// Takes a mapping, where it is good and there is room. Returns whether it is news. `fresh` is
    /// one that its owner's program says just now.
    pub(super) fn offer(&mut self, now: Now, row: &Vouched, fresh: bool) -> Result<bool, Offered> {
        self.replace(now, row, fresh).map(|replaced| replaced.is_some())
    }

    /// As [`Self::offer`]. Returns what it replaced, where it is news.
    pub(super) fn replace(
        &mut self,
        now: Now,
        row: &Vouched,
        fresh: bool,
    ) -> Result<Option<Replaced>, Offered> {
        let Mapping { namespace, key, expires_at, .. } = &row.mapping;
        // Else a later one could be on disk, and be overwritten.
        if !self.store.is_ready() {
            return Err(Offered::Full);
        }
        let replaced = self.store.get(namespace, key);
        let old = replaced.as_ref().map(|held| &held.row);
        if let Some(old) = old {
            match row.mapping.order(&old.mapping) {
                Ordering::Equal => return Ok(None),
                Ordering::Less => return Err(Offered::Stale),
                Ordering::Greater if !fresh => {}
                Ordering::Greater if row.mapping.sequence == old.mapping.sequence => {
                    return Err(Offered::Stale);
                }
                // A gateway that misses this one would bring the old one back when this one ended.
                Ordering::Greater if *expires_at < old.mapping.expires_at => {
                    return Err(Offered::Outlived);
                }
                Ordering::Greater => {}
            }
        }
        if !is_timely(&row.mapping, now, fresh) {
            return Err(Offered::Refused);
        }
        if !self.has_room(row, old) {
            return Err(Offered::Full);
        }
        // Last, since it costs most.
        if row.mapping.verify().is_err() || !row.is_vouched() {
            return Err(Offered::Refused);
        }
        self.put(now, row.clone(), old);
        Ok(Some(Replaced(replaced)))
    }

    fn put(&mut self, now: Now, row: Vouched, old: Option<&Vouched>) {
        if let Some(old) = old {
            self.discount(old);
        }
        let Mapping { namespace, expires_at, .. } = row.mapping;
        let (weight, digest) = (row.mapping.weight(), row.mapping.digest());
        self.count(namespace, row.by, weight, digest, expires_at);
        let change = self.next_change(now);
        self.store.put(Held { row, change });
    }

    /// The number of the next change. It follows the clock, so that it is above those of namespaces
    /// that were known here once and are no more.
    pub(super) fn next_change(&mut self, now: Now) -> u64 {
        self.last_change = now.wall.0.max(self.last_change + 1);
        self.last_change
    }

    /// Removes a mapping.
    pub(super) fn remove(&mut self, row: &Vouched) {
        let Mapping { namespace, key, .. } = &row.mapping;
        let held = self.store.get(namespace, key);
        // What is held may be vouched for by another.
        if let Some(held) = held.filter(|held| held.row.mapping == row.mapping) {
            self.discount(&held.row);
            self.store.remove(namespace, key);
        }
    }

    /// Keeps what a mapping replaced again, where that mapping is still there.
    pub(super) fn revert(&mut self, row: &Vouched, Replaced(old): Replaced) {
        let Some(Held { row: old, .. }) = old else { return self.remove(row) };
        let Mapping { namespace, key, expires_at, .. } = &old.mapping;
        let held = self.store.get(namespace, key);
        let Some(held) = held.filter(|held| held.row.mapping == row.mapping) else { return };
        self.discount(&held.row);
        self.count(*namespace, old.by, old.mapping.weight(), old.mapping.digest(), *expires_at);
        // Readers have seen the one that was refused.
        self.last_change += 1;
        self.store.put_back(Held { row: old, change: self.last_change });
    }

    /// Removes what has ended.
    pub(super) fn sweep(&mut self, now: u64) {
        let due = self.index.iter().filter(|(_, summary)| summary.earliest <= now);
        let due: Vec<_> = due.map(|(namespace, _)| *namespace).collect();
        for namespace in due {
            let rows = self.store.rows(&namespace, "");
            let (holds, over): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|held| held.row.mapping.holds_at(now));
            for Held { row, .. } in over {
                self.remove(&row);
            }
            let earliest = holds.iter().map(|held| held.row.mapping.expires_at).min();
            if let (Some(summary), Some(earliest)) = (self.index.get_mut(&namespace), earliest) {
                summary.earliest = earliest;
            }
        }
    }

    /// Mappings of a namespace that hold, from a key on, as many as may be in one answer, and whether
    /// there are more. None where they cannot be read.
    pub(super) fn page(
        &self,
        namespace: &Namespace,
        (from, most): (&str, usize),
        now: u64,
    ) -> Option<(Vec<Vouched>, bool)> {
        let (mut page, mut bytes) = (Vec::new(), 0);
        if !self.keeps(namespace) {
            return Some((page, false));
        }
        for Held { row, .. } in self.store.read(namespace, from)? {
            if !row.mapping.holds_at(now) {
                continue;
            }
            bytes += row.mapping.weight();
            if page.len() == most || bytes > super::limits::PART {
                return Some((page, true));
            }
            page.push(row);
        }
        Some((page, false))
    }

    /// Whether something of a namespace is kept here.
    pub(super) fn keeps(&self, namespace: &Namespace) -> bool {
        self.index.contains_key(namespace)
    }

    /// The digest of what is kept of a namespace.
    pub(super) fn digest(&self, namespace: &Namespace) -> u64 {
        self.index.get(namespace).map_or(0, |summary| summary.digest)
    }

    /// Every namespace, with its digest.
    pub(super) fn digests(&self) -> impl Iterator<Item = (Namespace, u64)> {
        self.index.iter().map(|(namespace, summary)| (*namespace, summary.digest))
    }

    fn has_room(&self, row: &Vouched, old: Option<&Vouched>) -> bool {
        let (to, from) = (row.mapping.weight(), old.map_or(0, |old| old.mapping.weight()));
        let grown = |held: usize, from: usize| held.saturating_sub(from).saturating_add(to);
        let of = |by: &GatewayId| self.of.get(by).copied().unwrap_or_default();
        let summary = self.index.get(&row.mapping.namespace).copied().unwrap_or_default();
        let is_others = |row: &&Vouched| row.by != self.own;
        let others = self.bytes.saturating_sub(of(&self.own));
        let from_others = old.filter(is_others).map_or(0, |old| old.mapping.weight());
        let from_same = old.filter(|old| old.by == row.by).map_or(0, |_| from);
        let MappingLimits { bytes, of_gateway } = self.limits;
        summary.keys + usize::from(old.is_none()) <= MAX_KEYS
            && grown(summary.bytes, from) <= MAX_NAMESPACE
            && grown(self.bytes, from) <= bytes
            && (row.by == self.own
                || grown(of(&row.by), from_same) <= of_gateway
                    && grown(others, from_others) <= bytes / 4 * 3)
    }

    fn count(
        &mut self,
        namespace: Namespace,
        by: GatewayId,
        weight: usize,
        digest: u64,
        expires_at: u64,
    ) {
        let first = Summary { earliest: u64::MAX, ..Summary::default() };
        let summary = self.index.entry(namespace).or_insert(first);
        summary.keys += 1;
        summary.bytes += weight;
        summary.digest ^= digest;
        summary.earliest = summary.earliest.min(expires_at);
        *self.of.entry(by).or_default() += weight;
        self.bytes += weight;
    }

    fn discount(&mut self, old: &Vouched) {
        let weight = old.mapping.weight();
        let namespace = old.mapping.namespace;
        if let Some(summary) = self.index.get_mut(&namespace) {
            summary.keys = summary.keys.saturating_sub(1);
            summary.bytes = summary.bytes.saturating_sub(weight);
            summary.digest ^= old.mapping.digest();
            if summary.keys == 0 {
                self.index.remove(&namespace);
            }
        }
        if let Some(of) = self.of.get_mut(&old.by) {
            *of = of.saturating_sub(weight);
            if *of == 0 {
                self.of.remove(&old.by);
            }
        }
        self.bytes = self.bytes.saturating_sub(weight);
    }
}

/// Whether a mapping ends later than now, and not too late.
fn is_timely(mapping: &Mapping, now: Now, fresh: bool) -> bool {
    let slack = if fresh { 0 } else { SLACK };
    let (now, ends) = (seconds(now), mapping.expires_at);
    mapping.holds_at(now) && ends - now <= MAX_TTL + slack
}
