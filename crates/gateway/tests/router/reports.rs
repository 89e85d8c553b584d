//! Reports to senders about messages that were not delivered.

use bench::{Person, alone, befriend, pair, sign_in};
use crosstalk_core::{Body, EnvelopeId, Failure};
use crosstalk_gateway::mail::Mail;

use crate::bench;

#[tokio::test]
async fn a_report_waits_for_its_sender_to_come_back() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    alice.gets_roster().await;
    let lost: Vec<_> = (0..40).map(|i| alice.says("nobody@yahoo", &format!("line {i}"))).collect();
    drop(alice);
    // A client that takes no texts hears of nothing that it did not say itself.
    let mut script = sign_in(&pair.left, "alice@aol");
    script.handle.takes_texts(false);
    script.hears_nothing_of("nobody@yahoo").await;
    let mut alice = sign_in(&pair.right, "alice@aol");
    let mut reported = Vec::new();
    while reported.len() < lost.len() {
        reported.push(alice.hears("nobody@yahoo", undelivered).await);
    }
    reported.sort_unstable();
    assert_eq!(reported, lost);
    pair.keeps_left(0).await;
}

fn undelivered(body: &Body) -> Option<EnvelopeId> {
    match body {
        Body::Undelivered { of, why: Failure::Offline | Failure::Unreachable } => Some(*of),
        _ => None,
    }
}

#[tokio::test]
async fn a_report_that_a_session_did_not_get_comes_to_the_next() {
    let gateway = alone();
    let mut alice = sign_in(&gateway.router, "alice@aol");
    alice.gets_roster().await;
    let lost = alice.says("nobody@yahoo", "hello");
    let report = loop {
        if let Mail::Deliver(envelope, handed) = *alice.mail.recv().await.unwrap()
            && let Some(of) = undelivered(&envelope.body)
        {
            break (of, handed);
        }
    };
    assert_eq!(report.0, lost);
    drop((alice, report));
    let mut alice = sign_in(&gateway.router, "alice@aol");
    assert_eq!(alice.fails(lost).await, Failure::Offline);
    alice.hears_nothing_of("nobody@yahoo").await;
}

#[tokio::test]
async fn what_is_said_before_the_list_is_known_is_delivered_or_reported() {
    let gateway = alone();
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    bob.gets_roster().await;
    // Whatever becomes of it, one of the two hears of each.
    let mut said: Vec<_> = Vec::new();
    for i in 0..10 {
        let mut alice = sign_in(&gateway.router, "alice@aol");
        said.push(alice.says("bob@yahoo", &format!("line {i}")));
    }
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let heard = |all: Vec<String>, what: &str| all.iter().filter(|m| m.contains(what)).count();
    let shown = heard(bob.everything().await, "Text");
    let reported = heard(alice.everything().await, "Undelivered");
    assert_eq!(shown + reported, said.len(), "{shown} shown, {reported} reported");
}

#[tokio::test]
async fn what_an_engine_reports_waits_too() {
    let gateway = alone();
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    let of = EnvelopeId(77);
    alice.handle.takes_texts(false);
    bob.sends("alice@aol", Body::Undelivered { of, why: Failure::Refused });
    nothing(&mut alice).await;
    alice.handle.takes_texts(true);
    assert_eq!(alice.fails(of).await, Failure::Refused);
}

async fn nothing(person: &mut Person) {
    let all = person.everything().await;
    assert!(!all.iter().any(|m| m.contains("Undelivered")), "{all:?}");
}
