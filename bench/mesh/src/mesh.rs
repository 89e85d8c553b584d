//! Gateways without clients, linked on loopback in one process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use crosstalk_core::{Address, HostPort, NetworkId};
use crosstalk_overlay::{Config, GatewayId, Inbound, Member, Overlay};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Longer than anything here takes when all is well.
const PATIENCE: Duration = Duration::from_mins(2);

/// A gateway.
pub(crate) struct Gateway {
    pub(crate) overlay: Overlay,
    pub(crate) inbound: mpsc::Receiver<Inbound>,
    config: Config,
    state: TempDir,
}

impl Gateway {
    /// Its name.
    pub(crate) fn id(&self) -> GatewayId {
        self.overlay.id()
    }

    /// Stops, and starts anew with the same state.
    pub(crate) async fn restart(self) -> Self {
        self.overlay.shutdown().await;
        let Self { overlay, inbound, config, state } = self;
        drop((overlay, inbound));
        let (overlay, inbound) = Overlay::join(&config, state.path()).unwrap();
        Self { overlay, inbound, config, state }
    }

    /// Waits until it hears that `user` signed on somewhere.
    pub(crate) async fn sees(&mut self, user: &Address) {
        let seen = timeout(PATIENCE, async {
            loop {
                match self.inbound.recv().await.unwrap() {
                    Inbound::Arrived { user: who, .. } if who == *user => return,
                    _ => {}
                }
            }
        });
        seen.await.unwrap_or_else(|_| panic!("{user} was never seen"));
    }

    /// Waits until it is linked to `others` gateways.
    pub(crate) async fn linked(&self, others: usize) {
        let linked = timeout(PATIENCE, async {
            while self.overlay.linked().len() < others {
                sleep(Duration::from_millis(5)).await;
            }
        });
        linked.await.expect("the links never came up");
    }
}

/// The network of everybody here.
pub(crate) fn network() -> NetworkId {
    "aol".parse().unwrap()
}

/// Somebody.
pub(crate) fn user(name: impl std::fmt::Display) -> Address {
    Address::new(&format!("user{name}"), network()).unwrap()
}

/// `count` gateways, each linked to all others.
pub(crate) async fn start(count: usize) -> Vec<Gateway> {
    let states: Vec<_> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
    let ports = free_ports(count);
    let members: Vec<Member> = states
        .iter()
        .zip(&ports)
        .map(|(state, port)| Member {
            id: Overlay::identify(state.path()).unwrap(),
            addresses: vec![HostPort::new(port.ip().to_string(), port.port())],
            networks: vec![network()],
        })
        .collect();
    let mut gateways = Vec::new();
    for (state, port) in states.into_iter().zip(ports) {
        let config = Config {
            listen: vec![port],
            networks: vec![network()],
            members: members.clone(),
            ..Config::default()
        };
        let (overlay, inbound) = Overlay::join(&config, state.path()).unwrap();
        gateways.push(Gateway { overlay, inbound, config, state });
    }
    for gateway in &gateways {
        gateway.linked(count - 1).await;
    }
    gateways
}

/// Ports that nobody listens on: all taken before the first is given back, so that none comes
/// twice.
fn free_ports(count: usize) -> Vec<SocketAddr> {
    let taken = (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let taken: Vec<_> = taken.collect();
    taken.iter().map(|port| port.local_addr().unwrap()).collect()
}

/// Stops them.
pub(crate) async fn stop(gateways: Vec<Gateway>) {
    for gateway in gateways {
        gateway.overlay.shutdown().await;
    }
}
