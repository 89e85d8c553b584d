//! People whose clients have a connection for each conversation.

use bench::{Person, alone, converse, sign_in};
use crosstalk_core::{Body, Envelope, Failure, Typing};
use crosstalk_gateway::mail::{DeliveryReceipt, Mail};
use crosstalk_gateway::router::Router;

use crate::bench;

/// Mary, who is ready to talk, and Bob.
async fn mary_and_bob(router: &Router) -> [Person; 2] {
    let mut mary = sign_in(router, "mary@aol");
    mary.gets_roster().await;
    let mut bob = sign_in(router, "bob@yahoo");
    bob.gets_roster().await;
    [mary, bob]
}

/// The next text of the person's mail, still to be confirmed.
async fn text(person: &mut Person) -> (Envelope, DeliveryReceipt) {
    loop {
        match *person.mail.recv().await.unwrap() {
            Mail::Deliver(envelope, handed) if matches!(envelope.body, Body::Text { .. }) => {
                return (envelope, handed);
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn who_a_conversation_is_with_is_heard_there_and_nowhere_else() {
    let gateway = alone();
    let [mut mary, mut bob] = mary_and_bob(&gateway.router).await;
    let mut carol = sign_in(&gateway.router, "carol@yahoo");
    carol.gets_roster().await;
    let mut talk = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    bob.says("mary@aol", "hi");
    assert_eq!(talk.reads("bob@yahoo").await, "hi");
    carol.says("mary@aol", "hello");
    assert_eq!(mary.reads("carol@yahoo").await, "hello");
    mary.hears_nothing_of("bob@yahoo").await;
    talk.handle.converse_with(vec![bench::address("carol@yahoo")]);
    bob.says("mary@aol", "where are you?");
    assert_eq!(mary.reads("bob@yahoo").await, "where are you?");
    carol.sends("mary@aol", Body::Typing(Typing::Active));
    talk.hears("carol@yahoo", |b| matches!(b, Body::Typing(_)).then_some(())).await;
    drop(talk);
    carol.says("mary@aol", "still there?");
    assert_eq!(mary.reads("carol@yahoo").await, "still there?");
}

#[tokio::test]
async fn of_two_conversations_with_somebody_the_newer_hears_and_both_can_speak() {
    let gateway = alone();
    let [_mary, mut bob] = mary_and_bob(&gateway.router).await;
    let mut old = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    let mut new = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    bob.says("mary@aol", "one");
    assert_eq!(new.reads("bob@yahoo").await, "one");
    old.says("bob@yahoo", "two");
    assert_eq!(bob.reads("mary@aol").await, "two");
    drop(new);
    bob.says("mary@aol", "three");
    assert_eq!(old.reads("bob@yahoo").await, "three");
}

#[tokio::test]
async fn a_conversation_hears_what_became_of_what_was_said_in_it() {
    let gateway = alone();
    let [_mary, mut bob] = mary_and_bob(&gateway.router).await;
    let mut talk = converse(&gateway.router, "mary@aol", &["bob@yahoo", "nobody@yahoo"]);
    let lost = talk.says("nobody@yahoo", "hello?");
    assert_eq!(talk.fails(lost).await, Failure::Offline);
    let sent = talk.says("bob@yahoo", "hello");
    bob.reads("mary@aol").await;
    talk.gets(|mail| matches!(mail, Mail::Delivered(id) if *id == sent).then_some(())).await;
}

#[tokio::test]
async fn what_waits_for_a_conversation_is_delivered_there() {
    let gateway = alone();
    let [mut mary, mut bob] = mary_and_bob(&gateway.router).await;
    bob.says("mary@aol", "one");
    bob.says("mary@aol", "two");
    let (envelope, handed) = text(&mut mary).await;
    mary.handle.defer(envelope, handed);
    let mut talk = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    assert_eq!(talk.reads("bob@yahoo").await, "one");
    assert_eq!(talk.reads("bob@yahoo").await, "two");
    bob.hears_nothing_of("mary@aol").await;
    // One that reaches the session while the conversation opens.
    let (envelope, handed) = {
        drop(talk);
        bob.says("mary@aol", "three");
        text(&mut mary).await
    };
    let mut talk = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    mary.handle.defer(envelope, handed);
    assert_eq!(talk.reads("bob@yahoo").await, "three");
}

#[tokio::test]
async fn what_a_conversation_did_not_take_is_for_its_session() {
    let gateway = alone();
    let [mut mary, mut bob] = mary_and_bob(&gateway.router).await;
    let mut talk = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    bob.says("mary@aol", "one");
    // It ends with it.
    let (_, handed) = text(&mut talk).await;
    drop(talk);
    drop(handed);
    assert_eq!(mary.reads("bob@yahoo").await, "one");
    let mut talk = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    bob.says("mary@aol", "two");
    let (envelope, handed) = text(&mut talk).await;
    talk.handle.defer(envelope, handed);
    assert_eq!(mary.reads("bob@yahoo").await, "two", "it is given back");
    bob.hears_nothing_of("mary@aol").await;
}

#[tokio::test]
async fn what_two_sessions_hold_is_delivered_once() {
    let gateway = alone();
    let [mary, mut bob] = mary_and_bob(&gateway.router).await;
    let mut twins = [mary, sign_in(&gateway.router, "mary@aol")];
    twins[1].gets_roster().await;
    bob.says("mary@aol", "one");
    for mary in &mut twins {
        let (envelope, handed) = text(mary).await;
        mary.handle.defer(envelope, handed);
    }
    let mut talk = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    assert_eq!(talk.reads("bob@yahoo").await, "one");
    talk.hears_nothing_of("bob@yahoo").await;
}

#[tokio::test]
async fn what_waits_in_vain_is_reported() {
    let gateway = alone();
    let [mut mary, mut bob] = mary_and_bob(&gateway.router).await;
    let unanswered = bob.says("mary@aol", "one");
    let (envelope, handed) = text(&mut mary).await;
    mary.handle.defer(envelope, handed);
    assert_eq!(bob.fails(unanswered).await, Failure::Offline, "after some seconds");
    let left = bob.says("mary@aol", "two");
    let (envelope, handed) = text(&mut mary).await;
    mary.handle.defer(envelope, handed);
    drop(mary);
    assert_eq!(bob.fails(left).await, Failure::Offline, "at once");
    let mut talk = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    talk.hears_nothing_of("bob@yahoo").await;
}

#[tokio::test]
async fn a_conversation_speaks_when_its_owner_signs_on_again_and_hears_no_more() {
    let gateway = alone();
    let [mary, mut bob] = mary_and_bob(&gateway.router).await;
    let mut talk = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    talk.says("bob@yahoo", "one");
    assert_eq!(bob.reads("mary@aol").await, "one");
    drop(mary);
    let lost = talk.says("bob@yahoo", "nobody says this");
    assert_eq!(talk.fails(lost).await, Failure::Offline);
    let mut mary = sign_in(&gateway.router, "mary@aol");
    mary.gets_roster().await;
    talk.says("bob@yahoo", "two");
    assert_eq!(bob.reads("mary@aol").await, "two");
    // It may be one of a network that failed.
    bob.says("mary@aol", "three");
    assert_eq!(mary.reads("bob@yahoo").await, "three");
    let mut new = converse(&gateway.router, "mary@aol", &["bob@yahoo"]);
    bob.says("mary@aol", "four");
    assert_eq!(new.reads("bob@yahoo").await, "four");
    drop((mary, talk, new, bob));
    gateway.router.drained().await;
}
