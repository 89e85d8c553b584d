//! The nodes there are, and how they are written.

use crosstalk_core::{Address, Envelope, Redacted};

use super::archive::Format;
use super::language::Language;

/// The shortest secret that signs.
const MIN_SECRET: usize = 16;

/// One node of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// What follows is for texts of this person.
    From(Address),
    /// What follows is for texts with these words.
    Filter(Redacted<String>),
    /// The text in another language.
    Translate(Language),
    /// A program is told of the text, and may say another.
    Webhook {
        /// Its address.
        url: Redacted<String>,
        /// What its messages are signed by.
        secret: Redacted<String>,
    },
    /// The text is written to the person's file.
    Archive(Format),
    /// The text is said to another address of the person.
    Forward(Address),
    /// The sender is told this while the person is away.
    AwayAnswer(Redacted<String>),
}

impl Node {
    /// Reads what [`Self::stored`] wrote.
    pub(super) fn read(written: &str) -> Option<Self> {
        let (kind, words) = written.trim().split_once(' ')?;
        let words = words.trim();
        let own = || Redacted::new(words.to_owned());
        Some(match kind {
            "from" => Self::From(words.parse().ok()?),
            "filter" => Self::Filter(own()),
            "translate" => Self::Translate(Language::read(words)?),
            "webhook" => {
                let (url, secret) = words.split_once(' ')?;
                if secret.len() < MIN_SECRET || !is_web(url) {
                    return None;
                }
                Self::Webhook { url: url.to_owned().into(), secret: secret.to_owned().into() }
            }
            "archive" => Self::Archive(Format::of(words)?),
            "forward" => Self::Forward(words.parse().ok()?),
            "away-answer" => Self::AwayAnswer(own()),
            _ => return None,
        })
    }

    /// The node as it stands in the settings.
    pub(super) fn stored(&self) -> String {
        match self {
            Self::From(who) => format!("from {who}"),
            Self::Filter(words) => format!("filter {}", words.expose()),
            Self::Translate(language) => format!("translate {}", language.code()),
            Self::Webhook { url, secret } => {
                format!("webhook {} {}", url.expose(), secret.expose())
            }
            Self::Archive(format) => format!("archive {}", format.name()),
            Self::Forward(to) => format!("forward {to}"),
            Self::AwayAnswer(words) => format!("away-answer {}", words.expose()),
        }
    }

    /// The node as it stands in the settings, but for its secret.
    pub(super) fn without_secret(&self) -> String {
        match self {
            Self::Webhook { url, .. } => format!("webhook {} [secret]", url.expose()),
            other => other.stored(),
        }
    }

    /// Whether a condition holds; `None` where the node is none.
    pub(super) fn condition(&self, envelope: &Envelope, text: &str) -> Option<bool> {
        match self {
            Self::From(who) => Some(*who == envelope.from),
            Self::Filter(words) => {
                Some(text.to_lowercase().contains(&words.expose().to_lowercase()))
            }
            _ => None,
        }
    }

    /// Whether the node decides whether what follows it happens.
    pub(super) const fn is_condition(&self) -> bool {
        matches!(self, Self::From(_) | Self::Filter(_))
    }
}

/// Whether `url` is an address by HTTP without a name and a password in it, which would be sent
/// nowhere.
pub(super) fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_plain = url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    is_plain && !host.is_empty() && !host.contains('@')
}
