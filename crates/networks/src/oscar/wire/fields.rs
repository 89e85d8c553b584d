//! Big-endian fields, counted strings and TLVs.

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes end before the field that should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a field is cut short")]
pub struct Truncated;

/// Reads fields off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads `bytes` from their beginning.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What was not read yet.
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

/// Writes fields. A value longer than its length field can say is cut.
#[derive(Debug, Default)]
pub struct Writer(BytesMut);

impl Writer {
    /// Nothing written yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One byte.
    #[must_use]
    pub fn u8(mut self, value: u8) -> Self {
        self.0.put_u8(value);
        self
    }

    /// Two bytes.
    #[must_use]
    pub fn u16(mut self, value: u16) -> Self {
        self.0.put_u16(value);
        self
    }

    /// Four bytes.
    #[must_use]
    pub fn u32(mut self, value: u32) -> Self {
        self.0.put_u32(value);
        self
    }

    /// Bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.put_slice(bytes);
        self
    }

    /// Bytes behind their length in one byte.
    #[must_use]
    pub fn short(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = cut(bytes.as_ref(), u8::MAX.into());
        self.u8(bytes.len() as u8).raw(bytes)
    }

    /// Bytes behind their length in two bytes.
    #[must_use]
    pub fn long(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = cut(bytes.as_ref(), u16::MAX.into());
        self.u16(bytes.len() as u16).raw(bytes)
    }

    /// One TLV.
    #[must_use]
    pub fn tlv(self, kind: u16, value: impl AsRef<[u8]>) -> Self {
        self.u16(kind).long(value)
    }

    /// What was written.
    #[must_use]
    pub fn bytes(self) -> Bytes {
        self.0.freeze()
    }
}

fn cut(bytes: &[u8], most: usize) -> &[u8] {
    bytes.get(..most).unwrap_or(bytes)
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
    fn a_cut_field_is_an_error_and_takes_nothing_more() {
        assert_eq!(Reader::new(&[0]).u16(), Err(Truncated));
        assert_eq!(Reader::new(&[5, 1, 2]).short(), Err(Truncated));
        assert_eq!(tlvs(&[0, 1, 0, 1, 7, 0, 2, 0, 9, 1]).collect::<Vec<_>>(), [(1, &[7u8][..])]);
    }
}
