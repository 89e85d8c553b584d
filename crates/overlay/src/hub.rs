//! The node among tasks: its lock, its clock, and the ways in and out.

mod links;
mod lists;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Failure};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::GatewayId;
use crate::answer::{Answer, Way};
use crate::clock::{self, Wall};
use crate::delivery::{Call, DEADLINE, NO_WAY};
use crate::directory::Directory;
use crate::frame::Frame;
use crate::journal::Journal;
use crate::lease::LinkId;
use crate::members::Members;
use crate::message::{Fate, Inbound, Message, Outcome};
use crate::node::{Effect, Node, Past};
use crate::outbox::Limits;
use crate::refusals::Refusal;
use crate::rosters::Rosters;
use crate::store::{Store, Told};

/// Events the router may lag behind.
const MAX_BACKLOG: usize = 4096;
/// How many of them may be messages of one gateway before its link is read no further.
pub(crate) const SHARE: usize = 512;
/// A gateway that keeps the router busy for so long sends more than its share.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often leases and deadlines are looked at.
pub(crate) const TICK: Duration = Duration::from_millis(250);
/// How long a message may be under way before it is put on disk beside.
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
    inbound: mpsc::Sender<Inbound>,
    /// Something is in the backlog.
    lag: Notify,
    /// The backlog has room again.
    room: Notify,
}

struct State {
    node: Tickets,
    journal: Option<Journal>,
    /// Who waits to hear what became of a posted message.
    posts: HashMap<u64, oneshot::Sender<Result<Fate, Failure>>>,
    /// Events that the router had no room for, in order.
    backlog: VecDeque<Inbound>,
    /// How many of them are messages of each gateway.
    shares: HashMap<GatewayId, usize>,
    ports: HashMap<GatewayId, Arc<Port>>,
    last_link: LinkId,
    /// With whom rosters are to be compared.
    compare: Vec<GatewayId>,
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
            posts: HashMap::new(),
            backlog: VecDeque::new(),
            shares: HashMap::new(),
            ports: HashMap::new(),
            last_link: 0,
            compare: Vec::new(),
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
            inbound,
            lag: Notify::new(),
            room: Notify::new(),
        })
    }

    /// Begins with what was kept over a restart. From `seed` follow the pauses between attempts.
    pub(crate) fn restore(
        self: &Arc<Self>,
        limits: Limits,
        seed: u64,
        journal: Journal,
        past: Past,
    ) {
        lock(&self.state).journal = Some(journal);
        self.with(|node, now| node.restore(now, limits, seed, past));
    }

    /// Hears of what has come to disk until `stop`.
    pub(crate) async fn hear_kept(self: Arc<Self>, mut told: Told, stop: CancellationToken) {
        while let Some(Some(kept)) = stop.run_until_cancelled(told.recv()).await {
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

    /// Keeps time until `stop`.
    pub(crate) async fn tick(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.with(Node::tick);
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
        let is_full = || lock(&self.state).shares.get(&peer).is_some_and(|n| *n >= SHARE);
        let has_room = async {
            loop {
                let room = self.room.notified();
                if !is_full() {
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
        let (tell, mut told) = oneshot::channel();
        let number = {
            let mut state = lock(&self.state);
            let number = state.node.post(clock::now(), message, may_keep);
            state.posts.insert(number, tell);
            self.settle(&mut state);
            number
        };
        if let Ok(fate) = timeout(AT_ONCE, &mut told).await {
            return fate.unwrap_or(Err(NO_WAY));
        }
        self.with(|node, now| node.keep_meanwhile(now, number));
        told.await.unwrap_or(Err(NO_WAY))
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
                _ => Err(NO_WAY),
            };
        }
        self.with(|node, now| node.send(now, to, message, ticket));
        outcome.await.unwrap_or(Err(NO_WAY))
    }

    /// The router answered a message from another gateway.
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
        let mut state = lock(&self.state);
        let result = act(&mut state.node, clock::now());
        self.settle(&mut state);
        let compare = std::mem::take(&mut state.compare);
        drop(state);
        if !compare.is_empty() {
            self.compare(&compare);
        }
        result
    }

    /// Does what the node wants done.
    fn settle(self: &Arc<Self>, state: &mut State) {
        while let Some(effect) = state.node.next_effect() {
            match effect {
                Effect::Deliver { from, call, mut message, age } => {
                    if let Message::Envelope(envelope) = &mut message {
                        // By the clock here, whatever the clock there says.
                        envelope.sent_at = self.wall.read().minus(age);
                    }
                    let way = Way::There { hub: Arc::downgrade(self), from, call };
                    if state.backlog.len() < MAX_BACKLOG {
                        let answer = Answer(Some(way));
                        self.push(state, Inbound::Message { from, message, answer });
                    } else {
                        state.node.answer(clock::now(), from, call, Err(Failure::Busy));
                    }
                }
                Effect::DeliverOwn(number, message) => {
                    let (hub, own) = (Arc::downgrade(self), Box::new(message.clone()));
                    let answer = Answer(Some(Way::Own { hub, number, message: own }));
                    let from = self.own;
                    self.push(state, Inbound::Message { from, message, answer });
                }
                Effect::Shown(print) => {
                    if let Some(journal) = &mut state.journal {
                        journal.write(self.wall.read(), print);
                    }
                }
                Effect::Keep { number, revision, post, age } => {
                    self.store.keep(number, revision, self.wall.read().minus(age), &post);
                }
                Effect::Forget(number) => self.store.forget(number),
                Effect::Settled(number, fate) => {
                    if let Some(tell) = state.posts.remove(&number) {
                        let _ = tell.send(fate);
                    }
                }
                Effect::Outcome(ticket, outcome) => drop(ticket.send(outcome)),
                Effect::Found(ticket, found) => drop(ticket.send(found)),
                Effect::Arrived(user, at) => self.push(state, Inbound::Arrived { user, at }),
                Effect::Left(user, at) => self.push(state, Inbound::Left { user, at }),
                Effect::Lost(gateway) => {
                    if let Some(port) = state.ports.get(&gateway)
                        && state.node.link_of(&gateway) != Some(port.link)
                    {
                        port.closing.cancel();
                    }
                    self.push(state, Inbound::Lost(gateway));
                }
                Effect::Wake(peer) => {
                    if let Some(port) = state.ports.get(&peer) {
                        port.wake.notify_one();
                    }
                }
                Effect::Compare(peer) => state.compare.push(peer),
                Effect::Close(peer, link) => {
                    if let Some(port) = state.ports.get(&peer).filter(|port| port.link == link) {
                        port.closing.cancel();
                    }
                }
            }
        }
    }

    /// Gives an event to the router, behind those that wait.
    fn push(&self, state: &mut State, event: Inbound) {
        let event = if state.backlog.is_empty() {
            match self.inbound.try_send(event) {
                Ok(()) => return,
                Err(mpsc::error::TrySendError::Closed(event)) => return refuse(state, event),
                Err(mpsc::error::TrySendError::Full(event)) => event,
            }
        } else {
            event
        };
        if let Inbound::Message { from, .. } = &event {
            *state.shares.entry(*from).or_default() += 1;
        }
        state.backlog.push_back(event);
        self.lag.notify_one();
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

/// Answers an event that nobody will ever take. Its [`Answer`] must not do so by itself: it
/// would wait for the lock that is held here.
fn refuse(state: &mut State, event: Inbound) {
    let Inbound::Message { mut answer, .. } = event else { return };
    let now = clock::now();
    match answer.0.take() {
        Some(Way::There { from, call, .. }) => state.node.answer(now, from, call, Err(NO_WAY)),
        Some(Way::Own { number, message, .. }) => {
            state.node.answer_own(now, number, &message, Err(NO_WAY));
        }
        Some(Way::Here(_)) | None => {}
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.store.close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
