//! Flows at gateways: who hangs holds up a conversation for so long and nobody else, and what is set
//! stays.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crosstalk_core::Availability;
use crosstalk_gateway::config::Config;
use crosstalk_gateway::router::Options;
use crosstalk_gateway::sources::Sources;

use crate::bench::{Gateway, Person, alone_with, befriend, sign_in};

const CONTROL: &str = "crosstalk@gateway";

/// A gateway whose translator is at `url`.
fn translating(url: &str) -> Gateway {
    let mut config = Config::alone("/nonexistent".into());
    config.services.allow = vec!["127.0.0.1".parse().unwrap()];
    config.services.translate.url = Some(url.to_owned());
    alone_with(Options { sources: Sources::new(&config).unwrap(), ..Options::default() })
}

/// How long it takes for twenty texts, one after the other, to be read.
async fn beside_others(reader: &mut Person, writer: &mut Person) -> Duration {
    let begun = Instant::now();
    for n in 0..20 {
        writer.says("alice@aol", &format!("text {n}"));
        assert_eq!(reader.reads("carol@jabber").await, format!("text {n}"));
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_hung_translator_holds_up_one_conversation_for_so_long_and_keeps_its_order() {
    // Connections are taken by the system, and never by anybody.
    let hung = TcpListener::bind("127.0.0.1:0").unwrap();
    let gateway = translating(&format!("http://{}", hung.local_addr().unwrap()));
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    let mut carol = sign_in(&gateway.router, "carol@jabber");
    befriend(&mut alice, &mut bob).await;
    befriend(&mut alice, &mut carol).await;
    let alone = beside_others(&mut alice, &mut carol).await;
    alice.says("bob@yahoo", "/translate en");
    let said = alice.reads("bob@yahoo").await;
    assert!(said.starts_with("[CrossTalk /translate: what bob@yahoo.xt writes"), "{said}");
    let begun = Instant::now();
    for n in 0..10 {
        bob.says("alice@aol", &format!("texte {n}"));
    }
    let beside = beside_others(&mut alice, &mut carol).await;
    println!("20 texts take {alone:?}, and {beside:?} beside a translator that hangs");
    let most = 4 * alone + Duration::from_millis(200);
    assert!(beside < most, "others waited: {alone:?} {beside:?}");
    assert!(begun.elapsed() < Duration::from_millis(1800), "nothing of it was beside");
    for n in 0..10 {
        let mut said = alice.reads("bob@yahoo").await;
        if said.starts_with("[CrossTalk /translate: the translator did not answer in time") {
            assert_eq!(n, 1, "it is said once, behind the first text");
            said = alice.reads("bob@yahoo").await;
        }
        assert_eq!(said, format!("texte {n}"));
    }
    // Two texts wait for two seconds each; then the translator is left alone.
    let took = begun.elapsed().as_millis();
    assert!((3800..5500).contains(&took), "{took} ms");
}

#[tokio::test]
async fn texts_without_calls_are_there_at_once_and_flows_stay_over_a_sign_on() {
    let gateway = alone_with(Options::default());
    let mut alice = sign_in(&gateway.router, "alice@aol");
    let mut al = sign_in(&gateway.router, "al@jabber");
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    befriend(&mut alice, &mut bob).await;
    alice.says(CONTROL, "/flow add urgent: filter urgent | forward al@jabber");
    let said = alice.reads(CONTROL).await;
    assert!(said.contains("al@jabber.xt has to agree first"), "{said}");
    befriend(&mut al, &mut alice).await;
    alice.says(CONTROL, "/flow add urgent: filter urgent | forward al@jabber");
    assert!(alice.reads(CONTROL).await.starts_with("Set."));
    alice.says(CONTROL, "/flow add away: away-answer Back on Monday");
    assert!(alice.reads(CONTROL).await.starts_with("Set."));
    drop(alice);
    bob.sees("alice@aol", Availability::Offline).await;
    let mut alice = sign_in(&gateway.router, "alice@aol");
    bob.sees("alice@aol", Availability::Available).await;
    alice.shows(Availability::Away, "");
    bob.sees("alice@aol", Availability::Away).await;
    bob.says("alice@aol", "nothing");
    assert_eq!(alice.reads("bob@yahoo").await, "nothing");
    assert_eq!(bob.reads("alice@aol").await, "[CrossTalk /flow away: Back on Monday]");
    bob.says("alice@aol", "urgent!");
    assert_eq!(alice.reads("bob@yahoo").await, "urgent!");
    assert_eq!(al.reads("alice@aol").await, "[CrossTalk: bob@yahoo wrote] urgent!");
    // Forwarded the other way too, it stays where it is.
    al.says(CONTROL, "/flow add all: forward alice@aol");
    assert!(al.reads(CONTROL).await.starts_with("Set."));
    bob.says("alice@aol", "urgent again");
    assert_eq!(alice.reads("bob@yahoo").await, "urgent again");
    assert_eq!(al.reads("alice@aol").await, "[CrossTalk: bob@yahoo wrote] urgent again");
    bob.says("alice@aol", "urgent, and last");
    assert_eq!(alice.reads("bob@yahoo").await, "urgent, and last");
    assert_eq!(al.reads("alice@aol").await, "[CrossTalk: bob@yahoo wrote] urgent, and last");
}
