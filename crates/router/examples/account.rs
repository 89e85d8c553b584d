//! Drives an account by hand: somebody signs in, hears something and answers.
//!
//! `cargo run -p crosstalk-router --example account`

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crosstalk_core::{
    Address, BadName, Body, Consent, Envelope, EnvelopeId, Event, Names, Now, Roster, RosterEdit,
    UnixMillis,
};
use crosstalk_router::{
    Account, Effect, Effects, Fate, GatewayKey, Input, Mail, SessionId, Settings,
};

fn main() -> Result<(), BadName> {
    let (alice, bob): (Address, Address) = ("alice@aol".parse()?, "bob@yahoo".parse()?);
    let names = Arc::new(Names::new("xt", []));
    let settings = Arc::new(Settings::new(names, GatewayKey([1; 32])));
    let mut account = Account::new(alice.clone(), settings, 1);
    let mut tell = |what: &str, input: Input<&'static str>| {
        let now = Now { instant: Instant::now(), wall: UnixMillis::from(SystemTime::now()) };
        let mut effects = Effects::default();
        account.handle(now, input, &mut effects);
        let effects: Vec<_> = std::iter::from_fn(|| effects.next_effect()).collect();
        println!("{what}:\n    {effects:?}");
        effects
    };

    // The list comes first. Only then others hear that she is there.
    let session = SessionId(1);
    tell("she signs in", Input::Opened { session, endpoint: "laptop".into() });
    tell("her list is loaded", Input::Loaded(Roster::default()));
    tell("she is published", Input::Published);
    tell("her client takes texts", Input::Takes(session, true));

    // Who said something is answered when her client has it, and not before.
    let envelope = |id, body| {
        let (from, to, sent_at) = (bob.clone(), alice.clone(), UnixMillis(0));
        let envelope = Envelope { id: EnvelopeId(id), from, to, sent_at, body, details: None };
        Input::Envelope { from: GatewayKey([2; 32]), envelope, answer: "Bob's gateway" }
    };
    let text = Body::Text { text: "hello".into(), auto: false };
    let effects = tell("Bob says something", envelope(1, text));
    if let [Effect::Mail(session, Mail::Deliver(_, Some(delivery)))] = effects[..] {
        tell("her client has it", Input::Settled { session, delivery, shown: true });
    }

    // What leaves has a ticket, by which she hears what became of it.
    tell("Bob asks to see her", envelope(2, Body::Contact(Consent::Request("It is me".into()))));
    let refusal = Event::Roster(RosterEdit::Remove(bob.clone()));
    for effect in tell("she refuses", Input::Event(session, refusal)) {
        if let Effect::Post { ticket, .. } = effect {
            tell("he has the answer", Input::Sent(ticket, Ok(Fate::Delivered)));
        }
    }
    tell("she signs off", Input::Closed(session));
    Ok(())
}
