//! The demo's servers and gateways: all on loopback, and gone when it ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{HostPort, Names, NetworkId};
use crosstalk_gateway::config::{Config, Direct, Member, Mesh, Proxy};
use crosstalk_mock::{Account, Server, by_id};
use crosstalk_overlay::{GatewayId, Overlay};
use tempfile::TempDir;

use super::actor::Miss;
use super::cast::{GUEST, PARTS, PASSWORD};
use super::tell::Teller;
use crate::complaint::Complaint;
use crate::start::{Started, start};

/// The two networks: id, and what clients take for the name and port of its server.
const NETWORKS: [(&str, &str, u16); 2] =
    [("aol", "login.aim.test", 5190), ("jabber", "jabber.test", 5222)];

/// How long the gateways may take to find each other.
const JOINING: Duration = Duration::from_secs(10);

/// Both sides.
pub(crate) struct Stage {
    sides: [Side; 2],
    /// Dropped last: the gateways write there.
    _state: TempDir,
}

/// A network's server and the gateway in front of it.
pub(crate) struct Side {
    /// The network.
    pub(crate) network: NetworkId,
    /// What clients take for the server's name.
    pub(crate) server: HostPort,
    /// The gateway's proxy.
    pub(crate) proxy: SocketAddr,
    /// The gateway's direct listener.
    pub(crate) direct: SocketAddr,
    names: Arc<Names>,
    base: Box<dyn Server>,
    started: Started,
}

/// Where a gateway is going to be.
struct Seat {
    state: PathBuf,
    id: GatewayId,
    mesh: SocketAddr,
}

impl Stage {
    /// Starts the servers and the gateways, and waits until the gateways are joined.
    pub(crate) async fn build(tell: Teller) -> Result<Self, Complaint> {
        let state = tempfile::tempdir().map_err(|e| Complaint::failed("temporary directory", e))?;
        let left = Seat::take(state.path().join("left"))?;
        let right = Seat::take(state.path().join("right"))?;
        tell.chapter("Two base servers, and a gateway in front of each");
        let begun = Instant::now();
        let sides = [
            Side::start(tell, NETWORKS[0], &left, &right, NETWORKS[1].0).await?,
            Side::start(tell, NETWORKS[1], &right, &left, NETWORKS[0].0).await?,
        ];
        for (side, other) in [(&sides[0], right.id), (&sides[1], left.id)] {
            side.joined(other).await?;
        }
        tell.step("gateways", "are up and have found each other", Some(begun.elapsed()));
        Ok(Self { sides, _state: state })
    }

    /// The side of `network`.
    pub(crate) fn side(&self, network: &str) -> &Side {
        let [left, right] = &self.sides;
        if left.network.as_str() == network { left } else { right }
    }

    /// How names are written, at both gateways.
    pub(crate) fn names(&self) -> &Arc<Names> {
        &self.sides[0].names
    }

    /// That no base server received a name that is none of its business.
    pub(crate) fn check(&self, tell: Teller) -> Result<(), Miss> {
        for side in &self.sides {
            let foreign = side.names.networks().filter(|n| **n != side.network);
            let control = NetworkId::gateway();
            for network in foreign.chain([&control]) {
                if side.base.record().contains(&format!("@{network}")) {
                    let what =
                        format!("the server of {} received a name of {network}", side.network);
                    return Err(Miss::Wrong(what));
                }
            }
        }
        tell.step(
            "servers",
            "received no name of another network: their records were searched",
            None,
        );
        Ok(())
    }
}

impl Side {
    async fn start(
        tell: Teller,
        (id, host, port): (&'static str, &'static str, u16),
        own: &Seat,
        other: &Seat,
        other_network: &str,
    ) -> Result<Self, Complaint> {
        let broken =
            |e: &dyn std::fmt::Display| Complaint::failed(&format!("the demo's {id} side"), e);
        let network = by_id(id).ok_or_else(|| broken(&"is not there"))?;
        let names = PARTS.iter().filter(|p| p.network == id).map(|p| p.account).chain([GUEST]);
        let accounts: Vec<_> = names.map(|name| Account::new(name, PASSWORD)).collect();
        let base = network.serve(anywhere(), &accounts).await.map_err(|e| broken(&e))?;
        let upstream = HostPort::new(base.addr().ip().to_string(), base.addr().port());
        let id: NetworkId = id.parse().map_err(|e| broken(&e))?;

        let other = other.member(other_network)?;
        let config = own.config(&id, host, &upstream, other);
        let names = Arc::new(config.names());
        let started = start(config)?;
        let proxy = started.config.proxies.first().map(|p| p.listen);
        let direct = started.config.networks.get(&id).and_then(|n| n.direct.first());
        let (Some(proxy), Some(direct)) = (proxy, direct.map(|d| d.listen)) else {
            return Err(broken(&"listens nowhere"));
        };
        tell.step(id.as_str(), format!("server at {}, gateway {}", base.addr(), own.id), None);
        Ok(Self {
            server: HostPort::new(host, port),
            proxy,
            direct,
            network: id,
            names,
            base,
            started,
        })
    }

    /// Waits until the gateway has a link to `other`.
    async fn joined(&self, other: GatewayId) -> Result<(), Complaint> {
        let deadline = Instant::now() + JOINING;
        while !self.started.overlay.linked().contains(&other) {
            if Instant::now() > deadline {
                let why =
                    format!("the gateways did not find each other within {} s", JOINING.as_secs());
                return Err(Complaint::Failed(why));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Seat {
    fn take(state: PathBuf) -> Result<Self, Complaint> {
        let id = Overlay::identify(&state).map_err(|e| Complaint::failed("no id", e))?;
        let mesh = free().map_err(|e| Complaint::failed("no free port on loopback", e))?;
        Ok(Self { state, id, mesh })
    }

    /// The configuration of a gateway here, with two ways in for `network`: a proxy under which
    /// its server is called `host`, and a direct listener.
    fn config(&self, network: &NetworkId, host: &str, server: &HostPort, other: Member) -> Config {
        let mut config = Config::alone(self.state.clone());
        config.proxies = vec![Proxy::open(anywhere())];
        if let Some(network) = config.networks.get_mut(network) {
            network.servers.insert(host.into(), server.clone());
            let upstream = server.clone();
            network.direct = vec![Direct { listen: anywhere(), upstream, advertise: None }];
        }
        config.mesh =
            Some(Mesh { listen: vec![self.mesh], advertise: Vec::new(), members: vec![other] });
        config
    }

    /// How the other gateway's configuration lists this one.
    fn member(&self, network: &str) -> Result<Member, Complaint> {
        Ok(Member {
            id: self.id,
            addresses: vec![HostPort::new(self.mesh.ip().to_string(), self.mesh.port())],
            networks: vec![network.parse().map_err(|e| Complaint::failed("network", e))?],
        })
    }
}

/// Loopback, any port.
fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// An address that nobody uses at the moment: the two gateways have to know each other's before
/// they start.
fn free() -> io::Result<SocketAddr> {
    TcpListener::bind(anywhere())?.local_addr()
}
