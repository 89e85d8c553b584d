//! What is said in a conversation.

use crosstalk_core::{Body, Envelope, EnvelopeId, Failure, Side, Typing};

use super::super::desk::Io;
use super::super::message::{self, Content};
use super::super::wire::{Command, encode, with_payload};
use super::Switchboard;

/// How many messages are waited for at a time.
const REMEMBERED: usize = 256;

/// A message of which the client wants to hear what became.
pub(super) struct Sent {
    transaction: u32,
    wants: Wants,
    /// To how many it went, and which did not arrive yet.
    copies: usize,
    waiting: Vec<EnvelopeId>,
}

/// What a client wants to hear of a message: the letter in its MSG.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// `U`; and of what the server has too, which answers for it.
    Nothing,
    /// `N`: a NAK where it failed.
    Failure,
    /// `A` and `D`: that, and an ACK where it arrived.
    Both,
}

impl Wants {
    fn read(letter: &str) -> Self {
        match letter {
            "N" => Self::Failure,
            "A" | "D" => Self::Both,
            _ => Self::Nothing,
        }
    }
}

impl Switchboard {
    /// `MSG n U|N|A|D length`: what the client says. Returns whether the server is to have it.
    pub(super) fn message_out(&mut self, command: &Command, io: &mut Io<'_>) -> bool {
        if self.guests.is_empty() {
            return self.without_guests(command, io);
        }
        let Some(payload) = self.chunks.take(command.payload()) else {
            return self.part_out(command, io);
        };
        let body = Content::read(&payload).body();
        // Transfers and the like name whom they are for.
        let payload = String::from_utf8_lossy(command.payload()).to_ascii_lowercase();
        let named = |name: &String| payload.contains(&name.to_ascii_lowercase());
        let for_guest = body.is_none() && self.guests.values().any(named);
        let for_server = !self.own.is_empty() && !for_guest;
        let wants = if for_server { Wants::Nothing } else { Wants::read(command.word(2)) };
        let waiting = body.map(|body| self.say(&body, io)).unwrap_or_default();
        if for_server {
            return true;
        }
        io.out.withhold();
        if waiting.is_empty() && wants == Wants::Both {
            io.tell(format!("ACK {}", command.word(1)));
        } else if !waiting.is_empty() && wants != Wants::Nothing {
            if self.sent.len() >= REMEMBERED {
                self.sent.pop_front();
            }
            let (transaction, copies) = (command.transaction(), self.guests.len());
            self.sent.push_back(Sent { transaction, wants, copies, waiting });
        }
        false
    }

    /// A part of a message that is not whole yet: it is said when its last part comes.
    fn part_out(&self, command: &Command, io: &mut Io<'_>) -> bool {
        let for_server = !self.own.is_empty();
        if !for_server {
            io.out.withhold();
            if Wants::read(command.word(2)) == Wants::Both {
                io.tell(format!("ACK {}", command.word(1)));
            }
        }
        for_server
    }

    /// Says something to every guest. Returns what there will be news of.
    fn say(&self, body: &Body, io: &mut Io<'_>) -> Vec<EnvelopeId> {
        let mut waiting = Vec::new();
        for guest in self.guests.keys() {
            let id = io.send(guest.clone(), body.clone());
            if matches!(body, Body::Text { .. } | Body::Attention) && !guest.is_control() {
                waiting.push(id);
            }
        }
        waiting
    }

    /// What is said where no guest is: for the server's people, or for nobody.
    fn without_guests(&self, command: &Command, io: &mut Io<'_>) -> bool {
        if self.server.has_client() {
            return true;
        }
        io.out.withhold();
        if command.word(2) != "U" {
            io.tell(format!("NAK {}", command.word(1)));
        }
        false
    }

    /// Something that a guest says, or that became of what was said to one.
    pub(in super::super) fn deliver(&mut self, envelope: &Envelope, io: &mut Io<'_>) {
        let Some(name) = self.guests.get(&envelope.from).cloned() else { return };
        let payloads = match &envelope.body {
            Body::Text { text, .. } if envelope.is_delayed(io.now.wall) => {
                message::late_texts(text, envelope.sent_at)
            }
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

    /// A message arrived at one of those to whom it was sent.
    pub(in super::super) fn delivered(&mut self, id: EnvelopeId, io: &mut Io<'_>) {
        let Some(at) = self.sent.iter().position(|s| s.waiting.contains(&id)) else { return };
        let Some(sent) = self.sent.get_mut(at) else { return };
        sent.waiting.retain(|waiting| *waiting != id);
        if sent.waiting.is_empty() {
            let (transaction, wants) = (sent.transaction, sent.wants);
            self.sent.remove(at);
            if wants == Wants::Both {
                io.tell(format!("ACK {transaction}"));
            }
        }
    }

    /// Tells of a failure by NAK where the client waits for one and it is for one guest, and else
    /// in words. NAK and ACK say what became of it; where that is not known, neither is said.
    fn undelivered(&mut self, of: EnvelopeId, why: Failure, io: &mut Io<'_>) -> Vec<String> {
        let sent = self.sent.iter().position(|s| s.copies == 1 && s.waiting.contains(&of));
        match sent.and_then(|at| self.sent.remove(at)) {
            Some(_) if why == Failure::Unconfirmed => {}
            Some(sent) => {
                io.tell(format!("NAK {}", sent.transaction));
                return Vec::new();
            }
            None => self.delivered(of, io),
        }
        message::texts(&format!("[CrossTalk: this {}: {why}.]", why.outcome()).into())
    }
}
