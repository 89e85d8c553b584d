//! A switchboard: one conversation, of own and foreign people.
//!
//! The server knows of the conversation but never of the foreign people in it: who calls them is
//! answered here, and what is said reaches the server only while somebody of its own is there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crosstalk_core::{
    Address, Body, Envelope, EnvelopeId, Event, Failure, Fault, Kin, Side, Typing,
};

use super::desk::{Invitation, Io, spelling};
use super::message::{self, Content};
use super::wire::{Command, encode, with_payload};

/// The most foreign people in one conversation.
const MAX_GUESTS: usize = 20;
/// How many messages a failure can still be joined to.
const REMEMBERED: usize = 64;
/// The errors of calling somebody who is not online, and who cannot be.
const OFFLINE: &str = "217";
const NO_SUCH_NAME: &str = "208";

/// One conversation of a person.
pub(super) struct Switchboard {
    invitation: Invitation,
    /// The client's ANS to a ring of ours, before the server let us in.
    answering: Option<u32>,
    /// The server let us in.
    open: bool,
    /// Own people in the conversation.
    own: BTreeSet<String>,
    /// Foreign ones, with the names that the client knows them by.
    guests: BTreeMap<Address, String>,
    /// What was sent and awaits no answer: the client's transaction, and whether it wants to
    /// hear of failures only.
    sent: VecDeque<(EnvelopeId, u32, bool)>,
}

impl Switchboard {
    pub(super) fn new(invitation: Invitation) -> Self {
        Self {
            invitation,
            answering: None,
            open: false,
            own: BTreeSet::new(),
            guests: BTreeMap::new(),
            sent: VecDeque::new(),
        }
    }

    /// Takes the client's first command. For a conversation that we had the server open, the
    /// client answers a ring, but to the server it opens it.
    pub(super) fn begin(mut self, command: &Command, io: &mut Io<'_>) -> Self {
        if self.invitation.rung_by.is_some() && command.verb() == "ANS" {
            self.answering = Some(command.transaction());
            io.out.withhold();
            let (id, name, key) = (command.word(1), command.word(2), command.word(3));
            io.out.insert(Side::Server, format!("USR {id} {name} {key}\r\n"));
        } else {
            io.out.forward(Side::Server, command.raw.clone());
        }
        self
    }

    pub(super) fn command(
        &mut self,
        side: Side,
        command: Command,
        io: &mut Io<'_>,
    ) -> Result<(), Fault> {
        let forward = match side {
            Side::Client => self.client(&command, io)?,
            Side::Server => self.server(&command, io)?,
        };
        if forward {
            io.out.forward(side.other(), command.raw);
        }
        Ok(())
    }

    /// Returns whether the server is to have the command.
    fn client(&mut self, command: &Command, io: &mut Io<'_>) -> Result<bool, Fault> {
        match command.verb() {
            "CAL" => self.call(command, io),
            "MSG" => Ok(self.message_out(command, io)),
            _ => Ok(true),
        }
    }

    /// Returns whether the client is to have the command.
    fn server(&mut self, command: &Command, io: &mut Io<'_>) -> Result<bool, Fault> {
        match command.verb() {
            "USR" if self.answering.is_some() => {
                io.out.withhold();
                self.let_in(command, io)?;
                return Ok(false);
            }
            "USR" | "ANS" => self.open = true,
            "IRO" => drop(self.own.insert(command.word(4).to_ascii_lowercase())),
            "JOI" => drop(self.own.insert(command.word(1).to_ascii_lowercase())),
            "BYE" => drop(self.own.remove(&command.word(1).to_ascii_lowercase())),
            _ => {}
        }
        Ok(true)
    }

    /// The server opened the conversation for a ring of ours: the client finds in it who rang,
    /// and what was said.
    fn let_in(&mut self, command: &Command, io: &mut Io<'_>) -> Result<(), Fault> {
        let Some(id) = self.answering.take() else { return Ok(()) };
        if command.word(2) != "OK" {
            return Err(Fault::server("it did not open a conversation that it named"));
        }
        self.open = true;
        let Some(by) = self.invitation.rung_by.clone() else { return Ok(()) };
        let Some((name, nick)) = self.shown(&by, io) else { return Ok(()) };
        io.tell(format!("IRO {id} 1 1 {name} {}", encode(&nick)));
        io.tell(format!("ANS {id} OK"));
        self.welcome(by.clone(), name, io);
        let waiting = self.invitation.desk.open().answer(&by);
        for envelope in &waiting {
            self.deliver(envelope, io);
        }
        Ok(())
    }

    fn welcome(&mut self, guest: Address, name: String, io: &mut Io<'_>) {
        self.guests.insert(guest, name);
        io.out.emit(Event::Converse {
            user: self.invitation.user.clone(),
            endpoint: self.invitation.endpoint.clone(),
            with: self.guests.keys().cloned().collect(),
        });
    }

    /// The name and nick under which the client knows `address`.
    fn shown(&self, address: &Address, io: &Io<'_>) -> Option<(String, String)> {
        if let Some(known) = self.invitation.desk.open().people.get(address) {
            return Some((known.spelling.clone(), known.nick.clone()));
        }
        let name = spelling(None, address, &io.context.names)?;
        Some((name.clone(), name))
    }

    /// `CAL n who`: the client calls somebody in.
    fn call(&mut self, command: &Command, io: &mut Io<'_>) -> Result<bool, Fault> {
        let (id, who) = (command.word(1), command.word(2));
        let guest = match io.kin(who) {
            Kin::Own => return Ok(true),
            Kin::Nowhere => {
                io.out.withhold();
                io.tell(format!("{NO_SUCH_NAME} {id}"));
                return Ok(false);
            }
            Kin::Foreign(guest) => guest,
        };
        io.out.withhold();
        if !self.open {
            return Err(Fault::client("it called somebody before the conversation was open"));
        }
        let known = self.invitation.desk.open().people.get(&guest).cloned();
        let offline = known.as_ref().is_some_and(|k| !k.online) && !guest.is_control();
        if offline || self.guests.len() >= MAX_GUESTS {
            io.tell(format!("{OFFLINE} {id}"));
            return Ok(false);
        }
        let nick = known.map_or_else(|| who.to_owned(), |k| k.nick);
        io.tell(format!("CAL {id} RINGING 1234567"));
        io.tell(format!("JOI {who} {}", encode(&nick)));
        self.welcome(guest, who.to_owned(), io);
        Ok(false)
    }

    /// `MSG n U|N|A|D length`: what the client says.
    fn message_out(&mut self, command: &Command, io: &mut Io<'_>) -> bool {
        if self.guests.is_empty() {
            return true;
        }
        let body = match Content::read(command.payload()) {
            Content::Text(text) => Some(Body::Text { text, auto: false }),
            Content::Typing => Some(Body::Typing(Typing::Active)),
            Content::Nudge => Some(Body::Attention),
            Content::Other => None,
        };
        // Transfers and the like name whom they are for.
        let payload = String::from_utf8_lossy(command.payload()).to_ascii_lowercase();
        let named = |name: &String| payload.contains(&name.to_ascii_lowercase());
        let for_guest = body.is_none() && self.guests.values().any(named);
        let failures_only = command.word(2) == "N";
        let guests = self.guests.keys().cloned().collect::<Vec<_>>();
        for (guest, body) in guests.into_iter().zip(std::iter::repeat(body)) {
            let Some(body) = body else { continue };
            let id = io.send(guest, body);
            if self.sent.len() >= REMEMBERED {
                self.sent.pop_front();
            }
            self.sent.push_back((id, command.transaction(), failures_only));
        }
        if !self.own.is_empty() && !for_guest {
            return true;
        }
        io.out.withhold();
        if matches!(command.word(2), "A" | "D") {
            io.tell(format!("ACK {}", command.word(1)));
        }
        false
    }

    /// Something that a guest says, or that became of what was said to one.
    pub(super) fn deliver(&mut self, envelope: &Envelope, io: &mut Io<'_>) {
        let Some(name) = self.guests.get(&envelope.from).cloned() else { return };
        let payloads = match &envelope.body {
            Body::Text { text, .. } => message::texts(text),
            Body::Attention => vec![message::nudge()],
            Body::Typing(Typing::Active) => vec![message::typing(&name)],
            Body::Undelivered { of, why } => self.undelivered(*of, *why, io),
            _ => return,
        };
        let nick = self.shown(&envelope.from, io).map_or_else(|| name.clone(), |(_, nick)| nick);
        let head = format!("MSG {name} {}", encode(&nick));
        for payload in payloads {
            io.out.insert(Side::Client, with_payload(&head, &payload));
        }
    }

    /// Tells of a failure by NAK where the client waits for one, and else in words.
    fn undelivered(&mut self, of: EnvelopeId, why: Failure, io: &mut Io<'_>) -> Vec<String> {
        let sent = self.sent.iter().find(|(id, ..)| *id == of).copied();
        if let Some((_, transaction, true)) = sent {
            io.tell(format!("NAK {transaction}"));
            return Vec::new();
        }
        message::texts(&format!("[CrossTalk: this was not delivered: {why}.]").into())
    }
}
