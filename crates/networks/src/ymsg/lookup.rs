//! The question which server to use: `GET /capacity` over HTTP, answered with lines such as
//! `CS_IP_ADDRESS=192.0.2.1`.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use crosstalk_core::{Context, HostPort, Side, Ticket, Via};

use super::link::Io;
use crate::http::{self, Message};

/// The longest first line of a question, in bytes.
const MAX_QUESTION: usize = 8 * 1024;
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

/// Questions and their answers.
#[derive(Default)]
pub(super) struct Lookup {
    is_asked: bool,
    answers: http::Reader,
    /// What has come of an answer; in direct mode the client has not got it yet.
    held: BytesMut,
    /// What the server says is no HTTP, or is over, and is not read any more.
    is_through: bool,
}

impl Lookup {
    /// Passes bytes on, except an answer that is to be rewritten.
    pub(super) fn bytes(&mut self, side: Side, bytes: &mut BytesMut, io: &mut Io<'_>) {
        if side == Side::Client {
            return self.ask(bytes, io);
        }
        let new = bytes.split().freeze();
        let direct = is_direct(io);
        if self.is_through || !direct {
            io.out.forward(Side::Client, new.clone());
        }
        if self.is_through {
            return;
        }
        let known = whole_lines(&self.held);
        self.held.extend_from_slice(&new);
        if !direct {
            // The client may dial before the answer ends.
            let come = self.held.get(known..whole_lines(&self.held)).unwrap_or_default();
            note(&String::from_utf8_lossy(come), io);
        }
        loop {
            match self.answers.take(Side::Server, &mut self.held) {
                Ok(Some(message)) => answer(message, io),
                Ok(None) => return,
                Err(_) => return self.give_up(io),
            }
        }
    }

    /// Passes the question on; in direct mode in words that ask for an answer in one piece.
    fn ask(&mut self, bytes: &mut BytesMut, io: &mut Io<'_>) {
        let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
        let direct = is_direct(io);
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

    /// The server has no more to say.
    pub(super) fn end(&mut self, io: &mut Io<'_>) {
        if let Some(message) = self.answers.end(Side::Server, &mut self.held) {
            answer(message, io);
        }
        self.give_up(io);
    }

    /// Lets the rest pass as it is.
    fn give_up(&mut self, io: &mut Io<'_>) {
        self.is_through = true;
        let rest = self.held.split().freeze();
        note(&String::from_utf8_lossy(&rest), io);
        if is_direct(io) {
            io.out.forward(Side::Client, rest);
        }
    }
}

fn is_direct(io: &Io<'_>) -> bool {
    matches!(io.context.via, Via::Direct { .. })
}

/// How much of a text is whole lines.
fn whole_lines(text: &[u8]) -> usize {
    memchr::memrchr(b'\n', text).map_or(0, |at| at + 1)
}

/// An answer is there.
fn answer(message: Message, io: &mut Io<'_>) {
    let text = message.text.as_deref().unwrap_or_default();
    note(text, io);
    let Via::Direct { advertise, .. } = &io.context.via else { return };
    let Some(host) = hosts(text).next() else {
        return io.out.forward(Side::Client, message.raw);
    };
    expect(io, key(&advertise.host), host, PORTS[0]);
    io.out.withhold();
    io.out.insert(Side::Client, message.with(&rewritten(text, &advertise.host), &[]));
}

/// Lets clients dial the servers that an answer names.
fn note(answer: &str, io: &Io<'_>) {
    for (host, port) in hosts(answer).flat_map(|h| PORTS.map(|p| (h, p))) {
        expect(io, format!("server {host}:{port}"), host, port);
    }
}

fn expect(io: &Io<'_>, key: String, host: &str, port: u16) {
    let ticket = Ticket::new(host.to_owned(), io.later(TICKET)).to(HostPort::new(host, port));
    io.context.lobby.leave(io.now.instant, key, ticket);
}

/// The servers that an answer names.
fn hosts(answer: &str) -> impl Iterator<Item = &str> {
    let hosts = answer.lines().filter_map(|line| line.trim().strip_prefix(ADDRESS));
    let legal = |host: &&str| {
        (1..=255).contains(&host.len())
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b))
    };
    hosts.filter(legal).take(8)
}

/// The answer with another server in it.
fn rewritten(answer: &str, host: &str) -> String {
    let line = |line: &str| {
        let (text, end) = line.split_at(line.trim_end().len());
        if text.starts_with(ADDRESS) { format!("{ADDRESS}{host}{end}") } else { line.to_owned() }
    };
    answer.split_inclusive('\n').map(line).collect()
}
