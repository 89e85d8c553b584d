//! Who is where: what this gateway publishes and watches, and its part as a home. Pure.
//!
//! A gateway tells the homes of its users that they are here, and the homes of those it
//! watches that it wants to know. A home tells watchers of every change. Whom a watcher
//! believes is decided at the watcher: a location counts while its gateway lives in the boot
//! that published it, and only on a network that the gateway may speak for.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crosstalk_core::Address;

use crate::GatewayId;
use crate::frame::Record;
use crate::home::{Full, Home};
use crate::members::{Key, Members};

/// What follows from a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Tell a gateway.
    Tell(GatewayId, Record),
    /// A watched person signed on somewhere.
    Arrived(Address, GatewayId),
    /// A watched person signed off somewhere.
    Left(Address, GatewayId),
}

/// One gateway's view of who is where.
pub(crate) struct Directory {
    members: Arc<Members>,
    /// The living gateways and their boots, this one's included.
    living: HashMap<GatewayId, u64>,
    /// Counts the changes that this gateway published.
    version: u64,
    /// This gateway's users, and the count of changes when they signed on.
    here: HashMap<Key, u64>,
    watching: HashMap<Key, Watching>,
    home: Home,
    news: Vec<News>,
}

struct Watching {
    user: Address,
    /// The last word on each gateway that the person was ever seen at.
    claims: BTreeMap<GatewayId, Claim>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Claim {
    epoch: u64,
    version: u64,
    present: bool,
}

impl Directory {
    /// An empty directory of the gateway in its boot `epoch`.
    pub(crate) fn new(members: Arc<Members>, epoch: u64) -> Self {
        let living = HashMap::from([(members.own(), epoch)]);
        Self {
            members,
            living,
            version: 0,
            here: HashMap::new(),
            watching: HashMap::new(),
            home: Home::default(),
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
            self.here.insert(key, version);
            self.tell_homes(&key, Record::Here { key, version });
        }
    }

    /// Withdraws a user.
    pub(crate) fn sign_off(&mut self, user: &Address) {
        let key = Key::of(user);
        if self.here.remove(&key).is_some() {
            self.version += 1;
            self.tell_homes(&key, Record::Gone { key, version: self.version });
        }
    }

    /// Whether a person is signed on here.
    pub(crate) fn is_here(&self, user: &Address) -> bool {
        self.here.contains_key(&Key::of(user))
    }

    /// Begins to watch somebody. Watching again is no change.
    pub(crate) fn watch(&mut self, user: &Address) {
        let key = Key::of(user);
        if let Entry::Vacant(entry) = self.watching.entry(key) {
            entry.insert(Watching { user: user.clone(), claims: BTreeMap::new() });
            self.tell_homes(&key, Record::Watch { key });
        }
    }

    /// Ends it.
    pub(crate) fn unwatch(&mut self, user: &Address) {
        let key = Key::of(user);
        if self.watching.remove(&key).is_some() {
            self.tell_homes(&key, Record::Unwatch { key });
        }
    }

    /// Where `user` is, without asking anybody: as watched, as kept here, or here itself.
    pub(crate) fn locate(&self, user: &Address) -> Vec<GatewayId> {
        let key = Key::of(user);
        let watched = self.watching.get(&key).into_iter().flat_map(|watching| {
            watching.claims.iter().filter(|(g, c)| self.stands(g, c)).map(|(g, _)| *g)
        });
        let kept = self.kept(&key).into_iter().map(|(gateway, _)| gateway);
        let here = self.here.contains_key(&key).then(|| self.members.own());
        let may = |g: &GatewayId| self.members.may_speak(g, user.network());
        let mut all: Vec<_> = watched.chain(kept).chain(here).filter(may).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Where the person at `key` is, as this home knows: gateways and their boots.
    pub(crate) fn kept(&self, key: &Key) -> Vec<(GatewayId, u64)> {
        let locations = self.home.locations(key).map(|(gateway, held)| (gateway, held.epoch));
        locations.filter(|(gateway, epoch)| self.lives(gateway, *epoch)).collect()
    }

    /// Whether `gateway` is in its boot `epoch` now.
    pub(crate) fn lives(&self, gateway: &GatewayId, epoch: u64) -> bool {
        self.living.get(gateway) == Some(&epoch)
    }

    /// A link to `peer` came up, or came up again. Returns the records to push to it, to be
    /// followed by [`crate::frame::Frame::Synced`] with the count.
    pub(crate) fn linked(&mut self, peer: GatewayId, epoch: u64) -> (Vec<Record>, u64) {
        if self.living.insert(peer, epoch) != Some(epoch) {
            for watching in self.watching.values() {
                let claim = watching.claims.get(&peer);
                if claim.is_some_and(|c| c.present && c.epoch == epoch) {
                    self.news.push(News::Arrived(watching.user.clone(), peer));
                }
            }
        }
        self.home.begin_sync(&peer, epoch);
        let here =
            self.here.iter().map(|(key, version)| Record::Here { key: *key, version: *version });
        let watches = self.watching.keys().map(|key| Record::Watch { key: *key });
        let records = here
            .chain(watches)
            .filter(|record| self.members.is_home(&peer, record.key()))
            .collect();
        (records, self.version)
    }

    /// `peer` died: nobody is there any more. What it said waits for its return.
    pub(crate) fn lost(&mut self, peer: &GatewayId) {
        self.living.remove(peer);
    }

    /// `from` said everything that it has to say to this home.
    pub(crate) fn synced(&mut self, from: GatewayId, version: u64) {
        let Some(&epoch) = self.living.get(&from) else { return };
        for key in self.home.end_sync(&from) {
            self.tell_watchers(key, from, Claim { epoch, version, present: false });
        }
    }

    /// Takes a record from the gateway that is responsible for it. A gateway that has too many
    /// is refused more.
    pub(crate) fn take(&mut self, from: GatewayId, record: Record) -> Result<(), Full> {
        let Some(&epoch) = self.living.get(&from) else { return Ok(()) };
        match record {
            Record::Here { key, version } => {
                if self.home.arrived(key, from, epoch, version)? {
                    self.tell_watchers(key, from, Claim { epoch, version, present: true });
                }
            }
            Record::Gone { key, version } => {
                if self.home.left(key, from) {
                    self.tell_watchers(key, from, Claim { epoch, version, present: false });
                }
            }
            Record::Watch { key } => {
                self.home.watched(key, from, epoch)?;
                let seen: Vec<_> = self.home.locations(&key).collect();
                for (gateway, held) in seen {
                    let claim = Claim { epoch: held.epoch, version: held.version, present: true };
                    self.tell(from, claim.record(key, gateway));
                }
            }
            Record::Unwatch { key } => self.home.unwatched(key, from),
            Record::Seen { key, gateway, epoch, version, present } => {
                if self.members.is_home(&from, &key) {
                    self.seen(&key, gateway, Claim { epoch, version, present });
                }
            }
        }
        Ok(())
    }

    /// A home says that a watched person is, or is no longer, at `gateway`.
    fn seen(&mut self, key: &Key, gateway: GatewayId, claim: Claim) {
        let living = self.living.get(&gateway).copied();
        let Some(watching) = self.watching.get_mut(key) else { return };
        if !self.members.may_speak(&gateway, watching.user.network()) {
            return;
        }
        let old = watching.claims.get(&gateway).copied();
        let newer = old.is_none_or(|old| {
            if old.epoch == claim.epoch {
                old.version < claim.version
            } else {
                Some(old.epoch) != living
            }
        });
        if !newer {
            return;
        }
        watching.claims.insert(gateway, claim);
        let stands = |c: &Claim| c.present && living == Some(c.epoch);
        match (old.as_ref().is_some_and(stands), stands(&claim)) {
            (false, true) => self.news.push(News::Arrived(watching.user.clone(), gateway)),
            (true, false) => self.news.push(News::Left(watching.user.clone(), gateway)),
            _ => {}
        }
    }

    fn stands(&self, gateway: &GatewayId, claim: &Claim) -> bool {
        claim.present && self.lives(gateway, claim.epoch)
    }

    fn tell_watchers(&mut self, key: Key, gateway: GatewayId, claim: Claim) {
        for watcher in self.home.watchers(&key) {
            self.tell(watcher, claim.record(key, gateway));
        }
    }

    fn tell_homes(&mut self, key: &Key, record: Record) {
        for home in self.members.homes(key) {
            self.tell(home, record);
        }
    }

    fn tell(&mut self, to: GatewayId, record: Record) {
        if to != self.members.own() {
            self.news.push(News::Tell(to, record));
        } else if self.take(to, record).is_err() {
            tracing::warn!("this gateway has more users or watches than it keeps records of");
        }
    }
}

impl Claim {
    const fn record(self, key: Key, gateway: GatewayId) -> Record {
        let Self { epoch, version, present } = self;
        Record::Seen { key, gateway, epoch, version, present }
    }
}

impl Record {
    /// Whom it is about.
    pub(crate) const fn key(&self) -> &Key {
        match self {
            Self::Here { key, .. }
            | Self::Gone { key, .. }
            | Self::Watch { key }
            | Self::Unwatch { key }
            | Self::Seen { key, .. } => key,
        }
    }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
