//! Contacts, as programs read them.

use crosstalk_core as core;
use crosstalk_core::Subscription;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Presence;

/// Consent in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    /// Never asked, refused or withdrawn.
    None,
    /// Asked, and not answered.
    Asked,
    /// Granted.
    Granted,
}

/// Somebody of another network in the list, or who wants to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Contact {
    /// The name.
    #[schema(example = "alice@aol")]
    pub name: String,
    /// The own name for the contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The groups that hold the contact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Whether the contact stands in the list. One that only asks, or is only blocked, does not.
    pub listed: bool,
    /// Whether nothing is heard of the contact and nothing shown to it.
    pub blocked: bool,
    /// Whether the contact's presence may be seen.
    pub sees: Standing,
    /// Whether the contact may see the own presence.
    pub is_seen: Standing,
    /// The words with which the contact asks to see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// The contact's presence.
    pub presence: Presence,
}

impl From<&Subscription> for Standing {
    fn from(subscription: &Subscription) -> Self {
        match subscription {
            Subscription::None => Self::None,
            Subscription::Asked(_) => Self::Asked,
            Subscription::Granted => Self::Granted,
        }
    }
}

impl Contact {
    /// A contact with the presence that it shows.
    pub(crate) fn of(contact: &core::Contact, presence: Option<&core::Presence>) -> Self {
        let words = match &contact.from {
            Subscription::Asked(words) if !words.is_empty() => Some(words.text().to_owned()),
            _ => None,
        };
        Self {
            name: contact.address.to_string(),
            alias: contact.alias.clone(),
            groups: contact.groups.clone(),
            listed: contact.listed,
            blocked: contact.blocked,
            sees: (&contact.to).into(),
            is_seen: (&contact.from).into(),
            words,
            presence: presence.map_or(Presence::from(&core::Presence::offline()), Presence::from),
        }
    }
}
