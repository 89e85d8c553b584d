//! Conversations that are open: who of the client's foreign contacts is in them, and what the client
//! may not have read in one that it left.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::{Address, ConnectionId, Contact, Envelope, TellResult};

use super::Session;
use crate::common::held;
use crate::msnp::account_messages::{Known, MAX_UNREAD, ToSwitchboard};
use crate::msnp::context::{Cx, spelling};
use crate::msnp::me::Me;

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
            self.bytes += held::of_address(guest);
        }
    }

    /// A conversation is over.
    pub(super) fn forget(&mut self, switchboard: ConnectionId) {
        let guests = self.guests.remove(&switchboard).unwrap_or_default();
        self.bytes -= guests.iter().map(held::of_address).sum::<usize>();
    }

    /// Bytes held.
    pub(super) const fn weight(&self) -> usize {
        self.bytes + self.unread.bytes
    }
}

/// Texts that crossed with a client's leaving, for the next conversation with their senders.
#[derive(Default)]
struct Unread {
    envelopes: Vec<Envelope>,
    bytes: usize,
}

impl Unread {
    /// Keeps texts, while there is room.
    fn extend(&mut self, envelopes: Vec<Envelope>) {
        for envelope in envelopes {
            let bytes = held::of_envelope(&envelope);
            if self.bytes + bytes <= MAX_UNREAD {
                self.bytes += bytes;
                self.envelopes.push(envelope);
            }
        }
    }

    /// Takes those of one person.
    fn take(&mut self, from: &Address) -> Vec<Envelope> {
        let theirs: Vec<Envelope> =
            self.envelopes.extract_if(.., |envelope| envelope.from == *from).collect();
        self.bytes -= theirs.iter().map(held::of_envelope).sum::<usize>();
        theirs
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
        let is_offline = known.as_ref().is_some_and(|k| !k.online) && !guest.is_control();
        let mut unread = Vec::new();
        // Somebody who is offline is not let in, and what was not read stays for when they are.
        if answers || !is_offline {
            self.invites.is_answered(&guest);
            self.conversations.note(switchboard, &guest);
            unread = self.conversations.unread.take(&guest);
        }
        ToSwitchboard::Guest { guest, known, unread }.tell(switchboard, cx);
    }

    /// Texts are for the next conversation, to which the client is invited.
    pub(super) fn keep_unread(&mut self, texts: Vec<Envelope>, cx: &mut Cx<'_>) {
        let senders: BTreeSet<Address> = texts.iter().map(|text| text.from.clone()).collect();
        self.conversations.unread.extend(texts);
        for from in senders {
            self.invites_for(&from, cx);
        }
    }

    /// A conversation hears something or not: what one that is over was to show is kept.
    pub(in crate::msnp) fn told(&mut self, told: TellResult, cx: &mut Cx<'_>) {
        let (TellResult::Nobody(message) | TellResult::Full(message)) = told else { return };
        if let Ok(ToSwitchboard::Guest { unread, .. }) = message.downcast()
            && !unread.is_empty()
        {
            self.keep_unread(unread, cx);
        }
    }

    /// A conversation is over.
    pub(in crate::msnp) fn conversation_left(&mut self, switchboard: ConnectionId) {
        self.conversations.forget(switchboard);
    }

    /// Tells the conversations that a contact is in how the client shows it now.
    pub(super) fn tell_nick(&self, before: Option<&Contact>, after: &Contact, cx: &mut Cx<'_>) {
        let alias = before.and_then(|contact| contact.alias.as_ref());
        if alias == after.alias.as_ref() && before.is_some_and(|before| before.listed) {
            return;
        }
        let Some(known) = self.known(&after.address, cx) else { return };
        for (switchboard, guests) in &self.conversations.guests {
            if guests.contains(&after.address) {
                ToSwitchboard::Renamed(after.address.clone(), known.nick.clone())
                    .tell(*switchboard, cx);
            }
        }
    }

    /// Notes something that the server says of the person, and tells it to the conversations.
    pub(super) fn note_me(&mut self, note: impl FnOnce(&mut Me), cx: &mut Cx<'_>) {
        let before = self.me.clone();
        note(&mut self.me);
        if self.me != before {
            for switchboard in self.conversations.guests.keys() {
                ToSwitchboard::Me(self.me.clone()).tell(*switchboard, cx);
            }
        }
    }

    /// A contact as the client shows it, if it is listed.
    fn known(&self, address: &Address, cx: &Cx<'_>) -> Option<Known> {
        let contact = self.contact(address).filter(|contact| contact.listed)?;
        let spelling = spelling(Some(&contact), address, &cx.context.names)?;
        let nick = contact.alias.unwrap_or_else(|| spelling.clone());
        Some(Known { spelling, nick, online: self.presences.get(address).is_some() })
    }
}
