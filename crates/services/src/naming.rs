//! Whom a person means by a name.

use crosstalk_core::{Address, Contact, Kin, Names, NetworkId};

use crate::View;

/// The longest piece of somebody's text that is repeated to them, in characters.
const QUOTED: usize = 60;

/// Whom `name` means: any spelling of a full name, or what the person calls a contact.
/// `Err` says what to do instead.
pub(crate) fn resolve(name: &str, view: &View<'_>) -> Result<Address, String> {
    match view.names.classify(name) {
        Kin::Foreign(address) => Ok(address),
        Kin::Own => by_nickname(name, view),
        Kin::Nowhere => Err(nowhere(name, view.names)),
    }
}

/// How the person is shown `address`: as it was added, or in the universal spelling.
pub(crate) fn spell(address: &Address, view: &View<'_>) -> String {
    match view.roster.contact(address) {
        Some(contact) => contact.spelling.clone(),
        None => view.names.universal(address),
    }
}

/// `text`, cut so that it is no use to make us repeat it.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The one of `known` that `typed` was probably meant to be.
pub(crate) fn closest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|k| (strsim::osa_distance(typed, k), k))
        .filter(|(d, k)| *d <= 2 && *d < k.chars().count())
        .min()
        .map(|(_, k)| k)
}

fn by_nickname(name: &str, view: &View<'_>) -> Result<Address, String> {
    let called = |c: &&Contact| {
        let own = [c.spelling.as_str(), c.address.local(), c.alias.as_deref().unwrap_or_default()];
        own.iter().any(|n| n.to_lowercase() == name.to_lowercase())
    };
    let mut matching = view.roster.contacts().filter(called);
    match (matching.next(), matching.next()) {
        (Some(one), None) => Ok(one.address.clone()),
        (Some(one), Some(other)) => Err(format!(
            "{} could be {} or {}. Please write the full name.",
            quote(name),
            one.spelling,
            other.spelling
        )),
        (None, _) => Err(without_network(name, view.names)),
    }
}

fn without_network(name: &str, names: &Names) -> String {
    let networks: Vec<_> = names.networks().map(NetworkId::as_str).collect();
    let domain = name.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    let meant = domain.and_then(|d| closest(&quote(&d), networks.iter().copied()));
    let name = quote(name);
    match meant {
        Some(meant) => format!("I do not know {name}. Did you mean the network {meant}?"),
        None => format!(
            "I do not know {name}. A full name ends with the network, such as {name}@{}. \
             The networks here are: {}.",
            networks.first().copied().unwrap_or("network"),
            networks.join(", ")
        ),
    }
}

fn nowhere(name: &str, names: &Names) -> String {
    let known = name
        .rsplit_once('@')
        .is_some_and(|(_, domain)| names.network_of(domain).is_some_and(|network| network.is_ok()));
    if known {
        format!("Nobody can be called {}. Please check the spelling.", quote(name))
    } else {
        let bare = name.strip_suffix(names.suffix()).map_or(name, |n| n.trim_end_matches('.'));
        without_network(bare, names)
    }
}
