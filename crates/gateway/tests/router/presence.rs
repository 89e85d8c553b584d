use std::collections::BTreeSet;
use std::time::Duration;

use bench::{PATIENCE, address, alone, befriend, pair, sign_in};
use crosstalk_core::{Availability, Contact, Roster, Stamp, Subscription};
use crosstalk_gateway::mail::{MAILBOX, Mail};
use tokio::time::{sleep, timeout};

use crate::bench;

#[tokio::test]
async fn changes_and_departures_are_seen() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    bob.shows(Availability::Away, "lunch");
    assert_eq!(alice.sees("bob@yahoo", Availability::Away).await.text.text(), "lunch");
    drop(bob);
    alice.sees("bob@yahoo", Availability::Offline).await;
    let _bob = sign_in(&pair.right, "bob@yahoo");
    alice.sees("bob@yahoo", Availability::Available).await;
}

#[tokio::test]
async fn who_comes_back_at_once_is_seen_and_sees() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    for _ in 0..5 {
        bob.adds("carol@jabber");
        drop(bob);
        bob = sign_in(&pair.right, "bob@yahoo");
        bob.shows(Availability::Busy, "");
        alice.sees("bob@yahoo", Availability::Busy).await;
        bob.sees("alice@aol", Availability::Available).await;
    }
}

#[tokio::test]
async fn who_signs_on_later_sees_who_is_there() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    bob.shows(Availability::Busy, "");
    drop(alice);
    let mut alice = sign_in(&pair.left, "alice@aol");
    alice.sees("bob@yahoo", Availability::Busy).await;
    let mut elsewhere = sign_in(&pair.left, "alice@aol");
    elsewhere.sees("bob@yahoo", Availability::Busy).await;
}

#[tokio::test]
async fn the_invisible_are_offline_to_everybody() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    bob.shows(Availability::Offline, "at the secret base");
    assert!(alice.sees("bob@yahoo", Availability::Offline).await.text.is_empty());
    drop(alice);
    let mut alice = sign_in(&pair.left, "alice@aol");
    alice.hears_nothing_of("bob@yahoo").await;
    alice.says("bob@yahoo", "I know you are there");
    assert_eq!(bob.reads("alice@aol").await, "I know you are there");
}

#[tokio::test]
async fn the_most_available_session_counts() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    let phone = sign_in(&pair.right, "bob@yahoo");
    bob.shows(Availability::Away, "desk");
    phone.shows(Availability::Busy, "phone");
    assert_eq!(alice.sees("bob@yahoo", Availability::Busy).await.text.text(), "phone");
    drop(phone);
    assert_eq!(alice.sees("bob@yahoo", Availability::Away).await.text.text(), "desk");
}

#[tokio::test]
async fn one_person_at_two_gateways_is_one() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    bob.shows(Availability::Away, "");
    alice.sees("bob@yahoo", Availability::Away).await;
    let other = sign_in(&pair.left, "bob@yahoo");
    alice.sees("bob@yahoo", Availability::Available).await;
    drop(other);
    alice.sees("bob@yahoo", Availability::Away).await;
}

#[tokio::test]
async fn all_at_a_lost_gateway_go_offline() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    pair.lose_right().await;
    alice.sees("bob@yahoo", Availability::Offline).await;
    alice.says("bob@yahoo", "hello?");
    assert!(alice.reads("bob@yahoo").await.contains("offline"), "it waits for him");
}

#[tokio::test]
async fn a_change_is_one_message_for_each_gateway_however_many_watch_there() {
    const WATCHERS: usize = 50;
    let (gateway, mut others) = bench::among::<3>().await;
    let watchers: Vec<_> = (0..WATCHERS).map(|n| address(&format!("w{n}@yahoo"))).collect();
    let mut roster = Roster::default();
    for watcher in &watchers {
        let contact = Contact::new(watcher.clone(), watcher.to_string());
        roster.put(
            Contact { from: Subscription::Granted, ..contact },
            Stamp { millis: 1, writer: 1 },
        );
    }
    gateway.overlay.save(&address("alice@aol"), &roster).await;
    let mut alice = sign_in(&gateway.router, "alice@aol");
    alice.gets_roster().await;
    for other in &mut others {
        other.probes("alice@aol", &gateway, &watchers).await;
        other.tells_all(Availability::Available, WATCHERS).await;
    }
    alice.shows(Availability::Away, "lunch");
    for other in &mut others {
        assert_eq!(other.is_told().await, (Availability::Away, WATCHERS));
    }
    drop(alice);
    for other in &mut others {
        assert_eq!(other.is_told().await, (Availability::Offline, WATCHERS));
    }
    for other in &mut others {
        other.is_told_no_more().await;
    }
}

#[tokio::test]
async fn a_long_list_does_not_overflow_a_slow_session() {
    let gateway = alone();
    let router = &gateway.router;
    let mut alice = sign_in(router, "alice@aol");
    let mut friends = Vec::new();
    for i in 0..300 {
        let mut friend = sign_in(router, &format!("f{i}@yahoo"));
        friend.adds("alice@aol");
        alice.is_asked_by(&format!("f{i}@yahoo")).await;
        alice.answers(&format!("f{i}@yahoo"), crosstalk_core::Consent::Grant);
        alice.adds(&format!("f{i}@yahoo"));
        friend.is_asked_by("alice@aol").await;
        friend.answers("alice@aol", crosstalk_core::Consent::Grant);
        alice.sees(&format!("f{i}@yahoo"), Availability::Available).await;
        friends.push(friend);
    }
    alice.everything().await;
    for friend in &friends {
        friend.shows(Availability::Away, "");
    }
    let overflows = async {
        while alice.mail.len() < MAILBOX {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, overflows).await.expect("more comes than a mailbox takes");
    let is_away = |mail: &Mail| match mail {
        Mail::Presence { of, presence } => {
            (presence.show == Availability::Away).then(|| of.clone())
        }
        _ => None,
    };
    let mut away = BTreeSet::new();
    while away.len() < friends.len() {
        away.insert(alice.gets(is_away).await);
    }
}

#[tokio::test]
async fn a_text_as_long_as_a_book_is_no_status() {
    let gateway = alone();
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    bob.shows(Availability::Away, &"é".repeat(30_000));
    let presence = alice.sees("bob@yahoo", Availability::Away).await;
    assert_eq!(presence.text.text().len(), 4096);
}
