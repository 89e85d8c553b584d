//! Origins: the part of a name of which another one costs something.

use core::net::IpAddr;

use crate::address::{Address, NetworkId};

/// Labels under which registries of countries give domains to everybody.
const REGISTRIES: &[&str] = &[
    "ac", "co", "com", "edu", "gen", "gob", "gouv", "gov", "govt", "id", "info", "ltd", "me",
    "mil", "ne", "net", "nom", "or", "org", "plc", "sch",
];

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

/// The part of `domain` that was registered, as far as its labels tell: the last two, and three
/// where a country's registry has its own second level, such as in `example.co.uk`.
fn registered(domain: &str) -> &str {
    let literal = domain.trim_start_matches('[').trim_end_matches(']');
    if literal.parse::<IpAddr>().is_ok() {
        return domain;
    }
    let dots: Vec<_> = domain.trim_end_matches('.').rmatch_indices('.').map(|(at, _)| at).collect();
    let country = |last: usize| domain.trim_end_matches('.').len() - last == 3;
    let second = |last: usize, before: usize| domain.get(before + 1..last).unwrap_or_default();
    let start = match dots[..] {
        [last, before, ..] if country(last) && REGISTRIES.contains(&second(last, before)) => {
            dots.get(2)
        }
        _ => dots.get(1),
    };
    start.and_then(|dot| domain.get(dot + 1..)).unwrap_or(domain)
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
