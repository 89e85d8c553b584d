//! The two directions of a connection, and the numbers of the frames in them.

use bytes::{Bytes, BytesMut};
use crosstalk_core::Side;

use super::wire::flap::{self, HEADER};
use super::wire::kinds::ERROR;
use super::wire::snac::{Kind, PUSHED};
use super::wire::{Channel, Snac, TooLong, Writer, code};

/// The numbering of the frames that go to one side.
///
/// They keep their sender's numbers until one is withheld or inserted; from then on they are
/// numbered here, since official clients check.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The number of the last frame that was let through or inserted.
    last: u16,
    /// The number its sender gave to the last frame.
    last_seen: u16,
    /// Numbers are no longer the sender's.
    shifted: bool,
    /// The sender returns to 0 after 7fff, as some servers do.
    fifteen_bits: bool,
}

impl Line {
    /// Lets a frame through, renumbering it where numbers have shifted.
    pub(super) fn pass(&mut self, frame: &mut [u8]) {
        let Some([high, low]) = frame.get_mut(2..4).and_then(|n| n.first_chunk_mut()) else {
            return;
        };
        let seen = u16::from_be_bytes([*high, *low]);
        self.fifteen_bits |= self.last_seen == 0x7fff && seen == 0;
        self.last_seen = seen;
        self.last = if self.shifted { self.following() } else { seen };
        [*high, *low] = self.last.to_be_bytes();
    }

    /// The number for a frame of ours.
    fn insert(&mut self) -> u16 {
        self.shifted = true;
        self.last = self.following();
        self.last
    }

    fn following(&self) -> u16 {
        if self.fifteen_bits && self.last >= 0x7fff { 0 } else { self.last.wrapping_add(1) }
    }
}

/// Both directions of one connection.
#[derive(Debug, Default)]
pub(super) struct Lines {
    to_client: Line,
    to_server: Line,
}

impl Lines {
    /// The line that leads to `side`.
    pub(super) const fn to(&mut self, side: Side) -> &mut Line {
        match side {
            Side::Client => &mut self.to_client,
            Side::Server => &mut self.to_server,
        }
    }
}

/// Context of a handler of OSCAR.
pub(super) type Cx<'a> = crate::common::Cx<'a, &'a mut Lines>;

impl Cx<'_> {
    /// Passes on one frame as it arrived, but for its number where that has shifted.
    pub(super) fn forward(&mut self, to: Side, raw: Bytes) {
        let line = self.link.to(to);
        // The number is written into a copy of the header alone: the body, which may be large, is shared.
        let mut header = BytesMut::from(raw.get(..HEADER).unwrap_or_default());
        line.pass(&mut header);
        if line.shifted {
            self.out.forward(to, header.freeze());
            self.out.forward(to, raw.slice(HEADER.min(raw.len())..));
        } else {
            self.out.forward(to, raw);
        }
    }

    /// Keeps back a frame that was on its way to `to`.
    pub(super) fn withhold(&mut self, to: Side) {
        // Clients that check numbers would see the gap.
        self.link.to(to).shifted = true;
        self.out.withhold();
    }

    /// Puts a frame of ours into the stream to `to`.
    pub(super) fn insert(
        &mut self,
        to: Side,
        channel: Channel,
        body: &[u8],
    ) -> Result<(), TooLong> {
        if body.len() > usize::from(u16::MAX) {
            return Err(TooLong);
        }
        let number = self.link.to(to).insert();
        self.out.insert(to, flap::encode(channel, number, body)?);
        Ok(())
    }

    /// Puts a SNAC of ours into the stream to `to`.
    pub(super) fn snac(&mut self, to: Side, snac: &Snac) -> Result<(), TooLong> {
        self.insert(to, Channel::Data, &snac.encode())
    }

    /// Tells the client something, in answer to `request`. In place of what does not fit it is told
    /// that, if it asked.
    pub(super) fn answer(&mut self, kind: Kind, request: u32, body: impl TryInto<Bytes>) {
        let body = body.try_into().map_err(|_| TooLong);
        let said =
            body.and_then(|body: Bytes| self.snac(Side::Client, &Snac::of(kind, request, body)));
        // What nobody asked for has no request, or one of the server's.
        if said.is_err() && (1..PUSHED).contains(&request) {
            let body = code::TOO_BIG.to_be_bytes().to_vec();
            let _ = self.snac(Side::Client, &Snac::of((kind.0, ERROR), request, body));
        }
    }

    /// Answers a request of a family with an error.
    pub(super) fn refuse(&mut self, family: u16, request: u32, code: u16) {
        self.answer((family, ERROR), request, Writer::new().u16(code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(line: &mut Line, number: u16) -> u16 {
        let mut frame = flap::encode(Channel::KeepAlive, number, &[]).unwrap().to_vec();
        line.pass(&mut frame);
        u16::from_be_bytes([frame[2], frame[3]])
    }

    #[test]
    fn numbers_are_the_senders_until_something_is_inserted() {
        let mut line = Line::default();
        assert_eq!([5, 9, 2].map(|n| numbered(&mut line, n)), [5, 9, 2]);
        assert_eq!(line.insert(), 3);
        assert_eq!([3, 4].map(|n| numbered(&mut line, n)), [4, 5]);
    }

    #[test]
    fn numbers_close_the_gap_of_what_is_withheld() {
        let mut line = Line::default();
        assert_eq!(numbered(&mut line, 0xfffe), 0xfffe);
        line.shifted = true;
        assert_eq!([1, 2].map(|n| numbered(&mut line, n)), [0xffff, 0]);
    }

    #[test]
    fn a_sender_of_fifteen_bits_is_followed() {
        let mut line = Line::default();
        assert_eq!([0x7fff, 0].map(|n| numbered(&mut line, n)), [0x7fff, 0]);
        line.last = 0x7ffe;
        assert_eq!((line.insert(), line.insert()), (0x7fff, 0));
    }
}
