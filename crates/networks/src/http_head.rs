//! What a message of HTTP begins with: its first line and its fields.

use crosstalk_core::{Fault, Side, Sniff};

/// The longest head, in bytes, and the most fields in it.
pub(crate) const MAX_HEAD: usize = 32 * 1024;
const MAX_FIELDS: usize = 64;
/// How many bytes decide what a connection asks for.
const ENOUGH: usize = 64;
const SCHEME: &[u8] = b"http://";

/// The head of a message.
pub(crate) struct Head {
    fields: Vec<(String, String)>,
    /// Its length, in bytes.
    pub(crate) length: usize,
    /// What a request asks for; empty in an answer.
    pub(crate) method: String,
    pub(crate) path: String,
    /// The status of an answer; 0 in a request.
    pub(crate) status: u16,
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Fixed(usize),
    Chunked,
    /// The connection ends with it.
    ToTheEnd,
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
        let mut fields = self.fields.iter();
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// How its body ends. An answer without a word of it goes on to the end.
    pub(crate) fn body(&self) -> Result<Length, Fault> {
        let answer = self.status != 0;
        if answer && (self.status < 200 || matches!(self.status, 204 | 304)) {
            return Ok(Length::Fixed(0));
        }
        if let Some(coding) = self.field("transfer-encoding") {
            let chunked = coding.to_ascii_lowercase().ends_with("chunked");
            return if chunked {
                Ok(Length::Chunked)
            } else if answer {
                Ok(Length::ToTheEnd)
            } else {
                Err(Fault::client("a request has no end"))
            };
        }
        let side = if answer { Side::Server } else { Side::Client };
        match self.field("content-length").map(str::parse) {
            Some(Ok(length)) => Ok(Length::Fixed(length)),
            Some(Err(_)) => Err(Fault::new(side.blame(), "a length is no number")),
            None if answer => Ok(Length::ToTheEnd),
            None => Ok(Length::Fixed(0)),
        }
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

/// Whether bytes begin with others, as far as they go.
fn begins(bytes: &[u8], with: &[u8]) -> Sniff {
    let seen = bytes.len().min(with.len());
    match (bytes.get(..seen), with.get(..seen)) {
        (Some(bytes), Some(with)) if !bytes.eq_ignore_ascii_case(with) => Sniff::No,
        _ if seen == with.len() => Sniff::Yes,
        _ => Sniff::More,
    }
}
