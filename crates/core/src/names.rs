//! Spellings of foreign names: those that people type, and those that they are shown.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::address::{Address, BadName, GATEWAY_NETWORK, NetworkId};
use crate::network::Network;
use crate::own_networks;

/// The meaning of a name that a client uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameClass {
    /// A name of the client's own network: none of our business.
    Own,
    /// A person reached through the gateway.
    Foreign(Address),
    /// Clearly meant for the gateway (it carries our suffix) but nobody can have it.
    /// The base server must not see it either.
    Nowhere,
}

/// The networks a gateway knows and how names of them are written.
///
/// The universal spelling, which every client accepts, is `local@network.xt`: the suffix
/// (here `xt`) is configurable, an `@` inside the local part is written `%`, and a `%` is
/// written `%%`. Networks with shorter or other spellings build them on these methods.
pub struct Names {
    suffix: String,
    networks: BTreeMap<NetworkId, &'static dyn Network>,
}

impl Names {
    /// Names under `.suffix` for `networks`.
    pub fn new(
        suffix: impl Into<String>,
        networks: impl IntoIterator<Item = (NetworkId, &'static dyn Network)>,
    ) -> Self {
        Self { suffix: suffix.into(), networks: networks.into_iter().collect() }
    }

    /// The suffix without its dot.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// The protocol that `id` speaks.
    pub fn network(&self, id: &NetworkId) -> Option<&'static dyn Network> {
        self.networks.get(id).copied()
    }

    /// Whether there is such a network, with servers or one of the [gateways'
    /// own](crate::OWN_NETWORKS).
    pub fn knows(&self, id: &NetworkId) -> bool {
        own_networks::is_own(id) || self.networks.contains_key(id)
    }

    /// Every configured network, in order of name.
    pub fn networks(&self) -> impl Iterator<Item = &NetworkId> {
        self.networks.keys()
    }

    /// The address of `local`, as typed, on the network called `network`.
    pub fn address(&self, local: &str, network: &NetworkId) -> Result<Address, BadName> {
        if network.as_str() == GATEWAY_NETWORK {
            let control = Address::control();
            return if local.eq_ignore_ascii_case(control.local()) {
                Ok(control)
            } else {
                Err(BadName::Local)
            };
        }
        if own_networks::is_own(network) {
            return Address::new(&own_networks::normalise(local)?, network.clone());
        }
        let protocol = self.network(network).ok_or(BadName::Network)?;
        Address::new(&protocol.normalise(local)?, network.clone())
    }

    /// The network that the part of a name after its last `@` stands for:
    /// `yahoo` or `yahoo.xt`, in any case, with or without the dot of a full domain name.
    ///
    /// `None` where it is neither; `Some(Err)` where our suffix follows an unknown network.
    pub fn network_of(&self, domain: &str) -> Option<Result<NetworkId, BadName>> {
        let domain = domain.trim_end_matches('.').to_ascii_lowercase();
        let ours = domain.strip_suffix(self.suffix.as_str()).and_then(|d| d.strip_suffix('.'));
        let name = ours.unwrap_or(&domain);
        let known = name
            .parse::<NetworkId>()
            .ok()
            .filter(|id| id.as_str() == GATEWAY_NETWORK || self.knows(id));
        match (known, ours) {
            (Some(id), _) => Some(Ok(id)),
            (None, Some(_)) => Some(Err(BadName::Network)),
            (None, None) => None,
        }
    }

    /// The meaning of `name`, in the universal or the short spelling.
    pub fn classify(&self, name: &str) -> NameClass {
        let Some((local, domain)) = name.rsplit_once('@') else { return NameClass::Own };
        match self.network_of(domain) {
            None => NameClass::Own,
            Some(Err(_)) => NameClass::Nowhere,
            Some(Ok(network)) => match self.address(&unescape(local), &network) {
                Ok(address) => NameClass::Foreign(address),
                Err(_) => NameClass::Nowhere,
            },
        }
    }

    /// The person whom somebody means who writes `text`, in any spelling or as an address; none
    /// where nobody can have that name, and none for the control contact.
    pub fn person(&self, text: &str) -> Option<Address> {
        let spelled = match self.classify(text) {
            NameClass::Foreign(address) => Some(address),
            NameClass::Own | NameClass::Nowhere => None,
        };
        let full = || {
            let plain: Address = text.parse().ok()?;
            self.address(plain.local(), plain.network()).ok()
        };
        spelled.or_else(full).filter(|person| !person.is_control())
    }

    /// The universal spelling of `address`.
    pub fn universal(&self, address: &Address) -> String {
        format!("{}@{}.{}", escape(address.local()), address.network(), self.suffix)
    }
}

/// Writes a local part so that it has no `@`.
fn escape(local: &str) -> Cow<'_, str> {
    if local.contains(['@', '%']) {
        local.replace('%', "%%").replace('@', "%").into()
    } else {
        local.into()
    }
}

/// The inverse of [`escape`]; an `@` typed as it is stays one.
fn unescape(local: &str) -> Cow<'_, str> {
    if local.contains('%') {
        local.split("%%").map(|part| part.replace('%', "@")).collect::<Vec<_>>().join("%").into()
    } else {
        local.into()
    }
}
