//! Services of people at the gateways: who hangs holds up nobody, and what is set stays.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crosstalk_gateway::config::Config;
use crosstalk_gateway::router::Options;
use crosstalk_gateway::sources::Sources;

use crate::bench::{Person, alone_with, befriend, pair, sign_in};

const CONTROL: &str = "crosstalk@gateway";

async fn sets(person: &mut Person, what: &str) {
    person.says(CONTROL, what);
    let said = person.reads(CONTROL).await;
    assert!(said.contains("are told your"), "{said}");
}

#[tokio::test]
async fn a_hung_upstream_holds_up_no_text() {
    // Connections are taken by the system, and never by anybody.
    let hung = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config::alone("/nonexistent".into());
    config.services.allow = vec!["127.0.0.1".parse().unwrap()];
    config.services.music.lastfm = format!("http://{}/", hung.local_addr().unwrap());
    config.services.music.key = Some("key".to_owned().into());
    let options = Options { sources: Sources::new(&config).unwrap(), ..Options::default() };
    let gateway = alone_with(options);
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    sets(&mut bob, "/set music lastfm bob").await;
    let begun = Instant::now();
    alice.says("bob@yahoo", "/music");
    for n in 0..20 {
        alice.says("bob@yahoo", &format!("text {n}"));
        bob.says("alice@aol", &format!("answer {n}"));
        assert_eq!(bob.reads("alice@aol").await, format!("text {n}"));
        assert_eq!(alice.reads("bob@yahoo").await, format!("answer {n}"));
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "the texts waited: {:?}", begun.elapsed());
    let said = alice.reads("bob@yahoo").await;
    assert_eq!(said, "[CrossTalk /music: Last.fm did not answer in time]");
    assert!(begun.elapsed() > Duration::from_secs(4));
}

#[tokio::test]
async fn what_is_set_is_told_through_two_gateways_and_after_the_next_sign_on() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    sets(&mut bob, "/set location San Diego").await;
    alice.says("bob@yahoo", "/location");
    assert_eq!(alice.reads("bob@yahoo").await, "[CrossTalk /location: \"San Diego\"]");
    drop(bob);
    pair.right.drained().await;
    let off = "[CrossTalk: bob@yahoo.xt is not there, or does not tell you /location.]";
    alice.says("bob@yahoo", "/location");
    assert_eq!(alice.reads("bob@yahoo").await, off);
    let _bob = sign_in(&pair.right, "bob@yahoo");
    alice.sees("bob@yahoo", crosstalk_core::Availability::Available).await;
    alice.says("bob@yahoo", "/location");
    assert_eq!(alice.reads("bob@yahoo").await, "[CrossTalk /location: \"San Diego\"]");
}

#[tokio::test]
async fn who_is_forgotten_is_with_what_waits_and_at_the_next_sign_on_too() {
    let pair = pair().await;
    let mut alice = sign_in(&pair.left, "alice@aol");
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    sets(&mut alice, "/set location San Diego").await;
    drop(bob);
    pair.right.drained().await;
    alice.sees("bob@yahoo", crosstalk_core::Availability::Offline).await;
    alice.says("bob@yahoo", "for later");
    pair.keeps_left(1).await;
    alice.says(CONTROL, "/forget everything");
    assert!(alice.reads(CONTROL).await.contains("This forgets"));
    let said = alice.reads(CONTROL).await;
    assert!(said.contains("not arrived and will not: 1 to bob@yahoo.xt."), "{said}");
    assert!(said.contains("Other gateways that kept it forget it too: 1."), "{said}");
    alice.has("bob@yahoo", |bob| !bob.listed).await;
    pair.keeps_left(0).await;
    assert_eq!(pair.settings_of("alice@aol").await, [[""; 0]; 2]);
    let mut bob = sign_in(&pair.right, "bob@yahoo");
    bob.says("alice@aol", "/location");
    let off = "[CrossTalk: alice@aol.xt is not there, or does not tell you /location.]";
    assert_eq!(bob.reads("alice@aol").await, off, "and the text is not there before it");
    drop(alice);
    pair.left.drained().await;
    assert_eq!(pair.settings_of("alice@aol").await, [[""; 0]; 2], "it wrote nothing anew");
    let mut alice = sign_in(&pair.left, "alice@aol");
    alice.says(CONTROL, "/services");
    let services = alice.reads(CONTROL).await;
    assert!(services.contains("location: off"), "{services}");
    alice.says(CONTROL, "/list");
    let list = alice.reads(CONTROL).await;
    assert!(list.starts_with("Your list is empty."), "{list}");
}
