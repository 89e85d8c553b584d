//! The list that waits for the foreign one.
//!
//! A server accepts a person with the list (0x55 before version 15, 0xF1 since) or with a first
//! status (0x01, 0xF0); one of them names the person. From the first on, everything waits until
//! the person and the foreign contacts are known, so that the client gets one list.

use std::time::Duration;

use crosstalk_core::{Fault, MAX_PENDING, MAX_UNKNOWN};

use super::super::account::Account;
use super::super::context::Cx;
use super::super::sign_on::accepts;
use super::super::wire::Packet;
use super::Hold;
use crate::common::frame_queue::{FrameQueue, Weigh};

/// Longest wait of the list for the foreign one, and for a packet that names the person.
const PATIENCE: Duration = Duration::from_secs(3);
const NAMING: Duration = Duration::from_secs(1);
/// Longest wait of foreign presence for the server's first status.
const GREETING: Duration = Duration::from_secs(2);

impl Weigh for Packet {
    fn weight(&self) -> usize {
        self.raw.len()
    }
}

impl Account {
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
