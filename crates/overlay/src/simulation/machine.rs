//! One gateway of the simulation: a node, its disk, its clocks, and the router with its accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, EnvelopeId, Now, UnixMillis};
use crosstalk_router::Ticket;

use super::router::{Router, SlotId};
use super::world::Way;
use crate::delivery::dedup::Fingerprint;
use crate::directory::lease::LinkId;
use crate::membership::{GatewayId, Member, Members, REPLICAS};
use crate::node::{Node, Recovered};
use crate::outbox::{Limits, Post};
use crate::rosters::Rosters;
use crate::rosters::tests::Memory;
use crate::storage::store;

/// Whom a node tells what became of something: an account, under its name for it.
pub(super) type Asker = (SlotId, Ticket);
pub(super) type Plain = Node<Asker, Asker>;

/// Something that was posted for an account.
pub(super) enum Posted {
    Envelope(Asker, EnvelopeId),
    /// That a text of this name was not delivered.
    Report(EnvelopeId),
}

/// The gateway's name.
pub(super) fn id(n: usize) -> GatewayId {
    GatewayId::from_bytes([n as u8; 32])
}

/// Number of the gateway with that id.
pub(super) fn number(id: &GatewayId) -> usize {
    id.as_bytes()[0] as usize
}

/// State of a gateway whether it runs or not.
pub(super) struct Seat {
    pub(super) running: Option<Machine>,
    epoch: u64,
    disk: Disk,
    /// Error of its clocks, and their rate in millionths.
    skew: Duration,
    rate: u32,
    /// Time at which it went down.
    pub(super) down_since: Option<Duration>,
    /// Time until which its process is stopped: what reaches it before takes effect then.
    pub(super) stopped: Duration,
}

#[derive(Default)]
pub(super) struct Disk {
    pub(super) rosters: Memory,
    /// The kept messages, with the time of the simulation at which they were said.
    pub(super) posts: BTreeMap<u64, (Post, Duration)>,
    pub(super) shown: Vec<(Fingerprint, Duration)>,
}

pub(super) struct Machine {
    pub(super) node: Plain,
    pub(super) rosters: Rosters<Memory>,
    pub(super) posts: BTreeMap<u64, (Post, Duration)>,
    pub(super) shown: Vec<(Fingerprint, Duration)>,
    /// Writes on the way to the disk.
    pub(super) unwritten: Vec<Write>,
    pub(super) writing: bool,
    pub(super) epoch: u64,
    pub(super) router: Router<Way>,
    /// Time for which the router is to be told what time it is.
    pub(super) armed: Option<Duration>,
    pub(super) posted: BTreeMap<u64, Posted>,
    /// Accounts whose lists are asked for, by the name of the question.
    pub(super) loads: BTreeMap<u64, (SlotId, Address)>,
    /// People who are published to be here, and where those who are watched are believed to be.
    pub(super) here: BTreeSet<Address>,
    pub(super) believed: BTreeMap<Address, BTreeSet<GatewayId>>,
    pub(super) links: BTreeMap<usize, LinkId>,
}

pub(super) enum Write {
    Keep { number: u64, revision: u64, post: Box<Post>, said: Duration },
    Forget(u64),
}

impl Seat {
    pub(super) fn new(skew: Duration, rate: u32) -> Self {
        Self {
            running: None,
            epoch: 0,
            disk: Disk::default(),
            skew,
            rate,
            down_since: None,
            stopped: Duration::ZERO,
        }
    }

    /// Time of its monotonic clock at a time of the simulation, which began at `start`.
    pub(super) fn instant(&self, start: Instant, now: Duration) -> Instant {
        start + self.skew + now * self.rate / 1_000_000
    }

    /// Time of its clocks.
    pub(super) fn clock(&self, start: Instant, now: Duration) -> Now {
        Now { instant: self.instant(start, now), wall: self.wall(now) }
    }

    /// Time of its wall clock.
    pub(super) fn wall(&self, now: Duration) -> UnixMillis {
        UnixMillis(1_000_000 + (self.skew + now).as_millis() as u64)
    }

    pub(super) fn start(
        &mut self,
        n: usize,
        members: &[Member],
        clock: Instant,
        now: Duration,
        limits: Limits,
    ) {
        self.epoch = store::next_epoch(self.epoch, UnixMillis(1));
        let networks = members[n].networks.clone();
        let members = Arc::new(Members::new(id(n), networks, members, REPLICAS));
        let Disk { rosters, posts, shown } = std::mem::take(&mut self.disk);
        let mut node = Node::new(members.clone(), self.epoch);
        let ago = |then: &Duration| now.saturating_sub(*then);
        let recovered = Recovered {
            posts: posts.iter().map(|(n, (p, said))| (*n, p.clone(), ago(said))).collect(),
            shown: shown.iter().map(|(fingerprint, then)| (*fingerprint, ago(then))).collect(),
        };
        node.restore(clock, limits, n as u64, recovered);
        self.down_since = None;
        self.stopped = Duration::ZERO;
        self.running = Some(Machine {
            node,
            rosters: Rosters::new(members, rosters),
            posts,
            shown,
            unwritten: Vec::new(),
            writing: false,
            epoch: self.epoch,
            router: Router::new(n),
            armed: None,
            posted: BTreeMap::new(),
            loads: BTreeMap::new(),
            here: BTreeSet::new(),
            believed: BTreeMap::new(),
            links: BTreeMap::new(),
        });
    }

    /// Crashes the gateway: writes on the way to the disk are lost. Returns to whom there was a
    /// link.
    pub(super) fn crash(&mut self, now: Duration) -> Option<BTreeMap<usize, LinkId>> {
        let Machine { rosters, posts, shown, links, .. } = self.running.take()?;
        self.down_since = Some(now);
        self.disk = Disk { rosters: rosters.into_store(), posts, shown };
        Some(links)
    }
}

impl Machine {
    /// Commits the writes on the way to the disk, in order.
    pub(super) fn commit(&mut self, now: Instant) {
        self.writing = false;
        let mut kept = Vec::new();
        for write in std::mem::take(&mut self.unwritten) {
            match write {
                Write::Keep { number, revision, post, said } => {
                    self.posts.insert(number, (*post, said));
                    kept.push((number, revision));
                }
                Write::Forget(number) => {
                    self.posts.remove(&number);
                }
            }
        }
        for (number, revision) in kept {
            self.node.kept(now, number, revision);
        }
    }
}
