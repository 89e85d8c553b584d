use std::time::Instant;

use bench::{Person, alone, befriend, pair, sign_in};
use crosstalk_core::{Body, Consent, RosterEdit, Subscription};
use crosstalk_gateway::router::Router;
use crosstalk_overlay as overlay;

use crate::bench;

/// Has so many people of a domain, each with a host of its own, ask Bob.
async fn ask(router: &Router, domain: &str, count: usize) {
    for n in 0..count {
        let mut stranger = sign_in(router, &format!("s{n}@h{n}.{domain}@jabber"));
        stranger.adds("bob@yahoo");
        stranger.has("bob@yahoo", |c| c.to != Subscription::None).await;
        tokio::task::yield_now().await;
    }
}

async fn requests(bob: &mut Person) -> usize {
    bob.everything().await.iter().filter(|mail| mail.contains("Request")).count()
}

#[tokio::test]
async fn a_domain_asks_no_more_than_its_share_and_who_comes_from_elsewhere_is_heard() {
    let pair = pair().await;
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    bob.gets_roster().await;
    ask(&pair.left, "evil.example", 120).await;
    assert_eq!(requests(&mut bob).await, 10);
    let mut honest = sign_in(&pair.left, "zoe@honest.example@jabber");
    honest.adds("bob@yahoo");
    bob.is_asked_by("zoe@honest.example@jabber").await;
    bob.says("crosstalk@gateway", "/list");
    let list = bob.reads("crosstalk@gateway").await;
    assert_eq!(list.matches("evil.example").count(), 3 * 10, "{list}");
    assert!(list.lines().nth(2).unwrap().contains("/accept zoe%honest.example@jabber.xt"));
    bob.says("crosstalk@gateway", "/accept zoe%honest.example@jabber.xt");
    honest.is_told("bob@yahoo", Consent::Grant).await;
}

#[tokio::test]
async fn many_domains_that_fill_everything_make_room_for_another_one() {
    let gateway = alone();
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    bob.gets_roster().await;
    for domain in 0..10 {
        ask(&gateway.router, &format!("evil{domain}.example"), 10).await;
    }
    assert_eq!(requests(&mut bob).await, 100);
    let mut honest = sign_in(&gateway.router, "zoe@honest.example@jabber");
    honest.adds("bob@yahoo");
    // Who has to make room was there first, and asks again at the next sign-on.
    bob.has("s0@h0.evil0.example@jabber", |c| c.from == Subscription::None).await;
    bob.is_asked_by("zoe@honest.example@jabber").await;
    assert_eq!(gateway.router.snapshot().drops.requests, 1);
    bob.everything().await;
    bob.answers("s1@h1.evil0.example@jabber", Consent::Revoke);
    let _again = sign_in(&gateway.router, "s0@h0.evil0.example@jabber");
    bob.is_asked_by("s0@h0.evil0.example@jabber").await;
}

#[tokio::test]
async fn all_strangers_of_a_domain_together_say_as_much_as_a_few_people() {
    let gateway = alone();
    let router = &gateway.router;
    let mut bob = sign_in(router, "bob@yahoo");
    let mut friend = sign_in(router, "ann@evil.example@jabber");
    befriend(&mut friend, &mut bob).await;
    bob.everything().await;
    let mut all = Vec::new();
    for n in 0..100 {
        let mut stranger = sign_in(router, &format!("s{n}@evil.example@jabber"));
        stranger.gets_roster().await;
        all.push(stranger);
    }
    let begun = Instant::now();
    for stranger in &mut all {
        for _ in 0..40 {
            stranger.sends("bob@yahoo", Body::Attention);
        }
    }
    bob.everything().await;
    // Eight people say 400 at once, and then 160 a second.
    let most = 401 + 160 * u64::try_from(begun.elapsed().as_millis()).unwrap() / 1000;
    let refused = router.snapshot().drops.flood;
    assert!(refused >= 4000_u64.saturating_sub(most), "{refused}");
    friend.says("bob@yahoo", "a friend is not held up by that");
    assert_eq!(bob.reads("ann@evil.example@jabber").await, "a friend is not held up by that");
    let mut honest = sign_in(router, "zoe@honest.example@jabber");
    honest.gets_roster().await;
    honest.says("bob@yahoo", "nor is somebody from elsewhere");
    let heard = bob.reads("zoe@honest.example@jabber").await;
    assert_eq!(heard, "nor is somebody from elsewhere");
}

#[tokio::test]
async fn all_names_of_a_domain_together_edit_as_much_as_a_few_people() {
    let gateway = alone();
    let edit = |person: &Person, n: usize| {
        let (address, alias) = (bench::address("bob@yahoo"), Some(n.to_string()));
        let spelling = "bob@yahoo.xt".into();
        person.edits(RosterEdit::List { address, spelling, alias, groups: Vec::new() });
    };
    for n in 0..12 {
        let mut person = sign_in(&gateway.router, &format!("s{n}@evil.example@jabber"));
        person.gets_roster().await;
        (0..6000).for_each(|n| edit(&person, n));
    }
    let mut late = sign_in(&gateway.router, "late@evil.example@jabber");
    late.gets_roster().await;
    for n in 0..300 {
        edit(&late, n);
    }
    late.everything().await;
    let mut again = sign_in(&gateway.router, "late@evil.example@jabber");
    let listed = again.gets_roster().await;
    let alias = listed.contact(&bench::address("bob@yahoo")).and_then(|c| c.alias.clone());
    assert_ne!(alias.as_deref(), Some("299"), "the domain had used up what it may do");
    let mut honest = sign_in(&gateway.router, "zoe@honest.example@jabber");
    honest.adds("bob@yahoo");
    honest.has("bob@yahoo", |c| c.listed).await;
}

#[tokio::test]
async fn a_domain_that_has_used_up_its_room_is_told_so_and_holds_up_nobody_else() {
    let lists = overlay::Lists { of_domain: 100_000, ..overlay::Lists::default() };
    let gateway = bench::alone_keeping(overlay::Limits { lists, ..overlay::Limits::default() });
    let add = |person: &Person, n: usize| {
        let (address, spelling) = (bench::address(&format!("u{n}@aol")), format!("u{n}@aol.xt"));
        let (alias, groups) = (Some("a".repeat(500)), vec!["g".repeat(500)]);
        person.edits(RosterEdit::List { address, spelling, alias, groups });
    };
    for n in 0..5 {
        let mut person = sign_in(&gateway.router, &format!("s{n}@h{n}.evil.example@jabber"));
        person.gets_roster().await;
        for n in 0..100 {
            add(&person, n);
            tokio::task::yield_now().await;
        }
        person.everything().await;
    }
    let mut late = sign_in(&gateway.router, "late@evil.example@jabber");
    late.gets_roster().await;
    add(&late, 1);
    late.has("u1@aol", crosstalk_core::Contact::is_empty).await;
    let word = late.reads("crosstalk@gateway").await;
    assert!(word.starts_with("Your list was not changed: "), "{word}");
    // What makes room is done.
    let mut first = sign_in(&gateway.router, "s0@h0.evil.example@jabber");
    let listed = first.gets_roster().await.listed().count();
    assert!(listed > 20, "{listed}");
    first.removes("u1@aol");
    first.has("u1@aol", crosstalk_core::Contact::is_empty).await;
    let mut honest = sign_in(&gateway.router, "zoe@honest.example@jabber");
    honest.gets_roster().await;
    add(&honest, 1);
    honest.has("u1@aol", |c| c.listed).await;
}
