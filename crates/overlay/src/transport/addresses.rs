//! Addresses in the forms of libp2p, and errors in words.

use std::net::SocketAddr;

use crosstalk_core::HostPort;
use libp2p_core::multiaddr::{Multiaddr, Protocol};

/// The addresses that names stand for now.
pub(super) async fn look_up(at: &[HostPort]) -> Vec<Multiaddr> {
    let mut found = Vec::new();
    for HostPort { host, port } in at {
        match tokio::net::lookup_host((host.as_str(), *port)).await {
            Ok(addresses) => found.extend(addresses.map(|address| multiaddr(&address))),
            Err(error) => tracing::debug!(host, "cannot look the gateway up: {error}"),
        }
    }
    found.sort();
    found.dedup();
    found
}

pub(super) fn multiaddr(address: &SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

pub(super) fn socket_addr(address: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}

/// Message of the innermost error: the layers of the transport around it say nothing themselves.
pub(super) fn root(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root)
}

/// An error with the errors that led to it.
pub(super) fn error_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
