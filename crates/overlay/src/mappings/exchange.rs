//! Frames about mappings, as other gateways say them.

use crosstalk_core::{Blame, Fault, Now};

use super::keeping::{MappingStore, seconds};
use super::limits::{LAST_TURN, MAX_PAGE, MAX_REFUSED, MAX_WANTED, PART};
use super::{Follows, Held, Mappings, put};
use crate::membership::GatewayId;
use crate::wire::frame::{Frame, MAX_BATCH};
use crate::wire::mapping::{Namespace, Offered, Vouched};

impl<S: MappingStore> Mappings<S> {
    /// A frame about mappings came from `peer`.
    pub(crate) fn received(
        &mut self,
        now: Now,
        peer: GatewayId,
        frame: Frame,
    ) -> Result<Follows, Fault> {
        let mut follows = Follows::default();
        let mut reply = |frame| follows.frames.push((peer, frame));
        match frame {
            Frame::MappingGet { ask, namespace, from, most } => {
                let most = usize::from(most).clamp(1, MAX_PAGE);
                let page = self.keeping.page(&namespace, (&from, most), seconds(now));
                // Of what cannot be read nobody knows that there is none.
                if let Some((rows, more)) = page {
                    reply(Frame::MappingGot { ask, rows, more });
                }
            }
            Frame::MappingGot { ask, rows, more } if rows.len() <= MAX_PAGE => {
                let is_last = self.asking.got(&peer, ask, (rows, more), seconds(now));
                follows.answered = is_last.then_some(ask);
            }
            Frame::MappingOffered { ask, outcome } => {
                follows.answered = self.asking.offered(&peer, ask, outcome).then_some(ask);
            }
            Frame::MappingPut { ask, namespace, rows, whole, turn }
                if rows.len() <= MAX_BATCH
                    && (ask == 0 || rows.len() == 1)
                    && rows.iter().all(|row| row.mapping.namespace == namespace) =>
            {
                let news = self.taken(now, peer, (namespace, rows), ask, &mut follows);
                self.pass_on(now, peer, (namespace, news), (whole, turn), &mut follows);
                self.answer_whole(now, peer, namespace, (whole, turn), &mut follows);
            }
            Frame::MappingDigests(theirs) if theirs.len() <= MAX_BATCH => {
                let differs = |(namespace, digest): &(Namespace, u64)| {
                    self.is_home(namespace)
                        && self.keeping.digest(namespace) != *digest
                        && self.refused.get(namespace) != Some(digest)
                };
                let want: Vec<_> = theirs.into_iter().filter(differs).map(|(n, _)| n).collect();
                if !want.is_empty() {
                    reply(Frame::MappingWant(want));
                }
            }
            Frame::MappingWant(wanted) if wanted.len() <= MAX_BATCH => {
                self.wanted(now, peer, wanted, &mut follows);
            }
            Frame::MappingWatch { namespace, digest } => {
                let ours = self.keeping.digest(&namespace);
                let is_home = self.is_home(&namespace);
                let digests = (digest, ours);
                if is_home && self.watching.watches(now.instant, peer, namespace, digests) {
                    let parts = self.parts(now, namespace, None, LAST_TURN);
                    follows.frames.extend(parts.into_iter().map(|part| (peer, part)));
                }
            }
            _ => return Err(Fault::new(Blame::Peer, "mappings that cannot be in one frame")),
        }
        Ok(follows)
    }

    /// Takes mappings that a peer brings. Returns those that are news.
    fn taken(
        &mut self,
        now: Now,
        peer: GatewayId,
        (namespace, rows): (Namespace, Vec<Vouched>),
        ask: u64,
        follows: &mut Follows,
    ) -> Vec<Vouched> {
        let (is_home, mut news) = (self.is_home(&namespace), Vec::new());
        for row in rows {
            let outcome = self.take(now, &row, is_home, ask != 0);
            // The peer may not know yet that who vouches for it is no member any more.
            let is_true = |row: &Vouched| {
                !self.members.contains(&row.by) && row.mapping.verify().is_ok() && row.is_vouched()
            };
            if outcome == Err(Offered::Refused)
                && row.mapping.holds_at(seconds(now))
                && !is_true(&row)
            {
                follows.refused = Some("a mapping that nobody signed so");
            }
            if ask != 0 {
                let outcome = outcome.map_or_else(|why| why, |_| Offered::Kept);
                follows.frames.push((peer, Frame::MappingOffered { ask, outcome }));
                if outcome == Offered::Stale {
                    let rows = self.keeping.store.get(&namespace, &row.mapping.key);
                    let rows = rows.into_iter().map(|held| held.row).collect();
                    follows.frames.push((peer, put(namespace, rows, 0)));
                }
            }
            if outcome == Ok(true) {
                news.push(row);
            }
        }
        news
    }

    /// Tells those whom it concerns what a peer brought that is news.
    fn pass_on(
        &self,
        now: Now,
        peer: GatewayId,
        (namespace, news): (Namespace, Vec<Vouched>),
        (whole, turn): (Option<u64>, u8),
        follows: &mut Follows,
    ) {
        let is_watched = !news.is_empty() && self.watching.is_watched(&namespace);
        follows.changed = is_watched.then_some(namespace);
        if !self.is_home(&namespace) {
            return;
        }
        // The peer may not reach the other homes now, and be gone when it can.
        let mut homes = self.other_homes(&namespace, |_| true);
        homes.retain(|home| *home != peer);
        let mut watchers = self.watching.watchers(now.instant, &namespace);
        watchers.retain(|watcher| *watcher != peer && !homes.contains(watcher));
        let is_compared = turn < LAST_TURN && self.members.is_home(&peer, &namespace.place());
        if is_compared && whole.is_some() {
            // As of rosters: what homes exchange when they are compared others most likely have.
            let digests = vec![(namespace, self.keeping.digest(&namespace))];
            let frame = Frame::MappingDigests(digests);
            follows.frames.extend(homes.iter().map(|home| (*home, frame.clone())));
        }
        let homes = homes.into_iter().filter(|_| !is_compared);
        for to in homes.chain(watchers).filter(|_| !news.is_empty()) {
            follows.frames.push((to, put(namespace, news.clone(), 0)));
        }
    }

    /// Takes one mapping of a peer's, to be kept or because it is watched.
    fn take(
        &mut self,
        now: Now,
        row: &Vouched,
        is_home: bool,
        fresh: bool,
    ) -> Result<bool, Offered> {
        let (namespace, key) = (&row.mapping.namespace, &row.mapping.key);
        if !self.members.contains(&row.by) {
            return Err(Offered::Refused);
        }
        // Elsewhere only what was said here is kept, and what replaces that.
        if is_home
            || self.keeping.keeps(namespace) && self.keeping.store.get(namespace, key).is_some()
        {
            return self.keeping.offer(now, row, fresh);
        }
        let known = self.watching.mirrored(namespace, key);
        let is_newer = known.is_none_or(|known| row.mapping.order(&known.mapping).is_gt());
        if !is_newer || !self.watching.is_watched(namespace) {
            return Ok(false);
        }
        if !row.mapping.holds_at(seconds(now)) || row.mapping.verify().is_err() {
            return Err(Offered::Refused);
        }
        let change = self.keeping.next_change(now);
        Ok(self.watching.mirror(Held { row: row.clone(), change }))
    }

    /// Answers the last part of what a peer has with what is here beyond that.
    fn answer_whole(
        &mut self,
        now: Now,
        peer: GatewayId,
        namespace: Namespace,
        (whole, turn): (Option<u64>, u8),
        follows: &mut Follows,
    ) {
        let Some(theirs) = whole.filter(|_| self.is_home(&namespace)) else { return };
        let ours = self.keeping.digest(&namespace);
        if theirs == ours {
            return;
        }
        if self.refused.len() >= MAX_REFUSED {
            self.refused.clear();
        }
        // Asked for again only when it is another: for what has come there was no room, or it is
        // part of what is here.
        self.refused.insert(namespace, theirs);
        // Bounded, as for rosters. Who is no home has but a part, and needs no more.
        if turn < LAST_TURN && self.members.is_home(&peer, &namespace.place()) {
            let parts = self.parts(now, namespace, Some(ours), turn + 1);
            follows.frames.extend(parts.into_iter().map(|part| (peer, part)));
        }
    }

    fn wanted(&mut self, now: Now, peer: GatewayId, wanted: Vec<Namespace>, follows: &mut Follows) {
        let mut room = MAX_WANTED;
        for namespace in wanted {
            let digest = self.keeping.digest(&namespace);
            let parts = self.parts(now, namespace, Some(digest), 0);
            let bytes = PART * parts.len();
            // One request must not queue everything at once.
            let Some(left) = room.checked_sub(bytes) else { break };
            room = left;
            follows.frames.extend(parts.into_iter().map(|part| (peer, part)));
            if !self.is_home(&namespace) {
                self.told.entry(peer).or_default().insert(namespace);
            }
        }
    }

    /// What is kept of a namespace, in frames; the last one carries `whole`.
    fn parts(&self, now: Now, namespace: Namespace, whole: Option<u64>, turn: u8) -> Vec<Frame> {
        let mut parts = vec![(0, Vec::new())];
        let rows = if self.keeping.keeps(&namespace) {
            self.keeping.store.rows(&namespace, "")
        } else {
            Vec::new()
        };
        for Held { row, .. } in rows {
            let weight = row.mapping.weight();
            if !row.mapping.holds_at(seconds(now)) {
                continue;
            }
            match parts.last_mut() {
                Some((bytes, part)) if *bytes + weight <= PART => {
                    *bytes += weight;
                    part.push(row);
                }
                _ => parts.push((weight, vec![row])),
            }
        }
        let last = parts.len() - 1;
        let frame = |(n, (_, rows)): (usize, (usize, Vec<Vouched>))| {
            let whole = whole.filter(|_| n == last);
            Frame::MappingPut { ask: 0, namespace, rows, whole, turn }
        };
        parts.into_iter().enumerate().map(frame).collect()
    }
}
