//! What nodes do once a client has a text, and what is said of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Availability, Body, Envelope, RichText};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::{Count, Effect};
use crate::flows::FlowAction;
use crate::ids::SessionId;
use crate::input::Fate;
use crate::pace::FORWARDS;
use crate::presence::{sees, shows};

/// The most contacts of whom it is remembered what they were told, or the person of them.
const MAX_TOLD: usize = 256;
/// How often a contact is told that the person is away.
const AWAY: Duration = Duration::from_hours(1);
/// How often the person is told in one conversation that a node failed.
const TROUBLE: Duration = Duration::from_mins(10);

/// Something that is not said again for a while.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// The contact: that the person is away.
    Away,
    /// The person: that a node fails for the contact's texts.
    Trouble,
}

/// Until when what is not said again.
pub(crate) type TellAgain = BTreeMap<(Told, Address), Instant>;

/// What nodes do once a client has a text. With one that no client has, nothing is done: it runs
/// again when it is sent again.
pub(crate) struct Afterwards {
    sender: Address,
    actions: Vec<FlowAction>,
}

impl Afterwards {
    /// These, about a text of `sender`, if there are any.
    pub(crate) fn of(sender: &Address, actions: Vec<FlowAction>) -> Option<Box<Self>> {
        (!actions.is_empty()).then(|| Box::new(Self { sender: sender.clone(), actions }))
    }
}

impl<A> Account<A> {
    /// Tells the person why something failed, once in a while in each conversation.
    pub(crate) fn say_trouble(
        &mut self,
        cx: &mut Cx<'_, A>,
        of: &Address,
        trouble: Option<RichText>,
    ) {
        let Some(trouble) = trouble else { return };
        if self.may_tell(cx, Told::Trouble, of, TROUBLE) {
            self.say_notice(cx, of, trouble, None);
        }
    }

    /// Does what nodes do, since a client has the text.
    pub(crate) fn act_afterwards(
        &mut self,
        cx: &mut Cx<'_, A>,
        afterwards: Option<Box<Afterwards>>,
    ) {
        let Some(afterwards) = afterwards else { return };
        for action in afterwards.actions {
            self.act(cx, &afterwards.sender, action);
        }
    }

    fn act(&mut self, cx: &mut Cx<'_, A>, sender: &Address, action: FlowAction) {
        match action {
            FlowAction::Forward(to, text) => {
                let is_agreed = self.contact(&to).is_some_and(|c| sees(c) && shows(c));
                let now = cx.now.instant;
                if is_agreed && to != self.user && self.pace(now).forwards.take(now, FORWARDS, 1) {
                    let body = Body::Text { text, auto: false };
                    let envelope = cx.envelope(self.user.clone(), to, body);
                    self.queue(cx, envelope, None);
                } else {
                    cx.count(Count::Undelivered);
                    let text = cx.settings.service.not_forwarded(&self.spelling(cx.settings, &to));
                    self.say_trouble(cx, sender, Some(text));
                }
            }
            FlowAction::AwayAnswer(text) => {
                let sees = self.contact(sender).is_some_and(shows);
                if sees && self.is_away_to(sender) && self.may_tell(cx, Told::Away, sender, AWAY) {
                    // Automatic, so that nothing answers it.
                    let body = Body::Text { text, auto: true };
                    let envelope = cx.envelope(self.user.clone(), sender.clone(), body);
                    self.queue(cx, envelope, None);
                }
            }
            FlowAction::Archive(record) => cx.push(Effect::Archive(record)),
        }
    }

    /// Whether somebody sees that the person is there and at none of the clients.
    fn is_away_to(&self, watcher: &Address) -> bool {
        let seen = || self.sessions.iter().filter(|session| session.is_seen_by(watcher));
        let is_away = |show| {
            matches!(show, Availability::Away | Availability::ExtendedAway | Availability::Busy)
        };
        seen().next().is_some() && seen().all(|session| is_away(session.presence.show))
    }

    /// Whether something was not said to, or of, a contact lately; it is from now on.
    fn may_tell(&mut self, cx: &Cx<'_, A>, what: Told, to: &Address, every: Duration) -> bool {
        let now = cx.now.instant;
        let told = &mut self.pending().told;
        told.retain(|_, until| *until > now);
        let key = (what, to.clone());
        if told.len() >= MAX_TOLD || told.contains_key(&key) {
            return false;
        }
        told.insert(key, now + every);
        true
    }

    /// Acts on a text to somebody that is a command about what that one writes: to the client it is
    /// a text that arrived.
    pub(crate) fn command_about(
        &mut self,
        cx: &mut Cx<'_, A>,
        session: SessionId,
        envelope: &Envelope,
    ) -> bool {
        let Body::Text { text, auto: false } = &envelope.body else { return false };
        let reply =
            self.ask_service(cx, |service, view| service.said_to(text.text(), &envelope.to, view));
        let Some(reply) = reply.flatten() else { return false };
        self.confirm(cx, envelope, Some(session), Fate::Delivered);
        let say = self.do_and_say(cx, session, reply);
        self.say_notice(cx, &envelope.to, say, Some(session));
        true
    }
}
