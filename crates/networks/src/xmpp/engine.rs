//! One connection: the path of frames through it.

use std::time::Instant;

use bytes::{Buf as _, BytesMut};
use crosstalk_core::{Context, Engine, Event, Fault, Input, Now, Output, Side, Via};

use super::account::Account;
use super::context::{Cx, Link, broken};
use super::handoff::Resumable;
use super::sign_on::{Answered, SignOn};
use super::wire::{Frame, Malformed};

/// The engine of one client stream.
pub(super) struct Xmpp {
    context: Context,
    link: Link,
    sign_on: SignOn,
    /// Person behind the client, once the server bound the session.
    account: Option<Box<Account>>,
    /// Nothing is passed on any more: another connection will take the session over.
    is_over: bool,
}

impl Engine for Xmpp {
    fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        let result = self.input(now, input, out);
        // Also where it failed: a session that is left knows what others were told.
        if let (mut cx, _, Some(account)) = self.parts(now, out) {
            account.publish_changes(&mut cx);
        }
        if result.is_err() && self.link.acks.as_ref().is_some_and(|acks| acks.is_full()) {
            // The client gets the rest when it resumes.
            self.leave(now, out);
        }
        let is_ours = out.altered() || self.sign_on.facts.client || self.account.is_some();
        if result.is_err() && (is_ours || !self.link.held.is_empty()) {
            // Spliced, the next stanza for a foreign name would reach the server.
            out.withhold();
        }
        result
    }

    fn takes_texts(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.own.takes_texts)
    }

    fn deadline(&self) -> Option<Instant> {
        let account = self.account.as_ref().and_then(|account| account.deadline());
        [self.link.held.until, account].into_iter().flatten().min()
    }

    fn weight(&self) -> usize {
        let account =
            self.account.as_ref().map_or(0, |account| account.waits() + account.own.weight());
        self.link.weight() + self.sign_on.stage.weight() + account
    }
}

impl Xmpp {
    pub(super) fn new(context: Context) -> Self {
        Self {
            link: Link::new(context.names.clone()),
            context,
            sign_on: SignOn::default(),
            account: None,
            is_over: false,
        }
    }

    /// What handlers work with, the sign-on and the person's account.
    fn parts<'a>(
        &'a mut self,
        now: Now,
        out: &'a mut Output,
    ) -> (Cx<'a>, &'a mut SignOn, Option<&'a mut Account>) {
        let cx = Cx { now, out, context: &mut self.context, link: &mut self.link };
        (cx, &mut self.sign_on, self.account.as_deref_mut())
    }

    fn input(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        let (mut cx, sign_on, account) = self.parts(now, out);
        let cx = &mut cx;
        match (input, account) {
            (Input::Start, _) => {
                if let Via::Direct { upstream, .. } = &cx.context.via {
                    let upstream = upstream.clone();
                    cx.emit(Event::Dial(upstream));
                }
            }
            (Input::Bytes(side, buf), _) => self.bytes(now, side, buf, out)?,
            (Input::Encrypted(..), _) if cx.link.held.holds_words() => {
                // Said in the clear, it would count as said inside TLS.
                return Err(Fault::client("it spoke between STARTTLS and TLS"));
            }
            (Input::Encrypted(side, facts), _) => {
                cx.link.held.clear();
                sign_on.encrypted(side, facts, cx);
            }
            (Input::Closed(_), _) => self.leave(now, out),
            (Input::Claimed(claimed), None) => self.account = sign_on.claimed(claimed, cx)?,
            (Input::Computed(result), _) => sign_on.computed(result, cx)?,
            (Input::Roster(roster), Some(account)) => account.roster(&roster, cx)?,
            (Input::Changed(contact), Some(account)) => account.changed(contact, cx)?,
            (Input::Deliver(envelope), Some(account)) => account.deliver(envelope, cx)?,
            (Input::Presence { of, presence }, Some(account)) => {
                account.presence_of(&of, presence, cx)?;
            }
            (Input::Carbon(envelope), Some(account)) => account.carbon(&envelope, cx)?,
            (Input::Tick, Some(account)) => account.tick(cx)?,
            _ => {}
        }
        // Whatever came may be what held frames waited for.
        self.release(now, out)
    }

    /// The connection is gone: if the session can go on over another one, it is left for that.
    fn leave(&mut self, now: Now, out: &mut Output) {
        let is_resumable = self.link.acks.as_ref().is_some_and(|acks| acks.resumable.is_some());
        if !is_resumable || self.sign_on.closed {
            return;
        }
        if let (Some(account), Some(acks)) = (self.account.take(), self.link.acks.take()) {
            let (mut cx, ..) = self.parts(now, out);
            Resumable { acks, account }.leave(&mut cx);
            self.is_over = true;
        }
    }

    /// Takes the whole frames off the front of `buf`.
    fn bytes(
        &mut self,
        now: Now,
        side: Side,
        buf: &mut BytesMut,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if self.is_over {
            buf.clear();
        }
        while !self.link.is_opaque && !self.sign_on.expects_tls(side) {
            let framed = self.link.direction(side).framer.next(buf);
            let Some(frame) = framed.map_err(|e| broken(side, e))? else { break };
            // Behind a frame that waits all others of its side wait too, since their order means
            // something.
            if self.has_to_wait(side) || (side == Side::Client && !self.link.held.client.is_empty())
            {
                self.hold(now, side, frame, out)?;
            } else {
                self.frame(now, side, frame, out)?;
                self.release(now, out)?;
            }
        }
        if self.sign_on.may_be_padded(side) {
            // Clients of go-xmpp end `<starttls/>` by a line break.
            let words = buf.iter().position(|b| !b.is_ascii_whitespace());
            buf.advance(words.unwrap_or(buf.len()));
        }
        Ok(())
    }

    /// Whether what `side` says next cannot be judged yet, or is none of ours any more.
    fn has_to_wait(&self, side: Side) -> bool {
        let stage = &self.sign_on.stage;
        match side {
            Side::Client => {
                self.link.is_opaque
                    || self.link.held.until.is_some()
                    || self.sign_on.awaits_first_word
                    || stage.awaits_server()
                    || self.sign_on.expects_tls(Side::Client)
            }
            Side::Server => stage.awaits_gateway() || self.sign_on.proxy.is_computing(),
        }
    }

    /// Keeps a frame in order behind others.
    fn hold(&mut self, now: Now, side: Side, frame: Frame, out: &mut Output) -> Result<(), Fault> {
        let (mut cx, _, account) = self.parts(now, out);
        let held = &mut cx.link.held;
        held.queue(side).push(frame);
        if !held.is_too_much(account.is_some()) {
            return Ok(());
        }
        // Past the bound the list is waited for no longer: people miss contacts rather than the
        // connection.
        if let Some(account) = account.filter(|_| held.until.is_some()) {
            account.stop_waiting(&mut cx);
            return self.release(now, out);
        }
        Err(Fault::new(side.blame(), "it says too much before it is answered"))
    }

    /// Lets held frames go on, until they have to wait again.
    fn release(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        // The server's first: its answers are what the client's stanzas wait for.
        for side in [Side::Server, Side::Client] {
            while !self.link.is_opaque
                && !self.has_to_wait(side)
                && let Some(frame) = self.link.held.queue(side).pop()
            {
                self.frame(now, side, frame, out)?;
            }
        }
        for side in [Side::Client, Side::Server] {
            while self.link.is_opaque
                && let Some(frame) = self.link.held.queue(side).pop()
            {
                out.forward(side.other(), frame.into_bytes());
            }
        }
        Ok(())
    }

    fn frame(&mut self, now: Now, side: Side, frame: Frame, out: &mut Output) -> Result<(), Fault> {
        let taken = match side {
            Side::Client => self.client_frame(now, frame, out),
            Side::Server => self.server_frame(now, frame, out),
        };
        if taken.is_err() {
            // Its bytes are gone: what comes behind it is no stream any more.
            out.withhold();
        }
        taken
    }

    fn client_frame(&mut self, now: Now, frame: Frame, out: &mut Output) -> Result<(), Fault> {
        let (mut cx, sign_on, account) = self.parts(now, out);
        match (frame, account) {
            (Frame::Stanza(raw), Some(account)) => account.client_stanza(&raw, &mut cx),
            (Frame::Stanza(raw), None) => sign_on.client_element(raw, &mut cx),
            (Frame::Open(_), Some(_)) => Err(opened_twice(Side::Client)),
            (Frame::Open(raw), None) => sign_on.opened(Side::Client, raw, &mut cx),
            (Frame::Close(raw), _) => {
                sign_on.closed = true;
                out.forward(Side::Server, raw);
                Ok(())
            }
            // Clients of go-xmpp end `<auth/>` and `<response/>` by a line break. A server that
            // gets it with the word forgets it with the stream; alone it may come behind
            // `<success/>`, where nothing may stand before the next header.
            (Frame::Space(_), None) if sign_on.facts.client => {
                out.withhold();
                Ok(())
            }
            (other, _) => {
                out.forward(Side::Server, other.into_bytes());
                Ok(())
            }
        }
    }

    fn server_frame(&mut self, now: Now, frame: Frame, out: &mut Output) -> Result<(), Fault> {
        let (mut cx, sign_on, account) = self.parts(now, out);
        if let Frame::Stanza(_) = frame {
            sign_on.answer = Answered::Wholly;
            sign_on.awaits_first_word = false;
        }
        match (frame, account) {
            (Frame::Stanza(raw), Some(account)) => account.server_stanza(&raw, &mut cx),
            (Frame::Stanza(raw), None) => {
                self.account = sign_on.server_element(raw, &mut cx)?;
                Ok(())
            }
            (Frame::Open(_), Some(_)) => Err(opened_twice(Side::Server)),
            (Frame::Open(raw), None) => sign_on.opened(Side::Server, raw, &mut cx),
            (Frame::Close(raw), _) => {
                sign_on.closed = true;
                out.forward(Side::Client, raw);
                Ok(())
            }
            (other, _) => {
                out.forward(Side::Client, other.into_bytes());
                Ok(())
            }
        }
    }
}

fn opened_twice(side: Side) -> Fault {
    broken(side, Malformed("a stream header within a session"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_on_which_nothing_happens_is_small() {
        assert!(size_of::<Xmpp>() <= 496, "{}", size_of::<Xmpp>());
        assert!(size_of::<Account>() <= 424, "{}", size_of::<Account>());
    }
}
