//! Messages (RFC 6121, section 5) to foreign people and from them.

pub(super) mod body;
pub(super) mod corrections;
pub(super) mod handed_over;
pub(super) mod resent;
pub(super) mod sent;

use crosstalk_core::{
    Address, Body, Detail, Details, Envelope, EnvelopeId, Event, Failure, Fault, Now, Outgoing,
    RichText, Typing,
};

use self::sent::Sent;
use crate::common::time::timestamp;
use crate::xmpp::account::Account;
use crate::xmpp::content::{self, Fate};
use crate::xmpp::context::Cx;
use crate::xmpp::jid;
use crate::xmpp::wire::ns;
use crate::xmpp::wire::xml::Element;
use body::with_correction;
pub use body::{text, with_text};

impl Account {
    /// The client sends a message to a foreign person.
    pub(in crate::xmpp) fn message_to(
        &mut self,
        to: &Address,
        stanza: &Element,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let kind = stanza.attr("type").unwrap_or("normal");
        if kind == "groupchat" {
            return self.refuse(&stanza.head(), "service-unavailable", cx);
        }
        let fate = if kind == "error" { Fate::Nothing } else { content::fate(stanza) };
        if let Fate::Refused(why) = fate {
            let error = ("feature-not-implemented", why);
            return cx.refuse(&stanza.head(), error, Some(&self.full));
        }
        cx.keep()?;
        let id = stanza.attr("id").unwrap_or_default().to_owned();
        if kind == "error" {
            return Ok(());
        }
        if cx.link.acks.is_some() || self.repeats.may_come() {
            // Counted by `keep` before: the mark gets the place of this stanza.
            let mark = resent::mark(to, stanza);
            if let Some(acks) = &mut cx.link.acks {
                acks.took(mark);
            }
            if self.repeats.take(mark) {
                return Ok(());
            }
        }
        if typing(stanza).is_some() {
            self.learn_typing(to);
        }
        if let Fate::Said(text) = fate {
            // What a client sends by itself repeats the name that it was shown.
            self.spellings.learn(&cx.link.naming, to, stanza.attr("to").unwrap_or_default());
            let envelope = cx.context.ids.next_id();
            self.sent.remember(Sent {
                id: envelope,
                to: to.clone(),
                stanza: id,
                receipt: stanza.get("request", ns::RECEIPTS).is_some(),
                markable: stanza.get("markable", ns::MARKERS).is_some(),
            });
            let body = Body::Text { text, auto: false };
            cx.emit(Event::Send(Outgoing {
                id: envelope,
                to: to.clone(),
                body,
                details: details(stanza, &self.full),
            }));
        } else if let Some(state) = typing(stanza) {
            cx.send(to.clone(), Body::Typing(state));
        }
        if stanza.get("attention", ns::ATTENTION).is_some() {
            cx.send(to.clone(), Body::Attention);
        }
        // One of each kind is what there can be a reason for.
        for (of, displayed) in receipts(stanza).take(2) {
            cx.send(to.clone(), Body::Receipt { of, displayed });
        }
        Ok(())
    }

    /// Something for the person behind the client.
    pub(in crate::xmpp) fn deliver(
        &mut self,
        envelope: Envelope,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        if let Body::Contact(_) = envelope.body
            && !self.own.available
        {
            self.wait_for_presence(envelope);
            return Ok(());
        }
        let from = &envelope.from;
        if let (Body::Text { .. }, Some(details)) = (&envelope.body, &envelope.details) {
            self.corrections.learn(&envelope.from, details, envelope.id);
        }
        let mark = handed_over::mark(&envelope);
        let acks = cx.link.acks.as_ref();
        // On this connection too: it may be broken and the gateway know that first.
        let is_logged = |mark| acks.is_some_and(|acks| acks.has_handed_over(mark));
        if mark.is_some_and(|mark| self.handed_over.has(mark) || is_logged(mark)) {
            return Ok(());
        }
        let stanza = match &envelope.body {
            Body::Contact(step) => {
                let nickname = envelope.details.as_ref().and_then(|d| d.nickname.as_ref());
                return self.consent_from(from, step, nickname, cx);
            }
            Body::Typing(_) if !self.understands_typing(from) => {
                return self.ask_about_typing(cx);
            }
            Body::Typing(state) => self.message(&envelope, cx).child(chat_state(*state)),
            Body::Text { text, auto } => self.text_message(&envelope, (text, *auto), cx),
            Body::Attention => self
                .message(&envelope, cx)
                .child(Element::new("attention", ns::ATTENTION))
                .child(Element::new("body", ns::CLIENT).say("Attention!")),
            Body::Receipt { of, displayed } => {
                let receipt = self.receipt(&envelope, (*of, *displayed), cx);
                let Some(receipt) = receipt else { return Ok(()) };
                receipt
            }
            Body::Undelivered { of, why } => {
                let Some(error) = self.undelivered(*of, *why, cx) else {
                    cx.emit(Event::Unshown(envelope));
                    return Ok(());
                };
                error
            }
        };
        cx.say(&stanza)?;
        if let (Some(mark), Some(acks)) = (mark, &mut cx.link.acks) {
            acks.handed_over(mark);
        }
        let is_of_a_person = !envelope.from.is_control();
        let is_text = matches!(envelope.body, Body::Text { .. });
        if is_text && is_of_a_person { self.ask_about_typing(cx) } else { Ok(()) }
    }

    /// A message the person sent from another session (XEP-0280).
    pub(in crate::xmpp) fn carbon(
        &mut self,
        envelope: &Envelope,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let (true, Body::Text { text, .. }) = (self.carbons, &envelope.body) else {
            return Ok(());
        };
        let details = envelope.details.as_deref();
        let id = details.and_then(|details| details.message_id.as_ref());
        let from = details.and_then(|details| details.endpoint.as_ref());
        let from = from.map_or_else(
            || self.bare().to_owned(),
            |resource| format!("{}/{}", self.bare(), resource.as_str()),
        );
        let message = Element::new("message", ns::CLIENT)
            .with("type", "chat")
            .with("id", id.map_or_else(|| envelope.id.to_string(), |id| id.as_str().to_owned()))
            .with("from", from)
            .with("to", self.bare_of(&cx.link.naming, &envelope.to));
        // All sessions of one person know its messages by the same ids.
        let replaced = details.and_then(|details| details.replaces.as_ref());
        let message = with_correction(message, text, replaced.map(|id| id.as_str().to_owned()));
        let forwarded = Element::new("forwarded", ns::FORWARD).children(delay(cx.now, envelope));
        let sent = Element::new("sent", ns::CARBONS).child(forwarded.child(message));
        let copy = Element::new("message", ns::CLIENT)
            .with("type", "chat")
            .with("from", self.bare())
            .with("to", &self.full)
            .child(sent);
        cx.say(&copy)
    }

    /// The frame of a message that brings `envelope`.
    fn message(&self, envelope: &Envelope, cx: &Cx<'_>) -> Element {
        Element::new("message", ns::CLIENT)
            .with("type", "chat")
            .with("id", envelope.id.to_string())
            .with("from", self.full_of(&cx.link.naming, &envelope.from))
            .with("to", &self.full)
    }

    fn text_message(
        &self,
        envelope: &Envelope,
        (text, auto): (&RichText, bool),
        cx: &Cx<'_>,
    ) -> Element {
        let wanted = [("request", ns::RECEIPTS), ("markable", ns::MARKERS)];
        let wanted = wanted.into_iter().filter(|_| !auto && !envelope.from.is_control());
        let marks = std::iter::once(("active", ns::CHAT_STATES)).chain(wanted);
        let marks = marks.map(|(name, ns)| Element::new(name, ns));
        let details = envelope.details.as_deref();
        let replaced = details.and_then(|d| self.corrections.replaced(&envelope.from, d));
        let replaced = replaced.map(|id| id.to_string());
        let message = with_correction(self.message(envelope, cx), text, replaced);
        message.children(marks.chain(delay(cx.now, envelope)))
    }

    /// A receipt for a message whose client asked for such.
    fn receipt(
        &self,
        envelope: &Envelope,
        (of, displayed): (EnvelopeId, bool),
        cx: &Cx<'_>,
    ) -> Option<Element> {
        let sent = self.sent.get(of)?;
        let (name, ns) = if displayed && sent.markable {
            ("displayed", ns::MARKERS)
        } else if !displayed && sent.receipt {
            ("received", ns::RECEIPTS)
        } else {
            return None;
        };
        Some(self.message(envelope, cx).child(Element::new(name, ns).with("id", &sent.stanza)))
    }

    /// The error that answers a message which could not be delivered.
    fn undelivered(&self, of: EnvelopeId, why: Failure, cx: &Cx<'_>) -> Option<Element> {
        let sent = self.sent.get(of)?;
        let (kind, condition) = match why {
            Failure::NoSuchUser => ("cancel", "item-not-found"),
            Failure::Refused => ("cancel", "policy-violation"),
            // RFC 6120, 8.3.3.16: no answer in time, which leaves open what became of it.
            Failure::Unconfirmed => ("wait", "remote-server-timeout"),
            _ => ("wait", "recipient-unavailable"),
        };
        let reason = match why {
            // The error itself says of all others that they were not delivered.
            Failure::Unconfirmed => why.of_this_message(),
            _ => why.to_string(),
        };
        let error = Element::new("error", ns::CLIENT)
            .with("type", kind)
            .child(Element::new(condition, ns::STANZAS))
            .child(Element::new("text", ns::STANZAS).say(reason));
        let message = Element::new("message", ns::CLIENT)
            .with("type", "error")
            .with("id", &sent.stanza)
            .with("from", self.bare_of(&cx.link.naming, &sent.to))
            .with("to", &self.full);
        Some(message.child(error))
    }
}

/// Time at which an old message was sent (XEP-0203).
fn delay(now: Now, envelope: &Envelope) -> Option<Element> {
    let stamp = || timestamp(envelope.sent_at);
    let delayed = envelope.is_delayed(now.wall);
    delayed.then(|| Element::new("delay", ns::DELAY).with("stamp", stamp()))
}

/// Details of a text that the session `full` sends, which only Jabber knows.
fn details(stanza: &Element, full: &str) -> Option<Box<Details>> {
    let is_private = stanza.get("private", ns::CARBONS).is_some();
    let replaced = stanza.get("replace", ns::CORRECT).and_then(|replace| replace.attr("id"));
    Details {
        message_id: stanza.attr("id").and_then(Detail::new),
        replaces: replaced.and_then(Detail::new),
        endpoint: jid::resource(full).and_then(Detail::new),
        nickname: None,
        no_copy: is_private || stanza.get("no-copy", ns::HINTS).is_some(),
    }
    .boxed()
}

fn typing(stanza: &Element) -> Option<Typing> {
    let state = stanza.elements().find(|e| e.ns() == ns::CHAT_STATES)?;
    match state.name() {
        "composing" => Some(Typing::Active),
        "paused" => Some(Typing::Paused),
        "active" | "inactive" | "gone" => Some(Typing::Idle),
        _ => None,
    }
}

fn chat_state(typing: Typing) -> Element {
    let name = match typing {
        Typing::Active => "composing",
        Typing::Paused => "paused",
        Typing::Idle => "active",
    };
    Element::new(name, ns::CHAT_STATES)
}

/// The messages of ours that the client says it got or showed (XEP-0184, XEP-0333).
fn receipts(stanza: &Element) -> impl Iterator<Item = (EnvelopeId, bool)> {
    stanza.elements().filter_map(|e| {
        let displayed = match (e.name(), e.ns()) {
            ("received", ns::RECEIPTS) => false,
            ("displayed" | "acknowledged", ns::MARKERS) => true,
            _ => return None,
        };
        let id = e.attr("id").filter(|id| id.len() == 32)?;
        Some((EnvelopeId(u128::from_str_radix(id, 16).ok()?), displayed))
    })
}
