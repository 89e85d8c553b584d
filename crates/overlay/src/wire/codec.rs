//! Encoding of frames: a version byte, a [layout] and, since version 4, [fields]; at most
//! [`MAX_FRAME`] bytes, behind a length of four bytes that the link adds.

use bytes::Bytes;
use crosstalk_core::{Blame, Fault};
use serde::Serialize;

use super::frame::{FIELDS, Frame, Hello, MAX_FRAME, OLDEST};
use super::layout::{self, SAID, Said, Unreadable};
use super::message::Message;
use super::{details, fields};

/// Room for most frames, in bytes.
const USUAL: usize = 512;

const UNKNOWN: &str = "a malformed or unknown frame";

impl Hello {
    /// Its bytes; `None` where they would be too many.
    pub(crate) fn encode(&self) -> Option<Bytes> {
        write(OLDEST, self, &[])
    }

    /// Reads what [`Self::encode`] wrote, here or in a later version.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let (hello, behind) = layout::read(unversioned(OLDEST, bytes)?).map_err(|_| unknown())?;
        // The versions are not agreed yet, so what comes later can only stand here.
        fields::each(behind, |_, _| false)
            .map_err(|_| blame("a frame with bytes after its end"))?;
        Ok(hello)
    }
}

impl Frame {
    /// Its bytes in a `version` that has it; `None` where they would be too many, and of what is
    /// only read.
    pub(crate) fn encode(&self, version: u8) -> Option<Bytes> {
        let mut behind = Vec::new();
        if let Self::Said { message, .. } = self
            && version >= FIELDS
        {
            details::put(&mut behind, message);
        }
        write(version, &layout::Frame::of(self)?, &behind)
    }

    /// Reads what [`Self::encode`] wrote. The peer is to blame for anything else, but not for what
    /// a later version may mean.
    pub(crate) fn decode(version: u8, bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = unversioned(version, bytes)?;
        let (layout, behind) = match layout::read::<layout::Frame<'_>>(bytes) {
            Ok(read) => read,
            Err(Unreadable::Unknown) if version >= FIELDS => return passed_over(bytes),
            Err(_) => return Err(unknown()),
        };
        let mut frame = match Self::try_from(layout) {
            Ok(frame) => frame,
            Err(Unreadable::Unknown) if version >= FIELDS => return passed_over(bytes),
            Err(_) => return Err(unknown()),
        };
        if frame.since() > version {
            return Err(unknown());
        }
        if version < FIELDS && !behind.is_empty() {
            return Err(blame("a frame with bytes after its end"));
        }
        let read = match &mut frame {
            Self::Said { message, .. } => details::read(behind, message),
            _ => fields::each(behind, |_, _| false),
        };
        match read {
            Ok(()) => Ok(frame),
            Err(Unreadable::Unknown) => passed_over(bytes),
            Err(Unreadable::Malformed) => Err(blame("a frame with bytes after its end")),
        }
    }
}

impl Message {
    /// The bytes that a link carries of it in a frame.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = layout::write(&layout::Message::from(self));
        details::put(&mut bytes, self);
        bytes
    }

    /// Reads [`Self::to_bytes`]; `None` of anything else, and of what only later versions know.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (layout, behind) = layout::read::<layout::Message<'_>>(bytes).ok()?;
        let mut message = layout.try_into().ok()?;
        details::read(behind, &mut message).ok()?;
        Some(message)
    }
}

/// A frame that says what is not known here. Of a message at least the number is, which an answer
/// needs.
fn passed_over(bytes: &[u8]) -> Result<Frame, Fault> {
    match bytes.split_first() {
        Some((&SAID, said)) => {
            let (Said { number, .. }, _) = layout::read(said).map_err(|_| unknown())?;
            Ok(Frame::UnknownMessage { number })
        }
        _ => Ok(Frame::Unknown),
    }
}

pub(super) fn write<T: Serialize>(version: u8, value: &T, behind: &[u8]) -> Option<Bytes> {
    let mut room = [version; USUAL];
    if let Ok(written) = postcard::to_slice(value, &mut room[1..]) {
        let length = 1 + written.len();
        return Some(if behind.is_empty() {
            Bytes::copy_from_slice(&room[..length])
        } else {
            [&room[..length], behind].concat().into()
        });
    }
    let mut bytes = postcard::to_extend(value, vec![version]).ok()?;
    bytes.extend_from_slice(behind);
    (bytes.len() <= MAX_FRAME).then(|| bytes.into())
}

/// The bytes behind the version byte, which must be the one that was agreed.
fn unversioned(version: u8, bytes: &[u8]) -> Result<&[u8], Fault> {
    match bytes.split_first() {
        None => Err(blame("an empty frame")),
        Some((said, rest)) if *said == version => Ok(rest),
        Some(_) => Err(blame("a frame of a version that was not agreed")),
    }
}

fn unknown() -> Fault {
    blame(UNKNOWN)
}

fn blame(what: &'static str) -> Fault {
    Fault::new(Blame::Peer, what)
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
