//! The kinds of content that a message to somebody foreign can have, and what becomes of each.
//!
//! | channel | kind | |
//! |---|---|---|
//! | 1 | text, automatic answer | said |
//! | 1 | nothing that can be read | refused |
//! | 2 | file, direct connection, chat, game, buddy list, voice, ICQ's extended messages | refused |
//! | 2 | buddy icon, which clients send by themselves; the end of something | ends here |
//! | 4 | text, web address | said |
//! | 4 | request for authorisation and the answers to it | a step of consent |
//! | 4 | "you were added", which clients send by themselves | ends here |
//! | 4 | contacts and all others | refused |
//! | others | | refused |

use crosstalk_core::{Address, Consent, RichText};

use super::wire::code;
use super::wire::message::{self, EightBit, TEXT, decode_eight_bit};
use super::wire::message::{
    CHANNEL_ICQ as OLD, CHANNEL_PLAIN as PLAIN, CHANNEL_RENDEZVOUS as RENDEZVOUS,
};
use super::wire::{Reader, Truncated, find};

/// A TLV of channels 2 and 4: what it is about.
const ABOUT: u16 = 0x0005;
/// The capability of buddy icons.
const ICON: [u8; 16] = *b"\x09\x46\x13\x46\x4c\x7f\x11\xd1\x82\x22\x44\x45\x53\x54\0\0";
/// Stands between the parts of ICQ's old messages.
const SEPARATOR: u8 = 0xfe;

/// Meaning of a message; `To` is its receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content<To> {
    /// Words to send in place of it.
    Words(To, String),
    /// A step of consent is taken.
    Step(To, Consent),
    /// Nobody waits for an answer, and nobody has to hear of it.
    Ended,
    /// It is answered with this error.
    Refused(u16),
}

impl Content<()> {
    /// The same for somebody.
    pub(super) fn to(self, to: Address) -> Content<Address> {
        match self {
            Self::Words((), text) => Content::Words(to, text),
            Self::Step((), step) => Content::Step(to, step),
            Self::Ended => Content::Ended,
            Self::Refused(code) => Content::Refused(code),
        }
    }
}

/// Content of the TLVs of a message on `channel`.
pub(super) fn read(channel: u16, fields: &[u8], eight_bit: EightBit) -> Content<()> {
    let about = || find(fields, ABOUT).unwrap_or_default();
    let read = match channel {
        PLAIN => find(fields, TEXT)
            .and_then(|text| message::decode_as(text, eight_bit))
            .map(|text| Content::Words((), text))
            .ok_or(Truncated),
        RENDEZVOUS => offer(about()),
        OLD => old(about(), eight_bit),
        _ => Err(Truncated),
    };
    read.unwrap_or(Content::Refused(code::NOT_SUPPORTED))
}

/// Channel 2: what it does, a cookie, the capability it is about.
fn offer(about: &[u8]) -> Result<Content<()>, Truncated> {
    const REQUEST: u16 = 0;
    let mut reader = Reader::new(about);
    if reader.u16()? != REQUEST {
        return Ok(Content::Ended);
    }
    reader.take(8)?;
    let refused = Content::Refused(code::NOT_SUPPORTED);
    Ok(if reader.array()? == ICON { Content::Ended } else { refused })
}

/// Channel 4, in little-endian: the writer's number, a kind, flags, and a text that ends with a zero.
fn old(about: &[u8], eight_bit: EightBit) -> Result<Content<()>, Truncated> {
    let mut reader = Reader::new(about);
    reader.u32()?;
    let (kind, _flags, length) = (reader.u8()?, reader.u8()?, reader.u16()?.swap_bytes());
    let text = reader.take(length.into())?;
    let text = text.strip_suffix(&[0]).unwrap_or(text);
    let parts = || text.split(|b| *b == SEPARATOR).filter(|part| !part.is_empty());
    let words = |part: &[u8]| decode_eight_bit(part, eight_bit);
    Ok(match kind {
        0x01 => Content::Words((), words(text)),
        // What it is, and the address.
        0x04 => Content::Words((), parts().map(words).collect::<Vec<_>>().join("\n")),
        // Names and addresses of the writer, and last the reason.
        0x06 => {
            let reason = text.rsplit(|b| *b == SEPARATOR).next().unwrap_or_default();
            Content::Step((), Consent::Request(RichText::plain(words(reason))))
        }
        0x07 => Content::Step((), Consent::Revoke),
        0x08 => Content::Step((), Consent::Grant),
        0x0c => Content::Ended,
        _ => Content::Refused(code::NOT_SUPPORTED),
    })
}
