//! Outgoing messages of a person, and what the person hears of their fate.

use crosstalk_core::{
    Address, Body, Consent, Contact, Envelope, Failure, Outgoing, RichText, Subscription,
};

use crate::account::Account;
use crate::control;
use crate::cx::Cx;
use crate::delivery::Asker;
use crate::effect::{Count, Effect};
use crate::ids::SessionId;
use crate::mail::Mail;
use crate::pace::{Pace, REQUESTS, SIGNALS};

impl<A> Account<A> {
    /// Sends something in the person's name, if the person may.
    pub(crate) fn send(&mut self, cx: &mut Cx<'_, A>, session: SessionId, outgoing: Outgoing) {
        if control::answers_for(&outgoing.to) {
            return self.command(cx, session, outgoing);
        }
        let refusal = self.refusal(cx, &outgoing);
        if refusal.is_none() && matches!(outgoing.body, Body::Contact(_)) {
            return self.consent(cx, Some(session), outgoing);
        }
        let envelope = self.envelope(cx, outgoing);
        if let Some(why) = refusal {
            return self.undelivered(cx, &envelope, Some(session), why);
        }
        if matches!(envelope.body, Body::Text { .. }) {
            self.carbon(cx, session, &envelope);
        }
        if self.command_about(cx, session, &envelope) {
            return;
        }
        if let Some(question) = Self::question_in(cx, &envelope.body) {
            return self.ask(cx, session, &envelope, question);
        }
        self.queue(cx, envelope, Some(session));
    }

    /// Shows the person's other sessions what one of them said, unless its client says that they
    /// are not to see it.
    pub(crate) fn carbon(&self, cx: &mut Cx<'_, A>, session: SessionId, envelope: &Envelope) {
        if envelope.details.as_ref().is_some_and(|details| details.no_copy) {
            return;
        }
        // The session that a conversation belongs to has said it, as far as its client knows.
        let own = self.conversation_endpoint(session);
        let others = self.sessions.iter().filter(|s| s.id != session);
        for other in others.filter(|s| Some(&*s.endpoint) != own) {
            cx.mail(other.id, Mail::Carbon(envelope.clone()));
        }
    }

    /// The sender and the time are the account's to say.
    pub(crate) fn envelope(&self, cx: &Cx<'_, A>, outgoing: Outgoing) -> Envelope {
        let Outgoing { id, to, body, details } = outgoing;
        Envelope { id, from: self.user.clone(), to, sent_at: cx.now.wall, body, details }
    }

    fn refusal(&mut self, cx: &mut Cx<'_, A>, outgoing: &Outgoing) -> Option<Failure> {
        if self.sessions.is_empty() {
            return Some(Failure::Offline);
        }
        if !cx.settings.names.knows(outgoing.to.network()) {
            return Some(Failure::NoSuchUser);
        }
        let blocked = self.contact(&outgoing.to).is_some_and(|c| c.blocked);
        // Clients acknowledge on their own, and would give away who is invisible.
        let receipt = matches!(outgoing.body, Body::Receipt { .. });
        if outgoing.to == self.user || blocked || receipt && !self.is_shown_online_to(&outgoing.to)
        {
            return Some(Failure::Refused);
        }
        let now = cx.now.instant;
        let pace = self.pace(now);
        match outgoing.body {
            Body::Contact(_) => drop(pace.requests.owe(now, REQUESTS, 1)),
            Body::Typing(_) | Body::Receipt { .. } => {
                // Nobody misses one of very many.
                if !pace.signals.take(now, SIGNALS, 1) {
                    cx.count(Count::Flood);
                    return Some(Failure::Busy);
                }
            }
            _ => drop(pace.speech.owe(now, cx.settings.pace, 1)),
        }
        None
    }

    pub(crate) fn pace(&mut self, now: std::time::Instant) -> &mut Pace {
        self.pace.get_or_insert_with(|| Box::new(Pace::new(now)))
    }

    /// Whether an envelope may wait for its receiver: words only between people of whom at
    /// least one may see the other's presence, so that strangers fill no disks; and nothing that
    /// is of no use later.
    pub(crate) fn may_keep(&self, envelope: &Envelope) -> bool {
        let known = |c: &Contact| [&c.to, &c.from].contains(&&Subscription::Granted);
        match envelope.body {
            Body::Contact(_) | Body::Undelivered { .. } => true,
            Body::Text { auto: false, .. } => self.contact(&envelope.to).is_some_and(known),
            _ => false,
        }
    }

    /// Tells the session that said it, in the conversation, that it waits for its receiver. What
    /// is said after it waits too, without another word.
    pub(crate) fn say_kept(
        &mut self,
        cx: &mut Cx<'_, A>,
        envelope: &Envelope,
        from_session: Option<SessionId>,
    ) {
        if !matches!(envelope.body, Body::Text { .. }) {
            return;
        }
        let is_there = self.presence_of(cx.settings, &envelope.to).is_online();
        let name = self.spelling(cx.settings, &envelope.to);
        let text = cx.settings.service.kept(&name, is_there);
        self.say_notice(cx, &envelope.to, text, from_session);
    }

    /// Shows a note of the gateway in the conversation with somebody.
    pub(crate) fn say_notice(
        &mut self,
        cx: &mut Cx<'_, A>,
        with: &Address,
        text: RichText,
        from_session: Option<SessionId>,
    ) {
        let notice = Body::Text { text, auto: true };
        let notice = cx.envelope(with.clone(), self.user.clone(), notice);
        // If the session that has the conversation is gone, all the others are told.
        match from_session.filter(|session| self.has_mailbox(*session)) {
            Some(session) => cx.mail(session, Mail::Deliver(notice, None)),
            None => drop(self.deliver_to_all(cx, &notice, None, None)),
        }
    }

    /// Whether who said this wants to know what became of it: a person of what was said to a person,
    /// and a session that asks also of what it said by itself.
    pub(crate) fn is_asked_after(&self, body: &Body, from_session: Option<SessionId>) -> bool {
        is_message(body)
            || matches!(body, Body::Text { .. }) && self.confirming(from_session).is_some()
    }

    /// The session that said something, if it asks what became of it.
    pub(crate) fn confirming(&self, from_session: Option<SessionId>) -> Option<SessionId> {
        let session = self.sessions.iter().find(|s| s.confirms && Some(s.id) == from_session);
        session.map(|session| session.id)
    }

    /// Tells the session that said it that it did not arrive. If that one is gone, or goes before
    /// its client has the report, the report waits for a client that takes it. Of what a person
    /// would not miss, nothing is said.
    pub(crate) fn undelivered(
        &mut self,
        cx: &mut Cx<'_, A>,
        envelope: &Envelope,
        from_session: Option<SessionId>,
        why: Failure,
    ) {
        let final_refusal = matches!(why, Failure::NoSuchUser | Failure::Refused);
        let missed = match &envelope.body {
            Body::Contact(Consent::Request(_)) => final_refusal,
            body => self.is_asked_after(body, from_session),
        };
        if !missed {
            return;
        }
        cx.count(Count::Undelivered);
        let (of, to) = (envelope.id, envelope.to.clone());
        let Some(session) = from_session.filter(|session| self.has_mailbox(*session)) else {
            return cx.push(Effect::Report { of, to, why });
        };
        let ticket = cx.ticket();
        let report = cx.envelope(to.clone(), self.user.clone(), Body::Undelivered { of, why });
        cx.mail(session, Mail::Deliver(report, Some(ticket)));
        let asker = Asker::Report { of, to, why };
        let now = cx.now.instant;
        self.await_delivery((ticket, vec![session]), (asker, now), None, None);
    }
}

/// Whether a person said this to a person, and wants to know if it was in vain.
pub(crate) const fn is_message(body: &Body) -> bool {
    matches!(body, Body::Text { auto: false, .. } | Body::Attention)
}
