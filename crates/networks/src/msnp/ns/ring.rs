//! A foreign person writes first: the server opens a switchboard, and the client is rung to it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Envelope, Event, Failure, Side, Standing};

use super::super::desk::Io;
use super::super::wire::{Command, encode};
use super::Session;

/// How long a client may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first of our transactions with the server, far above those of clients.
const FIRST: u32 = 900_001;

/// Rings that are not answered, and switchboards asked for.
#[derive(Default)]
pub(super) struct Rings {
    opened: u32,
    /// Whom each transaction of ours is for.
    asked: BTreeMap<u32, Address>,
    until: BTreeMap<Address, Instant>,
}

impl Rings {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.until.values().min().copied()
    }

    /// Whether a command of the server answers us and not the client.
    pub(super) fn is_ours(&self, command: &Command) -> bool {
        self.asked.contains_key(&command.transaction())
    }

    fn begin(&mut self, by: &Address, until: Instant) -> u32 {
        let transaction = FIRST + self.opened % 1_000_000;
        self.opened = self.opened.wrapping_add(1);
        self.asked.insert(transaction, by.clone());
        self.until.insert(by.clone(), until);
        transaction
    }
}

impl Session {
    /// A message for which no conversation is open.
    pub(super) fn message_in(&mut self, envelope: Envelope, io: &mut Io<'_>) {
        let from = envelope.from.clone();
        let granted = self.contact(&from).is_some_and(|c| c.from == Standing::Granted);
        if self.allow_only && !granted && !from.is_control() {
            return refuse(&envelope, Failure::Refused, io);
        }
        if self.shown(&from, io).is_none() {
            return io.out.emit(Event::Unshown(envelope));
        }
        let rung = self.desk.open().rings(&from);
        if !self.desk.open().wait(envelope.clone()) {
            return refuse(&envelope, Failure::Busy, io);
        }
        if !rung && self.own.is_shown() {
            self.ring(&from, io);
        }
    }

    /// Rings for everybody who wrote before the client was ready.
    pub(super) fn ring_all(&mut self, io: &mut Io<'_>) {
        let ringing = self.desk.open().ringing();
        for from in ringing {
            self.ring(&from, io);
        }
    }

    fn ring(&mut self, from: &Address, io: &mut Io<'_>) {
        let transaction = self.rings.begin(from, io.later(PATIENCE));
        io.out.insert(Side::Server, format!("XFR {transaction} SB\r\n"));
    }

    /// The server opened what we asked for: `XFR n SB place CKI key`.
    pub(super) fn opened(&mut self, command: &Command, io: &mut Io<'_>) {
        io.out.withhold();
        let transaction = command.transaction();
        let Some(by) = self.rings.asked.remove(&transaction) else { return };
        let (Some((name, nick)), Some(invitation)) =
            (self.shown(&by, io), self.invitation(Some(by.clone())))
        else {
            return;
        };
        let (place, key) = (command.word(3), command.word(5));
        io.expect(key, place, invitation);
        let shown = io.place(place);
        io.tell(format!("RNG {transaction} {shown} CKI {key} {name} {}", encode(&nick)));
    }

    /// The server would not open what we asked for.
    pub(super) fn not_opened(&mut self, command: &Command, io: &mut Io<'_>) {
        io.out.withhold();
        if let Some(by) = self.rings.asked.remove(&command.transaction()) {
            self.rings.until.remove(&by);
            self.give_back(&by, Failure::Busy, io);
        }
    }

    /// Gives back the messages whose ring was not answered in time.
    pub(super) fn unanswered(&mut self, io: &mut Io<'_>) {
        let late = |until: &Instant| *until <= io.now.instant;
        let over: Vec<Address> =
            self.rings.until.iter().filter(|(_, u)| late(u)).map(|(a, _)| a.clone()).collect();
        for by in over {
            self.rings.until.remove(&by);
            self.rings.asked.retain(|_, asked| *asked != by);
            self.give_back(&by, Failure::Offline, io);
        }
    }

    fn give_back(&self, by: &Address, why: Failure, io: &mut Io<'_>) {
        let waiting = self.desk.open().answer(by);
        for envelope in &waiting {
            refuse(envelope, why, io);
        }
    }
}

/// Tells the sender that a message is not shown.
fn refuse(envelope: &Envelope, why: Failure, io: &mut Io<'_>) {
    if !envelope.from.is_control() {
        io.send(envelope.from.clone(), Body::Undelivered { of: envelope.id, why });
    }
}
