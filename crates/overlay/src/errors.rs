//! The reasons why an overlay cannot start, and why a membership document is refused.

use std::path::PathBuf;

/// Reason why the overlay cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state directory, or a file in it, cannot be used.
    #[error("cannot use {path}: {source}")]
    State {
        /// Which.
        path: PathBuf,
        /// Error of the system.
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
        /// Error of the database.
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
        /// Problem with the document.
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
        /// Reason.
        why: String,
    },
    /// The transport cannot be set up.
    #[error("cannot set up the network: {0}")]
    Network(String),
}

/// Problem with a membership document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMembership {
    /// Its form.
    #[error("this is not a membership document: {0}")]
    Form(String),
    /// It is not what the operator signed.
    #[error(
        "the signature does not fit: it was changed after the operator signed it, or cut short"
    )]
    Signature,
    /// It lists what cannot be.
    #[error("{0}")]
    Contents(&'static str),
}
