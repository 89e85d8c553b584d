//! The road between people: who is signed in here, who may see whom, how envelopes travel.
//!
//! The router is a table, not a task. What a session says changes the state of one `Person`
//! under that person's own lock, at once and without waiting. What has to wait (for the
//! overlay, or for other people) becomes a `Step` in one of the person's lanes,
//! and a lane is a task only while it has steps: somebody idle costs a few hundred bytes.
//!
//! ```text
//! Member::take -> Person --lanes--> overlay: locate, send, watch, load, save
//!                   |    <-inbound-
//!                   '--> mailboxes of the person's sessions
//! ```
//!
//! Presence is pulled before it is pushed: the watcher's gateway probes, the watched person's
//! gateway checks the consent given there and from then on tells of every change. What arrives
//! from another gateway is delivered here or not at all, never passed on, so nothing circles.

mod asking;
mod begun;
mod carry;
mod consent;
mod control;
mod counters;
mod inbound;
mod member;
mod notes;
mod people;
mod person;
mod presence;
mod receive;
mod said;
mod strangers;
mod talk;
mod work;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, DefaultHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crosstalk_core::{Address, Body, Budgets, Envelope, EnvelopeId, Names, Rate, UnixMillis};
use crosstalk_overlay::{GatewayId, Inbound, Overlay};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

pub use counters::{Drops, Snapshot};
pub use member::Member;

use crate::mail::Mails;
use crate::memory::{Entry, Memory};
use counters::Counters;
use people::People;
use strangers::Strangers;

/// The table of everybody signed in at this gateway. A cheap handle.
#[derive(Clone)]
pub struct Router {
    hub: Arc<Hub>,
}

/// What an operator chooses about routing.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether the control contact stands in everybody's list and answers.
    pub control: bool,
    /// What connections may hold, with all that waits for them.
    pub memory: Budgets,
    /// What one person may say. Who says more is heard more slowly.
    pub pace: Rate,
}

impl Default for Options {
    fn default() -> Self {
        let pace = crate::config::Limits::default().pace();
        Self { control: true, memory: Budgets::of(256 << 20), pace }
    }
}

/// What all people share.
pub(crate) struct Hub {
    names: Arc<Names>,
    overlay: Overlay,
    here: GatewayId,
    options: Options,
    people: People,
    counters: Counters,
    memory: Memory,
    strangers: Strangers,
    /// Ids of our own envelopes: a random half and a count.
    ids: (u64, AtomicU64),
    /// Tells this gateway's writes to a roster from those of others.
    writer: u64,
    runtime: Handle,
}

impl Router {
    /// A router over `overlay` and what it says.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn new(
        overlay: Overlay,
        inbound: mpsc::Receiver<Inbound>,
        names: Arc<Names>,
        options: Options,
    ) -> Self {
        let here = overlay.id();
        let mut writer = DefaultHasher::new();
        writer.write(here.as_bytes());
        let hub = Arc::new(Hub {
            names,
            overlay,
            here,
            options,
            people: People::default(),
            counters: Counters::default(),
            memory: Memory::new(options.memory),
            strangers: Strangers::default(),
            ids: (RandomState::new().build_hasher().finish(), AtomicU64::new(0)),
            writer: writer.finish(),
            runtime: Handle::current(),
        });
        tokio::spawn(inbound::listen(Arc::downgrade(&hub), inbound));
        Self { hub }
    }

    /// Signs a session of `user` in; `endpoint` names it to people. The base server must have
    /// accepted the user. The mail begins with the roster. Never blocks.
    pub fn sign_in(&self, user: Address, endpoint: String) -> (Member, Mails) {
        Member::new(&self.hub, user, endpoint, None)
    }

    /// Like [`Self::sign_in`], with what waits for the session charged to `entry`.
    pub(crate) fn sign_in_at(
        &self,
        entry: &Entry,
        user: Address,
        endpoint: String,
    ) -> (Member, Mails) {
        Member::new(&self.hub, user, endpoint, Some(entry))
    }

    /// Takes in a connection that carries only the conversation of `user` with `with`, beside the
    /// session called `endpoint`. Its mail is what they say. Never blocks.
    pub fn converse(&self, user: Address, endpoint: String, with: Vec<Address>) -> (Member, Mails) {
        Member::talking(&self.hub, user, endpoint, with, None)
    }

    /// Like [`Self::converse`], with what waits for the conversation charged to `entry`.
    pub(crate) fn converse_at(
        &self,
        entry: &Entry,
        user: Address,
        endpoint: String,
        with: Vec<Address>,
    ) -> (Member, Mails) {
        Member::talking(&self.hub, user, endpoint, with, Some(entry))
    }

    /// The account of what connections hold.
    pub(crate) fn memory(&self) -> &Memory {
        &self.hub.memory
    }

    /// Counts an input that kept an engine longer than others should wait.
    pub(crate) fn count_slow(&self) {
        self.hub.counters.slow.add();
    }

    /// Resolves when everything is done for everybody who signed out: others told, lists saved.
    pub async fn drained(&self) {
        while !self.hub.people.everybody().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What an administrator may want to count.
    pub fn snapshot(&self) -> Snapshot {
        self.hub.snapshot()
    }
}

impl Hub {
    /// An envelope of the gateway's own making.
    fn envelope(&self, from: Address, to: Address, body: Body) -> Envelope {
        Envelope { id: self.next_id(), from, to, sent_at: now(), body, details: None }
    }

    fn next_id(&self) -> EnvelopeId {
        let (random, count) = &self.ids;
        let count = count.fetch_add(1, Ordering::Relaxed);
        EnvelopeId(u128::from(*random) << 64 | u128::from(count))
    }
}

fn now() -> UnixMillis {
    SystemTime::now().into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere must not take everybody's conversations along.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
