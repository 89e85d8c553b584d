//! How the connections to an address book find the notification connection of their person.
//!
//! What an address book is asked with is a token that only its server understands. Whose it is, is
//! known from the notification server where clients show it there too, and else from the answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crosstalk_core::Address;
use sha2::{Digest, Sha256};

use super::desk::{Desk, Io, WeakDesk};
use super::wire::Command;

/// The most tokens, and the most desks, that are kept before those of people who left are dropped.
const MAX_KEPT: usize = 16_384;
/// The most desks of one person, who can be signed in from several places since MSNP16.
const MAX_DESKS: usize = 16;

/// The fingerprint of a ticket that clients show; it cannot be used in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
}

/// Who is signed in, and who showed which token. One for each network.
#[derive(Clone, Default)]
pub(super) struct Doors(Arc<Mutex<Plates>>);

#[derive(Default)]
struct Plates {
    /// The newest last.
    desks: HashMap<Address, Vec<WeakDesk>>,
    tokens: HashMap<Token, Address>,
}

impl Doors {
    pub(super) fn of(io: &Io<'_>) -> Self {
        io.context.lobby.common()
    }

    /// The person at `desk` signed in.
    pub(super) fn open(&self, user: &Address, desk: &Desk) {
        let mut plates = self.lock();
        plates.make_room();
        let desks = plates.desks.entry(user.clone()).or_default();
        desks.retain(WeakDesk::is_there);
        if desks.len() < MAX_DESKS {
            desks.push(desk.downgrade());
        }
    }

    /// A server said whose the token is.
    pub(super) fn belongs(&self, token: Token, user: &Address) {
        let mut plates = self.lock();
        plates.make_room();
        plates.tokens.insert(token, user.clone());
    }

    /// Whose the token is, if that is known.
    pub(super) fn owner(&self, token: &Token) -> Option<Address> {
        self.lock().tokens.get(token).cloned()
    }

    /// The newest desk of `user` that somebody sits at.
    pub(super) fn desk(&self, user: &Address) -> Option<Desk> {
        self.lock().desks.get(user)?.iter().rev().find_map(WeakDesk::upgrade)
    }

    fn lock(&self) -> MutexGuard<'_, Plates> {
        // A panic elsewhere cannot leave the maps half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plates {
    fn make_room(&mut self) {
        if self.desks.len() < MAX_KEPT && self.tokens.len() < MAX_KEPT {
            return;
        }
        self.desks.retain(|_, desks| desks.iter().any(WeakDesk::is_there));
        self.tokens.retain(|_, user| self.desks.contains_key(user));
        if self.desks.len() + self.tokens.len() >= 2 * MAX_KEPT {
            *self = Self::default();
        }
    }
}
