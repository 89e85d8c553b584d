//! State shared by all connections of a gateway.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crosstalk_core::{
    Computation, Computed, Context, Engine, EnvelopeIds, HostPort, Names, Network, NetworkId, Via,
};
use crosstalk_networks::Watch;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::{Config, NetworkConfig};
use crate::descriptors::Division;
use crate::dial::Dialer;
use crate::dns::Dns;
use crate::policy::Policy;
use crate::registry::{Registration, Registry};
use crate::router::Router;
use crate::splice::SplicerHandle;
use crate::tls::{self, Tls};
use crate::watchdog::Watchdog;

/// The most long computations at a time: they must leave the processors to those who talk.
const COMPUTING: usize = 2;

/// The most sessions that are told something large at a time. A text to hundreds of sessions would
/// otherwise put as many long turns before the short ones of everybody else; and with one, a second
/// worker is left to them.
const LARGE_AT_ONCE: usize = 1;

/// An engine for a connection, and what belongs to it.
pub(crate) struct Interpreter {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) registration: Registration,
    pub(crate) watchdog: Arc<Watchdog>,
}

/// The parts of a running gateway.
pub(crate) struct Shared {
    pub(crate) config: Arc<Config>,
    pub(crate) router: Router,
    pub(crate) dialer: Dialer,
    pub(crate) dns: Arc<Dns>,
    /// The threads of what is not interpreted.
    pub(crate) splicer: SplicerHandle,
    pub(crate) policy: Arc<Policy>,
    pub(crate) tls: Arc<Tls>,
    names: Arc<Names>,
    registries: HashMap<NetworkId, Arc<Registry>>,
    watchdogs: HashMap<NetworkId, Arc<Watchdog>>,
    /// Advice that the operator was given already.
    advice: Mutex<HashSet<&'static str>>,
    /// Places for long work of engines.
    computing: Arc<Semaphore>,
    /// Turns of sessions that are told something large.
    large: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(
        config: Arc<Config>,
        router: Router,
        splicer: SplicerHandle,
        division: &Division,
    ) -> Result<Self, tls::Error> {
        let handoffs = config.limits.memory.handoffs() / config.networks.len().max(1);
        let registry = |id: &NetworkId| (id.clone(), Arc::new(Registry::new(handoffs)));
        let registries: HashMap<_, _> = config.networks.keys().map(registry).collect();
        let watchdog = |id: &NetworkId| (id.clone(), Arc::new(Watchdog::new(id.clone())));
        let watchdogs = config.networks.keys().map(watchdog).collect();
        let policy = Arc::new(Policy::new(Arc::clone(&config), registries.clone()));
        let dns = Arc::new(Dns::new(division.look_ups));
        Ok(Self {
            router,
            dialer: Dialer::new(Arc::clone(&policy), Arc::clone(&dns), config.limits.dial),
            dns,
            splicer,
            policy,
            tls: Arc::new(Tls::new(&config.tls, config.limits.handshake)?),
            names: Arc::new(config.names()),
            registries,
            watchdogs,
            advice: Mutex::default(),
            computing: Arc::new(Semaphore::new(COMPUTING)),
            large: Arc::new(Semaphore::new(LARGE_AT_ONCE)),
            config,
        })
    }

    /// The network of a connection, of those that speak `protocol`: the one its target belongs to
    /// and no other, lest a server of one network say who is who in another. Where that is not
    /// known it is one that uses the port, else the first.
    pub(crate) fn network_of(
        &self,
        protocol: &'static dyn Network,
        known: Option<&NetworkId>,
        dialled: &HostPort,
    ) -> Option<&NetworkConfig> {
        let speaks = |n: &&NetworkConfig| n.protocol.name() == protocol.name();
        let mut networks: Vec<_> = self.config.networks.values().filter(speaks).collect();
        networks.retain(|n| known.is_none_or(|known| n.id == *known));
        networks.sort_by_key(|n| !n.ports.contains(&dialled.port));
        networks.first().copied()
    }

    /// The network of a connection that nobody recognised: the one its target belongs to, else
    /// one that uses the port.
    pub(crate) fn network_at(
        &self,
        known: Option<&NetworkId>,
        port: u16,
    ) -> Option<&NetworkConfig> {
        let networks = &self.config.networks;
        let at_port = || networks.values().find(|n| n.ports.contains(&port));
        known.map_or_else(at_port, |id| networks.get(id))
    }

    /// An engine for a connection of `network` to `host`.
    pub(crate) fn engine(&self, network: &NetworkConfig, via: Via, host: &str) -> Interpreter {
        let registration = self.registries.get(&network.id).cloned().unwrap_or_default().connect();
        let engine = network.protocol.engine(Context {
            network: network.id.clone(),
            names: Arc::clone(&self.names),
            connection: registration.id(),
            via,
            ids: EnvelopeIds::new(rand::random()),
            random: rand::random,
            terminate_tls: self.tls.terminates(host),
            options: [&network.options[..], &network.pass].concat(),
        });
        Interpreter { engine, registration, watchdog: self.watchdog(&network.id) }
    }

    /// An engine that refuses what must not pass unread to `place`, on a connection on which no
    /// protocol of ours was recognised; none where everything may pass. `undialled` if the server
    /// is not connected.
    pub(crate) fn watch(
        &self,
        known: Option<&NetworkId>,
        place: &HostPort,
        undialled: bool,
    ) -> Option<Interpreter> {
        let refused = self.config.refused_at(known, place);
        let watchdog = self.watchdog(&refused.first()?.0);
        let watch = Watch::new(refused, place.clone(), undialled);
        Some(Interpreter {
            engine: Box::new(watch),
            // It has nothing to say to others.
            registration: Arc::<Registry>::default().connect(),
            watchdog,
        })
    }

    fn watchdog(&self, network: &NetworkId) -> Arc<Watchdog> {
        let watchdog = self.watchdogs.get(network).cloned();
        watchdog.unwrap_or_else(|| Arc::new(Watchdog::new(network.clone())))
    }

    /// Tells the operator something, once.
    pub(crate) fn advise(&self, what: &'static str) {
        if self.advice.lock().unwrap_or_else(PoisonError::into_inner).insert(what) {
            tracing::warn!("{what}");
        }
    }

    /// Does long work of an engine on a thread of its own, a few at a time. `None` if it failed.
    pub(crate) fn compute(
        &self,
        work: Computation,
    ) -> Pin<Box<dyn Future<Output = Option<Computed>> + Send>> {
        let places = Arc::clone(&self.computing);
        Box::pin(async move {
            let _place = places.acquire().await.ok()?;
            tokio::task::spawn_blocking(move || work.run()).await.ok()
        })
    }

    /// Waits for the turn of a session that is told something large, first come first served.
    pub(crate) fn turn(
        &self,
    ) -> Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>> {
        let turns = Arc::clone(&self.large);
        Box::pin(async move { turns.acquire_owned().await.ok() })
    }

    /// Bytes waiting for one side before the other is no longer read.
    pub(crate) fn bound(&self) -> usize {
        self.config.limits.buffer
    }

    /// Longest time that a session in direct mode may go without a server.
    pub(crate) fn undialled(&self) -> Duration {
        3 * self.config.limits.handshake
    }
}
