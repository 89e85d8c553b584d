use bench::{address, alone, alone_with, among, befriend, pair, sign_in};
use crosstalk_core::{
    Address, Availability, Body, Consent, Contact, Event, Failure, Roster, RosterEdit, Stamp,
    Subscription,
};
use crosstalk_gateway::router::Options;

use crate::bench;

#[tokio::test]
async fn both_ask_and_both_see() {
    for same_gateway in [true, false] {
        let pair = pair().await;
        let mut alice = sign_in(&pair.left, "alice@aol");
        let mut bob = sign_in(if same_gateway { &pair.left } else { &pair.right }, "bob@yahoo");
        befriend(&mut alice, &mut bob).await;
    }
}

#[tokio::test]
async fn nothing_is_shown_before_consent_and_after_a_refusal() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    alice.adds("bob@yahoo");
    assert_eq!(bob.is_asked_by("alice@aol").await.text(), "It is me");
    alice.hears_nothing_of("bob@yahoo").await;
    bob.answers("alice@aol", Consent::Revoke);
    alice.is_told("bob@yahoo", Consent::Revoke).await;
    bob.shows(Availability::Away, "lunch");
    alice.hears_nothing_of("bob@yahoo").await;
}

#[tokio::test]
async fn a_grant_can_be_taken_back_and_given_again() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    bob.answers("alice@aol", Consent::Revoke);
    alice.sees("bob@yahoo", Availability::Offline).await;
    alice.is_told("bob@yahoo", Consent::Revoke).await;
    bob.shows(Availability::Away, "");
    alice.hears_nothing_of("bob@yahoo").await;
    alice.adds("bob@yahoo");
    bob.is_asked_by("alice@aol").await;
    bob.answers("alice@aol", Consent::Grant);
    alice.sees("bob@yahoo", Availability::Away).await;
}

#[tokio::test]
async fn a_request_waits_for_whoever_is_offline() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    alice.adds("bob@yahoo");
    alice.has("bob@yahoo", |c| matches!(c.to, Subscription::Asked(_))).await;
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    bob.is_asked_by("alice@aol").await;
    drop(bob);
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    bob.is_asked_by("alice@aol").await;
    bob.answers("alice@aol", Consent::Grant);
    alice.sees("bob@yahoo", Availability::Available).await;
}

#[tokio::test]
async fn an_answer_given_while_the_asker_is_away_is_found_later() {
    let pair = pair().await;
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    let mut alice = sign_in(&pair.left, "alice@aol");
    alice.adds("bob@yahoo");
    bob.is_asked_by("alice@aol").await;
    drop(alice);
    bob.answers("alice@aol", Consent::Grant);
    let mut alice = sign_in(&pair.left, "alice@aol");
    alice.is_told("bob@yahoo", Consent::Grant).await;
    alice.sees("bob@yahoo", Availability::Available).await;
    drop(alice);
    bob.answers("alice@aol", Consent::Revoke);
    let mut alice = sign_in(&pair.left, "alice@aol");
    alice.is_told("bob@yahoo", Consent::Revoke).await;
    alice.hears_nothing_of("bob@yahoo").await;
}

#[tokio::test]
async fn what_was_granted_elsewhere_outlasts_what_was_written_here_without_knowing() {
    let (gateway, others) = among::<2>().await;
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    alice.adds("bob@yahoo");
    bob.is_asked_by("alice@aol").await;
    bob.adds("alice@aol");
    bob.has("alice@aol", |c| matches!(c.to, Subscription::Asked(_))).await;
    // Before all this he granted it at the other gateway; only now it is heard of here.
    let contact = Contact::new(address("alice@aol"), "alice@aol.xt".into());
    let granted = Contact { from: Subscription::Granted, ..contact };
    let mut roster = Roster::default();
    roster.put(granted, Stamp { millis: 1000, writer: 1 });
    others[0].overlay.save(&address("bob@yahoo"), &roster).await;
    bob.has("alice@aol", |c| {
        c.listed && c.from == Subscription::Granted && matches!(c.to, Subscription::Asked(_))
    })
    .await;
}

#[tokio::test]
async fn removal_ends_consent_in_both_directions() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    alice.removes("bob@yahoo");
    bob.sees("alice@aol", Availability::Offline).await;
    bob.is_told("alice@aol", Consent::Revoke).await;
    alice.has("bob@yahoo", crosstalk_core::Contact::is_empty).await;
    bob.shows(Availability::Away, "");
    alice.hears_nothing_of("bob@yahoo").await;
    alice.shows(Availability::Away, "");
    bob.hears_nothing_of("alice@aol").await;
}

#[tokio::test]
async fn the_list_is_there_at_the_next_sign_on() {
    let gateway = alone();
    let router = &gateway.router;
    let mut alice = sign_in(router, "alice@aol");
    alice.adds("bob@yahoo");
    alice.has("bob@yahoo", |c| matches!(c.to, Subscription::Asked(_))).await;
    drop(alice);
    let mut alice = sign_in(router, "alice@aol");
    let roster = alice.gets_roster().await;
    let bob = roster.contact(&address("bob@yahoo")).unwrap();
    assert_eq!((bob.spelling.as_str(), bob.groups.len()), ("bob@yahoo.xt", 1));
}

#[tokio::test]
async fn a_block_hides_and_silences() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    bob.edits(RosterEdit::Block(address("alice@aol"), true));
    alice.sees("bob@yahoo", Availability::Offline).await;
    bob.everything().await;
    bob.shows(Availability::Away, "");
    alice.sends("bob@yahoo", Body::Typing(crosstalk_core::Typing::Active));
    alice.says("bob@yahoo", "hello?");
    assert!(alice.reads("bob@yahoo").await.contains("offline"), "as if he were away");
    alice.hears_nothing_of("bob@yahoo").await;
    let refused = bob.says("alice@aol", "hello?");
    assert_eq!(bob.fails(refused).await, Failure::Refused);
    alice.shows(Availability::Away, "");
    bob.hears_nothing_of("alice@aol").await;
    bob.edits(RosterEdit::Block(address("alice@aol"), false));
    alice.sees("bob@yahoo", Availability::Away).await;
    bob.sees("alice@aol", Availability::Away).await;
}

#[tokio::test]
async fn every_session_hears_of_every_change() {
    let gateway = alone();
    let router = &gateway.router;
    let alice = sign_in(router, "alice@aol");
    let mut elsewhere = sign_in(router, "alice@aol");
    let mut alice = alice;
    alice.adds("bob@yahoo");
    alice.has("bob@yahoo", |c| c.listed).await;
    elsewhere.has("bob@yahoo", |c| c.listed).await;
    alice.adds("nobody@nowhere");
    alice.has("nobody@nowhere", crosstalk_core::Contact::is_empty).await;
}

#[tokio::test]
async fn a_person_is_not_asked_by_any_number_of_strangers() {
    let gateway = alone();
    let router = &gateway.router;
    let mut bob = sign_in(router, "bob@yahoo");
    bob.gets_roster().await;
    for i in 0..150 {
        let mut stranger = sign_in(router, &format!("s{i}@aol"));
        stranger.adds("bob@yahoo");
        stranger.has("bob@yahoo", |c| c.to != Subscription::None).await;
        tokio::task::yield_now().await;
    }
    let asked = bob.everything().await.iter().filter(|m| m.contains("Request")).count();
    assert_eq!(asked, 50, "as many as those of one network may be");
}

#[tokio::test]
async fn the_control_contact_adds_asks_and_accepts() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    let control = "crosstalk@gateway";
    let roster = alice.gets_roster().await;
    assert_eq!(roster.contact(&address(control)).unwrap().spelling, "crosstalk@gateway.xt");
    alice.sees(control, Availability::Available).await;
    alice.says(control, "/add bob@yahoo Bobby");
    assert!(alice.reads(control).await.starts_with("Added bob@yahoo.xt."));
    // Bob's client has no dialogue for it.
    let request = bob
        .gets(|mail| match mail {
            crosstalk_gateway::mail::Mail::Deliver(e, _) if matches!(e.body, Body::Contact(_)) => {
                Some(e.clone())
            }
            _ => None,
        })
        .await;
    bob.handle.take(Event::Unshown(request));
    let question = bob.reads(control).await;
    assert!(question.contains("/accept alice@aol.xt or /deny alice@aol.xt"), "{question}");
    bob.says(control, "/accept alice");
    alice.sees("bob@yahoo", Availability::Available).await;
    alice.says(control, "/list");
    assert!(alice.reads(control).await.contains("bob@yahoo.xt (\"Bobby\"): online"));
}

#[tokio::test]
async fn the_control_contact_can_be_removed_and_switched_off() {
    let control = "crosstalk@gateway";
    let gateway = alone();
    let router = &gateway.router;
    let mut alice = sign_in(router, "alice@aol");
    alice.gets_roster().await;
    alice.removes(control);
    alice.has(control, crosstalk_core::Contact::is_empty).await;
    drop(alice);
    let mut alice = sign_in(router, "alice@aol");
    assert!(alice.gets_roster().await.contact(&address(control)).is_none());
    let gateway = alone_with(Options { control: false, ..Options::default() });
    let router = &gateway.router;
    let mut alice = sign_in(router, "alice@aol");
    assert!(alice.gets_roster().await.contact(&address(control)).is_none());
    let lost = alice.says(control, "/help");
    assert_eq!(alice.fails(lost).await, Failure::NoSuchUser);
}

#[tokio::test]
async fn what_a_client_says_of_the_control_contact_is_cut_as_for_others() {
    let gateway = alone();
    let alice = sign_in(&gateway.router, "alice@aol");
    let (alias, groups) = (Some("x".repeat(1 << 20)), vec!["g".repeat(1 << 20); 100]);
    let (address, spelling) = (Address::control(), "s".repeat(1 << 20));
    alice.edits(RosterEdit::List { address, spelling, alias, groups });
    let mut again = sign_in(&gateway.router, "alice@aol");
    let roster = again.gets_roster().await;
    let control = roster.contact(&Address::control()).unwrap();
    assert!(control.weight() < 20_000, "{}", control.weight());
}

#[tokio::test]
async fn edits_of_nobody_do_not_pile_up_for_a_client_that_reads_nothing() {
    let gateway = alone();
    let mut alice = sign_in(&gateway.router, "alice@aol");
    alice.gets_roster().await;
    for n in 0..50_000 {
        let address = address(&format!("u{n}@nowhere"));
        alice.edits(RosterEdit::Block(address, true));
    }
    let all = alice.everything().await;
    assert!((300..20_000).contains(&all.len()), "{}", all.len());
}

#[tokio::test]
async fn a_client_that_edits_without_end_is_told_that_nothing_changes() {
    let gateway = alone();
    let alice = sign_in(&gateway.router, "alice@aol");
    for n in 0..20_000 {
        let (address, alias) = (address("bob@yahoo"), Some(n.to_string()));
        let spelling = "bob@yahoo.xt".into();
        alice.edits(RosterEdit::List { address, spelling, alias, groups: Vec::new() });
        if n % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut again = sign_in(&gateway.router, "alice@aol");
    let roster = again.gets_roster().await;
    let alias = roster.contact(&address("bob@yahoo")).unwrap().alias.clone().unwrap();
    assert!((100..19_000).contains(&alias.parse().unwrap()), "{alias}");
}
