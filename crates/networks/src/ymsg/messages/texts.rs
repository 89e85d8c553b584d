//! Instant messages, typing and buzzes.

use crosstalk_core::{Address, Body, Envelope, Event, Failure, RichText, Typing};

use sha1::{Digest as _, Sha1};

use super::super::account::ANSWER;
use super::super::account::Account;
use super::super::context::Cx;
use super::super::foreign_names::receivers;
use super::super::wire::{Draft, Packet, charset, key, service};
use super::format;
use super::pieces;

/// The text of a buzz.
const BUZZ: &str = "<ding>";
/// The status of a message that waited at the server.
const STORED: u32 = 5;

impl Account {
    /// 0x06 and 0x17: `5=who 14=text 97=1`.
    pub(in crate::ymsg) fn message_out(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let bytes = packet.first(key::TEXT).unwrap_or_default();
        let message = cx.link.charset.read(bytes, packet.number(key::UTF8)).into_owned();
        let body = match message.trim() {
            BUZZ => Body::Attention,
            _ => Body::Text { text: format::read(&message), auto: false },
        };
        let is_empty = matches!(&body, Body::Text { text, .. } if text.is_empty());
        // With the text: a client may use a name again, for another message.
        let hash = |id| Sha1::new().chain_update(id).chain_update(b"\0").chain_update(bytes);
        let id = packet.first(key::MESSAGE_ID).map(|id| (id, hash(id).finalize().into()));
        let (mut body, mut receivers) = (Some(body), receivers(packet, cx).into_iter().peekable());
        while let Some(receiver) = receivers.next() {
            let to = match receiver {
                Ok(to) => to,
                Err(name) => {
                    let name = charset::read_name(&name);
                    self.note(&Failure::NoSuchUser.of_message_to(&name), cx);
                    continue;
                }
            };
            if let Some((id, digest)) = id {
                self.acknowledge(&to, id, cx);
                if !self.known_messages.is_new(&to, digest) {
                    continue;
                }
            }
            let said = if receivers.peek().is_some() { body.clone() } else { body.take() };
            if let Some(said) = said.filter(|_| !is_empty) {
                cx.send(to, said);
            }
        }
    }

    /// 0xFB, as the receiver's client sends it.
    fn acknowledge(&self, from: &Address, id: &[u8], cx: &mut Cx<'_>) {
        let Some(name) = self.name(from, cx) else { return };
        let draft = Draft::new(service::MESSAGE_ACK, ANSWER)
            .with(key::SENDER, name)
            .with(key::RECEIVER, &self.me);
        let draft = draft
            .with(key::BEGIN_LIST, "430")
            .with(key::ACKNOWLEDGED, id)
            .with(key::END_LIST, "430");
        cx.show(draft.with(key::ACKNOWLEDGED_PART, "0"));
    }

    /// A message or a buzz of a foreign person.
    pub(in crate::ymsg) fn message_in(&self, envelope: Envelope, cx: &mut Cx<'_>) {
        let Some(name) = self.name(&envelope.from, cx) else {
            return cx.emit(Event::Unshown(envelope));
        };
        let messages = match &envelope.body {
            Body::Text { text, .. } => pieces::messages(text),
            _ => vec![BUZZ.to_owned()],
        };
        let late = envelope.is_delayed(cx.now.wall);
        for message in messages {
            let status = if late { STORED } else { ANSWER };
            let mut draft = Draft::new(service::MESSAGE, status)
                .with(key::RECEIVER, &self.me)
                .with(key::SENDER, &name);
            if late {
                draft = draft.with(key::TIME, envelope.sent_at.secs().to_string());
            }
            let draft = cx.link.write(draft, key::TEXT, &message);
            cx.show(draft.with(key::IMVIRONMENT, ";0").with(key::HAS_IMVIRONMENT, "0"));
        }
    }

    /// Something the gateway has to say.
    pub(in crate::ymsg) fn note(&self, words: &str, cx: &mut Cx<'_>) {
        let Some(user) = self.sign_on.user().map(|user| user.name().clone()) else { return };
        let notice = cx.notice(user, RichText::plain(words));
        self.message_in(notice, cx);
    }

    pub(in crate::ymsg) fn typing_in(&self, from: &Address, typing: Typing, cx: &mut Cx<'_>) {
        let Some(name) = self.name(from, cx) else { return };
        let draft = Draft::new(service::NOTIFY, ANSWER)
            .with(key::RECEIVER, &self.me)
            .with(key::SENDER, name);
        let on = if typing == Typing::Active { "1" } else { "0" };
        cx.show(draft.with(key::SIGN, "TYPING").with(key::TEXT, " ").with(key::FLAG, on));
    }
}

/// Whether a sign is one of typing.
pub(in crate::ymsg) fn is_typing(packet: &Packet) -> bool {
    packet.first(key::SIGN).is_some_and(|kind| kind.eq_ignore_ascii_case(b"TYPING"))
}

/// 0x4B: `5=who 49=TYPING 13=1`.
pub(in crate::ymsg) fn typing_out(packet: &Packet, cx: &mut Cx<'_>) {
    let typing = if packet.number(key::FLAG) == Some(1) { Typing::Active } else { Typing::Idle };
    for to in receivers(packet, cx).into_iter().flatten() {
        cx.send(to, Body::Typing(typing));
    }
}
