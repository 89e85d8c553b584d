//! Namespaces that somebody watches: here, and at other gateways of which this one is told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::keeping::Held;
use super::limits::{MAX_KEYS, MAX_NAMESPACE, MAX_WATCHED, MAX_WATCHED_BY_ONE};
use crate::common::map::Map;
use crate::membership::GatewayId;
use crate::wire::mapping::{Mapping, Namespace, Vouched};

/// Time between two times that a gateway says that it watches.
pub(crate) const RENEW: Duration = Duration::from_secs(10);
/// Time for which that holds.
const WATCHED: Duration = Duration::from_secs(30);

/// Who watches what.
#[derive(Default)]
pub(super) struct Watching {
    here: BTreeMap<Namespace, Watched>,
    /// Gateways that watch what this one is home of.
    others: Map<GatewayId, BTreeMap<Namespace, Watcher>>,
}

/// A namespace that is watched here.
#[derive(Default)]
struct Watched {
    readers: usize,
    /// What homes have told and is not kept here, by key.
    mirror: BTreeMap<String, Held>,
    bytes: usize,
}

#[derive(Clone, Copy)]
struct Watcher {
    until: Instant,
    /// The digest of what it was told last as a whole.
    told: u64,
}

impl Watching {
    /// Begins to watch; not where too much is watched already.
    pub(super) fn begin(&mut self, namespace: Namespace) -> bool {
        if self.here.len() >= MAX_WATCHED && !self.here.contains_key(&namespace) {
            return false;
        }
        self.here.entry(namespace).or_default().readers += 1;
        true
    }

    /// One reader less.
    pub(super) fn end(&mut self, namespace: &Namespace) {
        let Some(watched) = self.here.get_mut(namespace) else { return };
        watched.readers -= 1;
        if watched.readers == 0 {
            self.here.remove(namespace);
        }
    }

    pub(super) fn is_watched(&self, namespace: &Namespace) -> bool {
        self.here.contains_key(namespace)
    }

    /// The namespaces that are watched here.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.here.keys()
    }

    /// Takes what a home told, which is news and good, where that is watched and has room.
    pub(super) fn mirror(&mut self, held: Held) -> bool {
        let Mapping { namespace, key, .. } = &held.row.mapping;
        let Some(watched) = self.here.get_mut(namespace) else { return false };
        let old = watched.mirror.get(key);
        let keys = watched.mirror.len() + usize::from(old.is_none());
        let before = old.map_or(0, |old| old.row.mapping.weight());
        let bytes = watched.bytes - before + held.row.mapping.weight();
        // As a home has room for it: an owner signs more than any home keeps.
        if keys > MAX_KEYS || bytes > MAX_NAMESPACE {
            return false;
        }
        watched.bytes = bytes;
        watched.mirror.insert(key.clone(), held);
        true
    }

    /// What homes have told under a key.
    pub(super) fn mirrored(&self, namespace: &Namespace, key: &str) -> Option<&Vouched> {
        self.here.get(namespace)?.mirror.get(key).map(|held| &held.row)
    }

    /// Everything that homes have told of a namespace.
    pub(super) fn mirrors(&self, namespace: &Namespace) -> impl Iterator<Item = &Held> {
        self.here.get(namespace).into_iter().flat_map(|watched| watched.mirror.values())
    }

    /// Forgets what has ended.
    pub(super) fn sweep(&mut self, now: u64) {
        for watched in self.here.values_mut() {
            watched.mirror.retain(|_, held| held.row.mapping.holds_at(now));
            watched.bytes = watched.mirror.values().map(|held| held.row.mapping.weight()).sum();
        }
    }

    /// A gateway watches, for a while, and has what that digest is of. Returns whether it is to be
    /// told what there is, which `ours` is the digest of.
    pub(super) fn watches(
        &mut self,
        now: Instant,
        peer: GatewayId,
        namespace: Namespace,
        (theirs, ours): (u64, u64),
    ) -> bool {
        let of_peer = self.others.entry(peer).or_default();
        of_peer.retain(|_, watcher| watcher.until > now);
        if of_peer.len() >= MAX_WATCHED_BY_ONE && !of_peer.contains_key(&namespace) {
            return false;
        }
        let until = now + WATCHED;
        let watcher = of_peer.entry(namespace).or_insert(Watcher { until, told: 0 });
        watcher.until = until;
        // It has what other homes told too: the same is not told again and again.
        let is_news = theirs != ours && watcher.told != ours;
        watcher.told = ours;
        is_news
    }

    /// Gateways that are to be told of a change.
    pub(super) fn watchers(&self, now: Instant, namespace: &Namespace) -> Vec<GatewayId> {
        let others = self.others.iter();
        let watches =
            others.filter(|(_, all)| all.get(namespace).is_some_and(|watcher| watcher.until > now));
        watches.map(|(gateway, _)| *gateway).collect()
    }

    /// Forgets gateways that do not belong any more.
    pub(super) fn keep(&mut self, belongs: impl Fn(&GatewayId) -> bool) {
        self.others.retain(|gateway, _| belongs(gateway));
    }

    /// A link to a gateway comes up, which may not have got what it was told before.
    pub(super) fn linked(&mut self, peer: &GatewayId) {
        self.others.remove(peer);
    }
}
