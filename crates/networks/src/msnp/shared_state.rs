//! State that the connections of one person share.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use crosstalk_core::{Address, ConnectionId, Envelope, Message, Recipient};

use super::context::{CAPABILITIES, Cx};
use super::foreign_list::ForeignList;
use super::handoff::ToNotification;
use crate::common::held::of_envelope;

/// The most keys to conversations played here that one person holds; the oldest makes room.
const MAX_KEYS: usize = 256;
/// The most bytes of texts that are kept for the next conversation.
const MAX_UNREAD: usize = 64 << 10;
/// The longest word of the server about the person that is kept, in bytes: a nick of 129
/// characters, encoded.
const MAX_WORD: usize = 129 * 4 * 3;

/// The state of one person, shared by the notification connection and its switchboards.
#[derive(Clone)]
pub(super) struct SharedState {
    state: Arc<Mutex<AccountState>>,
    /// The notification connection.
    notification: ConnectionId,
}

/// Shared state of one person's connections.
#[derive(Default)]
pub(super) struct AccountState {
    /// The foreign contacts as the client shows them.
    pub(super) people: BTreeMap<Address, Known>,
    /// The whole list, also for the address book.
    pub(super) book: ForeignList,
    /// Foreign people for whom the client was rung, until when it may answer.
    pub(super) rung: BTreeMap<Address, Instant>,
    /// Messages that the client may not have read in conversations that it left.
    pub(super) unread: Unread,
    /// Facts about the person as the server stated them.
    pub(super) me: Me,
    keys: VecDeque<String>,
}

impl AccountState {
    /// Keeps the key to a conversation that is played here; gives the one that makes room.
    pub(super) fn add_key(&mut self, key: String) -> Option<String> {
        self.keys.push_back(key);
        if self.keys.len() > MAX_KEYS { self.keys.pop_front() } else { None }
    }
}

/// Texts that crossed with a client's leaving, for the next conversation with their senders.
#[derive(Default)]
pub(super) struct Unread {
    envelopes: Vec<Envelope>,
    bytes: usize,
}

impl Unread {
    /// Keeps texts, while there is room.
    pub(super) fn extend(&mut self, envelopes: Vec<Envelope>) {
        for envelope in envelopes {
            let bytes = of_envelope(&envelope);
            if self.bytes + bytes <= MAX_UNREAD {
                self.bytes += bytes;
                self.envelopes.push(envelope);
            }
        }
    }

    /// Takes those of one person.
    pub(super) fn take(&mut self, from: &Address) -> Vec<Envelope> {
        let theirs: Vec<Envelope> =
            self.envelopes.extract_if(.., |envelope| envelope.from == *from).collect();
        self.bytes -= theirs.iter().map(of_envelope).sum::<usize>();
        theirs
    }

    /// Their senders.
    pub(super) fn senders(&self) -> BTreeSet<Address> {
        self.envelopes.iter().map(|envelope| envelope.from.clone()).collect()
    }

    /// Bytes that they take.
    pub(super) const fn weight(&self) -> usize {
        self.bytes
    }
}

/// The person, in the words of the notification server: a server that plays a switchboard says
/// them of the person too.
#[derive(Default)]
pub(super) struct Me {
    nick: Option<String>,
    capabilities: String,
}

impl Me {
    /// Notes what the person is called now, as the server encoded it.
    pub(super) fn is_called(&mut self, nick: &str) {
        if !nick.is_empty() && nick.len() <= MAX_WORD {
            self.nick = Some(nick.to_owned());
        }
    }

    /// Notes what the client can do.
    pub(super) fn can(&mut self, capabilities: &str) {
        if capabilities.len() <= MAX_WORD {
            capabilities.clone_into(&mut self.capabilities);
        }
    }

    /// The nick, which is the name where there is none.
    pub(super) fn nick<'a>(&'a self, name: &'a str) -> &'a str {
        self.nick.as_deref().unwrap_or(name)
    }

    /// Words of IRO and JOI about the person, in `version`.
    pub(super) fn introduced(&self, name: &str, version: u32) -> String {
        let (first, more) = self.capabilities.split_once(':').unwrap_or((&self.capabilities, "0"));
        let first = if first.is_empty() { "0" } else { first };
        let front = format!("{name} {}", self.nick(name));
        match version {
            ..CAPABILITIES => front,
            CAPABILITIES..16 => format!("{front} {first}"),
            16.. => format!("{front} {first}:{more}"),
        }
    }

    /// Bytes that they take.
    pub(super) fn weight(&self) -> usize {
        self.nick.as_ref().map_or(0, String::len) + self.capabilities.len()
    }
}

/// A foreign contact as the client shows it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) spelling: String,
    pub(super) nick: String,
    pub(super) online: bool,
}

/// A state that may be gone.
pub(super) struct WeakState {
    state: Weak<Mutex<AccountState>>,
    notification: ConnectionId,
}

impl WeakState {
    pub(super) fn is_there(&self) -> bool {
        self.state.strong_count() > 0
    }

    pub(super) fn upgrade(&self) -> Option<SharedState> {
        Some(SharedState { state: self.state.upgrade()?, notification: self.notification })
    }
}

impl SharedState {
    /// An empty state, of this notification connection.
    pub(super) fn new(notification: ConnectionId) -> Self {
        Self { state: Arc::default(), notification }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, AccountState> {
        // A panic elsewhere cannot leave the maps half-changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn downgrade(&self) -> WeakState {
        WeakState { state: Arc::downgrade(&self.state), notification: self.notification }
    }

    /// Tells the notification connection that something changed. One that has left needs to know
    /// of nothing.
    pub(super) fn wake(&self, cx: &mut Cx<'_>) {
        cx.tell(self.recipient(), Message::new(ToNotification::Changed, 0));
    }

    /// The notification connection.
    pub(super) const fn recipient(&self) -> Recipient {
        Recipient::Connection(self.notification)
    }
}
