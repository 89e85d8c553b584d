//! Stanzas of either side that cannot be judged yet: kept in order, and bounded.

use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::{MAX_PENDING, MAX_UNKNOWN, Side};

use super::wire::Frame;
use crate::common::frame_queue::{FrameQueue, Weigh};

/// Longest wait of a client's request for its roster for the foreign part.
const PATIENCE: Duration = Duration::from_secs(2);

impl Weigh for Frame {
    fn weight(&self) -> usize {
        self.bytes().len()
    }
}

/// Stanzas of both sides, and what they wait for besides the sign-on.
#[derive(Default)]
pub(super) struct HeldFrames {
    pub(super) client: FrameQueue<Frame>,
    pub(super) server: FrameQueue<Frame>,
    /// Time until which the client's stanzas wait for the person's list.
    pub(super) until: Option<Instant>,
}

impl HeldFrames {
    /// The frames of `side`.
    pub(super) const fn queue(&mut self, side: Side) -> &mut FrameQueue<Frame> {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Bytes held.
    pub(super) fn weight(&self) -> usize {
        self.client.weight() + self.server.weight()
    }

    /// Whether there is more than may wait for somebody, known or not.
    pub(super) fn is_too_much(&self, known: bool) -> bool {
        self.weight() > if known { MAX_PENDING } else { MAX_UNKNOWN }
    }

    /// Whether anything is held besides white space.
    pub(super) fn holds_words(&self) -> bool {
        let mut frames = self.client.iter().chain(self.server.iter());
        frames.any(|frame| !matches!(frame, Frame::Space(_)))
    }

    /// Keeps the client's request for its roster until the foreign part is known, or not in time; what
    /// it says next waits behind that.
    pub(super) fn wait_for_list(&mut self, request: Bytes, now: Instant) {
        self.client.put_back(Frame::Stanza(request));
        self.until = Some(now + PATIENCE);
    }

    /// Drops what is held.
    pub(super) fn clear(&mut self) {
        *self = Self { until: self.until, ..Self::default() };
    }

    /// Whether nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.client.is_empty() && self.server.is_empty()
    }
}
