//! What is said in a conversation.

use crosstalk_core::{Body, Envelope, EnvelopeId, Failure, Side, Typing};

use super::super::desk::Io;
use super::super::message::{self, Content};
use super::super::wire::{Command, encode, with_payload};
use super::Switchboard;

/// How many messages a failure can still be joined to.
const REMEMBERED: usize = 64;

impl Switchboard {
    /// `MSG n U|N|A|D length`: what the client says. Returns whether the server is to have it.
    pub(super) fn message_out(&mut self, command: &Command, io: &mut Io<'_>) -> bool {
        if self.guests.is_empty() {
            return self.without_guests(command, io);
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
