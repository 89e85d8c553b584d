//! Scopes: what a token may be used for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of what the API does, which a token is given or not.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Say something to people: messages and typing.
    Send,
    /// Hear what people say: events.
    Read,
    /// Set the presence that others see.
    Presence,
    /// See and change the contacts, and ask and give consent.
    Contacts,
    /// Offer files.
    Files,
    /// Invite people to calls.
    Calls,
    /// See everything that is stored about oneself, and forget it.
    Records,
    /// Read and watch what applications keep in the directory.
    #[serde(rename = "directory:read")]
    DirectoryRead,
    /// Keep something in the directory.
    #[serde(rename = "directory:write")]
    DirectoryWrite,
    /// Ask how the gateway is, make tokens and forget people.
    Operator,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 10] = [
        Self::Send,
        Self::Read,
        Self::Presence,
        Self::Contacts,
        Self::Files,
        Self::Calls,
        Self::Records,
        Self::DirectoryRead,
        Self::DirectoryWrite,
        Self::Operator,
    ];

    /// The scopes of an application: all but the operator's.
    pub fn of_applications() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|scope| *scope != Self::Operator)
    }

    /// The name, as tokens and the description have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
            Self::Presence => "presence",
            Self::Contacts => "contacts",
            Self::Files => "files",
            Self::Calls => "calls",
            Self::Records => "records",
            Self::DirectoryRead => "directory:read",
            Self::DirectoryWrite => "directory:write",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("there is no scope {text}: the scopes are {all}")
        })
    }
}
