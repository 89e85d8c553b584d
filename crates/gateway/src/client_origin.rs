//! Origins of connections: those that their costs are charged to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The client behind a connection, as far as a gateway can tell one from another: all
/// connections of one origin share what one of them may cost.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientOrigin {
    /// The IPv4 address that the client has to itself, or the /64 network of its IPv6 address.
    pub(crate) address: IpAddr,
    /// The name under which it came in, at a proxy that has `users`.
    pub(crate) user: Option<Box<str>>,
}

impl ClientOrigin {
    /// The origin of a connection from `ip`, of nobody known by name.
    pub(crate) fn of(ip: IpAddr) -> Self {
        Self { address: subscriber(ip), user: None }
    }

    /// The origin that pays: the user, whatever the address, or else the address.
    pub(crate) fn payer(&self) -> Self {
        let address = if self.user.is_some() { Ipv4Addr::UNSPECIFIED.into() } else { self.address };
        Self { address, user: self.user.clone() }
    }
}

/// Address or network that one client has to itself: an IPv4 address, or the /64 of an IPv6
/// address.
pub fn subscriber(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) if !ip.is_loopback() => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_one_client_has_to_itself_are_one_origin() {
        let origin = |ip: &str| ClientOrigin::of(ip.parse().unwrap());
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:2"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
    }
}
