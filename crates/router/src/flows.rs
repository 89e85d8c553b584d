//! Flows: what a text runs through between its acceptance and the sessions.
//!
//! The driver has the nodes called and says what came of it. Until then the text is held and not
//! answered, for some seconds at most; what its sender says meanwhile waits behind it. A person
//! without flows has nothing held.

use std::mem::take;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Envelope, Failure, RichText};

use crate::account::Account;
use crate::cx::Cx;
use crate::delivery::{Asker, conclude};
use crate::effect::{Count, Effect};
use crate::flow_actions::Afterwards;
use crate::ids::{GatewayKey, SessionId, Ticket};
use crate::mail;

/// Longest time that a text is held. With what a delivery may take after that, it is less than the
/// network between gateways gives the whole way.
const PATIENCE: Duration = Duration::from_secs(4);
/// The most that is held for one person, and the most texts that run through nodes at a time: a
/// further one is shown as it came.
const MAX_HELD: usize = 256;
const MAX_RUNNING: usize = 16;

/// Result of a text's run through nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The text that is shown in the place of the one that came; `None` for that.
    pub shown: Option<RichText>,
    /// Words for the person, why something failed.
    pub trouble: Option<RichText>,
    /// What is to be done once a client has the text, in order.
    pub actions: Vec<FlowAction>,
}

/// Something that a node does with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowAction {
    /// Say this to another address of the person, if both see each other.
    Forward(Address, RichText),
    /// Tell the sender this, who may see that the person is away, once in a while.
    AwayAnswer(RichText),
    /// Write this to the person's archive.
    Archive(Record),
}

/// Lines for a file. `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Kind of the file, which its name ends with.
    pub kind: &'static str,
    /// The lines.
    pub lines: crosstalk_core::Redacted<String>,
}

/// Something that is held for the person.
pub(crate) struct Held<A> {
    from: GatewayKey,
    envelope: Envelope,
    asker: Asker<A>,
    since: Instant,
    state: State,
    /// Whether something may be done with it once a client has it.
    acts: bool,
    /// The session that it is reserved for, and how much.
    reserved: Option<(SessionId, usize)>,
}

enum State {
    /// It runs through nodes.
    Runs(Ticket),
    /// It waits for what the same sender said before.
    Ready(Outcome),
}

impl<A> Held<A> {
    /// Time at which it is shown, whatever runs.
    pub(crate) fn until(&self) -> Option<Instant> {
        matches!(self.state, State::Runs(_)).then(|| self.since + PATIENCE)
    }
}

impl<A> Account<A> {
    /// Takes what was said to the person and accepted: to the sessions, or first through nodes.
    pub(crate) fn pass(
        &mut self,
        cx: &mut Cx<'_, A>,
        from: GatewayKey,
        envelope: Envelope,
        asker: Asker<A>,
    ) {
        let settings = self.roster.as_ref().map_or(&[][..], |roster| roster.settings());
        let lines = cx.settings.service.flow(&envelope, settings);
        let held = self.pending_now().map_or(&[][..], |pending| &pending.held);
        let is_behind = held.iter().any(|held| held.envelope.from == envelope.from);
        let running = held.iter().filter(|held| matches!(held.state, State::Runs(_))).count();
        let lines = lines.filter(|_| running < MAX_RUNNING);
        if lines.is_none() && !is_behind {
            return self.show_at_once(cx, envelope, asker);
        }
        let waiting = held.len();
        // While it runs the driver has it too, as it came, as it is by then, and on its way.
        let bytes = mail::of_envelope(&envelope) * if lines.is_some() { 4 } else { 1 };
        let session = self.sessions.first().map(|session| session.id);
        let room = session
            .filter(|_| waiting < MAX_HELD)
            .and_then(|session| Some((session, self.reserve(cx, session, bytes).ok()?)));
        if room.is_none() {
            cx.count(Count::Mailbox);
            if is_behind {
                return conclude(cx, asker, Err(Failure::Busy));
            }
            return self.show_at_once(cx, envelope, asker);
        }
        let state = match lines {
            None => State::Ready(Outcome::default()),
            Some(lines) => {
                let (ticket, envelope) = (cx.ticket(), envelope.clone());
                cx.push(Effect::Flow { ticket, envelope, lines });
                State::Runs(ticket)
            }
        };
        let since = cx.now.instant;
        self.pending().held.push(Held {
            from,
            envelope,
            asker,
            since,
            state,
            acts: true,
            reserved: room,
        });
    }

    fn show_at_once(&mut self, cx: &mut Cx<'_, A>, envelope: Envelope, asker: Asker<A>) {
        let now = cx.now.instant;
        self.show_said(cx, envelope, (asker, now), None);
    }

    /// A text has run through its nodes.
    pub(crate) fn flowed(&mut self, cx: &mut Cx<'_, A>, ticket: Ticket, outcome: Outcome) {
        let Some(pending) = self.if_pending() else { return };
        let is_it = |held: &&mut Held<A>| matches!(held.state, State::Runs(t) if t == ticket);
        let Some(held) = pending.held.iter_mut().find(is_it) else { return };
        held.state = State::Ready(outcome);
        let sender = held.envelope.from.clone();
        self.release_held(cx, &sender);
    }

    /// Shows what ran for too long as it came.
    pub(crate) fn release_overdue(&mut self, cx: &mut Cx<'_, A>) {
        let now = cx.now.instant;
        let Some(pending) = self.if_pending() else { return };
        let mut senders = Vec::new();
        for held in &mut pending.held {
            if held.until().is_some_and(|until| until <= now) {
                held.state = State::Ready(Outcome::default());
                senders.push(held.envelope.from.clone());
            }
        }
        for sender in senders {
            self.release_held(cx, &sender);
        }
    }

    /// Gives everything that is held back to its senders, since the person is gone.
    pub(crate) fn fail_held(&mut self, cx: &mut Cx<'_, A>) {
        let held = self.if_pending().map(|pending| take(&mut pending.held));
        for held in held.into_iter().flatten() {
            conclude(cx, held.asker, Err(Failure::Offline));
        }
    }

    /// Has nothing done with what is held or on its way to a client: it is only shown.
    pub(crate) fn forgo_actions(&mut self) {
        let Some(pending) = self.if_pending() else { return };
        for held in &mut pending.held {
            held.acts = false;
        }
        for delivery in &mut pending.deliveries {
            delivery.afterwards = None;
        }
    }

    /// Bytes of what is held, as far as they are counted for a session.
    pub(crate) fn held_bytes(&self, session: SessionId) -> usize {
        let held = self.pending_now().into_iter().flat_map(|pending| &pending.held);
        let reserved = held.filter_map(|held| held.reserved);
        reserved.filter(|(of, _)| *of == session).map(|(_, bytes)| bytes).sum()
    }

    /// Shows what a sender said, as far as it is ready, in its order.
    fn release_held(&mut self, cx: &mut Cx<'_, A>, sender: &Address) {
        loop {
            let Some(pending) = self.if_pending() else { return };
            let Some(at) = pending.held.iter().position(|held| held.envelope.from == *sender)
            else {
                return;
            };
            if matches!(pending.held[at].state, State::Runs(_)) {
                return;
            }
            let Held { from, mut envelope, asker, since, state, acts, reserved } =
                pending.held.remove(at);
            if let Some((session, bytes)) = reserved {
                self.release(cx, session, bytes);
            }
            // Blocked meanwhile, or the client takes nothing any more.
            if let Err(why) = self.may_reach(cx, from, &envelope) {
                conclude(cx, asker, Err(why));
                continue;
            }
            let State::Ready(Outcome { shown, trouble, actions }) = state else { return };
            if let (Some(shown), Body::Text { text, .. }) = (shown, &mut envelope.body) {
                *text = shown;
            }
            let afterwards = Afterwards::of(sender, actions).filter(|_| acts);
            if self.show_said(cx, envelope, (asker, since), afterwards) {
                self.say_trouble(cx, sender, trouble);
            }
        }
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Record").field(&self.kind).finish()
    }
}
