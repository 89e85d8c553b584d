//! The vocabulary every part of CrossTalk speaks. No I/O and no clock.
//!
//! A [`Network`] recognises its protocol and makes an [`Engine`] for each connection. The engine
//! turns frames into [`Envelope`]s and back; the gateway carries them. [`Names`] says which names
//! are foreign, a [`Roster`] holds a person's foreign contacts, a [`Fault`] says who erred.

mod address;
mod audience;
mod bucket;
mod clean;
mod compute;
mod contact;
mod details;
mod engine;
mod envelope;
mod exchange;
mod failure;
mod fault;
mod handoffs;
mod ledger;
mod names;
mod network;
mod origin;
mod own_networks;
mod presence;
mod provenance;
mod question;
mod quoted;
mod redacted;
mod registry;
mod rich;
mod roster;
mod spans;
mod time;

pub use address::{Address, BadName, GATEWAY_NETWORK, HostPort, MAX_LOCAL, NetworkId};
pub use audience::Audience;
pub use bucket::{Bucket, Rate};
pub use clean::label;
pub use compute::{Computation, Computed};
pub use contact::{Contact, MAX_GROUPS, MAX_LABEL, Subscription};
pub use details::{Detail, Details, MAX_DETAIL};
pub use engine::{Engine, Event, Input, MAX_PENDING, MAX_UNKNOWN, Outgoing, Output, TlsFacts};
pub use envelope::{Body, Consent, Envelope, EnvelopeId, EnvelopeIds, Typing};
pub use exchange::{
    Claim, ClaimResult, ClaimVerdict, ConnectionId, Exchange, Key, MAX_UNHEARD, Message, Recipient,
    TellResult,
};
pub use failure::Failure;
pub use fault::{Blame, Fault};
pub use handoffs::{Handoff, Owner};
pub use ledger::{Budgets, Ended, EntryId, Ledger, Payer, PayerKind, Relief, Short};
pub use names::{NameClass, Names};
pub use network::{Context, Defaults, Network, Sniff, Unread, Via};
pub use origin::Origin;
pub use own_networks::{APPS_NETWORK, OWN_NETWORKS, WEB_NETWORK};
pub use presence::{Availability, Presence};
pub use provenance::{Claimed, Confirmed};
pub use question::Question;
pub use quoted::Quoted;
pub use redacted::Redacted;
pub use registry::{Outcome, Registry};
pub use rich::{MAX_TEXT, RichText};
pub use roster::{MAX_CONTACTS, MAX_LIST, MAX_SETTINGS, Roster, RosterEdit, Stamp, Stamps};
pub use spans::{MAX_LINK, MAX_SPANS, Span, Style, Styles};
pub use time::{Now, UnixMillis};

/// One of the two ends an engine stands between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The user's client.
    Client,
    /// The base network's server.
    Server,
}

impl Side {
    /// The end across.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// The blame for a fault in what this side sent.
    pub const fn blame(self) -> Blame {
        match self {
            Self::Client => Blame::Client,
            Self::Server => Blame::Server,
        }
    }
}
