//! The state machine of one client stream.

use std::time::Instant;

use bytes::{Buf as _, Bytes, BytesMut};
use crosstalk_core::{
    Engine, Event, Fault, Input, MAX_TEXT, NameClass, Now, Output, Roster, Side, Via,
};

use super::Jabber;
use super::direction::broken;
use super::held_frames::HeldFrames;
use super::sign_on::Answered;
use super::wire::head::Head;
use super::wire::xml::{Element, Scope};
use super::wire::{Frame, Malformed};

/// The longest stanza for a foreign person, in bytes: the longest text that there is, plain and
/// formatted, with room for markup.
const MAX_FOREIGN: usize = 8 * MAX_TEXT;

impl Engine for Jabber {
    fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        let result = self.take(now, input, out);
        if result.is_err() && self.link.acks.as_ref().is_some_and(|acks| acks.is_full()) {
            // The client gets the rest when it resumes.
            self.leave(now, out);
        }
        if result.is_err() && (self.is_ours(out) || !self.held.is_empty()) {
            // Spliced, the next stanza for a foreign name would reach the server.
            out.withhold();
        }
        result
    }

    fn takes_texts(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.own.takes_texts)
    }

    fn deadline(&self) -> Option<Instant> {
        let sweep = self.account.as_ref().and_then(|p| p.sweep_at);
        let privacy = self.account.as_ref().and_then(|p| p.privacy.deadline());
        [self.held.until, sweep, privacy].into_iter().flatten().min()
    }

    fn weight(&self) -> usize {
        let stage = self.signon.stage.weight();
        let account = self.account.as_ref().map_or(0, |account| account.waits());
        self.held.weight() + self.link.weight() + stage + account
    }
}

impl Jabber {
    fn take(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        match input {
            Input::Start => {
                if let Via::Direct { upstream, .. } = &self.context.via {
                    out.emit(Event::Dial(upstream.clone()));
                }
            }
            Input::Bytes(side, buf) => self.bytes(now, side, buf, out)?,
            Input::Encrypted(..) if self.held.holds_words() => {
                // Said in the clear, it would count as said inside TLS.
                return Err(Fault::client("it spoke between STARTTLS and TLS"));
            }
            Input::Encrypted(side, facts) => {
                self.held = HeldFrames { until: self.held.until, ..HeldFrames::default() };
                self.signon.encrypted(side, facts, out);
            }
            Input::Closed(_) => self.leave(now, out),
            Input::Roster(roster) => self.roster_known(now, &roster, out)?,
            Input::Changed(contact) => {
                self.contact_changed(now, contact, out)?;
                self.ask_privacy(now, out)?;
                self.publish(out);
            }
            Input::Deliver(envelope) => self.deliver(now, envelope, out)?,
            Input::Carbon(envelope) => self.carbon(now, &envelope, out)?,
            Input::Tick => self.tick(now, out)?,
            Input::Computed(result) => self.computed(result, out)?,
            Input::Claimed(claimed) => self.claimed(now, claimed, out)?,
            Input::Delivered(_) | Input::Told(_) | Input::Heard(..) | Input::Left(_) => {}
        }
        self.release(now, out)
    }

    fn tick(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        if self.held.until.is_some_and(|until| until <= now.instant) {
            self.stop_waiting();
        }
        if let Some(account) = &mut self.account {
            account.privacy.tick(now.instant);
        }
        self.publish(out);
        self.sweep(now, out)
    }

    fn bytes(
        &mut self,
        now: Now,
        side: Side,
        buf: &mut BytesMut,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if self.over {
            buf.clear();
        }
        while !self.opaque && !self.signon.expects_tls(side) {
            let framed = self.direction(side).framer.next(buf);
            let Some(frame) = framed.map_err(|e| broken(side, e))? else { break };
            // Behind a frame that waits all others of its side wait too, since their order means
            // something.
            if self.waits(side) {
                self.hold(now, side, frame, out)?;
            } else {
                self.frame(now, side, frame, out)?;
                self.release(now, out)?;
            }
        }
        if self.signon.may_be_padded(side) {
            // Clients of go-xmpp end `<starttls/>` by a line break.
            let words = buf.iter().position(|b| !b.is_ascii_whitespace());
            buf.advance(words.unwrap_or(buf.len()));
        }
        Ok(())
    }

    fn roster_known(&mut self, now: Now, roster: &Roster, out: &mut Output) -> Result<(), Fault> {
        self.take_roster(now, roster, out)?;
        self.held.until = None;
        self.ask_privacy(now, out)?;
        self.publish(out);
        Ok(())
    }

    pub(super) fn frame(
        &mut self,
        now: Now,
        side: Side,
        frame: Frame,
        out: &mut Output,
    ) -> Result<(), Fault> {
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
        match frame {
            Frame::Stanza(raw) if self.account.is_some() => self.client_stanza(now, &raw, out),
            Frame::Stanza(raw) => self.signon_from_client(raw, out),
            Frame::Open(raw) => self.opened(Side::Client, raw, out),
            Frame::Close(raw) => {
                self.signon.closed = true;
                out.forward(Side::Server, raw);
                Ok(())
            }
            // Clients of go-xmpp end `<auth/>` and `<response/>` by a line break. A server that
            // gets it with the word forgets it with the stream; alone it may come behind
            // `<success/>`, where nothing may stand before the next header.
            Frame::Space(_) if self.signon.facts.client && self.account.is_none() => {
                out.withhold();
                Ok(())
            }
            other => {
                out.forward(Side::Server, other.into_bytes());
                Ok(())
            }
        }
    }

    fn server_frame(&mut self, now: Now, frame: Frame, out: &mut Output) -> Result<(), Fault> {
        if let Frame::Stanza(_) = frame {
            self.signon.answer = Answered::Wholly;
            self.signon.awaits_first_word = false;
        }
        match frame {
            Frame::Stanza(raw) if self.account.is_some() => self.server_stanza(now, &raw, out),
            Frame::Stanza(raw) => self.signon_from_server(raw, out),
            Frame::Open(raw) => self.opened(Side::Server, raw, out),
            Frame::Close(raw) => {
                self.signon.closed = true;
                out.forward(Side::Client, raw);
                Ok(())
            }
            other => {
                out.forward(Side::Client, other.into_bytes());
                Ok(())
            }
        }
    }

    /// A stream header: what it declares holds for what follows. Streams that are not a client's
    /// are none of our business.
    fn opened(&mut self, side: Side, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        if self.account.is_some() {
            return Err(broken(side, Malformed("a stream header within a session")));
        }
        let open = Element::parse_open(&raw).map_err(|e| broken(side, e))?;
        let scope = Scope::of(&open);
        match side {
            Side::Client => {
                self.signon.answer = Answered::Not;
                if let Some(domain) = open.attr("to") {
                    self.naming.set_domain(domain);
                }
            }
            Side::Server => self.signon.answer = Answered::ByHeader,
        }
        if scope.stanzas() != super::wire::ns::CLIENT {
            const NO_CLIENT: &str = "the stream is not a client's";
            match side {
                _ if !self.is_ours(out) => self.splice(out),
                Side::Client => return self.end_stream("invalid-namespace", NO_CLIENT, out),
                Side::Server => return Err(Fault::server(NO_CLIENT)),
            }
        }
        self.direction(side).scope = scope;
        out.forward(side.other(), raw);
        Ok(())
    }

    /// One stanza of a client whose person is known.
    fn client_stanza(&mut self, now: Now, raw: &Bytes, out: &mut Output) -> Result<(), Fault> {
        let head = Head::of(raw).map_err(|e| broken(Side::Client, e))?;
        if !head.is_stanza() {
            return self.ack_from_client(&head, raw, out);
        }
        if let Some(account) = &mut self.account {
            account.repeats.count();
        }
        let class = head.to.as_deref().map_or(NameClass::Own, |to| self.naming.class_of(to));
        let to = match class {
            NameClass::Foreign(to) => to,
            NameClass::Nowhere => return self.refuse(&head, "item-not-found", out),
            NameClass::Own => return self.own_stanza(now, raw.clone(), &head, out),
        };
        // Larger than anything that could arrive at somebody: not worth reading.
        let read = (raw.len() <= MAX_FOREIGN).then(|| self.read(Side::Client, raw));
        let Some(stanza) = read.transpose()?.flatten() else {
            return self.refuse(&head, "policy-violation", out);
        };
        match head.name {
            "message" => self.message_to(&to, &stanza, out),
            "presence" => self.presence_to(now, &to, &stanza, out),
            _ => self.query_to(&to, &stanza, out),
        }
    }

    /// A stanza for the client's own server or somebody there.
    fn own_stanza(
        &mut self,
        now: Now,
        raw: Bytes,
        head: &Head<'_>,
        out: &mut Output,
    ) -> Result<(), Fault> {
        match (head.name, head.kind.as_deref()) {
            ("presence", _) => self.own_presence(now, raw, head, out),
            ("iq", Some("result" | "error")) => self.answer_from_client(head, raw, out),
            ("iq", _) => self.own_query(now, raw, head, out),
            _ => self.forward_if_clean(raw, head, out),
        }
    }

    /// One stanza of the server for a person who is known.
    fn server_stanza(&mut self, now: Now, raw: &Bytes, out: &mut Output) -> Result<(), Fault> {
        let head = Head::of(raw).map_err(|e| broken(Side::Server, e))?;
        match head.name {
            "iq" => self.query_from_server(now, &head, raw.clone(), out),
            "message" | "presence" => {
                self.link.down(raw.clone(), out);
                Ok(())
            }
            _ => self.ack_from_server(&head, raw, out),
        }
    }

    /// Stops interpreting, after what is queued.
    pub(super) fn splice(&mut self, out: &mut Output) {
        if !self.opaque {
            self.opaque = true;
            out.emit(Event::Opaque);
        }
    }

    /// Passes nothing on any more.
    pub(super) const fn stop(&mut self) {
        self.over = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_on_which_nothing_happens_is_small() {
        assert!(size_of::<Jabber>() <= 496, "{}", size_of::<Jabber>());
        assert!(
            size_of::<super::super::Account>() <= 416,
            "{}",
            size_of::<super::super::Account>()
        );
    }
}
