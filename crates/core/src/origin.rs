//! Origins: the part of a name of which another one costs something.

use core::net::IpAddr;

use psl::Type;

use crate::address::{Address, NetworkId};

/// The origin of names that are shared by many who may be one: those of a domain, or those of a
/// network whose names have none.
///
/// Who has a domain has any number of names in it, and any number of domains under it, for
/// nothing. So shares are given to origins, and not to names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    network: NetworkId,
    domain: Option<Box<str>>,
}

impl Origin {
    /// The origin of a name.
    pub fn of(address: &Address) -> Self {
        let domain = address.local().rsplit_once('@').map(|(_, domain)| registered(domain).into());
        Self { network: address.network().clone(), domain }
    }

    /// The network.
    pub const fn network(&self) -> &NetworkId {
        &self.network
    }

    /// The domain that somebody registered; none where the network's own servers give names out.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.domain {
            Some(domain) => write!(f, "{domain}@{}", self.network),
            None => write!(f, "{}", self.network),
        }
    }
}

/// The part of `domain` that somebody registered: a label and the suffix under which a registry gives
/// domains out, by the Public Suffix List.
pub(crate) fn registered(domain: &str) -> &str {
    let literal = domain.trim_start_matches('[').trim_end_matches(']');
    if literal.parse::<IpAddr>().is_ok() {
        return domain;
    }
    let name = domain.trim_end_matches('.');
    let labels = name.strip_suffix(suffix(name)).and_then(|before| before.strip_suffix('.'));
    // Of a suffix itself, and of a name of one label, all of it.
    let Some(labels) = labels else { return domain };
    let start = labels.rfind('.').map_or(0, |dot| dot + 1);
    domain.get(start..).unwrap_or(domain)
}

/// The suffix of `name` under which a registry gives domains out.
fn suffix(name: &str) -> &str {
    let mut rest = name;
    while let Some(found) = psl::suffix(rest.as_bytes()) {
        let start = name.len().checked_sub(found.as_bytes().len());
        let suffix = start.and_then(|start| name.get(start..)).unwrap_or(rest);
        match suffix.split_once('.') {
            // A domain of somebody who gives names below it to anybody, often for nothing: its
            // registry is the one above.
            Some((_, above)) if found.typ() == Some(Type::Private) => rest = above,
            _ => return suffix,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_and_hosts_under_a_domain_have_one_origin() {
        for (name, domain) in [
            ("bob@example.org@jabber", Some("example.org")),
            ("bob@a.b.c.example.org@jabber", Some("example.org")),
            ("bob@example.co.uk@jabber", Some("example.co.uk")),
            ("bob@a.example.co.uk@jabber", Some("example.co.uk")),
            ("bob@co.uk@jabber", Some("co.uk")),
            ("bob@x.gov.pl@jabber", Some("x.gov.pl")),
            ("bob@a.b.kawasaki.jp@jabber", Some("a.b.kawasaki.jp")),
            ("bob@a.city.kawasaki.jp@jabber", Some("city.kawasaki.jp")),
            ("bob@a.b.xn--55qx5d.cn@jabber", Some("b.xn--55qx5d.cn")),
            ("bob@a.example.org.@jabber", Some("example.org.")),
            // Names that somebody who has a domain gives to anybody.
            ("bob@a.b.duckdns.org@jabber", Some("duckdns.org")),
            ("bob@github.io@jabber", Some("github.io")),
            ("bob@a.example.uk.com@jabber", Some("uk.com")),
            ("bob@a.s3.dualstack.us-east-1.amazonaws.com@jabber", Some("amazonaws.com")),
            ("bob@a.co.io@jabber", Some("a.co.io")),
            ("bob@x.ab.de@jabber", Some("ab.de")),
            ("bob@localhost@jabber", Some("localhost")),
            ("bob@10.1.2.3@jabber", Some("10.1.2.3")),
            ("bob@[2001:db8::1]@jabber", Some("[2001:db8::1]")),
            ("carol@hotmail.com@msn", Some("hotmail.com")),
            ("alice@aol", None),
        ] {
            let origin = Origin::of(&name.parse().unwrap());
            assert_eq!(origin.domain(), domain, "{name}");
        }
        let [one, other] = ["a@example.org@jabber", "a@example.org@work"]
            .map(|name| Origin::of(&name.parse().unwrap()));
        assert_ne!(one, other, "a network is not another one's");
    }
}
