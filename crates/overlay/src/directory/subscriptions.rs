//! People that this gateway watches, and where it believes them to be. Pure.
//!
//! Every home of a person tells what it knows, and each may be behind, or have been away. The
//! news with the higher count of its gateway wins. A location that nobody withdrew is refuted
//! by a home that answered the watch without it, though it has heard the gateway out since.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::Address;

use crate::common::map::Map;
use crate::membership::{GatewayId, Key};

/// A gateway's boot, and its count of changes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The boot.
    pub(crate) epoch: u64,
    /// The count.
    pub(crate) version: u64,
}

/// A person came to a gateway, or left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Came.
    Arrived(Address, GatewayId),
    /// Left.
    Left(Address, GatewayId),
}

/// The watches of one gateway.
#[derive(Default)]
pub(crate) struct Subscriptions {
    watching: Map<Key, Watching>,
    /// Up to when each home has heard each gateway out, as told on the home's present link.
    heard_out: Map<GatewayId, Map<GatewayId, Version>>,
    turns: u64,
}

struct Watching {
    user: Address,
    /// Tells this watch from an earlier one of the same person.
    turn: u64,
    /// The homes that answered it on their present link.
    answered: BTreeSet<GatewayId>,
    /// The last word on each gateway, in each of its boots.
    claims: BTreeMap<(GatewayId, u64), Claim>,
    /// Gateways at which the person is believed to be.
    shown: BTreeSet<GatewayId>,
}

struct Claim {
    at: Version,
    present: bool,
    /// The homes that said so on their present link.
    by: BTreeSet<GatewayId>,
}

/// The living gateways and their boots.
pub(crate) type Living = Map<GatewayId, u64>;

impl Subscriptions {
    /// Begins to watch. Returns the turn to ask the homes with, unless the person is watched
    /// already.
    pub(crate) fn watch(&mut self, key: Key, user: &Address) -> Option<u64> {
        if self.watching.contains_key(&key) {
            return None;
        }
        self.turns += 1;
        let watching = Watching {
            user: user.clone(),
            turn: self.turns,
            answered: BTreeSet::new(),
            claims: BTreeMap::new(),
            shown: BTreeSet::new(),
        };
        self.watching.insert(key, watching);
        Some(self.turns)
    }

    /// Ends a watch. Says whether there was one.
    pub(crate) fn unwatch(&mut self, key: &Key) -> bool {
        self.watching.remove(key).is_some()
    }

    /// Everybody watched, with the turns of the watches.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (Key, u64)> {
        self.watching.iter().map(|(key, watching)| (*key, watching.turn))
    }

    /// Person watched under `key`.
    pub(crate) fn user(&self, key: &Key) -> Option<&Address> {
        self.watching.get(key).map(|watching| &watching.user)
    }

    /// Gateways at which the person is believed to be.
    pub(crate) fn shown(&self, key: &Key) -> impl Iterator<Item = GatewayId> {
        self.watching.get(key).into_iter().flat_map(|watching| watching.shown.iter().copied())
    }

    /// A user of this gateway `own` signed on or off, which nobody knows better.
    pub(crate) fn own(&mut self, key: &Key, own: GatewayId, here: bool) -> Option<Move> {
        let watching = self.watching.get_mut(key)?;
        let changed = if here { watching.shown.insert(own) } else { watching.shown.remove(&own) };
        changed.then(|| watching.told(own, here))
    }

    /// A link to `home` came up: it will say everything again.
    pub(crate) fn linked(&mut self, home: &GatewayId) {
        self.heard_out.remove(home);
        for watching in self.watching.values_mut() {
            watching.answered.remove(home);
            for claim in watching.claims.values_mut() {
                claim.by.remove(home);
            }
        }
    }

    /// The homes changed: all will say everything again.
    pub(crate) fn rehomed(&mut self) {
        self.heard_out.clear();
        for watching in self.watching.values_mut() {
            watching.answered.clear();
            watching.claims.values_mut().for_each(|claim| claim.by.clear());
        }
    }

    /// `gateway` is no member any more, or not what it was: nobody was ever said to be there.
    pub(crate) fn forget(&mut self, gateway: &GatewayId) {
        self.heard_out.remove(gateway);
        for watching in self.watching.values_mut() {
            watching.claims.retain(|(claimed, _), _| claimed != gateway);
            watching.shown.remove(gateway);
        }
    }

    /// `gateway` died: who was believed to be there is not, without a word for each.
    pub(crate) fn lost(&mut self, gateway: &GatewayId) {
        for watching in self.watching.values_mut() {
            watching.shown.remove(gateway);
        }
    }

    /// `gateway` lives: who is said to be there is.
    pub(crate) fn lives(&mut self, gateway: GatewayId, living: &Living) -> Vec<Move> {
        let heard_out = &self.heard_out;
        let claimed = self.watching.values_mut().filter(|w| w.epochs(&gateway).next().is_some());
        claimed.filter_map(|watching| watching.judge(gateway, heard_out, living)).collect()
    }

    /// `home` says that the person is, or is no longer, at `gateway`.
    pub(crate) fn seen(
        &mut self,
        home: GatewayId,
        key: &Key,
        gateway: GatewayId,
        at: Version,
        present: bool,
        living: &Living,
    ) -> Vec<Move> {
        let Some(watching) = self.watching.get_mut(key) else { return Vec::new() };
        let mut moves = Vec::new();
        match watching.claims.get_mut(&(gateway, at.epoch)) {
            Some(old) if old.at == at => {
                old.by.insert(home);
            }
            Some(old) if old.at.version > at.version => {}
            _ => {
                // Every sign-on has a count of its own. Of one that followed another, what came
                // between may never be told: that the other one ended follows from it.
                if living.get(&gateway) == Some(&at.epoch) && watching.shown.remove(&gateway) {
                    moves.push(watching.told(gateway, false));
                }
                let claim = Claim { at, present, by: BTreeSet::from([home]) };
                watching.claims.insert((gateway, at.epoch), claim);
                watching.drop_old_boots(&gateway, living);
            }
        }
        moves.extend(watching.judge(gateway, &self.heard_out, living));
        moves
    }

    /// `home` has said all it knows of the person.
    pub(crate) fn answered(
        &mut self,
        home: GatewayId,
        key: &Key,
        turn: u64,
        living: &Living,
    ) -> Vec<Move> {
        let Some(watching) = self.watching.get_mut(key) else { return Vec::new() };
        if watching.turn != turn {
            return Vec::new();
        }
        watching.answered.insert(home);
        let gateways: BTreeSet<_> = watching.claims.keys().map(|(gateway, _)| *gateway).collect();
        let judged = gateways.into_iter().map(|g| watching.judge(g, &self.heard_out, living));
        judged.flatten().collect()
    }

    /// `home` has heard `gateway` out up to `at`.
    pub(crate) fn heard_out(
        &mut self,
        home: GatewayId,
        gateway: GatewayId,
        at: Version,
        living: &Living,
    ) -> Vec<Move> {
        self.heard_out.entry(home).or_default().insert(gateway, at);
        self.lives(gateway, living)
    }
}

impl Watching {
    /// Decides whether the person is at `gateway`. Returns what changed by it.
    fn judge(
        &mut self,
        gateway: GatewayId,
        heard_out: &Map<GatewayId, Map<GatewayId, Version>>,
        living: &Living,
    ) -> Option<Move> {
        let claim = living.get(&gateway).and_then(|epoch| self.claims.get(&(gateway, *epoch)));
        let stands = claim.is_some_and(|claim| {
            let refutes = |home: &GatewayId| {
                let heard = heard_out.get(home).and_then(|heard| heard.get(&gateway));
                !claim.by.contains(home)
                    && heard.is_some_and(|heard| {
                        heard.epoch == claim.at.epoch && heard.version >= claim.at.version
                    })
            };
            claim.present && !self.answered.iter().any(refutes)
        });
        let changed = if stands { self.shown.insert(gateway) } else { self.shown.remove(&gateway) };
        changed.then(|| self.told(gateway, stands))
    }

    /// The boots of `gateway` that something is known of.
    fn epochs(&self, gateway: &GatewayId) -> impl Iterator<Item = u64> {
        self.claims.range((*gateway, 0)..=(*gateway, u64::MAX)).map(|((_, epoch), _)| *epoch)
    }

    /// Of a gateway that restarts, homes may know before this gateway does: two boots are kept.
    fn drop_old_boots(&mut self, gateway: &GatewayId, living: &Living) {
        let dead = self.epochs(gateway).find(|epoch| living.get(gateway) != Some(epoch));
        if self.epochs(gateway).count() > 2
            && let Some(dead) = dead
        {
            self.claims.remove(&(*gateway, dead));
        }
    }

    fn told(&self, gateway: GatewayId, present: bool) -> Move {
        let user = self.user.clone();
        if present { Move::Arrived(user, gateway) } else { Move::Left(user, gateway) }
    }
}
