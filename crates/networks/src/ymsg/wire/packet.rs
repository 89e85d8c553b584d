//! Packets: a header of 20 bytes, and pairs of a number and a value.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use crosstalk_core::{Fault, Side};

/// First bytes of every packet.
pub const MAGIC: &[u8] = b"YMSG";
/// Bytes behind every key and every value.
pub const SEPARATOR: &[u8] = b"\xc0\x80";
const HEADER: usize = 20;
/// The most that the length field of a header can say, in bytes.
const MAX_PAYLOAD: usize = 0xffff;

/// One packet as it arrived.
#[derive(Clone, Debug)]
pub struct Packet {
    /// All of it.
    pub raw: Bytes,
    /// Header style of its sender.
    pub style: Style,
    /// Service of the packet: see [`service`](super::service).
    pub service: u16,
    /// A status, or how to take the packet.
    pub status: u32,
}

/// Fields in the headers of one side besides the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The version of the protocol. Some servers write 0.
    pub version: u16,
    /// The vendor.
    pub vendor: u16,
    /// The session.
    pub session: u32,
}

impl Packet {
    /// Takes a whole packet off the front of `buffer`; `None` if it is not all there.
    pub fn take(side: Side, buffer: &mut BytesMut) -> Result<Option<Self>, Fault> {
        let start = buffer.len().min(MAGIC.len());
        if buffer.get(..start) != MAGIC.get(..start) {
            return Err(Fault::new(side.blame(), "a packet does not begin with YMSG"));
        }
        let Some(header) = buffer.first_chunk::<HEADER>() else { return Ok(None) };
        let mut fields = header.get(MAGIC.len()..).unwrap_or_default();
        let (version, vendor) = (fields.get_u16(), fields.get_u16());
        let length = usize::from(fields.get_u16());
        if buffer.len() < HEADER + length {
            return Ok(None);
        }
        let (service, status) = (fields.get_u16(), fields.get_u32());
        let style = Style { version, vendor, session: fields.get_u32() };
        Ok(Some(Self { raw: buffer.split_to(HEADER + length).freeze(), style, service, status }))
    }

    /// The pairs, in order. A key that is no number is `u32::MAX`.
    pub fn pairs(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let mut rest = self.raw.get(HEADER..).unwrap_or_default();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let key = cut(&mut rest);
            let key = std::str::from_utf8(key).ok().and_then(|k| k.trim().parse().ok());
            Some((key.unwrap_or(u32::MAX), cut(&mut rest)))
        })
    }

    /// The first value of `key`.
    pub fn first(&self, key: u32) -> Option<&[u8]> {
        self.pairs().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// Every value of `key`.
    pub fn all(&self, key: u32) -> impl Iterator<Item = &[u8]> {
        self.pairs().filter(move |(k, _)| *k == key).map(|(_, value)| value)
    }

    /// The first value of `key` as a number.
    pub fn number(&self, key: u32) -> Option<u32> {
        std::str::from_utf8(self.first(key)?).ok()?.trim().parse().ok()
    }
}

/// Takes what stands before the next separator.
fn cut<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = memchr::memmem::find(rest, SEPARATOR).unwrap_or(rest.len());
    let (value, after) = rest.split_at(end);
    *rest = after.get(SEPARATOR.len()..).unwrap_or_default();
    value
}

/// A packet in the making.
#[derive(Clone, Debug)]
pub struct Draft {
    service: u16,
    status: u32,
    payload: BytesMut,
}

impl Draft {
    /// A packet without pairs.
    pub fn new(service: u16, status: u32) -> Self {
        Self { service, status, payload: BytesMut::new() }
    }

    /// Adds a pair; one that does not fit into a packet any more is left out.
    #[must_use]
    pub fn with(mut self, key: u32, value: impl AsRef<[u8]>) -> Self {
        let (key, value) = (key.to_string(), value.as_ref());
        let more = key.len() + value.len() + 2 * SEPARATOR.len();
        if self.payload.len() + more <= MAX_PAYLOAD {
            for part in [key.as_bytes(), SEPARATOR, value, SEPARATOR] {
                self.payload.put_slice(part);
            }
        }
        self
    }

    /// The packet, with a header in `style`.
    pub fn finish(self, style: Style) -> Bytes {
        let mut raw = BytesMut::with_capacity(HEADER + self.payload.len());
        raw.put_slice(MAGIC);
        raw.put_u16(style.version);
        raw.put_u16(style.vendor);
        // `with` keeps the payload below the limit.
        raw.put_u16(u16::try_from(self.payload.len()).unwrap_or(u16::MAX));
        raw.put_u16(self.service);
        raw.put_u32(self.status);
        raw.put_u32(style.session);
        raw.put_slice(&self.payload);
        raw.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style { version: 16, vendor: 100, session: 0x1234_5678 };

    fn packet(raw: &[u8]) -> Packet {
        Packet::take(Side::Client, &mut raw.into()).unwrap().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let raw = Draft::new(6, 1).with(5, "bob").with(14, "a\u{c0}b").with(5, "").finish(STYLE);
        let read = packet(&raw);
        assert_eq!((read.service, read.status, read.style), (6, 1, STYLE));
        assert_eq!(read.all(5).collect::<Vec<_>>(), [&b"bob"[..], b""]);
        assert_eq!(read.first(14), Some("a\u{c0}b".as_bytes()));
    }

    #[test]
    fn a_packet_waits_for_its_end_and_leaves_the_rest() {
        let raw = Draft::new(6, 0).with(13, "1").finish(STYLE);
        for end in 0..raw.len() {
            let mut part = BytesMut::from(&raw[..end]);
            assert!(Packet::take(Side::Client, &mut part).unwrap().is_none());
        }
        let mut two = BytesMut::from(&[&raw[..], b"YM"].concat()[..]);
        assert_eq!(Packet::take(Side::Client, &mut two).unwrap().unwrap().number(13), Some(1));
        assert_eq!(&two[..], b"YM");
        assert!(Packet::take(Side::Client, &mut BytesMut::from("YMCA")).is_err());
    }

    #[test]
    fn pairs_that_break_off_are_read_as_far_as_they_go() {
        let whole = Draft::new(6, 0).with(4, "ann").with(5, "bob").finish(STYLE);
        let mut short = whole[..whole.len() - 4].to_vec();
        short[9] -= 4;
        assert_eq!(packet(&short).first(5), Some(&b"b"[..]));
    }

    #[test]
    fn a_draft_never_grows_past_what_a_header_can_say() {
        let long = Draft::new(6, 0).with(14, vec![b'x'; 60_000]).with(14, vec![b'y'; 60_000]);
        assert_eq!(packet(&long.finish(STYLE)).all(14).count(), 1);
    }
}
