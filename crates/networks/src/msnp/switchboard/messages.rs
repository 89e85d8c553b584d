//! Messages in a conversation.

use crosstalk_core::{Body, Envelope, EnvelopeId, Failure, Side, Typing};

use super::{Guest, Switchboard};
use crate::msnp::content::{self, Content};
use crate::msnp::context::Cx;
use crate::msnp::foreign_names::is_foreign;
use crate::msnp::foreign_names::passport;
use crate::msnp::message_chunks::{Told, Whole};
use crate::msnp::offers;
use crate::msnp::wire::{Command, encode};

/// Limit of the messages that are waited for at a time, and of the bytes that are kept of them.
const REMEMBERED: usize = 256;
const MAX_SENT: usize = 64 << 10;

/// A message of which the client wants to hear what became.
pub(super) struct Sent {
    /// The MSG that it came in.
    told: Vec<Told>,
    /// Number of people it went to, and those whom it has not reached yet.
    copies: usize,
    waiting: Vec<EnvelopeId>,
}

impl Sent {
    pub(super) fn weight(&self) -> usize {
        let told = self.told.len() * size_of::<Told>();
        size_of::<Self>() + told + self.waiting.len() * size_of::<EnvelopeId>()
    }
}

/// `U`: nothing is to be heard of a message; `N`: a NAK where it failed; `A` and `D`: that, and an
/// ACK where it arrived.
impl Told {
    fn read(command: &Command) -> Self {
        let letter = command.word(2).bytes().next().unwrap_or(b'U');
        Self { transaction: command.transaction(), letter }
    }

    const fn wants_failure(&self) -> bool {
        matches!(self.letter, b'N' | b'A' | b'D')
    }

    const fn wants_both(&self) -> bool {
        matches!(self.letter, b'A' | b'D')
    }
}

impl Switchboard {
    /// `MSG n U|N|A|D length`: what the client says. Returns whether the server is to have it.
    pub(super) fn message_out(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        let told = Told::read(command);
        let content = Content::read(command.payload());
        let is_text = matches!(content, Content::Text(_));
        // Transfers and the like name whom they are for.
        let for_guest = !is_text && is_foreign(&String::from_utf8_lossy(command.payload()), cx);
        if self.guests.is_empty() {
            return self.without_guests(&told, for_guest, cx);
        }
        let for_server = !self.own.is_empty() && !for_guest;
        if !for_server {
            cx.out.withhold();
        }
        for whole in self.chunks.take(command.payload(), told, cx.now.instant) {
            self.say_whole(whole, for_server, cx);
        }
        for_server
    }

    /// Says what was begun and not ended, as far as it came.
    pub(super) fn say_late(&mut self, late: Vec<Whole<'static>>, cx: &mut Cx<'_>) {
        for whole in late {
            // What the server's people were told they have.
            self.say_whole(whole, !self.own.is_empty(), cx);
        }
    }

    /// Shows guests what the client says, or refuses it. Of what the server has too, it says itself
    /// what became.
    fn say_whole(&mut self, whole: Whole<'_>, for_server: bool, cx: &mut Cx<'_>) {
        // What goes to the server too is acknowledged by the server.
        let told = if for_server { Vec::new() } else { whole.told };
        match Content::read(&whole.payload) {
            Content::Frame | Content::Invitation if for_server => {}
            Content::Frame => self.decline(&whole.payload, &told, cx),
            Content::Invitation => self.reject(&whole.payload, &told, cx),
            Content::Technical => acknowledge(&told, cx),
            Content::Unshown(what) => {
                let is_told = refuse(&told, cx);
                if !is_told {
                    let words = format!("[CrossTalk: {what} cannot be shown on another network.]");
                    self.notice(&words, cx);
                }
            }
            Content::Unknown => {
                refuse(&told, cx);
            }
            content => {
                let Some(body) = content.body() else { return };
                let waiting = self.say(&body, cx);
                self.remember(told, waiting, cx);
            }
        }
    }

    /// Waits for news of a message, where its client wants any.
    fn remember(&mut self, told: Vec<Told>, waiting: Vec<EnvelopeId>, cx: &mut Cx<'_>) {
        if waiting.is_empty() {
            return acknowledge(&told, cx);
        }
        if !told.iter().any(Told::wants_failure) {
            return;
        }
        let sent = Sent { told, copies: self.guests.len(), waiting };
        self.sent_bytes += sent.weight();
        self.sent.push_back(sent);
        while self.sent.len() > REMEMBERED || self.sent_bytes > MAX_SENT {
            let Some(oldest) = self.sent.pop_front() else { return };
            self.sent_bytes -= oldest.weight();
        }
    }

    /// Declines what the client offers a guest, in the guest's name.
    fn decline(&mut self, payload: &[u8], told: &[Told], cx: &mut Cx<'_>) {
        let (head, _) = content::parts(payload);
        let to = passport(content::field(&head, "p2p-dest").unwrap_or_default());
        let guest = self.guests.values().find(|guest| guest.name.eq_ignore_ascii_case(to));
        let Some(guest) = guest.cloned() else {
            // For somebody who is not here.
            refuse(told, cx);
            return;
        };
        acknowledge(told, cx);
        let number = u32::try_from((cx.context.random)() >> 100).unwrap_or_default();
        let me = passport(&self.entry.1);
        let frames = offers::decline(payload, &mut self.offer, me, &guest.name, number);
        for frame in frames.into_iter().flatten() {
            hears(&guest, &frame, cx);
        }
    }

    /// The same for an invitation of the older kind, which goes to everybody.
    fn reject(&self, payload: &[u8], told: &[Told], cx: &mut Cx<'_>) {
        acknowledge(told, cx);
        let Some(rejection) = offers::reject(payload) else { return };
        for guest in self.guests.values() {
            hears(guest, rejection.as_bytes(), cx);
        }
    }

    /// Tells the client something in the conversation, in the name of one who is in it.
    fn notice(&self, words: &str, cx: &mut Cx<'_>) {
        let Some(guest) = self.guests.values().next() else { return };
        for payload in content::texts(&words.into()) {
            hears(guest, payload.as_bytes(), cx);
        }
    }

    /// Says something to every guest. Returns what there will be news of.
    fn say(&self, body: &Body, cx: &mut Cx<'_>) -> Vec<EnvelopeId> {
        let mut waiting = Vec::new();
        for guest in self.guests.keys() {
            let id = cx.send(guest.clone(), body.clone());
            if matches!(body, Body::Text { .. } | Body::Attention) && !guest.is_control() {
                waiting.push(id);
            }
        }
        waiting
    }

    /// Handles a message where no guest is: it is for the server's people, or for nobody.
    fn without_guests(&self, told: &Told, for_guest: bool, cx: &mut Cx<'_>) -> bool {
        if self.server.has_client() && !for_guest {
            return true;
        }
        cx.out.withhold();
        refuse(std::slice::from_ref(told), cx);
        false
    }

    /// Something that a guest says, or that became of what was said to one.
    pub(in super::super) fn deliver(&mut self, envelope: Envelope, cx: &mut Cx<'_>) {
        let Some(guest) = self.guests.get(&envelope.from).cloned() else {
            // It was on its way when the client left.
            return cx.out.defer(envelope);
        };
        self.recent.note(&envelope, cx.now.instant);
        let payloads = match &envelope.body {
            Body::Text { text, .. } if envelope.is_delayed(cx.now.wall) => {
                content::late_texts(text, envelope.sent_at)
            }
            Body::Text { text, .. } => content::texts(text),
            Body::Attention => vec![content::nudge()],
            Body::Typing(Typing::Active) => vec![content::typing(&guest.name)],
            Body::Undelivered { of, why } => self.undelivered(*of, *why, cx),
            _ => return,
        };
        for payload in payloads {
            hears(&guest, payload.as_bytes(), cx);
        }
    }

    /// A message arrived at one of those to whom it was sent.
    pub(in super::super) fn delivered(&mut self, id: EnvelopeId, cx: &mut Cx<'_>) {
        let Some(at) = self.sent.iter().position(|s| s.waiting.contains(&id)) else { return };
        let Some(sent) = self.sent.get_mut(at) else { return };
        sent.waiting.retain(|waiting| *waiting != id);
        self.sent_bytes -= size_of::<EnvelopeId>();
        if sent.waiting.is_empty()
            && let Some(sent) = self.forget(at)
        {
            acknowledge(&sent.told, cx);
        }
    }

    fn forget(&mut self, at: usize) -> Option<Sent> {
        let sent = self.sent.remove(at)?;
        self.sent_bytes -= sent.weight();
        Some(sent)
    }

    /// Tells of a failure by NAK where the client waits for one and it is for one guest, and else
    /// in words. NAK and ACK say what became of it; where that is not known, neither is said.
    fn undelivered(&mut self, of: EnvelopeId, why: Failure, cx: &mut Cx<'_>) -> Vec<String> {
        let sent = self.sent.iter().position(|s| s.copies == 1 && s.waiting.contains(&of));
        match sent.and_then(|at| self.forget(at)) {
            // Neither acknowledged nor refused: either would claim to know.
            Some(_) if why == Failure::Unconfirmed => {}
            Some(sent) => {
                refuse(&sent.told, cx);
                return Vec::new();
            }
            None => self.delivered(of, cx),
        }
        content::texts(&format!("[CrossTalk: {}.]", why.of_this_message()).into())
    }
}

/// Gives the client a payload of a guest.
fn hears(guest: &Guest, payload: &[u8], cx: &mut Cx<'_>) {
    let Guest { name, nick } = guest;
    let head = format!("MSG {name} {} {}\r\n", encode(nick), payload.len());
    cx.out.insert(Side::Client, [head.as_bytes(), payload].concat());
}

fn acknowledge(told: &[Told], cx: &mut Cx<'_>) {
    for told in told.iter().filter(|told| told.wants_both()) {
        cx.show(format!("ACK {}", told.transaction));
    }
}

/// Says that something failed. Returns whether anybody wants to hear that.
fn refuse(told: &[Told], cx: &mut Cx<'_>) -> bool {
    for told in told.iter().filter(|told| told.wants_failure()) {
        cx.show(format!("NAK {}", told.transaction));
    }
    told.iter().any(Told::wants_failure)
}
