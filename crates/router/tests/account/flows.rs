//! Tests of texts that run through nodes: what waits for them, for how long, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{
    Address, Availability, Body, Contact, Envelope, Event, Failure, Question, RichText, RosterEdit,
    Stamp, Subscription, Typing,
};
use crosstalk_router::{
    Action, Effect, FlowAction, Full, Input, Mail, Outcome, Record, RecordsRequest, Reply, Service,
    SessionId, Ticket, View,
};

use crate::driven::{
    Driven, LAPTOP, PHONE, address, answers, delivered, delivery, friend, mail_to, posts, roster,
    text,
};

/// Has every text of who has a setting run through it, but for those that begin with a bracket.
struct Nodes;

impl Service for Nodes {
    fn answer(&self, _: &str, _: &View<'_>) -> Reply {
        Reply { act: vec![Action::Records(RecordsRequest::Forget)], ..Reply::default() }
    }

    fn in_words(&self, _: &Envelope, _: &str) -> Vec<RichText> {
        Vec::new()
    }

    fn kept(&self, _: &str, _: bool) -> RichText {
        RichText::default()
    }

    fn not_changed(&self, _: Full) -> RichText {
        RichText::default()
    }

    fn question(&self, _: &str) -> Option<Question> {
        None
    }

    fn shares(&self, _: &Question, _: &Address, _: &[String]) -> Result<Box<str>, Failure> {
        Err(Failure::Refused)
    }

    fn unanswered(&self, _: &Question, _: &str, _: Failure) -> RichText {
        RichText::default()
    }

    fn said_to(&self, text: &str, with: &Address, _: &View<'_>) -> Option<Reply> {
        let act = vec![Action::Settings(vec![format!("{with}")])];
        (text == "/translate de").then(|| Reply { say: "[in German]".into(), act })
    }

    fn flow(&self, envelope: &Envelope, settings: &[String]) -> Option<Vec<String>> {
        let Body::Text { text, .. } = &envelope.body else { return None };
        (!settings.is_empty() && !text.text().starts_with('[')).then(|| settings.to_vec())
    }
}

/// Alice, whose texts run through something, with these people on her list.
fn alice(contacts: impl IntoIterator<Item = Contact>) -> Driven {
    let mut alice = Driven::set(|settings| settings.service = Arc::new(Nodes));
    let mut list = roster(contacts);
    list.put_settings(vec!["nodes".into()], Stamp { millis: 2, writer: 9 });
    alice.signs_on(list);
    alice
}

/// The text that is given to the driver to run.
fn runs(effects: &[Effect<u32>]) -> Option<Ticket> {
    effects.iter().find_map(|effect| match effect {
        Effect::Flow { ticket, lines, .. } => {
            assert_eq!(lines, &["nodes"]);
            Some(*ticket)
        }
        _ => None,
    })
}

fn shown(words: &str) -> Outcome {
    Outcome { shown: Some(words.into()), ..Outcome::default() }
}

fn with_actions(actions: Vec<FlowAction>) -> Outcome {
    Outcome { actions, ..Outcome::default() }
}

fn bodies(effects: Vec<Effect<u32>>) -> Vec<Body> {
    delivered(LAPTOP, effects).into_iter().map(|(body, _)| body).collect()
}

/// The last number of bytes that is counted for a session.
fn reserved(effects: &[Effect<u32>]) -> Option<usize> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::Reserve(LAPTOP, bytes) => Some(*bytes),
        _ => None,
    })
}

#[test]
fn a_text_is_shown_and_answered_when_it_has_run() {
    let mut alice = alice([friend("bob@yahoo")]);
    let effects = alice.hears("bob@yahoo", text("salut"), 1);
    let ticket = runs(&effects).unwrap();
    assert!(answers(&effects).is_empty() && bodies(effects).is_empty());
    let effects = alice.does(Input::Flowed(ticket, shown("salut [hi]")));
    let [(body, Some(delivery))] = &delivered(LAPTOP, effects)[..] else { panic!("not one") };
    assert_eq!(*body, text("salut [hi]"));
    let settled = Input::Settled { session: LAPTOP, delivery: *delivery, shown: true };
    assert_eq!(answers(&alice.does(settled)), [(1, Ok(()))]);
    assert_eq!(alice.account.deadline(), None);
}

#[test]
fn who_has_set_nothing_waits_for_nothing() {
    let mut alice = Driven::set(|settings| settings.service = Arc::new(Nodes));
    alice.signs_on(roster([friend("bob@yahoo")]));
    let effects = alice.hears("bob@yahoo", text("hi"), 1);
    assert!(runs(&effects).is_none() && reserved(&effects).is_none());
    assert_eq!(bodies(effects), [text("hi")]);
}

#[test]
fn nothing_of_the_same_sender_overtakes_and_others_do_not_wait() {
    let mut alice = alice([friend("bob@yahoo"), friend("carol@jabber")]);
    let first = runs(&alice.hears("bob@yahoo", text("one"), 1)).unwrap();
    assert!(bodies(alice.hears("bob@yahoo", Body::Typing(Typing::Active), 2)).is_empty());
    let second = runs(&alice.hears("bob@yahoo", text("two"), 3)).unwrap();
    assert!(bodies(alice.hears("bob@yahoo", Body::Attention, 4)).is_empty());
    assert!(bodies(alice.hears("bob@yahoo", text("[three"), 5)).is_empty());
    // Somebody else does not wait for Bob's.
    assert_eq!(bodies(alice.hears("carol@jabber", Body::Attention, 6)), [Body::Attention]);
    let effects = alice.does(Input::Flowed(second, shown("deux")));
    assert!(bodies(effects).is_empty(), "the first is not done");
    let effects = alice.does(Input::Flowed(first, Outcome::default()));
    let all =
        [text("one"), Body::Typing(Typing::Active), text("deux"), Body::Attention, text("[three")];
    assert_eq!(answers(&effects), [(2, Ok(()))], "typing waits for no client");
    assert_eq!(bodies(effects), all);
}

#[test]
fn nodes_that_hang_cost_four_seconds_and_the_text_is_there_in_time() {
    let mut alice = alice([friend("bob@yahoo")]);
    let ticket = runs(&alice.hears("bob@yahoo", text("hi"), 1)).unwrap();
    alice.hears("bob@yahoo", Body::Attention, 2);
    assert!(alice.waits(Duration::from_millis(3900)).is_empty());
    let effects = alice.waits(Duration::from_millis(200));
    let mail = mail_to(LAPTOP, effects);
    assert_eq!(mail.len(), 2);
    // What comes late is of no use.
    assert!(alice.does(Input::Flowed(ticket, shown("late"))).is_empty());
    // A client that does not begin with it is given no more time than for any other text.
    assert!(alice.waits(Duration::from_millis(3800)).is_empty());
    let effects = alice.waits(Duration::from_millis(200));
    assert!(matches!(effects[..], [Effect::Withdraw { .. }, ..]), "{effects:?}");
}

#[test]
fn what_is_held_is_counted_and_bounded() {
    let mut alice = alice([]);
    let effects = alice.hears("p0@yahoo", text(&"x".repeat(1000)), 0);
    let one = reserved(&effects).unwrap();
    assert!(one > 4000, "the driver has it too: {one}");
    let tickets: Vec<_> = std::iter::once(runs(&effects))
        .chain((1..16).map(|n| runs(&alice.hears(&format!("p{n}@yahoo"), text("hi"), n))))
        .map(Option::unwrap)
        .collect();
    // So many at a time; a further one is shown as it came.
    let effects = alice.hears("late@yahoo", text("hi"), 16);
    assert_eq!((runs(&effects), bodies(effects)), (None, vec![text("hi")]));
    // But not before what the same one said.
    assert!(bodies(alice.hears("p0@yahoo", text("again"), 17)).is_empty());
    let mut refused = 0;
    for n in 18..600 {
        let effects = alice.hears("p0@yahoo", Body::Typing(Typing::Active), n);
        refused += answers(&effects).iter().filter(|a| a.1 == Err(Failure::Busy)).count();
    }
    assert_eq!(refused, 582 - (256 - 17), "so many are held");
    let mut last = None;
    for ticket in tickets {
        last = reserved(&alice.does(Input::Flowed(ticket, Outcome::default()))).or(last);
    }
    assert_eq!(last, Some(0), "and nothing is counted any more");
}

#[test]
fn bytes_without_end_are_not_held() {
    let mut alice = alice([]);
    let long = text(&"x".repeat(60_000));
    let mut counted = 0;
    for n in 0..32 {
        let effects = alice.hears("bob@yahoo", long.clone(), n);
        counted = reserved(&effects).unwrap_or(counted);
    }
    assert!((1 << 20..(1 << 20) + 260_000).contains(&counted), "{counted}");
    assert_eq!(alice.account.pause(alice.now.instant, LAPTOP), None, "it is not her client's");
    let effects = alice.hears("bob@yahoo", text("short"), 99);
    assert_eq!(answers(&effects), [(99, Err(Failure::Busy))]);
    let effects = alice.hears("carol@yahoo", text("short"), 100);
    assert_eq!(bodies(effects), [text("short")], "it is shown as it came");
}

#[test]
fn a_block_or_the_end_of_the_session_holds_for_what_is_held() {
    let mut first = alice([friend("bob@yahoo")]);
    let ticket = runs(&first.hears("bob@yahoo", text("hi"), 1)).unwrap();
    first.does(Input::Event(LAPTOP, Event::Roster(RosterEdit::Block(address("bob@yahoo"), true))));
    let effects = first.does(Input::Flowed(ticket, shown("x")));
    assert_eq!(answers(&effects), [(1, Err(Failure::Blocked))]);
    assert!(bodies(effects).is_empty());

    let mut second = alice([friend("bob@yahoo")]);
    let ticket = runs(&second.hears("bob@yahoo", text("hi"), 1)).unwrap();
    second.hears("bob@yahoo", Body::Attention, 2);
    let effects = second.does(Input::Closed(LAPTOP));
    assert_eq!(answers(&effects), [(1, Err(Failure::Offline)), (2, Err(Failure::Offline))]);
    assert!(second.does(Input::Flowed(ticket, shown("x"))).is_empty());
    assert_eq!(second.account.deadline(), None);
}

#[test]
fn what_failed_is_said_once_in_a_while_in_the_conversation() {
    let mut alice = alice([friend("bob@yahoo"), friend("carol@jabber")]);
    let fails = |alice: &mut Driven, from: &str| {
        let ticket = runs(&alice.hears(from, text("hi"), 1)).unwrap();
        let outcome = Outcome { trouble: Some("[out of order]".into()), ..Outcome::default() };
        bodies(alice.does(Input::Flowed(ticket, outcome)))
    };
    let said = Body::Text { text: "[out of order]".into(), auto: true };
    assert_eq!(fails(&mut alice, "bob@yahoo"), [text("hi"), said.clone()]);
    assert_eq!(fails(&mut alice, "bob@yahoo"), [text("hi")]);
    assert_eq!(fails(&mut alice, "carol@jabber"), [text("hi"), said.clone()]);
    alice.waits(Duration::from_mins(11));
    assert_eq!(fails(&mut alice, "bob@yahoo"), [text("hi"), said]);
}

/// A text runs, and is given to the sessions.
fn runs_to(alice: &mut Driven, from: &str, actions: Vec<FlowAction>) -> Vec<Effect<u32>> {
    let ticket = runs(&alice.hears(from, text("hi"), 1)).unwrap();
    alice.does(Input::Flowed(ticket, with_actions(actions)))
}

/// A text runs, and the laptop shows it.
fn flows(alice: &mut Driven, from: &str, actions: Vec<FlowAction>) -> Vec<Effect<u32>> {
    let mut effects = runs_to(alice, from, actions);
    let delivery = effects.iter().find_map(|effect| match effect {
        Effect::Mail(LAPTOP, Mail::Deliver(_, ticket)) => *ticket,
        _ => None,
    });
    let (session, delivery) = (LAPTOP, delivery.unwrap());
    effects.extend(alice.does(Input::Settled { session, delivery, shown: true }));
    effects
}

fn record() -> Record {
    Record { kind: "mbox", lines: "From x".to_owned().into() }
}

/// A line for the archive, and a word for Al.
fn both() -> Vec<FlowAction> {
    vec![FlowAction::Archive(record()), FlowAction::Forward(address("al@jabber"), "[hi]".into())]
}

/// How often each of both was done.
fn done(effects: &[Effect<u32>]) -> (usize, usize) {
    (effects.iter().filter(|e| matches!(e, Effect::Archive(_))).count(), posts(effects).len())
}

#[test]
fn a_text_is_forwarded_to_whom_both_agreed_to_see() {
    let half = Contact { from: Subscription::None, ..friend("half@jabber") };
    let mut alice = alice([friend("bob@yahoo"), friend("al@jabber"), half]);
    let forward = |to: &str| vec![FlowAction::Forward(address(to), "[bob] hi".into())];
    let effects = flows(&mut alice, "bob@yahoo", forward("al@jabber"));
    let to_whom = |effects: &[Effect<u32>]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Post { envelope, may_keep, .. } => Some((envelope.to.clone(), *may_keep)),
            _ => None,
        })
    };
    assert_eq!(to_whom(&effects), Some((address("al@jabber"), true)));
    assert_eq!(posts(&effects)[0].1, text("[bob] hi"));
    assert_eq!(bodies(effects), [text("hi")], "the person has it too");
    for to in ["half@jabber", "stranger@jabber", "alice@aol"] {
        let effects = flows(&mut alice, "bob@yahoo", forward(to));
        assert_eq!(to_whom(&effects), None, "{to}");
    }
    // As often as a person may say something in the long run.
    let often = (0..200)
        .filter(|_| to_whom(&flows(&mut alice, "bob@yahoo", forward("al@jabber"))).is_some());
    assert_eq!(often.count(), 49);
}

#[test]
fn that_the_person_is_away_is_told_once_an_hour_to_whom_may_see_it() {
    let hidden = Contact { from: Subscription::None, ..friend("carol@jabber") };
    let mut alice = alice([friend("bob@yahoo"), hidden]);
    let told = |alice: &mut Driven, who: &str| {
        posts(&flows(alice, who, vec![FlowAction::AwayAnswer("[back soon]".into())])).len()
    };
    assert_eq!(told(&mut alice, "bob@yahoo"), 0, "she is there");
    alice.shows(LAPTOP, Availability::Away);
    let effects = flows(&mut alice, "bob@yahoo", vec![FlowAction::AwayAnswer("[away]".into())]);
    let answer = Body::Text { text: "[away]".into(), auto: true };
    assert_eq!(posts(&effects).into_iter().map(|(_, body)| body).collect::<Vec<_>>(), [answer]);
    assert_eq!(told(&mut alice, "bob@yahoo"), 0, "it was said already");
    assert_eq!(told(&mut alice, "carol@jabber"), 0, "who may not see her");
    assert_eq!(told(&mut alice, "nobody@yahoo"), 0);
    alice.waits(Duration::from_mins(61));
    assert_eq!(told(&mut alice, "bob@yahoo"), 1);
    alice.opens(PHONE, "phone");
    alice.shows(PHONE, Availability::Available);
    alice.waits(Duration::from_mins(61));
    assert_eq!(told(&mut alice, "bob@yahoo"), 0, "she is at the phone");
    alice.shows(PHONE, Availability::Offline);
    alice.shows(LAPTOP, Availability::Offline);
    assert_eq!(told(&mut alice, "bob@yahoo"), 0, "invisible");
}

#[test]
fn an_archive_gets_what_was_shown_and_a_text_that_nobody_takes_is_in_none() {
    let mut alice = alice([friend("bob@yahoo"), friend("al@jabber")]);
    let effects = flows(&mut alice, "bob@yahoo", both());
    assert!(effects.iter().any(|e| matches!(e, Effect::Archive(r) if *r == record())));
    assert_eq!(format!("{:?}", record()), "Record(\"mbox\")");
    let ticket = runs(&alice.hears("bob@yahoo", text("hi"), 1)).unwrap();
    alice.does(Input::Takes(LAPTOP, false));
    let effects = alice.does(Input::Flowed(ticket, with_actions(both())));
    assert_eq!((answers(&effects), done(&effects)), (vec![(1, Err(Failure::Offline))], (0, 0)));
}

#[test]
fn nothing_is_done_with_a_text_that_comes_back_and_all_of_it_once_it_is_shown() {
    let mut alice = alice([friend("bob@yahoo"), friend("al@jabber")]);
    let effects = runs_to(&mut alice, "bob@yahoo", both());
    assert_eq!(done(&effects), (0, 0), "no client has it yet");
    let mail = mail_to(LAPTOP, effects).remove(0);
    let effects = alice.does(Input::Returned(LAPTOP, mail));
    assert_eq!((answers(&effects), done(&effects)), (vec![(1, Err(Failure::Busy))], (0, 0)));
    let delivery = delivery(LAPTOP, runs_to(&mut alice, "bob@yahoo", both()));
    let effects = alice.does(Input::Settled { session: LAPTOP, delivery, shown: false });
    assert_eq!((answers(&effects), done(&effects)), (vec![(1, Err(Failure::Offline))], (0, 0)));
    assert_eq!(done(&flows(&mut alice, "bob@yahoo", both())), (1, 1));
}

#[test]
fn what_is_done_with_a_text_is_done_once_for_all_sessions_and_conversations() {
    let mut alice = alice([friend("bob@yahoo"), friend("al@jabber")]);
    alice.opens(PHONE, "phone");
    alice.does(Input::Takes(PHONE, true));
    let first = delivery(LAPTOP, runs_to(&mut alice, "bob@yahoo", both()));
    let settles = |session, delivery, shown| Input::Settled { session, delivery, shown };
    assert_eq!(done(&alice.does(settles(PHONE, first, true))), (1, 1));
    assert_eq!(done(&alice.does(settles(LAPTOP, first, true))), (0, 0));
    // A conversation ends with the text, and the session shows it.
    alice.does(Input::Closed(PHONE));
    let (session, with) = (SessionId(7), vec![address("bob@yahoo")]);
    alice.does(Input::Converses { session, endpoint: "laptop".into(), with });
    delivery(session, runs_to(&mut alice, "bob@yahoo", both()));
    let effects = alice.does(Input::Closed(session));
    assert_eq!(done(&effects), (0, 0));
    let again = delivery(LAPTOP, effects);
    assert_eq!(done(&alice.does(settles(LAPTOP, again, true))), (1, 1));
}

#[test]
fn what_is_held_or_not_shown_yet_when_all_is_forgotten_is_only_shown() {
    let mut alice = alice([friend("bob@yahoo"), friend("al@jabber")]);
    let given = delivery(LAPTOP, runs_to(&mut alice, "bob@yahoo", both()));
    let held = runs(&alice.hears("bob@yahoo", text("hi"), 2)).unwrap();
    alice.says(LAPTOP, "crosstalk@gateway", text("/forget everything"));
    let later = delivery(LAPTOP, alice.does(Input::Flowed(held, with_actions(both()))));
    for (delivery, answer) in [(given, 1), (later, 2)] {
        let effects = alice.does(Input::Settled { session: LAPTOP, delivery, shown: true });
        assert_eq!((answers(&effects), done(&effects)), (vec![(answer, Ok(()))], (0, 0)));
    }
    assert_eq!(done(&flows(&mut alice, "bob@yahoo", both())), (1, 1), "what comes after that");
}

#[test]
fn a_command_about_somebody_is_said_to_nobody() {
    let mut alice = alice([friend("bob@yahoo")]);
    alice.opens(PHONE, "phone");
    let effects = alice.says(LAPTOP, "bob@yahoo", text("/translate de"));
    assert!(posts(&effects).is_empty());
    let saved = effects.iter().find_map(|effect| match effect {
        Effect::Save(roster) => Some(roster.settings().to_vec()),
        _ => None,
    });
    assert_eq!(saved, Some(vec!["bob@yahoo".into()]));
    let note = Body::Text { text: "[in German]".into(), auto: true };
    assert_eq!(bodies(effects), [note]);
    assert_eq!(posts(&alice.says(LAPTOP, "bob@yahoo", text("/translate x"))).len(), 1);
    let auto = Body::Text { text: "/translate de".into(), auto: true };
    assert_eq!(posts(&alice.says(LAPTOP, "bob@yahoo", auto)).len(), 1);
}
