//! Messages and handoffs between the engines of one network: the words for the gateway's registry.
//!
//! A client has several connections, which know of each other only what their engines tell. There are
//! two ways, and for neither does an engine hold anything that another one can reach:
//!
//! - *A handoff* is for a connection that is yet to come. It lies under a [`Key`] that its client will
//!   show (a cookie, a session's id), expires, and is claimed once.
//! - *A message* is for a connection that is there: one that [listens](Exchange::Listen) under a key,
//!   or one that is known by its [`ConnectionId`].

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::handoffs::Handoff;

/// The most bytes of messages that wait to be heard by one connection, and the most messages.
pub const MAX_UNHEARD: usize = 1 << 20;
pub(crate) const MAX_MESSAGES: usize = 1_000;

/// A connection of a gateway. No other ever has the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(crate) u64);

/// Secret of two connections of one client: the place where a handoff lies, or where a
/// connection listens.
///
/// Keys of different jobs must not meet: the job's name goes in front (`"desk "`). What grows with
/// what somebody said goes in as its hash.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub(crate) Arc<[u8]>);

impl<K: AsRef<[u8]>> From<K> for Key {
    fn from(key: K) -> Self {
        Self(key.as_ref().into())
    }
}

/// Says nothing of the key, which is as good as a password.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Something one engine tells another of its network: a type that both know.
pub struct Message {
    note: Box<dyn Any + Send>,
    pub(crate) weight: usize,
    pub(crate) room: usize,
}

impl Message {
    /// Wraps what is said, which holds `weight` bytes besides itself.
    pub fn new<T: Any + Send>(note: T, weight: usize) -> Self {
        Self { note: Box::new(note), weight: size_of::<T>() + weight, room: MAX_UNHEARD }
    }

    /// Bounds how many bytes may wait to be heard once this is among them.
    #[must_use]
    pub fn within(self, room: usize) -> Self {
        Self { room: room.min(MAX_UNHEARD), ..self }
    }

    /// Takes out what was said, if it is a `T`.
    ///
    /// # Errors
    ///
    /// The message, where it is something else.
    pub fn downcast<T: Any>(self) -> Result<T, Self> {
        let Self { note, weight, room } = self;
        note.downcast().map(|note| *note).map_err(|note| Self { note, weight, room })
    }
}

/// Says nothing of what is in it.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message")
    }
}

/// To whom a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// This connection.
    Connection(ConnectionId),
    /// The connection that began last to listen under this key.
    Listener(Key),
}

/// Judgement of a handoff that was found.
pub enum ClaimVerdict {
    /// The claimant gets it.
    Take,
    /// It stays for others; the claimant gets this, read from it.
    Read(Box<dyn Any + Send>),
    /// It is somebody else's, for whom it stays.
    Refuse,
}

type Judge = Box<dyn Fn(&Handoff) -> ClaimVerdict + Send>;

/// A question for a handoff.
pub struct Claim {
    pub(crate) keys: Vec<Key>,
    pub(crate) judge: Judge,
}

impl Claim {
    /// Claims what lies under `key`, if `judge` finds that it is for this connection.
    pub fn new(
        key: impl Into<Key>,
        judge: impl Fn(&Handoff) -> ClaimVerdict + Send + 'static,
    ) -> Self {
        Self { keys: vec![key.into()], judge: Box::new(judge) }
    }

    /// Takes what lies under `key`: for keys that nobody but its owner can know.
    pub fn take(key: impl Into<Key>) -> Self {
        Self::new(key, |_| ClaimVerdict::Take)
    }

    /// Takes what lies under `key` if it is this connection's.
    pub fn take_if(
        key: impl Into<Key>,
        is_ours: impl Fn(&Handoff) -> bool + Send + 'static,
    ) -> Self {
        Self::new(
            key,
            move |handoff| {
                if is_ours(handoff) { ClaimVerdict::Take } else { ClaimVerdict::Refuse }
            },
        )
    }

    /// Reads something from what lies under `key`, and leaves it there.
    pub fn read<T: Any + Send>(
        key: impl Into<Key>,
        read: impl Fn(&Handoff) -> Option<T> + Send + 'static,
    ) -> Self {
        Self::new(key, move |handoff| {
            read(handoff).map_or(ClaimVerdict::Refuse, |read| ClaimVerdict::Read(Box::new(read)))
        })
    }

    /// Looks under `key` too, where nothing under those before is this connection's.
    #[must_use]
    pub fn or(mut self, key: impl Into<Key>) -> Self {
        self.keys.push(key.into());
        self
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// Request of an engine to the registry: see [`crate::Event::Exchange`].
#[derive(Debug)]
pub enum Exchange {
    /// Leaves a handoff, in place of one that is there.
    Leave(Key, Handoff),
    /// Takes back what it left.
    Withdraw(Key),
    /// Asks for a handoff: the answer is [`crate::Input::Claimed`].
    Claim(Claim),
    /// Hears from now on what is told under the key, as long as no other connection begins to.
    Listen(Key),
    /// Tells another connection something: it gets [`crate::Input::Heard`], and this one
    /// [`crate::Input::Told`] as the answer.
    Tell(Recipient, Message),
}

impl Exchange {
    /// Whether it lies ready for others and has no answer.
    pub(crate) const fn is_left(&self) -> bool {
        matches!(self, Self::Leave(..) | Self::Withdraw(_) | Self::Listen(_))
    }
}

/// Answer to a [`Claim`].
#[derive(Debug)]
pub enum ClaimResult {
    /// Here it is; nobody else gets it.
    Taken(Handoff),
    /// Something that was read from it.
    Read(Box<dyn Any + Send>),
    /// The handoff there is somebody else's.
    Refused,
    /// There is nothing, or no more.
    Nothing,
}

impl ClaimResult {
    /// Takes out the handoff.
    pub fn taken(self) -> Option<Handoff> {
        if let Self::Taken(handoff) = self { Some(handoff) } else { None }
    }

    /// Takes out what was read.
    pub fn read<T: Any>(self) -> Option<T> {
        let Self::Read(read) = self else { return None };
        read.downcast().ok().map(|read| *read)
    }
}

/// Answer to a message.
#[derive(Debug)]
pub enum TellResult {
    /// This connection will hear it. Should it end before or after, [`crate::Input::Left`] says so.
    Hears(ConnectionId),
    /// Nobody is there.
    Nobody(Message),
    /// More waits already than may.
    Full(Message),
}
