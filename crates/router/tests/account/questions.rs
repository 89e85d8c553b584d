//! Questions to a person's gateway: who is answered, and what whoever is not can tell.

use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{
    Address, Availability, Body, Consent, Contact, Details, Envelope, EnvelopeId, Event, Failure,
    Outgoing, Presence, Question, RichText, Roster, RosterEdit, Stamp, Subscription,
};
use crosstalk_router::{
    Action, Effect, Full, Input, Mail, Message, RecordsRequest, Reply, Service, Settings, Ticket,
    View,
};

use crate::driven::{
    Driven, LAPTOP, PHONE, THERE, address, answers, delivered, friend, mail_to, posts, roster, text,
};

/// Knows `/city`, whose setting is all there is of settings.
struct City;

impl Service for City {
    fn answer(&self, text: &str, _: &View<'_>) -> Reply {
        let act = match text {
            "/forget" => Action::Records(RecordsRequest::Forget),
            place => Action::Settings(vec![place.into()]),
        };
        Reply { say: "Set.".into(), act: vec![act] }
    }

    fn in_words(&self, _: &Envelope, _: &str) -> Vec<RichText> {
        Vec::new()
    }

    fn kept(&self, _: &str, _: bool) -> RichText {
        RichText::default()
    }

    fn not_changed(&self, _: Full) -> RichText {
        "Not set.".into()
    }

    fn question(&self, text: &str) -> Option<Question> {
        (text == "/city").then(|| Question::new("city", "")).flatten()
    }

    fn shares(
        &self,
        question: &Question,
        _: &Address,
        settings: &[String],
    ) -> Result<Box<str>, Failure> {
        match (question.service(), settings) {
            ("city", [place]) => Ok(place.as_str().into()),
            ("city", _) => Err(Failure::Offline),
            _ => Err(Failure::Refused),
        }
    }

    fn unanswered(&self, question: &Question, name: &str, why: Failure) -> RichText {
        RichText::plain(format!("{} of {name}: {why:?}", question.service()))
    }
}

fn with_service(settings: &mut Settings) {
    settings.service = Arc::new(City);
}

/// Alice with these people on her list, and a place that is set.
fn alice(contacts: impl IntoIterator<Item = Contact>) -> Driven {
    let mut list = roster(contacts);
    list.put_settings(vec!["San Diego".into()], Stamp { millis: 2, writer: 9 });
    with(list)
}

fn with(list: Roster) -> Driven {
    let mut alice = Driven::set(with_service);
    alice.signs_on(list);
    alice
}

fn asks(alice: &mut Driven, by: &str, service: &str) -> Vec<Effect<u32>> {
    let question = Question::new(service, "").unwrap();
    alice.does(Input::Question { by: address(by), question, answer: 7 })
}

/// What is to be looked up for an answer.
fn looked_up(effects: &[Effect<u32>]) -> Option<(Ticket, String)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Ask { ticket, value, .. } => Some((*ticket, value.to_string())),
        _ => None,
    })
}

/// Words that a session is shown.
fn words(effects: Vec<Effect<u32>>) -> Vec<(String, bool)> {
    let words = |(body, _)| match body {
        Body::Text { text, auto } => Some((text.text().to_owned(), auto)),
        _ => None,
    };
    delivered(LAPTOP, effects).into_iter().filter_map(words).collect()
}

fn located(effects: &[Effect<u32>]) -> Ticket {
    let located = |effect: &Effect<u32>| match effect {
        Effect::Locate { ticket, .. } => Some(*ticket),
        _ => None,
    };
    effects.iter().find_map(located).unwrap()
}

#[test]
fn a_question_goes_to_one_gateway_and_to_no_conversation() {
    let mut alice = alice([friend("bob@yahoo")]);
    let effects = alice.says(LAPTOP, "bob@yahoo", text("/city"));
    assert!(posts(&effects).is_empty(), "{effects:?}");
    let elsewhere = crosstalk_router::GatewayKey([3; 32]);
    let effects = alice.does(Input::Located(located(&effects), vec![THERE, elsewhere]));
    let [Effect::Send { ticket, to: THERE, message: Message::Question { of, by, question } }] =
        &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!((of, by), (&address("bob@yahoo"), &address("alice@aol")));
    assert_eq!(question.service(), "city");
    // What is said next does not wait for it.
    assert_eq!(posts(&alice.says(LAPTOP, "bob@yahoo", text("and?"))).len(), 1);
    let effects = alice.does(Input::Sent(*ticket, Ok(crosstalk_router::Fate::Delivered)));
    assert!(words(effects).is_empty());
}

#[test]
fn why_there_is_no_answer_is_said_in_the_conversation() {
    let mut alice = alice([friend("bob@yahoo")]);
    let effects = alice.says(LAPTOP, "bob@yahoo", text("/city"));
    let effects = alice.does(Input::Located(located(&effects), Vec::new()));
    assert_eq!(words(effects), [("city of bob@yahoo.xt: Offline".into(), true)]);
    sees_bob(&mut alice);
    assert_eq!(refused(&mut alice), [("city of bob@yahoo.xt: Refused".into(), true)]);
}

#[test]
fn a_gateway_that_refuses_does_not_say_that_somebody_unseen_is_there() {
    let offline = [("city of bob@yahoo.xt: Offline".into(), true)];
    let mut alice = alice([friend("bob@yahoo")]);
    assert_eq!(refused(&mut alice), offline, "nobody said that Bob is online");
    let mut alice = with(roster([Contact { to: Subscription::None, ..friend("bob@yahoo") }]));
    sees_bob(&mut alice);
    assert_eq!(refused(&mut alice), offline, "Alice may not see Bob");
}

/// Bob's gateway says that Bob is online.
fn sees_bob(alice: &mut Driven) {
    let (of, presence) = (address("bob@yahoo"), Presence::available());
    alice.does(Input::Presence { of, at: THERE, presence });
}

/// What is read of a question that Bob's gateway refuses.
fn refused(alice: &mut Driven) -> Vec<(String, bool)> {
    let effects = alice.says(LAPTOP, "bob@yahoo", text("/city"));
    let effects = alice.does(Input::Located(located(&effects), vec![THERE]));
    let Some(Effect::Send { ticket, .. }) = effects.first() else { panic!("{effects:?}") };
    words(alice.does(Input::Sent(*ticket, Err(Failure::Refused))))
}

#[test]
fn the_other_sessions_are_shown_what_was_asked() {
    let mut alice = alice([friend("bob@yahoo")]);
    alice.opens(PHONE, "phone");
    let effects = alice.says(LAPTOP, "bob@yahoo", text("/city"));
    assert!(matches!(mail_to(PHONE, effects)[..], [Mail::Carbon(_)]));
}

#[test]
fn no_other_session_is_shown_what_its_client_wants_no_copy_of() {
    let mut alice = alice([friend("bob@yahoo")]);
    alice.opens(PHONE, "phone");
    for (id, to, said) in [(1, "bob@yahoo", "/city"), (2, "crosstalk@gateway", "San Diego")] {
        let details = Some(Box::new(Details { no_copy: true, ..Details::default() }));
        let (id, to) = (EnvelopeId(id), address(to));
        let outgoing = Outgoing { id, to, body: text(said), details };
        let mail = mail_to(PHONE, alice.does(Input::Event(LAPTOP, Event::Send(outgoing))));
        assert!(!mail.iter().any(|mail| matches!(mail, Mail::Carbon(_))), "{mail:?}");
    }
}

#[test]
fn a_friend_is_answered_in_the_persons_conversation() {
    let mut alice = alice([friend("bob@yahoo")]);
    let effects = asks(&mut alice, "bob@yahoo", "city");
    assert_eq!(answers(&effects), [(7, Ok(()))]);
    let (ticket, value) = looked_up(&effects).unwrap();
    assert_eq!(value, "San Diego");
    assert!(words(effects).is_empty(), "nobody here is shown that it was asked");
    let effects = alice.does(Input::Answered(ticket, "near San Diego".into()));
    let said = Body::Text { text: "near San Diego".into(), auto: true };
    assert_eq!(posts(&effects).into_iter().map(|(_, body)| body).collect::<Vec<_>>(), [said]);
    // It is answered once.
    assert!(alice.does(Input::Answered(ticket, "again".into())).is_empty());
}

#[test]
fn who_may_not_ask_cannot_tell_why() {
    let strangers = [
        ("nobody@yahoo", None),
        ("bob@yahoo", Some(Contact { blocked: true, ..friend("bob@yahoo") })),
        ("bob@yahoo", Some(Contact { from: Subscription::None, ..friend("bob@yahoo") })),
    ];
    for (who, contact) in strangers {
        let mut alice = alice(contact);
        // Not even whether the gateway knows the service, which it says of those who are there.
        for service in ["city", "cite"] {
            let effects = asks(&mut alice, who, service);
            assert_eq!((effects.len(), answers(&effects)), (1, vec![(7, Err(Failure::Offline))]));
        }
    }
    // Off, invisible, and gone.
    let mut alice = with(roster([friend("bob@yahoo")]));
    assert_eq!(answers(&asks(&mut alice, "bob@yahoo", "city")), [(7, Err(Failure::Offline))]);
    alice.says(LAPTOP, "crosstalk@gateway", text("San Diego"));
    alice.shows(LAPTOP, Availability::Offline);
    assert_eq!(answers(&asks(&mut alice, "bob@yahoo", "city")), [(7, Err(Failure::Offline))]);
    alice.shows(LAPTOP, Availability::Away);
    assert_eq!(answers(&asks(&mut alice, "bob@yahoo", "city")), [(7, Ok(()))]);
    assert_eq!(answers(&asks(&mut alice, "bob@yahoo", "cite")), [(7, Err(Failure::Refused))]);
    alice.does(Input::Closed(LAPTOP));
    assert_eq!(answers(&asks(&mut alice, "bob@yahoo", "city")), [(7, Err(Failure::Offline))]);
}

#[test]
fn consent_that_ends_while_the_answer_is_looked_up_ends_the_answer() {
    let mut alice = alice([friend("bob@yahoo")]);
    let (ticket, _) = looked_up(&asks(&mut alice, "bob@yahoo", "city")).unwrap();
    let edit = RosterEdit::Block(address("bob@yahoo"), true);
    alice.does(Input::Event(LAPTOP, Event::Roster(edit)));
    let effects = alice.does(Input::Answered(ticket, "near San Diego".into()));
    assert!(posts(&effects).is_empty(), "{effects:?}");
}

#[test]
fn what_is_set_is_saved_with_the_list() {
    let mut alice = with(roster([friend("bob@yahoo")]));
    let effects = alice.says(LAPTOP, "crosstalk@gateway", text("San Diego"));
    let saved = effects.iter().find_map(|effect| match effect {
        Effect::Save(roster) => Some(roster.settings().to_vec()),
        _ => None,
    });
    assert_eq!(saved, Some(vec!["San Diego".into()]));
    // Changed at another gateway.
    let mut elsewhere = Roster::default();
    elsewhere.put_settings(vec!["Rome".into()], Stamp { millis: u64::MAX / 2, writer: 5 });
    alice.does(Input::Merged);
    alice.does(Input::RosterChanged);
    alice.does(Input::Loaded(elsewhere));
    let (_, value) = looked_up(&asks(&mut alice, "bob@yahoo", "city")).unwrap();
    assert_eq!(value, "Rome");
}

#[test]
fn questions_have_a_rate_on_both_sides() {
    let mut alice = alice([friend("bob@yahoo"), friend("carol@jabber")]);
    let asked = |alice: &mut Driven| answers(&asks(alice, "bob@yahoo", "city"))[0].1;
    let results: Vec<_> = (0..20).map(|_| asked(&mut alice)).collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 10);
    assert_eq!(results[19], Err(Failure::Busy));
    alice.waits(Duration::from_mins(1));
    assert_eq!(asked(&mut alice), Ok(()));
    let mut busy = 0;
    for _ in 0..20 {
        let effects = alice.says(LAPTOP, "carol@jabber", text("/city"));
        busy += words(effects).len();
    }
    assert_eq!(busy, 10);
}

#[test]
fn questions_that_take_long_do_not_hold_up_presence() {
    let mut alice = alice([friend("bob@yahoo"), friend("carol@jabber")]);
    for _ in 0..10 {
        assert!(looked_up(&asks(&mut alice, "bob@yahoo", "city")).is_some());
        located(&alice.says(LAPTOP, "bob@yahoo", text("/city")));
    }
    let effects = alice.does(Input::Arrived(address("carol@jabber"), THERE));
    let is_probe = |effect: &Effect<u32>| match effect {
        Effect::Send { message: Message::Probe { of, .. }, .. } => *of == address("carol@jabber"),
        _ => false,
    };
    assert!(effects.iter().any(is_probe), "{effects:?}");
}

#[test]
fn steps_of_consent_and_automatic_texts_are_no_questions() {
    let mut alice = alice([friend("bob@yahoo")]);
    let auto = Body::Text { text: "/city".into(), auto: true };
    assert_eq!(posts(&alice.says(LAPTOP, "bob@yahoo", auto)).len(), 1);
    let request = Body::Contact(Consent::Request("/city".into()));
    let effects = alice.says(LAPTOP, "carol@jabber", request);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Locate { .. })));
}

#[test]
fn what_became_of_a_request_about_what_is_stored_is_said_once_by_the_control_contact() {
    let mut alice = alice([friend("bob@yahoo")]);
    let requested = |effects: &[Effect<u32>]| {
        effects.iter().find_map(|effect| match effect {
            Effect::Records { ticket, request, newest } => Some((*ticket, *request, *newest)),
            _ => None,
        })
    };
    assert_eq!(requested(&alice.says(LAPTOP, "crosstalk@gateway", text("Rome"))), None);
    let effects = alice.says(LAPTOP, "crosstalk@gateway", text("/forget"));
    let (ticket, request, newest) = requested(&effects).unwrap();
    assert_eq!(request, RecordsRequest::Forget);
    assert!(newest.millis > 2, "as new as what was set, which is not stored yet");
    let mut heard = |ticket, words: &[&str]| -> Vec<String> {
        let words = words.iter().map(|words| RichText::plain(*words)).collect();
        let effects = alice.does(Input::Records(ticket, words));
        effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Mail(LAPTOP, Mail::Deliver(envelope, _)) => match &envelope.body {
                    Body::Text { text, .. } if envelope.from.is_control() => {
                        Some(text.text().into())
                    }
                    _ => None,
                },
                _ => None,
            })
            .collect()
    };
    assert_eq!(heard(ticket, &["Forgotten.", "That is all."]), ["Forgotten.", "That is all."]);
    assert!(heard(ticket, &["Forgotten."]).is_empty(), "what nobody waits for");
}
