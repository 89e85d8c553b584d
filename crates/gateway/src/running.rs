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
use crate::tls::{self, OwnTls, Tls};

/// Reason why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener cannot be had.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
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
        let shared = Arc::new(Shared::new(Arc::clone(&config), router, &division)?);
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
        Ok(Self { proxies, transparent, direct, tls, stop, listeners: running })
    }

    /// TLS for what the gateway itself serves under the name `host`.
    pub fn own_tls(&self, host: &str) -> OwnTls {
        OwnTls::new(Arc::clone(&self.tls), host)
    }

    /// Accepts nobody more, gives running sessions the configured time to end, and ends the rest.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        while self.listeners.join_next().await.is_some() {}
    }
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
