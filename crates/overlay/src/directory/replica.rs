//! Records that other gateways entrusted to this one as a home: who is signed on where, and who
//! watches whom. Pure.

use super::records::Records;
use crate::common::map::Map;
use crate::membership::{GatewayId, Key};

/// The most records kept for one gateway.
pub(crate) const MAX_HELD: usize = 500_000;

/// The records of locations and watches that this gateway keeps.
#[derive(Debug, Default)]
pub(crate) struct Replica {
    entries: Map<Key, Entry>,
    held: Map<GatewayId, usize>,
}

#[derive(Debug, Default)]
struct Entry {
    at: Records<Held>,
    watchers: Records<Held>,
}

/// A record of a gateway's boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// The boot.
    pub(crate) epoch: u64,
    /// Of a location, that gateway's count of changes; of a watch, zero.
    pub(crate) version: u64,
    /// Said, or said again, on the gateway's present link.
    fresh: bool,
}

/// The gateway has as many records here as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyRecords;

impl Replica {
    /// The person is at `gateway`. Says whether that is news.
    pub(crate) fn arrived(
        &mut self,
        key: Key,
        gateway: GatewayId,
        epoch: u64,
        version: u64,
    ) -> Result<bool, TooManyRecords> {
        let held = Held { epoch, version, fresh: true };
        let entry = self.entries.entry(key).or_default();
        hold(&mut self.held, &mut entry.at, gateway, held)
    }

    /// The person left `gateway`. Says whether that is news.
    pub(crate) fn left(&mut self, key: Key, gateway: GatewayId) -> bool {
        self.release(key, gateway, |entry| &mut entry.at)
    }

    /// `gateway` wants to know of the person.
    pub(crate) fn watched(
        &mut self,
        key: Key,
        gateway: GatewayId,
        epoch: u64,
    ) -> Result<bool, TooManyRecords> {
        let held = Held { epoch, version: 0, fresh: true };
        let entry = self.entries.entry(key).or_default();
        hold(&mut self.held, &mut entry.watchers, gateway, held)
    }

    /// `gateway` no longer wants to know.
    pub(crate) fn unwatched(&mut self, key: Key, gateway: GatewayId) {
        self.release(key, gateway, |entry| &mut entry.watchers);
    }

    /// Gateways at which the person is, as far as is known here.
    pub(crate) fn locations(&self, key: &Key) -> impl Iterator<Item = (GatewayId, Held)> {
        self.entries.get(key).into_iter().flat_map(|e| e.at.iter().copied())
    }

    /// Gateways that watch the person.
    pub(crate) fn watchers(&self, key: &Key) -> Vec<GatewayId> {
        self.entries.get(key).map(|e| e.watchers.gateways().collect()).unwrap_or_default()
    }

    /// `gateway` begins to say everything again: what an older boot said is dropped, what this
    /// one said is kept until it [ends](Self::end_sync).
    pub(crate) fn begin_sync(&mut self, gateway: &GatewayId, epoch: u64) {
        for entry in self.entries.values_mut() {
            for records in [&mut entry.at, &mut entry.watchers] {
                if let Some(held) = records.get_mut(gateway) {
                    held.fresh = false;
                }
            }
        }
        self.drop_where(gateway, |held| held.epoch != epoch);
    }

    /// `gateway` has said everything: what it did not repeat is dropped. Names who is no longer
    /// there.
    pub(crate) fn end_sync(&mut self, gateway: &GatewayId) -> Vec<Key> {
        self.drop_where(gateway, |held| !held.fresh)
    }

    /// Drops everything that `gateway` said.
    pub(crate) fn forget(&mut self, gateway: &GatewayId) {
        self.drop_where(gateway, |_| true);
        self.held.remove(gateway);
    }

    /// Drops what is about others than those `ours` names: they have other homes now.
    pub(crate) fn keep(&mut self, ours: impl Fn(&Key) -> bool) {
        let held = &mut self.held;
        self.entries.retain(|key, entry| {
            let kept = ours(key);
            if !kept {
                for gateway in entry.at.gateways().chain(entry.watchers.gateways()) {
                    if let Some(count) = held.get_mut(&gateway) {
                        *count = count.saturating_sub(1);
                    }
                }
            }
            kept
        });
    }

    fn drop_where(&mut self, gateway: &GatewayId, gone: impl Fn(&Held) -> bool) -> Vec<Key> {
        let mut left = Vec::new();
        let mut dropped = 0;
        self.entries.retain(|key, entry| {
            if entry.at.get(gateway).is_some_and(&gone) {
                entry.at.remove(gateway);
                left.push(*key);
                dropped += 1;
            }
            if entry.watchers.get(gateway).is_some_and(&gone) {
                entry.watchers.remove(gateway);
                dropped += 1;
            }
            !entry.is_empty()
        });
        if let Some(held) = self.held.get_mut(gateway) {
            *held = held.saturating_sub(dropped);
        }
        left
    }

    fn release(
        &mut self,
        key: Key,
        gateway: GatewayId,
        of: impl Fn(&mut Entry) -> &mut Records<Held>,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        let was_there = of(entry).remove(&gateway).is_some();
        if entry.is_empty() {
            self.entries.remove(&key);
        }
        if was_there && let Some(held) = self.held.get_mut(&gateway) {
            *held = held.saturating_sub(1);
        }
        was_there
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.at.is_empty() && self.watchers.is_empty()
    }
}

/// Keeps a record, and says whether there was none of the same boot and version.
fn hold(
    counts: &mut Map<GatewayId, usize>,
    records: &mut Records<Held>,
    gateway: GatewayId,
    held: Held,
) -> Result<bool, TooManyRecords> {
    if let Some(old) = records.get_mut(&gateway) {
        let news = (old.epoch, old.version) != (held.epoch, held.version);
        *old = held;
        return Ok(news);
    }
    let count = counts.entry(gateway).or_default();
    if *count >= MAX_HELD {
        return Err(TooManyRecords);
    }
    *count += 1;
    records.insert(gateway, held);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const G: GatewayId = GatewayId::from_bytes([1; 32]);
    const W: GatewayId = GatewayId::from_bytes([2; 32]);

    fn key(name: &str) -> Key {
        Key::of(&name.parse().unwrap())
    }

    #[test]
    fn a_sync_drops_what_was_not_said_again() {
        let mut replica = Replica::default();
        let (alice, bob) = (key("alice@aol"), key("bob@aol"));
        assert_eq!(replica.arrived(alice, G, 1, 1), Ok(true));
        assert_eq!(replica.arrived(bob, G, 1, 2), Ok(true));
        replica.begin_sync(&G, 1);
        assert_eq!(replica.locations(&bob).count(), 1, "kept until the sync ends");
        assert_eq!(replica.arrived(alice, G, 1, 1), Ok(false), "no news");
        assert_eq!(replica.end_sync(&G), [bob]);
        assert_eq!(replica.locations(&alice).count(), 1);
    }

    #[test]
    fn a_new_boot_voids_what_the_old_one_said() {
        let mut replica = Replica::default();
        replica.arrived(key("alice@aol"), G, 1, 1).unwrap();
        replica.watched(key("bob@aol"), G, 1).unwrap();
        replica.begin_sync(&G, 2);
        assert!(replica.entries.is_empty());
        assert_eq!(replica.held[&G], 0);
    }

    #[test]
    fn what_has_another_home_or_came_from_nobody_is_dropped() {
        let mut replica = Replica::default();
        let (alice, bob) = (key("alice@aol"), key("bob@aol"));
        for key in [alice, bob] {
            replica.arrived(key, G, 1, 1).unwrap();
            replica.watched(key, W, 1).unwrap();
        }
        replica.keep(|key| *key == alice);
        assert_eq!(
            (replica.locations(&bob).count(), replica.held[&G], replica.held[&W]),
            (0, 1, 1)
        );
        replica.forget(&G);
        assert_eq!((replica.locations(&alice).count(), replica.watchers(&alice)), (0, vec![W]));
    }

    #[test]
    fn watchers_are_told_apart_from_those_they_watch() {
        let mut replica = Replica::default();
        let alice = key("alice@aol");
        replica.watched(alice, W, 1).unwrap();
        replica.arrived(alice, G, 1, 1).unwrap();
        assert_eq!(replica.watchers(&alice), [W]);
        assert!(replica.left(alice, G) && !replica.left(alice, G));
        replica.unwatched(alice, W);
        assert!(replica.entries.is_empty());
    }
}
