//! A gateway that runs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crosstalk_core::{HostPort, NetworkId};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::{Config, Direct};
use crate::connection_permits::ConnectionPermits;
use crate::descriptors::Division;
use crate::ingress::Ingress;
use crate::listen::Listener;
use crate::router::Router;
use crate::shared::Shared;
use crate::splice::{SpliceLimits, Splicer};
use crate::tls::{self, OwnTls, Tls};

/// Reason why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener cannot be had.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// What serves connections that pass through does not start.
    #[error("the system gives no thread for connections that pass through: {0}")]
    Splice(io::Error),
    /// TLS cannot be served.
    #[error(transparent)]
    Tls(#[from] tls::Error),
}

/// A running gateway, and where it listens.
pub struct Gateway {
    /// The proxies, in the order of [`Config::proxies`].
    pub proxies: Vec<SocketAddr>,
    /// The transparent listeners, in the order of [`Config::transparent`].
    pub transparent: Vec<SocketAddr>,
    /// The direct listeners, in the order of [`Config::networks`] and their
    /// [`direct`](crate::config::NetworkConfig::direct).
    pub direct: Vec<(NetworkId, SocketAddr)>,
    tls: Arc<Tls>,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
    splicer: Splicer,
}

impl Gateway {
    /// Whether the certificates and keys that `config` names can be used. Opens no port and writes
    /// nothing.
    pub fn check(config: &Config) -> Result<(), StartError> {
        Tls::new(&config.tls, config.limits.handshake)?;
        Ok(())
    }

    /// Binds every listener and starts to serve. Port 0 in the configuration means any free one.
    pub fn start(config: Config, router: Router) -> Result<Self, StartError> {
        let config = Arc::new(config);
        let division = Division::of_process(&config.limits);
        let limits = SpliceLimits { patience: config.limits.handshake, pipes: division.pipes };
        let splicer = Splicer::start(splicing_threads(), limits).map_err(StartError::Splice)?;
        let shared = Shared::new(Arc::clone(&config), router, splicer.handle(), &division)?;
        let shared = Arc::new(shared);
        let mut listeners = Vec::new();
        let mut bind = |at, way: &dyn Fn(SocketAddr) -> Ingress| {
            let listener = Listener::bind(at).map_err(|e| StartError::Listen(at, e))?;
            let bound = listener.address;
            listeners.push((listener, way(bound)));
            Ok::<_, StartError>(bound)
        };
        let (mut proxies, mut transparent, mut direct) = (Vec::new(), Vec::new(), Vec::new());
        for proxy in &config.proxies {
            proxies.push(bind(proxy.listen, &|_| Ingress::Proxy(proxy.clone()))?);
        }
        for redirected in &config.transparent {
            transparent.push(bind(redirected.listen, &|_| Ingress::Transparent)?);
        }
        for network in config.networks.values() {
            for played in &network.direct {
                let way = |bound| Ingress::Direct {
                    network: network.id.clone(),
                    upstream: played.upstream.clone(),
                    advertise: advertised(played, bound),
                    behind: played.behind.clone(),
                };
                direct.push((network.id.clone(), bind(played.listen, &way)?));
            }
        }
        // Before anything is accepted: a client could have the gateway connect to itself, round and
        // round.
        shared.policy.set_own(listeners.iter().map(|(listener, _)| listener.address).collect());
        let permits = ConnectionPermits::new(division.connections, division.connections_per_client);
        let tls = Arc::clone(&shared.tls);
        let (stop, stopped) = watch::channel(false);
        let mut running = JoinSet::new();
        for (listener, way) in listeners {
            let (shared, permits) = (Arc::clone(&shared), Arc::clone(&permits));
            running.spawn(listener.run(shared, way, permits, stopped.clone()));
        }
        Ok(Self { proxies, transparent, direct, tls, stop, listeners: running, splicer })
    }

    /// TLS for what the gateway itself serves under the name `host`.
    pub fn own_tls(&self, host: &str) -> OwnTls {
        OwnTls::new(Arc::clone(&self.tls), host)
    }

    /// Accepts nobody more, gives running sessions the configured time to end, and ends the rest.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        while self.listeners.join_next().await.is_some() {}
        self.splicer.stop().await;
    }
}

/// Number of threads for connections that pass through: half of the processors, as for those that
/// are interpreted, whose share of the work is not known before.
fn splicing_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |all| all.get().div_ceil(2))
}

/// Address under which a direct listener is reached; with the port that was found where any would
/// do.
fn advertised(direct: &Direct, bound: SocketAddr) -> HostPort {
    let mut advertised = direct.advertised();
    if advertised.port == 0 {
        advertised.port = bound.port();
    }
    advertised
}
