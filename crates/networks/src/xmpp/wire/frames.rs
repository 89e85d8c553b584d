//! Bytes to frames: finds stanza boundaries in an XML stream (RFC 6120, section 4).
//!
//! Nothing is decoded here, so what is forwarded is the bytes that arrived. Restarted streams
//! (after STARTTLS and SASL) need nothing special: a stream header inside a stream begins anew.

use std::fmt;

use bytes::{Bytes, BytesMut};
use crosstalk_core::MAX_PENDING;
use memchr::memchr;
use quick_xml::parser::{ElementParser, Parser, PiParser};

/// One piece of a stream. The pieces together are the stream, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// `<?xml ...?>`.
    Declaration(Bytes),
    /// `<stream:stream ...>`.
    Open(Bytes),
    /// A whole child of the stream: a stanza or another top-level element.
    Stanza(Bytes),
    /// White space between stanzas: a keep-alive. Or a mark of byte order.
    Space(Bytes),
    /// `</stream:stream>`.
    Close(Bytes),
}

/// Byte order mark, which editors and libraries put at the front of a text in UTF-8.
pub(in crate::xmpp) const BOM: &[u8] = b"\xef\xbb\xbf";

impl Frame {
    /// The bytes as they arrived.
    pub const fn bytes(&self) -> &Bytes {
        match self {
            Self::Declaration(b)
            | Self::Open(b)
            | Self::Stanza(b)
            | Self::Space(b)
            | Self::Close(b) => b,
        }
    }

    /// The bytes as they arrived.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Declaration(b)
            | Self::Open(b)
            | Self::Stanza(b)
            | Self::Space(b)
            | Self::Close(b) => b,
        }
    }
}

/// The stream breaks the rules of XML or of RFC 6120; the text says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

/// Cuts one direction of a stream into frames. Remembers how far it looked, so that bytes
/// arriving one by one cost no more than bytes arriving at once.
#[derive(Debug, Default)]
pub struct Framer {
    /// Number of bytes of the unfinished frame that were looked at.
    seen: usize,
    /// Number of open elements of the unfinished stanza.
    depth: u32,
    token: Token,
}

/// Token that the byte after `seen` belongs to.
#[derive(Clone, Copy, Debug, Default)]
enum Token {
    /// Character data, or nothing yet.
    #[default]
    Text,
    /// A start tag whose `<` is at this place.
    Start(usize, ElementParser),
    /// An end tag.
    End,
    /// `<?xml`.
    Declaration(PiParser),
    /// `<![CDATA[`.
    CData,
}

impl Framer {
    /// Takes the next frame off the front of `buf`, or nothing until more bytes arrive.
    pub fn next(&mut self, buf: &mut BytesMut) -> Result<Option<Frame>, Malformed> {
        loop {
            let stop = self.step(buf)?;
            match stop {
                Stop::Frame(kind) => {
                    let bytes = buf.split_to(self.seen.min(buf.len())).freeze();
                    *self = Self::default();
                    return Ok(Some(kind(bytes)));
                }
                Stop::Starved if buf.len() > MAX_PENDING => {
                    return Err(Malformed("a stanza is larger than one mebibyte"));
                }
                Stop::Starved => return Ok(None),
                Stop::Token => {}
            }
        }
    }

    /// Looks at one token.
    fn step(&mut self, buf: &[u8]) -> Result<Stop, Malformed> {
        let rest = buf.get(self.seen..).unwrap_or_default();
        match &mut self.token {
            Token::Text => self.text(rest),
            Token::Start(at, parser) => {
                let at = *at;
                let Some(end) = parser.feed(rest) else { return Ok(self.starve(rest)) };
                self.seen += end + 1;
                Ok(self.started(buf.get(at..self.seen).unwrap_or_default()))
            }
            Token::End => {
                let Some(end) = memchr(b'>', rest) else { return Ok(self.starve(rest)) };
                self.seen += end + 1;
                Ok(self.ended())
            }
            Token::Declaration(parser) => {
                let Some(end) = parser.feed(rest) else { return Ok(self.starve(rest)) };
                self.seen += end + 1;
                Ok(Stop::Frame(Frame::Declaration))
            }
            Token::CData => {
                let Some(end) = memchr::memmem::find(rest, b"]]>") else {
                    // The end may be split: keep its possible beginning.
                    self.seen += rest.len().saturating_sub(2);
                    return Ok(Stop::Starved);
                };
                self.seen += end + 3;
                self.token = Token::Text;
                Ok(Stop::Token)
            }
        }
    }

    fn starve(&mut self, rest: &[u8]) -> Stop {
        self.seen += rest.len();
        Stop::Starved
    }

    /// Character data up to the next `<`, and what begins there.
    fn text(&mut self, rest: &[u8]) -> Result<Stop, Malformed> {
        let end = memchr(b'<', rest).unwrap_or(rest.len());
        let (text, markup) = rest.split_at(end);
        if self.depth == 0 && end > 0 {
            let rest = behind_space(text);
            if rest.len() < text.len() {
                self.seen += text.len() - rest.len();
                return Ok(Stop::Frame(Frame::Space));
            }
            let more = markup.is_empty() && rest.len() < BOM.len() && BOM.starts_with(rest);
            let text = Malformed("text outside of any stanza");
            return if more { Ok(Stop::Starved) } else { Err(text) };
        }
        self.seen += end;
        self.token = match markup {
            [] | [b'<'] => return Ok(Stop::Starved),
            [_, b'/', ..] => Token::End,
            [_, b'?', ..] if self.depth == 0 => Token::Declaration(PiParser::default()),
            [_, b'!', ..] if self.depth > 0 => match markup {
                [_, _, b'[', b'C', b'D', b'A', b'T', b'A', b'[', ..] => Token::CData,
                _ if markup.len() < 9 && b"<![CDATA[".starts_with(markup) => {
                    return Ok(Stop::Starved);
                }
                _ => return Err(Malformed("a comment or document type in a stream")),
            },
            [_, b'?' | b'!', ..] => return Err(Malformed("restricted XML in a stream")),
            _ => Token::Start(self.seen, ElementParser::default()),
        };
        self.seen += if matches!(self.token, Token::CData) { 9 } else { 2 };
        if let Token::Start(..) = self.token {
            // The byte after `<` may already be the `>` that the parser looks for.
            self.seen -= 1;
        }
        Ok(Stop::Token)
    }

    /// `tag` is a whole start tag.
    fn started(&mut self, tag: &[u8]) -> Stop {
        self.token = Token::Text;
        if self.depth == 0 && is_stream(tag) {
            return Stop::Frame(Frame::Open);
        }
        if tag.ends_with(b"/>") {
            return if self.depth == 0 { Stop::Frame(Frame::Stanza) } else { Stop::Token };
        }
        self.depth += 1;
        Stop::Token
    }

    fn ended(&mut self) -> Stop {
        self.token = Token::Text;
        match self.depth {
            0 => return Stop::Frame(Frame::Close),
            1 => return Stop::Frame(Frame::Stanza),
            _ => self.depth -= 1,
        }
        Stop::Token
    }
}

/// Reason why looking stopped.
enum Stop {
    /// A token ended inside a frame.
    Token,
    /// The bytes ended.
    Starved,
    /// A frame ended.
    Frame(fn(Bytes) -> Frame),
}

/// Text behind white space and byte order marks.
fn behind_space(text: &[u8]) -> &[u8] {
    let mut rest = text.trim_ascii_start();
    while let Some(behind) = rest.strip_prefix(BOM) {
        rest = behind.trim_ascii_start();
    }
    rest
}

/// Whether a start tag is a stream header, whatever its prefix.
fn is_stream(tag: &[u8]) -> bool {
    let name = tag.get(1..).unwrap_or_default();
    let end = name.iter().position(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'));
    let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
    name == b"stream" || name.ends_with(b":stream")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "<?xml version='1.0'?><stream:stream to='a>b' version=\"1.0\">\n\
        <stream:features><x a='/>'/><y>1 &gt; 0</y></stream:features> <r/>\
        <m><![CDATA[</m>]]]></m><a ></a><stream:stream id='2'><iq/></stream:stream>";

    fn frames(chunk: usize) -> Vec<Frame> {
        let (mut framer, mut buf, mut frames) = (Framer::default(), BytesMut::new(), Vec::new());
        for bytes in SESSION.as_bytes().chunks(chunk) {
            buf.extend_from_slice(bytes);
            while let Some(frame) = framer.next(&mut buf).unwrap() {
                frames.push(frame);
            }
        }
        assert!(buf.is_empty());
        frames
    }

    #[test]
    fn frames_are_the_stream_at_every_chunking() {
        let whole = frames(SESSION.len());
        for chunk in 1..SESSION.len() {
            assert_eq!(frames(chunk), whole, "chunks of {chunk}");
        }
        let bytes: Vec<u8> = whole.iter().flat_map(|f| f.clone().into_bytes()).collect();
        assert_eq!(bytes, SESSION.as_bytes());
        let names: String = whole
            .iter()
            .map(|f| match f {
                Frame::Declaration(_) => 'D',
                Frame::Open(_) => 'O',
                Frame::Stanza(_) => 'S',
                Frame::Space(_) => '_',
                Frame::Close(_) => 'C',
            })
            .collect();
        assert_eq!(names, "DO_S_SSSOSC");
    }

    #[test]
    fn a_byte_order_mark_in_front_of_a_header_passes_at_every_chunking() {
        let stream = b"\xef\xbb\xbf<?xml version='1.0'?><stream:stream>\xef\xbb\xbf\n<a/>";
        for chunk in 1..=stream.len() {
            let (mut framer, mut buf) = (Framer::default(), BytesMut::new());
            let mut passed = Vec::new();
            for bytes in stream.chunks(chunk) {
                buf.extend_from_slice(bytes);
                while let Some(frame) = framer.next(&mut buf).unwrap() {
                    passed.extend(frame.into_bytes());
                }
            }
            assert_eq!(passed, stream, "chunks of {chunk}");
        }
        for bad in [&b"\xef\xbb<a/>"[..], b"\xef\xbbx", b"\xef\xef", b"\xbb"] {
            assert!(Framer::default().next(&mut BytesMut::from(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_a_stream_may_not_hold_is_refused() {
        for bad in ["hello", "<!DOCTYPE x>", "<a><!-- x --></a>", "<a><?p x?></a>"] {
            let result = Framer::default().next(&mut BytesMut::from(bad));
            assert!(result.is_err(), "{bad}");
        }
    }

    #[test]
    fn an_endless_stanza_is_refused() {
        let mut buf = BytesMut::from("<message><body>");
        buf.resize(MAX_PENDING + 1, b'x');
        assert!(Framer::default().next(&mut buf).is_err());
    }
}
