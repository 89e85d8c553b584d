//! Foreign people in a conversation. How the client knows them, and what it may not have read of
//! them before, the notification connection says: who joins comes in when that has answered.

use std::time::{Duration, Instant};

use crosstalk_core::{Address, Envelope, Event};

use super::{ENDPOINTS, Switchboard};
use crate::common::weight;
use crate::msnp::account_messages::{Introduction, Known, ToNotification};
use crate::msnp::context::{CAPABILITIES, Cx, capabilities};
use crate::msnp::foreign_names::spelling;
use crate::msnp::wire::encode;

/// Longest wait for the notification connection's answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// The error of calling somebody who is not online, or cannot be.
pub(super) const OFFLINE: &str = "217";

/// Somebody foreign in a conversation, as the client knows them.
#[derive(Clone)]
pub(super) struct Guest {
    pub(super) name: String,
    pub(super) nick: String,
}

/// Somebody foreign who is about to come in.
pub(super) struct Joining {
    guest: Address,
    /// Name that the client called; none where it answers an invitation.
    called: Option<String>,
    /// Transaction of the client, as it wrote it.
    id: String,
    until: Instant,
}

impl Joining {
    /// Bytes held.
    pub(super) fn weight(&self) -> usize {
        let called = self.called.as_ref().map_or(0, String::len);
        weight::of_address(&self.guest) + called + self.id.len()
    }

    pub(super) const fn deadline(&self) -> Instant {
        self.until
    }
}

impl Switchboard {
    /// Whether somebody is about to come in: until then the client is not heard any further, since
    /// what it says may be for them.
    pub(in crate::msnp) const fn is_joining(&self) -> bool {
        self.joining.is_some()
    }

    /// The client `called` somebody, or answers their invitation.
    pub(super) fn join(
        &mut self,
        guest: Address,
        called: Option<String>,
        id: &str,
        cx: &mut Cx<'_>,
    ) {
        let (answers, until) = (called.is_none(), cx.later(PATIENCE));
        self.joining = Some(Joining { guest: guest.clone(), called, id: id.to_owned(), until });
        ToNotification::Joins { guest, answers }.tell(self.invitation.recipient(), cx);
    }

    /// The notification connection says how the client knows somebody, and lets them in or not.
    pub(super) fn introduced(&mut self, introduction: Introduction, cx: &mut Cx<'_>) {
        let Introduction { guest, known, unread, me, .. } = introduction;
        self.invitation.me = me;
        let has_unread = !unread.is_empty();
        let is_shown = self.comes_in(&guest, known, unread, cx);
        if has_unread {
            ToNotification::Joined { guest, is_shown }.tell(self.invitation.recipient(), cx);
        }
    }

    /// Returns whether somebody came in; too late they do not, nor where the client has left.
    fn comes_in(
        &mut self,
        guest: &Address,
        known: Option<Known>,
        unread: Vec<Envelope>,
        cx: &mut Cx<'_>,
    ) -> bool {
        let Some(joining) = self.joining.take_if(|joining| joining.guest == *guest) else {
            return false;
        };
        let Joining { guest, called, id, .. } = joining;
        let Some(name) = called else { return self.let_in_invited(guest, known, unread, &id, cx) };
        if known.as_ref().is_some_and(|known| known.is_offline) {
            cx.show(format!("{OFFLINE} {id}"));
            return false;
        }
        let nick = known.map_or_else(|| name.clone(), |known| known.nick);
        cx.show(format!("CAL {id} RINGING 1234567"));
        cx.show(format!("JOI {}", self.words_of(&name, &nick)));
        self.welcome(guest, Guest { name, nick }, unread, cx);
        true
    }

    /// The client comes in to whoever invited it. Returns whether it can.
    fn let_in_invited(
        &mut self,
        guest: Address,
        known: Option<Known>,
        unread: Vec<Envelope>,
        id: &str,
        cx: &mut Cx<'_>,
    ) -> bool {
        let by_name = || {
            let name = spelling(None, &guest, &cx.context.names)?;
            Some(Guest { nick: name.clone(), name })
        };
        let known = known.map(|Known { spelling: name, nick, .. }| Guest { name, nick });
        let Some(shown) = known.or_else(by_name) else { return false };
        cx.show(format!("IRO {id} 1 1 {}", self.words_of(&shown.name, &shown.nick)));
        cx.show(format!("ANS {id} OK"));
        self.join_self(cx);
        self.welcome(guest, shown, unread, cx);
        true
    }

    /// The notification connection does not answer any more: whoever is called is not there.
    pub(super) fn give_up_joining(&mut self, cx: &mut Cx<'_>) {
        let Some(joining) = self.joining.take() else { return };
        let Joining { guest, called, id, .. } = joining;
        match called {
            Some(_) => cx.show(format!("{OFFLINE} {id}")),
            None => {
                self.let_in_invited(guest, None, Vec::new(), &id, cx);
            }
        }
    }

    /// Lets a guest in, and has the gateway bring what the guests say. What the client did not read
    /// of it in the conversation before comes first.
    fn welcome(&mut self, address: Address, guest: Guest, unread: Vec<Envelope>, cx: &mut Cx<'_>) {
        self.guests.insert(address, guest);
        cx.out.emit(Event::Converse {
            user: self.invitation.user.clone(),
            endpoint: self.invitation.endpoint.clone(),
            with: self.guests.keys().cloned().collect(),
        });
        // What the client may not have read before is older than anything that comes now.
        for envelope in unread {
            self.deliver(envelope, cx);
        }
    }

    /// A guest is called something else by the client now.
    pub(super) fn renamed(&mut self, guest: &Address, nick: String) {
        if let Some(guest) = self.guests.get_mut(guest) {
            guest.nick = nick;
        }
    }

    /// Since MSNP16, where a person can be at several places, the person comes into a conversation
    /// like everybody else. Clients say nothing before they saw that.
    pub(super) fn join_self(&self, cx: &mut Cx<'_>) {
        let version = self.invitation.version;
        if version >= ENDPOINTS {
            let me = self.invitation.me.introduced(self.own_name(), version);
            cx.show(format!("JOI {me}"));
        }
    }

    /// Words of IRO and JOI about a guest: name, nick and, since MSNP12, its client's capabilities.
    fn words_of(&self, name: &str, nick: &str) -> String {
        let front = format!("{name} {}", encode(nick));
        let version = self.invitation.version;
        if version < CAPABILITIES { front } else { format!("{front} {}", capabilities(version)) }
    }
}
