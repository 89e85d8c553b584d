//! What a person said and is not carried yet, and what the person hears of its fate.

use crosstalk_core::{Body, Consent, Contact, Envelope, Failure, Subscription};

use super::Hub;
use super::notes::try_send;
use super::person::Person;
use super::work::Outbound;
use crate::mail::{Delivery, DeliveryReceipt, Mail, weight};

/// The most that waits to leave; what comes on top fails as [`Failure::Busy`]. Sessions pause long
/// before, but what they have read by then is taken.
const OUTBOX: usize = 4096;
/// Up to so many that wait, and so many bytes, nobody is charged for a message.
const FEW: usize = 8;
const SHORT: usize = 1024;

impl Person {
    /// Puts an envelope into the outbox. A step of consent replaces an earlier one in the same
    /// direction that still waits.
    pub(super) fn queue(&mut self, hub: &Hub, envelope: Envelope, from_session: Option<u64>) {
        let outbox = &mut self.todo.outbox;
        if let Body::Contact(step) = &envelope.body {
            outbox.retain(|o| !(o.envelope.to == envelope.to && is_superseded(o, step)));
        }
        let is_full = outbox.len() >= OUTBOX;
        let (many, bytes) = (outbox.len() >= FEW, weight::of_envelope(&envelope));
        // What leaves at once, as most does, is not worth an account.
        let charged = from_session.filter(|_| many || bytes > SHORT);
        let room = charged.map_or(Ok(None), |number| self.set_aside(number, bytes));
        let (Ok(aside), false) = (room, is_full) else {
            hub.counters.outbox.add();
            return self.undelivered(hub, &envelope, from_session, Failure::Busy);
        };
        if is_message(&envelope.body) {
            hub.counters.sent.add();
        }
        self.todo.outbox.push_back(Outbound { envelope, from_session, tries: 0, aside });
    }

    /// Says a step of consent once more, if that is still how things stand.
    pub(super) fn queue_again(&mut self, outbound: Outbound) {
        let Body::Contact(step) = &outbound.envelope.body else { return };
        let contact = self.contact(&outbound.envelope.to);
        let is_meant = match step {
            Consent::Request(_) => contact.is_some_and(|c| matches!(c.to, Subscription::Asked(_))),
            Consent::Cancel => contact.is_none_or(|c| c.to == Subscription::None),
            Consent::Grant => contact.is_some_and(|c| c.from == Subscription::Granted),
            Consent::Revoke => contact.is_none_or(|c| c.from == Subscription::None),
        };
        if is_meant {
            self.todo.outbox.push_back(outbound);
        }
    }

    /// Whether an envelope may wait for its receiver: words only between people of whom at
    /// least one may see the other's presence, so that strangers fill no disks; and nothing that
    /// is of no use later.
    pub(super) fn may_keep(&self, envelope: &Envelope) -> bool {
        let known = |c: &Contact| [&c.to, &c.from].contains(&&Subscription::Granted);
        match envelope.body {
            Body::Contact(_) | Body::Undelivered { .. } => true,
            Body::Text { auto: false, .. } => self.contact(&envelope.to).is_some_and(known),
            _ => false,
        }
    }

    /// Tells the session that said it, in the conversation, that it waits for its receiver. What
    /// is said after it waits too, without another word.
    pub(super) fn is_kept(&mut self, hub: &Hub, envelope: &Envelope, from_session: Option<u64>) {
        if !matches!(envelope.body, Body::Text { .. }) {
            return;
        }
        let is_there = self.presence_of(hub, &envelope.to).is_online();
        let words = if is_there { crosstalk_services::delayed } else { crosstalk_services::kept };
        let text = words(&self.spelling(hub, &envelope.to)).into();
        let notice = Body::Text { text, auto: true };
        let notice = hub.envelope(envelope.to.clone(), self.user.clone(), notice);
        self.say_in_conversation(hub, &notice, from_session);
    }

    /// Tells the session that said it that it did not arrive. If that one is gone, or goes before
    /// its client has the report, the report waits for a client that takes it. Of what a person
    /// would not miss, nothing is said.
    pub(super) fn undelivered(
        &mut self,
        hub: &Hub,
        envelope: &Envelope,
        from_session: Option<u64>,
        why: Failure,
    ) {
        let final_refusal = matches!(why, Failure::NoSuchUser | Failure::Refused);
        let missed = match &envelope.body {
            Body::Contact(Consent::Request(_)) => final_refusal,
            body => is_message(body),
        };
        if !missed {
            return;
        }
        hub.counters.undelivered.add();
        let (of, user, to) = (envelope.id, self.user.clone(), envelope.to.clone());
        let body = Body::Undelivered { of, why };
        let report = hub.envelope(to.clone(), user.clone(), body);
        let delivery = Delivery::new();
        if let Some(mailbox) = from_session.and_then(|number| self.mailbox(number)) {
            try_send(hub, mailbox, Mail::Deliver(report, delivery.handed()));
        }
        let overlay = hub.overlay.clone();
        hub.runtime.spawn(async move {
            if delivery.outcome().await.is_err()
                && let Err(failed) = overlay.report(of, user, to, why).await
            {
                tracing::warn!(%failed, "nobody is told of a message that was not delivered");
            }
        });
    }

    /// Delivers something about a conversation to the session that has it, or to all if that one
    /// is gone.
    fn say_in_conversation(&self, hub: &Hub, envelope: &Envelope, session: Option<u64>) {
        match session.and_then(|number| self.mailbox(number)) {
            Some(mailbox) => {
                try_send(hub, mailbox, Mail::Deliver(envelope.clone(), DeliveryReceipt::default()));
            }
            None => {
                self.deliver_to_all(hub, envelope, None, Default::default);
            }
        }
    }
}

/// Whether a person said this to a person, and wants to know if it was in vain.
pub(super) const fn is_message(body: &Body) -> bool {
    matches!(body, Body::Text { auto: false, .. } | Body::Attention)
}

fn is_superseded(waiting: &Outbound, by: &Consent) -> bool {
    let asks = |step: &Consent| matches!(step, Consent::Request(_) | Consent::Cancel);
    matches!(&waiting.envelope.body, Body::Contact(step) if asks(step) == asks(by))
}
