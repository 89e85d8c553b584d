//! The window in which a repeated envelope is recognised by its id. Pure.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crosstalk_core::EnvelopeId;

use crate::GatewayId;
use crate::delivery::Call;
use crate::message::Outcome;

/// How long an envelope is remembered.
pub(crate) const WINDOW: Duration = Duration::from_mins(10);
/// The most envelopes remembered; the oldest are forgotten first.
pub(crate) const MAX_REMEMBERED: usize = 100_000;

/// The envelopes of the last ten minutes, by sending gateway and id.
#[derive(Default)]
pub(crate) struct Repeats {
    fates: HashMap<(GatewayId, EnvelopeId), Fate>,
    /// The envelopes whose answer is to come, by the call they first came with.
    pending: HashMap<(GatewayId, Call), EnvelopeId>,
    order: VecDeque<(Instant, GatewayId, EnvelopeId)>,
}

enum Fate {
    /// No answer yet; it came again with these calls.
    Pending(Vec<Call>),
    Delivered,
}

/// What is known of an envelope that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing, or that it failed before.
    First,
    /// It came before and is not answered yet.
    Waits,
    /// It was delivered.
    Delivered,
}

impl Repeats {
    /// An envelope of `peer` came.
    pub(crate) fn hear(
        &mut self,
        now: Instant,
        peer: GatewayId,
        id: EnvelopeId,
        call: Call,
    ) -> Heard {
        match self.fates.get_mut(&(peer, id)) {
            Some(Fate::Delivered) => Heard::Delivered,
            Some(Fate::Pending(again)) => {
                again.push(call);
                Heard::Waits
            }
            None => {
                if self.order.len() >= MAX_REMEMBERED {
                    self.forget_oldest();
                }
                self.fates.insert((peer, id), Fate::Pending(Vec::new()));
                self.pending.insert((peer, call), id);
                self.order.push_back((now, peer, id));
                Heard::First
            }
        }
    }

    /// The envelope that came from `peer` with `call` was answered. Returns the calls with
    /// which it came again. One that failed may come again as new.
    pub(crate) fn answer(&mut self, peer: &GatewayId, call: Call, outcome: Outcome) -> Vec<Call> {
        let Some(id) = self.pending.remove(&(*peer, call)) else { return Vec::new() };
        let key = (*peer, id);
        let before = match self.fates.get_mut(&key) {
            Some(fate) if outcome.is_ok() => Some(std::mem::replace(fate, Fate::Delivered)),
            _ => self.fates.remove(&key),
        };
        match before {
            Some(Fate::Pending(again)) => again,
            _ => Vec::new(),
        }
    }

    /// Forgets what is older than the window.
    pub(crate) fn forget_before(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(at, ..)| now.duration_since(*at) >= WINDOW) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, peer, id)) = self.order.pop_front() {
            self.fates.remove(&(peer, id));
        }
    }
}
