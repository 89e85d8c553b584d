//! Writes that wait for the disk, and their size.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crosstalk_core::{Address, Origin, Roster};
use tokio::sync::oneshot;

use crate::common::map::Map;
use crate::mappings::Held;
use crate::membership::Key;
use crate::storage::records;
use crate::wire::mapping::Namespace;

/// Number of tasks that wait for a commit from which on those that no longer wait are looked for.
const MANY_WAIT: usize = 1024;

#[derive(Default)]
pub(super) struct Queue {
    pub(super) waiting: Batch,
    pub(super) committing: Arc<Batch>,
    told: Vec<oneshot::Sender<()>>,
    pub(super) closing: bool,
}

/// Writes of one commit, which waits for the disk once.
#[derive(Default)]
pub(super) struct Batch {
    lists: Map<Key, List>,
    /// The bytes of the lists, in all and of each origin.
    bytes: usize,
    of: Map<Origin, usize>,
    pub(super) posts: BTreeMap<u64, Option<Kept>>,
    /// Mappings that are written, or removed, and the bytes of the first.
    pub(super) mappings: BTreeMap<Place, Option<Held>>,
    pub(super) mapped: usize,
    /// Places of mappings that take the place of later ones, which were refused.
    pub(super) back: BTreeSet<Place>,
    /// Owners that were seen to sign on, with the gateway's running time then.
    pub(super) seen: Map<Key, u64>,
    /// Running time of the gateway.
    pub(super) ran: u64,
    /// The time it has run is to be written.
    pub(super) marks_time: bool,
}

/// The place of a mapping.
pub(super) type Place = (Namespace, String);

/// A revision of a message, and its bytes.
pub(super) type Kept = (u64, Vec<u8>);

/// New state of a roster on disk.
#[derive(Clone)]
pub(super) enum List {
    /// It is written: its record, since many may have to wait.
    Kept { owner: Address, bytes: Arc<[u8]>, digest: u64 },
    /// It is removed. The digest tells it from a later one.
    Expired { digest: u64 },
}

impl List {
    fn len(&self) -> usize {
        match self {
            Self::Kept { bytes, .. } => bytes.len(),
            Self::Expired { .. } => 0,
        }
    }

    /// The roster; none where it is removed.
    pub(super) fn read(&self) -> Option<(Address, Roster)> {
        match self {
            Self::Kept { bytes, .. } => records::read_list(bytes).ok(),
            Self::Expired { .. } => None,
        }
    }

    pub(super) const fn digest(&self) -> Option<u64> {
        match self {
            Self::Kept { digest, .. } => Some(*digest),
            Self::Expired { .. } => None,
        }
    }
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
            && self.posts.is_empty()
            && self.mappings.is_empty()
            && self.seen.is_empty()
            && !self.marks_time
    }

    pub(super) fn lists(&self) -> impl Iterator<Item = (&Key, &List)> {
        self.lists.iter()
    }

    pub(super) fn list(&self, key: &Key) -> Option<&List> {
        self.lists.get(key)
    }

    /// The bytes of its lists, in all and of `origin`.
    pub(super) fn held(&self, origin: &Origin) -> (usize, usize) {
        (self.bytes, self.of.get(origin).copied().unwrap_or_default())
    }

    /// The bytes of one of them.
    pub(super) fn len_of(&self, key: &Key) -> usize {
        self.lists.get(key).map_or(0, List::len)
    }

    pub(super) fn put(&mut self, key: Key, list: List) {
        self.count(&list, true);
        if let Some(old) = self.lists.insert(key, list) {
            self.count(&old, false);
        }
    }

    /// Writes a mapping, or removes it.
    pub(super) fn map(&mut self, place: Place, held: Option<Held>) {
        let weight = |held: &Held| held.row.mapping.weight();
        self.mapped += held.as_ref().map_or(0, weight);
        let old = self.mappings.insert(place, held).flatten();
        self.mapped -= old.as_ref().map_or(0, weight);
    }

    fn count(&mut self, list: &List, more: bool) {
        let List::Kept { owner, bytes, .. } = list else { return };
        let of = self.of.entry(Origin::of(owner)).or_default();
        for sum in [of, &mut self.bytes] {
            *sum = if more { *sum + bytes.len() } else { sum.saturating_sub(bytes.len()) };
        }
    }

    /// Takes a message off the disk, where it may be.
    pub(super) fn forget(&mut self, number: u64, may_be_on_disk: bool) {
        let never_left = matches!(self.posts.get(&number), Some(Some((1, _))));
        if never_left && !may_be_on_disk {
            self.posts.remove(&number);
        } else {
            self.posts.insert(number, None);
        }
    }

    /// Takes what was to be written earlier, except where there is something newer.
    pub(super) fn add_older(&mut self, older: &Self) {
        for (key, list) in &older.lists {
            if !self.lists.contains_key(key) {
                self.put(*key, list.clone());
            }
        }
        for (number, kept) in &older.posts {
            self.posts.entry(*number).or_insert_with(|| kept.clone());
        }
        self.back.extend(older.back.iter().cloned());
        for (place, held) in &older.mappings {
            if !self.mappings.contains_key(place) {
                self.map(place.clone(), held.clone());
            }
        }
        for (key, seen) in &older.seen {
            let newest = self.seen.entry(*key).or_default();
            *newest = (*newest).max(*seen);
        }
        self.ran = self.ran.max(older.ran);
        self.marks_time |= older.marks_time;
    }
}

impl Queue {
    /// Whether nothing waits. Those who wait for that are told.
    pub(super) fn is_done(&mut self) -> bool {
        let done = self.waiting.is_empty();
        if done {
            for tell in self.told.drain(..) {
                let _ = tell.send(());
            }
        }
        done
    }

    /// Somebody waits until nothing does.
    pub(super) fn tell(&mut self, tell: oneshot::Sender<()>) {
        if self.told.len() >= MANY_WAIT {
            self.told.retain(|waits| !waits.is_closed());
        }
        self.told.push(tell);
    }

    /// Nobody is told any more.
    pub(super) fn tell_nobody(&mut self) {
        self.told.clear();
    }
}
