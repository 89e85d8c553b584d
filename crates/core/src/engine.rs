//! The state machine behind one connection, without I/O.
//!
//! An engine gets the bytes of either side, envelopes to deliver and ticks, and answers through
//! an [`Output`]. Of a stream it can only [`forward`](Output::forward),
//! [`insert`](Output::insert) and [`withhold`](Output::withhold); everything else it wants is an
//! [`Event`]. Buffers belong to the caller: an engine takes whole frames off the front and
//! leaves the rest.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use crate::Side;
use crate::address::{Address, HostPort};
use crate::audience::Audience;
use crate::compute::{Computation, Computed};
use crate::contact::Contact;
use crate::details::Details;
use crate::envelope::{Body, Envelope, EnvelopeId};
use crate::exchange::{ClaimResult, ConnectionId, Exchange, Message, TellResult};
use crate::fault::Fault;
use crate::presence::Presence;
use crate::provenance::Confirmed;
use crate::redacted::Redacted;
use crate::roster::{Roster, RosterEdit};
use crate::time::Now;

/// The largest unfinished frame an engine may leave in its caller's buffer, in bytes.
///
/// An engine that needs more to go on returns a [`Fault`] instead.
pub const MAX_PENDING: usize = 1 << 20;

/// The most bytes that may wait for a connection on which the base server accepted nobody yet:
/// what is unfinished in its caller's buffers and what its engine holds, added up.
pub const MAX_UNKNOWN: usize = 64 << 10;

/// A protocol's state machine for one client connection and its upstream.
pub trait Engine: Send {
    /// Takes one input.
    ///
    /// On `Err` the caller lets the connection pass through uninterpreted where
    /// [`Output::altered`] is false and nobody signed in on it, and closes it otherwise: a
    /// reconnect is better than a leak. Of the events only what is [left](Exchange::Leave) for other
    /// connections still counts.
    fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault>;

    /// Whether the client shows now what people say. Until then what must not get lost is not
    /// given to the engine: to whoever says it the person is not there, and it comes when this turns
    /// true. Asked after every input, so it follows from the engine's state. Presence, steps of
    /// consent and what the gateway itself has to say come all the same.
    fn takes_texts(&self) -> bool;

    /// Time at which the engine next wants [`Input::Tick`]; `None` while it waits for nothing.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Bytes held by the engine itself that wait for something: frames held back, stanzas that are
    /// not acknowledged, lists that are not merged yet. Called after every input, so it is a sum
    /// that the engine keeps, and not a walk.
    fn weight(&self) -> usize {
        0
    }

    /// Whether the base server accepted the person behind the connection, though nobody
    /// [signs in](Event::SignedIn) on it: an address book over HTTPS, a conversation. What may
    /// wait for others is bounded by [`MAX_UNKNOWN`].
    fn is_known(&self) -> bool {
        false
    }

    /// Whether it keeps something that a side sent until it knows what to do with it: neither side is
    /// told before then that the other has ended.
    fn holds_back(&self) -> bool {
        false
    }
}

/// An input of an engine.
pub enum Input<'a> {
    /// First of all, once. With [`crate::Via::Direct`] no server is connected yet.
    Start,
    /// Bytes from a side, appended to what the engine left there before.
    Bytes(Side, &'a mut BytesMut),
    /// A side closed its direction; what it sent before has been given.
    Closed(Side),
    /// The TLS that [`Event::Encrypt`] asked for is up on this side. Of a connection that began
    /// with TLS, each side's facts come as soon as that side is connected.
    Encrypted(Side, TlsFacts),
    /// The person's foreign contacts: once after [`Event::SignedIn`], as soon as they are known.
    Roster(Roster),
    /// One contact changed, on whatever side and in whichever session. A contact that
    /// [is empty](Contact::is_empty) is gone. An engine compares it with what its client shows;
    /// its own edits come back here too.
    Changed(Contact),
    /// Something for the person behind the client. What people say comes only while the engine
    /// [takes it](Engine::takes_texts).
    Deliver(Envelope),
    /// A contact has this presence now. Offline is a presence too.
    Presence {
        /// The contact.
        of: Address,
        /// The presence, as the person sees it.
        presence: Presence,
    },
    /// A message that this [conversation](Event::Converse) sent has arrived, or is kept until its
    /// receiver signs on. What did not comes as [`Body::Undelivered`].
    Delivered(EnvelopeId),
    /// A message the person sent from another session, to be shown where clients show that.
    Carbon(Envelope),
    /// The answer to [`Exchange::Claim`].
    Claimed(ClaimResult),
    /// The answer to [`Exchange::Tell`].
    Told(TellResult),
    /// Another connection of the network [told](Exchange::Tell) this one something.
    Heard(ConnectionId, Message),
    /// A connection that this one told something is gone. What it asked of it has no answer any more.
    Left(ConnectionId),
    /// The result of the engine's [`Event::Compute`].
    Computed(Computed),
    /// The [deadline](Engine::deadline) has passed.
    Tick,
}

/// Facts about a TLS session that SASL channel binding needs.
#[derive(Clone, Debug, Default)]
pub struct TlsFacts {
    /// `tls-exporter` of RFC 9266; only of TLS 1.3.
    pub exporter: Option<Redacted<[u8; 32]>>,
    /// `tls-server-end-point` of RFC 5929: the hash of the server's certificate.
    pub server_end_point: Option<Vec<u8>>,
}

/// A request of an engine for something other than bytes on the two streams.
#[derive(Debug)]
pub enum Event {
    /// Connect upstream: once with [`crate::Via::Direct`], and once after each [`Event::DetachServer`].
    Dial(HostPort),
    /// Go on without a server, with the client alone: one that is connected is left. The engine
    /// plays it from now on, or asks for another by [`Event::Dial`]; if that one cannot be
    /// reached, the engine is told that the server [closed](Input::Closed), and is alone again.
    DetachServer,
    /// Start TLS on a side, after the bytes written so far: as server towards the client, as
    /// client towards the server. Whatever that side sends next belongs to TLS, and the engine
    /// gets no more of it before [`Input::Encrypted`].
    ///
    /// The name, where the protocol has one (the `to` of an XMPP stream), is whom the server's
    /// certificate must speak for, and whom ours speaks for unless the client's hello names
    /// another. Without it that is the host the connection goes to.
    Encrypt(Side, Option<String>),
    /// Nothing more to interpret: splice the two sides. The engine is dropped.
    Opaque,
    /// The base server accepted the person; from now on [`Input::Roster`], [`Input::Changed`],
    /// [`Input::Deliver`], [`Input::Presence`] and [`Input::Carbon`] may come.
    ///
    /// Said again, as where a protocol lets a name change in a session (NICK of IRC), the person goes
    /// on under the name that is said now: signs off under the one before, and gets the roster of this
    /// one.
    SignedIn {
        /// The person, as the server confirmed the name.
        user: Confirmed,
        /// Name of this one among the person's sessions, where the protocol names them; for people
        /// to read.
        endpoint: String,
    },
    /// This connection carries one conversation of a person who is [signed
    /// in](Event::SignedIn) in another of the same client: what these people say to the person,
    /// and what became of what was said to them, comes here and not there. Said again, it
    /// replaces who they are. There is no [`Input::Roster`], and no presence.
    Converse {
        /// The person that the conversation belongs to; the base server must have accepted the
        /// person on this connection too.
        user: Confirmed,
        /// The endpoint of the session that this conversation belongs to.
        endpoint: String,
        /// The others.
        with: Vec<Address>,
    },
    /// The person's own presence in this session changed. Invisible counts as offline.
    Presence(Presence),
    /// The people who see this session's presence: everybody who may see the person, until this says
    /// otherwise. Said before a presence that others are not to see.
    Audience(Audience),
    /// Something for a foreign person, or for the control contact.
    Send(Outgoing),
    /// The person changed the foreign part of the buddy list.
    Roster(RosterEdit),
    /// The client has no way to show this delivery; the gateway puts it in words, if it matters.
    Unshown(Envelope),
    /// Work that takes longer than others should wait for. One at a time; meanwhile the engine gets
    /// whatever else happens.
    Compute(Computation),
    /// Something for other connections of the network, present or to come.
    ///
    /// Of [`Exchange::Claim`] and [`Exchange::Tell`] the answer is the engine's next input, before
    /// either side is read again. An engine that cannot go on without it leaves the rest of the bytes
    /// where they are, and is given them again behind the answer, as well as behind
    /// [`Input::Heard`], [`Input::Left`] and [`Input::Tick`]. A claim behind [`Event::SignedIn`] is made
    /// once the gateway has let the person in.
    ///
    /// Here a connection that brings a cookie waits for what was left under it:
    ///
    /// ```
    /// use crosstalk_core::{Claim, Engine, Event, Exchange, Fault, Input, Now, Output, Side};
    ///
    /// struct Visitor {
    ///     is_waiting: bool,
    /// }
    ///
    /// impl Engine for Visitor {
    ///     fn handle(&mut self, _: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
    ///         match input {
    ///             Input::Bytes(Side::Client, bytes) if !self.is_waiting => {
    ///                 let cookie = bytes.split_to(bytes.len().min(8));
    ///                 out.emit(Event::Exchange(Exchange::Claim(Claim::take(cookie))));
    ///                 self.is_waiting = true;
    ///             }
    ///             Input::Claimed(claimed) => {
    ///                 self.is_waiting = false;
    ///                 let _state = claimed.taken().ok_or(Fault::client("an unknown cookie"))?;
    ///             }
    ///             _ => {}
    ///         }
    ///         Ok(())
    ///     }
    ///
    ///     fn takes_texts(&self) -> bool {
    ///         false
    ///     }
    /// }
    /// ```
    Exchange(Exchange),
    /// Something the operator should know about the set-up, without which people miss something:
    /// logged once, however many connections say it.
    Advise(&'static str),
    /// The person signed off in this session. Implied when the connection ends.
    SignedOut,
}

/// An envelope without its sender and time, which only the session can vouch for.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Its name, from [`crate::Context::ids`].
    pub id: EnvelopeId,
    /// Receiver.
    pub to: Address,
    /// Content.
    pub body: Body,
    /// Facts that the client's protocol has beside that; `None` for most.
    pub details: Option<Box<Details>>,
}

/// The answers of an engine. One for the life of a connection.
#[derive(Default)]
pub struct Output {
    to_client: VecDeque<Bytes>,
    to_server: VecDeque<Bytes>,
    events: VecDeque<Event>,
    deferred: Option<Box<Envelope>>,
    altered: bool,
}

impl Output {
    /// Passes bytes on to a side as they arrived.
    pub fn forward(&mut self, to: Side, raw: Bytes) {
        if !raw.is_empty() {
            self.queue(to).push_back(raw);
        }
    }

    /// Puts bytes of ours into the stream to a side.
    pub fn insert(&mut self, to: Side, frame: impl Into<Bytes>) {
        self.altered = true;
        self.queue(to).push_back(frame.into());
    }

    /// Says that something that arrived is not passed on.
    pub fn withhold(&mut self) {
        self.altered = true;
    }

    /// Gives the envelope of an [`Input::Deliver`] back: the client is asked to open a conversation
    /// for it. The gateway delivers it to the connection that [converses](Event::Converse) with
    /// the sender; if none does in time, or the session ends first, it counts as undelivered.
    pub fn defer(&mut self, envelope: Envelope) {
        self.deferred = Some(Box::new(envelope));
    }

    /// Takes the envelope that the engine gave back at the last delivery, if any.
    pub fn take_deferred(&mut self) -> Option<Envelope> {
        self.deferred.take().map(|deferred| *deferred)
    }

    /// Asks for something besides bytes.
    pub fn emit(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Whether either stream ever differed from what arrived.
    pub const fn altered(&self) -> bool {
        self.altered
    }

    /// The bytes waiting for a side, for the caller to write in order.
    pub fn queue(&mut self, to: Side) -> &mut VecDeque<Bytes> {
        match to {
            Side::Client => &mut self.to_client,
            Side::Server => &mut self.to_server,
        }
    }

    /// Takes what is to lie ready for other connections, for the caller to leave before writing what
    /// is queued: a client that reads where to go may be there at once. An engine that gives up
    /// leaves it too. What stands behind a sign-on waits until the person is let in.
    pub fn take_left(&mut self) -> Vec<Exchange> {
        let enters =
            |event: &Event| matches!(event, Event::SignedIn { .. } | Event::Converse { .. });
        let leaves = |event: &Event| {
            let left = Exchange::is_left;
            matches!(event, Event::Exchange(exchange) if left(exchange))
        };
        let mut left = Vec::new();
        // Nearly always: nothing is moved then.
        if !self.events.iter().take_while(|event| !enters(event)).any(leaves) {
            return left;
        }
        let mut has_entered = false;
        for event in std::mem::take(&mut self.events) {
            has_entered |= enters(&event);
            match event {
                Event::Exchange(exchange) if !has_entered && exchange.is_left() => {
                    left.push(exchange);
                }
                event => self.events.push_back(event),
            }
        }
        left
    }

    /// The next event, for the caller to act on after writing what is queued.
    pub fn next_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() {
            // Events are rare and large: an idle connection keeps no room for them.
            self.events = VecDeque::new();
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarding_does_not_alter_but_inserting_and_withholding_do() {
        let mut out = Output::default();
        out.forward(Side::Server, Bytes::from_static(b"raw"));
        assert!(!out.altered());
        out.withhold();
        assert!(out.altered());
        let mut out = Output::default();
        out.insert(Side::Client, &b"ours"[..]);
        assert!(out.altered());
    }

    #[test]
    fn what_is_left_comes_first_but_not_before_its_owner_is_let_in() {
        let leave = |key: &'static str| {
            let handoff = crate::Handoff::new((), Instant::now());
            Event::Exchange(Exchange::Leave(key.into(), handoff))
        };
        let mut out = Output::default();
        out.emit(Event::Presence(Presence::available()));
        out.emit(leave("first"));
        out.emit(Event::SignedOut);
        out.emit(Event::Exchange(Exchange::Listen("second".into())));
        let (user, endpoint) = (Confirmed::by_server("ann@aol".parse().unwrap()), String::new());
        out.emit(Event::SignedIn { user, endpoint });
        out.emit(leave("later"));
        let left = out.take_left();
        assert!(matches!(left[..], [Exchange::Leave(..), Exchange::Listen(_)]), "{left:?}");
        assert_eq!(out.take_left().capacity(), 0);
        assert!(matches!(out.next_event(), Some(Event::Presence(_))));
        assert!(matches!(out.next_event(), Some(Event::SignedOut)));
        assert!(matches!(out.next_event(), Some(Event::SignedIn { .. })));
        let left = out.take_left();
        assert!(matches!(left[..], [Exchange::Leave(..)]), "{left:?}");
        assert!(out.next_event().is_none());
    }
}
