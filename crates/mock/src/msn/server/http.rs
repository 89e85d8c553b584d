//! HTTP/1.1 as the web pages of MSN need it: requests with a length, one answer each.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::server::Recorder;

/// The largest request, in bytes.
const MAX_REQUEST: usize = 256 * 1024;
/// The most fields of a head.
const MAX_FIELDS: usize = 64;

/// A request.
pub(super) struct Request {
    pub(super) path: String,
    fields: Vec<(String, String)>,
    pub(super) body: String,
}

impl Request {
    /// The value of the field called `name`; empty where there is none.
    pub(super) fn field(&self, name: &str) -> &str {
        let mut fields = self.fields.iter();
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// Takes a request off the front of `buffer`; none where it is not all there.
    fn take(buffer: &mut BytesMut) -> io::Result<Option<Self>> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut head = httparse::Request::new(&mut fields);
        let httparse::Status::Complete(begin) = head.parse(buffer).map_err(|_| malformed())? else {
            return Ok(None);
        };
        let field = |f: &httparse::Header<'_>| {
            (f.name.to_owned(), String::from_utf8_lossy(f.value).into_owned())
        };
        let fields = head.headers.iter().map(field).collect();
        let path = head.path.unwrap_or_default().to_owned();
        let mut request = Self { path, fields, body: String::new() };
        let length: usize = request.field("content-length").parse().unwrap_or(0);
        if length > MAX_REQUEST {
            return Err(malformed());
        }
        let Some(body) = buffer.get(begin..begin + length) else { return Ok(None) };
        request.body = String::from_utf8_lossy(body).into_owned();
        let _ = buffer.split_to(begin + length);
        Ok(Some(request))
    }
}

/// The next request; none where the connection ends.
pub(super) async fn next<R: AsyncRead + Unpin>(
    read: &mut R,
    buffer: &mut BytesMut,
    recorder: &Recorder,
) -> io::Result<Option<Request>> {
    loop {
        if let Some(request) = Request::take(buffer)? {
            return Ok(Some(request));
        }
        let before = buffer.len();
        if before > MAX_REQUEST {
            return Err(malformed());
        }
        if read.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
        recorder.received(buffer.get(before..).unwrap_or_default());
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

fn malformed() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
