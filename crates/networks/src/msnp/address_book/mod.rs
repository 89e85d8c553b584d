//! The address book, and what is left for people who are offline: SOAP over HTTP, since MSNP13.
//!
//! Clients read their lists from it and change them in it. What servers answer has the foreign
//! people put in, and what clients change about these is answered here. The connection is seen
//! only where its TLS ends at the gateway. The person's notification connection, which it finds by
//! `account_keys`, gives it the list and makes the changes.

mod answers;
mod contact_requests;
mod elements;
mod held_answer;
mod last_look;
mod offline_messages;
mod pipeline;
mod requests;
mod waiting;

use std::collections::VecDeque;
use std::time::Instant;

use bytes::BytesMut;
use crosstalk_core::{Event, Fault, Side, Sniff};

use self::held_answer::HeldAnswer;
use self::last_look::Scan;
use self::pipeline::Pipelined;
use self::requests::Reads;
use self::waiting::Waiting;
use crate::common::http::{self, Heads, Incoming};
use crate::msnp::context::Cx;

/// Advice to the operator about a response that cannot be read.
const TOO_LONG: &str =
    "the address book of an MSN user is too long for people on other networks to be added";

/// Beginnings of the paths of requests.
const PATHS: [&[u8]; 4] = [b"/abservice/", b"//abservice/", b"/OimWS/", b"/storageservice/"];

/// Judges the first bytes of a client: whether it asks for an address book, for messages for people
/// who are offline, or for what a person stores of itself.
pub(super) fn opening(first: &[u8]) -> Sniff {
    let mut otherwise = Sniff::No;
    for path in PATHS {
        match http::asks(first, b"POST ", path) {
            Sniff::Yes => return Sniff::Yes,
            Sniff::More => otherwise = Sniff::More,
            Sniff::No => {}
        }
    }
    otherwise
}

/// A connection to an address book.
#[derive(Default)]
pub(super) struct Connection {
    /// Requests of the client and their answers; the oldest first.
    pipeline: VecDeque<Pipelined>,
    heads: [Heads; 2],
    /// The messages of client and server that are on their way.
    reading: [Option<Reading>; 2],
    waiting: Option<Waiting>,
    /// An answer whose person was not found, until it is looked for again.
    paused: Option<(Box<HeldAnswer>, Instant)>,
    /// Number of the last question to the notification connection.
    questions: u32,
    /// Nobody was found whose list this is: there is no waiting again.
    stranger: bool,
    /// It was asked with the ticket of somebody who is signed in.
    is_known: bool,
    /// Bytes that `pipeline` holds.
    bytes: usize,
}

/// A message on its way.
struct Reading {
    message: Incoming,
    /// It is waited for, and read. Others pass.
    whole: bool,
    /// Bytes of a response that ends with the connection: nobody else keeps it until then.
    held: BytesMut,
    /// Scan of a request that passes.
    scan: Scan,
}

impl Reading {
    /// Keeps what came of a message that ends with the connection, while it can be read.
    fn hold(&mut self, buffer: &mut BytesMut, cx: &mut Cx<'_>) {
        self.held.unsplit(self.message.pass(buffer));
        if self.held.len() > http::MAX_WHOLE {
            cx.out.emit(Event::Advise(TOO_LONG));
            cx.out.forward(Side::Client, self.held.split().freeze());
            self.whole = false;
        }
    }
}

impl Connection {
    pub(super) fn deadline(&self) -> Option<Instant> {
        let paused = self.paused.as_ref().map(|(_, until)| *until);
        self.waiting.as_ref().map(Waiting::deadline).into_iter().chain(paused).min()
    }

    /// Whether something waits for the notification connection.
    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting.is_some() || self.paused.is_some()
    }

    /// Bytes held: responses in their turn, one that cannot be told to end, and what waits for the
    /// notification connection, with what was read of it.
    pub(super) fn weight(&self) -> usize {
        let of_reading = |reading: &Reading| reading.held.len() + reading.scan.weight();
        let held: usize = self.reading.iter().flatten().map(of_reading).sum();
        let paused = self.paused.as_ref().map_or(0, |(held, _)| held.weight());
        let waiting = self.waiting.as_ref().map_or(0, Waiting::weight) + paused;
        self.bytes + held + waiting
    }

    /// Whether it was asked with the ticket of somebody who is signed in.
    pub(super) const fn is_known(&self) -> bool {
        self.is_known
    }

    /// Takes what a side sent.
    pub(super) fn bytes(
        &mut self,
        side: Side,
        buffer: &mut BytesMut,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        // What is behind a message that waits is read behind it.
        while !buffer.is_empty() && self.waiting.is_none() {
            let Some(reading) = self.reading(side, buffer, cx)? else { return Ok(()) };
            let unfinished = self.advance(side, reading, buffer, cx)?;
            if unfinished.is_some() {
                self.reading[side as usize] = unfinished;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Goes on with a message; gives it back if it is not over.
    fn advance(
        &mut self,
        side: Side,
        mut reading: Reading,
        buffer: &mut BytesMut,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Reading>, Fault> {
        let over = reading.message.advance(side, buffer)?;
        if reading.whole && reading.message.is_endless() {
            reading.hold(buffer, cx);
            return Ok(Some(reading));
        }
        if reading.whole && !over && !reading.message.fits() {
            if side == Side::Client {
                return Err(Fault::client("a request is too long"));
            }
            cx.out.emit(Event::Advise(TOO_LONG));
            reading.whole = false;
        }
        if !reading.whole {
            let mut part = reading.message.pass(buffer);
            if side == Side::Client {
                let Some(clean) = reading.scan.take(part, over, cx) else {
                    // The server has the beginning of it, and does nothing without its end.
                    cx.out.withhold();
                    return Err(Fault::client("a request names somebody on another network"));
                };
                part = clean.into();
            }
            cx.out.forward(side.other(), part.freeze());
        }
        if !over {
            return Ok(Some(reading));
        }
        match (side, reading.whole) {
            (Side::Client, true) => self.request(reading.message.whole(side, buffer)?, cx),
            (Side::Server, true) => self.answer(reading.message.whole(side, buffer)?, cx),
            (Side::Server, false) if reading.message.head.is_final() => {
                self.next_pipelined();
                self.answer_in_turn(cx);
            }
            (_, false) => {}
        }
        Ok(None)
    }

    /// The message that a side is sending; none before its head is there.
    fn reading(
        &mut self,
        side: Side,
        buffer: &BytesMut,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Reading>, Fault> {
        if let Some(reading) = self.reading[side as usize].take() {
            return Ok(Some(reading));
        }
        let heads = &mut self.heads[side as usize];
        let Some(head) = heads.read(side, buffer)? else { return Ok(None) };
        let message = Incoming::new(head)?;
        let whole = match side {
            Side::Client => self.begin_request(&message, cx)?,
            Side::Server => {
                // The person may be about to sign in, but the rest need not wait for that.
                if let Some((held, _)) = self.paused.take() {
                    self.pass_answer(held.message, cx);
                }
                let read = matches!(self.pipeline.front(), Some(Pipelined::OfServer(reads, _))
                    if *reads != Reads::Nothing);
                let read = read && message.head.status == 200;
                if read && !message.fits() {
                    cx.out.emit(Event::Advise(TOO_LONG));
                }
                read && message.fits()
            }
        };
        Ok(Some(Reading { message, whole, held: BytesMut::new(), scan: Scan::default() }))
    }

    /// The server closed the connection, which can be the end of an answer.
    pub(super) fn server_left(&mut self, cx: &mut Cx<'_>) {
        let ends = |r: &mut Reading| r.whole && r.message.is_endless();
        let Some(mut reading) = self.reading[Side::Server as usize].take_if(ends) else { return };
        if let Ok(message) = reading.message.end(Side::Server, &mut reading.held) {
            self.answer(message, cx);
        }
    }
}
