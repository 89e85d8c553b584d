//! One YMSG packet, as strictly read as the strictest client reads it.

use bytes::{Buf, BytesMut};

/// Of the header, in bytes.
const HEADER: usize = 20;
/// End of a key or a value.
const SEPARATOR: &[u8] = b"\xc0\x80";
/// The status of what a client asks for a message to be sent, or stored.
pub(super) const SEND: u32 = 0x5a55_aa56;

/// A packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) version: u16,
    pub(super) service: u16,
    pub(super) status: u32,
    pub(super) session: u32,
    pub(super) pairs: Vec<(u32, Vec<u8>)>,
}

/// Bytes that are no packet.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotYmsg {
    #[error("a packet does not begin with YMSG")]
    Magic,
    #[error("a packet is not pairs of a number and a value, each ended by C0 80")]
    Pairs,
}

impl Packet {
    pub(super) fn new(service: u16, status: u32) -> Self {
        Self { service, status, ..Self::default() }
    }

    /// With one more pair.
    pub(super) fn with(mut self, key: u32, value: impl Into<Vec<u8>>) -> Self {
        self.pairs.push((key, value.into()));
        self
    }

    /// Takes a whole packet off the front of `buffer`; `None` if it is not all there.
    pub(super) fn take(buffer: &mut BytesMut) -> Result<Option<Self>, NotYmsg> {
        let magic = buffer.len().min(4);
        if buffer[..magic] != b"YMSG"[..magic] {
            return Err(NotYmsg::Magic);
        }
        let length = buffer.get(8..10).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]])));
        let Some(whole) = length.map(|length| HEADER + length).filter(|w| *w <= buffer.len())
        else {
            return Ok(None);
        };
        let mut raw = buffer.split_to(whole);
        raw.advance(4);
        let version = raw.get_u16();
        raw.advance(4);
        let (service, status, session) = (raw.get_u16(), raw.get_u32(), raw.get_u32());
        Ok(Some(Self { version, service, status, session, pairs: pairs(&raw)? }))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (key, value) in &self.pairs {
            body.extend([key.to_string().as_bytes(), SEPARATOR, value, SEPARATOR].concat());
        }
        let length = u16::try_from(body.len()).expect("the mock's packets are short");
        let mut raw = b"YMSG".to_vec();
        for field in [self.version, 0, length, self.service] {
            raw.extend(field.to_be_bytes());
        }
        raw.extend(self.status.to_be_bytes());
        raw.extend(self.session.to_be_bytes());
        raw.extend(body);
        raw
    }

    /// The first value under `key`; empty where there is none.
    pub(super) fn text(&self, key: u32) -> String {
        self.texts(key).next().unwrap_or_default()
    }

    /// Every value under `key`.
    pub(super) fn texts(&self, key: u32) -> impl Iterator<Item = String> {
        self.pairs.iter().filter(move |(k, _)| *k == key).map(|(_, value)| read(value))
    }
}

/// UTF-8, or the Latin-1 of old clients.
pub(super) fn read(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().copied().map(char::from).collect(),
    }
}

fn pairs(body: &[u8]) -> Result<Vec<(u32, Vec<u8>)>, NotYmsg> {
    let mut fields = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let end = rest.windows(2).position(|w| w == SEPARATOR).ok_or(NotYmsg::Pairs)?;
        fields.push(&rest[..end]);
        rest = &rest[end + SEPARATOR.len()..];
    }
    let pair = |pair: &[&[u8]]| match pair {
        [key, value] => {
            let key = std::str::from_utf8(key).ok()?.parse().ok()?;
            Some((key, value.to_vec()))
        }
        _ => None,
    };
    fields.chunks(2).map(|p| pair(p).ok_or(NotYmsg::Pairs)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client's 0xC6 in a capture of libpurple.
    const STATUS: &[u8] =
        b"YMSG\0\x0a\0\0\0\x0d\0\xc6\0\0\0\0\0\0\0\x0010\xc0\x800\xc0\x8019\xc0\x80\xc0\x80";

    #[test]
    fn what_was_read_is_written_again() {
        let mut buffer = BytesMut::from(&[STATUS, &STATUS[..22]].concat()[..]);
        let packet = Packet::take(&mut buffer).unwrap().unwrap();
        assert_eq!((packet.version, packet.service, packet.text(10).as_str()), (10, 0xc6, "0"));
        assert_eq!(packet.encode(), STATUS);
        assert_eq!(Packet::take(&mut buffer), Ok(None), "the next one is not all there");
    }

    #[test]
    fn what_a_client_would_drop_is_an_error() {
        for body in [&b"10\xc0\x800"[..], b"10\xc0\x80", b"x\xc0\x800\xc0\x80", b"10\xc0\x80\xc0"] {
            let mut raw = STATUS[..20].to_vec();
            raw[9] = body.len() as u8;
            raw.extend(body);
            assert_eq!(Packet::take(&mut BytesMut::from(&raw[..])), Err(NotYmsg::Pairs));
        }
        assert_eq!(Packet::take(&mut BytesMut::from(&b"GET "[..])), Err(NotYmsg::Magic));
    }
}
