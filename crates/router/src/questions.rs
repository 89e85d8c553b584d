//! Questions to a person's gateway, such as `/music`: the person's own, and those of others about
//! the person.
//!
//! A question stands in no conversation's queue, so that no text waits for an answer. The gateway
//! of whom it is about answers at once whether there will be one. That comes by itself, as a text
//! of that person, which the gateway says.

use crosstalk_core::{Address, Body, Envelope, Failure, Question, RichText};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::{Effect, Message};
use crate::ids::{GatewayKey, SessionId, Ticket};
use crate::input::Fate;
use crate::pace::QUESTIONS;
use crate::pending::InFlight;
use crate::presence::shows;

/// A question of the person that is under way.
pub(crate) struct Asked {
    question: Question,
    of: Address,
    from_session: SessionId,
}

impl<A> Account<A> {
    /// The question that something said is, if it is one.
    pub(crate) fn question_in(cx: &Cx<'_, A>, body: &Body) -> Option<Question> {
        match body {
            Body::Text { text, auto: false } => cx.settings.service.question(text.text()),
            _ => None,
        }
    }

    /// Asks the gateway of whom the envelope is to. To the client it is a text that arrived.
    pub(crate) fn ask(
        &mut self,
        cx: &mut Cx<'_, A>,
        session: SessionId,
        envelope: &Envelope,
        question: Question,
    ) {
        let now = cx.now.instant;
        self.confirm(cx, envelope, Some(session), Fate::Delivered);
        let asked = Asked { question, of: envelope.to.clone(), from_session: session };
        if !self.pace(now).questions.take(now, QUESTIONS, 1) {
            return self.say_unanswered(cx, &asked, Failure::Busy);
        }
        let ticket = cx.ticket();
        cx.push(Effect::Locate { ticket, user: asked.of.clone() });
        self.pending().in_flight.push((ticket, InFlight::Find(asked)));
    }

    /// It is known where the person that a question is about is. One of several gateways is asked,
    /// since each would answer.
    pub(crate) fn ask_at(&mut self, cx: &mut Cx<'_, A>, asked: Asked, at: &[GatewayKey]) {
        let Some(to) = at.first().copied() else {
            return self.say_unanswered(cx, &asked, Failure::Offline);
        };
        let (of, by, question) = (asked.of.clone(), self.user.clone(), asked.question.clone());
        let ticket = cx.ticket();
        cx.push(Effect::Send { ticket, to, message: Message::Question { of, by, question } });
        self.pending().in_flight.push((ticket, InFlight::Ask(asked)));
    }

    /// Says why there is no answer, in the conversation and not in the person's name.
    pub(crate) fn say_unanswered(&mut self, cx: &mut Cx<'_, A>, asked: &Asked, why: Failure) {
        // A gateway refuses only where somebody is signed on there, which is for those who see it.
        let is_hidden = !self.presence_of(cx.settings, &asked.of).is_online();
        let why = if why == Failure::Refused && is_hidden { Failure::Offline } else { why };
        let name = self.spelling(cx.settings, &asked.of);
        let text = cx.settings.service.unanswered(&asked.question, &name, why);
        self.say_notice(cx, &asked.of, text, Some(asked.from_session));
    }

    /// Somebody asks about the person.
    pub(crate) fn be_asked(
        &mut self,
        cx: &mut Cx<'_, A>,
        by: &Address,
        question: Question,
        answer: A,
    ) {
        let result = self.may_ask(cx, by, &question).and_then(|value| {
            // After consent: who may not ask cannot tell how much others do.
            let now = cx.now.instant;
            if !self.pace(now).answered.take(now, QUESTIONS, 1) {
                return Err(Failure::Busy);
            }
            // Of several the one that was signed in last is where the person is.
            let seen = self.sessions.iter().rev().find(|session| session.is_seen_by(by));
            let session = seen.ok_or(Failure::Offline)?.id;
            let ticket = cx.ticket();
            let flight = InFlight::Answer(by.clone(), question.clone());
            cx.push(Effect::Ask { ticket, session, question, value });
            self.pending().in_flight.push((ticket, flight));
            Ok(())
        });
        cx.push(Effect::Answer(answer, result));
    }

    /// What the person has set for a question of `by`, who may ask it. Who may not, or is blocked,
    /// is told the same as of somebody who is not there.
    fn may_ask(
        &self,
        cx: &Cx<'_, A>,
        by: &Address,
        question: &Question,
    ) -> Result<Box<str>, Failure> {
        let sees =
            self.is_here() && self.is_shown_online_to(by) && self.contact(by).is_some_and(shows);
        // Before the question itself: that a service is not known here is news of who is here.
        if !sees {
            return Err(Failure::Offline);
        }
        let settings = self.roster.as_ref().map_or(&[][..], |roster| roster.settings());
        cx.settings.service.shares(question, by, settings)
    }

    /// The answer to a question of somebody else is known.
    pub(crate) fn answered(&mut self, cx: &mut Cx<'_, A>, ticket: Ticket, text: RichText) {
        let Some(InFlight::Answer(by, question)) = self.landed(ticket) else { return };
        // It may have been forbidden meanwhile, or the person gone.
        if self.may_ask(cx, &by, &question).is_err() {
            return;
        }
        // Automatic, so that clients show that nobody types it, and answer it with nothing.
        let envelope = cx.envelope(self.user.clone(), by, Body::Text { text, auto: true });
        self.queue(cx, envelope, None);
    }
}
