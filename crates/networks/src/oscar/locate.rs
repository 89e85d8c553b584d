//! Questions about foreign people that the server could not answer.

use crosstalk_core::{Address, Availability, NameClass, RichText};

use super::account::{Pass, Session};
use super::context::Io;
use super::presence::{shown_text, user_info};
use super::wire::{Reader, Snac, Writer, message};
use crate::common::html;

const LOCATE: u16 = 0x0002;
const NOT_LOGGED_IN: u16 = 0x0004;
const NO_MATCH: u16 = 0x0014;

impl Session {
    /// 02/05, 02/15 and 02/0b: profile, away text and directory entry.
    pub(super) fn asked_about(&mut self, snac: &Snac, io: &mut Io<'_>) -> Pass {
        let mut reader = Reader::new(&snac.body);
        let skipped = match snac.subtype {
            0x05 => reader.u16().is_ok(),
            0x15 => reader.u32().is_ok(),
            _ => true,
        };
        let Some(name) = reader.short().ok().filter(|_| skipped) else {
            return self.unread(snac, io);
        };
        let about = self.class_of(name, io);
        let answer = match &about {
            NameClass::Own => return self.unread(snac, io),
            _ if snac.subtype == 0x0b => Some((0x0c, empty_directory_entry())),
            NameClass::Foreign(about) => self.describe(about, io).map(|body| (0x06, body)),
            NameClass::Nowhere => None,
        };
        let (subtype, body) = answer.unwrap_or((0x01, Writer::new().u16(NOT_LOGGED_IN)));
        io.answer(LOCATE, subtype, snac.request, body);
        self.refund(snac.kind(), io);
        Pass::Withhold
    }

    /// User info, profile and away text; `None` while the person is offline.
    fn describe(&self, about: &Address, io: &Io<'_>) -> Option<Writer> {
        const PROFILE: [u16; 2] = [0x0001, 0x0002];
        const AWAY: [u16; 2] = [0x0003, 0x0004];
        let fields = self.presence_fields(about, io.now.wall)?;
        let presence = self.theirs.get(about)?;
        let name = self.spelling(about, io)?;
        let writer = Writer::new().raw(&user_info(&name, &fields));
        let profile = RichText::plain(format!("{about}, reached through CrossTalk"));
        let text = |writer: Writer, [mime_kind, kind]: [u16; 2], text: &RichText| {
            let (mime, bytes) = message::encode_mime(&html::aim(text));
            writer.tlv(mime_kind, mime).tlv(kind, bytes)
        };
        let mut writer = text(writer, PROFILE, &profile);
        if presence.show < Availability::Available {
            let away = if presence.text.is_empty() {
                RichText::plain(shown_text(presence))
            } else {
                presence.text.clone()
            };
            writer = text(writer, AWAY, &away);
        }
        Some(writer)
    }

    /// 0a/02: a search for an e-mail address, which a foreign name looks like.
    pub(super) fn search_out(&mut self, snac: &Snac, io: &mut Io<'_>) -> Pass {
        if self.class_of(&snac.body, io) == NameClass::Own {
            return self.unread(snac, io);
        }
        io.answer(snac.family, 0x01, snac.request, Writer::new().u16(NO_MATCH));
        Pass::Withhold
    }
}

fn empty_directory_entry() -> Writer {
    const FOUND: u16 = 1;
    Writer::new().u16(FOUND).u16(0)
}
