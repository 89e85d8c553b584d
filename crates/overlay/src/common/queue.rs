//! Frames that wait for a link. Pure.

use std::collections::VecDeque;

use bytes::Bytes;

/// The most bytes that wait for one link; a peer that reads no faster is cut off, and brought
/// up to date when it comes back.
pub(crate) const MAX_QUEUED: usize = 64 * 1024 * 1024;

/// The frames for one peer, in order.
#[derive(Default)]
pub(crate) struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
}

/// Result of queueing a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It is the only one: somebody may wait for it.
    First,
    /// It waits behind others.
    Behind,
    /// There was no room.
    Full,
}

impl Queue {
    /// Puts a frame at the end.
    pub(crate) fn push(&mut self, frame: Bytes) -> Pushed {
        if self.bytes + frame.len() > MAX_QUEUED {
            return Pushed::Full;
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
        if self.frames.len() == 1 { Pushed::First } else { Pushed::Behind }
    }

    /// Moves up to `most` frames to `to`.
    pub(crate) fn take(&mut self, most: usize, to: &mut Vec<Bytes>) {
        for frame in self.frames.drain(..most.min(self.frames.len())) {
            self.bytes -= frame.len();
            to.push(frame);
        }
    }
}
