//! The router: the accounts of those who are signed in here, driven.
//!
//! The router is a table, not a task. What a session says goes into the
//! [`Account`](crosstalk_router::Account) of its person under that account's own lock, at once and
//! without waiting, and what the account wants is done: mail and messages in their order, under the
//! lock; what takes longer, or needs the lock of somebody else, after it. Somebody idle costs a few
//! hundred bytes.
//!
//! ```text
//! SessionHandle::take -> Account --effects--> overlay: post, send, locate, watch, load, save
//!                         |   ^----inputs---
//!                         '--> mailboxes of the person's sessions
//! ```
//!
//! Presence is pulled before it is pushed: the watcher's gateway probes, the watched person's
//! gateway checks the consent given there and from then on tells of every change. What arrives
//! from another gateway is delivered here or not at all, never passed on, so nothing circles.
//!
//! Locks are taken in this order: an account's, then a mailbox's, the overlay's, that of what
//! strangers share or of work outside. No account's lock is waited for under that of another, or of the table.

mod accounts;
mod counters;
mod driver;
mod eager;
mod flows;
mod local;
mod options;
mod overlay_calls;
mod overlay_events;
mod records;
mod service;
mod service_news;
mod session_handle;
mod shares;
mod timers;

use std::hash::{DefaultHasher, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crosstalk_core::{Address, Names, Now, UnixMillis};
use crosstalk_overlay::{GatewayId, Inbound, Overlay};
use crosstalk_router::{GatewayKey, Settings};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

pub use counters::{Drops, Snapshot};
pub use options::Options;
pub use records::{Doing, Exported, Keeper};
pub use session_handle::SessionHandle;

use crate::mail::Mails;
use crate::memory::{Entry, Memory};
use crate::sources::Sources;
use crate::status::Status;
use accounts::Accounts;
use counters::Counters;
use service::ControlService;
use shares::GatewayShares;
use timers::Timers;

/// The table of everybody signed in at this gateway. A cheap handle.
#[derive(Clone)]
pub struct Router {
    state: Arc<RouterState>,
}

/// State that all accounts have in common.
pub(crate) struct RouterState {
    overlay: Overlay,
    here: GatewayId,
    settings: Arc<Settings>,
    accounts: Accounts,
    counters: Counters,
    memory: Memory,
    timers: Arc<Timers>,
    sources: Arc<Sources>,
    /// What else keeps something of people, once it is there.
    keeper: OnceLock<Arc<dyn Keeper>>,
    status: Status,
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
        let settings = Settings {
            names,
            here: key_of(here),
            writer: writer.finish(),
            control: options.control,
            pace: options.pace,
            service: Arc::new(ControlService(Arc::clone(&options.sources))),
            shares: Arc::new(GatewayShares::new(overlay.clone())),
        };
        let (status, news) = Status::new(options.sources.sites(), Handle::current());
        let state = Arc::new(RouterState {
            overlay,
            here,
            settings: Arc::new(settings),
            accounts: Accounts::default(),
            counters: Counters::default(),
            memory: Memory::new(options.memory),
            timers: Arc::default(),
            sources: options.sources,
            keeper: OnceLock::new(),
            status,
            runtime: Handle::current(),
        });
        tokio::spawn(overlay_events::listen(Arc::downgrade(&state), inbound));
        tokio::spawn(service_news::listen(Arc::downgrade(&state), news));
        tokio::spawn(timers::run(Arc::clone(&state.timers), Arc::downgrade(&state)));
        Self { state }
    }

    /// Signs a session of `user` in; `endpoint` names it to people. The base server must have
    /// accepted the user. The mail begins with the roster. Never blocks.
    pub fn sign_in(&self, user: &Address, endpoint: &str) -> (SessionHandle, Mails) {
        SessionHandle::sign_in(&self.state, user, endpoint, None)
    }

    /// Like [`Self::sign_in`], of a client that connects from `client`, with what waits for the
    /// session charged to `entry`.
    pub(crate) fn sign_in_at(
        &self,
        entry: &Entry,
        user: &Address,
        endpoint: &str,
        client: IpAddr,
    ) -> (SessionHandle, Mails) {
        SessionHandle::sign_in(&self.state, user, endpoint, Some((entry, client)))
    }

    /// Takes in a connection that carries only the conversation of `user` with `with`, beside the
    /// session called `endpoint`. Its mail is what they say. Never blocks.
    pub fn converse(
        &self,
        user: &Address,
        endpoint: &str,
        with: Vec<Address>,
    ) -> (SessionHandle, Mails) {
        SessionHandle::converse(&self.state, user, endpoint, with, None)
    }

    /// Like [`Self::converse`], with what waits for the conversation charged to `entry`.
    pub(crate) fn converse_at(
        &self,
        entry: &Entry,
        user: &Address,
        endpoint: &str,
        with: Vec<Address>,
    ) -> (SessionHandle, Mails) {
        SessionHandle::converse(&self.state, user, endpoint, with, Some(entry))
    }

    /// The account of what connections hold.
    pub(crate) fn memory(&self) -> &Memory {
        &self.state.memory
    }

    /// Counts an input that kept an engine longer than others should wait.
    pub(crate) fn count_slow(&self) {
        self.state.counters.slow.add();
    }

    /// Settings of a person as they may be shown: secrets in them are named only.
    pub fn without_secrets(&self, settings: &[String]) -> Vec<String> {
        settings.iter().map(|line| crosstalk_services::without_secrets(line)).collect()
    }

    /// A picture, in SVG, of what texts to somebody with these settings run through.
    pub fn picture_of_flows(&self, settings: &[String]) -> String {
        crosstalk_services::picture(settings, self.state.sources.offers())
    }

    /// Removes the archived texts of somebody. Returns whether nothing is left of them.
    pub async fn forget_archive(&self, who: &Address) -> bool {
        self.state.sources.forget(who).await
    }

    /// Has `keeper` asked, too, when somebody wants to be told or have forgotten everything that is
    /// stored. Only the first one is.
    pub fn ask_keeper(&self, keeper: Arc<dyn Keeper>) {
        let _ = self.state.keeper.set(keeper);
    }

    /// Resolves when everything is done for everybody who signed out: others told, lists saved.
    pub async fn drained(&self) {
        while !self.state.accounts.everybody().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Counters for an administrator.
    pub fn snapshot(&self) -> Snapshot {
        self.state.snapshot()
    }
}

impl Drop for RouterState {
    fn drop(&mut self) {
        self.timers.wake();
    }
}

/// A gateway as accounts name it.
fn key_of(gateway: GatewayId) -> GatewayKey {
    GatewayKey(*gateway.as_bytes())
}

/// A gateway as the overlay names it.
fn gateway_of(key: GatewayKey) -> GatewayId {
    GatewayId::from_bytes(key.0)
}

/// The present.
fn now() -> Now {
    Now { instant: Instant::now(), wall: UnixMillis::from(SystemTime::now()) }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere must not take everybody's conversations along.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
