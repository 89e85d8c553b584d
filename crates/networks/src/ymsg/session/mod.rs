//! The person's connection: the list, presence, and what people say.

mod consent;
mod decline;
mod edit;
mod hold;
mod list;
mod list_15;
mod names;
mod presence;
mod push;
mod servers;
mod sign_on;
mod spelled;
mod talk;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crosstalk_core::{
    Address, Body, Consent, Contact, Envelope, Event, Failure, Fault, Message, NameClass, Roster,
    Side, Subscription,
};

use self::hold::Hold;
use self::list::List;
pub(super) use self::names::names_foreign;
use self::names::{is_bounded, pass_own_part};
use self::presence::Own;
use self::sign_on::SignOn;
use self::talk::{Talk, is_typing, typing_out};
use super::context::{Cx, spelling};
use super::handoff::Names;
use super::service;
use super::wire::Packet;
use crate::common::held::{Presences, Waiting};

/// The status of what a server says.
const ANSWER: u32 = 1;
/// Bytes that a person in a set takes, roughly.
const PER_PERSON: usize = 128;

/// A person's connection.
#[derive(Default)]
pub(super) struct Session {
    endpoint: String,
    sign_on: SignOn,
    /// The client has a word for yes to a request, and not only for no.
    says_yes: bool,
    /// The person's name as the server writes it.
    me: String,
    /// The foreign contacts; none before the gateway told them.
    contacts: Option<BTreeMap<Address, Contact>>,
    hold: Hold,
    /// The server has shown the client its own status.
    has_status: bool,
    /// It has, or is not waited for any more.
    is_greeted: bool,
    /// Until when it is.
    greeting: Option<Instant>,
    /// Until when the server's list is waited for, where it began with something else.
    listing: Option<Instant>,
    list: List,
    /// Inputs for the person that came while the list was held.
    waiting: Waiting,
    /// People who were shown to the client as asking.
    asked: BTreeSet<Address>,
    /// People that the person asked.
    awaited: BTreeSet<Address>,
    /// Last presences of the foreign contacts.
    presences: Presences,
    own: Own,
    talk: Talk,
}

impl Session {
    /// Whether the client has its list, and has been shown that it is signed on.
    pub(super) const fn takes_texts(&self) -> bool {
        self.hold.is_over() && self.is_greeted
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.hold.deadline(), self.greeting, self.listing].into_iter().flatten().min()
    }

    pub(super) fn tick(&mut self, cx: &mut Cx<'_>) {
        if self.hold.deadline().is_some_and(|at| at <= cx.now.instant) {
            self.waited(cx);
        }
        if self.greeting.is_some_and(|at| at <= cx.now.instant) {
            self.greeted(cx);
        }
        if self.listing.is_some_and(|at| at <= cx.now.instant) {
            self.listing = None;
            self.push_all(cx);
        }
    }

    /// Another connection of the client said something.
    pub(super) fn heard(&mut self, message: Message, cx: &mut Cx<'_>) {
        let Ok(Names(names)) = message.downcast() else { return };
        for (address, name) in names {
            self.call(&address, name, cx);
        }
    }

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
            service::VISIBLE_TOGGLE => self.visible_out(packet, cx),
            service::LOGOFF => cx.emit(Event::SignedOut),
            _ if !names_foreign(packet, cx) => {}
            service::MESSAGE | service::MASS_MESSAGE => self.message_out(packet, cx),
            service::NOTIFY if is_typing(packet) => typing_out(packet, cx),
            service::ADD_BUDDY => self.add(packet, cx),
            service::REMOVE_BUDDY => self.remove(packet, cx),
            service::MOVE_BUDDY => self.regroup(packet, cx),
            service::IGNORE_CONTACT => self.ignore(packet, cx),
            service::AUTHORISE | service::REJECT_CONTACT => self.consent_out(packet, cx),
            service::PRESENCE_PERMANENT => self.stealth(packet, cx),
            _ => self.decline(packet, cx),
        }
        if packet.service == service::RENAME_GROUP && !self.rename_group(packet, cx) {
            return false;
        }
        !names_foreign(packet, cx) || pass_own_part(packet, cx)
    }

    /// Takes a packet of the server that is not held back.
    fn server(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
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
                    let is_first = packet.first(1).is_some() && !self.has_status;
                    self.has_status |= is_first;
                    self.is_greeted &= cx.link.is_new() || !is_first;
                    self.greeted(cx);
                }
            }
        }
    }

    /// The foreign list, once.
    pub(super) fn roster(&mut self, roster: &Roster, cx: &mut Cx<'_>) {
        let contacts = roster.contacts().map(|c| (c.address.clone(), c.clone())).collect();
        self.contacts = Some(contacts);
        let awaited = roster.contacts().filter(|c| matches!(c.to, Subscription::Asked(_)));
        self.awaited.extend(awaited.map(|c| c.address.clone()));
        if self.hold.is_over() {
            self.push_all(cx);
        } else if self.sign_on.user().is_some() {
            self.release(cx);
        }
    }

    /// A change of the list; the client's own edits are known already.
    pub(super) fn changed(&mut self, contact: &Contact, cx: &mut Cx<'_>) {
        let Some(contacts) = &mut self.contacts else { return };
        if contact.is_empty() {
            contacts.remove(&contact.address);
        } else {
            contacts.insert(contact.address.clone(), contact.clone());
        }
        if !matches!(contact.from, Subscription::Asked(_)) {
            self.asked.remove(&contact.address);
        }
        if self.hold.is_over() {
            self.push(std::slice::from_ref(contact), cx);
        }
    }

    fn contact(&self, address: &Address) -> Option<&Contact> {
        self.contacts.as_ref()?.get(address)
    }

    /// The name under which the client knows `address`.
    fn name(&self, address: &Address, cx: &Cx<'_>) -> Option<String> {
        spelling(self.contact(address), address, &cx.context.names)
    }

    /// Bytes that the session holds.
    pub(super) fn weight(&self) -> usize {
        let people = self.asked.len() + self.awaited.len() + self.list.shown.len();
        let lists = self.list.own.weight() + people * PER_PERSON + self.presences.weight();
        lists + self.hold.weight() + self.waiting.weight() + self.talk.weight()
    }

    /// Refuses an envelope that cannot wait for the client.
    fn refuse(&mut self, envelope: Envelope, cx: &mut Cx<'_>) {
        match &envelope.body {
            Body::Text { .. } | Body::Attention => {
                let body = Body::Undelivered { of: envelope.id, why: Failure::Busy };
                cx.send(envelope.from, body);
            }
            Body::Presence(presence) => self.presence_in(&envelope.from, presence, cx),
            Body::Contact(Consent::Request(_)) => cx.emit(Event::Unshown(envelope)),
            _ => {}
        }
    }

    /// Something for the person.
    pub(super) fn deliver(&mut self, envelope: Envelope, cx: &mut Cx<'_>) {
        if !self.hold.is_over() {
            if let Err(envelope) = self.waiting.push(envelope) {
                self.refuse(*envelope, cx);
            }
            return;
        }
        match &envelope.body {
            Body::Presence(presence) => {
                self.presence_in(&envelope.from, presence, cx);
            }
            Body::Text { .. } | Body::Attention => self.message_in(envelope, cx),
            Body::Typing(typing) => self.typing_in(&envelope.from, *typing, cx),
            Body::Undelivered { why, .. } => {
                let name = self.name(&envelope.from, cx);
                let name = name.unwrap_or_else(|| envelope.from.to_string());
                let body = Body::Text { text: why.of_message_to(&name).into(), auto: true };
                self.message_in(Envelope { from: Address::control(), body, ..envelope }, cx);
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
    let mut senders = packet.all(4).peekable();
    senders.peek().is_some() && senders.all(|name| cx.class_of(name) != NameClass::Own)
}
