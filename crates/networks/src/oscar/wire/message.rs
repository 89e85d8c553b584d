//! The text of an instant message: TLV 02 of 04/06 and 04/07.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1251, WINDOWS_1252};

use super::fields::{Reader, Truncated, Writer};

/// An ICBM TLV: the text, as [`encode`] writes it.
pub const TEXT: u16 = 0x0002;
/// An ICBM TLV from a client: the sender wants 04/0c when the server took the message.
pub const ACK: u16 = 0x0003;
/// An ICBM TLV: the client answered on its own.
pub const AUTO: u16 = 0x0004;
/// An ICBM TLV: store it (from a client), or it was stored (from a server).
pub const OFFLINE: u16 = 0x0006;
/// An ICBM TLV from a server: the sender's client wants typing notices.
pub const WANTS_TYPING: u16 = 0x000b;
/// An ICBM TLV from a server: when a stored message was sent, in seconds since 1970.
pub const SENT: u16 = 0x0016;

/// The ICBM channel of plain messages.
pub const CHANNEL_PLAIN: u16 = 1;
/// The ICBM channel of rendezvous: offers of files, connections and chats.
pub const CHANNEL_RENDEZVOUS: u16 = 2;
/// The ICBM channel of ICQ's old messages.
pub const CHANNEL_ICQ: u16 = 4;

/// A fragment of TLV 02: the features of the sender.
const FEATURES: u16 = 0x0501;
/// A fragment of TLV 02: text with its character set.
const FRAGMENT: u16 = 0x0101;

/// Bytes around a fragment's content.
const AROUND: usize = 9;

/// The head of every ICBM in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// Names the message to the two ends.
    pub cookie: [u8; 8],
    /// 1 for messages, 2 for rendezvous, 4 for ICQ's old messages.
    pub channel: u16,
    /// The other person, as the client spells it.
    pub name: &'a [u8],
}

impl<'a> Head<'a> {
    /// Reads a head as clients write it. What servers send has more behind the name.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Truncated> {
        Ok(Self { cookie: reader.array()?, channel: reader.u16()?, name: reader.short()? })
    }

    /// Appends the head to `writer`.
    #[must_use]
    pub fn write(&self, writer: Writer) -> Writer {
        writer.raw(&self.cookie).u16(self.channel).short(self.name)
    }
}

/// Value of TLV 02 for `text`: ASCII where it is that, else UTF-16BE, which every client since 1999
/// shows. Empty where it does not fit.
pub fn encode(text: &str) -> Vec<u8> {
    written(text).bytes().to_vec()
}

/// [`encode`], to be put around.
pub fn written(text: &str) -> Writer {
    const BEFORE: usize = 4;
    let length = BEFORE + size(text);
    let head = |charset: u16| {
        let head = Writer::with_room(AROUND + length).tlv(FEATURES, [1]).u16(FRAGMENT);
        head.count(length).u16(charset).u16(0)
    };
    if text.is_ascii() {
        head(0x0000).raw(text.as_bytes())
    } else {
        text.encode_utf16().fold(head(0x0002), Writer::u16)
    }
}

/// Bytes that `text` takes in TLV 02.
pub fn size(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { 2 * text.encode_utf16().count() }
}

/// Encoding of eight-bit text by a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EightBit {
    /// Western European text, as AIM clients write it.
    #[default]
    Latin,
    /// Russian text, as ICQ clients on a Russian Windows write it under the name of Latin-1.
    Cyrillic,
}

impl EightBit {
    const fn encoding(self) -> &'static Encoding {
        match self {
            Self::Latin => WINDOWS_1252,
            Self::Cyrillic => WINDOWS_1251,
        }
    }
}

/// The text in TLV 02, its fragments joined. `None` where there is no text fragment at all.
pub fn decode(value: &[u8]) -> Option<String> {
    decode_as(value, EightBit::Latin)
}

/// [`decode`] for clients that may mean something else by eight-bit text.
pub fn decode_as(value: &[u8], eight_bit: EightBit) -> Option<String> {
    let mut text = None;
    for (_, fragment) in super::tlvs(value).filter(|(kind, _)| *kind == FRAGMENT) {
        let mut reader = Reader::new(fragment);
        let (Ok(charset), Ok(_language)) = (reader.u16(), reader.u16()) else { continue };
        text.get_or_insert_with(String::new).push_str(&decode_charset(
            charset,
            reader.rest(),
            eight_bit,
        ));
    }
    text
}

/// Text in one of the character sets of OSCAR; what cannot be read becomes U+FFFD.
pub fn decode_charset(charset: u16, bytes: &[u8], eight_bit: EightBit) -> String {
    match charset {
        0x0002 => utf16(bytes),
        0x0003 => decode_bytes(eight_bit.encoding(), bytes),
        _ => decode_eight_bit(bytes, eight_bit),
    }
}

/// Text without the name of a character set, as in buddy lists: UTF-8 as newer clients write it, else
/// what older ones mean.
pub fn decode_eight_bit(bytes: &[u8], eight_bit: EightBit) -> String {
    std::str::from_utf8(bytes)
        .map_or_else(|_| decode_bytes(eight_bit.encoding(), bytes), ToOwned::to_owned)
}

/// `text` as [`decode_eight_bit`] reads it from an eight-bit character set; `None` where that has not
/// all of it, or its bytes would be read as UTF-8.
pub fn encode_eight_bit(text: &str, eight_bit: EightBit) -> Option<Vec<u8>> {
    let (bytes, _, is_cut) = eight_bit.encoding().encode(text);
    Some(bytes.into_owned()).filter(|bytes| !is_cut && decode_eight_bit(bytes, eight_bit) == text)
}

/// Text under a MIME type such as `text/aolrtf; charset="unicode-2-0"`: profiles and away texts.
pub fn decode_mime(mime: &[u8], bytes: &[u8]) -> String {
    decode_mime_as(mime, bytes, EightBit::Latin)
}

/// [`decode_mime`] for clients that may mean something else by eight-bit text.
pub fn decode_mime_as(mime: &[u8], bytes: &[u8], eight_bit: EightBit) -> String {
    let mime = String::from_utf8_lossy(mime).to_ascii_lowercase();
    if mime.contains("unicode-2-0") {
        utf16(bytes)
    } else if mime.contains("utf-8") {
        decode_bytes(UTF_8, bytes)
    } else {
        decode_eight_bit(bytes, eight_bit)
    }
}

/// A MIME type and `text` under it, for profiles and away texts.
pub fn encode_mime(text: &str) -> (&'static str, Vec<u8>) {
    if text.is_ascii() {
        (r#"text/aolrtf; charset="us-ascii""#, text.into())
    } else {
        let bytes = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        (r#"text/aolrtf; charset="unicode-2-0""#, bytes)
    }
}

fn decode_bytes(encoding: &'static Encoding, bytes: &[u8]) -> String {
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// UTF-16, or what some clients write under its name. An odd length or half a pair cannot be UTF-16,
/// and is UTF-8 where it can be, as libpurple 2.14 reads it (`oscar_decode_im`). Bytes that no text has
/// in UTF-8 are those of a UTF-16 that was cut, whose whole characters are kept.
fn utf16(bytes: &[u8]) -> String {
    let (pairs, left) = bytes.as_chunks::<2>();
    let text = char::decode_utf16(pairs.iter().map(|pair| u16::from_be_bytes(*pair)));
    let text: Result<String, _> = text.collect();
    let is_text = |text: &&str| !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    let other = || std::str::from_utf8(bytes).ok().filter(is_text);
    match (text, left.is_empty()) {
        (Ok(text), true) => text,
        (Ok(text), false) => other().map_or(text, ToOwned::to_owned),
        (Err(_), _) => other().map_or_else(|| replaced(pairs), ToOwned::to_owned),
    }
}

fn replaced(pairs: &[[u8; 2]]) -> String {
    let text = char::decode_utf16(pairs.iter().map(|pair| u16::from_be_bytes(*pair)));
    text.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_sent_as_it_is_and_the_rest_as_utf16() {
        assert_eq!(encode("hi"), b"\x05\x01\0\x01\x01\x01\x01\0\x06\0\0\0\0hi");
        assert_eq!(encode("é"), b"\x05\x01\0\x01\x01\x01\x01\0\x06\0\x02\0\0\0\xe9");
    }

    #[test]
    fn every_text_comes_back() {
        for text in ["", "plain", "Привет", "1F600 \u{1f600} emoji", "caf\u{e9} \u{4f60}"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn fragments_of_several_character_sets_are_joined() {
        let value = b"\x05\x01\0\x01\x01\
            \x01\x01\0\x06\0\0\0\0ab\
            \x01\x01\0\x05\0\x03\0\0\xe9\
            \x01\x01\0\x08\0\x02\0\0\xd8\x3d\xde\x00";
        assert_eq!(decode(value).unwrap(), "abé\u{1f600}");
        assert_eq!(decode(b"\x05\x01\0\x01\x01"), None);
    }

    #[test]
    fn broken_text_is_still_text() {
        assert_eq!(decode_charset(2, b"\xd8\x3d\0a", EightBit::Latin), "\u{fffd}a");
        assert_eq!(decode_charset(0, b"caf\xe9", EightBit::Latin), "café");
        assert_eq!(decode_charset(3, b"\xcf\xf0\xe8", EightBit::Cyrillic), "При");
    }

    #[test]
    fn utf16_of_an_odd_length_is_utf8_as_libpurple_reads_it_or_utf16_that_was_cut() {
        let read = |bytes: &[u8]| {
            let away = decode_mime(br#"text/aolrtf; charset="unicode-2-0""#, bytes);
            let said = decode_charset(2, bytes, EightBit::Cyrillic);
            assert_eq!(said, away, "texts and away texts alike");
            said
        };
        assert_eq!(read(b"hello"), "hello", "under a wrong name");
        assert_eq!(read("привет!".as_bytes()), "привет!");
        assert_eq!(read(b"one\r\n\ttwo"), "one\r\n\ttwo", "lines and columns are text");
        assert_eq!(read(b"\0a\0b\0"), "ab", "half a unit is none");
        assert_eq!(read(b"\x04\x1f\x04\x40\x04"), "Пр", "as UTF-8 these would be controls");
        assert_eq!(read(b"\xd8\x3d\xde\x00\xd8"), "\u{1f600}", "and no UTF-8 at all");
    }

    #[test]
    fn half_a_pair_is_utf8_where_it_can_be() {
        // A first half with no second in UTF-16, but whole letters in UTF-8.
        assert_eq!(decode_charset(2, b"\xd8\x8f=h", EightBit::Latin), "\u{60f}=h");
        assert_eq!(decode_charset(2, b"\xd8\x3d\0a", EightBit::Latin), "\u{fffd}a");
    }

    #[test]
    fn away_texts_name_their_charset() {
        for text in ["gone fishing", "ушла"] {
            let (mime, bytes) = encode_mime(text);
            assert_eq!(decode_mime(mime.as_bytes(), &bytes), text);
        }
        let utf8 = b"text/aolrtf; charset=\"utf-8\"";
        assert_eq!(decode_mime(utf8, "é".as_bytes()), "é");
        assert_eq!(decode_mime_as(b"", b"\xcf\xf0\xe8", EightBit::Cyrillic), "При");
    }
}
