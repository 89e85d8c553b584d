//! Settings of an operator.
//!
//! [`Config::read`] goes file, `file` (what the TOML may say), [`Config`] (defaults filled in,
//! every name resolved), `check` (what the parts say about each other). Whatever is wrong
//! comes back as a [`Report`] that shows the line and says what to write instead.
//! `config/example.toml` documents every key.

mod allow;
mod check;
mod file;
mod limits;
mod memory;
mod network;
mod report;
mod services;
mod text;
mod warnings;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crosstalk_core::{HostPort, Names, NetworkId, OWN_NETWORKS, Redacted, Unread};
use crosstalk_overlay::GatewayId;
use ipnet::IpNet;
use serde::Deserialize;

pub use allow::{Allow, HostPattern, Ports};
pub use check::{OpenProxy, bad_level};
pub use limits::{Limits, Outbox};
pub use memory::Memory;
pub use network::{Direct, NetworkConfig};
pub use report::{Problem, Report};
pub use services::{Flows, Follow, Location, Music, Services, Statuses, Translate, X};

/// The suffix of the universal spelling where none is configured.
pub const DEFAULT_SUFFIX: &str = "xt";
/// Address of the proxy where none is configured.
pub const DEFAULT_PROXY: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1080);

/// The port of HTTPS.
const WEB: u16 = 443;

/// Everything that can be set, resolved: nothing in it needs a default or a look-up any more.
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of the gateway's state. Created when missing, readable to its owner only.
    pub data: PathBuf,
    /// The suffix of the universal spelling, without its dot.
    pub suffix: String,
    /// Whether the control contact is in everybody's list.
    pub control: bool,
    /// Log filter: a level, or levels by part as in `info,crosstalk_gateway=debug`.
    pub log: String,
    /// Proxy listeners: SOCKS5, `SOCKS4a` and HTTP CONNECT on one port.
    pub proxies: Vec<Proxy>,
    /// Listeners that a Linux `REDIRECT` rule points at.
    pub transparent: Vec<Transparent>,
    /// The networks, in order of id.
    pub networks: BTreeMap<NetworkId, NetworkConfig>,
    /// Encryption towards clients and servers.
    pub tls: Tls,
    /// The door for programs.
    pub api: Api,
    /// Bounds of what is kept for people who are not signed on.
    pub outbox: Outbox,
    /// Bounds.
    pub limits: Limits,
    /// Sources that services of people may use.
    pub services: Services,
    /// The other gateways; `None` for a lone gateway, which opens no port for any.
    pub mesh: Option<Mesh>,
}

/// A port where clients come with a proxy protocol.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// Names and passwords of those who may use it; empty for everybody who can reach it.
    #[serde(default)]
    pub users: BTreeMap<String, Redacted<String>>,
    /// Targets that may be dialled besides the hosts and ports of the configured networks. Only a
    /// rule here, or a server named for a network, opens a loopback or private address.
    #[serde(default)]
    pub allow: Vec<Allow>,
    /// Load balancers in front of it, whose connections begin with a PROXY header.
    #[serde(default, deserialize_with = "text::nets")]
    pub behind: Vec<IpNet>,
}

impl Proxy {
    /// A proxy at `listen` for everybody who can reach it, to nowhere but the networks.
    pub const fn open(listen: SocketAddr) -> Self {
        Self { listen, users: BTreeMap::new(), allow: Vec::new(), behind: Vec::new() }
    }
}

/// A port that a firewall redirects connections to.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transparent {
    /// Address to listen on.
    pub listen: SocketAddr,
}

/// Hosts whose TLS ends at the gateway, and the certificates used towards clients and servers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Hosts whose TLS ends here, by the name in the client's hello or, where there is none, the
    /// host it dialled or the upstream of its direct listener. TLS of every other host passes
    /// through unread, and is refused where the client began in clear text.
    pub terminate: Vec<HostPattern>,
    /// The operator's certificates. Hosts that none covers get one made by the private CA.
    #[serde(rename = "certificate")]
    pub certificates: Vec<Certificate>,
    /// The private CA's directory, that `crosstalk ca init` fills; `ca` under
    /// [`Config::data`] unless set.
    #[serde(rename = "ca")]
    pub authority: PathBuf,
    /// PEM files of further roots that servers' certificates may lead to.
    pub roots: Vec<PathBuf>,
}

/// A certificate of the operator's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The hosts it is shown for.
    pub hosts: Vec<HostPattern>,
    /// PEM file of the certificate and its intermediates.
    pub chain: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
}

impl Tls {
    /// Whether TLS of `host` ends here.
    pub fn terminates(&self, host: &str) -> bool {
        self.terminate.iter().any(|p| p.matches(host))
    }

    /// Whether `host` is terminated by itself, and not only as one of many.
    pub fn names(&self, host: &str) -> bool {
        let one = |p: &&HostPattern| matches!(p, HostPattern::Name(_) | HostPattern::Net(_));
        self.terminate.iter().filter(one).any(|p| p.matches(host))
    }

    /// The first of the terminated hosts, and its place among them, for which the operator's
    /// certificates do not suffice.
    pub fn uncovered(&self) -> Option<(usize, &HostPattern)> {
        let patterns = self.certificates.iter().flat_map(|c| &c.hosts);
        let covered = |host: &HostPattern| patterns.clone().any(|p| p.covers(host));
        self.terminate.iter().enumerate().find(|(_, host)| !covered(host))
    }

    /// The operator's certificate for `host`.
    pub fn certificate(&self, host: &str) -> Option<&Certificate> {
        self.certificates.iter().find(|c| c.hosts.iter().any(|p| p.matches(host)))
    }
}

/// The door for programs, besides the socket in the data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// Addresses to listen on for programs.
    pub listen: Vec<SocketAddr>,
    /// The host name under which they reach the gateway, by TLS. Without it there is no TLS, and
    /// only programs on this machine are listened to.
    pub host: Option<String>,
}

/// This gateway's place among others.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mesh {
    /// Addresses to listen on for other gateways. Where empty, those of the membership document.
    pub listen: Vec<SocketAddr>,
    /// The addresses to tell others, where they differ from `listen`.
    #[serde(deserialize_with = "text::many")]
    pub advertise: Vec<HostPort>,
    /// Members of the mesh besides this gateway, where no operator's membership document lists
    /// them. Gateways that are not listed are not talked to.
    #[serde(rename = "member")]
    pub members: Vec<Member>,
}

/// Another gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its id, as `crosstalk mesh id` prints it there.
    #[serde(deserialize_with = "text::one")]
    pub id: GatewayId,
    /// Addresses at which to reach it; none for a gateway that only calls us.
    #[serde(default, deserialize_with = "text::many")]
    pub addresses: Vec<HostPort>,
    /// The networks it may speak for.
    pub networks: Vec<NetworkId>,
}

impl Config {
    /// A lone gateway on loopback, with state under `data`.
    pub fn alone(data: PathBuf) -> Self {
        file::File::default().resolve(Path::new(""), data).unwrap_or_else(|problem| {
            unreachable!("the defaults are a configuration: {}", problem.what)
        })
    }

    /// Reads and checks the file at `path`. State goes to `data` unless the file names a place;
    /// other relative paths in it start at its directory.
    pub fn read(path: &Path, data: PathBuf) -> Result<Self, Report> {
        Self::parse(&text_of(path)?, path, data)
    }

    /// Like [`Config::read`], for what prepares a gateway to run: that its parts fit together,
    /// and that the files it names are there, is not asked yet.
    pub fn draft(path: &Path, data: PathBuf) -> Result<Self, Report> {
        Self::resolve(&text_of(path)?, path, data)
    }

    /// Like [`Config::read`], of a text that came from `path`.
    pub fn parse(source: &str, path: &Path, data: PathBuf) -> Result<Self, Report> {
        let config = Self::resolve(source, path, data)?;
        match config.check() {
            problems if problems.is_empty() => Ok(config),
            problems => Err(Report::problems(path, source, problems)),
        }
    }

    fn resolve(source: &str, path: &Path, data: PathBuf) -> Result<Self, Report> {
        let file: file::File =
            toml::from_str(source).map_err(|error| Report::syntax(path, source, &error))?;
        let base = path.parent().unwrap_or(Path::new(""));
        file.resolve(base, data).map_err(|p| Report::problems(path, source, vec![p]))
    }

    /// The names of the configured networks.
    pub fn names(&self) -> Names {
        Names::new(self.suffix.clone(), self.networks.values().map(|n| (n.id.clone(), n.protocol)))
    }

    /// The networks that the gateway speaks for: the configured ones, and the gateways' own.
    pub fn speaks_for(&self) -> Vec<NetworkId> {
        let own = OWN_NETWORKS.iter().filter_map(|id| id.parse().ok());
        self.networks.keys().cloned().chain(own).collect()
    }

    /// The network whose clients dial `dialled`: one that names the server, else one that lists
    /// the host, the most exact entry first.
    pub fn network_at(&self, dialled: &HostPort) -> Option<&NetworkConfig> {
        let named = |n: &&NetworkConfig| n.upstream(dialled).is_some();
        self.networks.values().find(named).or_else(|| {
            let fits = |n: &&NetworkConfig| n.ports.contains(&dialled.port);
            let rank =
                |n: &NetworkConfig| n.hosts.iter().filter_map(|h| h.rank(&dialled.host)).max();
            let ranked = self.networks.values().filter(fits).filter_map(|n| Some((rank(n)?, n)));
            ranked.max_by_key(|(rank, _)| *rank).map(|(_, n)| n)
        })
    }
}

impl Config {
    /// Whether `place` is where a domain that the operator named for a network keeps its files and
    /// pages: clients get there by what their own server says.
    pub fn is_own_web(&self, place: &HostPort) -> bool {
        let domains = self.networks.values().filter(|n| !n.protocol.services().is_empty());
        let mut hosts = domains.flat_map(|n| &n.hosts).filter(|h| **h != HostPattern::Any);
        place.port == WEB && hosts.any(|h| h.matches(&place.host))
    }

    /// Kinds of traffic that must not pass unread to `place`, and the networks whose settings say
    /// so: the one that it belongs to, else of each protocol the one that names the host most
    /// exactly.
    pub fn refused_at(
        &self,
        known: Option<&NetworkId>,
        place: &HostPort,
    ) -> Vec<(NetworkId, &'static Unread)> {
        let mut nearest: BTreeMap<&str, (usize, &NetworkConfig)> = BTreeMap::new();
        for network in self.networks.values() {
            let rank = match known {
                Some(id) => (network.id == *id).then_some(0),
                None => network.hosts.iter().filter_map(|h| h.rank(&place.host)).max(),
            };
            let before = nearest.get(network.protocol.name()).map(|(rank, _)| *rank);
            if let Some(rank) = rank.filter(|rank| before.is_none_or(|before| before < *rank)) {
                nearest.insert(network.protocol.name(), (rank, network));
            }
        }
        let of = |network: &NetworkConfig| {
            let id = network.id.clone();
            network.refused().map(move |unread| (id.clone(), unread)).collect::<Vec<_>>()
        };
        nearest.values().flat_map(|(_, network)| of(network)).collect()
    }
}

fn text_of(path: &Path) -> Result<String, Report> {
    std::fs::read_to_string(path).map_err(|error| Report::unreadable(path, &error))
}
