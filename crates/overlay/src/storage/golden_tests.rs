//! The values on disk, as they were first written: what gateways of earlier versions stored is read
//! for ever.

use std::collections::BTreeSet;

use crosstalk_core::{Body, UnixMillis};

use crate::mappings::Held;
use crate::membership::GatewayId;
use crate::outbox::Post;
use crate::rosters;
use crate::storage::records;
use crate::wire::golden_tests::{check, lines};
use crate::wire::message::Message;
use crate::wire::samples;

const SAID: UnixMillis = UnixMillis(1_800_000_000_000);
const STORED: &str = include_str!("../../tests/layouts/stored.hex");

fn gateway(n: u8) -> GatewayId {
    GatewayId::from_bytes([n; 32])
}

/// A text whose receiver blocks its sender: nothing of what it said is left.
fn silenced() -> Message {
    let text = Body::Text { text: "".into(), auto: false };
    Message::Envelope(samples::envelope(text))
}

/// Messages as they wait on disk.
fn posts() -> Vec<(String, Post)> {
    let named = samples::messages().into_iter().filter(|(name, _)| {
        ["text styled", "consent request", "report expired", "attention"].contains(&name.as_str())
    });
    let post = |(name, message): (String, Message)| {
        let tried =
            if name == "attention" { BTreeSet::new() } else { [gateway(1), gateway(2)].into() };
        (name, Post { message, tried, muted: false })
    };
    let muted = Post { message: silenced(), tried: [gateway(3)].into(), muted: true };
    named.map(post).chain([("muted".to_owned(), muted)]).collect()
}

#[test]
fn what_is_stored_is_written_and_read_as_ever() {
    let golden = lines(STORED);
    let mut written = Vec::new();
    for (name, post) in posts() {
        written.push((format!("post {name}"), records::of_post(SAID, &post)));
    }
    let (alice, roster) = (samples::alice(), samples::roster());
    written.push(("roster".to_owned(), records::of_list(&alice, &roster)));
    let digest = rosters::digest(&samples::roster()).to_be_bytes();
    written.push(("digest of the roster".to_owned(), digest.to_vec()));
    let [said, removed] = &samples::vouched()[..] else { panic!("two") };
    let held = [("mapping", said), ("mapping removed", removed)]
        .map(|(name, row)| (name, Held { row: row.clone(), change: 1_800_000_000_001 }));
    for (name, held) in &held {
        written.push(((*name).to_owned(), records::of_mapping(held)));
    }
    check(&golden, &written);
    for (name, held) in held {
        assert_eq!(records::read_mapping(&golden[name]), Ok(held), "{name}");
    }
    for (name, post) in posts() {
        let read = records::read_post(&golden[format!("post {name}").as_str()]);
        assert_eq!(read, Ok((SAID, post)), "{name}");
    }
    assert_eq!(records::read_list(&golden["roster"]), Ok((alice, roster)));
}
