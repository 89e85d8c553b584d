//! The connections that a client is sent to: the places that servers name, and those that the
//! gateway names in their stead for conversations that it plays itself.
//!
//! A client comes to such a place with a key. What the connection is for is in the ticket under
//! that key in the registry.

use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::{
    Address, Claim, ClaimResult, ClaimVerdict, Confirmed, ConnectionId, Context, Fault, Handoff,
    HostPort, Owner, Recipient, Side, Via,
};

use super::context::Cx;
use super::foreign_names::passport;
use super::me::Me;
use super::wire::Command;
use crate::common::weight;

/// Validity of the address of a conversation.
const TICKET: Duration = Duration::from_mins(5);
/// Time for which a server that another one named is tried first for the next connection.
const NEXT: Duration = Duration::from_secs(30);

/// Conversation that a ticket is for, at the address it names.
pub(super) struct Invitation {
    /// Person that the notification server accepted.
    pub(super) user: Confirmed,
    /// The notification connection, by its endpoint's name.
    pub(super) endpoint: String,
    /// The version it speaks.
    pub(super) version: u32,
    /// The notification connection.
    pub(super) notification: ConnectionId,
    /// Facts about the person as its server stated them so far.
    pub(super) me: Me,
    pub(super) host: Host,
}

impl Invitation {
    /// The notification connection.
    pub(super) const fn recipient(&self) -> Recipient {
        Recipient::Connection(self.notification)
    }

    /// Bytes that it holds.
    fn weight(&self) -> usize {
        self.endpoint.len() + self.me.weight() + weight::of_address(self.user.name())
    }

    /// Asks for the invitation that belongs to the first command of a client at a switchboard,
    /// `USR n name key` or `ANS n name key session`: by the name and the key. A key by itself is
    /// nobody's invitation; one that somebody else shows stays for its owner.
    pub(super) fn claim(command: &Command, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if !matches!(command.verb(), "USR" | "ANS") {
            return Err(Fault::client("a client begins with VER, USR or ANS"));
        }
        let Context { names, network, .. } = &*cx.context;
        let name = names.address(passport(command.word(2)), network).ok();
        let judge = move |handoff: &Handoff| match handoff.note.downcast_ref::<Self>() {
            Some(invitation) if Some(invitation.user.name()) == name.as_ref() => ClaimVerdict::Take,
            Some(_) => ClaimVerdict::Refuse,
            // Only the server knows what this key is for; it says where that is.
            None => ClaimVerdict::Read(Box::new(handoff.dial.clone())),
        };
        cx.claim(Claim::new(command.word(3), judge));
        Ok(())
    }

    /// The invitation that was claimed, and the server that the client is to reach.
    pub(super) fn claimed(
        result: ClaimResult,
        cx: &mut Cx<'_>,
    ) -> Result<(Option<HostPort>, Option<Self>), Fault> {
        match result {
            ClaimResult::Taken(handoff) => {
                Ok((handoff.dial, handoff.note.downcast().ok().map(|invitation| *invitation)))
            }
            ClaimResult::Refused => {
                // Passed on unread, the key would reach the server.
                cx.out.withhold();
                Err(Fault::client("it came with the key of somebody else"))
            }
            unclaimed => Ok((unclaimed.read::<Option<HostPort>>().flatten(), None)),
        }
    }
}

/// Server of a conversation: the gateway or MSN's.
pub(super) enum Host {
    /// The server.
    Server,
    /// This gateway; with the foreign person who rang the client, if one did.
    Gateway(Option<Address>),
}

impl Cx<'_> {
    /// Invites the client to a conversation that is played here. Returns where to, and with which
    /// key: where it came to now, since it can reach that.
    pub(super) fn invite(&mut self, invitation: Invitation) -> (HostPort, String) {
        let random = (self.context.random)();
        let part = |at: u32| u32::try_from(random >> at & 0xffff_ffff).unwrap_or_default();
        let key = format!("{}.{}.{}", part(0), part(32), part(64));
        let (place, dial) = match &self.context.via {
            Via::Proxy { dialled } => (dialled.clone(), Some(dialled.clone())),
            Via::Direct { advertise, .. } => (advertise.clone(), None),
        };
        let (owner, weight) = (Owner::account(invitation.user.name()), invitation.weight());
        let handoff = Handoff::new(invitation, self.later(TICKET)).of(owner).weighing(weight);
        self.leave(&key, Handoff { dial, ..handoff });
        (place, key)
    }

    /// Address that a client is sent to in order to reach `place`: that one, or this listener.
    pub(super) fn place(&self, place: &str) -> String {
        match &self.context.via {
            Via::Proxy { .. } => place.to_owned(),
            Via::Direct { advertise, .. } => format!("{}:{}", advertise.host, advertise.port),
        }
    }

    /// Leaves a ticket for the connection that will come to `place` with `key`.
    pub(super) fn expect<N: Send + 'static>(&mut self, key: &str, place: &str, note: N) {
        self.leave_place(key, place, note, TICKET);
    }

    /// The same for whoever comes with `key` within `time`.
    pub(super) fn expect_soon(&mut self, key: &str, place: &str, time: Duration) {
        self.leave_place(key, place, (), time);
    }

    fn leave_place<N: Send + 'static>(&mut self, key: &str, place: &str, note: N, time: Duration) {
        let Ok(dial) = place.parse::<HostPort>() else { return };
        let handoff = Handoff::new(note, self.later(time)).to(dial);
        self.leave(key, handoff);
    }
}

/// The key of the ticket for whoever comes next to the listener at `place`.
fn next_key(place: &str) -> String {
    format!("next {place}")
}

/// Asks for the notification server that a dispatch server named last to a client of the listener
/// at `advertise`.
pub(super) fn claim_named_by_dispatch(advertise: &HostPort, cx: &mut Cx<'_>) {
    cx.claim(Claim::take(next_key(&advertise.to_string())));
}

/// Notes the place that a server sends the client to, if `command` names one, and gives what the
/// client is to be shown; `note` is for the connection of a conversation.
pub(super) fn note_place<N: Send + 'static>(
    command: &Command,
    cx: &mut Cx<'_>,
    note: N,
) -> Option<Bytes> {
    let (at, key) = match (command.verb(), command.word(2)) {
        ("XFR", "SB") => (3, command.word(5).to_owned()),
        ("RNG", _) => (2, command.word(4).to_owned()),
        ("XFR", "NS") => (3, String::new()),
        _ => return Some(command.raw.clone()),
    };
    let place = command.word(at);
    let shown = cx.place(place);
    if key.is_empty() {
        cx.expect(&format!("ns {place}"), place, ());
        if shown != place {
            cx.expect_soon(&next_key(&shown), place, NEXT);
        }
    } else {
        cx.expect(&key, place, note);
    }
    if shown == place {
        return Some(command.raw.clone());
    }
    cx.out.withhold();
    // A server that sends a client to another may also say where it is itself.
    let itself = ("XFR", "NS") == (command.verb(), command.word(2));
    let itself = itself && command.word(5).parse::<HostPort>().is_ok();
    let places = [at, if itself { 5 } else { at }];
    cx.out.insert(Side::Client, command.with_all(&places, &shown));
    None
}
