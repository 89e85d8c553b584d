//! Mappings of applications, as programs and other gateways ask for them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crosstalk_core::{Fault, Now};
use libp2p_identity::Keypair;
use tokio::sync::{oneshot, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Hub, lock};
use crate::common::clock;
use crate::mappings::{Asked, Held, Mappings, Page, RENEW};
use crate::membership::GatewayId;
use crate::node::violations::Violation;
use crate::storage::store::Store;
use crate::wire::frame::{Frame, MAPPINGS};
use crate::wire::mapping::{BadMapping, Mapping, Namespace, Offered, Vouched};

/// Time that the homes of a namespace have to answer.
const DEADLINE: Duration = Duration::from_secs(2);
/// Longest wait of a mapping for the disk; the store goes on trying.
const SAVE_DEADLINE: Duration = Duration::from_secs(5);
/// Number of renewals of what is watched between two searches for what has ended, and between two
/// times at which what had no room is asked for again.
const SWEEP: u64 = 6;
const FORGET: u64 = 360;
/// The most changes that a reader is given at a time.
const SOME: usize = 64;

/// The hub's part for mappings. Of its locks the first is taken first.
pub(super) struct MappingHub {
    pub(super) mappings: Mutex<Mappings<Store>>,
    /// Tasks that wait for the answers of homes.
    asks: Mutex<HashMap<u64, oneshot::Sender<()>>>,
    /// Wakes those who read the changes of a namespace.
    readers: Mutex<BTreeMap<Namespace, watch::Sender<()>>>,
    /// The key by which this gateway vouches; none before it is started.
    key: OnceLock<Keypair>,
}

/// Reason why a mapping is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unkept {
    /// It is none.
    #[error("{0}")]
    Bad(#[from] BadMapping),
    /// It has ended, or holds for too long.
    #[error("`expires_at` must be in the future, and at most 30 days from now")]
    Time,
    /// There is a later one.
    #[error("there is another mapping with this sequence number or a larger one")]
    Stale,
    /// It would end before the one that it replaces.
    #[error(
        "`expires_at` must not be before that of the mapping it replaces, which could come back"
    )]
    Outlived,
    /// There is no room for it.
    #[error("there is no room for it: the namespace is full, or what gateways keep in all")]
    Full,
    /// The disk cannot be written.
    #[error("the disk cannot be written")]
    Disk,
}

/// Reason why mappings cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// No gateway that keeps them answers.
    #[error("none of the gateways that keep this namespace can be reached")]
    Unreachable,
    /// Too much is being asked.
    #[error("too much is being asked or watched")]
    Busy,
}

/// A namespace that is watched, until it is dropped.
pub struct Changes {
    hub: Arc<Hub>,
    namespace: Namespace,
    told: watch::Receiver<()>,
}

impl Changes {
    /// The next changes behind the one of that number, each with its own, the oldest first; removed
    /// mappings have no value. Waits for one where there is none. With 0 come all mappings that hold.
    pub async fn next(&mut self, after: u64) -> Vec<(u64, Mapping)> {
        loop {
            // Before the look: what changes after it wakes this again.
            self.told.borrow_and_update();
            let news = self.known(after);
            let closed = news.is_empty() && self.told.changed().await.is_err();
            if closed || !news.is_empty() {
                return news.into_iter().map(|held| (held.change, held.row.mapping)).collect();
            }
        }
    }

    fn known(&self, after: u64) -> Vec<Held> {
        let now = self.hub.time();
        lock(&self.hub.mappings.mappings).changes(now, &self.namespace, after, SOME)
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        let mut mappings = lock(&self.hub.mappings.mappings);
        mappings.unwatch(&self.namespace);
        let mut readers = lock(&self.hub.mappings.readers);
        // This one is still counted.
        if readers.get(&self.namespace).is_some_and(|tell| tell.receiver_count() <= 1) {
            readers.remove(&self.namespace);
        }
    }
}

/// A question to homes, which is over when this is dropped.
struct Asking<'a> {
    hub: &'a MappingHub,
    ask: u64,
    told: oneshot::Receiver<()>,
}

impl Asking<'_> {
    /// Waits for the homes that were asked.
    async fn answered(&mut self) {
        let _ = timeout(DEADLINE, &mut self.told).await;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        lock(&self.hub.mappings).forget(self.ask);
        lock(&self.hub.asks).remove(&self.ask);
    }
}

impl MappingHub {
    pub(super) fn new(mappings: Mappings<Store>) -> Self {
        let (asks, readers) = (Mutex::default(), Mutex::default());
        Self { mappings: Mutex::new(mappings), asks, readers, key: OnceLock::new() }
    }

    fn ask(&self, ask: u64, homes: usize) -> Asking<'_> {
        let (tell, told) = oneshot::channel();
        if homes > 0 {
            lock(&self.asks).insert(ask, tell);
        }
        Asking { hub: self, ask, told }
    }

    fn wake(&self, namespace: &Namespace) {
        if let Some(tell) = lock(&self.readers).get(namespace) {
            tell.send_replace(());
        }
    }
}

impl Hub {
    /// Vouches by `key`, which is this gateway's.
    pub(crate) fn vouch_by(&self, key: &Keypair) {
        // A second one is the same.
        let _ = self.mappings.key.set(key.clone());
    }

    /// Keeps a mapping, here and at its homes. Returns the number of gateways that have it.
    pub(crate) async fn put_mapping(self: &Arc<Self>, mapping: Mapping) -> Result<usize, Unkept> {
        mapping.verify()?;
        let namespace = mapping.namespace;
        let key = self.mappings.key.get();
        let row = key.and_then(|key| Vouched::sign(key, self.own, mapping)).ok_or(Unkept::Disk)?;
        if !self.store.is_readable() {
            return Err(Unkept::Disk);
        }
        let linked = self.mapping_peers();
        let (mut asking, frames, committed) = {
            let mut mappings = lock(&self.mappings.mappings);
            let put = mappings.put(self.time(), &row, |home| linked.contains(home));
            let Asked { ask, homes, frames } = put.map_err(unkept)?;
            // Under one lock, so that the commit that is waited for has this write in it, and before
            // anybody can answer.
            (self.mappings.ask(ask, homes), frames, self.store.committed())
        };
        self.queue(frames);
        self.mappings.wake(&namespace);
        let ((), committed) = tokio::join!(asking.answered(), timeout(SAVE_DEADLINE, committed));
        let kept = lock(&self.mappings.mappings).end_put(asking.ask).map_err(unkept);
        if kept.is_err() {
            // What it replaced may hold again.
            self.mappings.wake(&namespace);
        }
        let kept = kept?;
        if matches!(committed, Ok(Ok(()))) { Ok(kept) } else { Err(Unkept::Disk) }
    }

    /// Mappings of a namespace that hold, from a key on.
    pub(crate) async fn mappings(
        self: &Arc<Self>,
        namespace: Namespace,
        from: &str,
        most: usize,
    ) -> Result<Page, Unread> {
        let linked = self.mapping_peers();
        let (mut asking, frames) = {
            let mut mappings = lock(&self.mappings.mappings);
            let get =
                mappings.get(self.time(), namespace, (from, most), |home| linked.contains(home));
            let Asked { ask, homes, frames } = get.ok_or(Unread::Busy)?;
            (self.mappings.ask(ask, homes), frames)
        };
        self.queue(frames);
        asking.answered().await;
        let page = lock(&self.mappings.mappings).end_get(asking.ask);
        page.ok_or(Unread::Unreachable)
    }

    /// Watches a namespace.
    pub(crate) fn watch_mappings(
        self: &Arc<Self>,
        namespace: Namespace,
    ) -> Result<Changes, Unread> {
        let linked = self.mapping_peers();
        let (frames, told) = {
            let mut mappings = lock(&self.mappings.mappings);
            let frames = mappings.watch(namespace, |home| linked.contains(home));
            let frames = frames.ok_or(Unread::Busy)?;
            let mut readers = lock(&self.mappings.readers);
            let tell = readers.entry(namespace).or_insert_with(|| watch::Sender::new(()));
            (frames, tell.subscribe())
        };
        self.queue(frames);
        Ok(Changes { hub: self.clone(), namespace, told })
    }

    /// Says again what is watched, and forgets what has ended, until `stop`.
    pub(crate) async fn keep_mappings(self: Arc<Self>, stop: CancellationToken) {
        for turn in 1_u64.. {
            if stop.run_until_cancelled(sleep(RENEW)).await.is_none() {
                return;
            }
            let linked = self.mapping_peers();
            let frames = lock(&self.mappings.mappings).renew(|home| linked.contains(home));
            self.queue(frames);
            if turn % SWEEP == 0 {
                let hub = self.clone();
                // What has ended is read from the disk.
                let sweep = move || lock(&hub.mappings.mappings).sweep(hub.time());
                let _ = tokio::task::spawn_blocking(sweep).await;
            }
            if turn % FORGET == 0 {
                lock(&self.mappings.mappings).forget_refused();
            }
        }
    }

    pub(super) fn mapping_frame(
        self: &Arc<Self>,
        peer: GatewayId,
        frame: Frame,
    ) -> Result<(), Fault> {
        let follows = lock(&self.mappings.mappings).received(self.time(), peer, frame)?;
        self.queue(follows.frames);
        if let Some(why) = follows.refused {
            self.refuse(peer, Violation::Fault, why);
        }
        if let Some(namespace) = follows.changed {
            self.mappings.wake(&namespace);
        }
        if let Some(tell) = follows.answered.and_then(|ask| lock(&self.mappings.asks).remove(&ask))
        {
            let _ = tell.send(());
        }
        Ok(())
    }

    /// Begins to compare mappings with a gateway, and says to it what is watched here.
    pub(super) fn compare_mappings(self: &Arc<Self>, peer: GatewayId) {
        let mappings = lock(&self.mappings.mappings);
        let digests = mappings.compare(&peer).into_iter().map(|frame| (peer, frame));
        let frames: Vec<_> = digests.chain(mappings.renew(|home| *home == peer)).collect();
        drop(mappings);
        self.queue(frames);
    }

    /// The gateways to which a link is up on which mappings can be said.
    fn mapping_peers(&self) -> BTreeSet<GatewayId> {
        let state = lock(&self.state);
        let links = state.links.iter().filter(|(_, handle)| handle.version >= MAPPINGS);
        links.map(|(peer, _)| *peer).collect()
    }

    fn time(&self) -> Now {
        Now { instant: clock::now(), wall: self.wall.read() }
    }
}

const fn unkept(outcome: Offered) -> Unkept {
    match outcome {
        Offered::Stale => Unkept::Stale,
        Offered::Outlived => Unkept::Outlived,
        Offered::Refused => Unkept::Time,
        Offered::Full | Offered::Kept => Unkept::Full,
    }
}
