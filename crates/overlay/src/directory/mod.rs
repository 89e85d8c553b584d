//! Directory of the places where people are signed on: what this gateway publishes and watches, and
//! its part as a home. Pure.
//!
//! A gateway tells the homes of its users that they are here, and the homes of those it
//! watches that it wants to know. A home tells watchers of every change. Whom a watcher
//! believes is decided at the [watcher](crate::directory::subscriptions): a location counts while its gateway
//! lives in the boot that published it, and only on a network that the gateway may speak for.

pub(crate) mod lease;
mod records;
mod replica;
pub(crate) mod search;
pub(crate) mod subscriptions;

use std::collections::BTreeSet;
use std::sync::Arc;

use crosstalk_core::Address;

use crate::common::map::Map;
use crate::directory::replica::{Replica, TooManyRecords};
use crate::directory::subscriptions::{Living, Move, Subscriptions, Version};
use crate::membership::{GatewayId, Key, Members};
use crate::wire::frame::Record;

/// Consequence of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Tell a gateway.
    Tell(GatewayId, Record),
    /// A watched person came or went.
    Move(Move),
}

/// One gateway's view of who is where.
pub(crate) struct Directory {
    members: Arc<Members>,
    own: GatewayId,
    /// This gateway included.
    living: Living,
    /// Counts the changes that this gateway published.
    version: u64,
    /// This gateway's users, and the count of changes when they signed on.
    here: Map<Key, (Address, u64)>,
    watches: Subscriptions,
    replica: Replica,
    /// Up to when this home has heard each gateway out.
    heard_out: Map<GatewayId, Version>,
    /// Of whom that was not told since it changed.
    untold: BTreeSet<GatewayId>,
    news: Vec<News>,
}

impl Directory {
    /// An empty directory of the gateway in its boot `epoch`.
    pub(crate) fn new(members: Arc<Members>, epoch: u64) -> Self {
        let own = members.own();
        Self {
            members,
            own,
            living: Map::from_iter([(own, epoch)]),
            version: 0,
            here: Map::default(),
            watches: Subscriptions::default(),
            replica: Replica::default(),
            heard_out: Map::default(),
            untold: BTreeSet::new(),
            news: Vec::new(),
        }
    }

    /// Takes what followed from the changes so far.
    pub(crate) fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Publishes a user of this gateway.
    pub(crate) fn sign_on(&mut self, user: &Address) {
        let key = Key::of(user);
        if !self.here.contains_key(&key) {
            self.version += 1;
            let version = self.version;
            self.here.insert(key, (user.clone(), version));
            self.tell_homes(&key, Record::Here { key, version });
            let moved = self.watches.own(&key, self.own, true);
            self.moved(moved);
        }
    }

    /// Withdraws a user.
    pub(crate) fn sign_off(&mut self, user: &Address) {
        let key = Key::of(user);
        if self.here.remove(&key).is_some() {
            self.version += 1;
            self.tell_homes(&key, Record::Gone { key, version: self.version });
            let moved = self.watches.own(&key, self.own, false);
            self.moved(moved);
        }
    }

    /// Whether a person is signed on here.
    pub(crate) fn is_here(&self, user: &Address) -> bool {
        self.here.contains_key(&Key::of(user))
    }

    /// This gateway's users for whom `peer` is a home.
    pub(crate) fn here_of(&self, peer: &GatewayId) -> Vec<Address> {
        let here = self.here.iter().filter(|(key, _)| self.members.is_home(peer, key));
        here.map(|(_, (user, _))| user.clone()).collect()
    }

    /// Whether the person at `key` is signed on here, or anywhere as this home knows.
    pub(crate) fn is_anywhere(&self, key: &Key) -> bool {
        self.here.contains_key(key) || !self.kept(key).is_empty()
    }

    /// Begins to watch somebody. Watching again is no change.
    pub(crate) fn watch(&mut self, user: &Address) {
        let key = Key::of(user);
        if let Some(turn) = self.watches.watch(key, user) {
            let here = self.here.contains_key(&key);
            // Known at once for a person of this gateway, whatever the homes are about to say.
            let moved = self.watches.own(&key, self.own, here);
            self.moved(moved);
            self.tell_homes(&key, Record::Watch { key, turn });
        }
    }

    /// Ends it.
    pub(crate) fn unwatch(&mut self, user: &Address) {
        let key = Key::of(user);
        if self.watches.unwatch(&key) {
            self.tell_homes(&key, Record::Unwatch { key });
        }
    }

    /// Gateways at which `user` is believed to be, if `user` is watched.
    pub(crate) fn watched(&self, user: &Address) -> Option<Vec<GatewayId>> {
        let key = Key::of(user);
        self.watches.user(&key).map(|_| self.watches.shown(&key).collect())
    }

    /// Gateways at which `user` is, without asking anybody: as watched, as kept here, or here
    /// itself.
    pub(crate) fn locate(&self, user: &Address) -> Vec<GatewayId> {
        let key = Key::of(user);
        let kept = self.kept(&key).into_iter().map(|(gateway, _)| gateway);
        let here = self.here.contains_key(&key).then_some(self.own);
        let may = |g: &GatewayId| self.members.may_speak(g, user.network());
        let mut all: Vec<_> =
            self.watches.shown(&key).chain(kept).chain(here).filter(may).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Gateways at which the person at `key` is, as this home knows, with their boots.
    pub(crate) fn kept(&self, key: &Key) -> Vec<(GatewayId, u64)> {
        let locations = self.replica.locations(key).map(|(gateway, held)| (gateway, held.epoch));
        locations.filter(|(gateway, epoch)| self.lives(gateway, *epoch)).collect()
    }

    /// Whether `gateway` is in its boot `epoch` now.
    pub(crate) fn lives(&self, gateway: &GatewayId, epoch: u64) -> bool {
        self.living.get(gateway) == Some(&epoch)
    }

    /// Whether `gateway` lives.
    pub(crate) fn is_living(&self, gateway: &GatewayId) -> bool {
        self.living.contains_key(gateway)
    }

    /// A link to `peer` came up, or came up again. Returns the records to push to it, to be
    /// followed by [`crate::wire::frame::Frame::Synced`] with the count.
    pub(crate) fn linked(&mut self, peer: GatewayId, epoch: u64) -> (Vec<Record>, u64) {
        self.living.insert(peer, epoch);
        // What this boot said before stays until the peer has said everything again: a link that
        // came up anew signs nobody off.
        self.replica.begin_sync(&peer, epoch);
        self.heard_out.remove(&peer);
        self.watches.linked(&peer);
        let moves = self.watches.lives(peer, &self.living);
        self.moved(moves);
        let is_for_peer = |record: &Record| self.members.is_home(&peer, record.key());
        (self.records().filter(is_for_peer).collect(), self.version)
    }

    /// Everything that this gateway has to say to homes.
    fn records(&self) -> impl Iterator<Item = Record> {
        let here = self.here.iter();
        let here = here.map(|(key, (_, version))| Record::Here { key: *key, version: *version });
        here.chain(self.watches.keys().map(|(key, turn)| Record::Watch { key, turn }))
    }

    /// The members changed, and with them the homes. `gone` are forgotten; what is kept
    /// elsewhere from now on is told there when links are [synced](Self::linked) again.
    pub(crate) fn rehome(&mut self, members: Arc<Members>, gone: &[GatewayId]) {
        self.members = members;
        for gateway in gone {
            self.living.remove(gateway);
            self.replica.forget(gateway);
            self.heard_out.remove(gateway);
            self.untold.remove(gateway);
            self.watches.forget(gateway);
        }
        self.watches.rehomed();
        let (members, own) = (&self.members, self.own);
        self.replica.keep(|key| members.is_home(&own, key));
        let mine: Vec<_> = self.records().filter(|r| members.is_home(&own, r.key())).collect();
        for record in mine {
            self.tell(own, record);
        }
    }

    /// `peer` died: nobody is there any more. What it said waits for its return.
    pub(crate) fn lost(&mut self, peer: &GatewayId) {
        self.living.remove(peer);
        self.watches.lost(peer);
    }

    /// `from` said everything that it has to say to this home.
    pub(crate) fn synced(&mut self, from: GatewayId, version: u64) {
        let Some(&epoch) = self.living.get(&from) else { return };
        let at = Version { epoch, version };
        // Whoever was not named again has left while the link was down.
        for key in self.replica.end_sync(&from) {
            self.tell_watchers(key, from, at, false);
        }
        self.heard_out.insert(from, at);
        self.untold.insert(from);
    }

    /// Up to when this home has heard all gateways out.
    pub(crate) fn all_heard_out(&self) -> Vec<(GatewayId, Version)> {
        self.heard_out.iter().map(|(gateway, at)| (*gateway, *at)).collect()
    }

    /// Takes what changed in that since it was taken last, for all to be told of.
    pub(crate) fn take_heard_out(&mut self) -> Vec<(GatewayId, Version)> {
        let untold = std::mem::take(&mut self.untold).into_iter();
        let changed: Vec<_> = untold.filter_map(|g| Some((g, *self.heard_out.get(&g)?))).collect();
        self.told_heard_out(self.own, &changed);
        changed
    }

    /// A home has heard gateways out.
    pub(crate) fn told_heard_out(&mut self, home: GatewayId, heard: &[(GatewayId, Version)]) {
        for (gateway, at) in heard {
            if self.members.contains(gateway) {
                let moves = self.watches.heard_out(home, *gateway, *at, &self.living);
                self.moved(moves);
            }
        }
    }

    /// Takes a record from the gateway that is responsible for it. A gateway that has too many
    /// is refused more.
    pub(crate) fn take(&mut self, from: GatewayId, record: Record) -> Result<(), TooManyRecords> {
        let Some(&epoch) = self.living.get(&from) else { return Ok(()) };
        match record {
            Record::Here { key, version } => {
                if self.replica.arrived(key, from, epoch, version)? {
                    self.tell_watchers(key, from, Version { epoch, version }, true);
                }
                self.heard_more(from, version);
            }
            Record::Gone { key, version } => {
                if self.replica.left(key, from) {
                    self.tell_watchers(key, from, Version { epoch, version }, false);
                }
                self.heard_more(from, version);
            }
            Record::Watch { key, turn } => {
                self.replica.watched(key, from, epoch)?;
                let locations: Vec<_> = self.replica.locations(&key).collect();
                for (gateway, held) in locations {
                    let at = Version { epoch: held.epoch, version: held.version };
                    self.tell(from, Record::seen(key, gateway, at, true));
                }
                self.tell(from, Record::Answered { key, turn });
            }
            Record::Unwatch { key } => self.replica.unwatched(key, from),
            Record::Seen { key, gateway, epoch, version, present } => {
                let at = Version { epoch, version };
                if self.is_credible(&from, &key, &gateway) {
                    let moves = self.watches.seen(from, &key, gateway, at, present, &self.living);
                    self.moved(moves);
                }
            }
            Record::Answered { key, turn } => {
                if self.members.is_home(&from, &key) {
                    let moves = self.watches.answered(from, &key, turn, &self.living);
                    self.moved(moves);
                }
            }
        }
        Ok(())
    }

    /// Whether `home` may say, of the person at `key`, that it is at `gateway`.
    fn is_credible(&self, home: &GatewayId, key: &Key, gateway: &GatewayId) -> bool {
        let network = self.watches.user(key).map(Address::network);
        // No home knows better than this gateway who is signed on here.
        *gateway != self.own
            && self.members.is_home(home, key)
            && network.is_some_and(|network| self.members.may_speak(gateway, network))
    }

    /// Once heard out, a gateway that says more is heard out up to there.
    fn heard_more(&mut self, from: GatewayId, version: u64) {
        if let Some(at) = self.heard_out.get_mut(&from)
            && at.version < version
        {
            at.version = version;
            self.untold.insert(from);
        }
    }

    fn moved(&mut self, moves: impl IntoIterator<Item = Move>) {
        self.news.extend(moves.into_iter().map(News::Move));
    }

    fn tell_watchers(&mut self, key: Key, gateway: GatewayId, at: Version, present: bool) {
        for watcher in self.replica.watchers(&key) {
            self.tell(watcher, Record::seen(key, gateway, at, present));
        }
    }

    fn tell_homes(&mut self, key: &Key, record: Record) {
        for home in self.members.homes(key) {
            self.tell(home, record);
        }
    }

    fn tell(&mut self, to: GatewayId, record: Record) {
        if to != self.own {
            self.news.push(News::Tell(to, record));
        } else if self.take(to, record).is_err() {
            tracing::warn!("this gateway has more users or watches than it keeps records of");
        }
    }
}

#[cfg(test)]
mod tests;
