//! HTTP/1.1 (RFC 9112) as far as somebody between the two sides needs it: where messages end, and
//! how they are written anew.

use bytes::{Bytes, BytesMut};
use crosstalk_core::{Fault, MAX_PENDING, Side};

/// The longest head, in bytes, and the most fields in it.
const MAX_HEAD: usize = 32 * 1024;
const MAX_FIELDS: usize = 64;
/// The longest line between chunks, in bytes.
const MAX_LINE: usize = 4 * 1024;
/// The longest message that is read whole.
pub(super) const MAX_WHOLE: usize = MAX_PENDING - MAX_HEAD;

/// The head of a message.
pub(super) struct Head {
    /// The first line.
    line: String,
    fields: Vec<(String, String)>,
    /// Its length, in bytes.
    length: usize,
    /// What a request asks for; empty in an answer.
    pub(super) method: String,
    pub(super) path: String,
    /// The status of an answer; 0 in a request.
    pub(super) status: u16,
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Fixed(usize),
    Chunked,
    /// The connection ends with it.
    ToTheEnd,
}

impl Head {
    /// Reads the head at the front of `buffer`; none if it is not all there.
    pub(super) fn read(side: Side, buffer: &[u8]) -> Result<Option<Self>, Fault> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let broken = || Fault::new(side.blame(), "it does not speak HTTP");
        let (parsed, method, path, status) = if side == Side::Client {
            let mut request = httparse::Request::new(&mut fields);
            let parsed = request.parse(buffer).map_err(|_| broken())?;
            (parsed, request.method, request.path, 0)
        } else {
            let mut answer = httparse::Response::new(&mut fields);
            let parsed = answer.parse(buffer).map_err(|_| broken())?;
            (parsed, None, None, answer.code.unwrap_or(0))
        };
        let httparse::Status::Complete(length) = parsed else {
            let whole = buffer.len() < MAX_HEAD;
            return if whole {
                Ok(None)
            } else {
                Err(Fault::new(side.blame(), "a head is too long"))
            };
        };
        let (method, path) = (method.unwrap_or_default(), path.unwrap_or_default());
        let line = buffer.split(|b| *b == b'\n').find(|line| line.len() > 1).unwrap_or_default();
        let field = |f: &httparse::Header<'_>| {
            (f.name.to_owned(), String::from_utf8_lossy(f.value).trim().to_owned())
        };
        Ok(Some(Self {
            line: String::from_utf8_lossy(line).trim_end().to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            status,
            length,
            fields: fields.iter().take_while(|f| !f.name.is_empty()).map(field).collect(),
        }))
    }

    /// Whether it is the answer, and not one on the way to it.
    pub(super) const fn is_final(&self) -> bool {
        self.status >= 200
    }

    /// The value of a field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// How its body ends. An answer without a word of it goes on to the end.
    fn body(&self) -> Result<Length, Fault> {
        let answer = self.status != 0;
        if answer && (self.status < 200 || matches!(self.status, 204 | 304)) {
            return Ok(Length::Fixed(0));
        }
        if let Some(coding) = self.field("transfer-encoding") {
            let chunked = coding.to_ascii_lowercase().ends_with("chunked");
            return Ok(if chunked { Length::Chunked } else { Length::ToTheEnd });
        }
        let side = if answer { Side::Server } else { Side::Client };
        match self.field("content-length").map(str::parse) {
            Some(Ok(length)) => Ok(Length::Fixed(length)),
            Some(Err(_)) => Err(Fault::new(side.blame(), "a length is no number")),
            None if answer => Ok(Length::ToTheEnd),
            None => Ok(Length::Fixed(0)),
        }
    }

    /// The message with another body.
    pub(super) fn with(&self, body: &str) -> Bytes {
        let drops = ["content-length", "transfer-encoding", "accept-encoding", "expect"];
        let mut text = format!("{}\r\n", self.line);
        for (name, value) in &self.fields {
            if !drops.iter().any(|drop| name.eq_ignore_ascii_case(drop)) {
                text.extend([name, ": ", value, "\r\n"]);
            }
        }
        format!("{text}Content-Length: {}\r\n\r\n{body}", body.len()).into()
    }
}

/// A message that is there whole.
pub(super) struct Message {
    pub(super) head: Head,
    /// All of it, as it arrived.
    pub(super) raw: Bytes,
    /// Its body, without the chunks it came in; none where that is no text.
    pub(super) text: Option<String>,
}

/// A message on its way.
pub(super) struct Incoming {
    pub(super) head: Head,
    /// How much of what is at the front of the buffer belongs to it, as far as that was looked at.
    pub(super) at: usize,
    end: End,
}

/// How much of a body is to come.
#[derive(Clone, Copy, Debug)]
enum End {
    Left(usize),
    Chunks(Trail),
    Never,
}

impl Incoming {
    /// A message whose head is at the front of the buffer.
    pub(super) fn new(head: Head) -> Result<Self, Fault> {
        let end = match head.body()? {
            Length::Fixed(length) => End::Left(length),
            Length::Chunked => End::Chunks(Trail::default()),
            Length::ToTheEnd => End::Never,
        };
        Ok(Self { at: head.length, head, end })
    }

    /// Whether it can be waited for.
    pub(super) const fn fits(&self) -> bool {
        match self.end {
            End::Left(left) => left <= MAX_WHOLE && self.at <= MAX_WHOLE,
            End::Chunks(_) | End::Never => self.at <= MAX_WHOLE,
        }
    }

    /// Whether it ends with the connection.
    pub(super) const fn is_endless(&self) -> bool {
        matches!(self.end, End::Never)
    }

    /// Looks at what is in the buffer now; returns whether the message ends there.
    pub(super) fn advance(&mut self, side: Side, buffer: &[u8]) -> Result<bool, Fault> {
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
    pub(super) fn pass(&mut self, buffer: &mut BytesMut) -> BytesMut {
        buffer.split_to(std::mem::take(&mut self.at))
    }

    /// Takes all of it off the buffer, where it ends.
    pub(super) fn whole(mut self, side: Side, buffer: &mut BytesMut) -> Result<Message, Fault> {
        let raw = self.pass(buffer).freeze();
        let coded = raw.get(self.head.length..).unwrap_or_default();
        let mut body = Vec::new();
        match self.end {
            End::Chunks(_) => {
                Trail::default().walk(side, coded, |data| body.extend_from_slice(data))?;
            }
            _ => body.extend_from_slice(coded),
        }
        let coding = self.head.field("content-encoding");
        let plain = coding.is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
        let text = String::from_utf8(body).ok().filter(|_| plain);
        Ok(Message { head: self.head, raw, text })
    }
}

/// Where one is in a chunked body.
#[derive(Clone, Copy, Debug, Default)]
struct Trail {
    /// What is left of a chunk.
    data: usize,
    /// The last chunk was there: fields may follow, and an empty line.
    last: bool,
    /// The line end behind a chunk is to come.
    closing: bool,
}

impl Trail {
    /// Goes through what is there; returns how far, and whether the body ends there.
    fn walk(
        &mut self,
        side: Side,
        coded: &[u8],
        mut take: impl FnMut(&[u8]),
    ) -> Result<(usize, bool), Fault> {
        let mut at = 0;
        while let Some(rest) = coded.get(at..).filter(|rest| !rest.is_empty()) {
            if self.data > 0 {
                let data = rest.get(..self.data).unwrap_or(rest);
                take(data);
                at += data.len();
                self.data -= data.len();
                self.closing = self.data == 0;
                continue;
            }
            let line = rest.get(..rest.len().min(MAX_LINE)).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', line) else {
                let whole = rest.len() < MAX_LINE;
                let long = || Fault::new(side.blame(), "a chunk has no end");
                return if whole { Ok((at, false)) } else { Err(long()) };
            };
            at += end + 1;
            if self.line(side, line.get(..end).unwrap_or_default().trim_ascii())? {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// A line between chunks; returns whether it is the last of the body.
    fn line(&mut self, side: Side, line: &[u8]) -> Result<bool, Fault> {
        if self.last {
            return Ok(line.is_empty());
        }
        if std::mem::take(&mut self.closing) {
            let closed = line.is_empty();
            return closed
                .then_some(false)
                .ok_or_else(|| Fault::new(side.blame(), "a chunk is longer than it says"));
        }
        let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
        let size = std::str::from_utf8(digits).ok().and_then(|d| usize::from_str_radix(d, 16).ok());
        self.data = size.ok_or_else(|| Fault::new(side.blame(), "a chunk has no length"))?;
        self.last = self.data == 0;
        Ok(false)
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
        let anew = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nho";
        assert_eq!(message.head.with("ho"), anew);
        assert_eq!(whole(Side::Server, "HTTP/1.1 304 No\r\n\r\n").unwrap().raw.len(), 19);
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
    fn what_has_no_sense_is_refused() {
        for text in ["x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"] {
            let head = Head::read(Side::Server, text.as_bytes());
            assert!(head.and_then(|head| head.unwrap().body()).is_err());
        }
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
        let buffer = BytesMut::from(chunked);
        let head = Head::read(Side::Server, &buffer).unwrap().unwrap();
        assert!(Incoming::new(head).unwrap().advance(Side::Server, &buffer).is_err());
    }
}
