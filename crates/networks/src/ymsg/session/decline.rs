//! What foreign people cannot be asked: conferences, files, pictures, games.

use crosstalk_core::Address;

use super::super::link::Io;
use super::super::service::{
    CONFERENCE_ADD_INVITE, CONFERENCE_DECLINE, CONFERENCE_INVITE, FILE_TRANSFER,
};
use super::super::wire::{Draft, Packet};
use super::names::receivers;
use super::{ANSWER, Session};

/// What the others in a conference read.
const NO_CONFERENCE: &str = "People of other networks cannot join conferences.";
/// A file transfer is offered, and declined.
const OFFERED: u32 = 1;
const DECLINED: &str = "4";

impl Session {
    /// Answers for foreign people where the client waits for an answer.
    pub(super) fn decline(&self, packet: &Packet, io: &mut Io<'_>) {
        let all = receivers(packet, io);
        for who in all.iter().flatten() {
            let Some(who) = self.name(who, io) else { continue };
            match packet.service {
                CONFERENCE_INVITE | CONFERENCE_ADD_INVITE => {
                    let room = packet.first(57).unwrap_or_default();
                    let draft = Draft::new(CONFERENCE_DECLINE, ANSWER).with(1, &self.me);
                    io.tell(draft.with(57, room).with(54, who).with(14, NO_CONFERENCE));
                }
                FILE_TRANSFER if packet.number(222) == Some(OFFERED) => {
                    let transfer = packet.first(265).unwrap_or_default();
                    let draft = Draft::new(FILE_TRANSFER, ANSWER).with(4, who).with(5, &self.me);
                    io.tell(draft.with(265, transfer).with(222, DECLINED));
                }
                _ => {}
            }
        }
    }

    /// The client hides from somebody, or no longer: whether that person may see it is consent.
    pub(super) fn stealth(&mut self, packet: &Packet, io: &mut Io<'_>) {
        let hides = packet.number(31) == Some(1) && packet.number(13) == Some(2);
        let all: Vec<Address> = receivers(packet, io).into_iter().flatten().collect();
        for who in all {
            self.answer_request(&who, !hides, io);
        }
        let draft = Draft::new(packet.service, ANSWER);
        io.tell(packet.pairs().fold(draft, |draft, (key, value)| draft.with(key, value)));
    }
}
