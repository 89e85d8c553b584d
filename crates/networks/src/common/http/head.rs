//! Head of an HTTP message: its first line and its fields.

use crosstalk_core::{Fault, Side, Sniff};

/// The longest head, in bytes, and the most fields in it.
pub(crate) const MAX_HEAD: usize = 32 * 1024;
const MAX_FIELDS: usize = 64;
/// The most lines of a head that is not all there.
const MAX_LINES: usize = MAX_FIELDS + 1;
/// Number of bytes that decide what a connection asks for.
const ENOUGH: usize = 64;
/// The longest name of a method, in bytes.
const MAX_METHOD: usize = 16;
const SCHEME: &[u8] = b"http://";

/// The head of a message.
pub(crate) struct Head {
    fields: Vec<(String, String)>,
    /// Its length, in bytes.
    pub(crate) length: usize,
    /// Method of a request; empty in a response.
    pub(crate) method: String,
    pub(crate) path: String,
    /// The status of an answer; 0 in a request.
    pub(crate) status: u16,
}

/// Framing of a body: how its end is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Fixed(usize),
    Chunked,
    /// The connection ends with it.
    ToTheEnd,
}

/// Reads the head of the next message when it is there, however it comes: byte by byte costs no more
/// than one look at each line.
#[derive(Default)]
pub(crate) struct Heads {
    /// Number of bytes looked at of a head that is not complete, and number of its lines.
    seen: usize,
    lines: usize,
}

impl Heads {
    /// Reads the head at the front of `buffer`; none if it is not all there.
    pub(crate) fn read(&mut self, side: Side, buffer: &[u8]) -> Result<Option<Head>, Fault> {
        let new = buffer.get(self.seen..).unwrap_or_default();
        let ended = memchr::memchr_iter(b'\n', new).count();
        let is_first = std::mem::replace(&mut self.seen, buffer.len()) == 0;
        self.lines += ended;
        // Only the end of a line ends a head or breaks its rules.
        if !is_first && ended == 0 && buffer.len() < MAX_HEAD {
            return Ok(None);
        }
        let head = Head::read(side, buffer)?;
        if head.is_some() {
            *self = Self::default();
        } else if self.lines > MAX_LINES {
            return Err(Fault::new(side.blame(), "a head is too long"));
        }
        Ok(head)
    }
}

impl Head {
    /// Reads the head at the front of `buffer`; none if it is not all there.
    pub(crate) fn read(side: Side, buffer: &[u8]) -> Result<Option<Self>, Fault> {
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
        let field = |f: &httparse::Header<'_>| {
            (f.name.to_owned(), String::from_utf8_lossy(f.value).trim().to_owned())
        };
        Ok(Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            status,
            length,
            fields: fields.iter().take_while(|f| !f.name.is_empty()).map(field).collect(),
        }))
    }

    /// Whether it is the answer, and not one on the way to it (100 to 199).
    pub(crate) const fn is_final(&self) -> bool {
        self.status >= 200
    }

    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Whether its body is compressed, or coded in some other way (RFC 9110, section 8.4).
    pub(crate) fn is_coded(&self) -> bool {
        self.all("content-encoding").any(|coding| !coding.eq_ignore_ascii_case("identity"))
    }

    /// Framing of its body. A response that says nothing of it goes on to the end of the
    /// connection.
    pub(crate) fn body(&self) -> Result<Length, Fault> {
        let answer = self.status != 0;
        if answer && (self.status < 200 || matches!(self.status, 204 | 304)) {
            return Ok(Length::Fixed(0));
        }
        let side = if answer { Side::Server } else { Side::Client };
        let broken = |why| Fault::new(side.blame(), why);
        let mut lengths = self.all("content-length").peekable();
        if let Some(coding) = self.all("transfer-encoding").last() {
            let last = coding.rsplit(',').next().unwrap_or_default().trim();
            return if !answer && lengths.peek().is_some() {
                // What it is to one server it may not be to another (RFC 9112, section 6.3).
                Err(broken("a request has two lengths"))
            } else if last.eq_ignore_ascii_case("chunked") {
                Ok(Length::Chunked)
            } else if answer {
                Ok(Length::ToTheEnd)
            } else {
                Err(broken("a request has no end"))
            };
        }
        let Some(first) = lengths.next() else {
            return Ok(if answer { Length::ToTheEnd } else { Length::Fixed(0) });
        };
        // Parsing takes a sign, which other parsers take for something else.
        let is_number = !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit());
        match first.parse() {
            Ok(length) if is_number && lengths.all(|other| other == first) => {
                Ok(Length::Fixed(length))
            }
            _ => Err(broken("a length is no number")),
        }
    }

    /// The values of the fields of that name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let is = move |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.fields.iter().filter(is).map(|(_, value)| value.as_str())
    }
}

/// Judges whether a client asks for what begins with `path`, in any case, by a method that comes
/// with its space. Between the two there may be a server, if an HTTP proxy is asked.
pub(crate) fn asks(first: &[u8], method: &[u8], path: &[u8]) -> Sniff {
    let more = if first.len() < ENOUGH { Sniff::More } else { Sniff::No };
    let first = first.get(..ENOUGH).unwrap_or(first);
    let Some(target) = first.strip_prefix(method) else { return begins(first, method) };
    let Some(place) = target.strip_prefix(SCHEME) else {
        return if target.len() < SCHEME.len() && SCHEME.starts_with(target) {
            more
        } else {
            begins(target, path)
        };
    };
    let end = memchr::memchr2(b'/', b' ', place);
    match end.and_then(|at| place.get(at..)).map(|target| begins(target, path)) {
        None | Some(Sniff::More) => more,
        Some(sure) => sure,
    }
}

/// Whether a client begins with a request of HTTP: a method, and the target behind it.
pub(crate) fn is_request(first: &[u8]) -> Sniff {
    let method = first.iter().take(MAX_METHOD).take_while(|b| b.is_ascii_uppercase()).count();
    match first.get(method..).unwrap_or_default() {
        [] if method < MAX_METHOD => Sniff::More,
        [b' '] if method > 0 => Sniff::More,
        [b' ', b'/' | b'*', ..] if method > 0 => Sniff::Yes,
        [b' ', target @ ..] if method > 0 => begins(target, SCHEME),
        _ => Sniff::No,
    }
}

/// Whether bytes begin with others, as far as they go, in any case.
pub(crate) fn begins(bytes: &[u8], with: &[u8]) -> Sniff {
    let seen = bytes.len().min(with.len());
    match (bytes.get(..seen), with.get(..seen)) {
        (Some(bytes), Some(with)) if !bytes.eq_ignore_ascii_case(with) => Sniff::No,
        _ if seen == with.len() => Sniff::Yes,
        _ => Sniff::More,
    }
}
