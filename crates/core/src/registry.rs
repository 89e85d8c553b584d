//! The registry of a network's connections, as plain state.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Instant;

use crate::address::HostPort;
use crate::engine::Input;
use crate::exchange::{
    Claim, ClaimResult, ClaimVerdict, ConnectionId, Exchange, Key, MAX_MESSAGES, Message,
    Recipient, TellResult,
};
use crate::handoffs::{HANDOFF_BUDGET, Handoff, Handoffs};

/// The most keys that one connection listens under; the oldest makes room.
const MAX_KEYS: usize = 64;
/// The most connections that listen under one key; the oldest makes room.
const MAX_LISTENERS: usize = 16;
/// The most connections that are told that one which they told something has left.
const MAX_TELLERS: usize = 256;
/// Bytes that something which waits to be heard takes besides what it holds.
const OVERHEAD: usize = 48;

/// Something for a connection's engine.
#[derive(Debug)]
enum Post {
    Heard(ConnectionId, Message),
    Left(ConnectionId),
}

/// State of a connection that takes part.
#[derive(Default)]
struct Member {
    mailbox: VecDeque<Post>,
    /// Bytes that the messages in it hold.
    bytes: usize,
    keys: VecDeque<Key>,
    /// Connections that told it something, and learn when it leaves.
    tellers: BTreeSet<ConnectionId>,
}

struct Connection<S> {
    signal: S,
    /// Most connections neither tell nor are told anything, and take no room for it.
    member: Option<Box<Member>>,
}

/// Result of an [`Exchange`].
pub struct Outcome<S> {
    /// The next input of the engine that asked.
    pub answer: Option<Input<'static>>,
    /// The signal of the connection that has something to hear.
    pub told: Option<S>,
    /// Handoffs that are gone; to be dropped where no lock is held.
    pub gone: Vec<Handoff>,
}

/// The connections of one network, what they leave for the next, and what waits to be heard.
///
/// An `S` is what its owner wakes a connection by. The gateway has one for each configured network,
/// behind a lock that no engine sees:
///
/// ```
/// use std::time::{Duration, Instant};
/// use crosstalk_core::{Claim, Exchange, Handoff, Input, Message, Recipient, Registry};
///
/// let (mut registry, now) = (Registry::default(), Instant::now());
/// let (ann, next) = (registry.connect(()), registry.connect(()));
///
/// // A cookie, and the connection that brings it.
/// let handoff = Handoff::new("state", now + Duration::from_secs(300));
/// registry.perform(now, ann, Exchange::Leave("cookie".into(), handoff));
/// let claim = Exchange::Claim(Claim::take("cookie"));
/// let Some(Input::Claimed(claimed)) = registry.perform(now, next, claim).answer else { panic!() };
/// assert!(claimed.taken().is_some());
///
/// // A message for whoever listens.
/// registry.perform(now, ann, Exchange::Listen("account".into()));
/// let message = Message::new("hello", 0);
/// registry.perform(now, next, Exchange::Tell(Recipient::Listener("account".into()), message));
/// let Some(Input::Heard(from, message)) = registry.hear(ann) else { panic!() };
/// assert_eq!((from, message.downcast::<&str>().unwrap()), (next, "hello"));
/// ```
pub struct Registry<S = ()> {
    handoffs: Handoffs,
    connections: HashMap<ConnectionId, Connection<S>>,
    /// Connections that listen under each key, the last to begin at the end.
    listeners: HashMap<Key, Vec<ConnectionId>>,
    last: u64,
}

impl<S: Clone> Default for Registry<S> {
    fn default() -> Self {
        Self::new(HANDOFF_BUDGET)
    }
}

impl<S: Clone> Registry<S> {
    /// Makes an empty registry, whose handoffs together may take `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Self {
            handoffs: Handoffs::new(budget),
            connections: HashMap::new(),
            listeners: HashMap::new(),
            last: 0,
        }
    }

    /// Takes in a connection, which `signal` wakes.
    pub fn connect(&mut self, signal: S) -> ConnectionId {
        // Never given again, so that what is meant for a connection that ended reaches no other.
        self.last += 1;
        let id = ConnectionId(self.last);
        self.connections.insert(id, Connection { signal, member: None });
        id
    }

    /// Forgets a connection that ended, with what it did not hear. Returns the signals of those who
    /// learn of it.
    pub fn disconnect(&mut self, id: ConnectionId) -> Vec<S> {
        let member = self.connections.remove(&id).and_then(|connection| connection.member);
        let Some(member) = member else { return Vec::new() };
        for key in &member.keys {
            self.forget(key, id);
        }
        let tellers = member.tellers.iter();
        tellers.filter_map(|teller| self.post(*teller, Post::Left(id))).collect()
    }

    /// Does what the engine of the connection `by` asked.
    pub fn perform(&mut self, now: Instant, by: ConnectionId, exchange: Exchange) -> Outcome<S> {
        // Whatever is asked, what has expired goes: a handoff that nobody claims would else stay
        // until the next is left.
        let gone = self.handoffs.expire(now);
        let mut outcome = Outcome { answer: None, told: None, gone };
        match exchange {
            Exchange::Leave(key, handoff) => {
                outcome.gone.extend(self.handoffs.leave(now, &key.0, handoff));
            }
            Exchange::Withdraw(key) => {
                outcome.gone.extend(self.handoffs.take_if(now, &key.0, |_| true));
            }
            Exchange::Claim(claim) => {
                outcome.answer = Some(Input::Claimed(self.claim(now, &claim)));
            }
            Exchange::Listen(key) => self.listen(by, &key),
            Exchange::Tell(to, message) => {
                let (told, signal) = self.tell(by, &to, message);
                (outcome.answer, outcome.told) = (Some(Input::Told(told)), signal);
            }
        }
        outcome
    }

    /// Takes the oldest of what a connection has to hear.
    pub fn hear(&mut self, id: ConnectionId) -> Option<Input<'static>> {
        let member = self.connections.get_mut(&id)?.member.as_deref_mut()?;
        let post = member.mailbox.pop_front()?;
        if member.mailbox.is_empty() {
            member.mailbox = VecDeque::new();
        }
        Some(match post {
            Post::Heard(from, message) => {
                member.bytes -= message.weight;
                Input::Heard(from, message)
            }
            Post::Left(id) => Input::Left(id),
        })
    }

    /// Bytes that are kept for a connection, besides its handoffs.
    pub fn weight_of(&self, id: ConnectionId) -> usize {
        let member = self.connections.get(&id).and_then(|c| c.member.as_deref());
        member.map_or(0, |member| {
            let keys = member.keys.iter().map(|key| key.0.len() + 2 * OVERHEAD).sum::<usize>();
            size_of::<Member>() + member.bytes + member.mailbox.len() * OVERHEAD + keys
        })
    }

    /// Whether a handoff that has not expired names `host` as an upstream.
    pub fn expects(&self, now: Instant, host: &HostPort) -> bool {
        self.handoffs.expects(now, host)
    }

    /// Bytes that the handoffs take, with their notes.
    pub const fn weight(&self) -> usize {
        self.handoffs.weight()
    }

    fn claim(&mut self, now: Instant, claim: &Claim) -> ClaimResult {
        let mut none = ClaimResult::Nothing;
        for key in &claim.keys {
            let Some(found) = self.handoffs.look(now, &key.0) else { continue };
            match (claim.judge)(found) {
                ClaimVerdict::Read(read) => return ClaimResult::Read(read),
                // The claimant's own may still be found under another of the keys.
                ClaimVerdict::Refuse => none = ClaimResult::Refused,
                ClaimVerdict::Take => {
                    let taken = self.handoffs.take_if(now, &key.0, |_| true);
                    return taken.map_or(ClaimResult::Nothing, ClaimResult::Taken);
                }
            }
        }
        none
    }

    fn listen(&mut self, id: ConnectionId, key: &Key) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let keys = &mut connection.member.get_or_insert_default().keys;
        // Listening again makes the key the newest of the connection's, and the connection that of
        // the key's.
        keys.retain(|known| known != key);
        keys.push_back(key.clone());
        let oldest = if keys.len() > MAX_KEYS { keys.pop_front() } else { None };
        let listeners = self.listeners.entry(key.clone()).or_default();
        listeners.retain(|listener| *listener != id);
        listeners.push(id);
        if listeners.len() > MAX_LISTENERS {
            let first = listeners.remove(0);
            if let Some(keys) = self.member(first).map(|member| &mut member.keys) {
                keys.retain(|known| known != key);
            }
        }
        if let Some(oldest) = oldest {
            self.forget(&oldest, id);
        }
    }

    fn tell(
        &mut self,
        from: ConnectionId,
        to: &Recipient,
        message: Message,
    ) -> (TellResult, Option<S>) {
        let to = match to {
            Recipient::Connection(id) => Some(*id),
            Recipient::Listener(key) => self.listeners.get(key).and_then(|all| all.last().copied()),
        };
        let found = to.and_then(|id| Some((id, self.connections.get_mut(&id)?)));
        let Some((id, connection)) = found else { return (TellResult::Nobody(message), None) };
        let member = connection.member.get_or_insert_default();
        let fits = member.mailbox.len() < MAX_MESSAGES
            && member.bytes.saturating_add(message.weight) <= message.room;
        if !fits {
            return (TellResult::Full(message), None);
        }
        member.bytes += message.weight;
        self.remember(id, from);
        (TellResult::Hears(id), self.post(id, Post::Heard(from, message)))
    }

    /// Notes that `from` told `to` something.
    fn remember(&mut self, to: ConnectionId, from: ConnectionId) {
        let Some(member) = self.member(to) else { return };
        if from == to || member.tellers.contains(&from) {
            return;
        }
        if member.tellers.len() >= MAX_TELLERS {
            // Those who left since they told something make room first.
            let mut tellers = std::mem::take(&mut member.tellers);
            tellers.retain(|teller| self.connections.contains_key(teller));
            let Some(member) = self.member(to) else { return };
            member.tellers = tellers;
        }
        if let Some(member) = self.member(to).filter(|m| m.tellers.len() < MAX_TELLERS) {
            member.tellers.insert(from);
        }
    }

    fn post(&mut self, to: ConnectionId, post: Post) -> Option<S> {
        let connection = self.connections.get_mut(&to)?;
        connection.member.get_or_insert_default().mailbox.push_back(post);
        Some(connection.signal.clone())
    }

    fn member(&mut self, id: ConnectionId) -> Option<&mut Member> {
        self.connections.get_mut(&id)?.member.as_deref_mut()
    }

    /// `id` no longer listens under `key`.
    fn forget(&mut self, key: &Key, id: ConnectionId) {
        let Some(listeners) = self.listeners.get_mut(key) else { return };
        listeners.retain(|listener| *listener != id);
        if listeners.is_empty() {
            self.listeners.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
