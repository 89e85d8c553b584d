//! The stored list on its way to the client, held back until ours can be merged into it.

use std::time::{Duration, Instant};

use bytes::BytesMut;

use crate::oscar::verdict::Verdict;
use crate::oscar::wire::Snac;

/// Longest wait of everything else for the list, which some servers never send.
pub(super) const OVERDUE: Duration = Duration::from_secs(15);

/// Progress of the stored list.
#[derive(Default)]
pub(in crate::oscar) struct ListHold {
    pub(super) state: State,
    pub(super) hold: Option<Hold>,
    pub(super) released: Option<BytesMut>,
    /// Packets in `released` whose items were sent already.
    pub(super) skip: usize,
    /// This list was held already: what is left of it passes.
    pub(super) was_held: bool,
    /// Packets of a list passed, but not its last.
    pub(super) open: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum State {
    /// The client has not asked for it: an old client never does.
    #[default]
    Unasked,
    /// It is on its way, and waited for until then.
    Asked(Instant),
    /// It did not come in time: what belongs into it was pushed.
    Overdue,
    /// The client has it.
    Known,
}

/// Frames that the server sends while its list is held back.
pub(super) struct Hold {
    pub(super) frames: BytesMut,
    pub(super) packets: Vec<Snac>,
    pub(super) complete: bool,
    pub(super) until: Instant,
}

impl Hold {
    /// Bytes held back. The packets are kept twice: among the frames, and to be merged.
    pub(super) fn weight(&self) -> usize {
        let packet = |packet: &Snac| size_of::<Snac>() + packet.body.len();
        self.frames.len() + self.packets.iter().map(packet).sum::<usize>()
    }
}

impl ListHold {
    /// Whether the server's frames are being held back.
    pub(in crate::oscar) const fn holds(&self) -> bool {
        self.hold.is_some()
    }

    /// Whether the client waits for the list, so that it cannot be told of anybody in it.
    pub(in crate::oscar) const fn is_awaited(&self) -> bool {
        matches!(self.state, State::Asked(_))
    }

    /// Whether the client keeps its list on the server.
    pub(in crate::oscar) fn is_stored(&self) -> bool {
        self.state != State::Unasked
    }

    /// The client asked for the list, or for the rules of it.
    pub(in crate::oscar) fn asked(&mut self, now: Instant) -> Verdict {
        if self.state == State::Unasked {
            self.state = State::Asked(now + OVERDUE);
        }
        Verdict::Forward
    }

    /// Bytes held back: frames, and the packets among them once more.
    pub(in crate::oscar) fn weight(&self) -> usize {
        self.hold.as_ref().map_or(0, Hold::weight)
    }

    /// End of the hold or of the wait for the list.
    pub(in crate::oscar) fn deadline(&self) -> Option<Instant> {
        let hold = self.hold.as_ref().map(|hold| hold.until);
        let list = if let State::Asked(until) = self.state { Some(until) } else { None };
        hold.into_iter().chain(list).min()
    }

    /// Waits no longer for what has not come by now.
    pub(in crate::oscar) fn give_up(&mut self, now: Instant) {
        if self.hold.as_ref().is_some_and(|hold| hold.until <= now) {
            self.release();
        }
        if matches!(self.state, State::Asked(until) if until <= now) {
            self.state = State::Overdue;
        }
    }

    /// Frames to be taken again, after a hold.
    pub(in crate::oscar) const fn released(&mut self) -> Option<BytesMut> {
        self.released.take()
    }

    pub(super) fn release(&mut self) {
        if let Some(hold) = self.hold.take() {
            self.released = Some(hold.frames);
            self.was_held = true;
        }
    }
}
