//! One connection: its phase, and the path of frames through it.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use crosstalk_core::{Context, Engine, Fault, Input, Now, Output, Side, Sniff, Via};

use super::account::Account;
use super::context::{Cx, Lines};
use super::handoff;
use super::service;
use super::sign_on::{Greeting, SignOn};
use super::toc::{FLAPON, TOC_ERROR};
use super::wire::flap::{self, HEADER};
use super::wire::{Channel, Snac};

/// The engine of one OSCAR connection.
pub(super) struct Oscar {
    pub(super) context: Context,
    lines: Lines,
    pub(super) phase: Phase,
    /// The client was greeted in the server's place, whose own greeting is still to come.
    pub(super) greeted: bool,
}

pub(super) enum Phase {
    /// The client's SIGNON is to come.
    Greeting,
    /// It showed a cookie, and the gateway is asked what that is for.
    Claiming(Box<(Greeting, Bytes)>),
    /// No cookie was shown: this connection ends with one.
    SignOn(SignOn),
    /// A cookie was shown for a session.
    Session(Box<Account>),
    /// A service that is asked about people by name.
    Lookups,
    /// A service of no interest.
    Service,
    /// TOC, which the operator lets pass unread.
    Toc,
}

impl Engine for Oscar {
    fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        let result = self.input(now, input, out);
        self.with_session(now, out, Account::tell_presence);
        if result.is_err() && matches!(self.phase, Phase::Session(_) | Phase::Lookups) {
            // Spliced, the next foreign name would reach the server.
            out.withhold();
        }
        result
    }

    fn takes_texts(&self) -> bool {
        matches!(&self.phase, Phase::Session(session) if session.is_settled())
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Session(session) => session.deadline(),
            _ => None,
        }
    }

    fn weight(&self) -> usize {
        match &self.phase {
            Phase::Session(session) => session.weight(),
            // The frame, and the cookie and the client's name in it once more.
            Phase::Claiming(waiting) => 2 * waiting.1.len(),
            _ => 0,
        }
    }
}

impl Oscar {
    pub(super) fn new(context: Context) -> Self {
        Self { context, lines: Lines::default(), phase: Phase::Greeting, greeted: false }
    }

    fn input(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        match input {
            Input::Start => self.start(now, out),
            Input::Bytes(side, buffer) => return self.bytes(now, side, buffer, out),
            Input::Roster(roster) => self.with_session(now, out, |s, cx| s.roster(&roster, cx)),
            Input::Changed(contact) => self.with_session(now, out, |s, cx| s.changed(&contact, cx)),
            Input::Deliver(envelope) => {
                self.with_session(now, out, |s, cx| s.deliver(envelope, cx));
            }
            Input::Presence { of, presence } => {
                self.with_session(now, out, |s, cx| s.presence_in(&of, presence, cx));
            }
            Input::Tick => self.with_session(now, out, Account::tick),
            Input::Claimed(claimed) => self.claimed(now, claimed.taken(), out),
            _ => {}
        }
        self.replay(now, out)
    }

    /// Some clients say nothing before they are greeted.
    fn start(&mut self, now: Now, out: &mut Output) {
        if let Via::Direct { .. } = self.context.via {
            self.greeted = true;
            let version = flap::VERSION.to_be_bytes();
            let _ = self.cx(now, out).insert(Side::Client, Channel::SignOn, &version);
        }
    }

    pub(super) fn cx<'a>(&'a mut self, now: Now, out: &'a mut Output) -> Cx<'a> {
        Cx { now, out, context: &mut self.context, link: &mut self.lines }
    }

    fn with_session(
        &mut self,
        now: Now,
        out: &mut Output,
        act: impl FnOnce(&mut Account, &mut Cx<'_>),
    ) {
        if let Phase::Session(session) = &mut self.phase {
            let mut cx = Cx { now, out, context: &mut self.context, link: &mut self.lines };
            act(session, &mut cx);
        }
    }

    /// Takes the whole frames off the front of `buffer`, forwarding those of no interest in runs.
    fn bytes(
        &mut self,
        now: Now,
        side: Side,
        buffer: &mut BytesMut,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let mut run = 0;
        let result = loop {
            // What is behind the cookie is given again when it is known what that is for.
            if matches!(self.phase, Phase::Claiming(_)) {
                break Ok(());
            }
            let Some(rest) = buffer.get_mut(run..) else { break Ok(()) };
            let (channel, length) = match flap::header(rest) {
                Ok(Some((channel, _, length))) if length <= rest.len() => (channel, length),
                Ok(_) => break Ok(()),
                Err(_) if self.is_line_of_toc(side, rest) => {
                    run += 1;
                    continue;
                }
                Err(_) if self.may_be_toc(side, rest) == Sniff::More => break Ok(()),
                Err(_) if self.may_be_toc(side, rest) == Sniff::Yes => {
                    self.begin_toc(out);
                    run += FLAPON.len();
                    continue;
                }
                Err(e) => {
                    if self.greeted && side == Side::Client && rest.starts_with(FLAPON) {
                        let _ = self.cx(now, out).insert(Side::Client, Channel::Data, TOC_ERROR);
                    }
                    break Err(Fault::new(side.blame(), e.to_string()));
                }
            };
            let frame = &mut rest[..length];
            if !self.wants(now, side, channel, &frame[HEADER..]) {
                self.lines.to(side.other()).pass(frame);
                run += length;
                continue;
            }
            // What came before the frame leaves before it is handled: the handler may insert frames
            // of ours.
            out.forward(side.other(), buffer.split_to(run).freeze());
            run = 0;
            let raw = buffer.split_to(length).freeze();
            if let Err(fault) =
                self.take(now, side, channel, raw, out).and_then(|()| self.replay(now, out))
            {
                break Err(fault);
            }
        };
        out.forward(side.other(), buffer.split_to(run).freeze());
        result
    }

    /// Takes the frames that the session held back and lets go.
    fn replay(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        let Phase::Session(session) = &mut self.phase else { return Ok(()) };
        match session.released() {
            Some(mut frames) => self.bytes(now, Side::Server, &mut frames, out),
            None => Ok(()),
        }
    }

    /// Whether a frame has to be looked at, rather than forwarded with its neighbours.
    fn wants(&mut self, now: Now, side: Side, channel: Channel, body: &[u8]) -> bool {
        if self.greeted && side == Side::Server {
            return true;
        }
        match &mut self.phase {
            Phase::Greeting | Phase::Claiming(_) => side == Side::Client,
            Phase::SignOn(_) => SignOn::wants(side, channel, Snac::peek(body)),
            Phase::Session(session) => session.wants(now, side, channel, body),
            Phase::Lookups => service::wants(side, channel, body),
            Phase::Service | Phase::Toc => false,
        }
    }

    fn take(
        &mut self,
        now: Now,
        side: Side,
        channel: Channel,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if self.greeted && side == Side::Server {
            return self.swallow_greeting(now, channel, out);
        }
        let mut cx = Cx { now, out, context: &mut self.context, link: &mut self.lines };
        match &mut self.phase {
            Phase::Greeting | Phase::Claiming(_) => return self.greeting(now, channel, raw, out),
            Phase::SignOn(sign_on) => sign_on.take(side, channel, raw, &mut cx),
            Phase::Session(session) => {
                session.frame(side, raw, &mut cx)?;
                if let Some(about_people) = session.as_service() {
                    self.become_service(about_people, out);
                }
            }
            Phase::Lookups => service::take(side, raw, &mut cx),
            Phase::Service | Phase::Toc => cx.forward(side.other(), raw),
        }
        Ok(())
    }

    fn swallow_greeting(
        &mut self,
        now: Now,
        channel: Channel,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if channel != Channel::SignOn {
            return Err(Fault::server("a server begins with a SIGNON frame"));
        }
        // Ours stood for it: a second SIGNON frame would be a new beginning to the client.
        self.greeted = false;
        self.cx(now, out).withhold(Side::Client);
        Ok(())
    }

    /// Reads what the client shows, and decides what this connection is for.
    fn greeting(
        &mut self,
        now: Now,
        channel: Channel,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let greeting = Some(raw.slice(HEADER..))
            .filter(|_| channel == Channel::SignOn)
            .and_then(|body| Greeting::parse(&body).ok())
            .ok_or_else(|| Fault::client("a client begins with a SIGNON frame"))?;
        let Some(cookie) = &greeting.cookie else {
            self.begin(now, None, &raw, out);
            self.phase = Phase::SignOn(greeting.begin());
            return Ok(());
        };
        handoff::claim(cookie.expose(), &mut self.cx(now, out));
        self.phase = Phase::Claiming((greeting, raw).into());
        Ok(())
    }
}
