//! Tests of deliveries: the outcome of what sessions are given.

use std::time::Duration;

use crosstalk_core::{Body, Failure};
use crosstalk_router::{Count, Effect, Input};

use crate::driven::{
    Driven, LAPTOP, PHONE, address, answers, delivered, delivery, friend, mail_to, text,
};

/// Alice with a laptop and a phone that take texts, and something said to both.
fn given_to_both() -> (Driven, crosstalk_router::Ticket) {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    alice.opens(PHONE, "phone");
    alice.does(Input::Takes(PHONE, true));
    let effects = alice.hears("bob@yahoo", text("hi"), 1);
    let delivery = delivery(PHONE, effects);
    (alice, delivery)
}

#[test]
fn one_session_is_enough() {
    let (mut alice, delivery) = given_to_both();
    let effects = alice.does(Input::Settled { session: LAPTOP, delivery, shown: true });
    assert_eq!(answers(&effects), [(1, Ok(()))]);
    assert!(effects.iter().any(|e| matches!(e, Effect::Count(Count::Delivered))));
    let effects = alice.does(Input::Settled { session: PHONE, delivery, shown: false });
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(alice.account.deadline(), None, "nothing is waited for any more");
}

#[test]
fn one_that_every_session_dropped_has_failed() {
    let (mut alice, delivery) = given_to_both();
    let effects = alice.does(Input::Settled { session: LAPTOP, delivery, shown: false });
    assert!(answers(&effects).is_empty());
    let effects = alice.does(Input::Closed(PHONE));
    assert_eq!(answers(&effects), [(1, Err(Failure::Offline))]);
}

#[test]
fn one_that_fits_into_no_mailbox_is_not_kept_here() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let effects = alice.hears("bob@yahoo", text("hi"), 1);
    let mail = mail_to(LAPTOP, effects).remove(0);
    let effects = alice.does(Input::Returned(LAPTOP, mail));
    assert_eq!(answers(&effects), [(1, Err(Failure::Busy))]);
    assert!(effects.iter().any(|e| matches!(e, Effect::Count(Count::Mailbox))));
}

#[test]
fn one_that_no_session_began_with_in_time_is_withdrawn() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let effects = alice.hears("bob@yahoo", text("hi"), 1);
    let mail = mail_to(LAPTOP, effects).remove(0);
    assert!(alice.waits(Duration::from_secs(7)).is_empty());
    let effects = alice.waits(Duration::from_secs(2));
    assert!(matches!(&effects[..], [Effect::Withdraw { from, .. }] if from == &[LAPTOP]));
    let effects = alice.does(Input::Returned(LAPTOP, mail));
    assert_eq!(answers(&effects), [(1, Err(Failure::Busy))]);
}

#[test]
fn a_session_that_has_begun_is_waited_for() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let effects = alice.hears("bob@yahoo", text("hi"), 1);
    let delivery = delivery(LAPTOP, effects);
    // The driver finds it in no mailbox, and nothing is returned.
    alice.waits(Duration::from_mins(1));
    let effects = alice.does(Input::Settled { session: LAPTOP, delivery, shown: true });
    assert_eq!(answers(&effects), [(1, Ok(()))]);
}

#[test]
fn who_is_blocked_is_not_heard_and_who_pretends_to_be_the_gateway_neither() {
    let mut alice =
        Driven::with([crosstalk_core::Contact { blocked: true, ..friend("bob@yahoo") }]);
    let effects = alice.hears("bob@yahoo", text("hi"), 1);
    assert_eq!(answers(&effects), [(1, Err(Failure::Blocked))]);
    let effects = alice.hears("crosstalk@gateway", text("hi"), 2);
    assert_eq!(answers(&effects), [(2, Err(Failure::Refused))]);
}

/// Alice, whose message to nobody fails, with the report that her laptop is given.
fn reported() -> (Driven, Vec<Effect<u32>>) {
    let mut alice = Driven::with([]);
    let effects = alice.says(LAPTOP, "bob@nowhere", text("hi"));
    (alice, effects)
}

#[test]
fn a_report_is_owed_until_a_client_has_it() {
    let (mut alice, effects) = reported();
    let report = delivery(LAPTOP, effects);
    let effects = alice.does(Input::Settled { session: LAPTOP, delivery: report, shown: true });
    assert!(effects.is_empty(), "{effects:?}");

    let (mut alice, effects) = reported();
    assert!(!delivered(LAPTOP, effects).is_empty());
    let effects = alice.does(Input::Closed(LAPTOP));
    let owed = |e: &Effect<u32>| match e {
        Effect::Report { to, why, .. } => Some((to.clone(), *why)),
        _ => None,
    };
    let owed_for = (address("bob@nowhere"), Failure::NoSuchUser);
    assert_eq!(effects.iter().find_map(owed), Some(owed_for.clone()));

    let (mut alice, effects) = reported();
    let mail = mail_to(LAPTOP, effects).remove(0);
    let effects = alice.does(Input::Returned(LAPTOP, mail));
    assert_eq!(effects.iter().find_map(owed), Some(owed_for));
}

#[test]
fn a_report_from_elsewhere_is_for_a_client_that_takes_it() {
    let mut alice = Driven::with([]);
    let (of, to) = (crosstalk_core::EnvelopeId(5), address("bob@yahoo"));
    let report = |answer| Input::Report {
        from: crate::driven::HERE,
        of,
        to: to.clone(),
        why: Failure::Expired,
        answer,
    };
    alice.does(Input::Takes(LAPTOP, false));
    assert_eq!(answers(&alice.does(report(1))), [(1, Err(Failure::Offline))]);
    alice.does(Input::Takes(LAPTOP, true));
    let delivered = delivered(LAPTOP, alice.does(report(2)));
    let told = Body::Undelivered { of, why: Failure::Expired };
    assert_eq!(delivered.into_iter().map(|(body, _)| body).collect::<Vec<_>>(), [told]);
}
