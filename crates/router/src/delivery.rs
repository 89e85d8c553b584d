//! Deliveries: what was given to sessions and is waited for.

use std::time::{Duration, Instant};

use crosstalk_core::{Address, Envelope, EnvelopeId, Failure};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::{Count, Effect};
use crate::flow_actions::Afterwards;
use crate::ids::{SessionId, Ticket};
use crate::mail::Mail;

/// Longest wait of a delivery for a session to begin with it; less than the network between
/// gateways gives the whole way.
const PATIENCE: Duration = Duration::from_secs(8);

/// By how much that is more than what waits for a conversation may take.
const MARGIN: Duration = Duration::from_secs(1);

/// Something given to sessions, of which one has to show it.
pub(crate) struct Delivery<A> {
    pub(crate) ticket: Ticket,
    pub(crate) asker: Asker<A>,
    /// The sessions that did not settle it.
    pub(crate) pending: Vec<SessionId>,
    /// Envelope for the sessions themselves, if the conversations do not show it.
    pub(crate) outside: Option<Box<Envelope>>,
    /// What is to be done once a client has it; for most there is nothing.
    pub(crate) afterwards: Option<Box<Afterwards>>,
    /// Time at which it is given up, if no session has begun with it.
    pub(crate) until: Option<Instant>,
    /// Whether all who settled it had no room for it, or did not begin with it in time.
    pub(crate) is_only_returned: bool,
}

/// Party that waits for a delivery.
pub(crate) enum Asker<A> {
    /// The gateway of the sender.
    Gateway(A),
    /// Nobody but the person: it is a report of a message to somebody, which is kept if no client
    /// has it.
    Report { of: EnvelopeId, to: Address, why: Failure },
}

/// Result of a delivery at a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settle {
    Shown,
    Dropped,
    /// Its mailbox had no room, or it lay there for too long.
    Returned,
}

impl<A> Account<A> {
    /// Waits for one of the sessions `given` to show something that came at `since`.
    pub(crate) fn await_delivery(
        &mut self,
        (ticket, given): (Ticket, Vec<SessionId>),
        (asker, since): (Asker<A>, Instant),
        outside: Option<Box<Envelope>>,
        afterwards: Option<Box<Afterwards>>,
    ) {
        // Who waits for it has waited since then.
        let until = Some(since + PATIENCE);
        self.pending().deliveries.push(Delivery {
            ticket,
            asker,
            pending: given,
            outside,
            afterwards,
            until,
            is_only_returned: true,
        });
    }

    /// A session did something with a delivery. One that shows it is enough; else it has failed
    /// when none is left.
    pub(crate) fn settle(
        &mut self,
        cx: &mut Cx<'_, A>,
        ticket: Ticket,
        session: SessionId,
        how: Settle,
    ) {
        let Some(pending) = self.if_pending() else { return };
        let Some(at) = pending.deliveries.iter().position(|d| d.ticket == ticket) else { return };
        let delivery = &mut pending.deliveries[at];
        if how != Settle::Shown {
            let Some(place) = delivery.pending.iter().position(|s| *s == session) else { return };
            delivery.pending.swap_remove(place);
            delivery.is_only_returned &= how == Settle::Returned;
            if !delivery.pending.is_empty() {
                return;
            }
        }
        let mut delivery = pending.deliveries.remove(at);
        if how == Settle::Shown {
            conclude(cx, delivery.asker, Ok(()));
            return self.act_afterwards(cx, delivery.afterwards);
        }
        if delivery.is_only_returned {
            return conclude(cx, delivery.asker, Err(Failure::Busy));
        }
        match delivery.outside.take() {
            Some(envelope) => {
                self.deliver_outside(cx, &envelope, delivery.asker, delivery.afterwards);
            }
            None => conclude(cx, delivery.asker, Err(Failure::Offline)),
        }
    }

    /// Gives sessions what a conversation of theirs did not show: it may have ended with it, and
    /// their clients open another one.
    fn deliver_outside(
        &mut self,
        cx: &mut Cx<'_, A>,
        envelope: &Envelope,
        asker: Asker<A>,
        afterwards: Option<Box<Afterwards>>,
    ) {
        let given: Vec<_> = self.sessions.iter().filter(|s| s.takes).map(|s| s.id).collect();
        if given.is_empty() {
            return conclude(cx, asker, Err(Failure::Offline));
        }
        let ticket = cx.ticket();
        for session in &given {
            cx.mail(*session, Mail::Deliver(envelope.clone(), Some(ticket)));
        }
        let now = cx.now.instant;
        self.await_delivery((ticket, given), (asker, now), None, afterwards);
    }

    /// A session is over, and shows nothing more.
    pub(crate) fn drop_deliveries(&mut self, cx: &mut Cx<'_, A>, session: SessionId) {
        let Some(pending) = self.if_pending() else { return };
        let of_it = pending.deliveries.iter().filter(|d| d.pending.contains(&session));
        let tickets: Vec<_> = of_it.map(|d| d.ticket).collect();
        for ticket in tickets {
            self.settle(cx, ticket, session, Settle::Dropped);
        }
    }

    /// A delivery that one session was given is another's to settle.
    pub(crate) fn hand_on(&mut self, ticket: Option<Ticket>, from: SessionId, to: SessionId) {
        let deliveries = self.if_pending().map(|pending| &mut pending.deliveries);
        let delivery = deliveries.and_then(|all| all.iter_mut().find(|d| Some(d.ticket) == ticket));
        if let Some(place) = delivery.and_then(|d| d.pending.iter_mut().find(|s| **s == from)) {
            *place = to;
        }
    }

    /// Whether anybody still waits for a delivery.
    pub(crate) fn is_awaited(&self, ticket: Ticket) -> bool {
        self.pending_now().is_some_and(|p| p.deliveries.iter().any(|d| d.ticket == ticket))
    }

    /// Until when it may be deferred that nobody gives a delivery up before that is over.
    pub(crate) fn patience_left(&self, ticket: Ticket) -> Option<Instant> {
        let delivery = self.pending_now()?.deliveries.iter().find(|d| d.ticket == ticket)?;
        delivery.until?.checked_sub(MARGIN)
    }

    /// Gives up what no session has begun with for long enough. One that has is waited for: it shows
    /// it at any moment, or is ended for reading nothing.
    pub(crate) fn withdraw_overdue(&mut self, cx: &mut Cx<'_, A>) {
        let now = cx.now.instant;
        for delivery in self.if_pending().into_iter().flat_map(|p| &mut p.deliveries) {
            if delivery.until.take_if(|until| *until <= now).is_some() {
                let from = delivery.pending.clone();
                cx.push(Effect::Withdraw { delivery: delivery.ticket, from });
            }
        }
    }
}

/// Tells who waits for a delivery what became of it.
pub(crate) fn conclude<A>(cx: &mut Cx<'_, A>, asker: Asker<A>, result: Result<(), Failure>) {
    match asker {
        Asker::Gateway(answer) => {
            if result.is_ok() {
                cx.count(Count::Delivered);
            }
            cx.push(Effect::Answer(answer, result));
        }
        // What no client has is owed to the person further on.
        Asker::Report { of, to, why } if result.is_err() => {
            cx.push(Effect::Report { of, to, why });
        }
        Asker::Report { .. } => {}
    }
}
