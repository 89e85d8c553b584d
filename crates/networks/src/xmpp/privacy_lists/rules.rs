//! The rules of a privacy list, as far as they matter to foreign people.

use crosstalk_core::{Address, Contact, NameClass, Subscription};

use super::MAX_NAME;
use crate::xmpp::jid::Naming;
use crate::xmpp::wire::ns;
use crate::xmpp::wire::xml::Element;

/// The most rules of all lists together that matter to foreign people.
pub(super) const MAX_RULES: usize = 256;

/// A rule on presence that goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) denies: bool,
    pub(super) whom: Whom,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    Everybody,
    /// Somebody foreign, in a list that was made where no gateway stood between.
    Person(Address),
    Domain(String),
    Group(String),
    Subscription(String),
}

impl Whom {
    /// Whether a rule about these is about a contact with this JID.
    pub(super) fn is(&self, contact: &Contact, jid: &str) -> bool {
        match self {
            Self::Everybody => true,
            Self::Person(of) => contact.address == *of,
            Self::Domain(denied) => jid.rsplit_once('@').is_some_and(|(_, of)| of == denied),
            Self::Group(group) => contact.groups.contains(group),
            Self::Subscription(of) => {
                of == if contact.to == Subscription::Granted { "both" } else { "from" }
            }
        }
    }
}

/// The rules of a list that decide on presence going out to foreign people, in their order.
pub(super) fn rules(list: &Element, naming: &Naming) -> Vec<Rule> {
    let mut rules: Vec<(u32, Rule)> = list
        .elements()
        .filter(|item| item.is("item", ns::PRIVACY))
        .filter(|item| {
            // Without any child it is about everything.
            item.elements().next().is_none() || item.get("presence-out", ns::PRIVACY).is_some()
        })
        .filter_map(|item| {
            let value = item.attr("value").unwrap_or_default();
            let whom = match item.attr("type") {
                None => Whom::Everybody,
                Some("jid") if value.contains('@') => match naming.class_of(value) {
                    NameClass::Foreign(address) => Whom::Person(address),
                    NameClass::Own | NameClass::Nowhere => return None,
                },
                Some("jid") if naming.class_of(value) == NameClass::Own => return None,
                Some("jid") => Whom::Domain(value.to_lowercase()),
                Some("group") => Whom::Group(value.chars().take(MAX_NAME).collect()),
                Some(_) => Whom::Subscription(value.chars().take(MAX_NAME).collect()),
            };
            let denies = item.attr("action") != Some("allow");
            Some((item.attr("order")?.trim().parse().ok()?, Rule { denies, whom }))
        })
        .collect();
    rules.sort_by_key(|(order, _)| *order);
    // One more than is kept, so that a list that is too long counts as unknown and not as short.
    rules.truncate(MAX_RULES + 1);
    rules.into_iter().map(|(_, rule)| rule).collect()
}
