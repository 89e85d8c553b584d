//! Conversations that are open: who of the client's foreign contacts is in them, and what the client
//! may not have read in one that it left.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::{Address, ConnectionId, Envelope, TellResult};

use super::Session;
use crate::common::weight;
use crate::msnp::account_messages::{Introduction, Known, MAX_UNREAD, ToSwitchboard};
use crate::msnp::context::Cx;
use crate::msnp::foreign_names::spelling;

/// The most conversations, and guests of one, that are told of changes.
const MAX_TOLD: usize = 128;
const MAX_GUESTS: usize = 32;

/// Conversations of the client with foreign people.
#[derive(Default)]
pub(super) struct Conversations {
    /// The guests of each that asked for one.
    guests: BTreeMap<ConnectionId, BTreeSet<Address>>,
    /// Bytes of their addresses.
    bytes: usize,
    unread: Unread,
}

impl Conversations {
    fn note(&mut self, switchboard: ConnectionId, guest: &Address) {
        if self.guests.len() >= MAX_TOLD && !self.guests.contains_key(&switchboard) {
            return;
        }
        let guests = self.guests.entry(switchboard).or_default();
        if guests.len() < MAX_GUESTS && guests.insert(guest.clone()) {
            self.bytes += weight::of_address(guest);
        }
    }

    /// Somebody is not in a conversation after all.
    fn forget_guest(&mut self, switchboard: ConnectionId, guest: &Address) {
        let Some(guests) = self.guests.get_mut(&switchboard) else { return };
        if guests.remove(guest) {
            self.bytes -= weight::of_address(guest);
        }
        if guests.is_empty() {
            self.guests.remove(&switchboard);
        }
    }

    /// A conversation is over.
    fn forget(&mut self, switchboard: ConnectionId) {
        let guests = self.guests.remove(&switchboard).unwrap_or_default();
        self.bytes -= guests.iter().map(weight::of_address).sum::<usize>();
    }

    /// Bytes held.
    pub(super) const fn weight(&self) -> usize {
        self.bytes + self.unread.bytes
    }
}

/// Texts that crossed with a client's leaving, for the next conversation with their senders.
#[derive(Default)]
struct Unread {
    /// Each with the conversation that was told it, until that has shown it or is over.
    envelopes: Vec<(Envelope, Option<ConnectionId>)>,
    bytes: usize,
}

impl Unread {
    /// Keeps texts, while there is room.
    fn extend(&mut self, envelopes: Vec<Envelope>) {
        for envelope in envelopes {
            let bytes = weight::of_envelope(&envelope);
            if self.bytes + bytes <= MAX_UNREAD {
                self.bytes += bytes;
                self.envelopes.push((envelope, None));
            }
        }
    }

    /// Gives a conversation those of one person that no other was told.
    fn give(&mut self, from: &Address, to: ConnectionId) -> Vec<Envelope> {
        let theirs =
            self.envelopes.iter_mut().filter(|(of, told)| of.from == *from && told.is_none());
        theirs
            .map(|(envelope, told)| {
                *told = Some(to);
                envelope.clone()
            })
            .collect()
    }

    /// A conversation has shown those of one person.
    fn forget(&mut self, from: &Address, by: ConnectionId) {
        let is_shown = |(of, told): &(Envelope, _)| of.from == *from && *told == Some(by);
        self.envelopes.retain(|held| !is_shown(held));
        self.bytes = self.envelopes.iter().map(|(of, _)| weight::of_envelope(of)).sum();
    }

    /// A conversation will not show those that it was told, of one person or of everybody. Returns
    /// their senders.
    fn take_back(&mut self, from: Option<&Address>, by: ConnectionId) -> BTreeSet<Address> {
        let theirs = self
            .envelopes
            .iter_mut()
            .filter(|(of, told)| *told == Some(by) && from.is_none_or(|from| of.from == *from));
        theirs
            .map(|(envelope, told)| {
                *told = None;
                envelope.from.clone()
            })
            .collect()
    }
}

impl Session {
    /// The client calls `guest` into a conversation, or answers their invitation.
    pub(super) fn joins(
        &mut self,
        switchboard: ConnectionId,
        guest: Address,
        answers: bool,
        cx: &mut Cx<'_>,
    ) {
        let known = self.known(&guest, cx);
        let is_offline = known.as_ref().is_some_and(|known| known.is_offline);
        let mut unread = Vec::new();
        // Somebody who is offline is not let in, and what was not read stays for when they are.
        if answers || !is_offline {
            self.invites.is_answered(&guest);
            self.conversations.note(switchboard, &guest);
            unread = self.conversations.unread.give(&guest, switchboard);
        }
        let introduction =
            Introduction { to: switchboard, guest, known, unread, me: self.me.clone() };
        ToSwitchboard::Guest(Box::new(introduction)).tell(switchboard, cx);
    }

    /// A conversation let `guest` in, and showed what was not read of them, or did not.
    pub(super) fn joined(
        &mut self,
        switchboard: ConnectionId,
        guest: &Address,
        is_shown: bool,
        cx: &mut Cx<'_>,
    ) {
        if is_shown {
            self.conversations.unread.forget(guest, switchboard);
        } else {
            self.take_back(switchboard, Some(guest), cx);
        }
    }

    /// Texts are for the next conversation, to which the client is invited.
    pub(super) fn keep_unread(&mut self, texts: Vec<Envelope>, cx: &mut Cx<'_>) {
        let senders: BTreeSet<Address> = texts.iter().map(|text| text.from.clone()).collect();
        self.conversations.unread.extend(texts);
        for from in senders {
            self.invites_for(&from, cx);
        }
    }

    /// A conversation hears something or not: what one that is over was to show is kept, and nobody
    /// is in it.
    pub(in crate::msnp) fn told(&mut self, told: TellResult, cx: &mut Cx<'_>) {
        let (TellResult::Nobody(message) | TellResult::Full(message)) = told else { return };
        if let Ok(ToSwitchboard::Guest(introduction)) = message.downcast() {
            let Introduction { to, guest, .. } = *introduction;
            self.conversations.forget_guest(to, &guest);
            self.take_back(to, Some(&guest), cx);
        }
    }

    /// A conversation is over. What it was told and did not say to have shown was never heard.
    pub(in crate::msnp) fn conversation_left(
        &mut self,
        switchboard: ConnectionId,
        cx: &mut Cx<'_>,
    ) {
        self.conversations.forget(switchboard);
        self.take_back(switchboard, None, cx);
    }

    /// Invites the client to another conversation for what this one does not show.
    fn take_back(&mut self, switchboard: ConnectionId, of: Option<&Address>, cx: &mut Cx<'_>) {
        for from in self.conversations.unread.take_back(of, switchboard) {
            self.invites_for(&from, cx);
        }
    }

    /// Tells the conversations that a contact is in how the client shows it now.
    pub(super) fn tell_nick(&self, contact: &Address, cx: &mut Cx<'_>) {
        let Some(known) = self.known(contact, cx) else { return };
        for (switchboard, guests) in &self.conversations.guests {
            if guests.contains(contact) {
                ToSwitchboard::Renamed(contact.clone(), known.nick.clone()).tell(*switchboard, cx);
            }
        }
    }

    /// A contact as the client shows it, if it is listed.
    fn known(&self, address: &Address, cx: &Cx<'_>) -> Option<Known> {
        let contact = self.contact(address).filter(|contact| contact.listed)?;
        let spelling = spelling(Some(contact), address, &cx.context.names)?;
        let nick = contact.alias.clone().unwrap_or_else(|| spelling.clone());
        let is_offline = self.presences.get(address).is_none() && !address.is_control();
        Some(Known { spelling, nick, is_offline })
    }
}
