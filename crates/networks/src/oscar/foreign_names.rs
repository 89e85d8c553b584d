//! Foreign names: how they are told from others, how clients are shown them, and SNACs in which they
//! stand that are about something else, cannot be read, or that nobody here knows.
//!
//! Every SNAC that passes to the server and is not of [words](is_words) is looked through: what names
//! somebody foreign is answered here.

use crosstalk_core::{Address, NameClass};

use super::MAX_NAME;
use super::account::Account;
use super::context::Cx;
use super::verdict::Verdict;
use super::wire::kinds::{admin, bart, chat, translate};
use super::wire::snac::Kind;
use super::wire::{Snac, Writer, code, find};

/// A TLV of 06/02 and 07/04: an e-mail address.
const EMAIL: u16 = 0x0011;

/// Whether a SNAC of the client's holds what the person says or is, in which a name is a word: chat,
/// a text to be translated, a picture.
pub(super) const fn is_words(kind: Kind) -> bool {
    matches!(kind, translate::REQUEST | chat::CHANNEL_MESSAGE_TO_HOST | bart::UPLOAD)
}

/// Whether a foreign name stands somewhere among other fields. Names stand between lengths and zeros;
/// a length that reads as a letter only makes a name longer at its front.
pub(super) fn names_foreign(fields: &[u8], class_of: impl Fn(&[u8]) -> NameClass) -> bool {
    let texts = fields.split(|b| !(b.is_ascii_graphic() || *b == b' '));
    let mut texts = texts.filter(|text| text.contains(&b'@'));
    texts.any(|text| class_of(text) != NameClass::Own)
}

/// Answers a SNAC that names somebody foreign to a server who knows nobody of that name.
pub(super) fn answer_no_match(snac: &Snac, cx: &mut Cx<'_>) {
    cx.refuse(snac.family, snac.request, code::NO_MATCH);
}

impl Account {
    /// Meaning of a name in a SNAC of the client's.
    pub(super) fn class_of(&self, name: &[u8], cx: &Cx<'_>) -> NameClass {
        // Some clients send the zero that ends a name along with it.
        let name = String::from_utf8_lossy(name).replace([' ', '\0'], "");
        match self.asked.behind(&name) {
            Some(address) => NameClass::Foreign(address.clone()),
            None => cx.context.names.classify(&name),
        }
    }

    /// Spelling of `address` for the person; `None` where the protocol cannot carry the name.
    pub(super) fn spelling(&self, address: &Address, cx: &Cx<'_>) -> Option<String> {
        let names = &cx.context.names;
        let contact = self.contacts.get(address);
        contact
            .map(|c| c.spelling.clone())
            .filter(|s| {
                s.len() <= MAX_NAME && names.classify(s) == NameClass::Foreign(address.clone())
            })
            .or_else(|| Some(names.universal(address)))
            .filter(|s| u8::try_from(s.len()).is_ok())
    }

    /// Withholds a SNAC of no known form in which a foreign name stands anywhere.
    pub(super) fn unread(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        if !names_foreign(&snac.body, |name| self.class_of(name, cx)) {
            return Verdict::Forward;
        }
        answer_no_match(snac, cx);
        self.refund(snac.kind(), cx);
        Verdict::Withhold
    }

    /// 06/02: an invitation to AIM by e-mail.
    pub(super) fn invitation(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        let Some(address) = find(&snac.body, EMAIL) else { return self.unread(snac, cx) };
        if self.class_of(address, cx) == NameClass::Own {
            return Verdict::Forward;
        }
        answer_no_match(snac, cx);
        self.refund(snac.kind(), cx);
        Verdict::Withhold
    }

    /// 07/04: a change of the account, such as of its e-mail address; passwords are not looked at.
    pub(super) fn account_change(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        const MAY_READ_AND_WRITE: u16 = 0x0003;
        const ERROR: u16 = 0x0008;
        const BAD_EMAIL: u16 = 0x0023;
        let address = find(&snac.body, EMAIL);
        if address.is_none_or(|address| self.class_of(address, cx) == NameClass::Own) {
            return Verdict::Forward;
        }
        let body = Writer::new().u16(MAY_READ_AND_WRITE).u16(1).tlv(ERROR, BAD_EMAIL.to_be_bytes());
        cx.answer(admin::INFO_CHANGE_REPLY, snac.request, body);
        self.refund(snac.kind(), cx);
        Verdict::Withhold
    }
}
