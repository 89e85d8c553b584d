//! HTTP/1.1 (RFC 9112) as far as somebody between the two sides needs it: where messages end, and
//! how they are written anew.

pub(crate) mod chunks;
pub(crate) mod head;

use bytes::{Bytes, BytesMut};
use crosstalk_core::{Fault, MAX_PENDING, Side};

use self::chunks::Trail;
pub(crate) use self::head::{Head, Heads, asks, begins, is_request};
use self::head::{Length, MAX_HEAD};

/// The longest message that is read whole, in bytes.
pub(crate) const MAX_WHOLE: usize = MAX_PENDING - MAX_HEAD;

/// The longest field of a request that an answer of ours repeats, in bytes.
const MAX_REPEATED: usize = 64;

/// The fields that say how a body comes.
const OF_BODY: [&str; 3] = ["content-length", "transfer-encoding", "expect"];

/// A message that is there whole.
pub(crate) struct Message {
    pub(crate) head: Head,
    /// All of it, as it arrived.
    pub(crate) raw: Bytes,
    /// Its body, without the chunks it came in; none where that is no text.
    pub(crate) text: Option<String>,
}

impl Message {
    /// The message with another body, which is there whole.
    pub(crate) fn with(&self, body: &str) -> Bytes {
        self.anew(body, &[], "")
    }

    /// The request with another body, and an answer to it that can be read: where the client takes
    /// codings, only as it is (RFC 9110, section 12.5.3).
    pub(crate) fn with_plain_answer(&self, body: &str) -> Bytes {
        let takes_codings = self.head.field("accept-encoding").is_some();
        let plain = if takes_codings { "Accept-Encoding: identity\r\n" } else { "" };
        self.anew(body, &["accept-encoding"], plain)
    }

    /// The message with another body, without some fields (in any case) and with others.
    fn anew(&self, body: &str, without: &[&str], fields: &str) -> Bytes {
        let keeps = |line: &&[u8]| {
            let name = line.split(|b| *b == b':').next().unwrap_or_default();
            let drops = |field: &&str| name.eq_ignore_ascii_case(field.as_bytes());
            // The empty line that ends the head goes too: it is written anew behind the length.
            !name.trim_ascii().is_empty() && !OF_BODY.iter().chain(without).any(drops)
        };
        let head = self.raw.get(..self.head.length).unwrap_or_default();
        let lines = head.split_inclusive(|b| *b == b'\n').filter(keeps);
        let mut anew = lines.collect::<Vec<_>>().concat();
        let length = body.len();
        let rest = format!("{fields}Content-Length: {length}\r\n\r\n{body}");
        anew.extend_from_slice(rest.as_bytes());
        anew.into()
    }
}

/// An answer of ours, in XML, to a request.
pub(crate) fn answer(request: &Head, status: &str, xml: &str) -> Bytes {
    let connection = request.field("connection").filter(|words| words.len() <= MAX_REPEATED);
    let connection = connection.unwrap_or("Keep-Alive");
    let length = xml.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/xml; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: {connection}\r\n\r\n{xml}"
    )
    .into()
}

/// The answer to a request whose body nobody here can look into for foreign names (RFC 9110, section
/// 15.5.16).
pub(crate) fn refuse_coding(request: &Head) -> Bytes {
    answer(request, "415 Unsupported Media Type", "")
}

/// Reads the messages of one side whole.
#[derive(Default)]
pub(crate) struct Reader {
    heads: Heads,
    /// The one that is on its way.
    incoming: Option<Incoming>,
}

impl Reader {
    /// Takes the next message off the front of `buffer`; none if it is not all there.
    pub(crate) fn take(
        &mut self,
        side: Side,
        buffer: &mut BytesMut,
    ) -> Result<Option<Message>, Fault> {
        let mut incoming = match self.incoming.take() {
            Some(incoming) => incoming,
            None => match self.heads.read(side, buffer)? {
                Some(head) => Incoming::new(head)?,
                None => return Ok(None),
            },
        };
        if incoming.advance(side, buffer)? {
            return incoming.whole(side, buffer).map(Some);
        }
        if !incoming.fits() {
            return Err(Fault::new(side.blame(), "a message is too long"));
        }
        self.incoming = Some(incoming);
        Ok(None)
    }
}

/// A message on its way.
pub(crate) struct Incoming {
    pub(crate) head: Head,
    /// Number of bytes at the front of the buffer that belong to it, as far as that was looked at.
    at: usize,
    end: End,
}

/// Rest of a body that is to come.
#[derive(Clone, Copy, Debug)]
enum End {
    Left(usize),
    Chunks(Trail),
    Never,
}

impl Incoming {
    /// A message whose head is at the front of the buffer.
    pub(crate) fn new(head: Head) -> Result<Self, Fault> {
        let end = match head.body()? {
            Length::Fixed(length) => End::Left(length),
            Length::Chunked => End::Chunks(Trail::default()),
            Length::ToTheEnd => End::Never,
        };
        Ok(Self { at: head.length, head, end })
    }

    /// Whether it can be waited for.
    pub(crate) const fn fits(&self) -> bool {
        self.fits_in(MAX_WHOLE)
    }

    /// Whether it is no longer than `most`, as far as that is known.
    pub(crate) const fn fits_in(&self, most: usize) -> bool {
        match self.end {
            End::Left(left) => left <= most && self.at <= most,
            End::Chunks(_) | End::Never => self.at <= most,
        }
    }

    /// Whether it ends with the connection.
    pub(crate) const fn is_endless(&self) -> bool {
        matches!(self.end, End::Never)
    }

    /// Looks at what is in the buffer now; returns whether the message ends there.
    pub(crate) fn advance(&mut self, side: Side, buffer: &[u8]) -> Result<bool, Fault> {
        let rest = buffer.get(self.at..).unwrap_or_default();
        match &mut self.end {
            End::Never => {
                self.at += rest.len();
                Ok(false)
            }
            End::Left(left) => {
                let length = (*left).min(rest.len());
                self.at += length;
                *left -= length;
                Ok(*left == 0)
            }
            End::Chunks(trail) => {
                let (length, over) = trail.walk(side, rest, |_| ())?;
                self.at += length;
                Ok(over)
            }
        }
    }

    /// Takes what belongs to it off the buffer, to be passed on.
    pub(crate) fn pass(&mut self, buffer: &mut BytesMut) -> BytesMut {
        buffer.split_to(std::mem::take(&mut self.at))
    }

    /// Takes all of the buffer, with which the connection ended.
    pub(crate) fn end(mut self, side: Side, buffer: &mut BytesMut) -> Result<Message, Fault> {
        self.at = buffer.len();
        self.whole(side, buffer)
    }

    /// Takes all of it off the buffer, where it ends.
    pub(crate) fn whole(mut self, side: Side, buffer: &mut BytesMut) -> Result<Message, Fault> {
        let raw = self.pass(buffer).freeze();
        let coded = raw.get(self.head.length..).unwrap_or_default();
        let mut body = Vec::new();
        match self.end {
            // Walked anew: until it was there whole its chunks were only measured.
            End::Chunks(_) => {
                Trail::default().walk(side, coded, |data| body.extend_from_slice(data))?;
            }
            _ => body.extend_from_slice(coded),
        }
        let text = String::from_utf8(body).ok().filter(|_| !self.head.is_coded());
        Ok(Message { head: self.head, raw, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(side: Side, text: &str) -> Option<Message> {
        let mut buffer = BytesMut::from(text);
        let mut incoming = Incoming::new(Head::read(side, &buffer).unwrap()?).unwrap();
        let over = incoming.advance(side, &buffer).unwrap();
        over.then(|| incoming.whole(side, &mut buffer).unwrap())
    }

    #[test]
    fn messages_end_where_they_say() {
        let request = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length:5\r\n\r\nhello";
        let message = whole(Side::Client, &format!("{request}POST ")).unwrap();
        assert_eq!((message.raw.len(), message.text.as_deref()), (request.len(), Some("hello")));
        assert_eq!((message.head.method.as_str(), message.head.path.as_str()), ("POST", "/a"));
        for end in 0..request.len() {
            assert!(whole(Side::Client, &request[..end]).is_none());
        }
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\n\
                      Trailer: 1\r\n\r\n";
        let message = whole(Side::Server, &format!("{answer}HTTP/1.1 ")).unwrap();
        assert_eq!((message.raw.len(), message.text.as_deref()), (answer.len(), Some("hello")));
        for end in 0..answer.len() {
            assert!(whole(Side::Server, &answer[..end]).is_none());
        }
        assert_eq!(whole(Side::Server, "HTTP/1.1 304 No\r\n\r\n").unwrap().raw.len(), 19);
    }

    #[test]
    fn with_another_body_a_message_has_its_length_and_else_the_same_fields() {
        let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nX:y\r\n\r\n0\r\n\r\n";
        let anew = whole(Side::Server, answer).unwrap().with("ho");
        assert_eq!(anew, "HTTP/1.1 200 OK\r\nX:y\r\nContent-Length: 2\r\n\r\nho");
        let request = "POST http://x/ HTTP/1.1\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\
                       Accept-Encoding: gzip\r\nX: \u{fc}\r\n\r\n";
        let anew = whole(Side::Client, request).unwrap().with_plain_answer("");
        let plain = "Accept-Encoding: identity\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(anew, format!("POST http://x/ HTTP/1.1\r\nX: \u{fc}\r\n{plain}"));
    }

    #[test]
    fn a_reader_takes_message_after_message() {
        let mut buffer = BytesMut::from("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhel");
        let mut reader = Reader::default();
        let first = reader.take(Side::Server, &mut buffer).unwrap().unwrap();
        assert!(!first.head.is_final());
        assert!(reader.take(Side::Server, &mut buffer).unwrap().is_none());
        assert!(reader.incoming.is_some());
    }

    #[test]
    fn a_reader_refuses_what_is_too_long() {
        let head = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", MAX_WHOLE + 1);
        assert!(Reader::default().take(Side::Client, &mut head.as_str().into()).is_err());
    }

    #[test]
    fn a_message_can_come_and_pass_byte_by_byte() {
        let chunked = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        for body in ["Content-Length: 5\r\n\r\nhello", chunked] {
            let answer = format!("HTTP/1.1 200 OK\r\n{body}");
            let head = Head::read(Side::Server, answer.as_bytes()).unwrap().unwrap();
            let mut buffer = BytesMut::from(&answer.as_bytes()[..head.length]);
            let mut incoming = Incoming::new(head).unwrap();
            let (mut passed, mut over) = (Vec::new(), false);
            for byte in &answer.as_bytes()[incoming.at..] {
                assert!(!over);
                buffer.extend_from_slice(&[*byte]);
                over = incoming.advance(Side::Server, &buffer).unwrap();
                passed.extend(incoming.pass(&mut buffer));
            }
            assert!(over && passed == answer.as_bytes());
        }
    }

    #[test]
    fn a_head_that_comes_byte_by_byte_is_read_once_a_line() {
        let fields = "Field: value\r\n".repeat(60);
        let request = format!("GET / HTTP/1.1\r\n{fields}X: {}\r\n\r\n", "y".repeat(30_000));
        let (mut heads, mut buffer) = (Heads::default(), Vec::new());
        let begun = std::time::Instant::now();
        for (at, byte) in request.bytes().enumerate() {
            buffer.push(byte);
            let head = heads.read(Side::Client, &buffer).unwrap();
            assert_eq!(head.is_some(), at + 1 == request.len());
        }
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
        let mut heads = Heads::default();
        let lines = (1..200).map(|n| "\r\n".repeat(n));
        assert!(lines.into_iter().any(|some| heads.read(Side::Client, some.as_bytes()).is_err()));
    }

    #[test]
    fn what_has_no_sense_is_refused() {
        for length in
            ["x", "+5", "", "-1", "5, 5", "5\r\nContent-Length: 6", "99999999999999999999"]
        {
            let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            let head = Head::read(Side::Server, text.as_bytes()).unwrap().unwrap();
            assert!(head.body().is_err(), "{length}");
        }
        assert!(Head::read(Side::Server, b"x\r\n\r\n").is_err());
        let both = b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(Head::read(Side::Client, both).unwrap().unwrap().body().is_err());
        let endless = b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n";
        let head = Head::read(Side::Client, endless).unwrap().unwrap();
        assert!(head.body().is_err());
        for size in ["zz", "+5", "-1", "", "0x5", "fffffffffffffffff"] {
            let chunked =
                format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n");
            let buffer = BytesMut::from(chunked.as_str());
            let head = Head::read(Side::Server, &buffer).unwrap().unwrap();
            let advanced = Incoming::new(head).unwrap().advance(Side::Server, &buffer);
            assert!(advanced.is_err(), "{size}");
        }
    }
}
