//! The network between gateways: directory, links, trust and storage.
//!
//! [`Overlay`] is the whole interface. Behind it stand pure state machines, which know neither
//! sockets nor clocks, and a shell that drives them:
//!
//! ```text
//!   Overlay ── hub ─┬─ node ─┬─ lease      who lives
//!     │             │        ├─ directory  who is where: what this gateway publishes,
//!     │             │        │             watches (watches) and keeps for others (home)
//!     │             │        ├─ cards      where they can be dialled
//!     │             │        ├─ eras       which membership each has
//!     │             │        ├─ outbox     messages until they are shown or reported, on disk
//!     │             │        └─ delivery   messages between two gateways, acknowledged
//!     │             │                      (repeats, shown: none is handed on twice)
//!     │             ├─ rosters ── store    buddy lists, merged by stamp, on disk
//!     │             └─ journal             what was shown, over a restart
//!     ├─ roll ── membership                who belongs, as the operator signed it
//!     └─ swarm ── link ── frame            libp2p, one stream for each pair of gateways
//! ```

mod answer;
mod cards;
mod clock;
mod delivery;
mod directory;
mod eras;
mod flood;
mod frame;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod home;
mod hub;
mod id;
mod identity;
mod journal;
mod lease;
mod link;
mod map;
mod members;
mod membership;
#[cfg(test)]
mod membership_change_tests;
mod message;
mod node;
mod outbox;
mod overlay;
#[cfg(test)]
mod planted;
mod queue;
#[cfg(test)]
mod refusal_tests;
mod refusals;
mod repeats;
mod roll;
mod rosters;
mod search;
mod seldom;
mod shown;
#[cfg(test)]
mod simulation;
mod status;
mod store;
mod swarm;
#[cfg(test)]
mod version_tests;
mod watches;

use std::path::PathBuf;

pub use answer::Answer;
pub use id::{BadGatewayId, GatewayId};
pub use members::{Member, REPLICAS, parse_address};
pub use membership::{Admitted, BadDay, BadMembership, Day, MAX_MEMBERS, Membership, Operator};
pub use message::{Fate, Inbound, Message};
pub use outbox::Limits;
pub use overlay::{Config, Overlay};
pub use refusals::Counts;
pub use status::{LinkStatus, PeerStatus, Status};
pub use store::{Full, Lists};

/// Why the overlay cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state directory, or a file in it, cannot be used.
    #[error("cannot use {path}: {source}")]
    State {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process holds the database.
    #[error("another gateway is using {path}, or is still ending: stop it, or wait for it")]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// The database cannot be used.
    #[error("cannot open the store {path}: {source}")]
    Store {
        /// Which.
        path: PathBuf,
        /// Why.
        source: redb::Error,
    },
    /// The key file does not hold a key.
    #[error("{path} does not hold the key of a gateway")]
    Key {
        /// Which.
        path: PathBuf,
    },
    /// The membership document is not good.
    #[error("{path}: {why}")]
    Membership {
        /// Which.
        path: PathBuf,
        /// Why.
        why: BadMembership,
    },
    /// There are two lists of members.
    #[error(
        "{path} says who the members of the mesh are, and so does the configuration: keep one of the two"
    )]
    TwoLists {
        /// The document.
        path: PathBuf,
    },
    /// Others can read the key.
    #[error("{path} can be read by others: chmod 600 it, and make a new key if somebody did")]
    SharedKey {
        /// Which.
        path: PathBuf,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why.
        why: String,
    },
    /// The transport cannot be set up.
    #[error("cannot set up the network: {0}")]
    Network(String),
}
