//! One network's settings.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use crosstalk_core::{HostPort, Network, NetworkId, Unread};
use ipnet::IpNet;
use serde::Deserialize;

use super::allow::HostPattern;
use super::text;

/// A network, with its protocol's usual names where the operator set none.
#[derive(Clone)]
pub struct NetworkConfig {
    /// Its id, as in `alice@aol`.
    pub id: NetworkId,
    /// Its protocol.
    pub protocol: &'static dyn Network,
    /// The hosts its clients dial. A proxy client may dial these at [`NetworkConfig::ports`].
    pub hosts: Vec<HostPattern>,
    /// The ports its clients dial.
    pub ports: Vec<u16>,
    /// Servers that are connected in place of those that a client dialled, by lower-case `host` or
    /// `host:port`.
    pub servers: BTreeMap<String, HostPort>,
    /// Listeners that clients take for the server.
    pub direct: Vec<Direct>,
    /// The protocol's switches that are on.
    pub options: Vec<&'static str>,
    /// The [unread](Network::unread) protocols that pass, by name.
    pub pass: Vec<&'static str>,
}

impl NetworkConfig {
    /// The server the operator named for what a client dialled.
    pub fn upstream(&self, dialled: &HostPort) -> Option<&HostPort> {
        let host = dialled.host.to_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        self.servers.get(&format!("{host}:{}", dialled.port)).or_else(|| self.servers.get(host))
    }

    /// Kinds of traffic that must not pass unread to the network's servers.
    pub fn refused(&self) -> impl Iterator<Item = &'static Unread> {
        self.protocol.unread().iter().filter(|unread| !self.pass.contains(&unread.name))
    }

    /// Whether the operator said that what a client dialled is this network's: by a name, and
    /// not by letting its servers be anywhere.
    pub fn is_named(&self, dialled: &HostPort) -> bool {
        let named = |h: &HostPattern| *h != HostPattern::Any && h.matches(&dialled.host);
        self.upstream(dialled).is_some()
            || !self.hosts.contains(&HostPattern::Any)
            || self.hosts.iter().any(named)
    }
}

impl fmt::Debug for NetworkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkConfig")
            .field("id", &self.id)
            .field("protocol", &self.protocol.name())
            .field("hosts", &self.hosts)
            .field("ports", &self.ports)
            .field("servers", &self.servers)
            .field("direct", &self.direct)
            .field("options", &self.options)
            .field("pass", &self.pass)
            .finish()
    }
}

/// A port that plays the network's server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Direct {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The server behind it.
    #[serde(deserialize_with = "text::one")]
    pub upstream: HostPort,
    /// Address at which clients reach this listener, where that is not `listen`.
    #[serde(default, deserialize_with = "text::some")]
    pub advertise: Option<HostPort>,
    /// Load balancers in front of it, whose connections begin with a PROXY header.
    #[serde(default, deserialize_with = "text::nets")]
    pub behind: Vec<IpNet>,
}

impl Direct {
    /// Address at which clients reach this listener.
    pub fn advertised(&self) -> HostPort {
        let listen = || HostPort::new(self.listen.ip().to_string(), self.listen.port());
        self.advertise.clone().unwrap_or_else(listen)
    }
}
