//! Big-endian fields, counted strings and TLVs.

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes end before the field that should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a field is cut short")]
pub struct Truncated;

/// Something is longer than the field can say that holds its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it does not fit into its field")]
pub struct TooLong;

/// Reads fields off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Bytes that were not read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Whether everything was read.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Truncated> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Truncated> {
        self.array().map(u8::from_be_bytes)
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, Truncated> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_be_bytes)
    }

    /// Bytes behind their length in one byte: how screen names are written.
    pub fn short(&mut self) -> Result<&'a [u8], Truncated> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// Bytes behind their length in two bytes.
    pub fn long(&mut self) -> Result<&'a [u8], Truncated> {
        let length = self.u16()?;
        self.take(length.into())
    }

    /// One TLV: its type and value.
    pub fn tlv(&mut self) -> Result<(u16, &'a [u8]), Truncated> {
        Ok((self.u16()?, self.long()?))
    }
}

/// Every TLV up to the first that is cut short.
pub fn tlvs(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut reader = Reader::new(bytes);
    std::iter::from_fn(move || reader.tlv().ok())
}

/// The value of the first TLV of type `kind`.
pub fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    tlvs(bytes).find(|(k, _)| *k == kind).map(|(_, value)| value)
}

/// Writes fields. One that does not fit spoils the whole: nothing is cut.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: BytesMut,
    is_spoilt: bool,
}

impl Writer {
    /// Nothing written yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing written yet, with room for so many bytes.
    pub fn with_room(bytes: usize) -> Self {
        Self { bytes: BytesMut::with_capacity(bytes), is_spoilt: false }
    }

    /// One byte.
    #[must_use]
    pub fn u8(mut self, value: u8) -> Self {
        self.bytes.put_u8(value);
        self
    }

    /// Two bytes.
    #[must_use]
    pub fn u16(mut self, value: u16) -> Self {
        self.bytes.put_u16(value);
        self
    }

    /// Four bytes.
    #[must_use]
    pub fn u32(mut self, value: u32) -> Self {
        self.bytes.put_u32(value);
        self
    }

    /// Bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.put_slice(bytes);
        self
    }

    /// A count of what follows.
    #[must_use]
    pub fn count(self, count: usize) -> Self {
        match u16::try_from(count) {
            Ok(count) => self.u16(count),
            Err(_) => self.spoilt(),
        }
    }

    /// A count of what follows in little-endian, as ICQ's old messages have it.
    #[must_use]
    pub fn little_count(self, count: usize) -> Self {
        match u16::try_from(count) {
            Ok(count) => self.u16(count.swap_bytes()),
            Err(_) => self.spoilt(),
        }
    }

    /// Bytes behind their length in one byte.
    #[must_use]
    pub fn short(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        match u8::try_from(bytes.len()) {
            Ok(length) => self.u8(length).raw(bytes),
            Err(_) => self.spoilt(),
        }
    }

    /// Bytes behind their length in two bytes.
    #[must_use]
    pub fn long(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.count(bytes.len()).raw(bytes)
    }

    /// One TLV.
    #[must_use]
    pub fn tlv(self, kind: u16, value: impl AsRef<[u8]>) -> Self {
        self.u16(kind).long(value)
    }

    /// Appends what was written elsewhere, behind its length in little-endian.
    #[must_use]
    pub fn little(self, inner: &Self) -> Self {
        let written = self.little_count(inner.bytes.len()).raw(&inner.bytes);
        if inner.is_spoilt { written.spoilt() } else { written }
    }

    /// One TLV around what was written elsewhere.
    #[must_use]
    pub fn around(self, kind: u16, inner: &Self) -> Self {
        let written = self.tlv(kind, &inner.bytes);
        if inner.is_spoilt { written.spoilt() } else { written }
    }

    const fn spoilt(mut self) -> Self {
        self.is_spoilt = true;
        self
    }

    /// Bytes that were written, if all of it fits.
    pub fn finish(self) -> Result<Bytes, TooLong> {
        if self.is_spoilt { Err(TooLong) } else { Ok(self.bytes.freeze()) }
    }

    /// Bytes that were written; none where not all of it fits.
    #[must_use]
    pub fn bytes(self) -> Bytes {
        self.finish().unwrap_or_default()
    }
}

impl TryFrom<Writer> for Bytes {
    type Error = TooLong;

    fn try_from(written: Writer) -> Result<Self, TooLong> {
        written.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let bytes = Writer::new().u8(1).u16(2).u32(3).short("Bob TB").tlv(0x131, "Bobby").bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.u8(), reader.u16(), reader.u32()), (Ok(1), Ok(2), Ok(3)));
        assert_eq!(reader.short(), Ok(&b"Bob TB"[..]));
        assert_eq!(find(reader.rest(), 0x131), Some(&b"Bobby"[..]));
        assert_eq!(reader.tlv(), Ok((0x131, &b"Bobby"[..])));
        assert!(reader.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_not_cut() {
        let long = |length: usize| vec![7; length];
        assert_eq!(Writer::new().short(long(255)).finish().map(|b| b.len()), Ok(256));
        assert_eq!(Writer::new().short(long(256)).u8(1).finish(), Err(TooLong));
        assert_eq!(Writer::new().tlv(1, long(65_535)).finish().map(|b| b.len()), Ok(65_539));
        assert_eq!(Writer::new().long(long(65_536)).finish(), Err(TooLong));
        assert_eq!(Writer::new().count(65_536).finish(), Err(TooLong));
        let inner = Writer::new().short(long(256));
        assert_eq!(Writer::new().around(5, &inner).finish(), Err(TooLong));
    }

    #[test]
    fn a_cut_field_is_an_error_and_takes_nothing_more() {
        assert_eq!(Reader::new(&[0]).u16(), Err(Truncated));
        assert_eq!(Reader::new(&[5, 1, 2]).short(), Err(Truncated));
        assert_eq!(tlvs(&[0, 1, 0, 1, 7, 0, 2, 0, 9, 1]).collect::<Vec<_>>(), [(1, &[7u8][..])]);
    }
}
