//! Networks of the gateways' own: those of people who have no server, and come by the API.
//!
//! A gateway gives such a name out itself, to whoever has a token of it, so nothing but a session
//! of the API is ever accepted under one.

use crate::address::{BadName, NetworkId};

/// The network of applications, such as `weather@apps`.
pub const APPS_NETWORK: &str = "apps";
/// The network of people who have only a browser, such as `ann@web`.
pub const WEB_NETWORK: &str = "web";
/// The networks that have no server.
pub const OWN_NETWORKS: [&str; 2] = [APPS_NETWORK, WEB_NETWORK];

/// The longest name, in bytes.
const LONGEST: usize = 32;

/// Whether a network is one of the gateways' own.
pub(crate) fn is_own(network: &NetworkId) -> bool {
    OWN_NETWORKS.contains(&network.as_str())
}

/// Brings a name on such a network into its one form: lower-case letters and digits, with single
/// dots, hyphens and underscores between them. Clients of every network take such a name.
pub(crate) fn normalise(local: &str) -> Result<String, BadName> {
    let name = local.to_ascii_lowercase();
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric());
    let legal = name.len() <= LONGEST && name.split(['.', '-', '_']).all(is_word);
    if legal { Ok(name) } else { Err(BadName::Local) }
}

#[cfg(test)]
mod tests {
    use crate::{NameClass, Names};

    #[test]
    fn names_of_our_own_have_one_form_and_no_look_alikes() {
        let names = Names::new("xt", []);
        for (typed, meant) in [
            ("Weather@apps", Some("weather@apps")),
            ("weather@Apps.xt", Some("weather@apps")),
            ("ann.b-2@web.xt", Some("ann.b-2@web")),
            ("we\u{430}ther@apps", None),
            ("weather @apps", None),
            ("a..b@apps", None),
            ("-a@apps", None),
            ("@apps", None),
            ("a%b@apps.xt", None),
            (&format!("{}@apps", "x".repeat(33)), None),
        ] {
            let meant =
                meant.map_or(NameClass::Nowhere, |m| NameClass::Foreign(m.parse().unwrap()));
            assert_eq!(names.classify(typed), meant, "{typed}");
        }
    }

    #[test]
    fn a_person_is_meant_in_any_spelling_and_the_control_contact_is_none() {
        let names = Names::new("xt", []);
        for (typed, meant) in [
            ("Weather@apps.xt", Some("weather@apps")),
            ("weather@apps", Some("weather@apps")),
            ("weather", None),
            ("ann@nowhere", None),
            ("crosstalk@gateway", None),
            ("crosstalk@gateway.xt", None),
            ("", None),
        ] {
            assert_eq!(names.person(typed), meant.map(|m| m.parse().unwrap()), "{typed}");
        }
    }
}
