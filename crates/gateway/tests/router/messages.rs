use bench::{Person, address, alone, befriend, pair, sign_in};
use crosstalk_core::{Availability, Body, EnvelopeId, Failure, RosterEdit, Typing};
use crosstalk_gateway::mail::{MAILBOX, MAILBOX_BYTES, Mail};

use crate::bench;

/// Waits until the router has made up its mind about the person's list.
async fn ready(mut person: Person) -> Person {
    person.gets_roster().await;
    person
}

#[tokio::test]
async fn texts_typing_and_receipts_go_both_ways_in_order() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    for i in 0..40 {
        alice.says("bob@yahoo", &format!("line {i}"));
    }
    for i in 0..40 {
        assert_eq!(bob.reads("alice@aol").await, format!("line {i}"));
    }
    for body in [
        Body::Typing(Typing::Active),
        Body::Attention,
        Body::Receipt { of: EnvelopeId(1), displayed: true },
    ] {
        bob.sends("alice@aol", body.clone());
        alice.hears("bob@yahoo", |b| (*b == body).then_some(())).await;
    }
}

#[tokio::test]
async fn nothing_overtakes_what_was_said_before() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    for (router, name) in [(&pair.left, "carol@yahoo"), (&pair.right, "bob@yahoo")] {
        let mut bob = sign_in(router, name);
        befriend(&mut alice, &mut bob).await;
        for i in 0..20 {
            let said = [
                Body::Typing(Typing::Active),
                Body::Text { text: format!("text {i}").as_str().into(), auto: i % 2 == 1 },
                Body::Attention,
            ];
            for body in &said {
                alice.sends(name, body.clone());
            }
            for body in said {
                let next = bob.hears("alice@aol", |b| Some(b.clone())).await;
                assert_eq!(next, body, "round {i}");
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_delivered_is_reported() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    for (name, why) in [
        ("nobody@yahoo", Failure::Offline),
        ("bob@nowhere", Failure::NoSuchUser),
        ("alice@aol", Failure::Refused),
    ] {
        let lost = alice.says(name, "hello");
        assert_eq!(alice.fails(lost).await, why, "{name}");
    }
    alice.sends("nobody@yahoo", Body::Text { text: "I am away".into(), auto: true });
    alice.sends("nobody@yahoo", Body::Typing(Typing::Active));
    alice.hears_nothing_of("nobody@yahoo").await;
}

#[tokio::test]
async fn a_session_that_drops_a_message_did_not_take_it() {
    let gateway = alone();
    let router = &gateway.router;
    let mut alice = sign_in(router, "alice@aol");
    let mut bob = ready(sign_in(router, "bob@yahoo")).await;
    let lost = alice.says("bob@yahoo", "hello");
    let text = loop {
        match *bob.mail.recv().await.unwrap() {
            Mail::Deliver(envelope, handed) if matches!(envelope.body, Body::Text { .. }) => {
                break (envelope, handed);
            }
            _ => {}
        }
    };
    drop(text);
    assert_eq!(alice.fails(lost).await, Failure::Offline);
}

#[tokio::test]
async fn every_session_gets_texts_and_sees_own_ones_as_carbons() {
    let pair = pair().await;
    let mut alice = ready(sign_in(&pair.left, "alice@aol")).await;
    let mut elsewhere = ready(sign_in(&pair.left, "alice@aol")).await;
    let mut bob = ready(sign_in(&pair.right, "bob@yahoo")).await;
    bob.everything().await;
    alice.says("bob@yahoo", "hi");
    assert_eq!(bob.reads("alice@aol").await, "hi");
    let carbon = |mail: &Mail| match mail {
        Mail::Carbon(envelope) => Some(envelope.to.to_string()),
        _ => None,
    };
    assert_eq!(elsewhere.gets(carbon).await, "bob@yahoo");
    bob.says("alice@aol", "hi yourself");
    assert_eq!(alice.reads("bob@yahoo").await, "hi yourself");
    assert_eq!(elsewhere.reads("bob@yahoo").await, "hi yourself");
    assert!(!alice.everything().await.iter().any(|m| m.contains("Carbon")));
}

#[tokio::test]
async fn who_says_much_at_once_is_heard_more_slowly_and_loses_nothing() {
    let gateway = alone();
    let router = &gateway.router;
    let mut alice = ready(sign_in(router, "alice@aol")).await;
    let mut bob = ready(sign_in(router, "bob@yahoo")).await;
    for i in 0..200 {
        alice.says("bob@yahoo", &format!("line {i}"));
    }
    for i in 0..200 {
        assert_eq!(bob.reads("alice@aol").await, format!("line {i}"));
    }
    assert_eq!(alice.handle.pause(), None);
    for _ in 0..1000 {
        alice.says("bob@yahoo", "spam");
    }
    // 1,200 were said, where 500 may be at once and 50 more in each second.
    let pause = alice.handle.pause().unwrap();
    assert!((5..=14).contains(&pause.as_secs()), "{pause:?}");
    for _ in 0..1000 {
        assert_eq!(bob.reads("alice@aol").await, "spam");
    }
    assert!(!alice.everything().await.iter().any(|m| m.contains("Undelivered")));
}

#[tokio::test]
async fn who_says_long_texts_is_paused_before_there_is_no_room() {
    let gateway = alone();
    let router = &gateway.router;
    let mut alice = ready(sign_in(router, "alice@aol")).await;
    let mut bob = ready(sign_in(router, "bob@yahoo")).await;
    bob.everything().await;
    let long = "x".repeat(60_000);
    for _ in 0..40 {
        while let Some(pause) = alice.handle.pause() {
            tokio::time::sleep(pause).await;
            if !bob.mail.is_empty() {
                bob.reads("alice@aol").await;
            }
        }
        alice.says("bob@yahoo", &long);
    }
    alice.says("bob@yahoo", "done");
    while bob.reads("alice@aol").await != "done" {}
    assert!(!alice.everything().await.iter().any(|m| m.contains("Undelivered")));
}

#[tokio::test]
async fn what_a_client_adds_by_itself_leaves_room_for_what_is_said() {
    let gateway = alone();
    let mut alice = ready(sign_in(&gateway.router, "alice@aol")).await;
    let mut bob = ready(sign_in(&gateway.router, "bob@yahoo")).await;
    for n in 0..100 {
        alice.sends("bob@yahoo", Body::Receipt { of: EnvelopeId(n), displayed: true });
    }
    alice.says("bob@yahoo", "and this");
    assert_eq!(bob.reads("alice@aol").await, "and this");
}

#[tokio::test]
async fn a_mailbox_that_nobody_empties_stays_bounded() {
    let gateway = alone();
    let router = &gateway.router;
    let bob = ready(sign_in(router, "bob@yahoo")).await;
    let mut senders = Vec::new();
    for i in 0..MAILBOX + 10 {
        let mut sender = ready(sign_in(router, &format!("s{i}@aol"))).await;
        senders.push((sender.sends("bob@yahoo", Body::Attention), sender));
    }
    for (lost, sender) in &mut senders[MAILBOX..] {
        assert_eq!(sender.fails(*lost).await, Failure::Busy);
    }
    assert_eq!(bob.mail.len(), MAILBOX);
    assert!(router.snapshot().drops.mailbox > 0);
}

#[tokio::test]
async fn a_mailbox_is_bounded_by_bytes_and_takes_more_once_it_is_read() {
    let gateway = alone();
    let router = &gateway.router;
    let mut bob = ready(sign_in(router, "bob@yahoo")).await;
    bob.everything().await;
    let long = "x".repeat(60_000);
    let mut lost = 0;
    for i in 0..20 {
        let mut sender = ready(sign_in(router, &format!("s{i}@aol"))).await;
        sender.says("bob@yahoo", &long);
        lost += sender.everything().await.iter().filter(|m| m.contains("Busy")).count();
    }
    let letters = MAILBOX_BYTES / long.len() + 1;
    assert_eq!((bob.mail.len(), lost), (letters, 20 - letters));
    for i in 0..letters {
        assert_eq!(bob.reads(&format!("s{i}@aol")).await, long);
    }
    let mut alice = ready(sign_in(router, "alice@aol")).await;
    alice.says("bob@yahoo", "short");
    assert_eq!(bob.reads("alice@aol").await, "short");
}

#[tokio::test]
async fn the_snapshot_counts_and_forgets_who_left() {
    let gateway = alone();
    let router = &gateway.router;
    let mut alice = ready(sign_in(router, "alice@aol")).await;
    let mut bob = ready(sign_in(router, "bob@yahoo")).await;
    let phone = ready(sign_in(router, "bob@yahoo")).await;
    assert_eq!((router.snapshot().users, router.snapshot().sessions), (2, 3));
    bob.everything().await;
    alice.says("bob@yahoo", "hi");
    bob.reads("alice@aol").await;
    alice.everything().await;
    assert_eq!((router.snapshot().sent, router.snapshot().delivered), (1, 1));
    drop((alice, bob, phone));
    for _ in 0..100 {
        if router.snapshot().users == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("somebody stayed");
}

#[tokio::test]
async fn what_is_said_to_a_friend_who_is_away_waits_in_order_and_says_so_once() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    drop(bob);
    alice.sees("bob@yahoo", Availability::Offline).await;
    for i in 0..5 {
        alice.says("bob@yahoo", &format!("line {i}"));
    }
    assert!(alice.reads("bob@yahoo").await.contains("offline"));
    pair.keeps_left(5).await;
    let said = alice.everything().await.iter().filter(|m| m.contains("Text")).count();
    assert_eq!(said, 0, "one notice for a conversation");
    drop(alice);
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    for i in 0..5 {
        assert_eq!(bob.reads("alice@aol").await, format!("line {i}"));
    }
    pair.keeps_left(0).await;
}

#[tokio::test]
async fn what_a_blocked_person_says_looks_kept_and_never_arrives() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    bob.edits(RosterEdit::Block(address("alice@aol"), true));
    alice.sees("bob@yahoo", Availability::Offline).await;
    alice.says("bob@yahoo", "are you there?");
    assert!(alice.reads("bob@yahoo").await.contains("offline"));
    bob.edits(RosterEdit::Block(address("alice@aol"), false));
    alice.sees("bob@yahoo", Availability::Available).await;
    alice.says("bob@yahoo", "and now?");
    assert_eq!(bob.reads("alice@aol").await, "and now?");
}
