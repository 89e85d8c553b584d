//! Mappings of applications and their copies: signed by their owners, merged by their numbers.
//! Pure but for its [`MappingStore`].
//!
//! A namespace has its homes as a roster has. The gateway at which a program says something keeps
//! that too, and tells the homes: at once, and again whenever a link comes up. Homes compare digests
//! and exchange what differs. Readers ask all homes and check every signature themselves, so that
//! nobody on the way can forge, alter or bring back anything.

mod asking;
mod exchange;
mod keeping;
pub(crate) mod limits;
#[cfg(test)]
pub(crate) mod tests;
mod watching;

use std::collections::BTreeMap;
use std::sync::Arc;

use crosstalk_core::Now;

use crate::common::map::{Map, Set};
use crate::membership::{GatewayId, Members};
use crate::wire::frame::{Frame, MAX_BATCH};
use crate::wire::mapping::{Namespace, Offered, Vouched};
pub use asking::Page;
use asking::{Asking, Merged};
pub(crate) use keeping::{Held, MappingStore};
use keeping::{Keeping, seconds};
pub use limits::MappingLimits;
use limits::{LAST_TURN, MAX_PAGE};
pub(crate) use watching::RENEW;
use watching::Watching;

/// The mappings of one gateway.
pub(crate) struct Mappings<S> {
    members: Arc<Members>,
    keeping: Keeping<S>,
    asking: Asking,
    watching: Watching,
    /// Namespaces for which there was no room, by the digests of those who have them.
    refused: Map<Namespace, u64>,
    /// Namespaces of which homes were sent all that is kept here, on their present links.
    told: Map<GatewayId, Set<Namespace>>,
}

/// Consequence of a frame.
#[derive(Debug, Default)]
pub(crate) struct Follows {
    /// Frames for gateways.
    pub(crate) frames: Vec<(GatewayId, Frame)>,
    /// A question of ours that it answered completely.
    pub(crate) answered: Option<u64>,
    /// A namespace that is watched here and has changed.
    pub(crate) changed: Option<Namespace>,
    /// Reason for which some of it was not taken.
    pub(crate) refused: Option<&'static str>,
}

/// A question that has begun.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Its name.
    pub(crate) ask: u64,
    /// Number of homes that are to answer it.
    pub(crate) homes: usize,
    /// The frames that ask it, and tell others.
    pub(crate) frames: Vec<(GatewayId, Frame)>,
}

impl<S: MappingStore> Mappings<S> {
    /// The mappings in `store`.
    pub(crate) fn new(members: Arc<Members>, store: S) -> Self {
        Self {
            keeping: Keeping::new(members.own(), store),
            members,
            asking: Asking::default(),
            watching: Watching::default(),
            refused: Map::default(),
            told: Map::default(),
        }
    }

    /// Bounds what is kept from now on.
    pub(crate) const fn limit(&mut self, limits: MappingLimits) {
        self.keeping.limits = limits;
    }

    /// The members changed; what that means for the copies follows when links are compared.
    pub(crate) fn set_members(&mut self, members: Arc<Members>) {
        self.watching.keep(|gateway| members.contains(gateway));
        self.members = members;
        self.told.clear();
    }

    /// Takes the store back.
    #[cfg(test)]
    pub(crate) fn into_store(self) -> S {
        self.keeping.store
    }

    /// Takes what a program here says for an owner, and offers it to the homes. The question is over
    /// when they have answered, or by [`Self::end_put`].
    pub(crate) fn put(
        &mut self,
        now: Now,
        row: &Vouched,
        linked: impl Fn(&GatewayId) -> bool,
    ) -> Result<Asked, Offered> {
        // Before it replaces anything.
        if !self.asking.has_room() {
            return Err(Offered::Full);
        }
        let replaced = self.keeping.replace(now, row, true)?;
        let namespace = row.mapping.namespace;
        let homes = self.other_homes(&namespace, linked);
        let is_home = self.is_home(&namespace);
        let begun = self.asking.begin_put(homes.clone(), (row.clone(), replaced), is_home);
        let ask = begun.ok_or(Offered::Full)?;
        let watchers = self.watching.watchers(now.instant, &namespace).into_iter();
        let told = |to: GatewayId, ask| (to, put(namespace, vec![row.clone()], ask));
        let mut frames: Vec<_> = homes.iter().map(|home| told(*home, ask)).collect();
        frames.extend(watchers.filter(|to| !homes.contains(to)).map(|to| told(to, 0)));
        Ok(Asked { ask, homes: homes.len(), frames })
    }

    /// Ends a question of [`Self::put`]. Returns the number of gateways that have it.
    pub(crate) fn end_put(&mut self, ask: u64) -> Result<usize, Offered> {
        self.asking.put(ask, &mut self.keeping)
    }

    /// Begins a question for a part of a namespace: at most so many mappings, from a key on. None
    /// where there are too many questions.
    pub(crate) fn get(
        &mut self,
        now: Now,
        namespace: Namespace,
        (from, most): (&str, usize),
        linked: impl Fn(&GatewayId) -> bool,
    ) -> Option<Asked> {
        let most = most.clamp(1, MAX_PAGE);
        let mut merged = Merged::new(namespace, from, most);
        if self.is_home(&namespace)
            && let Some((rows, more)) = self.keeping.page(&namespace, (from, most), seconds(now))
        {
            merged.add(rows, more, seconds(now));
        }
        let homes = self.other_homes(&namespace, linked);
        let ask = self.asking.begin_page(homes.clone(), merged)?;
        let most = u16::try_from(most).unwrap_or(u16::MAX);
        let frame = Frame::MappingGet { ask, namespace, from: from.to_owned(), most };
        let frames: Vec<_> = homes.into_iter().map(|home| (home, frame.clone())).collect();
        Some(Asked { ask, homes: frames.len(), frames })
    }

    /// Ends a question of [`Self::get`]. None where no home has answered.
    pub(crate) fn end_get(&mut self, ask: u64) -> Option<Page> {
        self.asking.page(ask)
    }

    /// A question is over, answered or not.
    pub(crate) fn forget(&mut self, ask: u64) {
        self.asking.forget(ask);
    }

    /// Begins to watch a namespace. None where too many are watched.
    pub(crate) fn watch(
        &mut self,
        namespace: Namespace,
        linked: impl Fn(&GatewayId) -> bool,
    ) -> Option<Vec<(GatewayId, Frame)>> {
        let begun = self.watching.begin(namespace);
        begun.then(|| self.watch_frames(&namespace, linked))
    }

    /// Somebody watches a namespace no longer.
    pub(crate) fn unwatch(&mut self, namespace: &Namespace) {
        self.watching.end(namespace);
    }

    /// Frames that say what is watched here.
    pub(crate) fn renew(
        &self,
        linked: impl Fn(&GatewayId) -> bool + Copy,
    ) -> Vec<(GatewayId, Frame)> {
        let all = self.watching.namespaces();
        all.flat_map(|namespace| self.watch_frames(namespace, linked)).collect()
    }

    fn watch_frames(
        &self,
        namespace: &Namespace,
        linked: impl Fn(&GatewayId) -> bool,
    ) -> Vec<(GatewayId, Frame)> {
        // Homes tell each other all there is.
        if self.is_home(namespace) {
            return Vec::new();
        }
        let rows = self.known(namespace).into_values();
        let digest = rows.fold(0, |digest, held| digest ^ held.row.mapping.digest());
        let frame = Frame::MappingWatch { namespace: *namespace, digest };
        let homes = self.other_homes(namespace, linked).into_iter();
        homes.map(|home| (home, frame.clone())).collect()
    }

    /// What is known here of a watched namespace behind the change of that number, the oldest first.
    pub(crate) fn changes(
        &self,
        now: Now,
        namespace: &Namespace,
        after: u64,
        most: usize,
    ) -> Vec<Held> {
        let known = self.known(namespace).into_values();
        let is_news = |held: &Held| held.change > after && held.row.mapping.holds_at(seconds(now));
        let mut news: Vec<_> = known.filter(is_news).collect();
        news.sort_by_key(|held| held.change);
        news.truncate(most);
        news
    }

    /// What is kept here or was told of a namespace, by key.
    fn known(&self, namespace: &Namespace) -> BTreeMap<String, Held> {
        let mut known = BTreeMap::new();
        let kept = if self.keeping.keeps(namespace) {
            self.keeping.store.rows(namespace, "")
        } else {
            Vec::new()
        };
        for held in kept.into_iter().chain(self.watching.mirrors(namespace).cloned()) {
            let key = held.row.mapping.key.clone();
            let is_newer = |old: &Held| held.row.mapping.order(&old.row.mapping).is_gt();
            if known.get(&key).is_none_or(is_newer) {
                known.insert(key, held);
            }
        }
        known
    }

    /// A link to `peer` comes up: of what was said to it before nothing is sure.
    pub(crate) fn linked(&mut self, peer: &GatewayId) {
        self.told.remove(peer);
        self.watching.linked(peer);
    }

    /// Frames that begin a comparison with `peer`.
    pub(crate) fn compare(&self, peer: &GatewayId) -> Vec<Frame> {
        let told = self.told.get(peer);
        let differs = |(namespace, _): &(Namespace, u64)| {
            // What another than a home has is a part of the whole, and always differs.
            let is_done = told.is_some_and(|told| told.contains(namespace));
            self.members.is_home(peer, &namespace.place()) && (!is_done || self.is_home(namespace))
        };
        let digests: Vec<_> = self.keeping.digests().filter(differs).collect();
        digests.chunks(MAX_BATCH).map(|some| Frame::MappingDigests(some.to_vec())).collect()
    }

    /// Forgets what has ended.
    pub(crate) fn sweep(&mut self, now: Now) {
        self.keeping.sweep(seconds(now));
        self.watching.sweep(seconds(now));
    }

    /// Allows what there was no room for to be asked for again.
    pub(crate) fn forget_refused(&mut self) {
        self.refused.clear();
    }

    fn is_home(&self, namespace: &Namespace) -> bool {
        self.members.is_home(&self.members.own(), &namespace.place())
    }

    fn other_homes(
        &self,
        namespace: &Namespace,
        linked: impl Fn(&GatewayId) -> bool,
    ) -> Vec<GatewayId> {
        let mut homes = self.members.homes(&namespace.place());
        homes.retain(|home| *home != self.members.own() && linked(home));
        homes
    }
}

/// The frame that brings some mappings of one namespace.
fn put(namespace: Namespace, rows: Vec<Vouched>, ask: u64) -> Frame {
    Frame::MappingPut { ask, namespace, rows, whole: None, turn: LAST_TURN }
}
