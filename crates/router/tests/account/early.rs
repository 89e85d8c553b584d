//! Tests of messages to somebody who just signs on.

use std::time::Duration;

use crosstalk_core::{Body, Failure, Roster, Typing};
use crosstalk_router::Input;

use crate::driven::{Driven, LAPTOP, answers, delivered, text};

/// Alice has signed in, and her client takes nothing yet.
fn arriving() -> Driven {
    let mut alice = Driven::new();
    alice.opens(LAPTOP, "laptop");
    alice
}

#[test]
fn it_waits_for_the_client_and_comes_at_once_in_order() {
    let mut alice = arriving();
    assert!(answers(&alice.hears("bob@yahoo", text("first"), 1)).is_empty());
    alice.does(Input::Loaded(Roster::default()));
    assert!(answers(&alice.hears("bob@yahoo", text("second"), 2)).is_empty());
    let heard = delivered(LAPTOP, alice.does(Input::Takes(LAPTOP, true)));
    let heard: Vec<_> = heard.into_iter().map(|(body, _)| body).collect();
    assert_eq!(heard, [text("first"), text("second")]);
}

#[test]
fn it_waits_for_the_list_too() {
    let mut alice = arriving();
    alice.does(Input::Takes(LAPTOP, true));
    // A client that is ready before the list is there is not about to become ready.
    let effects = alice.hears("bob@yahoo", text("first"), 1);
    assert_eq!(answers(&effects), [(1, Err(Failure::Offline))]);
}

#[test]
fn a_client_that_never_takes_it_is_not_there_after_some_seconds() {
    let mut alice = arriving();
    alice.does(Input::Loaded(Roster::default()));
    alice.hears("bob@yahoo", text("first"), 1);
    assert!(answers(&alice.waits(Duration::from_secs(4))).is_empty());
    let effects = alice.waits(Duration::from_secs(2));
    assert_eq!(answers(&effects), [(1, Err(Failure::Offline))]);
    assert_eq!(alice.account.deadline(), None);
}

#[test]
fn who_leaves_before_was_not_there() {
    let mut alice = arriving();
    alice.hears("bob@yahoo", text("first"), 1);
    let effects = alice.does(Input::Closed(LAPTOP));
    assert_eq!(answers(&effects), [(1, Err(Failure::Offline))]);
}

#[test]
fn typing_does_not_wait() {
    let mut alice = arriving();
    let effects = alice.hears("bob@yahoo", Body::Typing(Typing::Active), 1);
    assert_eq!(answers(&effects), [(1, Err(Failure::Offline))]);
}
