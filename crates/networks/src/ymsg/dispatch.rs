//! The way of packets and inputs to their handlers.

use crosstalk_core::{Body, Consent, Envelope, Event, Fault, Message, NameClass, Side};

use super::account::Account;
use super::context::Cx;
use super::foreign_names::{is_bounded, names_foreign, pass_own_part};
use super::handoff::Names;
use super::messages::texts::{is_typing, typing_out};
use super::wire::{Packet, key, service};
use crate::common::in_words;

impl Account {
    /// Takes a packet of either side.
    pub(super) fn packet(
        &mut self,
        side: Side,
        packet: Packet,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        match side {
            Side::Client => {
                if !is_bounded(&packet, cx) {
                    cx.out.withhold();
                    return Err(Fault::client("a packet says too much to too many people"));
                }
                if self.client(&packet, cx) {
                    cx.out.forward(Side::Server, packet.raw);
                } else {
                    cx.out.withhold();
                }
                Ok(())
            }
            Side::Server => self.held_back(packet, cx),
        }
    }

    /// Takes a packet of the client. Returns whether the server is to have it as it is.
    fn client(&mut self, packet: &Packet, cx: &mut Cx<'_>) -> bool {
        match packet.service {
            // Whatever name somebody signs on by is for the server.
            service::AUTH => {
                self.sign_on = std::mem::take(&mut self.sign_on).asked();
                return true;
            }
            service::AUTH_RESPONSE => {
                self.answered(packet, cx);
                return true;
            }
            service::IS_AWAY | service::IS_BACK | service::STATUS_UPDATE => {
                self.status_out(packet, cx);
            }
            service::VISIBLE_TOGGLE => self.visible_out(packet),
            service::LOGOFF => cx.emit(Event::SignedOut),
            _ if !names_foreign(packet, cx) => {}
            service::MESSAGE | service::MASS_MESSAGE => self.message_out(packet, cx),
            service::NOTIFY if is_typing(packet) => typing_out(packet, cx),
            service::ADD_BUDDY => self.add(packet, cx),
            service::REMOVE_BUDDY => self.remove(packet, cx),
            service::MOVE_BUDDY => self.regroup(packet, cx),
            service::IGNORE_CONTACT => self.ignore(packet, cx),
            service::AUTHORISE | service::REJECT_CONTACT => self.consent_out(packet, cx),
            service::PRESENCE_PERMANENT | service::PRESENCE_SESSION => self.stealth(packet, cx),
            _ => self.decline(packet, cx),
        }
        if packet.service == service::RENAME_GROUP && !self.rename_group(packet, cx) {
            return false;
        }
        !names_foreign(packet, cx) || pass_own_part(packet, cx)
    }

    /// Takes a packet of the server that is not held back.
    pub(super) fn server(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        match packet.service {
            service::LIST => {
                self.listing = None;
                self.list_in(packet, cx);
            }
            service::LIST_15 => {
                self.listing = None;
                self.list_15_in(packet, cx);
            }
            service::AUTH => {
                self.challenged(packet, cx);
                cx.forward(packet);
            }
            service::AUTH_RESPONSE => {
                self.sign_on = std::mem::take(&mut self.sign_on).refused();
                cx.forward(packet);
            }
            service::MESSAGE | service::NOTIFY | service::AUTHORISE
                if is_under_foreign_name(packet, cx) =>
            {
                cx.out.withhold();
            }
            _ => {
                self.list.own.follow(packet);
                cx.forward(packet);
                if matches!(packet.service, service::LOGON | service::STATUS_15) {
                    // With the first it forgets what it was shown, also if that was not waited for.
                    let is_first = packet.first(key::ID).is_some() && !self.has_status;
                    self.has_status |= is_first;
                    self.is_greeted &= cx.link.is_new() || !is_first;
                    self.greeted(cx);
                }
            }
        }
    }

    /// Another connection of the client said something.
    pub(super) fn heard(&mut self, message: Message, cx: &mut Cx<'_>) {
        let Ok(Names(names)) = message.downcast() else { return };
        for (address, name) in names {
            self.call(&address, name, cx);
        }
    }

    /// Something for the person.
    pub(super) fn deliver(&mut self, envelope: Envelope, cx: &mut Cx<'_>) {
        if !self.hold.is_over() {
            if let Err(envelope) = self.waiting.push(envelope) {
                // What is given back is of no use later.
                let _ = cx.turn_away(*envelope);
            }
            return;
        }
        match &envelope.body {
            Body::Text { .. } | Body::Attention => self.message_in(envelope, cx),
            Body::Typing(typing) => self.typing_in(&envelope.from, *typing, cx),
            Body::Undelivered { why, .. } => {
                let name = self.name(&envelope.from, cx);
                self.message_in(in_words(&envelope, *why, name), cx);
            }
            Body::Contact(Consent::Request(_)) => self.request_in(envelope, cx),
            Body::Contact(Consent::Grant) => self.grant_in(&envelope.from, cx),
            Body::Contact(Consent::Revoke) => self.refusal_in(&envelope.from, cx),
            Body::Contact(Consent::Cancel) | Body::Receipt { .. } => {}
        }
    }
}

/// Whether everybody in whose name a packet of the server's speaks is foreign: then somebody of the
/// server's took the name.
fn is_under_foreign_name(packet: &Packet, cx: &Cx<'_>) -> bool {
    let mut senders = packet.all(key::SENDER).peekable();
    senders.peek().is_some() && senders.all(|name| cx.class_of(name) != NameClass::Own)
}
