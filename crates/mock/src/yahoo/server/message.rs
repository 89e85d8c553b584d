//! Messages between users.

use crosstalk_networks::ymsg::messages::pieces;
use crosstalk_networks::ymsg::wire::service;

use super::Shared;
use super::session::Session;
use super::state::ServerState;
use crate::yahoo::packet::{Packet, SEND};

/// The most messages that wait for one who is offline.
const STORED: usize = 100;

impl Session {
    pub(super) fn message(&self, shared: &Shared, packet: &Packet) -> Result<(), &'static str> {
        let said = packet.text(14);
        if said.len() > pieces::MAX_BYTES || said.chars().count() > pieces::MAX_CHARS {
            return Err("a message that is too long");
        }
        if packet.status != SEND {
            return Err("a message with a status that clients do not send");
        }
        let to = packet.text(5).to_lowercase();
        let mut state = shared.state();
        if !state.admits(&to, &self.user) {
            return Ok(());
        }
        let relayed = Packet::new(service::MESSAGE, 1).with(5, to.as_str());
        let mut relayed = relayed.with(4, self.user.as_str());
        let kept = packet.pairs.iter().filter(|(key, _)| [14, 63, 64, 97].contains(key));
        relayed.pairs.extend(kept.cloned());
        // Since YMSG16, clients acknowledge what has an id.
        if state.online(&to).is_some_and(|o| o.version >= 16) {
            relayed = relayed.with(429, format!("{:016X}", fastrand::u64(..)));
        }
        state.tell_or_keep(&to, relayed);
        Ok(())
    }

    pub(super) fn typing(&self, shared: &Shared, packet: &Packet) {
        let to = packet.text(5).to_lowercase();
        let typing = Packet::new(service::NOTIFY, 1).with(5, to.as_str());
        let typing = typing.with(4, self.user.as_str()).with(49, packet.text(49));
        shared.state().tell(&to, typing.with(14, " ").with(13, packet.text(13)));
    }

    /// An invitation to a conference goes to each who is invited.
    pub(super) fn invite(&self, shared: &Shared, packet: &Packet) {
        for to in packet.texts(52) {
            let invites = Packet::new(service::CONFERENCE_INVITE, 1).with(1, to.as_str());
            let invites = invites.with(57, packet.text(57)).with(50, self.user.as_str());
            let invites = invites.with(58, packet.text(58)).with(13, "0");
            shared.state().tell(&to.to_lowercase(), invites);
        }
    }
}

impl ServerState {
    /// Sends a packet to `user`, at the next sign-on where nobody is there.
    pub(super) fn tell_or_keep(&mut self, user: &str, packet: Packet) {
        if let Some(online) = self.online(user) {
            return online.send(packet);
        }
        if let Some(user) = self.users.get_mut(user).filter(|u| u.stored.len() < STORED) {
            let status = if packet.service == service::MESSAGE { 5 } else { packet.status };
            user.stored.push(Packet { status, ..packet });
        }
    }
}
