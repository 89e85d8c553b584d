//! One client's connection.

use super::{Line, Shared};
use crate::yahoo::packet::Packet;
use crosstalk_networks::ymsg::wire::service;

/// State of one connection.
pub(super) struct Session {
    pub(super) line: Line,
    pub(super) version: u16,
    /// The number that the server gave it, which the client repeats.
    pub(super) number: u32,
    pub(super) user: String,
    pub(super) challenge: String,
    pub(super) signed_on: bool,
}

impl Session {
    pub(super) const fn new(line: Line) -> Self {
        Self {
            line,
            version: 0,
            number: 0,
            user: String::new(),
            challenge: String::new(),
            signed_on: false,
        }
    }

    pub(super) fn say(&self, packet: Packet) {
        self.say_raw(Packet { version: self.version, session: self.number, ..packet }.encode());
    }

    pub(super) fn say_raw(&self, bytes: Vec<u8>) {
        let _ = self.line.try_send(bytes);
    }

    /// Returns whether the connection goes on; an error for what no client sends.
    pub(super) fn handle(
        &mut self,
        shared: &Shared,
        packet: &Packet,
    ) -> Result<bool, &'static str> {
        match packet.service {
            service::AUTH if !self.signed_on => {
                self.challenge(shared, packet)?;
                return Ok(true);
            }
            service::AUTH_RESPONSE if !self.challenge.is_empty() && !self.signed_on => {
                return Ok(self.admit(shared, packet));
            }
            _ if !self.signed_on => return Err("a request before the sign-on"),
            _ if (packet.version, packet.session) != (self.version, self.number) => {
                return Err("a packet of another session");
            }
            service::LOGOFF => return Ok(false),
            service::MESSAGE => self.message(shared, packet)?,
            service::NOTIFY => self.typing(shared, packet),
            service::CONFERENCE_INVITE => self.invite(shared, packet),
            service::ADD_BUDDY => self.add(shared, packet),
            service::REMOVE_BUDDY => self.remove(shared, packet),
            service::MOVE_BUDDY => self.move_buddy(shared, packet),
            service::RENAME_GROUP => self.rename_group(shared, packet),
            service::IGNORE_CONTACT => self.ignore(shared, packet),
            service::AUTHORISE => self.answered(shared, &packet.text(5), packet.text(13) == "1"),
            service::REJECT_CONTACT => self.answered(shared, &packet.text(7), false),
            service::IS_AWAY | service::IS_BACK | service::STATUS_UPDATE => {
                self.status(shared, packet);
            }
            service::VISIBLE_TOGGLE => self.show(shared, packet.text(13) != "2"),
            service::PING => self.say(Packet::new(service::PING, 1)),
            service::KEEP_ALIVE | service::MESSAGE_ACK => {}
            _ => return Err("a service that this server has not"),
        }
        Ok(true)
    }

    pub(super) fn leave(self, shared: &Shared) {
        let mut state = shared.state();
        if let Some(user) = state.users.get_mut(&self.user)
            && user.online.as_ref().is_some_and(|o| o.line.same_channel(&self.line))
        {
            user.online = None;
            state.show_all(&self.user, service::LOGOFF);
        }
    }
}
