//! Rosters and their copies: merged by stamp wherever two meet. Pure but for its [`RosterStore`].
//!
//! Every gateway keeps the rosters of its own users and of those it is home for. A write goes
//! to the homes at once; when a link comes up the two sides compare digests and exchange what
//! differs, so a write that a home missed reaches it then.

mod limits;
mod relay;

use std::collections::BTreeSet;
use std::sync::Arc;

use crosstalk_core::{Address, Blame, Fault, Roster};
use sha2::{Digest as _, Sha256};

#[cfg(test)]
use crate::common::fault_injection;
use crate::common::map::Map;
use crate::membership::{GatewayId, Key, Members};
use crate::wire::frame::{Frame, MAX_BATCH};
use crate::wire::layout;
pub use limits::{Full, Lists};
pub(crate) use relay::Change;

/// The most bytes of a roster.
pub(crate) const MAX_ROSTER: usize = 4 * 1024 * 1024;
/// The most bytes of a roster in one frame.
const PART: usize = 128 * 1024;
/// The most bytes of rosters in answer to one frame; the others wait for the next link.
const MAX_WANTED: usize = 32 * 1024 * 1024;
/// The most rosters that are remembered for having had no room.
const MAX_REFUSED: usize = 16_384;
/// After so many turns two sides that still differ leave it to the next link.
const LAST_TURN: u8 = 3;

/// Storage of rosters.
pub(crate) trait RosterStore {
    /// The roster at `key` and its owner.
    fn get(&self, key: &Key) -> Option<(Address, Roster)>;
    /// Keeps a roster; `digest` is told again by [`Self::digests`].
    fn put(&mut self, key: Key, owner: Address, roster: Roster, digest: u64);
    /// The digests of all rosters.
    fn digests(&self) -> Vec<(Key, u64)>;
    /// Whether the roster of `owner` may be kept with so many bytes.
    fn room_for(&self, _owner: &Address, _bytes: usize) -> Result<(), Full> {
        Ok(())
    }
    /// The owner of the roster at `key` signed on.
    fn is_seen(&mut self, _key: Key) {}
    /// The digest of the roster at `key` that expired here.
    fn expired(&self, _key: &Key) -> Option<u64> {
        None
    }
}

/// The rosters of one gateway.
pub(crate) struct Rosters<S> {
    members: Arc<Members>,
    store: S,
    last_ask: u64,
    asks: Map<u64, Ask>,
    /// Rosters for which there was no room, by the digests of those who have them.
    refused: Map<Key, u64>,
    /// The roster of which each home has sent some parts that were news, and not the last one.
    begun: Map<GatewayId, Key>,
}

struct Ask {
    owner: Address,
    waits_for: Vec<GatewayId>,
}

/// Entries that were merged into a roster and were news, with the digest and the size of the whole.
struct Merged {
    news: Roster,
    digest: u64,
    bytes: usize,
}

/// Consequence of a frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Follows {
    /// Frames for the gateway that sent it.
    pub(crate) replies: Vec<Frame>,
    /// A roster that changed by it.
    pub(crate) changed: Option<Change>,
    /// A question of ours that it answered completely.
    pub(crate) answered: Option<u64>,
}

impl<S: RosterStore> Rosters<S> {
    /// The rosters in `store`.
    pub(crate) fn new(members: Arc<Members>, store: S) -> Self {
        let (asks, refused, begun) = (Map::default(), Map::default(), Map::default());
        Self { members, store, last_ask: 0, asks, refused, begun }
    }

    /// The members changed; what that means for the copies follows when links are compared.
    pub(crate) fn set_members(&mut self, members: Arc<Members>) {
        self.begun.retain(|home, _| members.contains(home));
        self.members = members;
    }

    /// Takes the store back.
    #[cfg(test)]
    pub(crate) fn into_store(self) -> S {
        self.store
    }

    /// The copy kept here.
    pub(crate) fn load(&self, owner: &Address) -> Roster {
        self.store.get(&Key::of(owner)).map(|(_, roster)| roster).unwrap_or_default()
    }

    /// The owner signs on here.
    pub(crate) fn is_seen(&mut self, owner: &Address) {
        self.store.is_seen(Key::of(owner));
    }

    /// Allows the rosters for which there was no room to be asked for again.
    pub(crate) fn forget_refused(&mut self) {
        self.refused.clear();
    }

    /// Merges `roster` into the copy kept here. Returns the frames that tell its other homes.
    pub(crate) fn save(&mut self, owner: &Address, roster: &Roster) -> Vec<(GatewayId, Frame)> {
        // Only what is news travels: a list of thousands is not sent again for one contact.
        let change = roster.beyond(&self.load(owner));
        let Some(merged) = self.merge(owner, change.clone()) else { return Vec::new() };
        let homes = self.members.homes(&Key::of(owner)).into_iter();
        homes
            .filter(|home| *home != self.members.own())
            .flat_map(|home| {
                parts(owner, &change, Some(merged.digest), 0)
                    .into_iter()
                    .map(move |frame| (home, frame))
            })
            .collect()
    }

    /// Begins a question to those of `linked` that are home for `owner`. Returns its name and
    /// the homes to send it to; `None` where there is nobody to ask.
    pub(crate) fn ask(
        &mut self,
        owner: &Address,
        linked: impl Fn(&GatewayId) -> bool,
    ) -> Option<(u64, Vec<GatewayId>)> {
        let mut homes = self.members.homes(&Key::of(owner));
        homes.retain(|home| *home != self.members.own() && linked(home));
        if homes.is_empty() {
            return None;
        }
        self.last_ask += 1;
        self.asks.insert(self.last_ask, Ask { owner: owner.clone(), waits_for: homes.clone() });
        Some((self.last_ask, homes))
    }

    /// The question is over.
    pub(crate) fn stop_asking(&mut self, ask: u64) {
        self.asks.remove(&ask);
    }

    /// Frames that begin the comparison with `peer`, which is a home for those of `here` who are
    /// signed on at this gateway.
    pub(crate) fn linked(&self, peer: &GatewayId, here: &[Address]) -> Vec<Frame> {
        #[cfg(test)]
        if fault_injection::is(fault_injection::Fault::DroppedAntiEntropy) {
            return Vec::new();
        }
        let mut digests = self.store.digests();
        digests.retain(|(key, _)| self.members.is_home(peer, key));
        let stored = digests.chunks(MAX_BATCH).map(|some| Frame::RosterDigests(some.to_vec()));
        let stored: Vec<_> = stored.collect();
        // A list of which nothing is stored here has no digest among these. What the home had not
        // heard itself when it was asked for it would be missed for as long as the owner stays.
        let known: BTreeSet<_> = digests.iter().map(|(key, _)| *key).collect();
        let none = Roster::default();
        let unknown = here.iter().filter(|owner| !known.contains(&Key::of(owner)));
        let empty = unknown.flat_map(|owner| parts(owner, &none, Some(digest(&none)), 0));
        stored.into_iter().chain(empty).collect()
    }

    /// A frame about rosters came from `peer`; where it brings one, `here` says whether its
    /// owner is signed on at this gateway.
    pub(crate) fn received(
        &mut self,
        peer: GatewayId,
        frame: Frame,
        here: bool,
    ) -> Result<Follows, Fault> {
        let mut follows = Follows::default();
        match frame {
            Frame::RosterGet { ask, owner } => {
                if self.concerns(&peer, &owner) {
                    self.store.is_seen(Key::of(&owner));
                    follows.replies = parts(&owner, &self.load(&owner), None, LAST_TURN);
                }
                follows.replies.push(Frame::RosterGot { ask });
            }
            Frame::RosterGot { ask } => follows.answered = self.got(&peer, ask),
            Frame::RosterPut { owner, part, whole, turn } => {
                // Neither what a stranger to the list says nor what nobody here needs is stored.
                if !self.concerns(&peer, &owner) || !(here || self.keeps(&owner)) {
                    return Ok(follows);
                }
                if !self.has_room_for(&owner, &part, whole) {
                    return Ok(follows);
                }
                let merged = self.merge(&owner, part);
                follows.changed = self.changed(peer, owner.clone(), merged, (whole, turn));
                if let Some(theirs) = whole
                    // Bounded: copies that do not become the same, for whatever reason, would go to
                    // and fro for ever.
                    && turn < LAST_TURN
                {
                    let ours = self.load(&owner);
                    let digest = digest(&ours);
                    if digest != theirs {
                        follows.replies = parts(&owner, &ours, Some(digest), turn + 1);
                    }
                }
            }
            Frame::RosterDigests(theirs) if theirs.len() <= MAX_BATCH => {
                let own = self.members.own();
                let differs = |(key, digest): &(Key, u64)| {
                    self.members.is_home(&own, key)
                        && self.digest(key) != Some(*digest)
                        && self.refused.get(key) != Some(digest)
                        && self.store.expired(key) != Some(*digest)
                };
                let want: Vec<_> = theirs.into_iter().filter(differs).map(|(key, _)| key).collect();
                if !want.is_empty() {
                    follows.replies.push(Frame::RosterWant(want));
                }
            }
            Frame::RosterWant(keys) if keys.len() <= MAX_BATCH => {
                let mut room = MAX_WANTED;
                for (owner, roster) in keys.iter().filter_map(|key| self.store.get(key)) {
                    // The rest is asked for at the next comparison: one request must not queue all
                    // lists at once.
                    let Some(left) = room.checked_sub(size(&roster)) else { break };
                    room = left;
                    if self.concerns(&peer, &owner) {
                        follows.replies.extend(parts(&owner, &roster, Some(digest(&roster)), 0));
                    }
                }
            }
            _ => return Err(Fault::new(Blame::Peer, "a batch of too many rosters")),
        }
        Ok(follows)
    }

    /// Whether another gateway's part of a roster fits. One that does not is not asked for again
    /// for a while.
    fn has_room_for(&mut self, owner: &Address, part: &Roster, whole: Option<u64>) -> bool {
        // Who has nothing to add asks for what is kept here: that is told where all is full as well.
        if part.is_empty() {
            return true;
        }
        let bytes = size(&self.load(owner)) + size(part);
        let Err(full) = self.store.room_for(owner, bytes) else { return true };
        if let Some(whole) = whole.filter(|_| full == Full::Domain) {
            if self.refused.len() >= MAX_REFUSED {
                self.refused.clear();
            }
            self.refused.insert(Key::of(owner), whole);
        }
        false
    }

    /// Merges entries. Returns what changed, if anything did.
    fn merge(&mut self, owner: &Address, part: Roster) -> Option<Merged> {
        let mut whole = self.load(owner);
        let before = whole.clone();
        if !whole.merge(part) {
            return None;
        }
        let bytes = size(&whole);
        if bytes > MAX_ROSTER {
            tracing::warn!(%owner, "the roster is too large to be stored");
            return None;
        }
        let (news, digest) = (whole.beyond(&before), digest(&whole));
        self.store.put(Key::of(owner), owner.clone(), whole, digest);
        Some(Merged { news, digest, bytes })
    }

    fn got(&mut self, peer: &GatewayId, ask: u64) -> Option<u64> {
        let open = self.asks.get_mut(&ask)?;
        open.waits_for.retain(|home| home != peer);
        open.waits_for.is_empty().then(|| {
            self.asks.remove(&ask);
            ask
        })
    }

    /// Whether `peer` has to do with the roster of `owner`: it speaks for the network, or is
    /// its home.
    fn concerns(&self, peer: &GatewayId, owner: &Address) -> bool {
        self.members.may_speak(peer, owner.network()) || self.members.is_home(peer, &Key::of(owner))
    }

    /// Whether this gateway has a reason to keep the roster of `owner`.
    fn keeps(&self, owner: &Address) -> bool {
        let key = Key::of(owner);
        self.members.is_home(&self.members.own(), &key)
            || self.asks.values().any(|ask| ask.owner == *owner)
            || self.store.get(&key).is_some()
    }

    fn digest(&self, key: &Key) -> Option<u64> {
        self.store.get(key).map(|(_, roster)| digest(&roster))
    }
}

/// A roster in frames; the last one carries `whole`.
fn parts(owner: &Address, roster: &Roster, whole: Option<u64>, turn: u8) -> Vec<Frame> {
    let mut small = Vec::new();
    let mut rest = vec![roster.clone()];
    while let Some(next) = rest.pop() {
        if size(&next) <= PART {
            small.push(next);
        } else if let Some((low, high)) = next.halves() {
            rest.extend([low, high]);
        } else {
            tracing::warn!(%owner, "a contact is too large to be sent to another gateway");
        }
    }
    let count = small.len();
    let frame = |(i, part)| {
        let whole = whole.filter(|_| i + 1 == count);
        Frame::RosterPut { owner: owner.clone(), part, whole, turn }
    };
    small.into_iter().enumerate().map(frame).collect()
}

fn size(roster: &Roster) -> usize {
    layout::size(&layout::roster::Roster::from(roster))
}

/// Eight bytes of the roster's SHA-256, by which copies are compared.
pub(crate) fn digest(roster: &Roster) -> u64 {
    // Of the layout, and of nothing behind it: what one of two gateways does not know yet makes no
    // difference between their copies.
    let bytes = layout::write(&layout::roster::Roster::from(roster));
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    u64::from_le_bytes(std::array::from_fn(|i| hash[i]))
}

#[cfg(test)]
pub(crate) mod tests;
