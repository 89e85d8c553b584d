//! Messages to and from other gateways.

use std::time::{Duration, Instant};

use crosstalk_core::{Failure, Fault, NetworkId};

use super::{Effect, Node, Said, Ticket};
use crate::delivery::{Call, NO_WAY, Unanswered, Verdict};
use crate::membership::GatewayId;
use crate::node::violations::Violation;
use crate::wire::frame::{FIELDS, Frame};
use crate::wire::message::{Message, Outcome};

impl<T, L> Node<T, L> {
    /// Sends `message`; what becomes of it comes as [`Effect::Outcome`].
    pub(crate) fn send(&mut self, now: Instant, to: GatewayId, message: Message, ticket: T) {
        self.dispatch(now, to, message, Duration::ZERO, Ticket::Owner(ticket));
    }

    pub(super) fn dispatch(
        &mut self,
        now: Instant,
        to: GatewayId,
        message: Message,
        age: Duration,
        ticket: Ticket<T>,
    ) {
        if self.leases.epoch(&to).is_none() {
            return self.not_sent(now, to, ticket, NO_WAY);
        }
        // What a peer's version lacks is not said to it. Whoever asks waits for an answer, and hears
        // at once that there is none.
        let is_old = self.versions.get(&to).is_some_and(|version| *version < FIELDS);
        if is_old && matches!(message, Message::Question { .. }) {
            return self.not_sent(now, to, ticket, Failure::Refused);
        }
        let said = match self.delivery.say(to, message, age) {
            Ok(said) => said,
            Err(failure) => return self.not_sent(now, to, ticket, failure),
        };
        let is_linked = self.leases.link(&to).is_some();
        if is_linked && !self.queue(to, &said) {
            return self.not_sent(now, to, ticket, Failure::Refused);
        }
        self.delivery.wait(now, to, said, age, ticket, is_linked);
    }

    /// Says that a message was not sent to a gateway.
    fn not_sent(&mut self, now: Instant, to: GatewayId, ticket: Ticket<T>, why: Failure) {
        match ticket {
            Ticket::Owner(ticket) => self.effects.push_back(Effect::Outcome(ticket, Err(why))),
            Ticket::Post(number) => {
                self.outbox.unsent(now, number, to, why);
                self.work_off(now);
            }
        }
    }

    /// Says what became of a message at a gateway.
    pub(super) fn conclude(
        &mut self,
        now: Instant,
        at: GatewayId,
        ticket: Ticket<T>,
        outcome: Outcome,
    ) {
        match ticket {
            Ticket::Owner(ticket) => self.effects.push_back(Effect::Outcome(ticket, outcome)),
            Ticket::Post(number) => {
                self.outbox.answered(now, number, at, outcome);
                self.work_off(now);
            }
        }
    }

    /// Says that a gateway will not answer a message any more: what became of it is not known,
    /// unless it never left.
    pub(super) fn give_up(&mut self, now: Instant, at: GatewayId, message: Unanswered<Ticket<T>>) {
        match message.ticket {
            ticket if !message.has_left => self.not_sent(now, at, ticket, NO_WAY),
            Ticket::Owner(ticket) => {
                self.effects.push_back(Effect::Outcome(ticket, Err(Failure::Unconfirmed)));
            }
            Ticket::Post(number) => {
                self.outbox.doubted(now, number, at);
                self.work_off(now);
            }
        }
    }

    /// The router answered a message that [`Effect::Deliver`] handed to it. That it was shown is on
    /// file.
    pub(crate) fn answer(&mut self, now: Instant, peer: GatewayId, call: Call, outcome: Outcome) {
        for frame in self.delivery.answer(now, &peer, call, outcome) {
            self.queue(peer, &frame);
        }
    }

    /// A message came from a gateway.
    pub(super) fn message(
        &mut self,
        now: Instant,
        from: GatewayId,
        (number, settled): (u64, u64),
        message: Message,
        age: Duration,
    ) -> Result<(), Fault> {
        if self.is_replayed(from, |said| &mut said.number, number) {
            self.violations.refuse(now, from, Violation::Replay, "a message that it said before");
            return Ok(());
        }
        let refused =
            message.speaks_for().into_iter().find(|n| !self.members.may_speak(&from, n)).cloned();
        match self.delivery.received(from, number, settled, message)? {
            Verdict::New(call, ..) if refused.is_some() => {
                let network = refused.as_ref().map_or("", NetworkId::as_str);
                let why = format_args!("it may not speak for {network}");
                self.violations.refuse(now, from, Violation::Sender, why);
                // Answered like any other, so that its sender settles it and does not repeat it on
                // each link.
                self.answer(now, from, call, Err(Failure::Refused));
            }
            Verdict::New(call, message, shown) => {
                self.effects.push_back(Effect::Deliver { from, call, message, age, shown });
            }
            Verdict::Answered(outcome) => {
                self.queue(from, &Frame::Answer { number, outcome });
            }
            Verdict::Waits => {}
        }
        Ok(())
    }

    /// A message came of a kind that only later versions know: its sender is told that it is not
    /// taken. No account is kept of it, since it is answered the same whenever it comes.
    pub(super) fn unknown_message(&mut self, now: Instant, from: GatewayId, number: u64) {
        if self.is_replayed(from, |said| &mut said.number, number) {
            return self.violations.refuse(
                now,
                from,
                Violation::Replay,
                "a message that it said before",
            );
        }
        self.queue(from, &Frame::Answer { number, outcome: Err(Failure::Refused) });
    }

    /// Whether `peer` said `number`, or one above it, before on its present link, where such
    /// numbers only grow. The first is 1.
    pub(super) fn is_replayed(
        &mut self,
        peer: GatewayId,
        last: impl FnOnce(&mut Said) -> &mut u64,
        number: u64,
    ) -> bool {
        let last = last(self.said.entry(peer).or_default());
        let is_replayed = number <= *last;
        *last = number.max(*last);
        is_replayed
    }
}
