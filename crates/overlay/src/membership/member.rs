//! A member as its operators agreed on it: its name, its addresses, its networks.

use std::str::FromStr as _;

use crosstalk_core::{HostPort, NetworkId};

use crate::membership::GatewayId;

/// A gateway of the overlay, as its operators agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub id: GatewayId,
    /// Addresses at which it listens; none where only it can reach us.
    pub addresses: Vec<HostPort>,
    /// The networks whose users it may speak for.
    pub networks: Vec<NetworkId>,
}

/// Reads `host:port` or a multiaddr (`/ip4/192.0.2.1/tcp/4001`, with or without a `/p2p/` end).
pub fn parse_address(text: &str) -> Result<HostPort, &'static str> {
    const SHAPE: &str = "expected host:port or /ip4|ip6|dns/HOST/tcp/PORT";
    let Some(multiaddr) = text.strip_prefix('/') else {
        return HostPort::from_str(text).map_err(|_| SHAPE);
    };
    let parts: Vec<_> = multiaddr.split('/').collect();
    match parts[..] {
        ["ip4" | "ip6" | "dns" | "dns4" | "dns6", host, "tcp", port]
        | ["ip4" | "ip6" | "dns" | "dns4" | "dns6", host, "tcp", port, "p2p", _] => {
            let port = port.parse().map_err(|_| SHAPE)?;
            Ok(HostPort::new(host, port))
        }
        _ => Err(SHAPE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_in_two_spellings() {
        for text in ["[::1]:4001", "/ip6/::1/tcp/4001", "/ip6/::1/tcp/4001/p2p/12D3KooW"] {
            assert_eq!(parse_address(text), Ok(HostPort::new("::1", 4001)), "{text}");
        }
        for bad in ["", "/", "/ip4/1.2.3.4/udp/1", "host"] {
            assert!(parse_address(bad).is_err(), "{bad}");
        }
    }
}
