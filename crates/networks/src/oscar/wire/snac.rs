//! SNACs, the messages of FLAP channel 2.

use bytes::Bytes;

use super::fields::{Reader, Truncated, Writer};

/// A flag: more packets of this answer follow.
pub const MORE: u16 = 0x0001;
/// A flag: a counted block of TLVs stands before the body.
pub const PREFIXED: u16 = 0x8000;

/// The request id of what a server says on its own.
pub const PUSHED: u32 = 0x8000_0000;

/// Family and subtype of a message, such as those of [`super::kinds`].
pub type Kind = (u16, u16);

/// One message: what its body means is said by its family and subtype.
#[derive(Clone, PartialEq, Eq)]
pub struct Snac {
    /// The service, such as 0004 for messages.
    pub family: u16,
    /// The message within the family.
    pub subtype: u16,
    /// [`MORE`], [`PREFIXED`] and others.
    pub flags: u16,
    /// Joins answers to requests.
    pub request: u32,
    /// Bytes after the header, a [`PREFIXED`] block included.
    pub body: Bytes,
}

impl Snac {
    /// Bytes before the body.
    pub const HEADER: usize = 10;

    /// A message without flags.
    pub fn new(family: u16, subtype: u16, request: u32, body: impl Into<Bytes>) -> Self {
        Self { family, subtype, flags: 0, request, body: body.into() }
    }

    /// A message of this kind without flags.
    pub fn of((family, subtype): Kind, request: u32, body: impl Into<Bytes>) -> Self {
        Self::new(family, subtype, request, body)
    }

    /// The message in the body of a frame.
    pub fn parse(frame_body: &Bytes) -> Result<Self, Truncated> {
        let mut reader = Reader::new(frame_body);
        Ok(Self {
            family: reader.u16()?,
            subtype: reader.u16()?,
            flags: reader.u16()?,
            request: reader.u32()?,
            body: frame_body.slice_ref(reader.rest()),
        })
    }

    /// Family and subtype of the message in a frame's body; zeros where it is too short.
    pub fn peek(frame_body: &[u8]) -> Kind {
        let mut reader = Reader::new(frame_body);
        let mut field = || reader.u16().unwrap_or_default();
        (field(), field())
    }

    /// Family and subtype, to be matched together.
    pub const fn kind(&self) -> Kind {
        (self.family, self.subtype)
    }

    /// The body behind a [`PREFIXED`] block.
    pub fn content(&self) -> Result<&[u8], Truncated> {
        let mut reader = Reader::new(&self.body);
        if self.flags & PREFIXED != 0 {
            reader.long()?;
        }
        Ok(reader.rest())
    }

    /// The bytes of a frame's body.
    pub fn encode(&self) -> Bytes {
        Writer::new()
            .u16(self.family)
            .u16(self.subtype)
            .u16(self.flags)
            .u32(self.request)
            .raw(&self.body)
            .bytes()
    }
}

/// Never the body: it may hold a message or a password.
impl std::fmt::Debug for Snac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SNAC {:02x}/{:02x} of {} bytes", self.family, self.subtype, self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_encoding() {
        let ack = Snac { flags: MORE, ..Snac::new(0x13, 0x0e, 0x29, &[0, 0][..]) };
        let bytes = ack.encode();
        assert_eq!(bytes[..], *b"\0\x13\0\x0e\0\x01\0\0\0\x29\0\0");
        assert_eq!(Snac::parse(&bytes), Ok(ack));
        assert_eq!(Snac::parse(&bytes.slice(..9)), Err(Truncated));
    }

    #[test]
    fn a_prefix_is_not_content() {
        let body = &b"\0\x02abrest"[..];
        let snac = Snac { flags: PREFIXED, ..Snac::new(1, 0x0f, 0, body) };
        assert_eq!(snac.content(), Ok(&b"rest"[..]));
    }
}
