//! Commands: a line of words, and behind some a payload whose length is the last word.

pub(super) mod xml;
pub(super) mod xml_text;

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::{Bytes, BytesMut};
use crosstalk_core::{Fault, MAX_PENDING, Side};

/// The longest line, in bytes.
pub const MAX_LINE: usize = 8 * 1024;

/// Commands with a payload from clients.
const FROM_CLIENT: [&str; 15] = [
    "MSG", "UUX", "QRY", "PAG", "PGD", "SDC", "ADL", "RML", "FQY", "UUM", "UUN", "SDG", "PUT",
    "DEL", "VAS",
];
/// Commands with a payload from servers.
const FROM_SERVER: [&str; 14] = [
    "MSG", "UBX", "NOT", "GCF", "IPG", "ADL", "RML", "FQY", "UBM", "UBN", "UUN", "SDG", "PUT",
    "NFY",
];

/// One command as it arrived.
#[derive(Clone)]
pub struct Command {
    /// All of it.
    pub raw: Bytes,
    /// Its line where that is no UTF-8, with marks for what cannot be read.
    line: Option<String>,
    /// Ranges of the words of the line: in `line`, or else in `raw`.
    words: Vec<(u16, u16)>,
    /// Start of the payload.
    body: usize,
}

impl Command {
    /// Takes a whole command off the front of `buffer`; `None` if it is not all there.
    pub fn take(side: Side, buffer: &mut BytesMut) -> Result<Option<Self>, Fault> {
        let Some((body, length)) = Self::extent(side, buffer)? else { return Ok(None) };
        if buffer.len() < length {
            return Ok(None);
        }
        let line = buffer.get(..body.saturating_sub(1)).unwrap_or_default();
        let lossy = match String::from_utf8_lossy(line) {
            Cow::Borrowed(_) => None,
            Cow::Owned(line) => Some(line),
        };
        let words = places(lossy.as_deref().map_or(line, str::as_bytes));
        Ok(Some(Self { raw: buffer.split_to(length).freeze(), line: lossy, words, body }))
    }

    /// Length of the command at the front of `buffer` in bytes, once its line is there.
    pub fn length(side: Side, buffer: &[u8]) -> Result<Option<usize>, Fault> {
        Ok(Self::extent(side, buffer)?.map(|(_, length)| length))
    }

    /// Start of the payload, and end of the command.
    fn extent(side: Side, buffer: &[u8]) -> Result<Option<(usize, usize)>, Fault> {
        let front = buffer.get(..MAX_LINE).unwrap_or(buffer);
        let Some(end) = memchr::memchr(b'\n', front) else {
            if buffer.len() >= MAX_LINE {
                return Err(Fault::new(side.blame(), "a line is too long"));
            }
            return Ok(None);
        };
        let line = front.get(..end).unwrap_or_default();
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let verb = word(words.next());
        let with_payload = match side {
            Side::Client => FROM_CLIENT.contains(&verb),
            // Errors since MSNP13 explain themselves: `241 n length`.
            Side::Server => {
                FROM_SERVER.contains(&verb) || is_error(verb) && words.clone().count() == 2
            }
        };
        let payload = word(words.next_back().filter(|_| with_payload)).parse().unwrap_or(0);
        if payload > MAX_PENDING - MAX_LINE {
            return Err(Fault::new(side.blame(), "a payload is too long"));
        }
        let body = end + 1;
        Ok(Some((body, body + payload)))
    }

    /// The command's name.
    pub fn verb(&self) -> &str {
        self.word(0)
    }

    /// The word at `index`, or nothing.
    pub fn word(&self, index: usize) -> &str {
        self.words.get(index).map_or("", |place| self.at(*place))
    }

    /// All words.
    pub fn words(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.words.iter().map(|place| self.at(*place))
    }

    /// The line from the word at `index` on, with one blank between words.
    pub fn from(&self, index: usize) -> String {
        self.words().skip(index).collect::<Vec<_>>().join(" ")
    }

    /// Bytes that it holds.
    pub fn weight(&self) -> usize {
        let line = self.line.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.raw.len() + line + self.words.len() * size_of::<(u16, u16)>()
    }

    fn at(&self, (start, end): (u16, u16)) -> &str {
        let line = self.line.as_deref().map_or(&self.raw[..], str::as_bytes);
        word(line.get(start.into()..end.into()))
    }

    /// The transaction id, which is 0 or not there in what a server says on its own.
    pub fn transaction(&self) -> u32 {
        self.word(1).parse().unwrap_or(0)
    }

    /// Bytes after the line.
    pub fn payload(&self) -> &[u8] {
        self.raw.get(self.body..).unwrap_or_default()
    }

    /// The line with the word at `index` replaced, and the payload as it was.
    #[must_use]
    pub fn with(&self, index: usize, word: &str) -> Bytes {
        self.with_all(&[index], word)
    }

    /// The same for several words.
    #[must_use]
    pub fn with_all(&self, indexes: &[usize], word: &str) -> Bytes {
        let old = self.words().enumerate();
        let words: Vec<&str> =
            old.map(|(i, old)| if indexes.contains(&i) { word } else { old }).collect();
        let mut line = words.join(" ").into_bytes();
        line.extend_from_slice(b"\r\n");
        line.extend_from_slice(self.payload());
        line.into()
    }
}

/// Ranges of the words of a line.
fn places(line: &[u8]) -> Vec<(u16, u16)> {
    let mut places = Vec::with_capacity(8);
    let mut at = 0;
    for word in line.split(u8::is_ascii_whitespace) {
        let (start, end) = (at, at + word.len());
        at = end + 1;
        // No line is longer than its limit, three times over where nothing in it can be read.
        if let (false, Ok(start), Ok(end)) = (word.is_empty(), start.try_into(), end.try_into()) {
            places.push((start, end));
        }
    }
    places
}

/// A word as text; empty where it is none.
fn word(bytes: Option<&[u8]>) -> &str {
    bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Whether a server's command is the number of an error.
fn is_error(verb: &str) -> bool {
    verb.len() == 3 && verb.bytes().all(|b| b.is_ascii_digit())
}

/// A command with a payload.
pub fn with_payload(head: &str, payload: &str) -> String {
    format!("{head} {}\r\n{payload}", payload.len())
}

/// Writes a name into one word, by percent encoding, without what clients show as nothing or
/// end at.
pub fn encode(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    // Bytes of longer characters are none of these.
    for byte in text.bytes().filter(|byte| !byte.is_ascii_control()) {
        if byte.is_ascii_alphanumeric() || b"-_.@!*'()".contains(&byte) {
            word.push(char::from(byte));
        } else {
            let _ = write!(word, "%{byte:02X}");
        }
    }
    word
}

/// The inverse of [`encode`]; a `%` that is none of its own stays.
pub fn decode(word: &str) -> String {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.first_chunk::<2>().filter(|_| *first == b'%');
        let value = hex.and_then(|h| std::str::from_utf8(h).ok());
        let value = value.filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
        let value = value.and_then(|h| u8::from_str_radix(h, 16).ok());
        bytes.push(value.unwrap_or(*first));
        rest = if value.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_belong_to_the_command_that_announces_them() {
        let mut stream = BytesMut::from(&b"MSG 3 A 5\r\nVER\r\nVER 1\r\nMSG 4 A 9\r\nx"[..]);
        let first = Command::take(Side::Client, &mut stream).unwrap().unwrap();
        assert_eq!((first.verb(), first.payload()), ("MSG", &b"VER\r\n"[..]));
        let second = Command::take(Side::Client, &mut stream).unwrap().unwrap();
        assert_eq!((second.transaction(), second.payload()), (1, &b""[..]));
        assert!(Command::take(Side::Client, &mut stream).unwrap().is_none());
        assert_eq!(stream.len(), 12);
    }

    #[test]
    fn errors_and_notes_have_payloads_too() {
        for line in ["241 7 3", "NFY PUT 3", "UBX 1:a@b.c 3"] {
            let mut stream = BytesMut::from(format!("{line}\r\nxyz").as_str());
            let command = Command::take(Side::Server, &mut stream).unwrap().unwrap();
            assert_eq!(command.payload(), b"xyz", "{line}");
        }
        let mut stream = BytesMut::from(&b"217 7\r\nxyz"[..]);
        Command::take(Side::Server, &mut stream).unwrap().unwrap();
        assert_eq!(&stream[..], b"xyz");
    }

    #[test]
    fn a_long_line_is_not_read_anew_with_each_byte_of_its_payload() {
        let line = format!("MSG {} 50000\r\n", "a ".repeat(MAX_LINE / 2 - 20));
        let (mut stream, begun) = (BytesMut::from(line.as_str()), std::time::Instant::now());
        for _ in 1..50_000 {
            stream.extend_from_slice(b"x");
            assert!(Command::take(Side::Client, &mut stream).unwrap().is_none());
        }
        stream.extend_from_slice(b"x");
        let command = Command::take(Side::Client, &mut stream).unwrap().unwrap();
        assert_eq!(command.payload().len(), 50_000);
        assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_command_holds_little_more_than_its_line() {
        for word in ["a ", "\u{e9} "] {
            let line = format!("LST {}\r\n", word.repeat(2_000));
            let mut stream = BytesMut::from(line.as_str());
            let command = Command::take(Side::Server, &mut stream).unwrap().unwrap();
            assert_eq!((command.words().len(), command.word(2_000)), (2_001, word.trim()));
            assert!(command.weight() < 4 * line.len(), "{}", command.weight());
        }
    }

    #[test]
    fn words_that_are_no_text_are_read_with_marks() {
        let mut stream = BytesMut::from(&b"ADD 3 FL  \xff@x.org b\xffb\r\n"[..]);
        let command = Command::take(Side::Client, &mut stream).unwrap().unwrap();
        assert_eq!(command.word(3), "\u{fffd}@x.org");
        assert_eq!(command.from(2), "FL \u{fffd}@x.org b\u{fffd}b");
        assert_eq!(command.words().next_back(), Some("b\u{fffd}b"));
    }

    #[test]
    fn names_survive_encoding() {
        for name in ["dave%example.org@jabber.xt", "Zoë & co", "100%"] {
            assert_eq!(decode(&encode(name)), name);
            assert!(encode(name).is_ascii() && !encode(name).contains(' '));
        }
        assert_eq!(encode("a\0b\r\n\u{7f}c"), "abc");
    }
}
