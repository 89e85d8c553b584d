//! The tries of a message: where its receiver is, and what the gateways there say.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crosstalk_core::Failure;

use super::entry::{Lane, Queue, Step};
use super::{Action, Outbox, UNCERTAIN_TIMEOUT};
#[cfg(test)]
use crate::common::fault_injection;
use crate::membership::GatewayId;
use crate::wire::message::Outcome;

/// The waits between tries, each between a half and the whole of twice the one before.
pub(super) const FIRST_WAIT: Duration = Duration::from_secs(1);
pub(super) const LAST_WAIT: Duration = Duration::from_mins(5);

/// Answer of a gateway to a message, or its silence.
#[derive(Clone, Copy)]
pub(super) enum Heard {
    Answer(Outcome),
    /// It was not even sent it, this time.
    NotSent(Failure),
    /// It will say nothing.
    Nothing,
}

impl Outbox {
    pub(super) fn hurry(&mut self, now: Instant, lane: Lane) {
        self.with(now, lane, |_, queue| {
            queue.tries = 0;
            // Only a queue that waits is hurried: one whose message is under way goes on when that
            // is answered.
            queue.at = queue.at.map(|_| now);
        });
    }

    /// Begins a try of the first message, if it is time.
    pub(super) fn advance(&mut self, now: Instant, lane: &Lane, queue: &mut Queue) {
        while matches!(queue.step, Step::Idle) && queue.at.is_none_or(|at| at <= now) {
            queue.at = None;
            let living = &self.living;
            let Some(head) = queue.head_mut() else { return };
            let asked: BTreeSet<_> =
                head.doubts.keys().filter(|g| living.contains(*g)).copied().collect();
            // Asked before anybody else is sent the message: a gateway that has shown it says so,
            // and nobody shows it again.
            if !asked.is_empty() {
                return self.send(now, queue, asked, true);
            }
            // A gateway that is silent for so long is waited for no more: rather twice than never.
            head.doubts.retain(|_, since| now < *since + UNCERTAIN_TIMEOUT);
            if let Some(since) = head.doubts.values().min().copied() {
                queue.at = Some(since + UNCERTAIN_TIMEOUT);
                return self.persist_queue(now, queue);
            }
            self.todo.push_back(Action::Locate(head.number, lane.to.clone()));
            queue.step = Step::Locating;
        }
    }

    pub(super) fn send(
        &mut self,
        now: Instant,
        queue: &mut Queue,
        to: BTreeSet<GatewayId>,
        asking: bool,
    ) {
        let own = self.own;
        queue.step = Step::Idle;
        let Some(head) = queue.head_mut() else { return };
        head.tried.extend(to.iter().filter(|g| **g != own));
        for gateway in &to {
            let (number, message) = (head.number, head.message.clone());
            self.todo.push_back(Action::Send { number, to: *gateway, message, age: head.age(now) });
        }
        #[cfg(test)]
        let first = to.first().copied();
        queue.step = Step::Sending { waits: to, why: Failure::Offline, asking };
        #[cfg(test)]
        if let Some(first) =
            first.filter(|_| fault_injection::is(fault_injection::Fault::SkippedAck))
        {
            self.delivered(now, queue, first);
        }
    }

    /// Takes what is known of a try. One success is enough; a failure counts when there is nothing
    /// left to wait for.
    pub(super) fn conclude(
        &mut self,
        now: Instant,
        queue: &mut Queue,
        number: u64,
        by: GatewayId,
        heard: Heard,
    ) {
        let Queue { step: Step::Sending { waits, why, asking }, entries, .. } = queue else {
            return;
        };
        let head = entries.iter_mut().find(|e| !e.muted).filter(|head| head.number == number);
        // Whoever answers twice, or was not asked, has no say.
        let Some(head) = head.filter(|_| waits.remove(&by)) else { return };
        match heard {
            Heard::Answer(Ok(())) => return self.delivered(now, queue, by),
            // A router that answers so dropped the message without a word.
            Heard::Answer(Err(failure @ Failure::Unreachable)) => {
                head.unsure.insert(by);
                *why = weightier(*why, failure);
            }
            Heard::Answer(Err(failure)) => {
                head.doubts.remove(&by);
                head.unsure.remove(&by);
                head.tried.remove(&by);
                *why = weightier(*why, failure);
            }
            Heard::NotSent(failure) => *why = weightier(*why, failure),
            Heard::Nothing => {
                head.doubts.entry(by).or_insert(now);
                head.unsure.insert(by);
                *why = weightier(*why, Failure::Unreachable);
            }
        }
        if !waits.is_empty() {
            return;
        }
        let (why, was_asked) = (*why, *asking && *why == Failure::Offline);
        queue.step = Step::Idle;
        match why {
            Failure::Refused | Failure::NoSuchUser => self.fail_head(now, queue, why),
            Failure::Blocked => self.mute(now, queue),
            // It was not shown there: on to where the receiver is now.
            _ if was_asked => {}
            _ => self.wait(now, queue, why),
        }
    }

    /// Leaves the first message for later, if it may wait.
    pub(super) fn wait(&mut self, now: Instant, queue: &mut Queue, why: Failure) {
        if queue.head().is_some_and(|head| !head.may_keep) {
            return self.fail_head(now, queue, why);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << queue.tries.min(10)).min(LAST_WAIT);
        queue.tries += 1;
        queue.at = Some(now + self.jitter(wait));
        self.persist_queue(now, queue);
    }

    /// Between a half and the whole of `wait`.
    pub(super) fn jitter(&mut self, wait: Duration) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        wait / 2 + (wait / 2).mul_f64(f64::from(self.random as u32) / f64::from(u32::MAX))
    }
}

/// Of two failures, the one that says more than that the person is not there.
fn weightier(one: Failure, other: Failure) -> Failure {
    let weight = |why: Failure| match why {
        Failure::Offline => 0,
        Failure::Unreachable | Failure::Unconfirmed | Failure::Busy | Failure::Expired => 1,
        Failure::NoSuchUser | Failure::Refused => 2,
        Failure::Blocked => 3,
    };
    if weight(other) > weight(one) { other } else { one }
}
