//! The context that handlers of YMSG work with.

use crosstalk_core::{Context, NameClass, Side};

use super::wire::charset::Charset;
use super::wire::{Draft, Packet, Style, charset, key};
use crate::common;

/// The context, with how the two sides write headers.
pub(super) type Cx<'a> = common::Cx<'a, &'a mut Line>;

/// Header styles of the two sides.
#[derive(Clone, Copy)]
pub(super) struct Line {
    client: Style,
    server: Style,
    /// Encoding of the client where it writes no UTF-8.
    pub(super) charset: Charset,
}

impl Line {
    pub(super) fn new(context: &Context) -> Self {
        let charset = Charset::chosen(|option| context.option(option));
        Self { client: Style::default(), server: Style::default(), charset }
    }

    /// Learns from a packet. The session is the one that was last named.
    pub(super) const fn learn(&mut self, side: Side, style: Style) {
        let known = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        let session = if style.session == 0 { known.session } else { style.session };
        *known = Style { session, ..style };
    }

    /// The version that the client speaks.
    pub(super) const fn version(&self) -> u16 {
        self.client.version
    }

    /// Adds a text to a packet for the client: in UTF-8, of which the first versions may know
    /// nothing, only where it has to be.
    pub(super) fn write(&self, draft: Draft, key: u32, text: &str) -> Draft {
        let plain = self.charset.write(text).filter(|_| self.version() < 10);
        match plain {
            Some(plain) => draft.with(key, plain).with(key::UTF8, "0"),
            None => draft.with(key, text).with(key::UTF8, "1"),
        }
    }

    /// Whether requests have answers of their own, as since version 13.
    pub(super) const fn has_authorisation(&self) -> bool {
        self.version() >= 13
    }

    /// Whether list and presence are written in the way of version 15.
    pub(super) const fn is_new(&self) -> bool {
        self.version() >= 15
    }
}

impl Cx<'_> {
    /// Shows the client a packet of ours, as its server would send it.
    pub(super) fn show(&mut self, draft: Draft) {
        self.out.insert(Side::Client, draft.finish(self.link.server));
    }

    /// Tells the server a packet of the client's that was changed.
    pub(super) fn pass_on(&mut self, draft: Draft, style: Style) {
        self.out.withhold();
        self.out.insert(Side::Server, draft.finish(style));
    }

    /// Lets the client have a packet as it came.
    pub(super) fn forward(&mut self, packet: &Packet) {
        self.out.forward(Side::Client, packet.raw.clone());
    }

    /// Meaning of a name in a packet.
    pub(super) fn class_of(&self, name: &[u8]) -> NameClass {
        self.classify(charset::read_name(name).trim())
    }
}
