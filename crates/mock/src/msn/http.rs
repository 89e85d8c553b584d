//! HTTP/1.1 as the web pages of MSN need it: messages with a length.

use std::io;

use bytes::BytesMut;
use httparse::{EMPTY_HEADER, Header, Status};

/// The largest message, in bytes.
const MAX_MESSAGE: usize = 256 * 1024;
/// The most fields of a head.
const MAX_FIELDS: usize = 64;

/// A request.
pub(super) struct Request {
    pub(super) path: String,
    fields: Vec<(String, String)>,
    pub(super) body: String,
}

/// Response of a server.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Request {
    /// Takes a request off the front of `buffer`; none where it is not all there.
    pub(super) fn take(buffer: &mut BytesMut) -> io::Result<Option<Self>> {
        let mut room = [EMPTY_HEADER; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut room);
        let Status::Complete(begin) = head.parse(buffer).map_err(malformed)? else {
            return bounded(buffer);
        };
        let (fields, path) = (read(head.headers), head.path.unwrap_or_default().to_owned());
        let Some(body) = body(&fields, begin, buffer)? else { return Ok(None) };
        Ok(Some(Self { path, fields, body }))
    }

    /// The value of the field called `name`; empty where there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        field(&self.fields, name)
    }
}

impl Answer {
    /// Takes an answer off the front of `buffer`; none where it is not all there.
    pub(super) fn take(buffer: &mut BytesMut) -> io::Result<Option<Self>> {
        let mut room = [EMPTY_HEADER; MAX_FIELDS];
        let mut head = httparse::Response::new(&mut room);
        let Status::Complete(begin) = head.parse(buffer).map_err(malformed)? else {
            return bounded(buffer);
        };
        let (fields, status) = (read(head.headers), head.code.unwrap_or_default());
        let Some(body) = body(&fields, begin, buffer)? else { return Ok(None) };
        Ok(Some(Self { status, body }))
    }
}

/// An answer; each of `fields` is a whole line.
pub(super) fn answer(status: &str, fields: &[String], body: &str) -> String {
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", body.len());
    for field in fields {
        head.push_str(field);
        head.push_str("\r\n");
    }
    head + "\r\n" + body
}

fn read(fields: &[Header<'_>]) -> Vec<(String, String)> {
    let text = |f: &Header<'_>| (f.name.to_owned(), String::from_utf8_lossy(f.value).into_owned());
    fields.iter().map(text).collect()
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let mut fields = fields.iter();
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

/// Takes a message off the front of `buffer`, and of it the body, which begins at `begin`.
fn body(
    fields: &[(String, String)],
    begin: usize,
    buffer: &mut BytesMut,
) -> io::Result<Option<String>> {
    let length: usize = field(fields, "content-length").parse().unwrap_or(0);
    if length > MAX_MESSAGE {
        return Err(malformed(()));
    }
    let Some(body) = buffer.get(begin..begin + length) else { return bounded(buffer) };
    let body = String::from_utf8_lossy(body).into_owned();
    let _ = buffer.split_to(begin + length);
    Ok(Some(body))
}

/// More is to come, if it may.
fn bounded<T>(buffer: &BytesMut) -> io::Result<Option<T>> {
    if buffer.len() > 2 * MAX_MESSAGE { Err(malformed(())) } else { Ok(None) }
}

fn malformed<E>(_: E) -> io::Error {
    io::ErrorKind::InvalidData.into()
}
