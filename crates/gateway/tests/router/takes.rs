//! Sessions whose clients do not take what people say, or not yet.

use bench::{Person, address, alone, among, befriend, pair, sign_in};
use crosstalk_core::{Address, Availability, Body, Envelope, EnvelopeId, Typing, UnixMillis};
use crosstalk_gateway::mail::Mail;
use crosstalk_overlay::{Inbound, Message};

use crate::bench;

/// Messages from `name` that come until it is quiet, except for presence.
async fn said_by(person: &mut Person, name: &str) -> Vec<String> {
    let all = person.everything().await;
    let from = format!("from: {name}");
    all.into_iter().filter(|m| m.contains(&from) && !m.contains("body: Presence")).collect()
}

#[tokio::test]
async fn what_is_said_waits_until_a_client_takes_it() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    bob.handle.takes_texts(false);
    for i in 0..20 {
        alice.says("bob@yahoo", &format!("line {i}"));
    }
    pair.keeps_left(20).await;
    alice.sends("bob@yahoo", Body::Typing(Typing::Active));
    assert_eq!(said_by(&mut bob, "alice@aol").await, [""; 0], "also no typing");
    // One that signs on and is gone before it takes anything loses nothing.
    drop(sign_in_deaf(&pair.right, "bob@yahoo"));
    bob.handle.takes_texts(true);
    for i in 0..20 {
        assert_eq!(bob.reads("alice@aol").await, format!("line {i}"));
    }
    pair.keeps_left(0).await;
}

/// Signs `user` in with a client that takes nothing yet.
fn sign_in_deaf(router: &crosstalk_gateway::router::Router, user: &str) -> Person {
    let person = sign_in(router, user);
    person.handle.takes_texts(false);
    person
}

#[tokio::test]
async fn of_two_sessions_the_one_that_takes_texts_gets_them() {
    let gateway = alone();
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    let mut script = sign_in_deaf(&gateway.router, "bob@yahoo");
    alice.says("bob@yahoo", "hello");
    alice.sends("bob@yahoo", Body::Attention);
    assert_eq!(bob.reads("alice@aol").await, "hello");
    bob.hears("alice@aol", |b| (*b == Body::Attention).then_some(())).await;
    assert_eq!(said_by(&mut script, "alice@aol").await, [""; 0]);
}

#[tokio::test]
async fn a_session_that_takes_nothing_speaks_and_hears_what_became_of_it() {
    let gateway = alone();
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut script = sign_in_deaf(&gateway.router, "bob@yahoo");
    alice.gets_roster().await;
    script.says("alice@aol", "the backup is done");
    assert_eq!(alice.reads("bob@yahoo").await, "the backup is done");
    let lost = script.says("nobody@aol", "hello");
    assert_eq!(script.fails(lost).await, crosstalk_core::Failure::Offline);
    let control = Address::control().to_string();
    script.says(&control, "/who");
    assert!(!script.reads(&control).await.is_empty(), "who asks is answered");
    script.adds("alice@aol");
    alice.is_asked_by("bob@yahoo").await;
}

#[tokio::test]
async fn gateways_that_keep_something_hear_when_a_client_begins_to_take_it() {
    let (gateway, mut others) = among::<2>().await;
    let mut bob = sign_in_deaf(&gateway.router, "bob@yahoo");
    bob.gets_roster().await;
    let there = &mut others[0];
    let text = Envelope {
        id: EnvelopeId(1),
        from: address("alice@aol"),
        to: address("bob@yahoo"),
        sent_at: UnixMillis(0),
        body: Body::Text { text: "hello".into(), auto: false },
        details: None,
    };
    let tried = there.overlay.send(&gateway.overlay.id(), Message::Envelope(text)).await;
    assert_eq!(tried, Err(crosstalk_core::Failure::Offline));
    bob.handle.takes_texts(true);
    let told = async {
        loop {
            if let Some(Inbound::Message { message, answer, .. }) = there.inbound.recv().await {
                answer.give(Ok(()));
                if let Message::Presence { of, presence, to } = message {
                    return (of, presence.show, to);
                }
            }
        }
    };
    let told = tokio::time::timeout(bench::PATIENCE, told).await.unwrap();
    assert_eq!(told, (address("bob@yahoo"), Availability::Offline, Vec::new()));
}

#[tokio::test]
async fn what_a_mailbox_holds_when_a_client_stops_taking_it_is_not_lost() {
    let gateway = alone();
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    alice.says("bob@yahoo", "hello");
    let (envelope, handed) = loop {
        match *bob.mail.recv().await.unwrap() {
            Mail::Deliver(envelope, handed) if matches!(envelope.body, Body::Text { .. }) => {
                break (envelope, handed);
            }
            _ => {}
        }
    };
    bob.handle.takes_texts(false);
    drop((envelope, handed));
    bob.handle.takes_texts(true);
    assert_eq!(bob.reads("alice@aol").await, "hello");
}

#[tokio::test]
async fn of_somebody_who_is_there_nobody_hears_that_he_is_offline() {
    let gateway = alone();
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    alice.everything().await;
    alice.says("bob@yahoo", "hello");
    // His client goes away with it, and another one of his is there.
    let phone = sign_in(&gateway.router, "bob@yahoo");
    phone.handle.takes_texts(false);
    drop(bob);
    let notice = alice.reads("bob@yahoo").await;
    assert!(!notice.contains("offline") && notice.contains("later"), "{notice}");
}

#[tokio::test]
async fn what_a_stranger_says_while_somebody_signs_on_is_heard() {
    let gateway = alone();
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut bob = bench::sign_in_early(&gateway.router, "bob@yahoo");
    alice.says("bob@yahoo", "first");
    alice.says("bob@yahoo", "second");
    assert_eq!(said_by(&mut bob, "alice@aol").await, [""; 0], "his client takes nothing yet");
    bob.handle.takes_texts(true);
    for text in ["first", "second"] {
        assert_eq!(bob.reads("alice@aol").await, text);
    }
}
