//! One host: the parts of a gateway, put together as the overlay does it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::UnixMillis;
use futures::future::LocalBoxFuture;
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::super::machine::id;
use super::super::router::{Cx, Router};
use super::ledger::Shared;
use super::{LONG, SHORT, dial, router};
use crate::common::clock::{self, Wall};
use crate::hub::Hub;
use crate::hub::answer::Answer;
use crate::hub::inbound::Inbound;
use crate::membership::{Members, REPLICAS};
use crate::node::Recovered;
use crate::outbox::Limits;
use crate::storage::journal::Journal;
use crate::storage::store::{CommitNotices, Store};

/// Few enough that a busy router lets events wait in the hub.
const INBOUND: usize = 8;
/// More than ever waits elsewhere.
pub(super) const QUEUE: usize = 1 << 12;
const MILLI: Duration = Duration::from_millis(1);

/// Something that people do at a gateway.
pub(super) type Act = Box<dyn FnOnce(&mut Router<Answer>, &mut Cx<'_>)>;

/// A gateway that runs.
pub(super) struct Host {
    pub(super) n: usize,
    pub(super) wall: Wall,
    pub(super) hub: Arc<Hub>,
    pub(super) store: Store,
    pub(super) shared: Shared,
    /// The higher gateways that this one has a link to, or is about to.
    pub(super) linking: RefCell<BTreeSet<usize>>,
    pub(super) router: RefCell<Router<Answer>>,
    /// Something may be due at the router earlier than it was.
    pub(super) earlier: Notify,
    acts: Sender<Act>,
    jobs: Sender<LocalBoxFuture<'static, ()>>,
}

/// Channels that a host needs once, to run.
struct Ends {
    kept: CommitNotices,
    events: Receiver<Inbound>,
    acts: Receiver<Act>,
    jobs: Receiver<LocalBoxFuture<'static, ()>>,
}

impl Host {
    /// Has people do something at this gateway.
    pub(super) fn act(&self, act: impl FnOnce(&mut Router<Answer>, &mut Cx<'_>) + 'static) {
        let _ = self.acts.try_send(Box::new(act));
    }

    /// Starts a task that ends with the boot.
    pub(super) fn spawn(&self, job: impl Future<Output = ()> + 'static) {
        let _ = self.jobs.try_send(Box::pin(job));
    }
}

/// One boot of gateway `n`, until it crashes.
pub(super) async fn run(n: usize, shared: Shared) -> turmoil::Result {
    let (host, ends) = start(n, &shared);
    let (hub, stop) = (&host.hub, CancellationToken::new());
    let mut tasks = JoinSet::new();
    tasks.spawn_local(hub.clone().tick(stop.clone()));
    tasks.spawn_local(hub.clone().pump(stop.clone()));
    tasks.spawn_local(hub.clone().hear_kept(ends.kept, stop));
    tasks.spawn_local(commit(host.clone()));
    tasks.spawn_local(dial::listen(host.clone()));
    tasks.spawn_local(router::run(host.clone(), ends.events, ends.acts));
    let count = shared.borrow().seats.len();
    for peer in (0..count).filter(|peer| *peer != n) {
        tasks.spawn_local(dial::dial(host.clone(), peer));
    }
    drop(host);
    let mut jobs = ends.jobs;
    loop {
        tokio::select! {
            biased;
            Some(job) = jobs.recv() => drop(tasks.spawn_local(job)),
            // A task that panicked ends the run of the seed.
            Some(ended) = tasks.join_next() => ended?,
        }
    }
}

fn start(n: usize, shared: &Shared) -> (Rc<Host>, Ends) {
    let mut ledger = shared.borrow_mut();
    let seat = &ledger.seats[n];
    let shows = seat.skew + turmoil::sim_elapsed().unwrap();
    let wall = Wall::Simulated(UnixMillis(1_000_000 + shows.as_millis() as u64), clock::now());
    let (store, epoch, kept) =
        Store::begin(seat.disk.opener(), PathBuf::new(), wall.read()).unwrap();
    let (journal, shown) = Journal::open(seat.disk.state(), wall.read()).unwrap();
    let networks = ledger.members[n].networks.clone();
    let members = Arc::new(Members::new(id(n), networks, &ledger.members, REPLICAS));
    let (inbound, events) = mpsc::channel(INBOUND);
    let hub = Hub::new(members, wall, store.clone(), epoch, None, inbound);
    let recovered = Recovered { posts: store.posts(wall.read()), shown };
    let age = if ledger.expires { SHORT } else { LONG };
    let limits = Limits { age, ..Limits::default() };
    hub.restore(limits, ledger.dice.roll(u64::MAX), journal, recovered);
    let (act, acts) = mpsc::channel(QUEUE);
    let (spawn, jobs) = mpsc::channel(QUEUE);
    let host = Rc::new(Host {
        n,
        wall,
        hub,
        store,
        shared: shared.clone(),
        linking: RefCell::default(),
        router: RefCell::new(Router::new(n)),
        earlier: Notify::new(),
        acts: act,
        jobs: spawn,
    });
    ledger.trace((n, epoch));
    ledger.seats[n].down_since = None;
    ledger.seats[n].reset(Some(host.clone()));
    (host, Ends { kept, events, acts, jobs })
}

/// The disk takes its time, and sometimes a long time.
async fn commit(host: Rc<Host>) {
    loop {
        let wait = {
            let dice = &mut host.shared.borrow_mut().dice;
            let longest = if dice.chance(1) { 4000 } else { 40 };
            dice.within(MILLI, longest * MILLI)
        };
        sleep(wait).await;
        host.store.commit().await;
    }
}
