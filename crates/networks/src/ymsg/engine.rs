//! One connection: its purpose, and the path of packets through it.

use std::time::Instant;

use bytes::BytesMut;
use crosstalk_core::{
    Context, Engine, Event, Fault, HostPort, Input, Now, Output, Side, Sniff, Via,
};

use super::account::Account;
use super::context::{Cx, Line};
use super::handoff;
use super::http::address_book::Book;
use super::http::file_upload::Upload;
use super::http::server_lookup::Lookup;
use super::sniff;
use super::wire::Packet;

/// The engine of one YMSG connection.
pub(super) struct Ymsg {
    context: Context,
    line: Line,
    phase: Phase,
}

enum Phase {
    /// Nobody has said anything.
    Opening,
    /// The person's connection, for which the server is asked that a look-up has named.
    Dialling,
    /// The person's connection.
    Account(Box<Account>),
    /// A question over HTTP.
    Lookup(Box<Lookup>),
    /// Edits of the address book over HTTP.
    Book(Box<Book>),
    /// A file over HTTP.
    Upload(Box<Upload>),
}

impl Engine for Ymsg {
    fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        if let (Phase::Opening, Input::Bytes(side, bytes)) = (&self.phase, &input) {
            match sniff::sniff(*side, bytes) {
                Sniff::Yes => self.open(now, bytes, out),
                Sniff::More => return Ok(()),
                // Whoever asks for something else may ask for a server next.
                Sniff::No if bytes.starts_with(b"GET ") => self.open(now, bytes, out),
                Sniff::No => return Err(Fault::new(side.blame(), "it speaks no YMSG")),
            }
        }
        let result = self.input(now, input, out);
        if let Phase::Account(session) = &mut self.phase {
            let mut cx = Cx { now, out, context: &mut self.context, link: &mut self.line };
            session.tell_presence(&mut cx);
        }
        result
    }

    fn takes_texts(&self) -> bool {
        matches!(&self.phase, Phase::Account(session) if session.takes_texts())
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Account(session) => session.deadline(),
            Phase::Opening
            | Phase::Dialling
            | Phase::Lookup(_)
            | Phase::Book(_)
            | Phase::Upload(_) => None,
        }
    }

    fn weight(&self) -> usize {
        match &self.phase {
            Phase::Account(session) => session.weight(),
            Phase::Lookup(lookup) => lookup.weight(),
            Phase::Book(book) => book.weight(),
            Phase::Opening | Phase::Dialling | Phase::Upload(_) => 0,
        }
    }
}

impl Ymsg {
    pub(super) fn new(context: Context) -> Self {
        Self { line: Line::new(&context), context, phase: Phase::Opening }
    }

    fn input(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        let mut cx = Cx { now, out, context: &mut self.context, link: &mut self.line };
        match (&mut self.phase, input) {
            (Phase::Account(session), Input::Bytes(side, bytes)) => {
                while let Some(packet) = Packet::take(side, bytes)? {
                    cx.link.learn(side, packet.style);
                    session.packet(side, packet, &mut cx)?;
                }
            }
            (Phase::Account(session), Input::Roster(roster)) => session.roster(&roster, &mut cx),
            (Phase::Account(session), Input::Changed(contact)) => {
                session.changed(&contact, &mut cx);
            }
            (Phase::Account(session), Input::Deliver(envelope)) => {
                session.deliver(envelope, &mut cx);
            }
            (Phase::Account(session), Input::Presence { of, presence }) => {
                session.presence_in(&of, &presence, &mut cx);
            }
            (Phase::Account(session), Input::Tick) => session.tick(&mut cx),
            (Phase::Account(session), Input::Heard(_, message)) => session.heard(message, &mut cx),
            (Phase::Dialling, Input::Claimed(claimed)) => {
                dial_session(claimed.taken().and_then(handoff::server), &mut cx);
                self.phase = Phase::Account(Box::default());
            }
            (Phase::Lookup(lookup), Input::Bytes(side, bytes)) => {
                lookup.bytes(side, bytes, &mut cx);
            }
            (Phase::Lookup(lookup), Input::Closed(Side::Server)) => lookup.end(&mut cx),
            (Phase::Book(book), Input::Bytes(side, bytes)) => book.bytes(side, bytes, &mut cx)?,
            (Phase::Book(book), Input::Told(told)) => book.told(&told, &mut cx),
            (Phase::Upload(file), Input::Bytes(side, bytes)) => file.bytes(side, bytes, &mut cx)?,
            _ => {}
        }
        Ok(())
    }

    /// The first bytes say what the connection is for.
    fn open(&mut self, now: Now, first: &BytesMut, out: &mut Output) {
        let mut cx = Cx { now, out, context: &mut self.context, link: &mut self.line };
        self.phase = match first.first() {
            Some(b'G') => Phase::Lookup(Box::default()),
            Some(b'P') if sniff::is_upload(first) => Phase::Upload(Box::default()),
            Some(b'P') => Phase::Book(Box::default()),
            _ => Phase::Account(Box::default()),
        };
        let Via::Direct { upstream, advertise } = &cx.context.via else { return };
        let (upstream, advertised) = (upstream.clone(), advertise.host.clone());
        if matches!(self.phase, Phase::Account(_)) {
            // What the client said waits for the answer: it goes to the server that is dialled
            // then.
            handoff::claim_server(&advertised, &mut cx);
            self.phase = Phase::Dialling;
        } else {
            cx.emit(Event::Dial(upstream));
        }
    }
}

/// In direct mode, dials the server that a look-up has named, or else the configured one.
fn dial_session(named: Option<String>, cx: &mut Cx<'_>) {
    let Via::Direct { upstream, .. } = &cx.context.via else { return };
    let host = named.map(|host| HostPort::new(host, upstream.port));
    let to = host.unwrap_or_else(|| upstream.clone());
    cx.emit(Event::Dial(to));
}
