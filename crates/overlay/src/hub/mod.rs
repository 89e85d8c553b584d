//! The node among tasks: its lock, its clock, and the ways in and out.

pub(crate) mod answer;
pub(crate) mod inbound;
mod links;
mod lists;
pub(crate) mod membership_sync;
mod settle;
pub(crate) mod status;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Failure};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::common::clock::{self, Wall};
use crate::delivery::{Call, DEADLINE, NO_WAY};
use crate::directory::Directory;
use crate::directory::lease::LinkId;
use crate::hub::answer::{Answer, Way};
use crate::hub::inbound::Inbound;
use crate::membership::{GatewayId, Members};
use crate::node::violations::Refusal;
use crate::node::{Node, Past, ShownMessage};
use crate::outbox::Limits;
use crate::rosters::Rosters;
use crate::storage::journal::{Journal, Written};
use crate::storage::store::{Store, Told};
use crate::wire::frame::Frame;
use crate::wire::message::{Fate, Message, Outcome};

/// Events the router may lag behind.
const MAX_BACKLOG: usize = 4096;
/// How many of them may be messages of one gateway before its link is read no further.
pub(crate) const SHARE: usize = 512;
/// A gateway that keeps the router busy for so long sends more than its share.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often leases and deadlines are looked at.
pub(crate) const TICK: Duration = Duration::from_millis(250);
/// How often messages are looked at that are still under way: those that were so the last time
/// are put on disk beside.
const AT_ONCE: Duration = Duration::from_millis(5);

type Tickets = Node<oneshot::Sender<Outcome>, oneshot::Sender<Vec<GatewayId>>>;

/// What the tasks of one gateway share.
pub(crate) struct Hub {
    pub(crate) own: GatewayId,
    pub(crate) epoch: u64,
    started: Instant,
    pub(crate) wall: Wall,
    /// Where the membership document is kept.
    pub(crate) state_dir: Option<PathBuf>,
    /// Who belongs now; the transport follows it.
    pub(crate) members: watch::Sender<Arc<Members>>,
    state: Mutex<State>,
    rosters: Mutex<Rosters<Store>>,
    loads: Mutex<HashMap<u64, oneshot::Sender<()>>>,
    pub(crate) store: Store,
    /// How many lists have expired.
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
    /// Where what is shown is written down; `None` where nothing outlives this boot.
    journal: Option<Journal<ShownMessage>>,
    /// Who waits to hear what became of a posted message.
    posts: BTreeMap<u64, oneshot::Sender<Result<Fate, Failure>>>,
    /// The number of the last one.
    last_post: u64,
    /// Events that the router had no room for, in order.
    backlog: VecDeque<Inbound>,
    /// How many of them are messages of each gateway.
    shares: HashMap<GatewayId, usize>,
    ports: HashMap<GatewayId, Arc<Port>>,
    last_link: LinkId,
    /// When the link to each gateway last came up or closed.
    since: HashMap<GatewayId, Instant>,
}

/// A link's end in the hub.
pub(crate) struct Port {
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
            journal: None,
            posts: BTreeMap::new(),
            last_post: 0,
            backlog: VecDeque::new(),
            shares: HashMap::new(),
            ports: HashMap::new(),
            last_link: 0,
            since: HashMap::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            rosters: Mutex::new(Rosters::new(members.clone(), store.clone())),
            loads: Mutex::default(),
            own: members.own(),
            members: watch::Sender::new(members),
            epoch,
            started: clock::now(),
            wall,
            state_dir,
            store,
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
        journal: Journal<ShownMessage>,
        past: Past,
    ) {
        lock(&self.state).journal = Some(journal);
        self.store.limit(limits.lists);
        self.with(|node, now| node.restore(now, limits, seed, past));
    }

    /// Hears of what has come to disk until `stop`.
    pub(crate) async fn hear_kept(self: Arc<Self>, mut told: Told, stop: CancellationToken) {
        let mut failed = false;
        while let Some(Some(kept)) = stop.run_until_cancelled(told.recv()).await {
            // Rosters may have been out of reach when peers came up.
            if std::mem::replace(&mut failed, kept.is_none()) && kept.is_some() {
                for peer in BTreeSet::from_iter(self.linked()) {
                    self.compare(peer);
                }
            }
            self.with(|node, now| match kept {
                Some(kept) => {
                    for (number, revision) in kept {
                        node.kept(now, number, revision);
                    }
                }
                None => node.disk_failed(now),
            });
        }
    }

    /// Hears of what has come to the journal until `stop`, and answers it.
    pub(crate) async fn hear_written(
        self: Arc<Self>,
        mut written: Written<ShownMessage>,
        stop: CancellationToken,
    ) {
        while let Some(Some(messages)) = stop.run_until_cancelled(written.recv()).await {
            self.with(|node, now| {
                for message in messages {
                    node.recorded(now, message);
                }
            });
        }
    }

    /// Writes to disk what waits for it, and closes what is open there.
    pub(crate) fn close_files(&self) {
        // Not under the lock: it waits for the disk.
        let journal = lock(&self.state).journal.take();
        if let Some(journal) = journal {
            journal.close();
        }
        self.store.close();
    }

    /// Keeps time until `stop`.
    pub(crate) async fn tick(self: Arc<Self>, stop: CancellationToken) {
        let time = async { tokio::join!(self.keep_time(), self.keep_late()) };
        stop.run_until_cancelled(time).await;
    }

    async fn keep_time(self: &Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.with(Node::tick);
        }
    }

    /// Puts on disk beside what is not delivered at once. One timer is there for all messages:
    /// most need none.
    async fn keep_late(self: &Arc<Self>) {
        let mut late = 0;
        loop {
            self.posted.notified().await;
            let mut seen = lock(&self.state).last_post;
            while late < seen {
                sleep(AT_ONCE).await;
                self.hold(|state, now| {
                    for (number, _) in state.posts.range(late + 1..=seen) {
                        state.node.keep_meanwhile(now, *number);
                    }
                    (late, seen) = (seen, state.last_post);
                });
            }
        }
    }

    /// Brings the backlog to the router until `stop`, or until nobody listens.
    pub(crate) async fn pump(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(self.lag.notified()).await.is_some() {
            loop {
                let permit = stop.run_until_cancelled(self.inbound.reserve()).await;
                let Some(Ok(permit)) = permit else { return };
                // Not under the lock: an event that nobody takes answers as it is dropped.
                let event = lock(&self.state).take_event();
                match event {
                    Some(event) => permit.send(event),
                    None => break,
                }
                self.room.notify_waiters();
            }
        }
    }

    /// Resolves when the router does not lag too far behind.
    pub(crate) async fn room(&self) {
        loop {
            let room = self.room.notified();
            if lock(&self.state).backlog.len() < MAX_BACKLOG {
                return;
            }
            room.await;
        }
    }

    /// Resolves when the router does not lag too far behind with what `peer` says.
    pub(crate) async fn room_for(self: &Arc<Self>, peer: GatewayId) {
        let has_room = async {
            loop {
                let room = self.room.notified();
                if self.has_room_for(peer) {
                    return;
                }
                room.await;
            }
        };
        tokio::pin!(has_room);
        if timeout(PATIENCE, &mut has_room).await.is_err() {
            self.refuse(peer, Refusal::Flood, "it sends faster than people can be told");
            has_room.await;
        }
    }

    /// Whether the router does not lag too far behind with what `peer` says.
    pub(crate) fn has_room_for(&self, peer: GatewayId) -> bool {
        lock(&self.state).shares.get(&peer).is_none_or(|n| *n < SHARE)
    }

    /// Publishes or watches.
    pub(crate) async fn publish(self: &Arc<Self>, change: impl FnOnce(&mut Directory)) {
        self.room().await;
        self.with(|node, now| node.publish(now, change));
    }

    /// Watches these people.
    pub(crate) async fn watch(self: &Arc<Self>, users: &[Address]) {
        self.room().await;
        self.with(|node, now| users.iter().for_each(|user| node.watch(now, user)));
    }

    /// Watches them no longer.
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
        self.posted.notify_one();
        told.await.unwrap_or(Err(NO_WAY))
    }

    /// Tries at once what waits for `user`.
    pub(crate) fn hurry(self: &Arc<Self>, user: &Address) {
        self.with(|node, now| node.hurry(now, user));
    }

    /// How many messages are kept.
    pub(crate) fn kept(&self) -> usize {
        lock(&self.state).node.kept_count()
    }

    /// Where `user` is.
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

    /// The router answered a message from another gateway. Where that means that it was shown, the
    /// answer leaves when the journal has it, see [`Self::hear_written`].
    pub(crate) fn answer(self: &Arc<Self>, from: GatewayId, call: Call, outcome: Outcome) {
        self.with(|node, now| node.answer(now, from, call, outcome));
    }

    /// The router answered a message of this gateway's own.
    pub(crate) fn answer_own(self: &Arc<Self>, number: u64, message: &Message, outcome: Outcome) {
        self.with(|node, now| node.answer_own(now, number, message, outcome));
    }

    fn queue(self: &Arc<Self>, frames: impl IntoIterator<Item = (GatewayId, Frame)>) {
        self.with(|node, _| {
            for (peer, frame) in frames {
                node.queue(peer, &frame);
            }
        });
    }

    fn hand_over(self: &Arc<Self>, event: Inbound) {
        let mut state = lock(&self.state);
        self.push(&mut state, event);
    }

    fn with<R>(self: &Arc<Self>, act: impl FnOnce(&mut Tickets, Instant) -> R) -> R {
        self.hold(|state, now| act(&mut state.node, now))
    }

    /// Acts under the lock, and does what follows.
    fn hold<R>(self: &Arc<Self>, act: impl FnOnce(&mut State, Instant) -> R) -> R {
        let mut state = lock(&self.state);
        let result = act(&mut state, clock::now());
        let follows = self.settle(&mut state);
        drop(state);
        for next in follows {
            self.follow(next);
        }
        result
    }
}

impl State {
    fn take_event(&mut self) -> Option<Inbound> {
        let event = self.backlog.pop_front()?;
        if let Inbound::Message { from, .. } = &event
            && let Some(share) = self.shares.get_mut(from)
        {
            *share -= 1;
            if *share == 0 {
                self.shares.remove(from);
            }
        }
        Some(event)
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
