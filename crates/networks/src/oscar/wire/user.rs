//! The user info block: how servers describe a person.

use super::fields::{Reader, Truncated, Writer, find};

/// A TLV of the block: the classes of the person, among them [`AWAY`].
pub const CLASSES: u16 = 0x0001;
/// A TLV of the block: sign-on time, in seconds since 1970.
pub const SIGNED_ON: u16 = 0x0003;
/// A TLV of the block: idle time, in minutes.
pub const IDLE: u16 = 0x0004;
/// A TLV of the block: status, in ICQ's bits.
pub const STATUS: u16 = 0x0006;
/// A TLV of the block: icon and status text, as BART ids.
pub const BART: u16 = 0x001d;
/// A TLV of the block: what the person pays for, in bits.
pub const SUBSCRIPTIONS: u16 = 0x001e;
/// The class of one who is away.
pub const AWAY: u16 = 0x0020;

/// One person, as in 01/0f, 02/06, 03/0b and 04/07.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserInfo<'a> {
    /// The screen name, as the server spells it.
    pub name: &'a [u8],
    /// Warning level, in tenths of a per cent.
    pub warning: u16,
    /// The TLVs.
    pub tlvs: &'a [u8],
}

impl<'a> UserInfo<'a> {
    /// Reads a block off the front.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Truncated> {
        let name = reader.short()?;
        let warning = reader.u16()?;
        let count = reader.u16()?;
        let start = reader.rest();
        for _ in 0..count {
            reader.tlv()?;
        }
        let length = start.len() - reader.rest().len();
        Ok(Self { name, warning, tlvs: start.get(..length).ok_or(Truncated)? })
    }

    /// The value of the first TLV of type `kind`.
    pub fn tlv(&self, kind: u16) -> Option<&'a [u8]> {
        find(self.tlvs, kind)
    }

    /// Appends the block to `writer`.
    #[must_use]
    pub fn write(&self, writer: Writer) -> Writer {
        let count = super::tlvs(self.tlvs).count();
        writer.short(self.name).u16(self.warning).count(count).raw(self.tlvs)
    }
}

/// A [`BART`] value that carries a status text; an empty one clears it.
///
/// Without this item in a later arrival a client keeps the text it knew.
pub fn status_text(text: &str) -> Vec<u8> {
    const AVAILABLE: [u8; 3] = [0x00, 0x02, 0x04];
    /// The item's length is one byte, four of which are not text.
    const MOST: usize = 251;
    if text.is_empty() {
        return [&AVAILABLE[..], &[0]].concat();
    }
    let text = &text.as_bytes()[..text.floor_char_boundary(MOST)];
    let length = text.len() as u8;
    [&AVAILABLE[..], &[length + 4, 0, length], text, &[0, 0]].concat()
}

/// The status text in a [`BART`] value: `Some("")` where it is cleared.
pub fn read_status_text(value: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(value);
    loop {
        let (kind, _flags, data) = (reader.u16().ok()?, reader.u8().ok()?, reader.short().ok()?);
        if kind == 2 {
            return Some(Reader::new(data).long().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_of_an_arrival_is_read() {
        let bytes = b"\x05BobTB\0\0\0\x02\0\x01\0\x02\0\x31\0\x04\0\x02\0\x0arest";
        let mut reader = Reader::new(bytes);
        let bob = UserInfo::read(&mut reader).unwrap();
        assert_eq!((bob.name, bob.tlv(IDLE)), (&b"BobTB"[..], Some(&[0, 10][..])));
        assert_eq!(reader.rest(), b"rest");
        assert_eq!(bob.write(Writer::new()).bytes(), bytes[..bytes.len() - 4]);
    }

    #[test]
    fn status_text_is_what_clients_accept() {
        assert_eq!(status_text("tea"), b"\0\x02\x04\x07\0\x03tea\0\0");
        assert_eq!(status_text(""), b"\0\x02\x04\0");
        let long = "é".repeat(200);
        for text in ["tea", "", &long[..250]] {
            assert_eq!(read_status_text(&status_text(text)), Some(text.as_bytes()));
        }
        assert_eq!(read_status_text(b"\0\x01\0\x05\x02\x01\xd2\x04\x72"), None);
    }
}
