//! Authorisation: the questions that clients ask and are asked.

use crosstalk_core::{Address, Body, Consent, Envelope, Event, NameClass, Subscription};

use super::account::ANSWER;
use super::account::Account;
use super::context::Cx;
use super::messages::pieces;
use super::wire::{Draft, Packet, key, service};

/// The status of a request, and before version 13 of a refusal.
const ASKS: u32 = 3;
const REFUSES: u32 = 7;
/// Value of key 13 that grants a request.
const YES: &str = "1";
const NO: &str = "2";

impl Account {
    /// Somebody asks to see the person.
    pub(super) fn request_in(&mut self, envelope: Envelope, cx: &mut Cx<'_>) {
        let Some(name) = self.name(&envelope.from, cx) else {
            return cx.emit(Event::Unshown(envelope));
        };
        if !self.asked.insert(envelope.from.clone()) {
            return;
        }
        let Body::Contact(Consent::Request(words)) = &envelope.body else { return };
        let words = pieces::front(words.text(), pieces::MAX_STATUS).to_owned();
        if cx.link.has_authorisation() {
            let draft = Draft::new(service::AUTHORISE, ASKS)
                .with(key::SENDER, name)
                .with(key::RECEIVER, &self.me);
            cx.show(cx.link.write(draft, key::TEXT, &words));
        } else {
            let draft = Draft::new(service::NEW_CONTACT, ASKS)
                .with(key::ID, &self.me)
                .with(key::OTHER, name);
            let time = envelope.sent_at.secs().to_string();
            cx.show(cx.link.write(draft, key::TEXT, &words).with(key::TIME, time));
            if !self.says_yes {
                cx.emit(Event::Unshown(envelope));
            }
        }
    }

    /// 0xD6 `5=who 13=1|2` and 0x86 `7=who`: the client's answers.
    pub(super) fn consent_out(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let yes =
            packet.service == service::AUTHORISE && packet.first(key::FLAG) == Some(YES.as_bytes());
        let who =
            packet.first(key::RECEIVER).or_else(|| packet.first(key::BUDDY)).unwrap_or_default();
        if let NameClass::Foreign(address) = cx.class_of(who) {
            self.answer_request(&address, yes, cx);
        }
    }

    /// The person lets somebody see their presence, or does not.
    pub(super) fn answer_request(&mut self, address: &Address, yes: bool, cx: &mut Cx<'_>) {
        let was_asked = self.asked.remove(address);
        let mut contact = self.draft(address, cx);
        let (standing, step) = if yes {
            (Subscription::Granted, Consent::Grant)
        } else {
            (Subscription::None, Consent::Revoke)
        };
        if was_asked || contact.from != standing {
            contact.from = standing;
            self.changed(&contact, cx);
            if yes {
                self.tell_presence_first(cx);
            }
            cx.send(address.clone(), Body::Contact(step));
        }
    }

    /// Somebody lets the person see the presence.
    pub(super) fn grant_in(&mut self, from: &Address, cx: &mut Cx<'_>) {
        if self.awaited.remove(from)
            && cx.link.has_authorisation()
            && let Some(name) = self.name(from, cx)
        {
            let draft = Draft::new(service::AUTHORISE, ANSWER)
                .with(key::SENDER, name)
                .with(key::RECEIVER, &self.me);
            cx.show(draft.with(key::FLAG, YES));
        }
    }

    /// Somebody does not. Only an answer is news; one who ends a friendship goes offline.
    pub(super) fn refusal_in(&mut self, from: &Address, cx: &mut Cx<'_>) {
        if !self.awaited.remove(from) {
            return;
        }
        let Some(name) = self.name(from, cx) else { return };
        cx.show(if cx.link.has_authorisation() {
            Draft::new(service::AUTHORISE, ANSWER)
                .with(key::SENDER, name)
                .with(key::RECEIVER, &self.me)
                .with(key::FLAG, NO)
        } else {
            Draft::new(service::NEW_CONTACT, REFUSES).with(key::ID, &self.me).with(key::OTHER, name)
        });
    }
}
