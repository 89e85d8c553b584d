//! Conversations with connections of their own, and what waits for them.

use std::time::Duration;

use crosstalk_core::{Body, Envelope, Failure, Roster};
use crosstalk_router::{Effect, Fate, Input, Mail, SessionId, Ticket};

use crate::driven::{
    Driven, LAPTOP, address, answers, delivered, delivery, friend, mail_to, posts, text,
};

const TALK: SessionId = SessionId(7);

fn converses(alice: &mut Driven, with: &str) -> Vec<Effect<u32>> {
    let (session, endpoint) = (TALK, "laptop".into());
    alice.does(Input::Converses { session, endpoint, with: vec![address(with)] })
}

/// Something of Bob that the laptop was given.
fn said(effects: Vec<Effect<u32>>) -> (Envelope, Ticket) {
    let said = |mail| match mail {
        Mail::Deliver(envelope, Some(ticket)) => Some((envelope, ticket)),
        _ => None,
    };
    mail_to(LAPTOP, effects).into_iter().find_map(said).unwrap()
}

fn defers(alice: &mut Driven, answer: u32) -> (Vec<Effect<u32>>, Ticket) {
    let (envelope, ticket) = said(alice.hears("bob@yahoo", text("hi"), answer));
    let (session, delivery) = (LAPTOP, Some(ticket));
    (alice.does(Input::Deferred { session, envelope, delivery }), ticket)
}

#[test]
fn what_waits_for_a_conversation_is_given_to_it() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    let (_, ticket) = defers(&mut alice, 1);
    let effects = converses(&mut alice, "bob@yahoo");
    assert_eq!(delivery(TALK, effects), ticket);
    let effects = alice.does(Input::Settled { session: TALK, delivery: ticket, shown: true });
    assert_eq!(answers(&effects), [(1, Ok(()))]);
    // From now on it hears him, and the session does not.
    let effects = alice.hears("bob@yahoo", text("and?"), 2);
    assert!(matches!(&effects[..], [Effect::Mail(TALK, _)]), "{effects:?}");
}

#[test]
fn what_waits_in_vain_is_given_up() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    defers(&mut alice, 1);
    assert!(answers(&alice.waits(Duration::from_secs(6))).is_empty());
    assert_eq!(answers(&alice.waits(Duration::from_secs(2))), [(1, Err(Failure::Offline))]);
    assert_eq!(alice.account.deadline(), None);
    defers(&mut alice, 2);
    assert_eq!(answers(&alice.does(Input::Closed(LAPTOP))), [(2, Err(Failure::Offline))]);
}

#[test]
fn what_a_conversation_did_not_show_goes_to_the_session() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    converses(&mut alice, "bob@yahoo");
    let effects = alice.hears("bob@yahoo", text("hi"), 1);
    delivery(TALK, effects);
    let effects = alice.does(Input::Closed(TALK));
    assert!(answers(&effects).is_empty());
    let ticket = delivery(LAPTOP, effects);
    let effects = alice.does(Input::Settled { session: LAPTOP, delivery: ticket, shown: true });
    assert_eq!(answers(&effects), [(1, Ok(()))]);
}

#[test]
fn a_conversation_hears_what_became_of_what_was_said_in_it() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    converses(&mut alice, "bob@yahoo");
    let (ticket, _) = posts(&alice.says(TALK, "bob@yahoo", text("hi"))).remove(0);
    let effects = alice.does(Input::Sent(ticket, Ok(Fate::Delivered)));
    assert!(matches!(mail_to(TALK, effects)[..], [Mail::Delivered(_)]));
    let (ticket, _) = posts(&alice.says(TALK, "bob@yahoo", text("hi"))).remove(0);
    let effects = alice.does(Input::Sent(ticket, Err(Failure::Offline)));
    let told = delivered(TALK, effects);
    assert!(matches!(told[..], [(Body::Undelivered { .. }, Some(_))]), "{told:?}");
}

#[test]
fn a_conversation_outlives_its_session_and_hears_no_more() {
    let mut alice = Driven::with([friend("bob@yahoo")]);
    converses(&mut alice, "bob@yahoo");
    alice.does(Input::Closed(LAPTOP));
    assert!(!alice.account.is_over(), "its owner may sign on again");
    let told = delivered(TALK, alice.says(TALK, "bob@yahoo", text("hi")));
    let is_offline = |body: &Body| matches!(body, Body::Undelivered { why: Failure::Offline, .. });
    assert!(is_offline(&told[0].0), "{told:?}");
    alice.opens(LAPTOP, "laptop");
    alice.does(Input::Loaded(Roster::default()));
    alice.does(Input::Takes(LAPTOP, true));
    delivery(LAPTOP, alice.hears("bob@yahoo", text("hi"), 1));
}
