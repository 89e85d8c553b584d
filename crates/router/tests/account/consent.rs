//! Consent, and who may ask for it.

use std::time::Duration;

use crosstalk_core::{Body, Consent, Contact, Failure, RosterEdit, Subscription};
use crosstalk_router::{Count, Effect, Input, Mail};

use crate::driven::{Driven, LAPTOP, THERE, address, answers, friend, mail_to, posts};

fn ask(alice: &mut Driven, name: &str) -> Vec<Effect<u32>> {
    alice.hears(name, Body::Contact(Consent::Request("hi".into())), 1)
}

/// The last state in which a contact is shown.
fn changed(effects: Vec<Effect<u32>>) -> Contact {
    let changed = |mail| match mail {
        Mail::Changed(contact) => Some(contact),
        _ => None,
    };
    mail_to(LAPTOP, effects).into_iter().filter_map(changed).next_back().unwrap()
}

#[test]
fn a_request_waits_for_the_answer_and_the_answer_is_said() {
    let mut alice = Driven::with([]);
    let effects = ask(&mut alice, "bob@yahoo");
    assert_eq!(answers(&effects), [(1, Ok(()))]);
    let asked = |mail: &Mail| matches!(mail, Mail::Deliver(e, None) if matches!(e.body, Body::Contact(Consent::Request(_))));
    assert!(mail_to(LAPTOP, effects).iter().any(asked));
    let effects = alice.says(LAPTOP, "bob@yahoo", Body::Contact(Consent::Grant));
    assert_eq!(posts(&effects)[0].1, Body::Contact(Consent::Grant));
    assert_eq!(changed(effects).from, Subscription::Granted);
    // Who missed the answer is told again.
    let effects = ask(&mut alice, "bob@yahoo");
    assert_eq!(posts(&effects)[0].1, Body::Contact(Consent::Grant));
}

#[test]
fn who_is_taken_off_the_list_is_told_that_all_is_over() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let edit = RosterEdit::Remove(address("bob@yahoo"));
    let effects = alice.does(Input::Event(LAPTOP, crosstalk_core::Event::Roster(edit)));
    assert_eq!(said(&effects), [Consent::Cancel, Consent::Revoke].map(Body::Contact));
    assert!(changed(effects).is_empty());
}

#[test]
fn strangers_of_one_domain_ask_no_more_than_its_share() {
    let mut alice = Driven::with([]);
    let mut taken = 0;
    for n in 0..30 {
        let effects = ask(&mut alice, &format!("u{n}@h{n}.evil.example@jabber"));
        taken += usize::from(answers(&effects) == [(1, Ok(()))]);
    }
    assert_eq!(taken, 10);
    for domain in 0..9 {
        for n in 0..10 {
            ask(&mut alice, &format!("u{n}@d{domain}.example@jabber"));
        }
    }
    let effects = ask(&mut alice, "bob@yahoo");
    assert_eq!(answers(&effects), [(1, Ok(()))]);
    assert!(effects.iter().any(|e| matches!(e, Effect::Count(Count::Requests))));
}

#[test]
fn a_blocked_person_cannot_be_asked_and_names_nobody_has_are_refused() {
    let mut alice = Driven::with([Contact { blocked: true, ..friend("bob@yahoo") }]);
    for (name, why) in [("bob@yahoo", Failure::Refused), ("bob@nowhere", Failure::NoSuchUser)] {
        let effects = alice.says(LAPTOP, name, Body::Contact(Consent::Request("please".into())));
        let told = mail_to(LAPTOP, effects).into_iter().find_map(|mail| match mail {
            Mail::Deliver(envelope, Some(_)) => Some(envelope.body),
            _ => None,
        });
        assert!(matches!(told, Some(Body::Undelivered { why: w, .. }) if w == why), "{told:?}");
    }
}

#[test]
fn a_request_that_waits_for_another_try_is_said_once() {
    let (mut alice, request) = with_failed_request();
    let effects = alice.does(Input::Arrived(address("bob@yahoo"), THERE));
    assert!(posts(&effects).is_empty(), "{effects:?}");
    assert_eq!(said(&alice.waits(Duration::from_secs(3))), [request]);
    assert!(said(&alice.waits(Duration::from_mins(1))).is_empty());
}

#[test]
fn a_new_request_takes_the_place_of_one_that_waits_for_another_try() {
    let (mut alice, _) = with_failed_request();
    let anew = Body::Contact(Consent::Request("it is me, from work".into()));
    assert_eq!(said(&alice.says(LAPTOP, "bob@yahoo", anew.clone())), [anew]);
    assert!(said(&alice.waits(Duration::from_mins(1))).is_empty());
}

/// Alice, whose request to Bob has just failed on the way.
fn with_failed_request() -> (Driven, Body) {
    let (to, from) = (Subscription::Asked("hi".into()), Subscription::None);
    let mut alice = Driven::with([Contact { to, from, ..friend("bob@yahoo") }]);
    let effects = alice.does(Input::Arrived(address("bob@yahoo"), THERE));
    let [(ticket, request)] = &posts(&effects)[..] else { panic!("{effects:?}") };
    alice.does(Input::Sent(*ticket, Err(Failure::Unreachable)));
    (alice, request.clone())
}

fn said(effects: &[Effect<u32>]) -> Vec<Body> {
    posts(effects).into_iter().map(|(_, body)| body).collect()
}
