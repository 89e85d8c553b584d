//! Signing on, and the list that waits for the foreign one.
//!
//! A server accepts a person with the list (0x55 before version 15, 0xF1 since) or with a first
//! status (0x01, 0xF0); one of them names the person. From the first on, everything waits until
//! the person and the foreign contacts are known, so that the client gets one list.

use std::time::Duration;

use crosstalk_core::{Address, Event, Fault, MAX_PENDING, MAX_UNKNOWN};

use super::super::account::Account;
use super::super::context::Cx;
use super::super::handoff;
use super::super::wire::{Packet, charset, key, service};
use super::Hold;
use crate::common::frame_queue::{FrameQueue, Weigh};

/// Longest wait of the list for the foreign one, and for a packet that names the person.
const PATIENCE: Duration = Duration::from_secs(3);
const NAMING: Duration = Duration::from_secs(1);
/// Longest wait of foreign presence for the server's first status.
const GREETING: Duration = Duration::from_secs(2);
/// The first release of clients that answer requests by [`service::AUTHORISE`].
const ANSWERING: u32 = 7;
/// The keys under which a client says who it is in its proof.
const CLAIMS: [u32; 2] = [key::ACCOUNT, key::ID];
/// The keys under which a server says who the person is: the name, names in use, and the
/// current one.
const NAMES: [u32; 4] = [key::ACCOUNT, key::IDS, key::OTHER, key::ID];

impl Weigh for Packet {
    fn weight(&self) -> usize {
        self.raw.len()
    }
}

/// Address of a name in a packet, on this network.
fn address(name: &[u8], cx: &Cx<'_>) -> Option<Address> {
    cx.context.names.address(charset::read_name(name).trim(), &cx.context.network).ok()
}

const fn accepts(service: u16) -> bool {
    matches!(service, service::LIST | service::LIST_15 | service::LOGON | service::STATUS_15)
}

impl Account {
    /// 0x54: the client shows its proof, and what status it begins with.
    pub(in crate::ymsg) fn answered(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let version = packet.first(key::VERSION).map(charset::read_name).unwrap_or_default();
        format!("Yahoo {version}").trim_end().clone_into(&mut self.endpoint);
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        let is_later = major.is_some_and(|major| major >= ANSWERING) && cx.link.version() > 9;
        self.says_yes = cx.link.has_authorisation() || is_later;
        let names: Vec<_> = CLAIMS.iter().flat_map(|key| packet.all(*key)).collect();
        let names: Vec<_> = names.into_iter().map(|name| address(name, cx)).collect();
        let by_ticket = packet.first(key::COOKIE_T).is_some();
        self.sign_on = std::mem::take(&mut self.sign_on).proved(&names, by_ticket);
        self.own.begin(packet.status);
        if let Some(cookie) = packet.first(key::COOKIE_T) {
            cx.listen(handoff::of_cookie(cookie));
        }
    }

    /// 0x57 of the server, to the name that it is to know.
    pub(in crate::ymsg) fn challenged(&mut self, packet: &Packet, cx: &Cx<'_>) {
        let name = packet.first(key::ID).and_then(|name| address(name, cx));
        self.sign_on = std::mem::take(&mut self.sign_on).challenged(name);
    }

    /// Takes a packet of the server, and holds it back as long as that is needed.
    pub(in crate::ymsg) fn held_back(
        &mut self,
        packet: Packet,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let accepts = self.sign_on.is_proved() && accepts(packet.service);
        if accepts {
            self.accepts(&packet, cx)?;
        }
        match &mut self.hold {
            Hold::Before if accepts => {
                let patience = if self.sign_on.user().is_some() { PATIENCE } else { NAMING };
                let mut packets = FrameQueue::default();
                packets.push(packet);
                self.hold = Hold::On(packets, cx.later(patience));
                Ok(())
            }
            Hold::On(packets, _) => {
                // Before anybody is named it may be anybody's.
                let most = if self.sign_on.user().is_some() { MAX_PENDING } else { MAX_UNKNOWN };
                packets.push_of_list(packet, most)
            }
            Hold::Before | Hold::Over => {
                self.server(&packet, cx);
                Ok(())
            }
        }
    }

    /// A packet with which the server accepts its client, and may say who that is.
    fn accepts(&mut self, packet: &Packet, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let texts = NAMES.iter().flat_map(|key| packet.all(*key));
        let mut texts = texts.flat_map(|names| names.split(|b| *b == b',')).peekable();
        while texts.next_if(|name| name.trim_ascii().is_empty()).is_some() {}
        let Some(first) = texts.peek() else { return Ok(()) };
        let me = charset::read_name(first).trim().to_owned();
        let names: Vec<Address> = texts.filter_map(|name| address(name, cx)).collect();
        let Some(user) = address(me.as_bytes(), cx) else {
            self.release(cx);
            self.hold = Hold::Over;
            cx.emit(Event::Opaque);
            return Ok(());
        };
        let judged = std::mem::take(&mut self.sign_on).named(user, &names);
        // Not even passed on unread: the client would go on under the wrong name.
        let (sign_on, signs_in) = judged.inspect_err(|_| cx.out.withhold())?;
        self.sign_on = sign_on;
        if signs_in {
            self.signed_in(me, cx);
        }
        Ok(())
    }

    /// The server knows the person, whom it calls `me`.
    fn signed_in(&mut self, me: String, cx: &mut Cx<'_>) {
        let Some(user) = self.sign_on.user().cloned() else { return };
        self.me = me;
        cx.emit(Event::SignedIn { user, endpoint: self.endpoint.clone() });
        self.own.touch();
    }

    /// The list has waited long enough.
    pub(in crate::ymsg) fn waited(&mut self, cx: &mut Cx<'_>) {
        let (sign_on, signs_in) = std::mem::take(&mut self.sign_on).unnamed();
        self.sign_on = sign_on;
        if !signs_in {
            return self.release(cx);
        }
        if let Hold::On(_, until) = &mut self.hold {
            *until = cx.later(PATIENCE);
        }
        let me = self.sign_on.user().map(|user| user.name().local().to_owned());
        self.signed_in(me.unwrap_or_default(), cx);
    }

    /// Lets the client have its list, with ours in it as far as that is known.
    pub(in crate::ymsg) fn release(&mut self, cx: &mut Cx<'_>) {
        let hold = std::mem::replace(&mut self.hold, Hold::Over);
        let Hold::On(mut packets, _) = hold else { return };
        // Before version 15 a client is signed on by the server's first status, and forgets whom
        // it was shown before.
        self.is_greeted = cx.link.is_new();
        self.greeting = (!self.is_greeted).then(|| cx.later(GREETING));
        self.listing = Some(cx.later(PATIENCE));
        while let Some(packet) = packets.pop() {
            self.server(&packet, cx);
        }
        // After the list, since a client shows nothing of somebody whom it does not know yet.
        while let Some(envelope) = self.waiting.pop() {
            self.deliver(envelope, cx);
        }
    }

    /// The client has got a status from the server: now it takes ours.
    pub(in crate::ymsg) fn greeted(&mut self, cx: &mut Cx<'_>) {
        self.greeting = None;
        if !std::mem::replace(&mut self.is_greeted, true) {
            self.show_online(cx);
        }
    }
}
