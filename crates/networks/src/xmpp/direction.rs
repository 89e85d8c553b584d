//! The two directions of a stream, and how stanzas of each are read.

use crosstalk_core::{Fault, Side};

use super::Jabber;
use super::sign_on::refused_features::StreamElement;
use super::wire::xml::{Element, Scope, TOO_MUCH, scan};
use super::wire::{Framer, Malformed};

/// One direction of the stream.
#[derive(Default)]
pub(super) struct Direction {
    pub(super) framer: Framer,
    pub(super) scope: Scope,
}

impl Jabber {
    /// Reads a whole stanza of `side` that must be read for the stream to go on.
    pub(super) fn parse(&self, side: Side, raw: &[u8]) -> Result<Element, Fault> {
        self.read(side, raw)?.ok_or_else(|| broken(side, TOO_MUCH))
    }

    /// Reads a whole stanza of `side`, unless it holds more than is interpreted.
    pub(super) fn read(&self, side: Side, raw: &[u8]) -> Result<Option<Element>, Fault> {
        match Element::parse(raw, &self.side(side).scope) {
            Ok(element) => Ok(Some(element)),
            Err(TOO_MUCH) => Ok(None),
            Err(malformed) => Err(broken(side, malformed)),
        }
    }

    /// The name and namespace of the only child of a stanza of the client's.
    pub(super) fn only_child(&self, raw: &[u8]) -> Result<Option<(String, String)>, Fault> {
        scan::only_child(raw, &self.client.scope).map_err(|e| broken(Side::Client, e))
    }

    /// The name and namespace of a top-level element of the client's.
    pub(super) fn name_of(&self, raw: &[u8]) -> Result<(String, String), Fault> {
        scan::root(raw, &self.client.scope).map_err(|e| broken(Side::Client, e))
    }

    /// Kind of a top-level element of the client's.
    pub(super) fn word(&self, raw: &[u8]) -> Result<StreamElement, Fault> {
        self.name_of(raw).map(|(name, ns)| StreamElement::of(&name, &ns))
    }

    const fn side(&self, side: Side) -> &Direction {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    pub(super) fn direction(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

/// The fault of a side that breaks the rules of the stream.
pub(super) fn broken(side: Side, malformed: Malformed) -> Fault {
    Fault::new(side.blame(), malformed.0)
}
