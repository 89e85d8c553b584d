//! Somebody who came by the API, as calls and the account see that one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crosstalk_core::{self as core, Address, EnvelopeId};
use crosstalk_gateway::router::SessionHandle;
use tokio::sync::{Notify, broadcast, oneshot, watch};

use super::saying::Said;
use crate::content::{Contact, Event, Presence};
use crate::lock::lock;
use crate::store::{Log, Store, StoreError};

/// For how long somebody is there after the last stream of events ended: programs reconnect.
const GRACE: Duration = Duration::from_secs(30);
/// For how long somebody stays signed on whom no program uses.
const IDLE: Duration = Duration::from_mins(1);
/// The most events that are not acknowledged, and their bytes. Then what people say waits at their
/// gateways, as if this one were away.
const MAX_KEPT: u64 = 10_000;
const MAX_BYTES: usize = 16 << 20;
/// The most streams of events at a time: each holds some of them in memory.
const STREAMS: usize = 16;
/// Number of changes that a stream may be behind, before it is told anew how things stand.
const LIVE: usize = 256;

/// Somebody who is signed on by the API.
pub(crate) struct Person {
    who: Address,
    pub(super) handle: SessionHandle,
    pub(super) store: Store,
    pub(super) inner: Mutex<Inner>,
    /// Held while the log on disk is changed and until `inner` has it so: one change at a time, or
    /// what was read first could be noted last.
    pub(super) writing: tokio::sync::Mutex<()>,
    /// Changes of how things stand.
    pub(super) live: broadcast::Sender<Arc<Event>>,
    /// The number of the newest event that is on disk.
    pub(super) newest: watch::Sender<u64>,
    /// Whether the list is known.
    pub(super) is_loaded: watch::Sender<bool>,
    /// Streams look whether they may go on.
    pub(super) look: watch::Sender<bool>,
    /// The actor looks whether something has to be done.
    pub(super) wake: Notify,
}

/// State of a person that changes.
pub(super) struct Inner {
    /// Calls and streams that use the person.
    users: usize,
    /// Streams of events.
    readers: usize,
    /// Time at which the last stream ended.
    left_at: Option<Instant>,
    /// Time of the last use.
    used_at: Instant,
    /// The presence that others see while a stream is there.
    pub(super) profile: core::Presence,
    pub(super) log: Log,
    pub(super) contacts: BTreeMap<Address, core::Contact>,
    pub(super) presence: HashMap<Address, core::Presence>,
    /// Calls that wait to hear what became of a message.
    pub(super) outcomes: HashMap<EnvelopeId, oneshot::Sender<Said>>,
    /// Calls that wait for a contact to change.
    pub(super) edits: Vec<(Address, oneshot::Sender<()>)>,
}

/// What others are to see of a person now.
pub(super) struct Shown {
    pub(super) takes: bool,
    pub(super) presence: core::Presence,
}

impl Person {
    pub(super) fn new(
        who: Address,
        handle: SessionHandle,
        store: Store,
        log: Log,
        profile: &Presence,
    ) -> Self {
        let newest = watch::Sender::new(log.newest);
        let inner = Inner {
            users: 0,
            readers: 0,
            left_at: None,
            used_at: Instant::now(),
            profile: profile.into(),
            log,
            contacts: BTreeMap::new(),
            presence: HashMap::new(),
            outcomes: HashMap::new(),
            edits: Vec::new(),
        };
        Self {
            who,
            handle,
            store,
            inner: Mutex::new(inner),
            writing: tokio::sync::Mutex::default(),
            live: broadcast::Sender::new(LIVE),
            newest,
            is_loaded: watch::Sender::new(false),
            look: watch::Sender::new(false),
            wake: Notify::new(),
        }
    }

    /// The name.
    pub(crate) const fn who(&self) -> &Address {
        &self.who
    }

    pub(super) fn take_up(&self) {
        lock(&self.inner).users += 1;
    }

    pub(super) fn put_down(&self, now: Instant) {
        let mut inner = lock(&self.inner);
        inner.users -= 1;
        inner.used_at = now;
        drop(inner);
        self.wake.notify_one();
    }

    /// A stream of events begins. Returns whether it may: there may be so many.
    pub(super) fn begin_reading(&self) -> bool {
        let mut inner = lock(&self.inner);
        if inner.readers == STREAMS {
            return false;
        }
        inner.readers += 1;
        drop(inner);
        self.wake.notify_one();
        true
    }

    /// A stream of events ends.
    pub(super) fn end_reading(&self, now: Instant) {
        let mut inner = lock(&self.inner);
        inner.readers -= 1;
        inner.left_at = Some(now);
        drop(inner);
        self.wake.notify_one();
    }

    /// Whether nobody uses the person any more.
    pub(super) fn may_go(&self, now: Instant, at_once: bool) -> bool {
        let inner = lock(&self.inner);
        let idle = now.saturating_duration_since(inner.used_at) >= IDLE;
        inner.users == 0 && (at_once || idle)
    }

    /// What others are to see.
    pub(super) fn shown(&self, now: Instant, is_over: bool) -> Shown {
        let inner = lock(&self.inner);
        let waits = inner.left_at.is_some_and(|at| now.saturating_duration_since(at) < GRACE);
        let is_there = !is_over && (inner.readers > 0 || waits);
        let kept = inner.log.newest - inner.log.acknowledged;
        let has_room = kept < MAX_KEPT && inner.log.bytes < MAX_BYTES;
        let presence = if is_there { inner.profile.clone() } else { core::Presence::offline() };
        Shown { takes: is_there && has_room, presence }
    }

    /// Time at which something may have to be done though nothing happens.
    pub(super) fn deadline(&self, now: Instant) -> Instant {
        let inner = lock(&self.inner);
        let is_idle = (inner.users == 0).then(|| inner.used_at + IDLE);
        let has_left = inner.left_at.filter(|_| inner.readers == 0).map(|left| left + GRACE);
        next_look(now, [is_idle, has_left])
    }

    /// The gateway is stopping.
    pub(super) fn end(&self) {
        self.look.send_replace(true);
        self.wake.notify_one();
    }

    /// Has streams look whether their tokens still stand.
    pub(super) fn tokens_changed(&self) {
        self.look.send_modify(|_| ());
    }

    /// Waits until the list is known. Returns whether it is, which takes seconds at most.
    pub(crate) async fn loaded(&self) -> bool {
        /// The homes of a list have two seconds to answer.
        const LONGEST: Duration = Duration::from_secs(5);
        let mut loaded = self.is_loaded.subscribe();
        let known = loaded.wait_for(|is_loaded| *is_loaded);
        tokio::time::timeout(LONGEST, known).await.is_ok()
    }

    /// Every contact.
    pub(crate) fn contacts(&self) -> Vec<Contact> {
        let inner = lock(&self.inner);
        let contact =
            |contact: &core::Contact| Contact::of(contact, inner.presence.get(&contact.address));
        inner.contacts.values().map(contact).collect()
    }

    /// A contact, if there is one.
    pub(crate) fn contact(&self, address: &Address) -> Option<Contact> {
        let inner = lock(&self.inner);
        let contact = inner.contacts.get(address)?;
        Some(Contact::of(contact, inner.presence.get(address)))
    }

    /// Waits until a contact is told anew, for so long at most. `act` is what may change it.
    pub(crate) async fn change(&self, address: &Address, patience: Duration, act: core::Event) {
        let (tell, told) = oneshot::channel();
        lock(&self.inner).edits.push((address.clone(), tell));
        self.handle.take(act);
        let _ = tokio::time::timeout(patience, told).await;
        // Others may wait for other contacts; those who gave up wait no more.
        lock(&self.inner).edits.retain(|(_, waiting)| !waiting.is_closed());
    }

    /// Sets the presence that others see while a program is there.
    pub(crate) fn set_profile(&self, presence: &Presence) {
        lock(&self.inner).profile = presence.into();
        self.wake.notify_one();
    }

    /// Notes what of the log is on disk still: some of it was forgotten there.
    pub(super) async fn reload(&self) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        let log = self.store.log(&self.who).await?;
        lock(&self.inner).log = log;
        self.wake.notify_one();
        Ok(())
    }

    /// The presence that is set.
    pub(crate) fn profile(&self) -> Presence {
        (&lock(&self.inner).profile).into()
    }

    /// For how long no more may be said, since so much was.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.handle.pause()
    }
}

/// The least time between two looks of an actor at whether something is due.
const LEAST: Duration = Duration::from_secs(1);

/// The first of these times that is to come. What is past is done; and it is never so soon, nor so
/// often, that the task spins.
fn next_look(now: Instant, times: [Option<Instant>; 2]) -> Instant {
    let next = times.into_iter().flatten().filter(|at| *at > now).min();
    next.unwrap_or(now + IDLE).max(now + LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_looks_when_something_is_due_and_never_spins() {
        let now = Instant::now() + IDLE;
        let (past, now) = (Some(now), now + LEAST);
        let soon = Some(now + Duration::from_millis(1));
        let later = Some(now + GRACE);
        assert_eq!(next_look(now, [None, None]), now + IDLE);
        assert_eq!(next_look(now, [past, past]), now + IDLE);
        assert_eq!(next_look(now, [past, later]), now + GRACE);
        assert_eq!(next_look(now, [soon, later]), now + LEAST);
    }
}
