//! Sign-on, from a challenge to a session: 0x57, 0x54, then the list and the presence of those on
//! it.

use super::Shared;
use super::session::Session;
use super::state::Online;
use crate::yahoo::hash;
use crate::yahoo::packet::Packet;
use crosstalk_networks::ymsg::wire::service;

/// The versions it speaks.
const SPOKEN: std::ops::RangeInclusive<u16> = 9..=16;
/// The status of a refusal.
const REFUSED: u32 = u32::MAX;

impl Session {
    /// 0x57: a client says who it is, and is challenged in the way of its version.
    pub(super) fn challenge(
        &mut self,
        shared: &Shared,
        packet: &Packet,
    ) -> Result<(), &'static str> {
        if !SPOKEN.contains(&packet.version) {
            return Err("a version that is not spoken");
        }
        self.user = packet.text(1).to_lowercase();
        self.version = packet.version;
        self.number = shared.state().number();
        self.challenge = if self.version >= 15 {
            format!("{:032x}", fastrand::u128(..))
        } else {
            hash(&fastrand::u128(..).to_be_bytes())
        };
        let reply = Packet::new(service::AUTH, 1).with(1, self.user.as_str());
        let reply = reply.with(94, self.challenge.as_str());
        self.say(match self.version {
            ..=10 => reply,
            11..=14 => reply.with(13, "0"),
            _ => reply.with(13, "2"),
        });
        Ok(())
    }

    /// 0x54: returns whether the client is signed on.
    pub(super) fn admit(&mut self, shared: &Shared, packet: &Packet) -> bool {
        let mut state = shared.state();
        let known = state.users.contains_key(&self.user);
        if !known || !state.proves(&self.user, &self.challenge, packet) {
            let why = if known { "13" } else { "3" };
            self.say(
                Packet::new(service::AUTH_RESPONSE, REFUSED)
                    .with(1, self.user.as_str())
                    .with(66, why),
            );
            return false;
        }
        let answer = packet.text(if self.version < 15 { 6 } else { 307 });
        state.hand_out(answer);
        state.hand_out(self.challenge.clone());
        let online = Online {
            line: self.line.clone(),
            version: self.version,
            session: self.number,
            visible: true,
            status: vec![(10, b"0".to_vec())],
        };
        let Some(user) = state.users.get_mut(&self.user) else { return false };
        if let Some(before) = user.online.replace(online) {
            // "You have signed on at another place."
            before.send(Packet::new(service::LOGOFF, REFUSED));
        }
        let stored = std::mem::take(&mut user.stored);
        self.signed_on = true;
        self.send_list(&state);
        state.show_everybody(&self.user);
        self.say(Packet::new(service::PING, 0).with(143, "60").with(144, "13"));
        for packet in stored {
            self.say(packet);
        }
        state.show_all(&self.user, service::LOGON);
        true
    }
}
