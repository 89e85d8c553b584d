//! A switchboard: one conversation, of own and foreign people.
//!
//! One that the client opens is played here, since nobody says yet for whom it is: the server
//! gets to know of it when somebody of its own is called (`call`), and never of the foreign
//! people in it. What is said (`messages`) reaches the server only while somebody of its own is
//! there. One that the server rang the client for is the server's from the beginning.

mod call;
mod guests;
mod leave;
mod messages;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use crosstalk_core::{Address, Fault, Side};

use self::call::Server;
use self::guests::{Guest, Joining};
use self::leave::Recent;
use self::messages::Sent;
use super::MAX_NAME;
use crate::msnp::context::Cx;
use crate::msnp::foreign_names::is_named_in;
use crate::msnp::foreign_names::passport;
use crate::msnp::handoff::{Host, Invitation};
use crate::msnp::message_chunks::Chunks;
use crate::msnp::offers::Offer;
use crate::msnp::wire::Command;

/// The most own people that are told apart in one conversation.
const MAX_OWN: usize = 1_000;

/// The error of a name that nobody can have.
const NO_SUCH_NAME: &str = "208";
/// The first version in which a person can be at several places at a time.
const ENDPOINTS: u32 = 16;

/// One conversation of a person.
pub(super) struct Switchboard {
    invitation: Invitation,
    /// Transaction in which the client entered, and its own name.
    entry: (u32, String),
    server: Server,
    /// Own people in the conversation besides the person.
    own: BTreeSet<String>,
    /// Bytes of their names.
    bytes: usize,
    /// Foreign ones.
    guests: BTreeMap<Address, Guest>,
    joining: Option<Joining>,
    /// Messages whose fate the client waits for.
    sent: VecDeque<Sent>,
    /// Bytes of those.
    sent_bytes: usize,
    /// Messages of which only parts have come, and offers.
    chunks: Chunks,
    offer: Option<Box<Offer>>,
    /// Messages that the client may not have read yet.
    recent: Recent,
}

impl Switchboard {
    /// The conversation of `invitation`, for a client whose first command is USR or ANS.
    pub(super) fn begin(invitation: Invitation, command: &Command, cx: &mut Cx<'_>) -> Self {
        let entry = (command.transaction(), command.word(2).to_owned());
        let mut switchboard = Self {
            server: Server::new(&invitation.host),
            invitation,
            entry,
            own: BTreeSet::new(),
            bytes: 0,
            guests: BTreeMap::new(),
            joining: None,
            sent: VecDeque::new(),
            sent_bytes: 0,
            chunks: Chunks::default(),
            offer: None,
            recent: Recent::default(),
        };
        if let Host::Server = switchboard.invitation.host {
            cx.out.forward(Side::Server, command.raw.clone());
        } else {
            switchboard.let_in(command, cx);
        }
        switchboard
    }

    /// Takes a command of either side.
    pub(super) fn command(
        &mut self,
        side: Side,
        command: Command,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let forward = match side {
            Side::Client => self.client(&command, cx)?,
            Side::Server => self.server(&command, cx),
        };
        if forward {
            cx.out.forward(side.other(), command.raw);
        }
        Ok(())
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let joining = self.joining.as_ref().map(Joining::deadline);
        self.server.deadline().into_iter().chain(self.chunks.deadline()).chain(joining).min()
    }

    /// Returns whether the server is to have the command.
    fn client(&mut self, command: &Command, cx: &mut Cx<'_>) -> Result<bool, Fault> {
        match command.verb() {
            "CAL" => self.call(command, cx),
            "MSG" => Ok(self.message_out(command, cx)),
            "OUT" => {
                self.leave(cx);
                if !self.server.has_client() {
                    cx.out.withhold();
                }
                Ok(self.server.has_client())
            }
            _ if self.server.has_client() && is_named_in(command, cx) => {
                cx.out.withhold();
                cx.show(format!("{NO_SUCH_NAME} {}", command.word(1)));
                Ok(false)
            }
            _ if self.server.has_client() => Ok(true),
            _ => {
                cx.out.withhold();
                Ok(false)
            }
        }
    }

    /// Returns whether the client is to have the command.
    fn server(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        match command.verb() {
            _ if self.server.is_entered_for_us() => {
                self.entered(command, cx);
                return false;
            }
            "USR" | "ANS" if self.lets_in(command) => self.server = Server::Open,
            "IRO" => self.comes(command.word(4)),
            "JOI" => self.comes(command.word(1)),
            "BYE" => self.goes(command.word(1)),
            _ => {}
        }
        true
    }

    /// Whether the server says yes to the command with which the client entered, or we for it:
    /// `USR n OK`, `ANS n OK`.
    fn lets_in(&self, command: &Command) -> bool {
        command.word(2) == "OK" && command.transaction() == self.entry.0
    }

    /// Whether the base server accepted the person here, or the gateway in its place.
    pub(super) const fn is_known(&self) -> bool {
        !matches!(self.server, Server::Knocked)
    }

    /// Whether somebody foreign is in the conversation.
    pub(super) fn takes_texts(&self) -> bool {
        !self.guests.is_empty()
    }

    /// Somebody of the server's is in the conversation; other places of the person are not
    /// somebody.
    fn comes(&mut self, name: &str) {
        let name = passport(name).to_ascii_lowercase();
        let is_name = name.len() <= MAX_NAME && name != self.invitation.user.name().local();
        if is_name && self.own.len() < MAX_OWN {
            let length = name.len();
            if self.own.insert(name) {
                self.bytes += length;
            }
        }
    }

    fn goes(&mut self, name: &str) {
        let name = passport(name).to_ascii_lowercase();
        if self.own.remove(&name) {
            self.bytes -= name.len();
        }
    }

    /// Bytes held.
    pub(super) fn weight(&self) -> usize {
        let offer = self.offer.as_ref().map_or(0, |offer| offer.weight());
        let joining = self.joining.as_ref().map_or(0, Joining::weight);
        self.bytes
            + joining
            + self.server.weight()
            + self.sent_bytes
            + self.chunks.weight()
            + offer
            + self.recent.weight()
    }

    /// The client enters a conversation that is played here, and finds in it who rang.
    fn let_in(&mut self, command: &Command, cx: &mut Cx<'_>) {
        cx.out.withhold();
        let id = command.word(1);
        if let Host::Gateway(Some(by)) = &self.invitation.host
            && command.verb() == "ANS"
        {
            self.join(by.clone(), None, id, cx);
        } else {
            let name = command.word(2);
            let nick = self.invitation.me.nick(passport(name));
            cx.show(format!("USR {id} OK {name} {nick}"));
        }
    }

    /// The person's name, as the client wrote it.
    fn own_name(&self) -> &str {
        passport(&self.entry.1)
    }
}
