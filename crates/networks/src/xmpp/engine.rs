//! The state machine of one client stream.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use crosstalk_core::{
    Context, Engine, Event, Fault, Input, Kin, MAX_PENDING, Now, Output, Roster, Side, Via,
};

use super::head::Head;
use super::jid::Naming;
use super::link::Link;
use super::person::{Foreign, Person};
use super::signon::SignOn;
use super::wire::{Frame, Framer, Malformed};
use super::xml::{Element, Scope};

/// How long a client's request for its roster waits for the foreign part, and what it says
/// behind its request for a session waits for that.
const PATIENCE: Duration = Duration::from_secs(2);

/// One direction of the stream.
#[derive(Default)]
struct Lane {
    framer: Framer,
    scope: Scope,
}

/// The engine.
pub(super) struct Jabber {
    pub(super) context: Context,
    pub(super) naming: Naming,
    pub(super) link: Link,
    pub(super) signon: SignOn,
    /// Who is behind the client, once the server bound the session.
    pub(super) person: Option<Box<Person>>,
    client: Lane,
    server: Lane,
    held: Held,
    /// Nothing is read any more: the streams are spliced.
    opaque: bool,
    /// Nothing is passed on any more: another connection will take the session over.
    over: bool,
}

/// What the client sent while the gateway does not know enough to judge it.
#[derive(Default)]
struct Held {
    frames: VecDeque<Frame>,
    bytes: usize,
    until: Option<Instant>,
}

impl Engine for Jabber {
    fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        let result = self.take(now, input, out);
        if result.is_err() && (self.person.is_some() || !self.held.frames.is_empty()) {
            // Spliced, the next stanza for a foreign name would reach the server.
            out.withhold();
        }
        result
    }

    fn deadline(&self) -> Option<Instant> {
        let sweep = self.person.as_ref().and_then(|p| p.sweep_at);
        [self.held.until, sweep].into_iter().flatten().min()
    }
}

impl Jabber {
    pub(super) fn new(context: Context) -> Self {
        let naming = Naming::new(context.names.clone());
        Self {
            context,
            naming,
            link: Link::default(),
            signon: SignOn::default(),
            person: None,
            client: Lane::default(),
            server: Lane::default(),
            held: Held::default(),
            opaque: false,
            over: false,
        }
    }

    fn take(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        match input {
            Input::Start => {
                if let Via::Direct { upstream, .. } = &self.context.via {
                    out.emit(Event::Dial(upstream.clone()));
                }
                Ok(())
            }
            Input::Bytes(side, buf) => self.bytes(now, side, buf, out),
            Input::Encrypted(side, facts) => {
                self.signon.encrypted(side, facts, out);
                Ok(())
            }
            Input::Closed(_) => {
                self.leave_ticket(now, out);
                Ok(())
            }
            Input::Roster(roster) => self.roster_known(now, &roster, out),
            Input::Changed(contact) => self.contact_changed(now, contact, out),
            Input::Deliver(envelope) => self.deliver(now, envelope, out),
            Input::Carbon(envelope) => self.carbon(now, &envelope, out),
            Input::Tick => self.tick(now, out),
            Input::Delivered(_) | Input::Rung | Input::Computed(_) => Ok(()),
        }
    }

    fn tick(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        if self.held.until.is_some_and(|until| until <= now.instant) {
            self.give_up(now, out)?;
        }
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
            let framed = self.lane(side).framer.next(buf);
            let Some(frame) = framed.map_err(|e| broken(side, e))? else { break };
            match side {
                Side::Client if self.held.until.is_some() => self.hold(now, frame, out)?,
                Side::Client => self.client_frame(now, frame, out)?,
                Side::Server => self.server_frame(now, frame, out)?,
            }
        }
        Ok(())
    }

    /// Keeps the client's frames in order behind one that waits.
    fn hold(&mut self, now: Now, frame: Frame, out: &mut Output) -> Result<(), Fault> {
        self.held.bytes += frame.bytes().len();
        self.held.frames.push_back(frame);
        if self.held.bytes > MAX_PENDING { self.give_up(now, out) } else { Ok(()) }
    }

    /// Lets the held frames go on without what they waited for.
    fn give_up(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        if let Some(person) = &mut self.person {
            person.foreign.give_up();
        }
        self.release(now, out)
    }

    /// Lets the held frames go on, until one of them waits again.
    pub(super) fn release(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        for frame in std::mem::take(&mut self.held).frames {
            if self.held.until.is_some() {
                self.hold(now, frame, out)?;
            } else {
                self.client_frame(now, frame, out)?;
            }
        }
        Ok(())
    }

    /// From here on the client's frames wait for something.
    pub(super) fn start_holding(&mut self, now: Now) {
        self.held.until = Some(now.instant + PATIENCE);
    }

    /// Whether the client's request for its roster must wait; if so, it is kept.
    pub(super) fn waits_for_roster(&mut self, now: Now, raw: &Bytes) -> bool {
        let waits = self.person.as_ref().is_some_and(|p| p.foreign == Foreign::Awaited);
        if waits {
            self.held.frames.push_back(Frame::Stanza(raw.clone()));
            self.held.bytes = raw.len();
            self.start_holding(now);
        }
        waits
    }

    fn roster_known(&mut self, now: Now, roster: &Roster, out: &mut Output) -> Result<(), Fault> {
        self.take_roster(now, roster, out)?;
        self.release(now, out)
    }

    fn client_frame(&mut self, now: Now, frame: Frame, out: &mut Output) -> Result<(), Fault> {
        match frame {
            Frame::Stanza(raw) if self.person.is_some() => self.client_stanza(now, raw, out),
            Frame::Stanza(raw) => self.signon_from_client(now, raw, out),
            Frame::Open(raw) => self.opened(Side::Client, raw, out),
            Frame::Close(raw) => {
                self.signon.closed = true;
                out.forward(Side::Server, raw);
                Ok(())
            }
            other => {
                out.forward(Side::Server, other.into_bytes());
                Ok(())
            }
        }
    }

    fn server_frame(&mut self, now: Now, frame: Frame, out: &mut Output) -> Result<(), Fault> {
        match frame {
            Frame::Stanza(raw) if self.person.is_some() => self.server_stanza(now, &raw, out),
            Frame::Stanza(raw) => self.signon_from_server(now, raw, out),
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
        if self.person.is_some() {
            return Err(broken(side, Malformed("a stream header within a session")));
        }
        let open = Element::parse_open(&raw).map_err(|e| broken(side, e))?;
        let scope = Scope::of(&open);
        if scope.stanzas() != super::ns::CLIENT {
            self.splice(out);
        }
        if let (Side::Client, Some(domain)) = (side, open.attr("to")) {
            self.naming.set_domain(domain);
        }
        self.lane(side).scope = scope;
        out.forward(side.other(), raw);
        Ok(())
    }

    /// One stanza of a client whose person is known.
    fn client_stanza(&mut self, now: Now, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let head = Head::of(&raw).map_err(|e| broken(Side::Client, e))?;
        if !head.is_stanza() {
            return self.ack_from_client(&head, &raw, out);
        }
        let kin = head.to.as_deref().map_or(Kin::Own, |to| self.naming.kin(to));
        if kin == Kin::Own && head.name == "message" && !self.naming.may_be_in(&raw) {
            return self.link.up(raw, out);
        }
        if kin == Kin::Own
            && head.name == "iq"
            && matches!(head.kind.as_deref(), Some("result" | "error"))
        {
            return self.answer_from_client(head.id.as_deref(), raw.clone(), out);
        }
        let stanza = self.parse(Side::Client, &raw)?;
        match (stanza.name(), kin) {
            ("message", Kin::Foreign(to)) => self.message_to(&to, &stanza, out),
            ("presence", Kin::Foreign(to)) => self.presence_to(now, &to, &stanza, out),
            ("iq", Kin::Foreign(to)) => self.query_to(&to, &stanza, out),
            (_, Kin::Nowhere) => self.refuse(&stanza, "item-not-found", out),
            ("presence", _) => self.own_presence(now, raw, &stanza, out),
            ("iq", _) => self.own_query(now, raw, &stanza, out),
            _ => self.forward_if_clean(raw, &stanza, out),
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

    /// Reads a whole stanza of `side`.
    pub(super) fn parse(&self, side: Side, raw: &[u8]) -> Result<Element, Fault> {
        let lane = match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        };
        Element::parse(raw, &lane.scope).map_err(|e| broken(side, e))
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

    fn lane(&mut self, side: Side) -> &mut Lane {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

fn broken(side: Side, malformed: Malformed) -> Fault {
    Fault::new(side.blame(), malformed.0)
}
