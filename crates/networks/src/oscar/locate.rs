//! Questions about foreign people that the server could not answer.

use crosstalk_core::{Address, Availability, NameClass, RichText};

use super::account::Account;
use super::context::Cx;
use super::presence::{shown_text, user_info};
use super::verdict::Verdict;
use super::wire::kinds::locate;
use super::wire::{Reader, Snac, Writer, code, message};
use crate::common::html;

impl Account {
    /// 02/05, 02/15 and 02/0b: profile, away text and directory entry.
    pub(super) fn asked_about(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let mut reader = Reader::new(&snac.body);
        let kind = snac.kind();
        let skipped = match kind {
            locate::USER_INFO_QUERY => reader.u16().is_ok(),
            locate::USER_INFO_QUERY_2 => reader.u32().is_ok(),
            _ => true,
        };
        let Some(name) = reader.short().ok().filter(|_| skipped) else {
            return self.unread(snac, cx);
        };
        let about = self.class_of(name, cx);
        let answer = match &about {
            NameClass::Own => return self.unread(snac, cx),
            _ if kind == locate::GET_DIR_INFO => {
                Some((locate::GET_DIR_REPLY, empty_directory_entry()))
            }
            NameClass::Foreign(about) => {
                self.describe(about, cx).map(|body| (locate::USER_INFO_REPLY, body))
            }
            NameClass::Nowhere => None,
        };
        match answer {
            Some((reply, body)) => cx.answer(reply, snac.request, body),
            None => cx.refuse(snac.family, snac.request, code::NOT_LOGGED_IN),
        }
        self.refund(kind, cx);
        Verdict::Withhold
    }

    /// User info, profile and away text; `None` while the person is offline.
    fn describe(&self, about: &Address, cx: &Cx<'_>) -> Option<Writer> {
        const PROFILE: [u16; 2] = [0x0001, 0x0002];
        const AWAY: [u16; 2] = [0x0003, 0x0004];
        let fields = self.presence_fields(about, cx.now.wall)?;
        let presence = self.theirs.get(about)?;
        let name = self.spelling(about, cx)?;
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
    pub(super) fn search_out(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        if self.class_of(&snac.body, cx) == NameClass::Own {
            return self.unread(snac, cx);
        }
        cx.refuse(snac.family, snac.request, code::NO_MATCH);
        Verdict::Withhold
    }
}

fn empty_directory_entry() -> Writer {
    const FOUND: u16 = 1;
    Writer::new().u16(FOUND).u16(0)
}
