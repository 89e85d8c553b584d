//! The node among tasks: its lock, its clock, and the ways in and out.

pub(crate) mod answer;
pub(crate) mod backlog;
pub(crate) mod inbound;
mod links;
mod lists;
pub(crate) mod mappings;
pub(crate) mod membership_sync;
pub(crate) mod records;
mod settle;
pub(crate) mod status;
mod timing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use crosstalk_core::{Address, Failure};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::common::clock::{self, Wall};
use crate::delivery::{Call, DEADLINE, NO_WAY};
use crate::directory::Directory;
use crate::directory::lease::LinkId;
use crate::hub::answer::{Answer, Way};
use crate::hub::backlog::Backlog;
use crate::hub::inbound::Inbound;
use crate::hub::mappings::MappingHub;
use crate::mappings::Mappings;
use crate::membership::{GatewayId, Members};
use crate::node::{Node, Recovered, ShownRecord};
use crate::outbox::Limits;
use crate::rosters::Rosters;
use crate::storage::journal::Journal;
use crate::storage::store::Store;
use crate::wire::frame::Frame;
use crate::wire::message::{Fate, Message, Outcome};

type Tickets = Node<oneshot::Sender<Outcome>, oneshot::Sender<Vec<GatewayId>>>;

/// State shared by the tasks of one gateway.
pub(crate) struct Hub {
    pub(crate) own: GatewayId,
    pub(crate) epoch: u64,
    started: Instant,
    pub(crate) wall: Wall,
    /// Directory of the membership document.
    pub(crate) state_dir: Option<PathBuf>,
    /// Present members; the transport follows them.
    pub(crate) members: watch::Sender<Arc<Members>>,
    state: Mutex<State>,
    rosters: Mutex<Rosters<Store>>,
    loads: Mutex<HashMap<u64, oneshot::Sender<()>>>,
    mappings: MappingHub,
    /// People who were given their lists while the store could not be read.
    unread: Mutex<BTreeSet<Address>>,
    pub(crate) store: Store,
    /// Journal of what is shown; empty where nothing outlives this boot.
    journal: OnceLock<Journal>,
    /// Number of lists that have expired.
    pub(crate) expired: AtomicU64,
    inbound: mpsc::Sender<Inbound>,
    /// Something is in the backlog.
    lag: Notify,
    /// The backlog has room again.
    room: Notify,
    /// A message was posted.
    posted: Notify,
}

struct State {
    node: Tickets,
    /// Tasks that wait for the fate of a posted message, by its number.
    posts: BTreeMap<u64, oneshot::Sender<Result<Fate, Failure>>>,
    /// The number of the last one.
    last_post: u64,
    /// Events that the router had no room for, in order.
    backlog: Backlog,
    links: HashMap<GatewayId, Arc<LinkHandle>>,
    last_link: LinkId,
    /// Time at which the link to each gateway last came up or closed.
    since: HashMap<GatewayId, Instant>,
}

/// A link's end in the hub.
pub(crate) struct LinkHandle {
    pub(crate) peer: GatewayId,
    link: LinkId,
    /// The frame set that the two agreed on.
    pub(crate) version: u8,
    wake: Notify,
    /// The link is to be closed.
    pub(crate) closing: CancellationToken,
}

impl Hub {
    pub(crate) fn new(
        members: Arc<Members>,
        wall: Wall,
        store: Store,
        epoch: u64,
        state_dir: Option<PathBuf>,
        inbound: mpsc::Sender<Inbound>,
    ) -> Arc<Self> {
        let state = State {
            node: Node::new(members.clone(), epoch),
            posts: BTreeMap::new(),
            last_post: 0,
            backlog: Backlog::new(Limits::default().backlog),
            links: HashMap::new(),
            last_link: 0,
            since: HashMap::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            rosters: Mutex::new(Rosters::new(members.clone(), store.clone())),
            loads: Mutex::default(),
            mappings: MappingHub::new(Mappings::new(members.clone(), store.clone())),
            unread: Mutex::default(),
            own: members.own(),
            members: watch::Sender::new(members),
            epoch,
            started: clock::now(),
            wall,
            state_dir,
            store,
            journal: OnceLock::new(),
            expired: AtomicU64::new(0),
            inbound,
            lag: Notify::new(),
            room: Notify::new(),
            posted: Notify::new(),
        })
    }

    /// Begins with what was kept over a restart. From `seed` follow the pauses between attempts.
    pub(crate) fn restore(
        self: &Arc<Self>,
        limits: Limits,
        seed: u64,
        journal: Journal,
        recovered: Recovered,
    ) {
        // A second one would be of a second boot, which has a hub of its own.
        let _ = self.journal.set(journal);
        lock(&self.state).backlog.set_limit(limits.backlog);
        self.store.limit(limits.lists);
        lock(&self.mappings.mappings).limit(limits.mappings);
        self.with(|node, now| node.restore(now, limits, seed, recovered));
    }

    /// Writes to disk what waits for it, and closes the database.
    pub(crate) fn close_files(&self) {
        self.store.close();
    }

    /// The journal, to be held up.
    #[cfg(test)]
    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.journal.get()
    }

    /// Publishes or watches.
    pub(crate) async fn publish(self: &Arc<Self>, change: impl FnOnce(&mut Directory)) {
        self.room().await;
        self.with(|node, now| node.publish(now, change));
    }

    /// Subscriptions these people.
    pub(crate) async fn watch(self: &Arc<Self>, users: &[Address]) {
        self.room().await;
        self.with(|node, now| users.iter().for_each(|user| node.watch(now, user)));
    }

    /// Subscriptions them no longer.
    pub(crate) async fn unwatch(self: &Arc<Self>, users: &[Address]) {
        self.room().await;
        self.with(|node, now| users.iter().for_each(|user| node.unwatch(now, user)));
    }

    /// Takes a message that is to reach its receiver wherever that is.
    pub(crate) async fn post(
        self: &Arc<Self>,
        message: Message,
        may_keep: bool,
    ) -> Result<Fate, Failure> {
        let (tell, told) = oneshot::channel();
        self.hold(|state, now| {
            let number = state.node.post(now, message, may_keep);
            state.posts.insert(number, tell);
            state.last_post = number;
        });
        // Notified after the insert, so that the timer finds the number it looks for.
        self.posted.notify_one();
        told.await.unwrap_or(Err(NO_WAY))
    }

    /// Tries at once what waits for `user`.
    pub(crate) fn hurry(self: &Arc<Self>, user: &Address) {
        self.with(|node, now| node.hurry(now, user));
    }

    /// Number of messages that are kept.
    pub(crate) fn kept(&self) -> usize {
        lock(&self.state).node.kept_count()
    }

    /// Gateways at which `user` is signed on.
    pub(crate) async fn locate(self: &Arc<Self>, user: &Address) -> Vec<GatewayId> {
        let (ticket, found) = oneshot::channel();
        self.with(|node, now| node.locate(now, user, ticket));
        found.await.unwrap_or_default()
    }

    /// Sends a message to the router of `to`, which may be this one.
    pub(crate) async fn send(self: &Arc<Self>, to: GatewayId, message: Message) -> Outcome {
        let (ticket, outcome) = oneshot::channel();
        if to == self.own {
            let answer = Answer(Some(Way::Here(ticket)));
            self.hand_over(Inbound::Message { from: to, message, answer });
            return match timeout(DEADLINE, outcome).await {
                Ok(Ok(outcome)) => outcome,
                _ => Err(Failure::Unconfirmed),
            };
        }
        self.with(|node, now| node.send(now, to, message, ticket));
        outcome.await.unwrap_or(Err(NO_WAY))
    }

    /// The router answered a message from another gateway.
    pub(crate) fn answer(
        self: &Arc<Self>,
        from: GatewayId,
        call: Call,
        shown: ShownRecord,
        outcome: Outcome,
    ) {
        self.record(shown, outcome);
        self.with(|node, now| node.answer(now, from, call, outcome));
    }

    /// The router answered a message of this gateway's own.
    pub(crate) fn answer_own(self: &Arc<Self>, number: u64, shown: ShownRecord, outcome: Outcome) {
        self.record(shown, outcome);
        self.with(|node, now| node.answer_own(now, number, shown, outcome));
    }

    /// Puts on file that something was shown here, before anybody hears of it.
    fn record(&self, shown: ShownRecord, outcome: Outcome) {
        // Not under the lock: a file system may hold it up.
        if let (Some(fingerprint), Ok(()), Some(journal)) = (shown, outcome, self.journal.get()) {
            journal.note(self.wall.read(), fingerprint);
        }
    }

    fn queue(self: &Arc<Self>, frames: impl IntoIterator<Item = (GatewayId, Frame)>) {
        self.with(|node, _| {
            for (peer, frame) in frames {
                node.queue(peer, &frame);
            }
        });
    }

    fn with<R>(self: &Arc<Self>, act: impl FnOnce(&mut Tickets, Instant) -> R) -> R {
        self.hold(|state, now| act(&mut state.node, now))
    }

    /// Acts under the lock, and does what follows.
    fn hold<R>(self: &Arc<Self>, act: impl FnOnce(&mut State, Instant) -> R) -> R {
        let mut state = lock(&self.state);
        let result = act(&mut state, clock::now());
        let follows = self.settle(&mut state);
        // Released before anybody is told: senders of outcomes run code of others, which may want
        // this lock.
        drop(state);
        for next in follows {
            self.follow(next);
        }
        result
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.close_files();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
