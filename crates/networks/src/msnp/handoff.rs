//! The connections that a client is sent to: the places that servers name, and those that the
//! gateway names in their stead for conversations that it plays itself.
//!
//! A client comes to such a place with a key. What the connection is for is in the ticket under that
//! key in the lobby.

use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::{Address, Confirmed, Context, Fault, HostPort, Owner, Side, Ticket, Via};

use super::context::{Cx, passport};
use super::shared_state::SharedState;
use super::wire::Command;

/// How long the place of a conversation is good for.
const TICKET: Duration = Duration::from_mins(5);
/// How long a server that another one named is tried first by whoever comes next.
const NEXT: Duration = Duration::from_secs(30);

/// What a ticket says about the conversation at the place it names.
pub(super) struct Invitation {
    /// Whom the notification server accepted.
    pub(super) user: Confirmed,
    /// The notification connection, by its endpoint's name.
    pub(super) endpoint: String,
    /// The version it speaks.
    pub(super) version: u32,
    pub(super) state: SharedState,
    pub(super) host: Host,
}

impl Invitation {
    /// What the first command of a client at a switchboard, `USR n name key` or `ANS n name key
    /// session`, is invited to: by the name and the key, and to which server. A key by itself is
    /// nobody's invitation; one that somebody else shows stays for its owner.
    pub(super) fn claim(
        command: &Command,
        cx: &mut Cx<'_>,
    ) -> Result<(Option<HostPort>, Option<Self>), Fault> {
        if !matches!(command.verb(), "USR" | "ANS") {
            return Err(Fault::client("a client begins with VER, USR or ANS"));
        }
        let Context { lobby, names, network, .. } = &*cx.context;
        let (now, key) = (cx.now.instant, command.word(3).as_bytes());
        let name = names.address(passport(command.word(2)), network).ok();
        let is_own = |ticket: &Ticket| {
            let invitation = ticket.note.downcast_ref::<Self>();
            invitation.is_some_and(|i| Some(i.user.name()) == name.as_ref())
        };
        if let Some(ticket) = lobby.take_if(now, key, is_own) {
            let invitation = ticket.note.downcast::<Self>().ok().map(|note| *note);
            return Ok((ticket.dial, invitation));
        }
        let left = lobby.look(now, key, |t| Some((t.dial.clone(), t.note.is::<Self>())));
        match left {
            Some((_, true)) => {
                // Passed on unread, the key would reach the server.
                cx.out.withhold();
                Err(Fault::client("it came with the key of somebody else"))
            }
            left => Ok((left.and_then(|(dial, _)| dial), None)),
        }
    }
}

/// Who holds a conversation.
pub(super) enum Host {
    /// The server.
    Server,
    /// This gateway; with the foreign person who rang the client, if one did.
    Gateway(Option<Address>),
}

impl Cx<'_> {
    /// Invites the client to a conversation that is played here. Returns where to, and with which
    /// key: where it came to now, since it can reach that.
    pub(super) fn invite(&self, invitation: Invitation) -> (HostPort, String) {
        let random = (self.context.random)();
        let part = |at: u32| u32::try_from(random >> at & 0xffff_ffff).unwrap_or_default();
        let key = format!("{}.{}.{}", part(0), part(32), part(64));
        let oldest = invitation.state.lock().add_key(key.clone());
        if let Some(oldest) = oldest {
            self.context.lobby.take(self.now.instant, oldest.as_bytes());
        }
        let (place, dial) = match &self.context.via {
            Via::Proxy { dialled } => (dialled.clone(), Some(dialled.clone())),
            Via::Direct { advertise, .. } => (advertise.clone(), None),
        };
        let owner = Owner::account(invitation.user.name());
        let ticket = Ticket { dial, ..Ticket::new(invitation, self.later(TICKET)).of(owner) };
        self.context.lobby.leave(self.now.instant, &key, ticket);
        (place, key)
    }

    /// Where a client is sent that is to reach `place`: there, or to this listener.
    pub(super) fn place(&self, place: &str) -> String {
        match &self.context.via {
            Via::Proxy { .. } => place.to_owned(),
            Via::Direct { advertise, .. } => format!("{}:{}", advertise.host, advertise.port),
        }
    }

    /// Leaves a ticket for the connection that will come to `place` with `key`.
    pub(super) fn expect<N: Send + 'static>(&self, key: &str, place: &str, note: N) {
        self.leave_ticket(key, place, note, TICKET);
    }

    /// The same for whoever comes with `key` within `time`.
    pub(super) fn expect_soon(&self, key: &str, place: &str, time: Duration) {
        self.leave_ticket(key, place, (), time);
    }

    fn leave_ticket<N: Send + 'static>(&self, key: &str, place: &str, note: N, time: Duration) {
        let Ok(dial) = place.parse::<HostPort>() else { return };
        let ticket = Ticket::new(note, self.later(time)).to(dial);
        self.context.lobby.leave(self.now.instant, key, ticket);
    }
}

/// The key of the ticket for whoever comes next to the listener at `place`.
fn next_key(place: &str) -> String {
    format!("next {place}")
}

/// The notification server that a dispatch server named last to a client of the listener at
/// `advertise`.
pub(super) fn named_by_dispatch(advertise: &HostPort, cx: &Cx<'_>) -> Option<HostPort> {
    let key = next_key(&advertise.to_string());
    cx.context.lobby.take(cx.now.instant, key.as_bytes())?.dial
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
