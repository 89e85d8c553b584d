//! Calls into a conversation: foreign people are answered for, and for the first of the client's
//! own network the server is asked for a switchboard.

use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::{Event, Fault, Message, NameClass, Side, TellResult};

use super::guests::OFFLINE;
use super::{ENDPOINTS, Switchboard};
use crate::msnp::account_messages::{Place, ToNotification, ToSwitchboard};
use crate::msnp::context::Cx;
use crate::msnp::foreign_names::is_named_in;
use crate::msnp::foreign_names::passport;
use crate::msnp::handoff::Host;
use crate::msnp::wire::Command;

/// The most foreign people in one conversation.
const MAX_GUESTS: usize = 20;
/// The most calls that wait for the server's switchboard.
const MAX_CALLS: usize = 20;
/// Longest time for the server to open a switchboard, and to let the client in.
const PATIENCE: Duration = Duration::from_secs(15);
/// The error of calling somebody who is there.
const ALREADY_HERE: &str = "215";

/// The server's part in a conversation.
pub(super) enum Server {
    /// None: all is played here.
    Absent,
    /// It was asked for a switchboard, for these calls.
    Asked { calls: Vec<Call>, until: Instant },
    /// We asked it to let the client in.
    Entered { calls: Vec<Call>, until: Instant },
    /// The client asked it to.
    Knocked,
    /// It let the client in.
    Open,
}

/// A call of somebody of the server's, with the client's transaction.
pub(super) struct Call {
    id: u32,
    raw: Bytes,
}

impl Server {
    pub(super) const fn new(host: &Host) -> Self {
        match host {
            Host::Server => Self::Knocked,
            Host::Gateway(_) => Self::Absent,
        }
    }

    /// Whether the client speaks with it.
    pub(super) const fn has_client(&self) -> bool {
        matches!(self, Self::Knocked | Self::Open)
    }

    /// Whether what it says is for us, and the client knows nothing of it.
    pub(super) const fn is_entered_for_us(&self) -> bool {
        matches!(self, Self::Entered { .. })
    }

    /// Whether the notification connection is to ask for it.
    const fn is_asked(&self) -> bool {
        matches!(self, Self::Asked { .. })
    }

    /// Bytes that wait for it.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Asked { calls, .. } | Self::Entered { calls, .. } => {
                calls.iter().map(|call| call.raw.len()).sum()
            }
            Self::Absent | Self::Knocked | Self::Open => 0,
        }
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Asked { until, .. } | Self::Entered { until, .. } => Some(*until),
            Self::Absent | Self::Knocked | Self::Open => None,
        }
    }

    /// Goes back to the beginning, and gives up the calls that wait.
    fn forget(&mut self) -> Vec<Call> {
        match std::mem::replace(self, Self::Absent) {
            Self::Asked { calls, .. } | Self::Entered { calls, .. } => calls,
            Self::Absent | Self::Knocked | Self::Open => Vec::new(),
        }
    }
}

impl Switchboard {
    /// `CAL n who`: the client calls somebody in. Returns whether the server is to have it.
    pub(super) fn call(&mut self, command: &Command, cx: &mut Cx<'_>) -> Result<bool, Fault> {
        let (id, who) = (command.word(1), passport(command.word(2)));
        let guest = match cx.classify(who) {
            NameClass::Own if !is_named_in(command, cx) => return Ok(self.call_own(command, cx)),
            NameClass::Own | NameClass::Nowhere => {
                cx.out.withhold();
                cx.show(format!("{OFFLINE} {id}"));
                return Ok(false);
            }
            NameClass::Foreign(guest) => guest,
        };
        cx.out.withhold();
        if let Server::Knocked = self.server {
            return Err(Fault::client("it called somebody before the conversation was open"));
        }
        if self.guests.contains_key(&guest) {
            cx.show(format!("{ALREADY_HERE} {id}"));
            return Ok(false);
        }
        if self.guests.len() >= MAX_GUESTS {
            cx.show(format!("{OFFLINE} {id}"));
            return Ok(false);
        }
        self.join(guest, Some(who.to_owned()), id, cx);
        Ok(false)
    }

    /// A call of somebody of the server's, for which a switchboard of its own is opened.
    fn call_own(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        if self.server.has_client() {
            return true;
        }
        cx.out.withhold();
        let (id, who) = (command.transaction(), passport(command.word(2)));
        if who.eq_ignore_ascii_case(self.invitation.user.name().local()) {
            // Other places of the person, of which nobody here knows.
            if self.invitation.version < ENDPOINTS {
                cx.show(format!("{ALREADY_HERE} {id}"));
            } else {
                cx.show(format!("CAL {id} RINGING 1234567"));
                self.join_self(cx);
            }
            return false;
        }
        let call = Call { id, raw: command.raw.clone() };
        match &mut self.server {
            Server::Asked { calls, .. } | Server::Entered { calls, .. } => {
                if calls.len() < MAX_CALLS {
                    calls.push(call);
                } else {
                    cx.show(format!("{OFFLINE} {id}"));
                }
            }
            Server::Absent | Server::Knocked | Server::Open => {
                ToNotification::WantsSwitchboard.tell(self.invitation.recipient(), cx);
                self.server = Server::Asked { calls: vec![call], until: cx.later(PATIENCE) };
            }
        }
        false
    }

    /// The notification connection answers, or says what has changed.
    pub(in super::super) fn heard(&mut self, message: Message, cx: &mut Cx<'_>) {
        match message.downcast() {
            Ok(ToSwitchboard::Opened(place)) => self.opened(place, cx),
            Ok(ToSwitchboard::Refused) if self.server.is_asked() => self.give_up(cx),
            Ok(ToSwitchboard::Guest(introduction)) => self.introduced(*introduction, cx),
            Ok(ToSwitchboard::Renamed(guest, nick)) => self.renamed(&guest, nick),
            Ok(ToSwitchboard::Refused) | Err(_) => {}
        }
    }

    /// There is a switchboard for the calls that wait.
    fn opened(&mut self, place: Place, cx: &mut Cx<'_>) {
        let Server::Asked { calls, until } = &mut self.server else { return };
        let (calls, until) = (std::mem::take(calls), *until);
        self.server = Server::Entered { calls, until };
        cx.out.emit(Event::Dial(place.at));
        let (id, name) = &self.entry;
        let enter = format!("USR {id} {name} {}\r\n", place.key.expose());
        cx.out.insert(Side::Server, enter);
    }

    /// The notification connection hears a question, or not: then there is no answer to it.
    pub(in super::super) fn told(&mut self, told: TellResult, cx: &mut Cx<'_>) {
        let (TellResult::Nobody(message) | TellResult::Full(message)) = told else { return };
        match message.downcast() {
            Ok(ToNotification::Joins { .. }) => self.give_up_joining(cx),
            Ok(ToNotification::WantsSwitchboard) if self.server.is_asked() => self.give_up(cx),
            _ => {}
        }
    }

    /// Nobody is left who could answer.
    pub(in super::super) fn notification_left(&mut self, cx: &mut Cx<'_>) {
        self.give_up_joining(cx);
        if self.server.is_asked() {
            self.give_up(cx);
        }
    }

    /// Takes a command of the server before the client may be there: the calls go on when it is.
    pub(super) fn entered(&mut self, command: &Command, cx: &mut Cx<'_>) {
        cx.out.withhold();
        let is_answer = command.transaction() == self.entry.0;
        if command.verb() == "USR" && self.lets_in(command) {
            let calls = self.server.forget();
            self.server = Server::Open;
            for call in calls {
                cx.out.insert(Side::Server, call.raw);
            }
        } else if is_answer && command.verb().parse::<u16>().is_ok() {
            cx.out.emit(Event::DetachServer);
            self.give_up(cx);
        }
    }

    /// The server ended: its people are gone, and the guests stay.
    pub(in super::super) fn server_left(&mut self, cx: &mut Cx<'_>) {
        // Without anybody foreign in it the conversation ends with its server.
        if self.guests.is_empty() && self.server.has_client() {
            return;
        }
        cx.out.emit(Event::DetachServer);
        self.bytes = 0;
        for name in std::mem::take(&mut self.own) {
            cx.show(format!("BYE {name}"));
        }
        self.give_up(cx);
    }

    pub(in super::super) fn tick(&mut self, cx: &mut Cx<'_>) {
        let late = self.chunks.overdue(cx.now.instant);
        self.say_late(late, cx);
        if self.joining.as_ref().is_some_and(|joining| joining.deadline() <= cx.now.instant) {
            self.give_up_joining(cx);
        }
        if self.server.deadline().is_some_and(|until| until <= cx.now.instant) {
            cx.out.emit(Event::DetachServer);
            self.give_up(cx);
        }
    }

    /// The calls that wait are in vain.
    fn give_up(&mut self, cx: &mut Cx<'_>) {
        for call in self.server.forget() {
            cx.show(format!("{OFFLINE} {}", call.id));
        }
    }
}
