//! Flows: what can be set, what a text becomes on its way, and what a node that fails does to it.
#![allow(clippy::unwrap_used)]

#[path = "../../core/tests/plain/mod.rs"]
mod plain;

#[path = "flow/commands.rs"]
mod commands;
#[path = "flow/runs.rs"]
mod runs;

use crosstalk_core::{
    Address, Body, Contact, Envelope, EnvelopeId, Names, Presence, RichText, Roster, Stamp,
    Subscription, UnixMillis,
};
use crosstalk_services::{
    Action, Answer, Call, FlowOffers, Offers, Outcome, Run, Translator, Trouble, View, flows_of,
};
use plain::Plain;

const SECRET: &str = "0000000000000000000000000000002a";
const NOW: UnixMillis = UnixMillis(1_700_000_000_123);

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// Everything that an operator can allow.
fn offers() -> Offers {
    let (url, key) = ("https://tr.example/".to_owned(), Some("k".to_owned().into()));
    let flows = FlowOffers {
        translator: Some(Translator { url, key }),
        secrets: Some(|| 42),
        has_archive: true,
        everybody: Vec::new(),
    };
    Offers { flows, ..Offers::default() }
}

fn contact(name: &str, to: Subscription, from: Subscription) -> Contact {
    Contact { listed: true, to, from, ..Contact::new(address(name), format!("{name}.xt")) }
}

/// Looks at the list of alice@aol: bob@yahoo and al@jabber see her and she them.
fn viewed<R>(settings: &[String], offers: &Offers, see: impl FnOnce(&View<'_>) -> R) -> R {
    let names =
        Names::new("xt", ["aol", "yahoo", "jabber"].map(|n| (n.parse().unwrap(), &Plain as _)));
    let mut roster = Roster::default();
    assert!(roster.put_settings(settings.to_vec(), Stamp::default()));
    let granted = Subscription::Granted;
    roster.put(contact("bob@yahoo", granted.clone(), granted.clone()), Stamp::default());
    roster.put(contact("al@jabber", granted.clone(), granted.clone()), Stamp::default());
    roster.put(contact("one@jabber", granted, Subscription::None), Stamp::default());
    let (user, presence) = (address("alice@aol"), |_: &Address| Presence::offline());
    let presence = &presence;
    see(&View { user: &user, names: &names, roster: &roster, presence, offers, now: NOW })
}

/// A person who gives commands one after the other.
struct Person {
    settings: Vec<String>,
    offers: Offers,
}

impl Person {
    fn new() -> Self {
        Self { settings: Vec::new(), offers: offers() }
    }

    fn with(settings: &[&str]) -> Self {
        let settings = settings.iter().map(ToString::to_string).collect();
        Self { settings, offers: offers() }
    }

    /// The reply to a command, whose changes are kept.
    fn says(&mut self, command: &str) -> String {
        let answer =
            viewed(&self.settings, &self.offers, |view| crosstalk_services::answer(command, view));
        self.keeps(answer)
    }

    fn keeps(&mut self, answer: Answer) -> String {
        for action in answer.act {
            let Action::Settings(settings) = action else { panic!("{action:?}") };
            self.settings = settings;
        }
        answer.say.text().to_owned()
    }

    /// A text of bob's on its way to the person; `None` where it runs through nothing.
    fn hears(&self, text: &str) -> Option<Run> {
        self.hears_of(&said("bob@yahoo", text))
    }

    fn hears_of(&self, envelope: &Envelope) -> Option<Run> {
        let lines = flows_of(envelope, &self.settings, &self.offers)?;
        Some(Run::new(envelope.clone(), &lines))
    }

    /// What becomes of a text, each call of whose nodes returns what `reply` says.
    fn run(&self, mut run: Run, mut reply: impl FnMut(&Call) -> Reply) -> Outcome {
        while let Some(call) = run.next_call(&self.offers, NOW) {
            run.returned(reply(&call));
        }
        run.end()
    }
}

type Reply = Result<(u16, Vec<u8>), Trouble>;

#[expect(clippy::unnecessary_wraps, reason = "it stands among replies that fail")]
fn ok(body: &str) -> Reply {
    Ok((200, body.into()))
}

fn said(from: &str, text: &str) -> Envelope {
    let body = Body::Text { text: text.into(), auto: false };
    let (from, to, sent_at) = (address(from), address("alice@aol"), NOW);
    Envelope { id: EnvelopeId(5), from, to, sent_at, body, details: None }
}

fn shown(outcome: &Outcome) -> Option<&str> {
    outcome.shown.as_ref().map(RichText::text)
}
