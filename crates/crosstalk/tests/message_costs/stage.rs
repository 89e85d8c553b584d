//! Two gateways with a link between them, and a server of each network.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{HostPort, Names, NetworkId};
use crosstalk_gateway::Gateway;
use crosstalk_gateway::config::{Config, Direct, Proxy};
use crosstalk_gateway::router::{Options, Router};
use crosstalk_mock::{Account, Client, NETWORKS, Network, Route, Server};
use crosstalk_overlay::{GatewayId, Member, Overlay};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};

use crate::counter::count_this_thread;

/// Longest time for anything here.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that runs. People are at the first gateway or at the second one.
pub(crate) struct Stage {
    pub(crate) names: Arc<Names>,
    gateways: [Running; 2],
    _servers: Vec<Box<dyn Server>>,
    /// Dropped last: the gateways write there.
    _state: TempDir,
}

/// A gateway with a thread of its own, as `threads = 1` has it.
struct Running {
    overlay: Overlay,
    direct: Vec<(NetworkId, SocketAddr)>,
    runtime: Option<Runtime>,
}

impl Stage {
    /// Starts all of it, with an account of each network for each gateway.
    pub(crate) async fn build() -> Self {
        let state = tempfile::tempdir().unwrap();
        let dirs = ["left", "right"].map(|name| state.path().join(name));
        let mut servers = Vec::new();
        for network in NETWORKS {
            let accounts = [0, 1].map(account);
            servers.push(network.serve(anywhere(), &accounts).await.unwrap());
        }
        let right = Running::start(&dirs[1], &servers, peer(&dirs[0], None));
        let heard = right.overlay.listening().await.unwrap();
        let left = Running::start(&dirs[0], &servers, peer(&dirs[1], Some(heard)));
        let gateways = [left, right];
        let deadline = Instant::now() + PATIENCE;
        while !gateways.iter().all(|gateway| gateway.overlay.linked().len() == 1) {
            assert!(Instant::now() < deadline, "the gateways did not find each other");
            sleep(Duration::from_millis(10)).await;
        }
        let names = Arc::new(Config::alone(dirs[0].clone()).names());
        Self { names, gateways, _servers: servers, _state: state }
    }

    /// Signs somebody on at a gateway, the first or the second one.
    pub(crate) async fn sign_on(&self, network: &dyn Network, at: usize) -> Client {
        let direct = &self.gateways[at].direct;
        let (_, addr) = direct.iter().find(|(id, _)| id.as_str() == network.id()).unwrap();
        network.sign_on(&account(at), &Route::Direct(*addr)).await.unwrap()
    }
}

/// The account that somebody has at a gateway, on every network.
pub(crate) fn account(at: usize) -> Account {
    Account::new(["ann", "bob"][at], "secret")
}

fn peer(state: &Path, addr: Option<SocketAddr>) -> (GatewayId, Vec<HostPort>) {
    let addresses = addr.map(host_port).into_iter().collect();
    (Overlay::identify(state).unwrap(), addresses)
}

impl Running {
    fn start(
        state: &Path,
        servers: &[Box<dyn Server>],
        (id, addresses): (GatewayId, Vec<HostPort>),
    ) -> Self {
        let mut config = Config::alone(state.into());
        config.proxies = vec![Proxy::open(anywhere())];
        for (network, server) in NETWORKS.iter().zip(servers) {
            let upstream = host_port(server.addr());
            let known = config.networks.get_mut(&network.id().parse().unwrap()).unwrap();
            // A server refers its clients to the port that it usually has.
            let called = format!("{}:{}", server.addr().ip(), known.ports[0]);
            known.servers.insert(called, upstream.clone());
            known.direct =
                vec![Direct { listen: anywhere(), upstream, advertise: None, behind: Vec::new() }];
        }
        let networks: Vec<NetworkId> = config.names().networks().cloned().collect();
        let mesh = crosstalk_overlay::Config {
            listen: vec![anywhere()],
            networks: networks.clone(),
            members: vec![Member { id, addresses, networks }],
            ..crosstalk_overlay::Config::default()
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .on_thread_start(count_this_thread)
            .enable_all()
            .build()
            .unwrap();
        let entered = runtime.enter();
        let (overlay, inbound) = Overlay::join(&mesh, state).unwrap();
        let names = Arc::new(config.names());
        let router = Router::new(overlay.clone(), inbound, names, Options::default());
        let gateway = Gateway::start(config, router).unwrap();
        let direct = gateway.direct.clone();
        // Its listeners live as long as the gateway does: until the runtime ends.
        tokio::spawn(async move {
            let _gateway = gateway;
            std::future::pending::<()>().await;
        });
        drop(entered);
        Self { overlay, direct, runtime: Some(runtime) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn host_port(addr: SocketAddr) -> HostPort {
    HostPort::new(addr.ip().to_string(), addr.port())
}

fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}
