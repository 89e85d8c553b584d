//! Presence, as programs read and write it.

use crosstalk_core as core;
use crosstalk_core::{Availability, UnixMillis};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A degree of availability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Show {
    /// Signed on and glad to talk.
    Chatty,
    /// There.
    #[default]
    Available,
    /// Asking not to be disturbed.
    Busy,
    /// Away.
    Away,
    /// Away for long.
    ExtendedAway,
    /// Not signed on, or invisible: nobody can tell.
    Offline,
}

/// The presence of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Presence {
    /// Availability.
    pub show: Show,
    /// The status or away text.
    #[serde(default)]
    #[schema(max_length = 4096)]
    pub text: String,
    /// Since when the person has not touched the client, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_since: Option<u64>,
}

impl From<Availability> for Show {
    fn from(show: Availability) -> Self {
        match show {
            Availability::Chatty => Self::Chatty,
            Availability::Available => Self::Available,
            Availability::Busy => Self::Busy,
            Availability::Away => Self::Away,
            Availability::ExtendedAway => Self::ExtendedAway,
            Availability::Offline => Self::Offline,
        }
    }
}

impl From<Show> for Availability {
    fn from(show: Show) -> Self {
        match show {
            Show::Chatty => Self::Chatty,
            Show::Available => Self::Available,
            Show::Busy => Self::Busy,
            Show::Away => Self::Away,
            Show::ExtendedAway => Self::ExtendedAway,
            Show::Offline => Self::Offline,
        }
    }
}

impl From<&core::Presence> for Presence {
    fn from(presence: &core::Presence) -> Self {
        Self {
            show: presence.show.into(),
            text: presence.text.text().to_owned(),
            idle_since: presence.idle_since.map(|since| since.0),
        }
    }
}

impl From<&Presence> for core::Presence {
    fn from(presence: &Presence) -> Self {
        Self {
            show: presence.show.into(),
            text: presence.text.as_str().into(),
            idle_since: presence.idle_since.map(UnixMillis),
            online_since: None,
        }
    }
}
