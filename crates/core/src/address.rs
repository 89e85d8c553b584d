//! Names of people: a local part on a network.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest local name, in bytes: a bare JID of RFC 7622 (two parts of 1,023 and an `@`).
pub const MAX_LOCAL: usize = 2047;

/// The network of the control contact; never the name of a real one.
pub const GATEWAY_NETWORK: &str = "gateway";

/// The name of a network as the operator configured it, such as `aol` or `jabber`.
///
/// One to 32 of `a-z`, `0-9` and `-`, beginning with a letter.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkId(Arc<str>);

impl NetworkId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The network of the control contact.
    pub fn gateway() -> Self {
        Self(GATEWAY_NETWORK.into())
    }
}

/// Reason why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Not a legal [`NetworkId`].
    #[error("a network's name is 1 to 32 of a-z, 0-9 and -, beginning with a letter")]
    Network,
    /// The local part is empty, too long or has characters the network does not allow.
    #[error("the part before the last @ is not a name that network could have")]
    Local,
    /// There is no `@`.
    #[error("a full name is written local@network")]
    Shape,
}

impl FromStr for NetworkId {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let legal = (1..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if legal { Ok(Self(text.into())) } else { Err(BadName::Network) }
    }
}

impl TryFrom<String> for NetworkId {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<NetworkId> for String {
    fn from(id: NetworkId) -> Self {
        id.0.as_ref().into()
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person on a network, written `local@network` and split at the last `@`.
///
/// The local part is in the form its network normalises to, so that equality is identity.
/// [`crate::Names`] makes addresses out of what people type.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: Arc<str>,
    network: NetworkId,
}

impl Address {
    /// An address whose `local` is already normalised by its network.
    pub fn new(local: &str, network: NetworkId) -> Result<Self, BadName> {
        let legal =
            !local.is_empty() && local.len() <= MAX_LOCAL && !local.chars().any(char::is_control);
        if legal { Ok(Self { local: local.into(), network }) } else { Err(BadName::Local) }
    }

    /// The control contact, `crosstalk@gateway`.
    pub fn control() -> Self {
        Self { local: "crosstalk".into(), network: NetworkId::gateway() }
    }

    /// A name on the gateway's own network that is nobody's.
    pub(crate) fn nobody(local: &str) -> Self {
        Self { local: local.into(), network: NetworkId::gateway() }
    }

    /// The name within the network.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The network.
    pub const fn network(&self) -> &NetworkId {
        &self.network
    }

    /// Whether this is the control contact.
    pub fn is_control(&self) -> bool {
        self.network.as_str() == GATEWAY_NETWORK
    }
}

impl FromStr for Address {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let (local, network) = text.rsplit_once('@').ok_or(BadName::Shape)?;
        Self::new(local, network.parse()?)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.network)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A host name or address literal and a TCP port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// Name or IP literal, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl HostPort {
    /// `host` at `port`.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl FromStr for HostPort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "expected host:port";
        let (host, port) = text.rsplit_once(':').ok_or(SHAPE)?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        if host.is_empty() || host.len() > 255 {
            return Err(SHAPE);
        }
        Ok(Self::new(host, port.parse().map_err(|_| SHAPE)?))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_last_at_sign() {
        let carol: Address = "carol@hotmail.com@msn".parse().unwrap();
        assert_eq!((carol.local(), carol.network().as_str()), ("carol@hotmail.com", "msn"));
        assert_eq!(carol.to_string(), "carol@hotmail.com@msn");
    }

    #[test]
    fn refuses_what_is_not_a_name() {
        for bad in ["", "bob", "@aol", "bob@", "bob@AOL", "bo\nb@aol", "bob@a.b"] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn host_port_takes_names_and_both_ip_forms() {
        for text in ["bos.aim.test:5190", "127.0.0.1:80", "[::1]:5222"] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        assert!("nohost".parse::<HostPort>().is_err());
    }
}
