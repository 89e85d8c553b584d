//! Everything the server knows: users, who is signed on, and cookies handed out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use crosstalk_core::Redacted;
use crosstalk_networks::oscar::wire::{Class, Item, Snac};
use tokio::sync::mpsc;

use crate::Account;
use crate::aim::plain;

/// The family that stands for the main service in a redirect.
pub(super) const BOS: u16 = 0x0001;
/// Length of a cookie in bytes, as with every server that clients know.
const COOKIE_LENGTH: usize = 256;
/// Request ids of what the server says unasked begin here.
pub(super) const PUSHED: u32 = 0x8000_0000;

/// Rights of a cookie's bearer.
pub(super) struct Pass {
    /// User, as [`plain`] writes the name.
    pub(super) user: String,
    /// Service.
    pub(super) service: u16,
}

/// A user, signed on or not.
pub(super) struct User {
    /// The name as the user spells it.
    pub(super) spelled: String,
    pub(super) password: Redacted<String>,
    /// The stored buddy list.
    pub(super) items: Vec<Item>,
    /// Time of the last change, in seconds since 1970.
    pub(super) changed: u32,
    /// Messages to be delivered at the next sign-on: bodies of 04/07 without user info.
    pub(super) stored: Vec<super::messages::Stored>,
}

/// A text with the MIME type it came under.
#[derive(Clone)]
pub(super) struct Mime {
    pub(super) kind: Bytes,
    pub(super) text: Bytes,
}

/// One BOS connection of a user.
pub(super) struct Session {
    /// User, as [`plain`] writes the name.
    pub(super) user: String,
    /// Frames to the client, in order.
    pub(super) out: mpsc::Sender<Snac>,
    /// Whether the client finished its set-up; before, nobody sees it.
    pub(super) ready: bool,
    /// Buddies of clients that keep their list themselves.
    pub(super) local_buddies: BTreeSet<String>,
    /// In seconds since 1970.
    pub(super) since: u32,
    pub(super) idle_since: Option<Instant>,
    pub(super) away: Option<Mime>,
    pub(super) profile: Option<Mime>,
    pub(super) capabilities: Bytes,
    /// Status bits of 01/1e.
    pub(super) status: u32,
    /// Icon and status text of 01/1e.
    pub(super) bart: Bytes,
    /// The message flags of 04/02.
    pub(super) message_flags: u32,
}

/// The server's whole state.
pub(super) struct ServerState {
    users: HashMap<String, User>,
    sessions: BTreeMap<u64, Session>,
    passes: HashMap<Vec<u8>, Pass>,
    next: u64,
    /// Makes cookies of one server different from those of another.
    salt: u64,
}

impl ServerState {
    pub(super) fn new(users: &[Account]) -> Self {
        let users = users.iter().map(|account| {
            let user = User {
                spelled: account.name.clone(),
                password: account.password.clone(),
                items: Vec::new(),
                changed: unix_seconds(),
                stored: Vec::new(),
            };
            (plain(account.name.as_bytes()), user)
        });
        Self {
            users: users.collect(),
            sessions: BTreeMap::new(),
            passes: HashMap::new(),
            next: 0,
            salt: fastrand::u64(..),
        }
    }

    pub(super) fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    pub(super) fn user_mut(&mut self, name: &str) -> Option<&mut User> {
        self.users.get_mut(name)
    }

    pub(super) fn session(&self, id: u64) -> Option<&Session> {
        self.sessions.get(&id)
    }

    pub(super) fn session_mut(&mut self, id: u64) -> Option<&mut Session> {
        self.sessions.get_mut(&id)
    }

    /// Every session, ready or not.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (u64, &Session)> {
        self.sessions.iter().map(|(id, session)| (*id, session))
    }

    /// The sessions of a user that finished their set-up.
    pub(super) fn sessions_of<'a>(
        &'a self,
        user: &'a str,
    ) -> impl Iterator<Item = (u64, &'a Session)> {
        self.sessions().filter(move |(_, s)| s.ready && s.user == user)
    }

    /// Whether `user` named `other` in either list.
    pub(super) fn lists(&self, session: &Session, other: &str) -> bool {
        let stored = self.users.get(&session.user).is_some_and(|user| {
            user.items.iter().any(|i| i.class == Class::Buddy && plain(&i.name) == other)
        });
        stored || session.local_buddies.contains(other)
    }

    pub(super) fn begin(&mut self, user: String, out: mpsc::Sender<Snac>) -> u64 {
        self.next += 1;
        let session = Session {
            user,
            out,
            ready: false,
            local_buddies: BTreeSet::new(),
            since: unix_seconds(),
            idle_since: None,
            away: None,
            profile: None,
            capabilities: Bytes::new(),
            status: 0,
            bart: Bytes::new(),
            message_flags: 0,
        };
        self.sessions.insert(self.next, session);
        self.next
    }

    pub(super) fn end(&mut self, id: u64) -> Option<Session> {
        self.sessions.remove(&id)
    }

    /// Beginning of every cookie.
    pub(super) fn secret(&self) -> String {
        format!("{:016x}", self.salt)
    }

    /// A challenge that no one got before.
    pub(super) fn fresh_key(&mut self) -> String {
        self.next += 1;
        format!("{}-{:08x}", self.secret(), self.next)
    }

    /// A cookie for `pass`, good for one connection.
    pub(super) fn issue(&mut self, pass: Pass) -> Vec<u8> {
        let mut cookie = self.fresh_key().into_bytes();
        // Never ASCII, so that no name is found in a cookie by accident.
        cookie.resize_with(COOKIE_LENGTH, || fastrand::u8(0x80..));
        self.passes.insert(cookie.clone(), pass);
        cookie
    }

    /// Takes back a cookie.
    pub(super) fn redeem(&mut self, cookie: &[u8]) -> Option<Pass> {
        self.passes.remove(cookie)
    }
}

impl Session {
    /// Queues a message to the client. One that does not read for long loses messages, as with
    /// every AIM server.
    pub(super) fn send(&self, snac: Snac) {
        let _ = self.out.try_send(snac);
    }

    pub(super) fn push(&self, family: u16, subtype: u16, body: impl Into<Bytes>) {
        self.send(Snac::new(family, subtype, PUSHED, body));
    }
}

/// Seconds since 1970.
pub(super) fn unix_seconds() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
