//! The stored list on its way to the client, held back until ours can be merged into it.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use crosstalk_core::{MAX_PENDING, Side};

use super::merge::parse;
use crate::oscar::account::Account;
use crate::oscar::context::Cx;
use crate::oscar::verdict::Verdict;
use crate::oscar::wire::Snac;
use crate::oscar::wire::kinds::feedbag;
use crate::oscar::wire::snac::MORE;

/// Longest wait of everything else for the list, which some servers never send.
const OVERDUE: Duration = Duration::from_secs(15);
/// Longest wait of the list for the foreign contacts, or for its last packet.
const PATIENCE: Duration = Duration::from_secs(2);

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

impl Account {
    /// The client would take its own copy of the list, which may lack or hold foreign items, and
    /// whose groups are not known here: it is made to take the server's.
    pub(in crate::oscar) fn cached_list(&mut self, snac: &Snac, cx: &mut Cx<'_>) -> Verdict {
        self.list.asked(cx.now.instant);
        cx.withhold(Side::Server);
        // Asked for the whole list: of one that did not change the server sends nothing to merge
        // into.
        self.tell_server(&Snac::of(feedbag::QUERY, snac.request, Bytes::new()), cx);
        Verdict::Done
    }

    /// The server says that the client's own copy is good, though it was asked for the list.
    pub(in crate::oscar) const fn unchanged(&mut self) -> Verdict {
        self.list.state = State::Known;
        Verdict::Forward
    }

    /// A packet of the list, while nothing is held back.
    pub(in crate::oscar) fn listed(
        &mut self,
        snac: &Snac,
        raw: &Bytes,
        cx: &mut Cx<'_>,
    ) -> Verdict {
        let last = snac.flags & MORE == 0;
        if self.list.skip > 0 {
            self.list.skip -= 1;
            self.list.was_held = self.list.skip > 0;
            return Verdict::Withhold;
        }
        if self.list.state == State::Overdue {
            // What was pushed without groups of the server's would stand beside the list.
            self.withdraw(cx);
            // With its items the client forgets who has arrived: it is told again behind the list.
            self.settled = false;
            self.list.state = State::Asked(cx.now.instant + OVERDUE);
        }
        let merges = self.user().is_some()
            && !(self.list.was_held || self.list.open)
            && (!self.contacts.are_known() || self.has_something_to_merge());
        if merges {
            let until = cx.now.instant + PATIENCE;
            let hold =
                Hold { frames: BytesMut::new(), packets: Vec::new(), complete: false, until };
            self.list.hold = Some(hold);
            return self.hold(raw, Some(snac.clone()), cx);
        }
        if !std::mem::replace(&mut self.list.open, !last) {
            self.feedbag.start_over();
        }
        if let Ok(list) = parse(snac) {
            self.learn(&list, last, cx);
        }
        if last {
            self.list.state = State::Known;
            self.list.was_held = false;
        }
        Verdict::Forward
    }

    /// Holds back a frame of the server's.
    pub(in crate::oscar) fn hold(
        &mut self,
        raw: &Bytes,
        snac: Option<Snac>,
        cx: &mut Cx<'_>,
    ) -> Verdict {
        let Some(hold) = &mut self.list.hold else { return Verdict::Forward };
        hold.frames.extend_from_slice(raw);
        if let Some(packet) = snac.filter(|s| s.kind() == feedbag::REPLY && !hold.complete) {
            hold.complete = packet.flags & MORE == 0;
            hold.packets.push(packet);
        }
        // Half the bound: the packets are kept twice. Past it the list passes as it is, and the foreign
        // contacts follow as changes.
        if hold.frames.len() + hold.packets.len() * size_of::<Snac>() > MAX_PENDING / 2 {
            self.list.release();
        } else {
            self.release_if_complete(cx);
        }
        Verdict::Done
    }

    /// Lets the list go once it and the foreign contacts are there, merged.
    pub(in crate::oscar) fn release_if_complete(&mut self, cx: &mut Cx<'_>) {
        if !self.contacts.are_known() || !self.list.hold.as_ref().is_some_and(|h| h.complete) {
            return;
        }
        if self.has_something_to_merge()
            && let Some(hold) = &mut self.list.hold
        {
            let packets = std::mem::take(&mut hold.packets);
            self.merge(&packets, cx);
        }
        self.list.release();
    }
}
