//! Resolution of the names that a person types.

use crosstalk_core::{Address, Contact, NameClass, Names, NetworkId, Quoted};

use crate::View;
use crate::speech::{Speech, speech};

/// The address that `name` stands for: any spelling of a full name, the name under which a contact
/// is shown, or the person's own alias for it. `Err` tells the person what to do instead.
pub(crate) fn resolve(name: &str, view: &View<'_>) -> Result<Address, Speech> {
    // A name that is not shown as it is may be that of somebody else as it is shown.
    if let Some(contact) = as_shown(name, view) {
        return Ok(contact.address.clone());
    }
    match view.names.classify(name) {
        NameClass::Foreign(address) => Ok(address),
        NameClass::Own => by_nickname(name, view),
        NameClass::Nowhere => Err(nowhere(name, view.names)),
    }
}

/// The spelling of `address` that the person is shown: the one it was added under, or the universal
/// one.
pub(crate) fn spell(address: &Address, view: &View<'_>) -> String {
    match view.roster.contact(address) {
        Some(contact) => contact.spelling.clone(),
        None => view.names.universal(address),
    }
}

/// The same, to be said.
pub(crate) fn name(address: &Address, view: &View<'_>) -> Quoted {
    Quoted::name(&spell(address, view))
}

/// The one of `known` that `typed` was probably meant to be.
pub(crate) fn closest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|k| (strsim::osa_distance(typed, k), k))
        .filter(|(d, k)| *d <= 2 && *d < k.chars().count())
        .min()
        .map(|(_, k)| k)
}

/// The only contact that is shown as `name` and is not called so.
fn as_shown<'a>(name: &str, view: &'a View<'_>) -> Option<&'a Contact> {
    let is_shown = |c: &&Contact| c.spelling != name && Quoted::name(&c.spelling).as_str() == name;
    let mut shown = view.roster.contacts().filter(is_shown);
    shown.next().filter(|_| shown.next().is_none())
}

fn by_nickname(name: &str, view: &View<'_>) -> Result<Address, Speech> {
    let called = |c: &&Contact| {
        let own = [c.spelling.as_str(), c.address.local(), c.alias.as_deref().unwrap_or_default()];
        own.iter().any(|n| n.to_lowercase() == name.to_lowercase())
    };
    let mut matching = view.roster.contacts().filter(called);
    match (matching.next(), matching.next()) {
        (Some(one), None) => Ok(one.address.clone()),
        (Some(one), Some(other)) => Err(speech!(
            "{} could be {} or {}. Please write the full name.",
            Quoted::name(name),
            Quoted::name(&one.spelling),
            Quoted::name(&other.spelling),
        )),
        (None, _) => Err(without_network(name, view.names)),
    }
}

fn without_network(name: &str, names: &Names) -> Speech {
    let domain = name.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    let domain = domain.map(|domain| Quoted::name(&domain));
    let meant = domain.and_then(|typed| {
        let meant = closest(typed.as_str(), names.networks().map(NetworkId::as_str))?;
        names.networks().find(|network| network.as_str() == meant)
    });
    let name = Quoted::name(name);
    if let Some(meant) = meant {
        return speech!("I do not know {}. Did you mean the network {}?", name, meant.clone());
    }
    let example = names.networks().next().map(|network| speech!("{}", network.clone()));
    speech!(
        "I do not know {}. A full name ends with the network, such as {}@{}. \
         The networks here are: {}.",
        name,
        name,
        example.unwrap_or_else(|| "network".into()),
        networks(names),
    )
}

/// The networks there are, in one line.
pub(crate) fn networks(names: &Names) -> Speech {
    let all: Vec<_> = names.networks().map(|id| speech!("{}", id.clone())).collect();
    Speech::join(&all, ", ")
}

fn nowhere(name: &str, names: &Names) -> Speech {
    let known = name
        .rsplit_once('@')
        .is_some_and(|(_, domain)| names.network_of(domain).is_some_and(|network| network.is_ok()));
    if known {
        speech!("Nobody can be called {}. Please check the spelling.", Quoted::name(name))
    } else {
        let bare = name.strip_suffix(names.suffix()).map_or(name, |n| n.trim_end_matches('.'));
        without_network(bare, names)
    }
}
