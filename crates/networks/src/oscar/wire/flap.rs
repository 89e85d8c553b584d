//! FLAP, the framing of every OSCAR connection.

use bytes::{BufMut, Bytes, BytesMut};

use super::fields::TooLong;

/// The first byte of every frame.
pub const MARK: u8 = 0x2a;
/// Bytes before a frame's body: mark, channel, sequence number, length of the body.
pub const HEADER: usize = 6;
/// The version at the beginning of a SIGNON frame.
pub const VERSION: u32 = 1;

/// The channel that a frame belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// 1: the greeting of either side.
    SignOn,
    /// 2: SNACs.
    Data,
    /// 3: an error.
    Error,
    /// 4: the last words of either side.
    SignOff,
    /// 5: nothing, to keep the connection alive.
    KeepAlive,
}

impl Channel {
    /// The channel of this number.
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::SignOn,
            2 => Self::Data,
            3 => Self::Error,
            4 => Self::SignOff,
            5 => Self::KeepAlive,
            _ => return None,
        })
    }

    /// The channel's number.
    pub const fn number(self) -> u8 {
        match self {
            Self::SignOn => 1,
            Self::Data => 2,
            Self::Error => 3,
            Self::SignOff => 4,
            Self::KeepAlive => 5,
        }
    }
}

/// Error: the bytes are not FLAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a FLAP frame begins with 2a and a channel of 1 to 5")]
pub struct NotFlap;

/// A whole frame, as it stood on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// The channel.
    pub channel: Channel,
    /// The sender's count of frames on this connection.
    pub sequence: u16,
    raw: Bytes,
}

impl Frame {
    /// Takes a whole frame off the front of `buffer`; `None` as long as there is none.
    pub fn take(buffer: &mut BytesMut) -> Result<Option<Self>, NotFlap> {
        let Some((channel, sequence, length)) = header(buffer)? else { return Ok(None) };
        if buffer.len() < length {
            return Ok(None);
        }
        Ok(Some(Self { channel, sequence, raw: buffer.split_to(length).freeze() }))
    }

    /// Everything, header included.
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The bytes behind the header.
    pub fn body(&self) -> Bytes {
        self.raw.slice(HEADER..)
    }
}

/// Never the body: it may hold a message or a password.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} frame {} of {} bytes", self.channel, self.sequence, self.raw.len())
    }
}

/// Channel, sequence number and length, header included, of the frame that `bytes` begin with.
///
/// `None` as long as the header is incomplete.
pub fn header(bytes: &[u8]) -> Result<Option<(Channel, u16, usize)>, NotFlap> {
    match *bytes {
        [MARK, channel, s0, s1, l0, l1, ..] => {
            let channel = Channel::from_number(channel).ok_or(NotFlap)?;
            let length = usize::from(u16::from_be_bytes([l0, l1])) + HEADER;
            Ok(Some((channel, u16::from_be_bytes([s0, s1]), length)))
        }
        [] | [MARK] => Ok(None),
        [MARK, channel, ..] if Channel::from_number(channel).is_some() => Ok(None),
        _ => Err(NotFlap),
    }
}

/// A frame around `body`.
pub fn encode(channel: Channel, sequence: u16, body: &[u8]) -> Result<Bytes, TooLong> {
    let length = u16::try_from(body.len()).map_err(|_| TooLong)?;
    let mut frame = BytesMut::with_capacity(HEADER + body.len());
    frame.put_slice(&[MARK, channel.number()]);
    frame.put_u16(sequence);
    frame.put_u16(length);
    frame.put_slice(body);
    Ok(frame.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_whole_and_in_order() {
        let mut buffer = BytesMut::new();
        buffer.extend(encode(Channel::SignOn, 7, &VERSION.to_be_bytes()).unwrap());
        buffer.extend(encode(Channel::KeepAlive, 8, &[]).unwrap());
        buffer.extend([MARK, 2, 0]);
        let hello = Frame::take(&mut buffer).unwrap().unwrap();
        assert_eq!((hello.channel, hello.sequence), (Channel::SignOn, 7));
        assert_eq!(hello.body(), [0, 0, 0, 1][..]);
        assert_eq!(Frame::take(&mut buffer).unwrap().unwrap().channel, Channel::KeepAlive);
        assert_eq!(Frame::take(&mut buffer), Ok(None));
        assert_eq!(buffer.len(), 3);
    }

    #[test]
    fn a_body_that_does_not_fit_is_not_cut() {
        assert!(encode(Channel::Data, 1, &vec![0; 65_535]).is_ok());
        assert_eq!(encode(Channel::Data, 1, &vec![0; 65_536]), Err(TooLong));
    }

    #[test]
    fn anything_else_is_not_flap() {
        for bad in [&b"FLAPON\r\n"[..], b"*\x09", b"*\x00\0\0\0\0", b"x"] {
            assert_eq!(Frame::take(&mut BytesMut::from(bad)), Err(NotFlap), "{bad:?}");
        }
    }
}
