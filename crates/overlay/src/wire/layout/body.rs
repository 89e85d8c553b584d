//! The layouts of what an envelope carries, and of presence.

use crosstalk_core::{self as core, EnvelopeId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::Unreadable;
use super::text::Text;

/// Content of an envelope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Body<'a> {
    Text {
        #[serde(borrow)]
        text: Text<'a>,
        auto: bool,
    },
    Typing(Typing),
    /// Never said in an envelope; it keeps the numbers of the others.
    Presence(#[serde(borrow)] Presence<'a>),
    Receipt {
        of: u128,
        displayed: bool,
    },
    Attention,
    Contact(#[serde(borrow)] Consent<'a>),
    Undelivered {
        of: u128,
        why: Failure,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Consent<'a> {
    Request(#[serde(borrow)] Text<'a>),
    Grant,
    Revoke,
    Cancel,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Presence<'a> {
    show: Availability,
    #[serde(borrow)]
    text: Text<'a>,
    idle_since: Option<u64>,
    online_since: Option<u64>,
}

/// A variant without contents, by its number: what a later version adds can be skipped.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Typing(u32);

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Availability(u32);

/// See [`Typing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure(u32);

impl<'a> From<&'a core::Body> for Body<'a> {
    fn from(body: &'a core::Body) -> Self {
        match body {
            core::Body::Text { text, auto } => Self::Text { text: text.into(), auto: *auto },
            core::Body::Typing(typing) => Self::Typing((*typing).into()),
            core::Body::Receipt { of, displayed } => {
                Self::Receipt { of: of.0, displayed: *displayed }
            }
            core::Body::Attention => Self::Attention,
            core::Body::Contact(step) => Self::Contact(step.into()),
            core::Body::Undelivered { of, why } => {
                Self::Undelivered { of: of.0, why: (*why).into() }
            }
        }
    }
}

impl TryFrom<Body<'_>> for core::Body {
    type Error = Unreadable;

    fn try_from(body: Body<'_>) -> Result<Self, Unreadable> {
        Ok(match body {
            Body::Text { text, auto } => Self::Text { text: text.try_into()?, auto },
            Body::Typing(typing) => Self::Typing(typing.into()),
            // Not taken, as what a later version says is not.
            Body::Presence(_) => return Err(Unreadable::Unknown),
            Body::Receipt { of, displayed } => Self::Receipt { of: EnvelopeId(of), displayed },
            Body::Attention => Self::Attention,
            Body::Contact(step) => Self::Contact(step.try_into()?),
            Body::Undelivered { of, why } => {
                Self::Undelivered { of: EnvelopeId(of), why: why.into() }
            }
        })
    }
}

impl<'a> From<&'a core::Consent> for Consent<'a> {
    fn from(step: &'a core::Consent) -> Self {
        match step {
            core::Consent::Request(words) => Self::Request(words.into()),
            core::Consent::Grant => Self::Grant,
            core::Consent::Revoke => Self::Revoke,
            core::Consent::Cancel => Self::Cancel,
        }
    }
}

impl TryFrom<Consent<'_>> for core::Consent {
    type Error = Unreadable;

    fn try_from(step: Consent<'_>) -> Result<Self, Unreadable> {
        Ok(match step {
            Consent::Request(words) => Self::Request(words.try_into()?),
            Consent::Grant => Self::Grant,
            Consent::Revoke => Self::Revoke,
            Consent::Cancel => Self::Cancel,
        })
    }
}

impl<'a> From<&'a core::Presence> for Presence<'a> {
    fn from(presence: &'a core::Presence) -> Self {
        Self {
            show: presence.show.into(),
            text: (&presence.text).into(),
            idle_since: presence.idle_since.map(|at| at.0),
            online_since: presence.online_since.map(|at| at.0),
        }
    }
}

impl TryFrom<Presence<'_>> for core::Presence {
    type Error = Unreadable;

    fn try_from(presence: Presence<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            show: presence.show.into(),
            text: presence.text.try_into()?,
            idle_since: presence.idle_since.map(UnixMillis),
            online_since: presence.online_since.map(UnixMillis),
        })
    }
}

impl From<core::Typing> for Typing {
    fn from(typing: core::Typing) -> Self {
        Self(match typing {
            core::Typing::Active => 0,
            core::Typing::Paused => 1,
            core::Typing::Idle => 2,
        })
    }
}

impl From<Typing> for core::Typing {
    fn from(Typing(number): Typing) -> Self {
        match number {
            0 => Self::Active,
            1 => Self::Paused,
            // 2, and whatever else somebody may do who does not type.
            _ => Self::Idle,
        }
    }
}

impl From<core::Availability> for Availability {
    fn from(show: core::Availability) -> Self {
        Self(match show {
            core::Availability::Offline => 0,
            core::Availability::ExtendedAway => 1,
            core::Availability::Away => 2,
            core::Availability::Busy => 3,
            core::Availability::Available => 4,
            core::Availability::Chatty => 5,
        })
    }
}

impl From<Availability> for core::Availability {
    fn from(Availability(number): Availability) -> Self {
        match number {
            0 => Self::Offline,
            1 => Self::ExtendedAway,
            2 => Self::Away,
            3 => Self::Busy,
            5 => Self::Chatty,
            // 4, and kinds of being there that are not known here.
            _ => Self::Available,
        }
    }
}

impl From<core::Failure> for Failure {
    fn from(why: core::Failure) -> Self {
        Self(match why {
            core::Failure::Offline => 0,
            core::Failure::Unreachable => 1,
            core::Failure::NoSuchUser => 2,
            core::Failure::Refused => 3,
            core::Failure::Busy => 4,
            core::Failure::Expired => 5,
            core::Failure::Blocked => 6,
            core::Failure::Unconfirmed => 7,
        })
    }
}

impl From<Failure> for core::Failure {
    fn from(Failure(number): Failure) -> Self {
        match number {
            0 => Self::Offline,
            1 => Self::Unreachable,
            2 => Self::NoSuchUser,
            4 => Self::Busy,
            5 => Self::Expired,
            6 => Self::Blocked,
            7 => Self::Unconfirmed,
            // 3, and reasons that are not known here: whatever they are, it was not taken.
            _ => Self::Refused,
        }
    }
}
