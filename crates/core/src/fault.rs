//! Errors that say whose fault it was.

use std::borrow::Cow;
use std::fmt;

/// The side that broke the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The user's client.
    Client,
    /// The base network's server.
    Server,
    /// Another gateway.
    Peer,
    /// This gateway: a limit of ours, its configuration, or a bug.
    Gateway,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "the client",
            Self::Server => "the server",
            Self::Peer => "a peer gateway",
            Self::Gateway => "this gateway",
        })
    }
}

/// A reason why a connection cannot go on being interpreted.
///
/// The text names the rule that was broken and never quotes message text or credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{blame}: {what}")]
pub struct Fault {
    /// The side to blame.
    pub blame: Blame,
    /// An account of what happened, for an operator.
    pub what: Cow<'static, str>,
}

impl Fault {
    /// A fault of `blame`.
    pub fn new(blame: Blame, what: impl Into<Cow<'static, str>>) -> Self {
        Self { blame, what: what.into() }
    }

    /// A fault of the client.
    pub fn client(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Blame::Client, what)
    }

    /// A fault of the base server.
    pub fn server(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Blame::Server, what)
    }

    /// A fault of this gateway.
    pub fn gateway(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Blame::Gateway, what)
    }
}
