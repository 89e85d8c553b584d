//! Where the connections of one person's client meet: under the cookie that the server gave it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crosstalk_core::{Address, Bell, Ticket};
use sha1::{Digest, Sha1};

use super::context::Cx;
use crate::common::held;

/// How long a cookie is good for here.
const LIFETIME: Duration = Duration::from_hours(24);
/// The most words that lie on one desk, and the most bytes of them.
const MAX_WORDS: usize = 1_000;
const MAX_BYTES: usize = 64 << 10;

/// What the person calls contacts, and how many bytes that takes.
#[derive(Debug, Default)]
struct Words {
    names: Vec<(Address, String)>,
    bytes: usize,
}

/// What other connections have to say to the session.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    /// What the person calls contacts.
    names: Arc<Mutex<Words>>,
    /// The session's.
    bell: Bell,
}

impl Desk {
    /// A desk of the session that has this bell.
    pub(super) fn new(bell: Bell) -> Self {
        Self { names: Arc::default(), bell }
    }

    /// Puts the desk where connections with the cookie `T` find it.
    pub(super) fn leave(&self, cookie: &[u8], cx: &Cx<'_>) {
        let ticket = Ticket::new(self.clone(), cx.later(LIFETIME));
        cx.context.lobby.leave(cx.now.instant, key(cookie), ticket);
    }

    /// The desk under a cookie.
    pub(super) fn find(cookie: &[u8], cx: &Cx<'_>) -> Option<Self> {
        let desk = |ticket: &Ticket| ticket.note.downcast_ref::<Self>().cloned();
        cx.context.lobby.look(cx.now.instant, &key(cookie), desk)
    }

    /// Says what the person calls a contact. Returns whether there was room for it.
    pub(super) fn call(&self, contact: Address, name: String) -> bool {
        let mut words = self.open();
        let size = held::of_address(&contact) + name.len();
        let fits = words.names.len() < MAX_WORDS && words.bytes + size <= MAX_BYTES;
        if fits {
            words.bytes += size;
            words.names.push((contact, name));
        }
        drop(words);
        self.bell.ring();
        fits
    }

    /// Takes what was said.
    pub(super) fn clear(&self) -> Vec<(Address, String)> {
        std::mem::take(&mut *self.open()).names
    }

    fn open(&self) -> MutexGuard<'_, Words> {
        // A panic elsewhere cannot leave the list half-changed.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing that the cookie could be read from.
fn key(cookie: &[u8]) -> Vec<u8> {
    [b"desk ".as_slice(), &Sha1::digest(cookie)].concat()
}
