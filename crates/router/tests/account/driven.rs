//! An account driven by hand.

#[path = "../../../core/tests/plain/mod.rs"]
mod plain;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{
    Address, Availability, Body, Contact, Envelope, EnvelopeId, Event, Names, Now, Outgoing,
    Presence, Roster, Stamp, Subscription, UnixMillis,
};
use crosstalk_router::{
    Account, Effect, Effects, GatewayKey, Input, Mail, SessionId, Settings, Ticket,
};
use plain::Plain;

pub(crate) const HERE: GatewayKey = GatewayKey([1; 32]);
pub(crate) const THERE: GatewayKey = GatewayKey([2; 32]);
pub(crate) const LAPTOP: SessionId = SessionId(1);
pub(crate) const PHONE: SessionId = SessionId(2);

pub(crate) fn address(name: &str) -> Address {
    name.parse().unwrap()
}

pub(crate) fn text(words: &str) -> Body {
    Body::Text { text: words.into(), auto: false }
}

/// Somebody who is friends with the owner of a list, in both directions.
pub(crate) fn friend(name: &str) -> Contact {
    let (to, from) = (Subscription::Granted, Subscription::Granted);
    Contact { listed: true, to, from, ..Contact::new(address(name), format!("{name}.xt")) }
}

pub(crate) fn roster(contacts: impl IntoIterator<Item = Contact>) -> Roster {
    let mut roster = Roster::default();
    for contact in contacts {
        roster.put(contact, Stamp { millis: 1, writer: 9 });
    }
    roster
}

/// The account of Alice. Messages that come are answered by number.
pub(crate) struct Driven {
    pub(crate) account: Account<u32>,
    pub(crate) now: Now,
    last: u128,
}

impl Driven {
    pub(crate) fn new() -> Self {
        Self::set(|_| ())
    }

    /// The account with other settings than usual.
    pub(crate) fn set(change: impl FnOnce(&mut Settings)) -> Self {
        let networks = ["aol", "yahoo", "jabber"].map(|id| (id.parse().unwrap(), &Plain as _));
        let names = Arc::new(Names::new("xt", networks));
        let mut settings = Settings { control: true, ..Settings::new(names, HERE) };
        change(&mut settings);
        let account = Account::new(address("alice@aol"), Arc::new(settings), 7);
        let now = Now { instant: Instant::now(), wall: UnixMillis(1_000_000) };
        Self { account, now, last: 0 }
    }

    /// Alice signed in with a laptop that takes texts, and these friends.
    pub(crate) fn with(contacts: impl IntoIterator<Item = Contact>) -> Self {
        let mut alice = Self::new();
        alice.signs_on(roster(contacts));
        alice
    }

    /// Alice signs in with a laptop that takes texts, and has this list.
    pub(crate) fn signs_on(&mut self, roster: Roster) {
        self.opens(LAPTOP, "laptop");
        self.does(Input::Loaded(roster));
        self.does(Input::Takes(LAPTOP, true));
        self.shows(LAPTOP, Availability::Available);
        self.finishes_storage();
    }

    /// Does everything that the account wants of storage until there is no more.
    pub(crate) fn finishes_storage(&mut self) {
        for _ in 0..4 {
            for input in [Input::Published, Input::Watched(Vec::new())] {
                self.does(input);
            }
        }
    }

    pub(crate) fn does(&mut self, input: Input<u32>) -> Vec<Effect<u32>> {
        let mut effects = Effects::default();
        self.account.handle(self.now, input, &mut effects);
        std::iter::from_fn(|| effects.next_effect()).collect()
    }

    pub(crate) fn opens(&mut self, session: SessionId, endpoint: &str) -> Vec<Effect<u32>> {
        self.does(Input::Opened { session, endpoint: endpoint.into() })
    }

    pub(crate) fn shows(&mut self, session: SessionId, show: Availability) -> Vec<Effect<u32>> {
        let presence = Presence { show, ..Presence::default() };
        self.does(Input::Event(session, Event::Presence(presence)))
    }

    pub(crate) fn says(&mut self, session: SessionId, to: &str, body: Body) -> Vec<Effect<u32>> {
        self.last += 1;
        let outgoing = Outgoing { id: EnvelopeId(self.last), to: address(to), body, details: None };
        self.does(Input::Event(session, Event::Send(outgoing)))
    }

    /// Something comes from `from` at the other gateway.
    pub(crate) fn hears(&mut self, from: &str, body: Body, answer: u32) -> Vec<Effect<u32>> {
        self.last += 1;
        let (id, from, to) = (EnvelopeId(self.last), address(from), address("alice@aol"));
        let envelope = Envelope { id, from, to, sent_at: self.now.wall, body, details: None };
        self.does(Input::Envelope { from: THERE, envelope, answer })
    }

    /// Time passes, and the account is told where it wanted that.
    pub(crate) fn waits(&mut self, time: Duration) -> Vec<Effect<u32>> {
        let end = self.now.instant + time;
        let mut all = Vec::new();
        while let Some(at) = self.account.deadline().filter(|at| *at <= end) {
            self.now.instant = at;
            all.extend(self.does(Input::Tick));
        }
        self.now.instant = end;
        all
    }
}

/// The mail to a session.
pub(crate) fn mail_to(session: SessionId, effects: Vec<Effect<u32>>) -> Vec<Mail> {
    let of_it = |effect| match effect {
        Effect::Mail(to, mail) if to == session => Some(mail),
        _ => None,
    };
    effects.into_iter().filter_map(of_it).collect()
}

/// The bodies of what is delivered to a session, and the names of the deliveries.
pub(crate) fn delivered(
    session: SessionId,
    effects: Vec<Effect<u32>>,
) -> Vec<(Body, Option<Ticket>)> {
    let delivered = |mail| match mail {
        Mail::Deliver(envelope, ticket) => Some((envelope.body, ticket)),
        _ => None,
    };
    mail_to(session, effects).into_iter().filter_map(delivered).collect()
}

/// The one delivery there is to a session that is waited for.
pub(crate) fn delivery(session: SessionId, effects: Vec<Effect<u32>>) -> Ticket {
    let all: Vec<_> = delivered(session, effects).into_iter().filter_map(|(_, t)| t).collect();
    let [ticket] = all[..] else { panic!("not one: {all:?}") };
    ticket
}

/// The answers that are given.
pub(crate) fn answers(effects: &[Effect<u32>]) -> Vec<(u32, Result<(), crosstalk_core::Failure>)> {
    let answer = |effect: &Effect<u32>| match effect {
        Effect::Answer(which, result) => Some((*which, *result)),
        _ => None,
    };
    effects.iter().filter_map(answer).collect()
}

/// Envelopes posted, with their tickets.
pub(crate) fn posts(effects: &[Effect<u32>]) -> Vec<(Ticket, Body)> {
    let post = |effect: &Effect<u32>| match effect {
        Effect::Post { ticket, envelope, .. } => Some((*ticket, envelope.body.clone())),
        _ => None,
    };
    effects.iter().filter_map(post).collect()
}
