//! Rosters, as people and other gateways ask for them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crosstalk_core::{Address, Blame, Fault, Roster, UnixMillis};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Hub, lock};
use crate::hub::inbound::Inbound;
use crate::membership::{GatewayId, Key};
use crate::node::violations::Violation;
use crate::rosters::Change;
use crate::wire::frame::Frame;

/// Time that the homes of a roster have to answer.
const LOAD_DEADLINE: Duration = Duration::from_secs(2);
/// Longest wait of a save for the disk; the store goes on trying.
const SAVE_DEADLINE: Duration = Duration::from_secs(5);
/// Time between two searches for the lists of people who do not sign on any more.
const SWEEP: Duration = Duration::from_hours(1);
/// The most people who are remembered for having signed on while their lists could not be read.
const MAX_UNREAD: usize = 16_384;
/// Limit of how far ahead an entry's time may be, in milliseconds: a century, for gateways that do
/// not know what year it is. Whoever writes after such an entry writes a little later, until there
/// is no later time.
const FAR: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

impl Hub {
    /// The roster of `owner`, from here and from its homes.
    pub(crate) async fn load(self: &Arc<Self>, owner: &Address) -> Roster {
        lock(&self.rosters).is_seen(owner);
        // Taken before the lock of the rosters, so that the two are never held together.
        let linked = self.linked();
        let asked = lock(&self.rosters).ask(owner, |home| linked.contains(home));
        if let Some((ask, homes)) = asked {
            let (tell, told) = oneshot::channel();
            lock(&self.loads).insert(ask, tell);
            let get = Frame::RosterGet { ask, owner: owner.clone() };
            self.queue(homes.into_iter().map(|home| (home, get.clone())));
            let _ = timeout(LOAD_DEADLINE, told).await;
            lock(&self.loads).remove(&ask);
            lock(&self.rosters).stop_asking(ask);
        }
        // What the homes did not tell now they tell when lists are compared.
        if !self.store.is_readable() {
            let mut unread = lock(&self.unread);
            if unread.len() < MAX_UNREAD {
                unread.insert(owner.clone());
            }
        }
        lock(&self.rosters).load(owner)
    }

    /// The store can be read again: those who were given less than there is are told.
    pub(super) fn reload_unread(self: &Arc<Self>) {
        // Out of the lock, which would else be held while each is told.
        let unread = std::mem::take(&mut *lock(&self.unread));
        for owner in unread {
            if self.with(|node, _| node.is_here(&owner)) {
                self.hand_over(Inbound::Roster(owner));
            }
        }
    }

    /// Merges `roster` into the stored one, at once; resolves when it is on this gateway's disk.
    pub(crate) fn save(
        self: &Arc<Self>,
        owner: &Address,
        roster: &Roster,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (frames, committed) = {
            let mut rosters = lock(&self.rosters);
            // Under one lock, so that the commit that is waited for has this write in it.
            (rosters.save(owner, roster), self.store.committed())
        };
        self.queue(frames);
        let owner = owner.clone();
        async move {
            if !matches!(timeout(SAVE_DEADLINE, committed).await, Ok(Ok(()))) {
                tracing::error!(%owner, "{}: the roster is not on disk yet", Blame::Gateway);
            }
        }
    }

    /// Forgets the lists of those who have not signed on for `age` of this gateway's running, until
    /// `stop`.
    pub(crate) async fn expire_lists(self: Arc<Self>, age: Duration, stop: CancellationToken) {
        let pause = (age / 8).clamp(Duration::from_secs(1), SWEEP);
        let pause = if age.is_zero() { SWEEP } else { pause };
        while stop.run_until_cancelled(sleep(pause)).await.is_some() {
            let hub = self.clone();
            // The whole table of accounts is read.
            let sweep = tokio::task::spawn_blocking(move || hub.sweep(age));
            let _ = sweep.await;
        }
    }

    fn sweep(self: &Arc<Self>, age: Duration) {
        lock(&self.rosters).forget_refused();
        let mut overdue = self.store.overdue(age);
        overdue.retain(|key| !self.with(|node, _| node.is_anywhere(key)));
        let expired = self.store.expire(&overdue, age);
        if expired > 0 {
            self.expired.fetch_add(expired as u64, Ordering::Relaxed);
            let days = age.as_secs() / (24 * 60 * 60);
            tracing::info!(expired, days, "forgot the lists of people who did not sign on");
        }
    }

    pub(super) fn roster_frame(
        self: &Arc<Self>,
        peer: GatewayId,
        mut frame: Frame,
    ) -> Result<(), Fault> {
        if let Frame::RosterPut { part, .. } = &mut frame
            && part.drop_after(UnixMillis(self.wall.read().0.saturating_add(FAR)))
        {
            self.refuse(peer, Violation::Fault, "entries of a roster from the far future");
        }
        let here = match &frame {
            Frame::RosterPut { owner, .. } => self.with(|node, _| node.is_here(owner)),
            _ => false,
        };
        let follows = lock(&self.rosters).received(peer, frame, here)?;
        self.queue(follows.replies.into_iter().map(|frame| (peer, frame)));
        if let Some(change) = follows.changed {
            self.wiped_elsewhere(&change.owner, &change.news);
            self.roster_changed(peer, change);
        }
        if let Some(tell) = follows.answered.and_then(|ask| lock(&self.loads).remove(&ask)) {
            let _ = tell.send(());
        }
        Ok(())
    }

    /// Tells everybody whom it concerns: the router here, if the owner is signed on, and as a home
    /// other gateways.
    fn roster_changed(self: &Arc<Self>, by: GatewayId, change: Change) {
        let others = self.with(|node, _| node.concerned(&Key::of(&change.owner), &by));
        let frames = lock(&self.rosters).pass_on(&change, others);
        self.queue(frames);
        if self.with(|node, _| node.is_here(&change.owner)) {
            self.hand_over(Inbound::Roster(change.owner));
        }
    }

    /// Begins to compare rosters with a gateway.
    pub(super) fn compare(self: &Arc<Self>, peer: GatewayId) {
        // Digests and not lists: most copies are the same, and eight bytes tell.
        // Of a disk that cannot be read it is not known whose lists are missing.
        let is_readable = self.store.is_readable();
        let here = self.with(|node, _| if is_readable { node.here_of(&peer) } else { Vec::new() });
        let digests = lock(&self.rosters).linked(&peer, &here);
        self.queue(digests.into_iter().map(|frame| (peer, frame)));
    }
}
