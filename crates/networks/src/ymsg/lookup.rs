//! The question which server to use: `GET /capacity` over HTTP, answered with lines such as
//! `CS_IP_ADDRESS=192.0.2.1`.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use crosstalk_core::{Context, Fault, HostPort, Side, Ticket, Via};

use super::link::Io;

/// The longest first line of a question, in bytes.
const MAX_QUESTION: usize = 8 * 1024;
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// How long the server that was named may be dialled.
const TICKET: Duration = Duration::from_hours(1);
/// The ports that clients try at the server that was named.
const PORTS: [u16; 9] = [5050, 80, 443, 23, 25, 20, 119, 8001, 8002];
const ADDRESS: &str = "CS_IP_ADDRESS=";

/// The server that an answer named last to clients of the listeners at `advertised`.
pub(super) fn named(context: &Context, now: Instant, advertised: &str) -> Option<String> {
    let ticket = context.lobby.take(now, key(advertised).as_bytes())?;
    ticket.note.downcast::<String>().ok().map(|host| *host)
}

fn key(host: &str) -> String {
    format!("server behind {host}")
}

/// A question and its answer.
#[derive(Default)]
pub(super) struct Lookup {
    is_asked: bool,
    /// What has come of the answer; in direct mode the client has not got it yet.
    answer: Vec<u8>,
    is_through: bool,
}

impl Lookup {
    /// Passes bytes on, except an answer that is to be rewritten.
    pub(super) fn bytes(
        &mut self,
        side: Side,
        bytes: &mut BytesMut,
        io: &mut Io<'_>,
    ) -> Result<(), Fault> {
        if side == Side::Client {
            self.ask(bytes, io);
            return Ok(());
        }
        let new = bytes.split().freeze();
        let direct = matches!(io.context.via, Via::Direct { .. });
        if self.is_through || !direct {
            io.out.forward(Side::Client, new.clone());
        }
        if self.is_through {
            return Ok(());
        }
        self.answer.extend_from_slice(&new);
        if self.answer.len() > MAX_ANSWER {
            return Err(Fault::server("the answer to a look-up is too long"));
        }
        if !direct {
            let lines = memchr::memrchr(b'\n', &self.answer).map_or(0, |at| at + 1);
            note(self.answer.get(..lines).unwrap_or_default(), io);
        }
        if is_whole(&self.answer) {
            self.end(io);
        }
        Ok(())
    }

    /// Passes the question on; in direct mode in words that ask for an answer in one piece.
    fn ask(&mut self, bytes: &mut BytesMut, io: &mut Io<'_>) {
        let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
        let direct = matches!(io.context.via, Via::Direct { .. });
        if direct && !self.is_asked && end.is_none() && bytes.len() < MAX_QUESTION {
            return;
        }
        if let Some(end) = end.filter(|_| direct && !self.is_asked) {
            let line = bytes.split_to(end).freeze();
            let older = String::from_utf8_lossy(&line).replace("HTTP/1.1", "HTTP/1.0");
            if older.as_bytes() == line {
                io.out.forward(Side::Server, line);
            } else {
                io.out.withhold();
                io.out.insert(Side::Server, older);
            }
        }
        self.is_asked = true;
        io.out.forward(Side::Server, bytes.split().freeze());
    }

    /// The answer is whole, or the server has no more of it.
    pub(super) fn end(&mut self, io: &mut Io<'_>) {
        let answer = std::mem::take(&mut self.answer);
        self.is_through = true;
        note(&answer, io);
        let Via::Direct { advertise, .. } = io.context.via.clone() else { return };
        if let Some(host) = hosts(&answer).next() {
            expect(io, key(&advertise.host), host, PORTS[0]);
        }
        match rewritten(&answer, &advertise.host) {
            Some(rewritten) => {
                io.out.withhold();
                io.out.insert(Side::Client, rewritten);
            }
            None => io.out.forward(Side::Client, answer.into()),
        }
    }
}

/// Lets clients dial the servers that an answer names.
fn note(answer: &[u8], io: &Io<'_>) {
    for (host, port) in hosts(answer).flat_map(|h| PORTS.map(|p| (h, p))) {
        expect(io, format!("server {host}:{port}"), host, port);
    }
}

fn expect(io: &Io<'_>, key: String, host: &str, port: u16) {
    let dial = Some(HostPort::new(host, port));
    let ticket = Ticket { dial, note: Box::new(host.to_owned()), until: io.later(TICKET) };
    io.context.lobby.leave(io.now.instant, key, ticket);
}

/// Where the body begins, and how long it is if the head says so.
fn body(answer: &[u8]) -> Option<(usize, Option<usize>)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = response.parse(answer).ok()? else { return None };
    let length = response.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|h| std::str::from_utf8(h.value).ok()?.trim().parse().ok());
    Some((start, length))
}

fn is_whole(answer: &[u8]) -> bool {
    matches!(body(answer), Some((start, Some(length))) if answer.len() >= start.saturating_add(length))
}

/// The servers that an answer names.
fn hosts(answer: &[u8]) -> impl Iterator<Item = &str> {
    let start = body(answer).map_or(0, |(start, _)| start);
    let body = std::str::from_utf8(answer.get(start..).unwrap_or_default()).unwrap_or_default();
    let hosts = body.lines().filter_map(|line| line.trim().strip_prefix(ADDRESS));
    let legal = |host: &&str| {
        (1..=255).contains(&host.len())
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b))
    };
    hosts.filter(legal).take(8)
}

/// The answer with another server in it, and the length that it has then. `None` where it names
/// no server or is none that can be read.
fn rewritten(answer: &[u8], host: &str) -> Option<Vec<u8>> {
    hosts(answer).next()?;
    let (start, length) = body(answer)?;
    let body = std::str::from_utf8(answer.get(start..)?).ok()?;
    let line = |line: &str| {
        let (text, end) = line.split_at(line.trim_end().len());
        if text.starts_with(ADDRESS) { format!("{ADDRESS}{host}{end}") } else { line.to_owned() }
    };
    let body: String = body.split_inclusive('\n').map(line).collect();
    let mut whole = answer.get(..start)?.to_vec();
    if length.is_some() {
        let head = std::str::from_utf8(&whole).ok()?;
        let field = |line: &str| match line.split_once(':') {
            Some((name, _)) if name.eq_ignore_ascii_case("content-length") => {
                format!("{name}: {}\r\n", body.len())
            }
            _ => line.to_owned(),
        };
        whole = head.split_inclusive('\n').map(field).collect::<String>().into_bytes();
    }
    whole.extend_from_slice(body.as_bytes());
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_rewritten_with_its_length() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 42\r\nX: y\r\n\r\n\
            COLO_CAPACITY=1\r\nCS_IP_ADDRESS=192.0.2.1\r\n";
        assert!(is_whole(answer) && !is_whole(&answer[..answer.len() - 1]));
        assert_eq!(hosts(answer).collect::<Vec<_>>(), ["192.0.2.1"]);
        let rewritten = rewritten(answer, "gateway.example.org").unwrap();
        let expected = "HTTP/1.1 200 OK\r\nContent-Length: 52\r\nX: y\r\n\r\n\
            COLO_CAPACITY=1\r\nCS_IP_ADDRESS=gateway.example.org\r\n";
        assert_eq!(String::from_utf8(rewritten).unwrap(), expected);
    }

    #[test]
    fn answers_that_name_nobody_stay_as_they_are() {
        for answer in
            ["HTTP/1.0 404 Not Found\r\n\r\nCOLO_CAPACITY=1\r\n", "CS_IP_ADDRESS=\r\n", "x"]
        {
            assert_eq!(rewritten(answer.as_bytes(), "gw"), None, "{answer}");
        }
    }
}
