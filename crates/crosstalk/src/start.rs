//! Putting a gateway together.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::HostPort;
use crosstalk_gateway::config::{Config, Mesh, Outbox};
use crosstalk_gateway::router::{Options, Router};
use crosstalk_gateway::sources::Sources;
use crosstalk_gateway::{Gateway, StartError};
use crosstalk_overlay::{Limits, Lists, MappingLimits, Member, Membership, Overlay};

use crate::cli_error::CliError;

/// A running gateway and its part of the network between gateways.
pub(crate) struct Started {
    /// Configuration that it was started with, any port 0 replaced by the one that was found.
    pub(crate) config: Config,
    pub(crate) gateway: Gateway,
    pub(crate) overlay: Overlay,
    pub(crate) router: Router,
}

/// Longest time at the end for messages and lists that are still on their way out.
const DRAIN: Duration = Duration::from_secs(3);

/// Starts what `config` describes.
pub(crate) fn start(mut config: Config) -> Result<Started, CliError> {
    let broken = |e: &dyn std::fmt::Display| CliError::failed("the gateway cannot start", e);
    let document = Membership::load(&config.data).map_err(|e| broken(&e))?;
    if let Some(document) = &document {
        take_part(&mut config, document).map_err(|e| broken(&e))?;
    }
    let joined = match &config.mesh {
        None => Overlay::alone_keeping(&config.data, kept(&config)),
        Some(mesh) => Overlay::join(&part(&config, mesh), &config.data),
    };
    let (overlay, inbound) = joined.map_err(|e| broken(&e))?;
    let options = Options {
        control: config.control,
        memory: config.limits.memory.connections(),
        pace: config.limits.pace(),
        sources: Sources::new(&config).map_err(|e| broken(&e))?,
    };
    let router = Router::new(overlay.clone(), inbound, Arc::new(config.names()), options);
    let gateway = Gateway::start(config.clone(), router.clone())
        .map_err(|e| broken(&format_args!("{e}{}", advice(&e))))?;
    fill_in_ports(&mut config, &gateway);
    Ok(Started { config, gateway, overlay, router })
}

/// Advice against an error, where any can be given.
fn advice(error: &StartError) -> &'static str {
    let StartError::Listen(_, error) = error else { return "" };
    match error.kind() {
        ErrorKind::AddrInUse => {
            "\n  help: another program has that port, perhaps another gateway: stop it, or choose a \
             port with --proxy or `listen`"
        }
        ErrorKind::PermissionDenied => {
            "\n  help: ports below 1024 need the capability CAP_NET_BIND_SERVICE"
        }
        ErrorKind::AddrNotAvailable => "\n  help: this machine does not have that address",
        _ => "",
    }
}

/// Fills in what the membership document says of this gateway, where the configuration does not.
fn take_part(config: &mut Config, document: &Membership) -> Result<(), crosstalk_overlay::Error> {
    let id = Overlay::identify(&config.data)?;
    let own = document.members().find(|m| m.member.id == id);
    let addresses = own.map(|own| own.member.addresses).unwrap_or_default();
    let mesh = config.mesh.get_or_insert_default();
    if mesh.listen.is_empty() {
        mesh.listen = addresses.iter().flat_map(listeners).collect();
    }
    if mesh.advertise.is_empty() {
        mesh.advertise = addresses;
    }
    Ok(())
}

/// Addresses to listen on so that `address` can be reached: that one, if it is on this machine for
/// sure, else all, to which a name or a router in between may lead.
fn listeners(address: &HostPort) -> Vec<SocketAddr> {
    let port = address.port;
    match address.host.parse::<IpAddr>() {
        Ok(ip) if ip.is_loopback() => vec![SocketAddr::new(ip, port)],
        _ => {
            let v6 = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
            let has_v6 = std::net::UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok();
            let v4 = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            [v4].into_iter().chain(has_v6.then_some(v6)).collect()
        }
    }
}

fn fill_in_ports(config: &mut Config, gateway: &Gateway) {
    let proxies = config.proxies.iter_mut().map(|p| &mut p.listen).zip(&gateway.proxies);
    proxies.for_each(|(listen, bound)| *listen = *bound);
    let direct = config.networks.values_mut().flat_map(|n| &mut n.direct).zip(&gateway.direct);
    direct.for_each(|(direct, (_, bound))| direct.listen = *bound);
}

impl Started {
    /// Lets the sessions end, as long as the configuration gives them, and writes what is unwritten.
    pub(crate) async fn shutdown(self) {
        self.gateway.shutdown().await;
        if tokio::time::timeout(DRAIN, self.router.drained()).await.is_err() {
            tracing::warn!("this gateway: some lists may not be saved");
        }
        self.overlay.shutdown().await;
    }
}

/// The part that this gateway has in the mesh.
fn part(config: &Config, mesh: &Mesh) -> crosstalk_overlay::Config {
    let member = |m: &crosstalk_gateway::config::Member| Member {
        id: m.id,
        addresses: m.addresses.clone(),
        networks: m.networks.clone(),
    };
    crosstalk_overlay::Config {
        listen: mesh.listen.clone(),
        advertise: mesh.advertise.clone(),
        networks: config.speaks_for(),
        members: mesh.members.iter().map(member).collect(),
        outbox: kept(config),
    }
}

/// Limits of what is kept for people who are not signed on.
pub(crate) fn kept(config: &Config) -> Limits {
    let Outbox { age, messages, bytes } = config.outbox;
    let limits = &config.limits;
    let lists =
        Lists { age: limits.unused_lists, of_domain: limits.lists_of_domain, ..Lists::default() };
    // Half of the overlay's memory, for the messages that wait on disk are in memory too; an eighth
    // for those that people here have not taken, and one for what the database holds of its file.
    // The rest is for lists and records.
    let (memory, most) = (limits.memory.overlay(), Limits::default());
    let (total, backlog) = (most.total.min(memory / 2), most.backlog.min(memory / 8));
    let cache = most.cache.min(memory / 8);
    // Of very small mappings there is a third as much in memory as on disk.
    let directory = limits.directory.min(memory / 2);
    let mappings = MappingLimits { bytes: directory, of_gateway: limits.directory_of_gateway };
    Limits { age, messages, bytes, total, backlog, cache, lists, mappings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_fits_into_the_overlays_memory_and_leaves_a_quarter_to_lists() {
        for mebibytes in [32, 256, 64 << 10] {
            let mut config = Config::alone("data".into());
            config.limits.memory = crosstalk_gateway::config::Memory::new(mebibytes << 20);
            let Limits { total, backlog, cache, .. } = kept(&config);
            let share = config.limits.memory.overlay();
            assert!(4 * (total + backlog + cache) <= 3 * share, "{mebibytes} MiB");
            assert!(cache >= 128 << 10, "{mebibytes} MiB: pages of the database have room");
        }
    }
}
