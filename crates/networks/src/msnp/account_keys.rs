//! Keys by which the connections to an address book find the notification connection of their
//! person.
//!
//! What an address book is asked with is a token that only its server understands. Whose it is, is
//! known from the notification server that accepted it; only where clients show that server
//! another token than the address book, from what the address book's server says.

use crosstalk_core::{Address, Key, Recipient};
use sha2::{Digest, Sha256};

use super::wire::Command;

/// The fingerprint of a ticket that clients show; it cannot be used in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token([u8; 32]);

impl Token {
    /// The token in a ticket: `t=...`, and more behind `&` or, in a cookie, `;`.
    pub(super) fn of(ticket: &str) -> Self {
        let token = ticket.split(['&', ';']).next().unwrap_or_default().trim();
        let token = token.strip_prefix("t=").unwrap_or(token);
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// `USR n TWN S ticket`, and since MSNP15 `USR n SSO S ticket proof`.
    pub(super) fn shown_by(command: &Command) -> Option<Self> {
        let shows = matches!(command.word(2), "TWN" | "SSO") && command.word(3) == "S";
        shows.then(|| Self::of(command.word(4)))
    }

    /// Key under which the notification connection listens that showed it.
    pub(super) fn key(&self) -> Key {
        [b"token ".as_slice(), &self.0].concat().into()
    }

    /// The notification connection that showed it.
    pub(super) fn recipient(&self) -> Recipient {
        Recipient::Listener(self.key())
    }
}

/// Key under which the notification connections of a person listen.
pub(super) fn of_account(user: &Address) -> Key {
    format!("account {user}").into()
}
