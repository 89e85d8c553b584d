//! Signing on, and the list that waits for the foreign one.
//!
//! A server accepts a person with the list (0x55 before version 15, 0xF1 since) or with a first
//! status (0x01, 0xF0); one of them names the person. From the first on, everything waits until
//! the person and the foreign contacts are known, so that the client gets one list.

use std::time::{Duration, Instant};

use crosstalk_core::{Event, Fault, MAX_PENDING};

use super::super::link::Io;
use super::super::wire::Packet;
use super::super::{charset, service};
use super::Session;

/// How long the list waits.
const PATIENCE: Duration = Duration::from_secs(3);
/// The keys under which a server says who the person is: the name, names in use, and the
/// current one.
const NAMES: [u32; 4] = [0, 89, 3, 1];

/// How far the list has come.
#[derive(Default)]
pub(super) enum Hold {
    /// The person is not accepted.
    #[default]
    Before,
    /// The server's packets since then, how long they are, and until when they wait.
    On(Vec<Packet>, usize, Instant),
    /// The client has its list.
    Over,
}

impl Hold {
    pub(super) const fn deadline(&self) -> Option<Instant> {
        if let Self::On(_, _, until) = self { Some(*until) } else { None }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }
}

const fn accepts(service: u16) -> bool {
    matches!(service, service::LIST | service::LIST_15 | service::LOGON | service::STATUS_15)
}

impl Session {
    /// 0x54: the client shows its proof, and what status it begins with.
    pub(super) fn answered(&mut self, packet: &Packet) {
        let version = packet.first(135).map(charset::read_name).unwrap_or_default();
        format!("Yahoo {version}").trim_end().clone_into(&mut self.endpoint);
        self.has_answered = true;
        self.own.begin(packet.status);
    }

    /// Takes a packet of the server, and holds it back as long as that is needed.
    pub(super) fn held_back(&mut self, packet: Packet, io: &mut Io<'_>) -> Result<(), Fault> {
        let accepts = self.has_answered && accepts(packet.service);
        if accepts && self.user.is_none() {
            self.accepted(&packet, io);
        }
        match &mut self.hold {
            Hold::Before if accepts => {
                let length = packet.raw.len();
                self.hold = Hold::On(vec![packet], length, io.later(PATIENCE));
                Ok(())
            }
            Hold::On(packets, length, _) => {
                *length += packet.raw.len();
                if *length > MAX_PENDING {
                    return Err(Fault::server("the list is too long"));
                }
                packets.push(packet);
                Ok(())
            }
            Hold::Before | Hold::Over => {
                self.server(&packet, io);
                Ok(())
            }
        }
    }

    /// The server knows the person, if `packet` says who that is.
    fn accepted(&mut self, packet: &Packet, io: &mut Io<'_>) {
        let mut names = NAMES.iter().filter_map(|key| packet.first(*key));
        let Some(name) = names.find(|name| !name.is_empty()) else { return };
        let name = charset::read_name(name);
        let name = name.split(',').next().unwrap_or_default().trim().to_owned();
        if let Ok(user) = io.context.names.address(&name, &io.context.network) {
            self.user = Some(user.clone());
            self.me = name;
            io.out.emit(Event::SignedIn { user, endpoint: self.endpoint.clone() });
            self.tell_presence(io);
        } else {
            self.release(io);
            self.hold = Hold::Over;
            io.out.emit(Event::Opaque);
        }
    }

    /// Lets the client have its list, with ours in it as far as that is known.
    pub(super) fn release(&mut self, io: &mut Io<'_>) {
        let Hold::On(packets, ..) = std::mem::replace(&mut self.hold, Hold::Over) else { return };
        for packet in &packets {
            self.server(packet, io);
        }
        for envelope in std::mem::take(&mut self.waiting) {
            self.deliver(envelope, io);
        }
    }
}
