//! The address book, and what is left for people who are offline: SOAP over HTTP, since MSNP13.
//!
//! Clients read their lists from it and change them in it. What servers answer has the foreign
//! people put in, and what clients change about these is answered here. The connection is seen
//! only where its TLS ends at the gateway. It finds the person's notification connection by
//! [`Doors`], and leaves word there of what is to be done.

mod answers;
mod elements;
mod last_look;
mod offline_messages;
mod requests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use crosstalk_core::{Address, Event, Fault, Side, Sniff};

use self::last_look::Scan;
use self::requests::{Ask, Reads};
use crate::common::http::{self, Head, Heads, Incoming, Message};
use crate::msnp::account_registry::{Doors, Token};
use crate::msnp::shared_state::{Desk, Io};
use crate::msnp::wire::xml::Document;

/// The most requests that wait for an answer, and the most bytes of what is known of it.
const MAX_ASKED: usize = 32;
const MAX_BYTES: usize = 128 << 10;
/// How many times its length an answer takes that is there as bytes, as text and as elements.
const WAITING_FOLD: usize = 8;
/// The longest name of a host, which answers of ours repeat, in bytes.
const MAX_HOST: usize = 255;
/// How long an answer waits for the foreign list, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(50);

/// What the operator is told of an answer that cannot be read.
const TOO_LONG: &str =
    "the address book of an MSN user is too long for people on other networks to be added";

/// What a request says of codings in which its answer could not be read.
const CODED: [&str; 1] = ["accept-encoding"];

/// What the paths of requests begin with.
const PATHS: [&[u8]; 4] = [b"/abservice/", b"//abservice/", b"/OimWS/", b"/storageservice/"];
/// The longest request for anything else that is waited for, in bytes: who is not known yet may have
/// no more wait. Longer ones are read as they pass.
const MAX_OTHER: usize = 32 << 10;

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
    /// What the client asked for, and how it is answered; the oldest first.
    asked: VecDeque<Asked>,
    heads: [Heads; 2],
    /// The messages of client and server that are on their way.
    reading: [Option<Reading>; 2],
    waiting: Option<Waiting>,
    /// Nobody was found whose list this is: there is no waiting again.
    stranger: bool,
    /// It was asked with the ticket of somebody who is signed in.
    is_known: bool,
    /// How many bytes `asked` holds.
    bytes: usize,
}

/// What becomes of a request.
enum Asked {
    /// The server answers, and the answer is read for this.
    OfServer(Reads, Option<Token>),
    /// We answer, in its turn.
    Answered(Bytes),
}

impl Asked {
    fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::OfServer(Reads::Group(name), _) => name.len(),
                Self::OfServer(..) => 0,
                Self::Answered(answer) => answer.len(),
            }
    }
}

/// A message on its way.
struct Reading {
    message: Incoming,
    /// It is waited for, and read. Others pass.
    whole: bool,
    /// What came of one that ends with the connection: nobody else keeps it until then.
    held: BytesMut,
    /// What is looked at of a request that passes.
    scan: Scan,
}

impl Reading {
    /// Keeps what came of a message that ends with the connection, while it can be read.
    fn hold(&mut self, buffer: &mut BytesMut, io: &mut Io<'_>) {
        self.held.unsplit(self.message.pass(buffer));
        if self.held.len() > http::MAX_WHOLE {
            io.out.emit(Event::Advise(TOO_LONG));
            io.out.forward(Side::Client, self.held.split().freeze());
            self.whole = false;
        }
    }
}

/// An answer that waits for the foreign list.
struct Waiting {
    message: Message,
    envelope: Document,
    reads: Reads,
    token: Option<Token>,
    owner: Address,
    again: Instant,
    until: Instant,
}

impl Connection {
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.as_ref().map(|waiting| waiting.again.min(waiting.until))
    }

    /// How many bytes are held: answers in their turn, one that cannot be told to end, and one
    /// that waits for the foreign list, with what was read of it.
    pub(super) fn weight(&self) -> usize {
        let of_reading = |reading: &Reading| reading.held.len() + reading.scan.weight();
        let held: usize = self.reading.iter().flatten().map(of_reading).sum();
        let waiting = self.waiting.as_ref().map_or(0, |w| WAITING_FOLD * w.message.raw.len());
        self.bytes + held + waiting
    }

    /// Notes what becomes of a request.
    fn ask(&mut self, asked: Asked) {
        self.bytes += asked.weight();
        self.asked.push_back(asked);
    }

    fn next_asked(&mut self) -> Option<Asked> {
        let asked = self.asked.pop_front()?;
        self.bytes -= asked.weight();
        Some(asked)
    }

    /// Whether it was asked with the ticket of somebody who is signed in.
    pub(super) const fn is_known(&self) -> bool {
        self.is_known
    }

    /// Looks for the foreign list again.
    pub(super) fn tick(&mut self, io: &mut Io<'_>) {
        if let Some(waiting) = self.waiting.take_if(|w| w.again <= io.now.instant) {
            self.finish(waiting, io);
        }
    }

    /// Takes what a side sent.
    pub(super) fn bytes(
        &mut self,
        side: Side,
        buffer: &mut BytesMut,
        io: &mut Io<'_>,
    ) -> Result<(), Fault> {
        while !buffer.is_empty() {
            let Some(reading) = self.reading(side, buffer, io)? else { return Ok(()) };
            let unfinished = self.advance(side, reading, buffer, io)?;
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
        io: &mut Io<'_>,
    ) -> Result<Option<Reading>, Fault> {
        let over = reading.message.advance(side, buffer)?;
        if reading.whole && reading.message.is_endless() {
            reading.hold(buffer, io);
            return Ok(Some(reading));
        }
        if reading.whole && !over && !reading.message.fits() {
            if side == Side::Client {
                return Err(Fault::client("a request is too long"));
            }
            io.out.emit(Event::Advise(TOO_LONG));
            reading.whole = false;
        }
        if !reading.whole {
            let mut part = reading.message.pass(buffer);
            if side == Side::Client {
                let Some(clean) = reading.scan.take(part, over, io) else {
                    // The server has the beginning of it, and does nothing without its end.
                    io.out.withhold();
                    return Err(Fault::client("a request names somebody on another network"));
                };
                part = clean.into();
            }
            io.out.forward(side.other(), part.freeze());
        }
        if !over {
            return Ok(Some(reading));
        }
        match (side, reading.whole) {
            (Side::Client, true) => self.request(reading.message.whole(side, buffer)?, io),
            (Side::Server, true) => self.answer(reading.message.whole(side, buffer)?, io),
            (Side::Server, false) if reading.message.head.is_final() => {
                self.next_asked();
                self.answer_in_turn(io);
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
        io: &mut Io<'_>,
    ) -> Result<Option<Reading>, Fault> {
        if let Some(reading) = self.reading[side as usize].take() {
            return Ok(Some(reading));
        }
        let heads = &mut self.heads[side as usize];
        let Some(head) = heads.read(side, buffer)? else { return Ok(None) };
        let message = Incoming::new(head)?;
        let whole = match side {
            Side::Client => self.begin_request(&message, io)?,
            Side::Server => {
                if let Some(waiting) = self.waiting.take() {
                    self.give_up(waiting, io);
                }
                let read = matches!(self.asked.front(), Some(Asked::OfServer(reads, _))
                    if *reads != Reads::Nothing);
                let read = read && message.head.status == 200;
                if read && !message.fits() {
                    io.out.emit(Event::Advise(TOO_LONG));
                }
                read && message.fits()
            }
        };
        Ok(Some(Reading { message, whole, held: BytesMut::new(), scan: Scan::default() }))
    }

    /// The server closed the connection, which can be the end of an answer.
    pub(super) fn server_left(&mut self, io: &mut Io<'_>) {
        let ends = |r: &mut Reading| r.whole && r.message.is_endless();
        let Some(mut reading) = self.reading[Side::Server as usize].take_if(ends) else { return };
        if let Ok(message) = reading.message.end(Side::Server, &mut reading.held) {
            self.answer(message, io);
        }
    }

    /// The client begins a request; returns whether it is waited for.
    fn begin_request(&mut self, message: &Incoming, io: &mut Io<'_>) -> Result<bool, Fault> {
        let head = &message.head;
        if !matches!(head.method.as_str(), "GET" | "POST") {
            return Err(Fault::client("a method that no address book has"));
        }
        if self.asked.len() >= MAX_ASKED || self.bytes > MAX_BYTES {
            return Err(Fault::client("too many requests at once"));
        }
        let path = head.path.to_ascii_lowercase();
        let known = path.contains("/abservice/") || path.contains("/oimws/");
        // One whose length nobody knows beforehand has to be waited for: names in it can be in parts.
        if !known && !message.fits_in(MAX_OTHER) {
            self.ask(Asked::OfServer(Reads::Nothing, None));
            return Ok(false);
        }
        if !message.fits() {
            return Err(Fault::client("a request is too long"));
        }
        if head.field("expect").is_some() {
            io.out.insert(Side::Client, "HTTP/1.1 100 Continue\r\n\r\n");
        }
        Ok(true)
    }

    fn request(&mut self, message: Message, io: &mut Io<'_>) {
        let head = &message.head;
        let first = message.raw.get(..head.length).unwrap_or_default();
        let document = message.text.as_deref().and_then(Document::parse);
        let (Some(text), Some(document)) = (&message.text, document) else {
            return self.unread(message, io);
        };
        if last_look::is_named_in_bytes(first, io) {
            return self.unread(message, io);
        }
        let envelope = document.root(text);
        let tickets = [requests::ticket(envelope), offline_messages::ticket(envelope)];
        let cookie = || head.field("cookie")?.split_once("MSPAuth=").map(|(_, ticket)| ticket);
        let token = tickets.iter().map(AsRef::as_ref).find(|ticket| !ticket.is_empty());
        let token = token.or_else(cookie).map(Token::of);
        let doors = Doors::of(io);
        let desk = token.and_then(|token| doors.desk(&doors.owner(&token)?));
        self.is_known |= desk.is_some();
        let left = offline_messages::read(envelope, desk.as_ref(), io);
        let mut papers = desk.as_ref().map(Desk::open);
        let book = papers.as_mut().map(|papers| &mut papers.book);
        let book = book.filter(|book| book.is_filled());
        let host = head.field("host").filter(|host| host.len() <= MAX_HOST).unwrap_or_default();
        let Some(operation) = requests::operation(envelope) else {
            return self.unread(message, io);
        };
        let decided =
            left.unwrap_or_else(|| requests::read(text, &document, operation, book, host, io));
        drop(papers);
        if let Some(desk) = desk.filter(|desk| desk.open().book.is_edited()) {
            desk.ring();
        }
        match decided {
            Ask::Pass(reads) => {
                let plain = head.field("accept-encoding").is_none() || reads == Reads::Nothing;
                if plain && head.field("expect").is_none() {
                    self.pass(message.raw, reads, token, io);
                } else {
                    self.resend(message.with(text, &CODED), reads, token, io);
                }
            }
            Ask::Change(text) => {
                self.resend(message.with(&text, &CODED), Reads::Nothing, token, io);
            }
            Ask::Answer(text) => self.reply(head, "200 OK", &text, io),
            Ask::Fault(text) => self.reply(head, "500 Internal Server Error", &text, io),
        }
    }

    /// A request that cannot be read is for the server, unless somebody foreign is in it.
    fn unread(&mut self, message: Message, io: &mut Io<'_>) {
        if last_look::is_named_in_bytes(&message.raw, io) {
            let fault = elements::fault("", "BadArgument", "The request cannot be read.");
            return self.reply(&message.head, "500 Internal Server Error", &fault, io);
        }
        self.pass(message.raw, Reads::Nothing, None, io);
    }

    fn pass(&mut self, raw: Bytes, reads: Reads, token: Option<Token>, io: &mut Io<'_>) {
        io.out.forward(Side::Server, raw);
        self.ask(Asked::OfServer(reads, token));
    }

    fn resend(&mut self, anew: Bytes, reads: Reads, token: Option<Token>, io: &mut Io<'_>) {
        io.out.withhold();
        io.out.insert(Side::Server, anew);
        self.ask(Asked::OfServer(reads, token));
    }

    /// Answers a request that the server does not get.
    fn reply(&mut self, head: &Head, status: &str, text: &str, io: &mut Io<'_>) {
        io.out.withhold();
        self.ask(Asked::Answered(http::answer(head, status, text)));
        self.answer_in_turn(io);
    }

    /// Gives the client the answers of ours whose turn it is.
    fn answer_in_turn(&mut self, io: &mut Io<'_>) {
        while self.waiting.is_none()
            && let Some(Asked::Answered(_)) = self.asked.front()
            && let Some(Asked::Answered(answer)) = self.next_asked()
        {
            io.out.insert(Side::Client, answer);
        }
    }

    /// The server answered something that is read.
    fn answer(&mut self, message: Message, io: &mut Io<'_>) {
        let asked = self.next_asked();
        let envelope = message.text.as_deref().and_then(Document::parse);
        let (Some(Asked::OfServer(reads, token)), Some(envelope)) = (asked, envelope) else {
            io.out.forward(Side::Client, message.raw);
            return self.answer_in_turn(io);
        };
        let known = token.and_then(|token| Doors::of(io).owner(&token));
        let text = message.text.as_deref().unwrap_or_default();
        let named = answers::owner(envelope.root(text), io);
        // A book of somebody else than the ticket is stays as it is.
        let owner = match (known, named) {
            (Some(known), Some(named)) => Some(known).filter(|known| *known == named),
            (known, named) => known.or(named),
        };
        let Some(owner) = owner else {
            io.out.forward(Side::Client, message.raw);
            return self.answer_in_turn(io);
        };
        let (again, until) = (io.now.instant, io.later(PATIENCE));
        self.finish(Waiting { message, envelope, reads, token, owner, again, until }, io);
    }

    /// Gives the client an answer with the foreign people in it, as soon as these are known.
    fn finish(&mut self, mut waiting: Waiting, io: &mut Io<'_>) {
        let desk = Doors::of(io).desk(&waiting.owner);
        let desk = desk.filter(|desk| desk.open().book.is_filled());
        let Some(desk) = desk else {
            if waiting.until <= io.now.instant || self.stranger {
                self.stranger = true;
                return self.give_up(waiting, io);
            }
            waiting.again = io.later(AGAIN);
            self.waiting = Some(waiting);
            return;
        };
        let Waiting { message, envelope, reads, token, owner, .. } = waiting;
        self.is_known = true;
        if let Some(token) = token {
            Doors::of(io).belongs(token, &owner);
        }
        let text = message.text.as_deref().unwrap_or_default();
        match answers::merge(&reads, text, envelope.root(text), &desk, io) {
            Some(merged) => {
                io.out.withhold();
                io.out.insert(Side::Client, message.with(&merged, &[]));
            }
            None => io.out.forward(Side::Client, message.raw),
        }
        self.answer_in_turn(io);
    }

    fn give_up(&mut self, waiting: Waiting, io: &mut Io<'_>) {
        io.out.forward(Side::Client, waiting.message.raw);
        self.answer_in_turn(io);
    }
}
