//! Context of the handlers: the two streams, what is read of them, and everything that goes into
//! them once stanzas flow, so that nothing goes uncounted.

use std::sync::Arc;

use bytes::Bytes;
use crosstalk_core::{Event, Fault, Names, Side};

use super::held_frames::HeldFrames;
use super::jid::Naming;
use super::stream_management::counts::Acks;
use super::wire::xml::{Element, Scope, TOO_MUCH, scan};
use super::wire::{Framer, Malformed};

/// Context of the handlers of one stream.
pub(super) type Cx<'a> = crate::common::Cx<'a, &'a mut Link>;

/// The two directions of a client's stream.
pub(super) struct Link {
    /// Names as people of this server write them.
    pub(super) naming: Naming,
    /// Counts of stanzas where XEP-0198 is on; boxed, since many clients do without.
    pub(super) acks: Option<Box<Acks>>,
    pub(super) client: Direction,
    pub(super) server: Direction,
    pub(super) held: HeldFrames,
    /// Nothing is read any more: the streams are spliced.
    pub(super) is_opaque: bool,
}

/// One direction of the stream.
#[derive(Default)]
pub(super) struct Direction {
    pub(super) framer: Framer,
    pub(super) scope: Scope,
}

impl Link {
    pub(super) fn new(names: Arc<Names>) -> Self {
        Self {
            naming: Naming::new(names),
            acks: None,
            client: Direction::default(),
            server: Direction::default(),
            held: HeldFrames::default(),
            is_opaque: false,
        }
    }

    /// Bytes that are held back or wait for an acknowledgement, roughly.
    pub(super) fn weight(&self) -> usize {
        self.held.weight() + self.acks.as_ref().map_or(0, |acks| acks.weight())
    }

    const fn side(&self, side: Side) -> &Direction {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// What `side` says.
    pub(super) fn direction(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn count_up(&mut self, forwarded: bool) -> Result<(), Fault> {
        self.acks.as_mut().map_or(Ok(()), |acks| acks.client_sent(forwarded))
    }

    fn count_down(&mut self) {
        if let Some(acks) = &mut self.acks {
            acks.server_sent();
        }
    }
}

impl Cx<'_> {
    /// Reads a whole stanza of `side` that must be read for the stream to go on.
    pub(super) fn parse(&self, side: Side, raw: &[u8]) -> Result<Element, Fault> {
        self.read(side, raw)?.ok_or_else(|| broken(side, TOO_MUCH))
    }

    /// Reads a whole stanza of `side`, unless it holds more than is interpreted.
    pub(super) fn read(&self, side: Side, raw: &[u8]) -> Result<Option<Element>, Fault> {
        match Element::parse(raw, &self.link.side(side).scope) {
            Ok(element) => Ok(Some(element)),
            Err(TOO_MUCH) => Ok(None),
            Err(malformed) => Err(broken(side, malformed)),
        }
    }

    /// The name and namespace of the only child of a stanza of the client's.
    pub(super) fn only_child(&self, raw: &[u8]) -> Result<Option<(String, String)>, Fault> {
        scan::only_child(raw, &self.link.client.scope).map_err(|e| broken(Side::Client, e))
    }

    /// The name and namespace of a top-level element of the client's.
    pub(super) fn name_of(&self, raw: &[u8]) -> Result<(String, String), Fault> {
        scan::root(raw, &self.link.client.scope).map_err(|e| broken(Side::Client, e))
    }

    /// An element of ours takes the place of one that came from the other side, before stanzas flow.
    pub(super) fn replace(&mut self, to: Side, element: &Element) {
        self.out.withhold();
        self.out.insert(to, element.to_xml());
    }

    /// A stanza of the client, as it came or rewritten, goes to the server.
    pub(super) fn up(&mut self, raw: Bytes) -> Result<(), Fault> {
        self.out.forward(Side::Server, raw);
        self.link.count_up(true)
    }

    /// A stanza of the client goes to the server in other words.
    pub(super) fn up_as(&mut self, stanza: &Element) -> Result<(), Fault> {
        self.replace(Side::Server, stanza);
        self.link.count_up(true)
    }

    /// A stanza of the client is for the gateway alone.
    pub(super) fn keep(&mut self) -> Result<(), Fault> {
        self.out.withhold();
        self.link.count_up(false)
    }

    /// A stanza of the server goes to the client.
    pub(super) fn down(&mut self, raw: Bytes) {
        self.out.forward(Side::Client, raw);
        self.link.count_down();
    }

    /// A stanza of the server goes to the client in other words.
    pub(super) fn down_as(&mut self, stanza: &Element) {
        self.replace(Side::Client, stanza);
        self.link.count_down();
    }

    /// A stanza of ours goes to the client.
    pub(super) fn say(&mut self, stanza: &Element) -> Result<(), Fault> {
        let bytes = stanza.to_xml().into();
        // Counted first: what is not counted must not reach the client.
        let asks = self.link.acks.as_mut().map_or(Ok(false), |acks| acks.we_sent(&bytes))?;
        self.say_counted(bytes, asks);
        Ok(())
    }

    /// A stanza that an earlier session said goes to the client, however many wait there.
    pub(super) fn say_again(&mut self, bytes: Bytes) {
        let asks = self.link.acks.as_mut().is_some_and(|acks| acks.we_sent_again(&bytes));
        self.say_counted(bytes, asks);
    }

    fn say_counted(&mut self, bytes: Bytes, asks: bool) {
        self.out.insert(Side::Client, bytes);
        if let Some(acks) = self.link.acks.as_ref().filter(|_| asks) {
            self.out.insert(Side::Client, Element::new("r", &acks.ns).to_xml());
        }
    }

    /// A question of ours goes to the server.
    pub(super) fn ask(&mut self, stanza: &Element) -> Result<(), Fault> {
        self.link.acks.as_mut().map_or(Ok(()), |acks| acks.we_asked())?;
        self.out.insert(Side::Server, stanza.to_xml());
        Ok(())
    }

    /// A stanza of the server is for the gateway alone.
    pub(super) fn swallow(&mut self) {
        self.out.withhold();
        if let Some(acks) = &mut self.link.acks {
            acks.server_said_to_us();
        }
    }

    /// Stops interpreting, after what is queued.
    pub(super) fn splice(&mut self) {
        if !std::mem::replace(&mut self.link.is_opaque, true) {
            self.emit(Event::Opaque);
        }
    }
}

/// The fault of a side that breaks the rules of the stream.
pub(super) fn broken(side: Side, malformed: Malformed) -> Fault {
    Fault::new(side.blame(), malformed.0)
}
