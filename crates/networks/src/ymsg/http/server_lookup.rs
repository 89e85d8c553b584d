//! The question which server to use: `GET /capacity` over HTTP, answered with lines such as
//! `CS_IP_ADDRESS=192.0.2.1`. Only the answer to that question is read: what else a server has to
//! say over the connection may have been written by anybody.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use crosstalk_core::{Fault, Side, Via};

use super::super::context::Cx;
use super::super::handoff::{expect, of_listener};
use crate::common::http::{Head, Incoming, Message};

/// The longest first line of a question, in bytes.
const MAX_QUESTION: usize = 8 * 1024;
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024;
/// The most servers that one answer names.
const MAX_HOSTS: usize = 8;
/// The most questions that wait for an answer.
const MAX_ASKED: usize = 16;
/// The ports that clients try at the server that was named.
const PORTS: [u16; 9] = [5050, 80, 443, 23, 25, 20, 119, 8001, 8002];
const PATH: &str = "/capacity";
const ADDRESS: &str = "CS_IP_ADDRESS=";

/// Questions and their answers.
#[derive(Default)]
pub(in crate::ymsg) struct Lookup {
    /// The first line of the first question was passed on.
    is_asked: bool,
    /// The question that is on its way.
    question: Option<Incoming>,
    /// For each question that is not answered yet, whether it is ours to read the answer.
    asked: VecDeque<bool>,
    answer: Option<Answer>,
    /// Part of an answer that has come; in direct mode the client has not got it yet.
    held: BytesMut,
    /// One side does not speak HTTP as expected, and nothing is read any more.
    is_through: bool,
}

/// An answer that is on its way.
struct Answer {
    message: Incoming,
    /// It is the answer to `GET /capacity`.
    read: bool,
    /// Number of its bytes that were looked through, and of the servers that it has named.
    seen: usize,
    named: usize,
}

impl Lookup {
    /// Bytes held.
    pub(in crate::ymsg) fn weight(&self) -> usize {
        self.held.len()
    }

    /// Passes bytes on, except an answer that is to be rewritten.
    pub(in crate::ymsg) fn bytes(&mut self, side: Side, bytes: &mut BytesMut, cx: &mut Cx<'_>) {
        if side == Side::Client {
            return self.ask(bytes, cx);
        }
        let new = bytes.split().freeze();
        if self.is_through || !is_direct(cx) {
            cx.out.forward(Side::Client, new.clone());
        }
        if self.is_through {
            return;
        }
        self.held.extend_from_slice(&new);
        if self.read(cx).is_err() {
            self.give_up(cx);
        }
    }

    /// Takes as much of what is held as belongs to whole answers, or need not be held.
    fn read(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        while !self.held.is_empty() {
            let mut answer = match self.answer.take() {
                Some(answer) => answer,
                None => match Head::read(Side::Server, &self.held)? {
                    Some(head) => self.begin(head)?,
                    None => return Ok(()),
                },
            };
            let over = answer.message.advance(Side::Server, &self.held)?;
            answer.read &= self.held.len() <= MAX_ANSWER || over && answer.message.fits();
            if over && answer.read {
                self::answer(answer.message.whole(Side::Server, &mut self.held)?, cx);
                continue;
            }
            if !answer.read {
                let passed = answer.message.pass(&mut self.held).freeze();
                if is_direct(cx) {
                    cx.out.forward(Side::Client, passed);
                }
            } else if !is_direct(cx) {
                // The client may dial before the answer ends.
                answer.look_ahead(&self.held, cx);
            }
            if !over {
                self.answer = Some(answer);
                return Ok(());
            }
        }
        Ok(())
    }

    /// An answer begins: to the oldest question, unless it is only on the way to that.
    fn begin(&mut self, head: Head) -> Result<Answer, Fault> {
        let unasked = || Fault::server("it answers what nobody asked");
        let asked = *self.asked.front().ok_or_else(unasked)?;
        if head.is_final() {
            self.asked.pop_front();
        }
        let (read, seen) = (asked && head.status == 200, head.length);
        Ok(Answer { message: Incoming::new(head)?, read, seen, named: 0 })
    }

    /// Passes a question on; in direct mode the first in words that ask for an answer in one
    /// piece.
    fn ask(&mut self, bytes: &mut BytesMut, cx: &mut Cx<'_>) {
        while !self.is_through && !bytes.is_empty() {
            let mut question = match self.question.take() {
                Some(question) => question,
                None => match self.next_question(bytes, cx) {
                    Some(question) => question,
                    None if self.is_through => break,
                    None => return,
                },
            };
            let Ok(over) = question.advance(Side::Client, bytes) else {
                self.give_up(cx);
                break;
            };
            let passed = question.pass(bytes).freeze();
            self.first_line(&passed, cx);
            if !over {
                self.question = Some(question);
                return;
            }
        }
        cx.out.forward(Side::Server, bytes.split().freeze());
    }

    /// The question whose head is at the front of `bytes`.
    fn next_question(&mut self, bytes: &BytesMut, cx: &mut Cx<'_>) -> Option<Incoming> {
        let question = Head::read(Side::Client, bytes).and_then(|head| {
            let Some(head) = head else { return Ok(None) };
            // The answer to another method may end where this one's would not.
            let plain = matches!(head.method.as_str(), "GET" | "POST");
            if !plain || self.asked.len() >= MAX_ASKED || head.length > MAX_QUESTION {
                return Err(Fault::client("a question that no look-up has"));
            }
            self.asked.push_back(asks_for_a_server(&head));
            Incoming::new(head).map(Some)
        });
        question.unwrap_or_else(|_| {
            self.give_up(cx);
            None
        })
    }

    /// Passes a part of a question on.
    fn first_line(&mut self, part: &Bytes, cx: &mut Cx<'_>) {
        let is_first = !std::mem::replace(&mut self.is_asked, true) && is_direct(cx);
        let end = memchr::memchr(b'\n', part).filter(|_| is_first).map_or(0, |at| at + 1);
        let line = String::from_utf8_lossy(part.get(..end).unwrap_or_default());
        if line.contains("HTTP/1.1") {
            cx.out.withhold();
            cx.out.insert(Side::Server, line.replace("HTTP/1.1", "HTTP/1.0"));
            cx.out.forward(Side::Server, part.slice(end..));
        } else {
            cx.out.forward(Side::Server, part.clone());
        }
    }

    /// The server has no more to say.
    pub(in crate::ymsg) fn end(&mut self, cx: &mut Cx<'_>) {
        if let Some(Answer { message, read: true, .. }) = self.answer.take()
            && let Ok(message) = message.end(Side::Server, &mut self.held)
        {
            answer(message, cx);
        }
        self.give_up(cx);
    }

    /// Lets the rest pass as it is.
    fn give_up(&mut self, cx: &mut Cx<'_>) {
        self.is_through = true;
        let rest = std::mem::take(&mut self.held).freeze();
        if is_direct(cx) {
            cx.out.forward(Side::Client, rest);
        }
    }
}

impl Answer {
    /// Looks through the lines that came since it was last done.
    fn look_ahead(&mut self, held: &[u8], cx: &mut Cx<'_>) {
        let new = held.get(self.seen..).unwrap_or_default();
        let lines = memchr::memrchr(b'\n', new).map_or(0, |at| at + 1);
        self.seen += lines;
        let text = String::from_utf8_lossy(new.get(..lines).unwrap_or_default());
        for host in hosts(&text).take(MAX_HOSTS.saturating_sub(self.named)) {
            self.named += 1;
            note(host, cx);
        }
    }
}

/// Whether a question is `GET /capacity`, with or without a query, also to an HTTP proxy.
fn asks_for_a_server(head: &Head) -> bool {
    let path = head.path.strip_prefix("http://").map_or(head.path.as_str(), |place| {
        place.find('/').and_then(|at| place.get(at..)).unwrap_or_default()
    });
    let path = path.split('?').next().unwrap_or_default();
    head.method == "GET" && path.eq_ignore_ascii_case(PATH)
}

fn is_direct(cx: &Cx<'_>) -> bool {
    matches!(cx.context.via, Via::Direct { .. })
}

/// An answer is there.
fn answer(message: Message, cx: &mut Cx<'_>) {
    let text = message.text.as_deref().unwrap_or_default();
    hosts(text).take(MAX_HOSTS).for_each(|host| note(host, cx));
    let Via::Direct { advertise, .. } = &cx.context.via else { return };
    let Some(host) = hosts(text).next() else {
        return cx.out.forward(Side::Client, message.raw);
    };
    let advertised = advertise.host.clone();
    expect(cx, &of_listener(&advertised), host, PORTS[0]);
    cx.out.withhold();
    cx.out.insert(Side::Client, message.with(&rewritten(text, &advertised)));
}

/// Lets clients dial a server that an answer names.
fn note(host: &str, cx: &mut Cx<'_>) {
    for port in PORTS {
        expect(cx, &format!("server {host}:{port}"), host, port);
    }
}

/// The servers that an answer names.
fn hosts(answer: &str) -> impl Iterator<Item = &str> {
    let hosts = answer.lines().filter_map(|line| line.trim().strip_prefix(ADDRESS));
    let legal = |host: &&str| {
        (1..=255).contains(&host.len())
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b))
    };
    hosts.filter(legal)
}

/// The answer with another server in it.
fn rewritten(answer: &str, host: &str) -> String {
    let line = |line: &str| {
        let (text, end) = line.split_at(line.trim_end().len());
        if text.starts_with(ADDRESS) { format!("{ADDRESS}{host}{end}") } else { line.to_owned() }
    };
    answer.split_inclusive('\n').map(line).collect()
}
