//! Conversations: where the client is sent for one, how it is invited (RNG) when a foreign person
//! writes first, and the switchboards that are asked of the server for conversations played here.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crosstalk_core::{
    Address, Body, ConnectionId, Envelope, Event, Exchange, Failure, HostPort, Redacted, Side,
    Subscription,
};

use super::Session;
use crate::msnp::account_messages::{Place, ToSwitchboard};
use crate::msnp::context::Cx;
use crate::msnp::handoff::{Host, Invitation};
use crate::msnp::wire::{Command, encode};

/// Longest wait for a client's answer to an invitation before it is invited again.
const PATIENCE: Duration = Duration::from_secs(7);
/// The most people whose invitations (RNG) one client has at a time.
const MAX_INVITED: usize = 128;
/// The first of our transactions with the server, far above those of clients, and of our numbers
/// of conversations.
const FIRST: u32 = 900_001;
/// The most switchboards asked of the server at a time.
const MAX_ASKED: usize = 64;
/// The most keys to conversations played here that one person holds; the oldest makes room.
const MAX_KEYS: usize = 256;
/// Bytes of a key, which is three numbers, roughly.
const KEY: usize = 64;
/// Bytes of an invitation that is not answered, roughly.
const INVITED: usize = 128;

/// Invitations to come, and switchboards that the server was asked for.
#[derive(Default)]
pub(super) struct SwitchboardInvites {
    opened: u32,
    /// People who wrote before the client was ready, and until when each is worth an invitation.
    early: BTreeMap<Address, Instant>,
    /// Foreign people for whom the client was invited (RNG), and until when it may answer.
    invited: BTreeMap<Address, Instant>,
    keys: VecDeque<String>,
    /// For whom each transaction of ours is.
    asked: BTreeMap<u32, ConnectionId>,
}

impl SwitchboardInvites {
    /// Whether a command of the server answers us and not the client.
    pub(super) fn is_ours(&self, command: &Command) -> bool {
        self.asked.contains_key(&command.transaction())
    }

    /// The client is in a conversation with `guest`: the next text outside of one invites it again.
    pub(super) fn is_answered(&mut self, guest: &Address) {
        self.invited.remove(guest);
    }

    /// Bytes held.
    pub(super) fn weight(&self) -> usize {
        INVITED * (self.early.len() + self.invited.len()) + KEY * self.keys.len()
    }

    /// A number of our own.
    const fn next(&mut self) -> u32 {
        let next = FIRST + self.opened % 1_000_000;
        self.opened = self.opened.wrapping_add(1);
        next
    }
}

impl Session {
    /// `XFR n SB`: the client wants to open a conversation. It does not say with whom, so that one
    /// who has foreign contacts is sent here. Returns whether the server is to have the command.
    pub(super) fn ask_for_talk(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        let has_foreign = self.list.contacts().next().is_some();
        let invitation = self.invitation(Host::Gateway(None), cx).filter(|_| has_foreign);
        let Some(invitation) = invitation else { return true };
        cx.out.withhold();
        let (place, key) = self.invite(invitation, cx);
        cx.show(format!("XFR {} SB {place} CKI {key}{}", command.word(1), self.tail()));
        false
    }

    /// A message for which no conversation is open: it waits until the client has answered a
    /// ring.
    pub(super) fn message_in(&mut self, envelope: Envelope, cx: &mut Cx<'_>) {
        let from = envelope.from.clone();
        let granted = self.contact(&from).is_some_and(|c| c.from == Subscription::Granted);
        if self.allow_only && !granted && !from.is_control() {
            return refuse(&envelope, Failure::Refused, cx);
        }
        if self.shown(&from, cx).is_none() {
            return cx.out.emit(Event::Unshown(envelope));
        }
        if !self.invites_for(&from, cx) {
            return refuse(&envelope, Failure::Busy, cx);
        }
        cx.out.defer(envelope);
    }

    /// Invitations for everybody who wrote before the client was ready.
    pub(super) fn invite_all(&mut self, cx: &mut Cx<'_>) {
        for (from, until) in std::mem::take(&mut self.invites.early) {
            if until > cx.now.instant || from.is_control() {
                self.invites_for(&from, cx);
            }
        }
    }

    /// Makes sure that the client is invited (RNG) for `from`. Returns false where there are too
    /// many.
    pub(super) fn invites_for(&mut self, from: &Address, cx: &mut Cx<'_>) -> bool {
        if !self.own.is_shown() {
            if self.invites.early.len() < MAX_INVITED {
                self.invites.early.insert(from.clone(), cx.later(PATIENCE));
            }
            return self.invites.early.contains_key(from);
        }
        let invited = &mut self.invites.invited;
        invited.retain(|_, until| *until > cx.now.instant);
        if invited.contains_key(from) {
            return true;
        }
        if invited.len() >= MAX_INVITED {
            return false;
        }
        invited.insert(from.clone(), cx.later(PATIENCE));
        self.ring(from, cx);
        true
    }

    fn ring(&mut self, from: &Address, cx: &mut Cx<'_>) {
        let (Some((name, nick)), Some(invitation)) =
            (self.shown(from, cx), self.invitation(Host::Gateway(Some(from.clone())), cx))
        else {
            return;
        };
        let (place, key) = self.invite(invitation, cx);
        let (number, nick, tail) = (self.invites.next(), encode(&nick), self.tail());
        cx.show(format!("RNG {number} {place} CKI {key} {name} {nick}{tail}"));
    }

    /// Invites the client to a conversation that is played here. Returns where to, and the key.
    fn invite(&mut self, invitation: Invitation, cx: &mut Cx<'_>) -> (HostPort, String) {
        let (place, key) = cx.invite(invitation);
        let keys = &mut self.invites.keys;
        keys.push_back(key.clone());
        // A client that opens conversations and never comes holds so many handoffs and no more.
        if keys.len() > MAX_KEYS
            && let Some(oldest) = keys.pop_front()
        {
            cx.emit(Event::Exchange(Exchange::Withdraw(oldest.into())));
        }
        (place, key)
    }

    /// Words behind the key of a conversation.
    const fn tail(&self) -> &'static str {
        match self.version {
            ..13 => "",
            13 => " U messenger.msn.com",
            14.. => " U messenger.msn.com 1",
        }
    }

    /// Asks the server for the switchboard that a conversation played here needs.
    pub(super) fn ask_for_switchboard(&mut self, by: ConnectionId, cx: &mut Cx<'_>) {
        if self.invites.asked.len() >= MAX_ASKED {
            return ToSwitchboard::Refused.tell(by, cx);
        }
        let transaction = self.invites.next();
        self.invites.asked.insert(transaction, by);
        cx.out.insert(Side::Server, format!("XFR {transaction} SB\r\n"));
    }

    /// The server opened what we asked for: `XFR n SB place CKI key`.
    pub(super) fn opened(&mut self, command: &Command, cx: &mut Cx<'_>) {
        cx.out.withhold();
        let Some(by) = self.invites.asked.remove(&command.transaction()) else { return };
        let (place, key) = (command.word(3), command.word(5));
        // As if the client were to go there, which then may be connected to.
        cx.expect(key, place, ());
        let opened = |at| ToSwitchboard::Opened(Place { at, key: Redacted::new(key.to_owned()) });
        place.parse::<HostPort>().map_or(ToSwitchboard::Refused, opened).tell(by, cx);
    }

    /// The server would not open what we asked for.
    pub(super) fn not_opened(&mut self, command: &Command, cx: &mut Cx<'_>) {
        cx.out.withhold();
        if let Some(by) = self.invites.asked.remove(&command.transaction()) {
            ToSwitchboard::Refused.tell(by, cx);
        }
    }
}

/// Tells the sender that a message is not shown.
fn refuse(envelope: &Envelope, why: Failure, cx: &mut Cx<'_>) {
    if !envelope.from.is_control() {
        cx.send(envelope.from.clone(), Body::Undelivered { of: envelope.id, why });
    }
}
