//! Decisions about targets: made by name before resolution, and again for every address after it,
//! so that a name cannot turn into an address it must not be.

pub(crate) mod ranges;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crosstalk_core::{HostPort, NetworkId};

use crate::registry::Registry;

use crate::config::{Allow, Config, HostPattern, NetworkConfig};

/// The party that asks for a connection.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// A client, through a proxy with these rules.
    Proxy(&'a [Allow]),
    /// A client whose connection the firewall redirected here.
    Transparent,
    /// An engine in direct mode, for a server the operator or another server named.
    Engine,
}

/// Reason for a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The name belongs to the gateway and exists in no DNS.
    #[error("names under the gateway's own suffix are people, not hosts")]
    OwnName,
    /// Neither a network nor a rule mentions it.
    #[error("neither `hosts` and `ports` of a network nor an `allow` rule has it")]
    NotConfigured,
    /// The address is loopback, private or otherwise not for strangers.
    #[error("its address is not public, and no `servers` entry or `allow` rule names it")]
    NotPublic,
    /// The gateway would connect to itself.
    #[error("its address is the gateway's own")]
    Itself,
}

/// A connection that may be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permit {
    /// The network it belongs to, where that is known.
    pub(crate) network: Option<NetworkId>,
    /// Host and port to connect to.
    pub(crate) upstream: HostPort,
    addresses: Addresses,
}

/// Addresses that the upstream may turn out to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addresses {
    /// All: the operator named the host itself.
    Any,
    /// Public ones, and those that a rule names.
    Public,
    /// These, and those of the operator's servers: a server sent the client there, or the
    /// operator's firewall did.
    Sent,
    /// Addresses that a rule names.
    Ruled,
}

/// The operator's rules and what configured servers named.
pub(crate) struct Policy {
    config: Arc<Config>,
    registries: HashMap<NetworkId, Arc<Registry>>,
    own: OnceLock<Vec<SocketAddr>>,
}

impl Policy {
    pub(crate) fn new(config: Arc<Config>, registries: HashMap<NetworkId, Arc<Registry>>) -> Self {
        Self { config, registries, own: OnceLock::new() }
    }

    /// Says where the gateway itself listens; once.
    pub(crate) fn set_own(&self, listeners: Vec<SocketAddr>) {
        let _ = self.own.set(listeners);
    }

    /// Judges `target` by its name.
    pub(crate) fn judge(&self, asked: Asked<'_>, target: &HostPort) -> Result<Permit, Refusal> {
        if self.is_own_name(&target.host) {
            return Err(Refusal::OwnName);
        }
        let permit = |network: Option<NetworkId>, addresses| Permit {
            network,
            upstream: target.clone(),
            addresses,
        };
        let named = matches!(asked, Asked::Engine) && self.operator_named(target);
        let now = Instant::now();
        let expecting = self.registries.iter().find(|(_, registry)| registry.expects(now, target));
        let expecting = expecting.map(|(id, _)| id);
        let usual = match asked {
            Asked::Proxy(_) if expecting.is_none() => Addresses::Public,
            _ => Addresses::Sent,
        };
        if let Some(network) = self.config.network_at(target) {
            let id = Some(network.id.clone());
            return Ok(match network.upstream(target) {
                Some(upstream) => {
                    Permit { network: id, upstream: upstream.clone(), addresses: Addresses::Any }
                }
                None if named || names_address(network, target) => permit(id, Addresses::Any),
                None => permit(id, usual),
            });
        }
        if let Some(id) = expecting {
            return Ok(permit(Some(id.clone()), usual));
        }
        match asked {
            Asked::Proxy(_) if self.config.is_own_web(target) => Ok(permit(None, usual)),
            Asked::Proxy(rules) => Ok(permit(None, by_rule(rules, target)?)),
            Asked::Engine if named => Ok(permit(None, Addresses::Any)),
            Asked::Engine | Asked::Transparent => Ok(permit(None, usual)),
        }
    }

    /// Judges an address that the upstream of `permit` turned out to have.
    pub(crate) fn admit(
        &self,
        asked: Asked<'_>,
        permit: &Permit,
        address: SocketAddr,
    ) -> Result<(), Refusal> {
        if self.is_own_listener(address) {
            return Err(Refusal::Itself);
        }
        let ip = address.ip().to_canonical();
        let ruled = || match asked {
            Asked::Proxy(rules) => rules.iter().any(|r| {
                matches!(r.host, HostPattern::Net(_)) && r.permits(&ip.to_string(), address.port())
            }),
            Asked::Transparent | Asked::Engine => false,
        };
        let admitted = match permit.addresses {
            Addresses::Any => true,
            Addresses::Public => ranges::is_public(ip) || ruled(),
            Addresses::Sent => ranges::is_public(ip) || ruled() || self.is_of_server(ip),
            Addresses::Ruled => ruled(),
        };
        match permit.addresses {
            _ if admitted => Ok(()),
            Addresses::Ruled => Err(Refusal::NotConfigured),
            _ => Err(Refusal::NotPublic),
        }
    }

    /// Whether `host` is under the suffix of the universal spelling.
    fn is_own_name(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let front = host.strip_suffix(&self.config.suffix);
        front.is_some_and(|f| f.is_empty() || f.ends_with('.'))
    }

    /// The servers the operator named.
    fn servers(&self) -> impl Iterator<Item = &HostPort> {
        let networks = self.config.networks.values();
        networks.flat_map(|n| n.servers.values().chain(n.direct.iter().map(|d| &d.upstream)))
    }

    fn operator_named(&self, target: &HostPort) -> bool {
        self.servers().any(|s| s == target)
    }

    /// Whether the operator named a server at this very address: what it redirects to may live
    /// there too.
    fn is_of_server(&self, ip: IpAddr) -> bool {
        self.servers().any(|s| s.host.parse::<IpAddr>().is_ok_and(|own| own.to_canonical() == ip))
    }

    fn is_own_listener(&self, address: SocketAddr) -> bool {
        let own = self.own.get().into_iter().flatten();
        let mut same_port = own.filter(|own| own.port() == address.port());
        let ip = address.ip().to_canonical();
        same_port.any(|own| {
            let own = own.ip().to_canonical();
            own == ip || (own.is_unspecified() && is_local(ip))
        })
    }
}

/// Addresses that a host outside every network may have, by the rules of a proxy.
fn by_rule(rules: &[Allow], target: &HostPort) -> Result<Addresses, Refusal> {
    let rule = rules.iter().find(|r| r.permits(&target.host, target.port));
    match rule.map(|r| &r.host) {
        Some(HostPattern::Name(_) | HostPattern::Net(_)) => Ok(Addresses::Any),
        Some(HostPattern::Any | HostPattern::Under(_)) => Ok(Addresses::Public),
        None if rules.iter().any(|r| matches!(r.host, HostPattern::Net(_))) => Ok(Addresses::Ruled),
        None => Err(Refusal::NotConfigured),
    }
}

/// Whether the network's hosts name the address itself, not just a name that leads to it.
fn names_address(network: &NetworkConfig, target: &HostPort) -> bool {
    let nets = network.hosts.iter().filter(|h| matches!(h, HostPattern::Net(_)));
    nets.into_iter().any(|h| h.matches(&target.host))
}

/// Whether an address is one of this machine's: then, and only then, a socket can be bound to it.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests;
