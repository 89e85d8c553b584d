//! One connection: its phase, and the path of commands through it.

use std::time::Instant;

use bytes::BytesMut;
use crosstalk_core::{
    ClaimResult, Context, Engine, Event, Fault, Input, Now, Output, Side, Sniff, Via,
};

use crate::common::http;
use crate::msnp::address_book;
use crate::msnp::context::Cx;
use crate::msnp::foreign_names::is_named_in;
use crate::msnp::handoff::{Host, Invitation, claim_named_by_dispatch, note_place};
use crate::msnp::notification::Session;
use crate::msnp::switchboard::Switchboard;
use crate::msnp::wire::Command;

/// The engine of one MSNP connection.
pub(super) struct Msnp {
    context: Context,
    pub(super) phase: Phase,
    /// Length of the unfinished command of each side, as far as that is known: it is not parsed
    /// anew with each byte.
    awaited: [usize; 2],
}

pub(super) enum Phase {
    /// The client's first command is to come.
    Opening,
    /// The client's first command waits for what another connection left for it.
    Entering(Command),
    /// The client offered versions; the server chooses.
    Choosing,
    /// A notification server in a version that is spoken here.
    Notification(Box<Session>),
    /// A notification server in another version.
    Watched,
    /// A switchboard.
    Switchboard(Box<Switchboard>),
    /// An address book, or messages for people who are offline.
    Soap(Box<address_book::Connection>),
    /// A connection of no interest.
    Spliced,
}

impl Engine for Msnp {
    fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        let mut cx = Cx::new(now, out, &mut self.context);
        match (input, &mut self.phase) {
            (Input::Claimed(claimed), _) => return self.claimed(now, claimed, out),
            (Input::Bytes(side, buffer), _) => return self.bytes(now, side, buffer, out),
            (Input::Roster(roster), Phase::Notification(ns)) => {
                return ns.roster(&roster, &mut cx);
            }
            (Input::Changed(contact), Phase::Notification(ns)) => ns.updated(&contact, &mut cx),
            (Input::Deliver(envelope), Phase::Notification(ns)) => ns.deliver(envelope, &mut cx),
            (Input::Deliver(envelope), Phase::Switchboard(sb)) => sb.deliver(envelope, &mut cx),
            (Input::Presence { of, presence }, Phase::Notification(ns)) => {
                ns.presence_in(&of, presence, &mut cx);
            }
            (Input::Heard(from, message), Phase::Notification(ns)) => {
                ns.heard(from, message, &mut cx);
            }
            (Input::Delivered(id), Phase::Switchboard(sb)) => sb.delivered(id, &mut cx),
            (Input::Heard(_, message), Phase::Switchboard(sb)) => sb.heard(message, &mut cx),
            (Input::Told(told), Phase::Notification(ns)) => ns.told(told, &mut cx),
            (Input::Told(told), Phase::Switchboard(sb)) => sb.told(told, &mut cx),
            (Input::Told(told), Phase::Soap(book)) => book.told(&told, &mut cx),
            (Input::Heard(_, message), Phase::Soap(book)) => book.heard(message, &mut cx),
            (Input::Left(id), Phase::Notification(ns)) => ns.conversation_left(id, &mut cx),
            (Input::Left(id), Phase::Soap(book)) => book.left(id, &mut cx),
            (Input::Left(_), Phase::Switchboard(sb)) => sb.notification_left(&mut cx),
            (Input::Closed(Side::Client), Phase::Switchboard(sb)) => sb.leave(&mut cx),
            (Input::Closed(Side::Server), Phase::Switchboard(sb)) => sb.server_left(&mut cx),
            (Input::Tick, Phase::Notification(ns)) => return ns.tick(&mut cx),
            (Input::Tick, Phase::Switchboard(sb)) => sb.tick(&mut cx),
            (Input::Closed(Side::Server), Phase::Soap(book)) => book.server_left(&mut cx),
            (Input::Tick, Phase::Soap(book)) => book.tick(&mut cx),
            _ => {}
        }
        Ok(())
    }

    fn takes_texts(&self) -> bool {
        match &self.phase {
            Phase::Notification(session) => session.takes_texts(),
            Phase::Switchboard(switchboard) => switchboard.takes_texts(),
            _ => false,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Notification(session) => session.deadline(),
            Phase::Switchboard(switchboard) => switchboard.deadline(),
            Phase::Soap(book) => book.deadline(),
            _ => None,
        }
    }

    fn weight(&self) -> usize {
        match &self.phase {
            Phase::Notification(session) => session.weight(),
            Phase::Switchboard(switchboard) => switchboard.weight(),
            Phase::Soap(book) => book.weight(),
            Phase::Entering(command) => command.weight(),
            _ => 0,
        }
    }

    fn holds_back(&self) -> bool {
        match &self.phase {
            Phase::Switchboard(switchboard) => switchboard.is_joining(),
            Phase::Soap(book) => book.is_waiting(),
            _ => false,
        }
    }

    fn is_known(&self) -> bool {
        match &self.phase {
            Phase::Switchboard(switchboard) => switchboard.is_known(),
            Phase::Soap(book) => book.is_known(),
            _ => false,
        }
    }
}

impl Msnp {
    pub(super) const fn new(context: Context) -> Self {
        Self { context, phase: Phase::Opening, awaited: [0; 2] }
    }

    fn bytes(
        &mut self,
        now: Now,
        side: Side,
        buffer: &mut BytesMut,
        out: &mut Output,
    ) -> Result<(), Fault> {
        loop {
            match &mut self.phase {
                Phase::Spliced => {
                    out.forward(side.other(), buffer.split().freeze());
                    return Ok(());
                }
                // The rest is given again when the answer is there.
                Phase::Entering(_) => return Ok(()),
                Phase::Switchboard(sb) if side == Side::Client && sb.is_joining() => {
                    return Ok(());
                }
                Phase::Soap(book) => {
                    let mut cx = Cx::new(now, out, &mut self.context);
                    return book.bytes(side, buffer, &mut cx);
                }
                Phase::Opening if side == Side::Client => match address_book::opening(buffer) {
                    Sniff::Yes => {
                        self.open_book(out);
                        continue;
                    }
                    Sniff::More => return Ok(()),
                    Sniff::No if http::is_request(buffer) == Sniff::Yes => {
                        return Err(Fault::client("it speaks HTTP, and not to an address book"));
                    }
                    Sniff::No => {}
                },
                _ => {}
            }
            if buffer.len() < self.awaited[side as usize] {
                return Ok(());
            }
            let Some(command) = Command::take(side, buffer)? else {
                self.awaited[side as usize] = Command::length(side, buffer)?.unwrap_or(0);
                return Ok(());
            };
            self.awaited[side as usize] = 0;
            self.command(now, side, command, out)?;
        }
    }

    fn command(
        &mut self,
        now: Now,
        side: Side,
        command: Command,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let mut cx = Cx::new(now, out, &mut self.context);
        match &mut self.phase {
            Phase::Opening if side == Side::Client => self.opening(now, command, out),
            Phase::Choosing if side == Side::Server && command.verb() == "VER" => {
                self.chosen(command, out);
                Ok(())
            }
            Phase::Notification(session) => session.command(side, command, &mut cx),
            Phase::Watched if side == Side::Server => {
                let shown = note_place(&command, &mut cx, ());
                cx.out.forward(Side::Client, shown.unwrap_or_default());
                Ok(())
            }
            Phase::Switchboard(switchboard) => switchboard.command(side, command, &mut cx),
            Phase::Choosing if side == Side::Client && is_named_in(&command, &cx) => {
                out.withhold();
                Err(Fault::client("it calls itself by a foreign name"))
            }
            Phase::Opening
            | Phase::Entering(_)
            | Phase::Choosing
            | Phase::Watched
            | Phase::Soap(_)
            | Phase::Spliced => {
                out.forward(side.other(), command.raw);
                Ok(())
            }
        }
    }

    /// The client's first request is for an address book.
    fn open_book(&mut self, out: &mut Output) {
        if let Via::Direct { upstream, .. } = &self.context.via {
            out.emit(Event::Dial(upstream.clone()));
        }
        self.phase = Phase::Soap(Box::default());
    }

    /// Takes the client's first command, which says what the connection is for. In direct mode,
    /// and at a switchboard, what another connection left says where it goes.
    fn opening(&mut self, now: Now, command: Command, out: &mut Output) -> Result<(), Fault> {
        let mut cx = Cx::new(now, out, &mut self.context);
        if command.verb() == "VER" {
            let Via::Direct { advertise, .. } = &cx.context.via else {
                self.choose(&command, out);
                return Ok(());
            };
            let advertise = advertise.clone();
            claim_named_by_dispatch(&advertise, &mut cx);
        } else {
            Invitation::claim(&command, &mut cx)?;
        }
        self.phase = Phase::Entering(command);
        Ok(())
    }

    /// Goes on with the client's first command, by what was left for it.
    fn claimed(&mut self, now: Now, result: ClaimResult, out: &mut Output) -> Result<(), Fault> {
        let Phase::Entering(command) = std::mem::replace(&mut self.phase, Phase::Opening) else {
            return Ok(());
        };
        if command.verb() != "VER" {
            return self.enter(now, &command, result, out);
        }
        // The server that a dispatch server named last, or else the configured one.
        if let Via::Direct { upstream, .. } = &self.context.via {
            let named = result.taken().and_then(|handoff| handoff.dial);
            out.emit(Event::Dial(named.unwrap_or_else(|| upstream.clone())));
        }
        self.choose(&command, out);
        Ok(())
    }

    /// Begins a conversation, to which the client was invited or not.
    fn enter(
        &mut self,
        now: Now,
        command: &Command,
        result: ClaimResult,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let mut cx = Cx::new(now, out, &mut self.context);
        let (dial, invitation) = Invitation::claimed(result, &mut cx)?;
        if invitation.is_none() && is_named_in(command, &cx) {
            out.withhold();
            return Err(Fault::client("it calls itself by a foreign name"));
        }
        let held_here = |i: &Invitation| matches!(i.host, Host::Gateway(_));
        match &self.context.via {
            _ if invitation.as_ref().is_some_and(held_here) => out.emit(Event::DetachServer),
            Via::Direct { .. } => {
                let to = dial.ok_or_else(|| Fault::client("no server named this conversation"))?;
                out.emit(Event::Dial(to));
            }
            Via::Proxy { .. } => {}
        }
        if let Some(invitation) = invitation {
            let mut cx = Cx::new(now, out, &mut self.context);
            let switchboard = Switchboard::begin(invitation, command, &mut cx);
            self.phase = Phase::Switchboard(switchboard.into());
        } else {
            self.phase = Phase::Spliced;
            out.forward(Side::Server, command.raw.clone());
            out.emit(Event::Opaque);
        }
        Ok(())
    }
}
