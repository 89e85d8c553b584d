//! A file on its way to the server of files: a packet over HTTP says for whom it is, and the file
//! stands behind it. Clients of before version 15 send it without asking the other.

use bytes::BytesMut;
use crosstalk_core::{Event, Fault, Side};

use super::super::context::Cx;
use super::super::foreign_names::names_foreign;
use super::super::wire::{MAGIC, Packet};
use crate::common::http::{self, Head, Heads};

/// The longest head and packet in front of a file, in bytes.
const MAX_FRONT: usize = 32 * 1024;
/// Bytes of a packet's header, and where its length stands.
const HEADER: usize = 20;
const LENGTH: usize = 8;

/// A connection with a file.
#[derive(Default)]
pub(in crate::ymsg) struct Upload {
    heads: Heads,
    head: Option<Head>,
}

impl Upload {
    /// Passes bytes on; those of the client once it is clear that the file is for own people.
    pub(in crate::ymsg) fn bytes(
        &mut self,
        side: Side,
        bytes: &mut BytesMut,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        if side == Side::Server {
            cx.out.forward(Side::Client, bytes.split().freeze());
            return Ok(());
        }
        let told = self.judge(bytes, cx);
        if told.is_err() {
            // What cannot be read must not go on as a pipe.
            cx.out.withhold();
        }
        if told? {
            cx.out.forward(Side::Server, bytes.split().freeze());
            cx.emit(Event::Opaque);
        }
        Ok(())
    }

    /// Whether what the client sent may go on; not yet where that is not clear.
    fn judge(&mut self, bytes: &BytesMut, cx: &mut Cx<'_>) -> Result<bool, Fault> {
        if self.head.is_none() {
            self.head = self.heads.read(Side::Client, bytes)?;
        }
        let Some(head) = &self.head else { return Ok(false) };
        if head.field("transfer-encoding").is_some() {
            return Err(Fault::client("a file comes in a way that is not read"));
        }
        let body = bytes.get(head.length..).unwrap_or_default();
        let begun = body.len().min(MAGIC.len());
        if body.get(..begun) != MAGIC.get(..begun) {
            return Ok(true);
        }
        let length = body.get(LENGTH..).and_then(|rest| rest.first_chunk::<2>());
        let length = length.map(|length| HEADER + usize::from(u16::from_be_bytes(*length)));
        if length.is_some_and(|length| head.length + length > MAX_FRONT) {
            return Err(Fault::client("too much stands in front of a file"));
        }
        let Some(front) = length.and_then(|length| body.get(..length)) else { return Ok(false) };
        let packet = Packet::take(Side::Client, &mut BytesMut::from(front))?;
        if packet.is_none_or(|packet| !names_foreign(&packet, cx)) {
            return Ok(true);
        }
        let refusal = http::answer(head, "403 Forbidden", "");
        cx.out.insert(Side::Client, refusal);
        Err(Fault::client("it sends a file to somebody on another network"))
    }
}
