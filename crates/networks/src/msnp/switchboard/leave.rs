//! The end of a conversation, at which something may be on its way to a client that no longer
//! reads.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crosstalk_core::{Envelope, Event};

use super::Switchboard;
use crate::common::weight::of_envelope;
use crate::msnp::account_messages::ToNotification;
use crate::msnp::context::Cx;

/// Time before a client leaves in which it may have stopped reading: clients do not say what they
/// read, and a text that crosses with their leaving is lost.
const CROSSING: Duration = Duration::from_millis(100);
/// The most texts of that time that are kept, and the most bytes of them.
const MAX_RECENT: usize = 32;
const MAX_BYTES: usize = 64 << 10;

/// Messages that the client was sent last.
#[derive(Default)]
pub(super) struct Recent {
    told: VecDeque<(Instant, Envelope)>,
    bytes: usize,
}

impl Recent {
    /// Keeps a text for the time in which it may cross with the client's leaving.
    pub(super) fn note(&mut self, envelope: &Envelope, now: Instant) {
        self.drop_older(now);
        let bytes = of_envelope(envelope);
        if envelope.body.is_said()
            && self.told.len() < MAX_RECENT
            && self.bytes + bytes <= MAX_BYTES
        {
            self.bytes += bytes;
            self.told.push_back((now, envelope.clone()));
        }
    }

    fn drop_older(&mut self, now: Instant) {
        while let Some((at, envelope)) = self.told.front()
            && *at + CROSSING <= now
        {
            self.bytes -= of_envelope(envelope);
            self.told.pop_front();
        }
    }

    fn take(&mut self, now: Instant) -> Vec<Envelope> {
        self.drop_older(now);
        self.bytes = 0;
        self.told.drain(..).map(|(_, envelope)| envelope).collect()
    }

    pub(super) const fn weight(&self) -> usize {
        self.bytes
    }
}

impl Switchboard {
    /// The client leaves: what it had begun to say is said as far as it came, and what guests say
    /// is for another conversation, which the client is rung for.
    pub(in super::super) fn leave(&mut self, cx: &mut Cx<'_>) {
        let begun = self.chunks.rest();
        self.say_late(begun, cx);
        let unread = self.recent.take(cx.now.instant);
        self.joining = None;
        if self.guests.is_empty() {
            return;
        }
        self.guests.clear();
        cx.out.emit(Event::Converse {
            user: self.invitation.user.clone(),
            endpoint: self.invitation.endpoint.clone(),
            with: Vec::new(),
        });
        if !unread.is_empty() {
            ToNotification::Unread(unread).tell(self.invitation.recipient(), cx);
        }
    }
}
