//! Where the connections of one person's client meet: under the cookie that the server gave it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crosstalk_core::{Address, Bell, Ticket};
use sha1::{Digest, Sha1};

use super::link::Io;

/// How long a cookie is good for here.
const LIFETIME: Duration = Duration::from_hours(24);
/// The most words that lie on one desk.
const MAX_WORDS: usize = 1_000;

/// What other connections have to say to the session.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    /// What the person calls contacts.
    names: Arc<Mutex<Vec<(Address, String)>>>,
    /// The session's.
    bell: Bell,
}

impl Desk {
    /// A desk of the session that has this bell.
    pub(super) fn new(bell: Bell) -> Self {
        Self { names: Arc::default(), bell }
    }

    /// Puts the desk where connections with the cookie `T` find it.
    pub(super) fn leave(&self, cookie: &[u8], io: &Io<'_>) {
        let ticket = Ticket::new(self.clone(), io.later(LIFETIME));
        io.context.lobby.leave(io.now.instant, key(cookie), ticket);
    }

    /// The desk under a cookie.
    pub(super) fn find(cookie: &[u8], io: &Io<'_>) -> Option<Self> {
        let ticket = io.context.lobby.take(io.now.instant, &key(cookie))?;
        let desk = *ticket.note.downcast::<Self>().ok()?;
        desk.leave(cookie, io);
        Some(desk)
    }

    /// Says what the person calls a contact.
    pub(super) fn call(&self, contact: Address, name: String) {
        let mut names = self.open();
        if names.len() < MAX_WORDS {
            names.push((contact, name));
        }
        self.bell.ring();
    }

    /// Takes what was said.
    pub(super) fn clear(&self) -> Vec<(Address, String)> {
        std::mem::take(&mut *self.open())
    }

    fn open(&self) -> MutexGuard<'_, Vec<(Address, String)>> {
        // A panic elsewhere cannot leave the list half-changed.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing that the cookie could be read from.
fn key(cookie: &[u8]) -> Vec<u8> {
    [b"desk ".as_slice(), &Sha1::digest(cookie)].concat()
}
