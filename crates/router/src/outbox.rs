//! Outbox: what waits to leave, and as much of it under way at a time as may be, in order.

use std::collections::VecDeque;
use std::mem::take;

use crosstalk_core::{Address, Body, Consent, Envelope, Failure, Presence, Subscription};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::{Count, Effect, Message};
use crate::ids::{GatewayKey, SessionId};
use crate::mail;
use crate::outgoing::is_message;
use crate::pending::{InFlight, Retry};

/// The most that waits to leave; what comes on top fails as [`Failure::Busy`]. Sessions pause long
/// before, but what they have read by then is taken.
const MAX_OUTBOX: usize = 4096;
/// Up to so many that wait, and so many bytes, nobody is charged for a message.
const FEW: usize = 8;
const SHORT: usize = 1024;
/// The most messages of one person that are under way at a time, and the most tellings and
/// askings of presence.
const SPEAKING: usize = 64;
const TELLING: usize = 16;

/// An envelope on its way out.
pub(crate) struct Outbound {
    pub(crate) envelope: Envelope,
    /// Which session or conversation said it; none for the account itself.
    pub(crate) from_session: Option<SessionId>,
    pub(crate) tries: u8,
    /// Bytes that are reserved for it.
    pub(crate) bytes: usize,
}

impl<A> Account<A> {
    /// Puts an envelope into the outbox. A step of consent replaces an earlier one in the same
    /// direction that still waits.
    pub(crate) fn queue(
        &mut self,
        cx: &mut Cx<'_, A>,
        envelope: Envelope,
        from_session: Option<SessionId>,
    ) {
        if let Body::Contact(step) = &envelope.body {
            self.supersede(cx, &envelope.to, step);
        }
        let waiting = self.pending_now().map_or(0, |pending| pending.outbox.len());
        let is_full = waiting >= MAX_OUTBOX;
        let (many, bytes) = (waiting >= FEW, mail::of_envelope(&envelope));
        // What leaves at once, as most does, is not worth an account.
        let charged = from_session.filter(|_| many || bytes > SHORT);
        let room = charged.map_or(Ok(0), |session| self.reserve(cx, session, bytes));
        let (Ok(bytes), false) = (&room, is_full) else {
            if let (Some(session), Ok(bytes)) = (charged, room) {
                self.release(cx, session, bytes);
            }
            cx.count(Count::Outbox);
            return self.undelivered(cx, &envelope, from_session, Failure::Busy);
        };
        if is_message(&envelope.body) {
            cx.count(Count::Sent);
        }
        let outbound = Outbound { envelope, from_session, tries: 0, bytes: *bytes };
        self.pending().outbox.push_back(outbound);
    }

    /// Gives the driver as much of what waits as may be under way.
    pub(crate) fn work_off(&mut self, cx: &mut Cx<'_, A>) {
        self.next_jobs(cx);
        let Some(pending) = self.pending_now() else { return };
        let said = pending.in_flight.iter().filter(|(_, what)| what.is_said()).count();
        let told = pending.in_flight.iter().filter(|(_, what)| what.is_about_presence()).count();
        for _ in said..SPEAKING {
            let Some(next) = self.if_pending().and_then(|p| p.outbox.pop_front()) else { break };
            self.begin(cx, next);
        }
        for _ in told..TELLING {
            if !self.begin_about_presence(cx) {
                break;
            }
        }
    }

    fn begin(&mut self, cx: &mut Cx<'_, A>, outbound: Outbound) {
        let ticket = cx.ticket();
        let envelope = outbound.envelope.clone();
        let flight = if let Body::Receipt { .. } = envelope.body {
            // It is of no use later, and may overtake.
            cx.push(Effect::Locate { ticket, user: envelope.to });
            InFlight::Locate(outbound)
        } else {
            // Typing takes this road too, so that it does not overtake texts.
            let may_keep = self.may_keep(&envelope);
            cx.push(Effect::Post { ticket, envelope, may_keep });
            InFlight::Post(outbound)
        };
        self.pending().in_flight.push((ticket, flight));
    }

    /// Begins the next thing to say or ask about presence; false if there is none.
    fn begin_about_presence(&mut self, cx: &mut Cx<'_, A>) -> bool {
        let user = self.user.clone();
        if let Some((to, presence, watchers)) = self.next_told() {
            let message = Message::Presence { of: user, presence, to: watchers.clone() };
            self.begin_sending(cx, to, message, InFlight::Tell(to, watchers));
            return true;
        }
        let Some(pending) = self.if_pending() else { return false };
        if let Some(to) = pending.wake.pop_first() {
            let (presence, nobody) = (Presence::offline(), Vec::new());
            let message = Message::Presence { of: user, presence, to: nobody };
            self.begin_sending(cx, to, message, InFlight::Wake);
        } else if let Some(((of, to), tries)) = pending.probes.pop_first() {
            let message = Message::Probe { of: of.clone(), by: user };
            self.begin_sending(cx, to, message, InFlight::Probe(of, tries));
        } else if let Some((contact, tries)) = pending.seek.pop_first() {
            let ticket = cx.ticket();
            pending.in_flight.push((ticket, InFlight::Seek(contact.clone(), tries)));
            cx.push(Effect::Locate { ticket, user: contact });
        } else {
            return false;
        }
        true
    }

    pub(crate) fn begin_sending(
        &mut self,
        cx: &mut Cx<'_, A>,
        to: GatewayKey,
        message: Message,
        flight: InFlight,
    ) {
        let ticket = cx.ticket();
        cx.push(Effect::Send { ticket, to, message });
        self.pending().in_flight.push((ticket, flight));
    }

    /// Whether a request to a contact waits to leave, also once more, or is under way.
    pub(crate) fn is_asking(&self, contact: &Address) -> bool {
        let asks = |outbound: &Outbound| {
            outbound.envelope.to == *contact
                && matches!(outbound.envelope.body, Body::Contact(Consent::Request(_)))
        };
        self.pending_now().is_some_and(|pending| {
            let posted = |what: &InFlight| matches!(what, InFlight::Post(o) if asks(o));
            let again = |what: &Retry| matches!(what, Retry::Consent(o) if asks(o));
            pending.outbox.iter().any(asks)
                || pending.in_flight.iter().any(|(_, what)| posted(what))
                || pending.retries.iter().any(|(_, what)| again(what))
        })
    }

    /// Takes out the steps of consent that another one makes pointless, also those that would be
    /// said once more.
    fn supersede(&mut self, cx: &mut Cx<'_, A>, to: &Address, by: &Consent) {
        let Some(pending) = self.if_pending() else { return };
        let is_pointless = |o: &Outbound| o.envelope.to == *to && is_superseded(o, by);
        let (superseded, outbox): (VecDeque<_>, VecDeque<_>) =
            take(&mut pending.outbox).into_iter().partition(is_pointless);
        pending.outbox = outbox;
        let is_again = |what: &Retry| matches!(what, Retry::Consent(o) if is_pointless(o));
        let again = pending.retries.extract_if(.., |(_, what)| is_again(what));
        let again: Vec<_> = again.filter_map(|(_, what)| what.into_consent()).collect();
        for Outbound { from_session, bytes, .. } in superseded.into_iter().chain(again) {
            self.release_for(cx, from_session, bytes);
        }
    }

    /// Says a step of consent once more, if that is still how things stand.
    pub(crate) fn queue_again(&mut self, cx: &mut Cx<'_, A>, outbound: Outbound) {
        let Body::Contact(step) = &outbound.envelope.body else { return };
        let contact = self.contact(&outbound.envelope.to);
        let is_meant = match step {
            Consent::Request(_) => contact.is_some_and(|c| matches!(c.to, Subscription::Asked(_))),
            Consent::Cancel => contact.is_none_or(|c| c.to == Subscription::None),
            Consent::Grant => contact.is_some_and(|c| c.from == Subscription::Granted),
            Consent::Revoke => contact.is_none_or(|c| c.from == Subscription::None),
        };
        if is_meant {
            self.pending().outbox.push_back(outbound);
        } else {
            self.release_for(cx, outbound.from_session, outbound.bytes);
        }
    }
}

fn is_superseded(waiting: &Outbound, by: &Consent) -> bool {
    let asks = |step: &Consent| matches!(step, Consent::Request(_) | Consent::Cancel);
    match (&waiting.envelope.body, by) {
        // Who granted an earlier request has to hear that it was taken back, or the new one would
        // seem to be granted already.
        (Body::Contact(Consent::Cancel), Consent::Request(_)) => false,
        (Body::Contact(step), by) => asks(step) == asks(by),
        _ => false,
    }
}
