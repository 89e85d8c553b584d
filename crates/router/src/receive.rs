//! Handling of what arrives for the person.

use std::mem::take;
use std::time::Instant;

use crosstalk_core::{Address, Body, Envelope, EnvelopeId, Failure};

use crate::account::Account;
use crate::control;
use crate::cx::Cx;
use crate::delivery::{Asker, conclude};
use crate::effect::Count;
use crate::flow_actions::Afterwards;
use crate::ids::GatewayKey;
use crate::mail;
use crate::pending::Early;
use crate::strangers::{deed, is_friend};

/// The most messages that wait for a client that is about to take the first.
const MAX_EARLY: usize = 4096;

impl<A> Account<A> {
    /// Takes an envelope for the person, or keeps it while the person just signs on. Its sender says
    /// nothing else to this person before the answer, so that order is kept.
    pub(crate) fn receive(
        &mut self,
        cx: &mut Cx<'_, A>,
        from: GatewayKey,
        envelope: Envelope,
        asker: Asker<A>,
    ) {
        if envelope.body.is_said() && self.is_too_early(cx) {
            return self.receive_later(cx, from, envelope, asker);
        }
        if let Err(why) = self.may_receive(cx, from, &envelope) {
            return conclude(cx, asker, Err(why));
        }
        match &envelope.body {
            Body::Text { .. } | Body::Attention | Body::Typing(_) => {
                self.pass(cx, from, envelope, asker);
            }
            Body::Undelivered { .. } | Body::Receipt { .. } => {
                let now = cx.now.instant;
                self.show_said(cx, envelope, (asker, now), None);
            }
            Body::Contact(step) => {
                let details = envelope.details.as_deref();
                let result = self.consented(cx, &envelope.from, step, details);
                conclude(cx, asker, result);
            }
        }
    }

    /// Takes a report of a message of the person.
    pub(crate) fn receive_report(
        &mut self,
        cx: &mut Cx<'_, A>,
        from: GatewayKey,
        (of, to, why): (EnvelopeId, Address, Failure),
        answer: A,
    ) {
        cx.count(Count::Undelivered);
        let report = cx.envelope(to, self.user.clone(), Body::Undelivered { of, why });
        self.receive(cx, from, report, Asker::Gateway(answer));
    }

    fn may_receive(
        &mut self,
        cx: &mut Cx<'_, A>,
        from: GatewayKey,
        envelope: &Envelope,
    ) -> Result<(), Failure> {
        self.may_reach(cx, from, envelope)?;
        // What a gateway tells its own people of what they said is owed to them.
        let is_owed = from == cx.settings.here && matches!(envelope.body, Body::Undelivered { .. });
        if !is_owed
            && let Some(deed) = deed(&envelope.body)
            && !is_friend(self.contact(&envelope.from))
            && !cx.settings.shares.may(cx.now.instant, &envelope.from, from, deed)
        {
            cx.count(Count::Flood);
            return Err(Failure::Busy);
        }
        Ok(())
    }

    /// Whether the person is there for an envelope, and has not blocked its sender.
    pub(crate) fn may_reach(
        &mut self,
        cx: &mut Cx<'_, A>,
        from: GatewayKey,
        envelope: &Envelope,
    ) -> Result<(), Failure> {
        if !self.is_here() {
            return Err(Failure::Offline);
        }
        if self.contact(&envelope.from).is_some_and(|c| c.blocked) {
            cx.count(Count::Blocked);
            return Err(Failure::Blocked);
        }
        // Nobody else speaks in its name.
        if control::answers_for(&envelope.from) {
            return Err(Failure::Refused);
        }
        if envelope.body.needs_reader() && !self.takes() {
            // Its gateway keeps it, and is told when a client takes it.
            self.pending().turned_away.insert(from);
            return Err(Failure::Offline);
        }
        Ok(())
    }

    /// Gives the sessions something that has been accepted, and was held since then; what is to be
    /// done afterwards waits until a client has it. Returns whether a session was given it.
    pub(crate) fn show_said(
        &mut self,
        cx: &mut Cx<'_, A>,
        envelope: Envelope,
        (asker, since): (Asker<A>, Instant),
        afterwards: Option<Box<Afterwards>>,
    ) -> bool {
        if matches!(envelope.body, Body::Typing(_) | Body::Receipt { .. }) {
            self.deliver_to_all(cx, &envelope, None, None);
            conclude(cx, asker, Ok(()));
            self.act_afterwards(cx, afterwards);
            return true;
        }
        let ticket = cx.ticket();
        let given = self.deliver_to_all(cx, &envelope, None, Some(ticket));
        if given.is_empty() {
            conclude(cx, asker, Err(Failure::Busy));
            return false;
        }
        let in_conversation = !self.conversations_for(&envelope).is_empty();
        let outside = in_conversation.then(|| Box::new(envelope));
        self.await_delivery((ticket, given), (asker, since), outside, afterwards);
        true
    }

    fn takes(&self) -> bool {
        self.sessions.iter().any(|s| s.takes)
    }

    /// Whether what people say will soon be taken here for the first time.
    fn is_too_early(&self, cx: &Cx<'_, A>) -> bool {
        let hears = self.takes() && self.is_here();
        !hears && self.arriving_until().is_some_and(|until| cx.now.instant < until)
    }

    fn receive_later(
        &mut self,
        cx: &mut Cx<'_, A>,
        from: GatewayKey,
        envelope: Envelope,
        asker: Asker<A>,
    ) {
        let waiting = self.pending_now().map_or(0, |pending| pending.early.len());
        let session = self.sessions.first().map(|s| s.id);
        let bytes = mail::of_envelope(&envelope);
        let reserved = session.map(|session| (session, self.reserve(cx, session, bytes)));
        let (..MAX_EARLY, Some((session, Ok(bytes)))) = (waiting, reserved) else {
            if let Some(session) = session.filter(|_| waiting >= MAX_EARLY) {
                self.release(cx, session, bytes);
            }
            cx.count(Count::Mailbox);
            return conclude(cx, asker, Err(Failure::Busy));
        };
        let reserved = Some((session, bytes));
        self.pending().early.push_back(Early { from, envelope, asker, reserved });
    }

    /// Takes what came too early, once a client takes it or will not in time.
    pub(crate) fn receive_early(&mut self, cx: &mut Cx<'_, A>) {
        if self.pending_now().is_none_or(|p| p.early.is_empty()) || self.is_too_early(cx) {
            return;
        }
        let early = self.if_pending().map(|pending| take(&mut pending.early));
        for Early { from, envelope, asker, reserved } in early.into_iter().flatten() {
            if let Some((session, bytes)) = reserved {
                self.release(cx, session, bytes);
            }
            self.receive(cx, from, envelope, asker);
        }
    }
}
