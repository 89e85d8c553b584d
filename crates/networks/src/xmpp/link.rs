//! Everything that goes into the two streams once stanzas flow, so that nothing goes uncounted.

use bytes::Bytes;
use crosstalk_core::{Fault, Output, Side};

use super::stream_management::Acks;
use super::wire::xml::Element;

/// The two streams and, where XEP-0198 is on, their counts; boxed, since many clients do without.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) acks: Option<Box<Acks>>,
}

impl Link {
    /// Bytes that wait for an acknowledgement, roughly.
    pub(super) fn weight(&self) -> usize {
        self.acks.as_ref().map_or(0, |acks| acks.weight())
    }

    /// A stanza of the client, as it came or rewritten, goes to the server.
    pub(super) fn up(&mut self, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        out.forward(Side::Server, raw);
        self.count_up(true)
    }

    /// A stanza of the client goes to the server in other words.
    pub(super) fn up_as(&mut self, stanza: &Element, out: &mut Output) -> Result<(), Fault> {
        out.withhold();
        out.insert(Side::Server, stanza.to_xml());
        self.count_up(true)
    }

    /// A stanza of the client is for the gateway alone.
    pub(super) fn keep(&mut self, out: &mut Output) -> Result<(), Fault> {
        out.withhold();
        self.count_up(false)
    }

    /// A stanza of the server goes to the client.
    pub(super) fn down(&mut self, raw: Bytes, out: &mut Output) {
        out.forward(Side::Client, raw);
        self.count_down();
    }

    /// A stanza of the server goes to the client in other words.
    pub(super) fn down_as(&mut self, stanza: &Element, out: &mut Output) {
        out.withhold();
        out.insert(Side::Client, stanza.to_xml());
        self.count_down();
    }

    /// A stanza of ours goes to the client.
    pub(super) fn say(&mut self, stanza: &Element, out: &mut Output) -> Result<(), Fault> {
        self.say_again(&stanza.to_xml().into(), out)
    }

    /// The same, written before.
    pub(super) fn say_again(&mut self, bytes: &Bytes, out: &mut Output) -> Result<(), Fault> {
        // Counted first: what is not counted must not reach the client.
        let asks = self.acks.as_mut().map_or(Ok(false), |acks| acks.we_sent(bytes))?;
        out.insert(Side::Client, bytes.clone());
        if let Some(acks) = self.acks.as_ref().filter(|_| asks) {
            out.insert(Side::Client, Element::new("r", &acks.ns).to_xml());
        }
        Ok(())
    }

    /// A question of ours goes to the server.
    pub(super) fn ask(&mut self, stanza: &Element, out: &mut Output) -> Result<(), Fault> {
        self.acks.as_mut().map_or(Ok(()), |acks| acks.we_asked())?;
        out.insert(Side::Server, stanza.to_xml());
        Ok(())
    }

    /// A stanza of the server is for the gateway alone.
    pub(super) fn swallow(&mut self, out: &mut Output) {
        out.withhold();
        if let Some(acks) = &mut self.acks {
            acks.server_said_to_us();
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
