//! Conversations: where the client is sent for one, how it is rung when a foreign person writes
//! first, and the switchboards that are asked of the server for conversations played here.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crosstalk_core::{
    Address, Body, Envelope, Event, Failure, HostPort, Redacted, Side, Subscription,
};

use super::Session;
use crate::msnp::shared_state::{Errand, Host, Io, Place};
use crate::msnp::wire::{Command, encode};

/// How long a client may take to answer a ring before it is rung again.
const PATIENCE: Duration = Duration::from_secs(7);
/// The most people who ring one client at a time.
const MAX_RINGING: usize = 128;
/// The first of our transactions with the server, far above those of clients, and of our numbers
/// of conversations.
const FIRST: u32 = 900_001;
/// The most switchboards asked of the server at a time.
const MAX_ASKED: usize = 64;

/// Rings to come, and switchboards that the server was asked for.
#[derive(Default)]
pub(super) struct Rings {
    opened: u32,
    /// Who wrote before the client was ready, and until when it is worth a ring.
    early: BTreeMap<Address, Instant>,
    /// For whom each transaction of ours is.
    asked: BTreeMap<u32, Errand>,
}

impl Rings {
    /// Whether a command of the server answers us and not the client.
    pub(super) fn is_ours(&self, command: &Command) -> bool {
        self.asked.contains_key(&command.transaction())
    }

    /// A number of our own.
    const fn next(&mut self) -> u32 {
        let next = FIRST + self.opened % 1_000_000;
        self.opened = self.opened.wrapping_add(1);
        next
    }
}

impl Session {
    /// `XFR n SB`: the client wants to open a conversation. It does not say with whom, so that one
    /// who has foreign contacts is sent here. Returns whether the server is to have the command.
    pub(super) fn ask_for_talk(&self, command: &Command, io: &mut Io<'_>) -> bool {
        let has_foreign = self.desk.open().book.contacts().next().is_some();
        let Some(invitation) = self.invitation(Host::Gateway(None)).filter(|_| has_foreign) else {
            return true;
        };
        io.out.withhold();
        let (place, key) = io.invite(invitation);
        io.tell(format!("XFR {} SB {place} CKI {key}{}", command.word(1), self.tail()));
        false
    }

    /// A message for which no conversation is open: it waits until the client has answered a
    /// ring.
    pub(super) fn message_in(&mut self, envelope: Envelope, io: &mut Io<'_>) {
        let from = envelope.from.clone();
        let granted = self.contact(&from).is_some_and(|c| c.from == Subscription::Granted);
        if self.allow_only && !granted && !from.is_control() {
            return refuse(&envelope, Failure::Refused, io);
        }
        if self.shown(&from, io).is_none() {
            return io.out.emit(Event::Unshown(envelope));
        }
        if !self.rings_for(&from, io) {
            return refuse(&envelope, Failure::Busy, io);
        }
        io.out.defer(envelope);
    }

    /// Rings for everybody who wrote before the client was ready.
    pub(super) fn ring_all(&mut self, io: &mut Io<'_>) {
        for (from, until) in std::mem::take(&mut self.rings.early) {
            if until > io.now.instant || from.is_control() {
                self.rings_for(&from, io);
            }
        }
    }

    /// Sees to it that the client is rung for `from`. Returns false where too many ring.
    pub(super) fn rings_for(&mut self, from: &Address, io: &mut Io<'_>) -> bool {
        if !self.own.is_shown() {
            if self.rings.early.len() < MAX_RINGING {
                self.rings.early.insert(from.clone(), io.later(PATIENCE));
            }
            return self.rings.early.contains_key(from);
        }
        let mut papers = self.desk.open();
        papers.rung.retain(|_, until| *until > io.now.instant);
        if papers.rung.contains_key(from) {
            return true;
        }
        if papers.rung.len() >= MAX_RINGING {
            return false;
        }
        papers.rung.insert(from.clone(), io.later(PATIENCE));
        drop(papers);
        self.ring(from, io);
        true
    }

    fn ring(&mut self, from: &Address, io: &mut Io<'_>) {
        let (Some((name, nick)), Some(invitation)) =
            (self.shown(from, io), self.invitation(Host::Gateway(Some(from.clone()))))
        else {
            return;
        };
        let (place, key) = io.invite(invitation);
        let (number, nick, tail) = (self.rings.next(), encode(&nick), self.tail());
        io.tell(format!("RNG {number} {place} CKI {key} {name} {nick}{tail}"));
    }

    /// What comes behind the key of a conversation.
    const fn tail(&self) -> &'static str {
        match self.version {
            ..13 => "",
            13 => " U messenger.msn.com",
            14.. => " U messenger.msn.com 1",
        }
    }

    /// Asks the server for the switchboards that conversations played here need.
    pub(super) fn run_errands(&mut self, io: &mut Io<'_>) {
        let room = MAX_ASKED.saturating_sub(self.rings.asked.len());
        for errand in self.desk.take_errands().into_iter().take(room) {
            let transaction = self.rings.next();
            self.rings.asked.insert(transaction, errand);
            io.out.insert(Side::Server, format!("XFR {transaction} SB\r\n"));
        }
    }

    /// The server opened what we asked for: `XFR n SB place CKI key`.
    pub(super) fn opened(&mut self, command: &Command, io: &mut Io<'_>) {
        io.out.withhold();
        let Some(errand) = self.rings.asked.remove(&command.transaction()) else { return };
        let (place, key) = (command.word(3), command.word(5));
        // As if the client were to go there, which then may be connected to.
        io.expect(key, place, ());
        if let Ok(at) = place.parse::<HostPort>() {
            errand.done(Place { at, key: Redacted::new(key.to_owned()) });
        }
    }

    /// The server would not open what we asked for.
    pub(super) fn not_opened(&mut self, command: &Command, io: &mut Io<'_>) {
        io.out.withhold();
        self.rings.asked.remove(&command.transaction());
    }
}

/// Tells the sender that a message is not shown.
fn refuse(envelope: &Envelope, why: Failure, io: &mut Io<'_>) {
    if !envelope.from.is_control() {
        io.send(envelope.from.clone(), Body::Undelivered { of: envelope.id, why });
    }
}
