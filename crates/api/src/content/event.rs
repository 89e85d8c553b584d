//! Events, as programs read them.

use crosstalk_core as core;
use crosstalk_core::Failure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Contact, Text};

/// A typing state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Typing {
    /// Typing now.
    Active,
    /// Typed something and stopped.
    Paused,
    /// The input is empty.
    Idle,
}

/// Something that happened.
///
/// What people say and what became of it has a number, is kept until it is acknowledged, and comes
/// again where it was not. Everything else says how things stand, and is told anew to whoever
/// connects.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Event {
    /// Somebody said something.
    Message {
        /// The sender.
        from: String,
        /// The name of the message, which a correction gives as `replaces`.
        message: String,
        /// The text.
        #[serde(flatten)]
        text: Text,
        /// Time at which it was said, in milliseconds since 1970.
        sent_at: u64,
        /// Said by a client on its own, such as an away message: never to be answered by a program.
        auto: bool,
        /// The name of an earlier message that it takes the place of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<String>,
    },
    /// Somebody calls for attention.
    Nudge {
        /// The sender.
        from: String,
        /// Time at which it was done, in milliseconds since 1970.
        sent_at: u64,
    },
    /// A message was not delivered, after the call that said it had ended.
    Undelivered {
        /// The receiver.
        to: String,
        /// The name of the message.
        message: String,
        /// The kind of reason.
        reason: String,
        /// The reason in words.
        detail: String,
    },
    /// Somebody types, or no longer.
    Typing {
        /// Who.
        from: String,
        /// How.
        state: Typing,
    },
    /// Somebody's client got a message, or showed it.
    Receipt {
        /// Whose.
        from: String,
        /// The name of the message.
        message: String,
        /// Shown, and not only received.
        displayed: bool,
    },
    /// A contact is so now: consent, presence and names.
    Contact(Contact),
}

/// An event with the number that acknowledges it, if it has one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Numbered {
    /// The number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

impl Event {
    /// Whether somebody said it, or it is about what was said to that one.
    pub(crate) fn is_of(&self, who: &str) -> bool {
        match self {
            Self::Message { from, .. }
            | Self::Nudge { from, .. }
            | Self::Typing { from, .. }
            | Self::Receipt { from, .. } => from == who,
            Self::Undelivered { to, .. } => to == who,
            Self::Contact(contact) => contact.name == who,
        }
    }

    /// The kinds that are kept.
    const KEPT: [&str; 3] = ["message", "nudge", "undelivered"];

    /// The kind of an event that was kept, which stands at its beginning.
    pub(crate) fn kind_of(json: &[u8]) -> &'static str {
        let kind = json.strip_prefix(b"{\"type\":\"").unwrap_or_default();
        let is_it = |known: &&&str| {
            kind.strip_prefix(known.as_bytes()).is_some_and(|rest| rest.starts_with(b"\""))
        };
        Self::KEPT.iter().find(is_it).copied().unwrap_or("message")
    }

    /// The kind, as `type` has it.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Nudge { .. } => "nudge",
            Self::Undelivered { .. } => "undelivered",
            Self::Typing { .. } => "typing",
            Self::Receipt { .. } => "receipt",
            Self::Contact(_) => "contact",
        }
    }
}

impl From<core::Typing> for Typing {
    fn from(typing: core::Typing) -> Self {
        match typing {
            core::Typing::Active => Self::Active,
            core::Typing::Paused => Self::Paused,
            core::Typing::Idle => Self::Idle,
        }
    }
}

impl From<Typing> for core::Typing {
    fn from(typing: Typing) -> Self {
        match typing {
            Typing::Active => Self::Active,
            Typing::Paused => Self::Paused,
            Typing::Idle => Self::Idle,
        }
    }
}

/// The kind of reason why a message was not delivered, as programs read it.
pub(crate) const fn reason(why: Failure) -> &'static str {
    match why {
        // Who is blocked cannot tell.
        Failure::Offline | Failure::Blocked => "offline",
        Failure::Unreachable => "unreachable",
        Failure::NoSuchUser => "no-such-user",
        Failure::Refused => "refused",
        Failure::Busy => "busy",
        Failure::Expired => "expired",
        Failure::Unconfirmed => "unconfirmed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_what_is_kept_is_read_from_its_beginning() {
        let word = |word: &str| word.to_owned();
        let (from, message) = (word("alice@aol"), word("1"));
        let text = Text { text: word("\"type\":\"nudge\""), runs: Vec::new() };
        let replaces = Some(word("0"));
        for event in [
            Event::Nudge { from: from.clone(), sent_at: 1 },
            Event::Undelivered {
                to: from.clone(),
                message: message.clone(),
                reason: word("offline"),
                detail: word("away"),
            },
            Event::Message { from, message, text, sent_at: 1, auto: false, replaces },
        ] {
            let json = serde_json::to_vec(&event).unwrap();
            assert_eq!(Event::kind_of(&json), event.kind(), "{}", String::from_utf8_lossy(&json));
        }
        assert_eq!(Event::kind_of(b""), "message");
    }
}
