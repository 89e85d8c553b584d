//! Messages between two routers: numbered, repeated over reconnects, answered once. Pure.
//!
//! Numbers count up for a boot of the sender, and frames of one link arrive in order, so a
//! number that is not above the last one is a repeat. The sender repeats what is unanswered
//! when a link comes up again; the receiver repeats the answer and nothing else.

pub(crate) mod dedup;
mod in_flight;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crosstalk_core::{Blame, Failure, Fault};

use crate::common::map::Map;
use crate::delivery::dedup::{DedupWindow, Fingerprint};
use crate::delivery::in_flight::InFlight;
use crate::membership::GatewayId;
use crate::wire::frame::{Frame, MAX_HOPS};
use crate::wire::message::{Message, Outcome};

/// Longest wait of a message for its answer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// The most unanswered messages to one gateway.
pub(crate) const MAX_WAITING: usize = 8192;
/// The most answers kept for a gateway that may not have got them.
const MAX_ANSWERS: usize = 65_536;

/// Names a message of a gateway: numbers begin anew with each boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    /// The boot of the sender.
    pub(crate) boot: u64,
    /// The message's number in it.
    pub(crate) number: u64,
}

/// The messages under way, in both directions. `T` is what the caller wants back with an
/// outcome.
pub(crate) struct Delivery<T> {
    pairs: Map<GatewayId, Pair<T>>,
    /// Messages that were shown here, whoever sent them.
    pub(crate) shown: DedupWindow,
}

struct Pair<T> {
    /// The peer's boot.
    epoch: u64,
    /// The number of the last message sent.
    last: u64,
    /// Boxed: a tree moves what it holds.
    waiting: BTreeMap<u64, Box<Waiting<T>>>,
    /// The number of the last message received.
    heard: u64,
    /// Received messages that are not answered.
    unanswered: BTreeSet<u64>,
    /// Answers that the sender may not have.
    answers: BTreeMap<u64, Outcome>,
    in_flight: InFlight,
}

struct Waiting<T> {
    message: Message,
    age: Duration,
    until: Instant,
    ticket: T,
    /// It was given to a link: it may have arrived.
    has_left: bool,
}

/// A message that will not be answered any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unanswered<T> {
    pub(crate) ticket: T,
    /// It was given to a link: it may have arrived.
    pub(crate) has_left: bool,
}

impl<T> Waiting<T> {
    fn give_up(self) -> Unanswered<T> {
        Unanswered { has_left: self.has_left, ticket: self.ticket }
    }
}

/// Treatment of a message that arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Hand it on. What must not be shown twice has a fingerprint.
    New(Call, Message, Option<Fingerprint>),
    /// It came before and this is the answer.
    Answered(Outcome),
    /// It came before and the answer is yet to come.
    Waits,
}

impl<T> Default for Pair<T> {
    fn default() -> Self {
        Self {
            epoch: 0,
            last: 0,
            waiting: BTreeMap::new(),
            heard: 0,
            unanswered: BTreeSet::new(),
            answers: BTreeMap::new(),
            in_flight: InFlight::default(),
        }
    }
}

impl<T> Pair<T> {
    fn frame(&self, number: u64, message: Message, age: Duration) -> Frame {
        let settled = self.waiting.first_key_value().map_or(number, |(first, _)| *first);
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        Frame::Said { number, settled: settled.min(number), hops: MAX_HOPS, age_ms, message }
    }

    /// The sender needs no answers below `settled` any more.
    fn settle(&mut self, settled: u64) {
        while self.unanswered.first().is_some_and(|number| *number < settled) {
            self.unanswered.pop_first();
        }
        while self.answers.first_key_value().is_some_and(|(number, _)| *number < settled) {
            self.answers.pop_first();
        }
    }

    fn keep_answer(&mut self, number: u64, outcome: Outcome) {
        if self.answers.len() >= MAX_ANSWERS {
            self.answers.pop_first();
        }
        self.answers.insert(number, outcome);
    }
}

impl<T> Delivery<T> {
    /// Nothing under way.
    pub(crate) fn new() -> Self {
        Self { pairs: Map::default(), shown: DedupWindow::default() }
    }

    /// The frame that says a message, said `age` ago, to `peer`. It is sent, then it
    /// [waits](Self::wait). Fails where too many wait.
    pub(crate) fn say(
        &mut self,
        peer: GatewayId,
        message: Message,
        age: Duration,
    ) -> Result<Frame, Failure> {
        let pair = self.pairs.entry(peer).or_default();
        if pair.waiting.len() >= MAX_WAITING {
            return Err(Failure::Busy);
        }
        Ok(pair.frame(pair.last + 1, message, age))
    }

    /// Has the message that [`Self::say`] made for `peer` wait for its answer; `has_left` says
    /// whether there was a link to give it to.
    pub(crate) fn wait(
        &mut self,
        now: Instant,
        peer: GatewayId,
        said: Frame,
        age: Duration,
        ticket: T,
        has_left: bool,
    ) {
        let Frame::Said { number, message, .. } = said else { return };
        let pair = self.pairs.entry(peer).or_default();
        pair.last = number;
        let waiting = Waiting { message, age, until: now + DEADLINE, ticket, has_left };
        pair.waiting.insert(number, Box::new(waiting));
    }

    /// A link to `peer` came up: repeats what it has not answered. A new boot of
    /// the peer starts its numbers anew.
    pub(crate) fn linked(&mut self, peer: GatewayId, epoch: u64) -> Vec<Frame> {
        let pair = self.pairs.entry(peer).or_default();
        if pair.epoch != epoch {
            pair.epoch = epoch;
            pair.heard = 0;
            pair.unanswered.clear();
            pair.answers.clear();
        }
        // From here on any of them may have arrived, also those that an older link did not take.
        pair.waiting.values_mut().for_each(|waiting| waiting.has_left = true);
        let waiting = pair.waiting.iter();
        waiting.map(|(number, w)| pair.frame(*number, w.message.clone(), w.age)).collect()
    }

    /// `peer` is gone: returns what it has not answered.
    pub(crate) fn lost(&mut self, peer: &GatewayId) -> Vec<Unanswered<T>> {
        let waiting = self.pairs.get_mut(peer).map(|pair| std::mem::take(&mut pair.waiting));
        waiting
            .into_iter()
            .flat_map(BTreeMap::into_values)
            .map(|waiting| waiting.give_up())
            .collect()
    }

    /// Returns what waited too long, and for which gateway.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<(GatewayId, Unanswered<T>)> {
        self.shown.forget_before(now);
        let late = self.pairs.iter_mut().flat_map(|(peer, pair)| {
            // In order of number is in order of deadline.
            let end = pair.waiting.iter().find(|(_, w)| w.until > now).map(|(n, _)| *n);
            let rest = end.map_or_else(BTreeMap::new, |end| pair.waiting.split_off(&end));
            let late = std::mem::replace(&mut pair.waiting, rest).into_values();
            late.map(|waiting| (*peer, waiting.give_up()))
        });
        late.collect()
    }

    /// `peer` answered a message. Returns its ticket, once.
    pub(crate) fn answered(&mut self, peer: &GatewayId, number: u64) -> Option<T> {
        Some(self.pairs.get_mut(peer)?.waiting.remove(&number)?.ticket)
    }

    /// A message arrived from `peer`.
    pub(crate) fn received(
        &mut self,
        peer: GatewayId,
        number: u64,
        settled: u64,
        message: Message,
    ) -> Result<Verdict, Fault> {
        let pair = self.pairs.entry(peer).or_default();
        if settled > number {
            return Err(Fault::new(Blame::Peer, "a message below the settled ones"));
        }
        pair.settle(settled);
        // A repeat: its answer is on the way, or was lost with the link it was sent on.
        if number <= pair.heard {
            // An answer that was settled is asked for only by a peer that lost count.
            return Ok(pair.answers.get(&number).map_or(Verdict::Waits, |o| Verdict::Answered(*o)));
        }
        if pair.unanswered.len() >= MAX_WAITING {
            return Err(Fault::new(Blame::Peer, "more unanswered messages than allowed"));
        }
        pair.heard = number;
        let call = Call { boot: pair.epoch, number };
        let fingerprint = Fingerprint::of(&message);
        if fingerprint.as_ref().is_some_and(|fingerprint| self.shown.contains(fingerprint)) {
            pair.keep_answer(number, Ok(()));
            return Ok(Verdict::Answered(Ok(())));
        }
        pair.unanswered.insert(number);
        let is_first = fingerprint.is_none_or(|fingerprint| pair.in_flight.hear(fingerprint, call));
        Ok(if is_first { Verdict::New(call, message, fingerprint) } else { Verdict::Waits })
    }

    /// It is known what became of a message of `peer`; that it was shown is on file. Returns the
    /// frames that say so.
    pub(crate) fn answer(
        &mut self,
        now: Instant,
        peer: &GatewayId,
        call: Call,
        outcome: Outcome,
    ) -> Vec<Frame> {
        let Some(pair) = self.pairs.get_mut(peer) else { return Vec::new() };
        let (fingerprint, mut calls) = pair.in_flight.answer(call);
        if let (Some(fingerprint), Ok(())) = (fingerprint, outcome) {
            self.shown.insert(now, fingerprint);
        }
        calls.push(call);
        // An answer to an older boot is of no use to anybody.
        calls.retain(|call| call.boot == pair.epoch && pair.unanswered.remove(&call.number));
        for call in &calls {
            pair.keep_answer(call.number, outcome);
        }
        let frames = calls.into_iter().map(|call| Frame::Answer { number: call.number, outcome });
        frames.collect()
    }
}

/// Failure of a message that cannot be delivered to a gateway.
pub(crate) const NO_WAY: Failure = Failure::Unreachable;

#[cfg(test)]
mod tests;
