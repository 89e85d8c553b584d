//! One gateway on the overlay, without I/O: leases, directory and delivery put together.
//!
//! Calls bring in what happened, with the time; frames to send wait in a queue for each peer,
//! everything else that follows waits as [`Effect`]s.

mod directory_frames;
mod frames;
#[cfg(test)]
mod membership_tests;
mod messages;
mod peers;
mod posts;
mod queues;
mod searches;
pub(crate) mod violations;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Failure};

use crate::common::map::Map;
use crate::common::queue::Queue;
use crate::delivery::dedup::Fingerprint;
use crate::delivery::{Call, Delivery};
use crate::directory::Directory;
use crate::directory::lease::{Begin, Leases, LinkId, RENEW, TTL};
use crate::directory::search::Searches;
use crate::membership::signed_addresses::Cards;
use crate::membership::versions::MembershipVersions;
use crate::membership::{GatewayId, Key, Members};
use crate::node::violations::Violations;
use crate::outbox::{Limits, Outbox, Post};
use crate::wire::frame::Frame;
use crate::wire::message::{Fate, Message, Outcome};
pub(crate) use posts::Recovered;

/// The most cards in a frame.
const MAX_CARDS: usize = 64;
/// Rosters are compared with one peer in so many renewals of the lease, in turn: one a minute.
const COMPARE: u64 = 12;
/// The first version of the frame set in which gateways say their era.
const WITH_MEMBERSHIP: u8 = 2;

/// Work for the owner of a [`Node`]. `T` and `L` are its tickets for messages and for searches.
#[derive(Debug)]
pub(crate) enum Effect<T, L> {
    /// Hand a message, said that long ago, to the router, which answers through
    /// [`Node::answer`].
    Deliver { from: GatewayId, call: Call, message: Message, age: Duration, shown: ShownRecord },
    /// Hand a message of this gateway's own to the router, which answers through
    /// [`Node::answer_own`].
    DeliverOwn(u64, Message, ShownRecord),
    /// Put a revision of a posted message on disk, then call [`Node::kept`].
    Keep { number: u64, revision: u64, post: Post, age: Duration },
    /// Take a posted message off the disk.
    Forget(u64),
    /// The fate of a posted message, or that it is kept.
    Settled(u64, Result<Fate, Failure>),
    /// The outcome of a message that was sent.
    Outcome(T, Outcome),
    /// The gateways at which a person is.
    Found(L, Vec<GatewayId>),
    /// A watched person signed on.
    Arrived(Address, GatewayId),
    /// A watched person signed off.
    Left(Address, GatewayId),
    /// A gateway is gone.
    Lost(GatewayId),
    /// Frames wait for a peer.
    Wake(GatewayId),
    /// Close a link.
    Close(GatewayId, LinkId),
    /// Compare rosters with a peer.
    Compare(GatewayId),
}

/// Entry to be on file before a message is answered as shown: a gateway that dies before has told
/// nobody, and shows it again; one that dies after does not. None of what may be shown twice.
pub(crate) type ShownRecord = Option<Fingerprint>;

/// Owner of a message under way, who is told its outcome.
pub(crate) enum Ticket<T> {
    /// The owner of the node.
    Owner(T),
    /// The outbox, about this message.
    Post(u64),
}

/// One gateway.
pub(crate) struct Node<T, L> {
    members: Arc<Members>,
    leases: Leases,
    directory: Directory,
    delivery: Delivery<Ticket<T>>,
    searches: Searches<Ticket<L>>,
    outbox: Outbox,
    /// People that the outbox watches, and whether the router does too.
    awaited: BTreeMap<Address, bool>,
    queues: Map<GatewayId, Queue>,
    /// The frame sets agreed with the peers on their present links.
    versions: Map<GatewayId, u8>,
    effects: VecDeque<Effect<T, L>>,
    renew_at: Option<Instant>,
    seq: u64,
    /// With whom rosters were compared last without an occasion.
    compared: Option<GatewayId>,
    membership_versions: MembershipVersions,
    cards: Cards,
    /// The last number and lease that each peer said on its present link.
    said: Map<GatewayId, Said>,
    pub(crate) violations: Violations,
}

#[derive(Clone, Copy, Debug, Default)]
struct Said {
    number: u64,
    lease: u64,
}

impl<T, L> Node<T, L> {
    /// A gateway in its boot `epoch`.
    pub(crate) fn new(members: Arc<Members>, epoch: u64) -> Self {
        Self {
            leases: Leases::default(),
            directory: Directory::new(members.clone(), epoch),
            delivery: Delivery::new(),
            searches: Searches::default(),
            outbox: Outbox::new(members.own(), Limits::default(), epoch),
            awaited: BTreeMap::new(),
            queues: Map::default(),
            versions: Map::default(),
            effects: VecDeque::new(),
            renew_at: None,
            seq: 0,
            compared: None,
            membership_versions: MembershipVersions::new(members.era()),
            cards: Cards::default(),
            said: Map::default(),
            violations: Violations::default(),
            members,
        }
    }

    /// The next thing to do.
    pub(crate) fn next_effect(&mut self) -> Option<Effect<T, L>> {
        self.effects.pop_front()
    }

    /// Applies a change to the directory's own side: signing on and off, watching.
    pub(crate) fn publish(&mut self, now: Instant, change: impl FnOnce(&mut Directory)) {
        change(&mut self.directory);
        self.spread_news(now);
    }

    /// Whether a person is signed on here.
    pub(crate) fn is_here(&self, user: &Address) -> bool {
        self.directory.is_here(user)
    }

    /// The people signed on here for whom `peer` is a home.
    pub(crate) fn here_of(&self, peer: &GatewayId) -> Vec<Address> {
        self.directory.here_of(peer)
    }

    /// Whether the person at `key` is signed on at any gateway, as far as is known here.
    pub(crate) fn is_anywhere(&self, key: &Key) -> bool {
        self.directory.is_anywhere(key)
    }

    /// Gateways at which `user` is, as far as is known without asking.
    #[cfg(test)]
    pub(crate) fn locate_here(&self, user: &Address) -> Vec<GatewayId> {
        self.directory.locate(user)
    }

    /// Gateways at which this gateway, as a home, knows the person at `key` to be; `None` where it
    /// is no home of the key.
    #[cfg(test)]
    pub(crate) fn home_locations(
        &self,
        key: &Key,
    ) -> Option<std::collections::BTreeSet<GatewayId>> {
        let is_home = self.members.is_home(&self.members.own(), key);
        is_home.then(|| self.directory.kept(key).into_iter().map(|(gateway, _)| gateway).collect())
    }

    /// The present link to `peer`.
    pub(crate) fn link_of(&self, peer: &GatewayId) -> Option<LinkId> {
        self.leases.link(peer)
    }

    /// Gateways that this home tells what changed in the roster at `key` by a message of `by`: the
    /// others at which its owner is signed on, and the other homes: `by` may not reach them now, and
    /// have lost what it said when it can, even where it is a home itself.
    pub(crate) fn concerned(&self, key: &Key, by: &GatewayId) -> BTreeSet<GatewayId> {
        let mut all: BTreeSet<_> = self.directory.kept(key).into_iter().map(|(id, _)| id).collect();
        all.extend(self.members.homes(key));
        all.retain(|gateway| gateway != by && *gateway != self.members.own());
        all
    }

    /// A link to `peer`, now in its boot `epoch`, came up in place of any older one. The two
    /// agreed on a `version` of the frame set.
    pub(crate) fn linked(
        &mut self,
        now: Instant,
        peer: GatewayId,
        link: LinkId,
        epoch: u64,
        version: u8,
    ) {
        // First what the old boot leaves, then what the new one is told: in the other order the end
        // would void the new link's records.
        let begin = self.leases.linked(now, peer, link, epoch);
        if begin == Begin::Rebooted {
            self.end(now, peer);
        }
        // Frames for an older link mean nothing on this one: everything that matters is said again
        // below.
        self.queues.remove(&peer);
        self.versions.insert(peer, version);
        self.said.insert(peer, Said::default());
        self.membership_versions.linked(peer, version < WITH_MEMBERSHIP);
        self.queue(peer, &lease(self.seq));
        self.queue(peer, &Frame::Era(self.members.era()));
        self.queue_cards(peer, &self.cards.all());
        // Before records and rosters, which may be many: people wait for these.
        for frame in self.delivery.linked(peer, epoch) {
            self.queue(peer, &frame);
        }
        if self.membership_versions.is_shared(&peer) {
            self.sync(now, peer);
        }
        self.outbox.linked(now, peer);
        self.work_off(now);
    }

    /// A link closed.
    pub(crate) fn unlinked(&mut self, now: Instant, peer: GatewayId, link: LinkId) {
        if self.leases.unlinked(now, &peer, link) {
            self.queues.remove(&peer);
            self.membership_versions.unlinked(&peer);
            for (ticket, at) in self.searches.gone(&peer) {
                self.found(now, ticket, at);
            }
        }
    }

    /// Renews leases and ends what ran out. To be called a few times a second.
    pub(crate) fn tick(&mut self, now: Instant) {
        for peer in self.leases.lapsed(now) {
            self.end(now, peer);
        }
        if self.renew_at.is_none_or(|at| at <= now) {
            self.renew_at = Some(now + RENEW);
            self.seq += 1;
            let linked: Vec<_> = self.leases.links().collect();
            for peer in linked {
                self.queue(peer, &lease(self.seq));
            }
            self.spread_heard_out(now);
            self.ask_for_membership(now);
            self.compare_next();
        }
        for (peer, unanswered) in self.delivery.expired(now) {
            self.give_up(now, peer, unanswered);
        }
        for (ticket, at) in self.searches.expired(now) {
            self.found(now, ticket, at);
        }
        self.outbox.tick(now);
        self.work_off(now);
    }

    /// Ends everything about a gateway that is gone.
    fn end(&mut self, now: Instant, peer: GatewayId) {
        // The directory before the outbox: what waits is not tried again at a gateway that is gone.
        self.directory.lost(&peer);
        self.outbox.lost(&peer);
        self.effects.push_back(Effect::Lost(peer));
        for unanswered in self.delivery.lost(&peer) {
            self.give_up(now, peer, unanswered);
        }
        for (ticket, at) in self.searches.gone(&peer) {
            self.found(now, ticket, at);
        }
    }
}

fn lease(seq: u64) -> Frame {
    Frame::Lease { seq, ttl_ms: u32::try_from(TTL.as_millis()).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests;
