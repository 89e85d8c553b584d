//! Targets that a rule allows: hosts and ports.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::Deserialize;

/// Length of the prefix of IPv4 addresses mapped into IPv6 (RFC 4291, section 2.5.5.2).
const MAPPED: u8 = 96;

/// A host, or many: `chat.example.org`, `*.example.org` (and `example.org` itself), `10.0.0.0/8`,
/// `::1` or `*`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum HostPattern {
    /// Every host.
    Any,
    /// A domain and everything under it.
    Under(String),
    /// An address or a range of addresses.
    Net(IpNet),
    /// A single name.
    Name(String),
}

impl HostPattern {
    /// Whether `host`, a name or an address, is meant.
    pub fn matches(&self, host: &str) -> bool {
        self.rank(host).is_some()
    }

    /// Whether every host that `other` means is meant.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Under(domain), Self::Under(name) | Self::Name(name)) => is_under(name, domain),
            (Self::Net(net), Self::Net(inner)) => net.contains(inner),
            _ => self == other,
        }
    }

    /// Whether hosts of everybody's are meant.
    pub(super) fn is_anywhere(&self) -> bool {
        match self {
            Self::Any => true,
            Self::Net(net) => net.prefix_len() == 0,
            Self::Under(_) | Self::Name(_) => false,
        }
    }

    /// Rank of the match with `host`: the more exact the pattern, the larger; `None` if it does not
    /// match.
    pub(super) fn rank(&self, host: &str) -> Option<usize> {
        let name = host.strip_suffix('.').unwrap_or(host);
        match self {
            Self::Any => Some(0),
            Self::Under(domain) => is_under(name, domain).then_some(domain.len()),
            Self::Net(net) => {
                let inside =
                    name.parse::<IpAddr>().is_ok_and(|ip| net.contains(&ip.to_canonical()));
                inside.then(|| 1 + usize::from(net.prefix_len()))
            }
            Self::Name(own) => name.eq_ignore_ascii_case(own).then_some(usize::MAX),
        }
    }
}

/// Range, or single address, that `text` is. Addresses are compared in their canonical form, so that
/// IPv4 addresses mapped into IPv6 are the IPv4 addresses.
pub(super) fn net(text: &str) -> Option<IpNet> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip.to_canonical().into());
    }
    let net: IpNet = text.parse().ok()?;
    let mapped = || {
        let IpNet::V6(net) = net else { return None };
        let prefix = net.prefix_len().checked_sub(MAPPED)?;
        Ipv4Net::new(net.addr().to_ipv4_mapped()?, prefix).ok()
    };
    Some(mapped().map_or(net, IpNet::V4))
}

fn is_under(name: &str, domain: &str) -> bool {
    let Some(at) = name.len().checked_sub(domain.len()) else { return false };
    let (Some(front), Some(tail)) = (name.get(..at), name.get(at..)) else { return false };
    tail.eq_ignore_ascii_case(domain) && (front.is_empty() || front.ends_with('.'))
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Under(domain) => write!(f, "*.{domain}"),
            Self::Net(net) => net.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(net) = net(text) {
            return Ok(Self::Net(net));
        }
        let (wild, name) = text.strip_prefix("*.").map_or((false, text), |name| (true, name));
        let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > 253 || !name.chars().all(legal) {
            return Err(format!(
                "{text:?} is no host: write a name, *.domain, an address, a range such as 10.0.0.0/8, or *"
            ));
        }
        let name = name.to_lowercase();
        Ok(if wild { Self::Under(name) } else { Self::Name(name) })
    }
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Ports, first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports(pub u16, pub u16);

/// Targets that may be dialled: a host pattern, alone or with `:port` or `:first-last` behind it.
/// An IPv6 address with a port is written in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Allow {
    /// Hosts.
    pub host: HostPattern,
    /// Ports of the hosts.
    pub ports: Ports,
}

impl Allow {
    /// Whether the rule allows `host`, a name or an address, at `port`.
    pub fn permits(&self, host: &str, port: u16) -> bool {
        (self.ports.0..=self.ports.1).contains(&port) && self.host.matches(host)
    }
}

impl FromStr for Allow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, ports) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, ports) = rest.split_once(']').ok_or("the ] is missing")?;
                (host, ports.strip_prefix(':'))
            }
            None if text.matches(':').count() == 1 => {
                text.split_once(':').map_or((text, None), |(host, ports)| (host, Some(ports)))
            }
            None => (text, None),
        };
        let ports = ports.map_or(Some(Ports(0, u16::MAX)), |text| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            Some(Ports(first.parse().ok()?, last.parse().ok()?)).filter(|p| p.0 <= p.1)
        });
        let ports =
            ports.ok_or(format!("{text:?}: behind the colon belongs a port or first-last"))?;
        Ok(Self { host: host.parse()?, ports })
    }
}

impl TryFrom<String> for Allow {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_means_hosts_and_ports() {
        let cases = [
            ("chat.example.org", "CHAT.example.org.", 1, true),
            ("chat.example.org:5222", "chat.example.org", 5223, false),
            ("*.example.org:5222-5223", "a.b.example.org", 5223, true),
            ("*.example.org", "badexample.org", 80, false),
            ("10.0.0.0/8:5190", "10.9.8.7", 5190, true),
            ("10.0.0.0/8", "ten.example.org", 5190, false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", 1, true),
            ("[::1]:5222", "::1", 5222, true),
            ("2001:db8::/32", "2001:db8::7", 9, true),
            ("*:5222", "anything", 5222, true),
        ];
        for (rule, host, port, expected) in cases {
            let rule: Allow = rule.parse().unwrap();
            assert_eq!(rule.permits(host, port), expected, "{rule:?} {host} {port}");
        }
    }

    #[test]
    fn a_pattern_covers_narrower_ones() {
        let pattern = |text: &str| text.parse::<HostPattern>().unwrap();
        for (wide, narrow) in [
            ("*", "10.0.0.0/8"),
            ("*.example.org", "example.org"),
            ("*.example.org", "*.chat.example.org"),
            ("10.0.0.0/8", "10.1.2.3"),
        ] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
            assert!(!pattern(narrow).covers(&pattern(wide)), "{narrow} {wide}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for bad in ["", "a b", "host:", "host:9-1", "host:99999", "[::1", "*.", "http://x"] {
            assert!(bad.parse::<Allow>().is_err(), "{bad}");
        }
    }
}
