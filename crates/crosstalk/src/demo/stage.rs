//! The demo's servers and gateways: all on loopback, and gone when it ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{HostPort, Names, NetworkId};
use crosstalk_gateway::config::{Config, Direct, Member, Mesh, Proxy};
use crosstalk_mock::{Account, LastFm, Network, Route, Server, by_id};
use crosstalk_overlay::{GatewayId, Overlay};
use tempfile::TempDir;

use super::actor::Miss;
use super::cast::{GUEST, LEFT, PASSWORD, RIGHT};
use super::tell::Teller;
use crate::cli_error::CliError;
use crate::start::{Started, start};

/// The networks: id, and what clients take for the name and port of its server.
const NETWORKS: [(&str, &str, u16); 4] = [
    ("aol", "login.aim.test", 5190),
    ("msn", "messenger.msn.test", 1863),
    ("yahoo", "scs.yahoo.test", 5050),
    ("jabber", "jabber.test", 5222),
];

/// Longest time for the gateways to find each other.
const JOINING: Duration = Duration::from_secs(10);

/// Everything that runs.
pub(crate) struct Stage {
    bases: Vec<Base>,
    gateways: [Gateway; 2],
    /// Where it is asked what people listen to.
    _lastfm: LastFm,
    /// Dropped last: the gateways write there.
    _state: TempDir,
}

/// A network and its server.
pub(crate) struct Base {
    /// The network.
    pub(crate) id: NetworkId,
    /// Title for people to read.
    pub(crate) title: &'static str,
    /// Scripted clients of the network.
    pub(crate) network: &'static dyn Network,
    /// Name and port that clients take for the server's.
    pub(crate) called: HostPort,
    server: Box<dyn Server>,
}

/// One of the gateways.
pub(crate) enum At {
    /// The left one, with clients that use it as a proxy.
    Left,
    /// The right one, with clients that take it for their server.
    Right,
}

/// A gateway that runs.
struct Gateway {
    names: Arc<Names>,
    started: Started,
}

/// Place of a gateway that does not run yet.
struct Seat {
    state: PathBuf,
    id: GatewayId,
    mesh: SocketAddr,
}

impl Stage {
    /// Starts the servers and the gateways, and waits until the gateways are joined.
    pub(crate) async fn build(tell: Teller) -> Result<Self, CliError> {
        let state = tempfile::tempdir().map_err(|e| CliError::failed("temporary directory", e))?;
        let [left, right] = ["left", "right"].map(|name| Seat::take(state.path().join(name)));
        let (left, right) = (left?, right?);
        tell.chapter("Four base servers, and two gateways in front of them");
        let begun = Instant::now();
        let mut bases = Vec::new();
        for at in 0..NETWORKS.len() {
            let base = Base::start(at).await?;
            tell.step(base.title, format!("server at {}", base.server.addr()), None);
            bases.push(base);
        }
        let lastfm = LastFm::start().await.map_err(|e| CliError::failed("no Last.fm", e))?;
        let start = |seat: &Seat, other| seat.start(&bases, other, lastfm.addr);
        let gateways = [start(&left, &right)?, start(&right, &left)?];
        for (name, seat) in [("left", &left), ("right", &right)] {
            tell.step(name, format!("gateway {}", seat.id), None);
        }
        for (gateway, other) in [(&gateways[0], right.id), (&gateways[1], left.id)] {
            gateway.joined(other).await?;
        }
        tell.step("gateways", "are up and have found each other", Some(begun.elapsed()));
        Ok(Self { bases, gateways, _lastfm: lastfm, _state: state })
    }

    /// The networks, in the order of their people.
    pub(crate) fn bases(&self) -> &[Base] {
        &self.bases
    }

    /// Route from a client of `base` to its server.
    pub(crate) fn way(&self, at: &At, base: &Base) -> Option<Route> {
        Some(match at {
            At::Left => Route::Socks5 { proxy: self.proxy()?, server: base.called.clone() },
            At::Right => Route::Direct(self.gateways[1].direct(&base.id)?),
        })
    }

    /// The proxy of the left gateway.
    pub(crate) fn proxy(&self) -> Option<SocketAddr> {
        self.gateways[0].started.config.proxies.first().map(|p| p.listen)
    }

    /// The left gateway's listener that plays the server of a network.
    pub(crate) fn direct(&self, network: &str) -> Option<SocketAddr> {
        let base = self.bases.iter().find(|base| base.id.as_str() == network)?;
        self.gateways[0].direct(&base.id)
    }

    /// Spelling of names, the same at both gateways.
    pub(crate) fn names(&self) -> &Arc<Names> {
        &self.gateways[0].names
    }

    /// Checks that no base server received a name that is none of its business.
    pub(crate) fn check(&self, tell: Teller) -> Result<(), Miss> {
        let control = NetworkId::gateway();
        for base in &self.bases {
            let foreign = self.names().networks().filter(|n| **n != base.id);
            for network in foreign.chain([&control]) {
                if base.server.record().contains(&format!("@{network}")) {
                    let what = format!("the server of {} received a name of {network}", base.id);
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

impl Base {
    async fn start(at: usize) -> Result<Self, CliError> {
        let (id, host, port) = NETWORKS[at];
        let broken = |e: &dyn std::fmt::Display| CliError::failed(&format!("{id} in the demo"), e);
        let network = by_id(id).ok_or_else(|| broken(&"is not there"))?;
        let names = [LEFT[at].account, RIGHT[at].account, GUEST];
        let accounts = names.map(|name| Account::new(name, PASSWORD));
        let server = network.serve(anywhere(), &accounts).await.map_err(|e| broken(&e))?;
        let id: NetworkId = id.parse().map_err(|e| broken(&e))?;
        let known = Config::alone(PathBuf::new()).networks;
        let title = known.get(&id).map_or(NETWORKS[at].0, |n| n.protocol.defaults().title);
        Ok(Self { id, title, network, called: HostPort::new(host, port), server })
    }
}

impl Gateway {
    fn direct(&self, network: &NetworkId) -> Option<SocketAddr> {
        let network = self.started.config.networks.get(network)?;
        network.direct.first().map(|direct| direct.listen)
    }

    /// Waits until the gateway has a link to `other`.
    async fn joined(&self, other: GatewayId) -> Result<(), CliError> {
        let deadline = Instant::now() + JOINING;
        while !self.started.overlay.linked().contains(&other) {
            if Instant::now() > deadline {
                let why =
                    format!("the gateways did not find each other within {} s", JOINING.as_secs());
                return Err(CliError::Failed(why));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }
}

impl Seat {
    fn take(state: PathBuf) -> Result<Self, CliError> {
        let id = Overlay::identify(&state).map_err(|e| CliError::failed("no id", e))?;
        let mesh = free().map_err(|e| CliError::failed("no free port on loopback", e))?;
        Ok(Self { state, id, mesh })
    }

    fn start(&self, bases: &[Base], other: &Self, lastfm: SocketAddr) -> Result<Gateway, CliError> {
        let mut config = self.config(bases, other);
        config.services.allow.extend(lastfm.ip().to_string().parse());
        config.services.music.lastfm = format!("http://{lastfm}/2.0/");
        config.services.music.key = Some("demo".to_owned().into());
        let names = Arc::new(config.names());
        Ok(Gateway { names, started: start(config)? })
    }

    /// The configuration of a gateway here, with two ways in for every network: a proxy under which
    /// its server has the name and the address it is known by, and a direct listener.
    fn config(&self, bases: &[Base], other: &Self) -> Config {
        let mut config = Config::alone(self.state.clone());
        config.proxies = vec![Proxy::open(anywhere())];
        for base in bases {
            let Some(network) = config.networks.get_mut(&base.id) else { continue };
            let addr = base.server.addr();
            let upstream = HostPort::new(addr.ip().to_string(), addr.port());
            let named = format!("{}:{}", addr.ip(), base.called.port);
            for name in [base.called.host.clone(), named] {
                network.servers.insert(name, upstream.clone());
            }
            network.direct =
                vec![Direct { listen: anywhere(), upstream, advertise: None, behind: Vec::new() }];
        }
        let networks = bases.iter().map(|base| base.id.clone()).collect();
        let member = Member {
            id: other.id,
            addresses: vec![HostPort::new(other.mesh.ip().to_string(), other.mesh.port())],
            networks,
        };
        config.mesh =
            Some(Mesh { listen: vec![self.mesh], advertise: Vec::new(), members: vec![member] });
        config
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
