//! Which frames matter, and who takes them.

use bytes::Bytes;
use crosstalk_core::{Fault, NameClass, Now, Owner, Side};

use super::account::{Kind, Pass, Session};
use super::context::Io;
use super::foreign_names::is_words;
use super::service;
use super::sign_on::{self, Errand};
use super::wire::flap::HEADER;
use super::wire::message::Head;
use super::wire::{Channel, Reader, Snac, find};

/// The family of messages: a server that offers it serves a session.
const MESSAGES: u16 = 0x0004;

impl Session {
    /// Whether a frame has to be looked at. Counts those that pass unseen.
    pub(super) fn wants(&mut self, now: Now, side: Side, channel: Channel, body: &[u8]) -> bool {
        if self.list.holds() && side == Side::Server {
            return true;
        }
        if channel != Channel::Data {
            return false;
        }
        let kind = Snac::peek(body);
        match side {
            Side::Server => self.wants_of_server(kind, body),
            Side::Client => {
                let wanted = self.wants_of_client(kind, body);
                if !wanted {
                    self.rates.saw(kind, now.instant);
                }
                wanted
            }
        }
    }

    fn wants_of_server(&self, kind: (u16, u16), body: &[u8]) -> bool {
        match kind {
            (0x04, 0x07 | 0x14) => body.contains(&b'@'),
            (0x01, 0x03) => self.kind == Kind::Undecided,
            (0x01, 0x05 | 0x07 | 0x0a | 0x0f) | (0x13, 0x06 | 0x08 | 0x09 | 0x0a | 0x0f) => true,
            (0x13, 0x0e) => !self.acks.is_empty(),
            _ => false,
        }
    }

    fn wants_of_client(&self, kind: (u16, u16), body: &[u8]) -> bool {
        // Every foreign name has an @, but those that stand in for one in a prompt.
        let may_be_foreign = || body.contains(&b'@') || self.asked.is_open();
        match kind {
            (0x01, 0x02 | 0x0e | 0x11 | 0x1e)
            | (0x02, 0x04)
            | (0x04, 0x02)
            | (0x13, 0x02 | 0x04 | 0x05 | 0x08..=0x0a | 0x11 | 0x12) => true,
            (0x02, 0x05 | 0x0b | 0x15)
            | (0x03, 0x04 | 0x05 | 0x0f | 0x10)
            | (0x04, 0x06 | 0x08 | 0x0b | 0x14)
            | (0x09, 0x05..=0x0b)
            | (0x0a | 0x15, 0x02)
            | (0x13, 0x14 | 0x16 | 0x18 | 0x1a) => may_be_foreign(),
            _ => body.contains(&b'@') && !is_words(kind),
        }
    }

    /// Takes a frame that [is wanted](Self::wants).
    pub(super) fn frame(&mut self, side: Side, raw: Bytes, io: &mut Io<'_>) -> Result<(), Fault> {
        let body = raw.slice(HEADER.min(raw.len())..);
        let snac = Snac::parse(&body);
        let pass = match (&snac, side) {
            _ if side == Side::Server && self.list.holds() => self.hold(&raw, snac.ok(), io),
            (Err(_), _) => Pass::Forward,
            (Ok(snac), Side::Server) => self.server_said(snac, &raw, io)?,
            (Ok(snac), Side::Client) => self.client_said(snac, &raw, io)?,
        };
        match pass {
            Pass::Forward => {
                if side == Side::Client {
                    self.rates.saw(Snac::peek(&body), io.now.instant);
                }
                io.forward(side.other(), raw);
            }
            Pass::Withhold => io.withhold(side.other()),
            Pass::Done => {}
        }
        self.answer_edits(io);
        self.settle(io);
        Ok(())
    }

    fn server_said(&mut self, snac: &Snac, raw: &Bytes, io: &mut Io<'_>) -> Result<Pass, Fault> {
        let Ok(content) = snac.content() else { return Ok(Pass::Forward) };
        match snac.kind() {
            (0x01, 0x03) => self.families(content),
            (0x01, 0x05) => return Ok(self.redirected(snac, content, io)),
            (0x01, 0x07) => self.rates.learn(content, io.now.instant),
            (0x01, 0x0a) => self.rates.adjust(content, io.now.instant),
            // Somebody of the server's under the name of somebody foreign.
            (0x04, 0x07 | 0x14)
                if Head::read(&mut Reader::new(content))
                    .is_ok_and(|head| self.class_of(head.name, io) != NameClass::Own) =>
            {
                return Ok(Pass::Withhold);
            }
            (0x01, 0x0f) => return self.self_info(snac, raw, io),
            (0x13, 0x06) => return Ok(self.listed(snac, raw, io)),
            (0x13, 0x08..=0x0a) => return Ok(self.pushed(snac, raw, io)),
            (0x13, 0x0e) => return Ok(self.acknowledged(snac, content, io)),
            (0x13, 0x0f) => return Ok(self.unchanged()),
            _ => {}
        }
        Ok(Pass::Forward)
    }

    fn client_said(&mut self, snac: &Snac, raw: &Bytes, io: &mut Io<'_>) -> Result<Pass, Fault> {
        Ok(match snac.kind() {
            (0x01, 0x02) => return Ok(self.ready(raw, io)),
            (0x01, 0x0e) => self.asked_who(),
            (0x01, 0x11 | 0x1e) | (0x02, 0x04) => self.own_presence(snac, io),
            (0x02, 0x05 | 0x0b | 0x15) => self.asked_about(snac, io),
            (0x03, 0x04 | 0x0f) => self.watched(snac, io),
            (0x03, 0x05 | 0x10) => self.unwatched(snac, io),
            (0x04, 0x02) => self.parameters(snac),
            (0x04, 0x06) => self.message_out(snac, io),
            (0x04, 0x14) => self.typing_out(snac, io),
            (0x04, 0x08) => self.warning_out(snac, io),
            (0x04, 0x0b) => self.reply_out(snac, io),
            (0x09, _) => self.permits(snac, io),
            (0x06, 0x02) => self.invitation(snac, io),
            (0x07, 0x04) => self.account_change(snac, io),
            (0x0a, 0x02) => self.search_out(snac, io),
            (0x13, 0x02 | 0x04) => self.list.asked(io.now.instant),
            (0x13, 0x05) => self.cached_list(snac, io),
            (0x13, 0x08..=0x0a) => return self.edit(snac, io),
            (0x13, 0x11) => self.edits.begin(),
            (0x13, 0x12) => {
                self.edits.end();
                self.publish_edits(io);
                Pass::Forward
            }
            (0x13, 0x14 | 0x16 | 0x18 | 0x1a) => self.consent_out(snac, io),
            (0x15, 0x02) => self.details(snac, io),
            _ => self.unread(snac, io),
        })
    }

    /// Takes the families that a server offers. One without ICBM serves no session.
    fn families(&mut self, content: &[u8]) {
        let families = || content.chunks_exact(2).map(|f| u16::from_be_bytes([f[0], f[1]]));
        self.kind = if families().any(|family| family == MESSAGES) {
            Kind::Session
        } else {
            let mut families = families();
            Kind::Service { about_people: families.any(|f| service::may_name_people(Some(f))) }
        };
    }

    /// A redirect to a service: the connection that follows it is let through.
    fn redirected(&self, snac: &Snac, content: &[u8], io: &mut Io<'_>) -> Pass {
        let owner = self.user().map(Owner::account);
        let Some(fields) = sign_on::redirect(
            content,
            Some(Errand::Service { family: service_in(content) }),
            owner,
            io,
        ) else {
            return Pass::Forward;
        };
        let prefix = snac.body.len() - content.len();
        let body = [&snac.body[..prefix], &fields].concat();
        io.withhold(Side::Client);
        let _ = io.snac(Side::Client, &Snac { body: body.into(), ..snac.clone() });
        Pass::Done
    }
}

/// The family of the service that 01/05 redirects to.
fn service_in(content: &[u8]) -> Option<u16> {
    const SERVICE: u16 = 0x000d;
    find(content, SERVICE).and_then(|family| Reader::new(family).u16().ok())
}
