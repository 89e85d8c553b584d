//! Stores as gateways of earlier versions left them on disk, killed: people of two networks with
//! lists, a request that waits for an answer, and two texts for people who were away.
//!
//! They are made by `crates/crosstalk/tests/survives/versions.rs`, in which real gateways of that
//! time run.

use std::path::Path;

use crosstalk_core::{Address, Body, Roster, Subscription, UnixMillis};

use crate::membership::Key;
use crate::rosters::RosterStore as _;
use crate::storage::store::Store;
use crate::wire::message::Message;

const PAGE: usize = 4096;
/// Later than the stores were made.
const NOW: UnixMillis = UnixMillis(1_900_000_000_000);

/// Writes a database from the pages of it that are not empty.
fn unpack(text: &str, state: &Path) {
    let mut lines = text.lines();
    let length = lines.next().unwrap().strip_prefix("length ").unwrap().parse().unwrap();
    let mut bytes = vec![0; length];
    for line in lines {
        let (page, hex) = line.split_once(' ').unwrap();
        let at = page.parse::<usize>().unwrap() * PAGE;
        for (n, pair) in hex.as_bytes().chunks(2).enumerate() {
            bytes[at + n] = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        }
    }
    std::fs::write(state.join("overlay.redb"), bytes).unwrap();
}

fn list(store: &Store, owner: &str) -> Roster {
    let owner: Address = owner.parse().unwrap();
    let (found, roster) = store.get(&Key::of(&owner)).unwrap();
    assert_eq!(found, owner);
    roster
}

fn is_taken_up(text: &str) {
    let state = tempfile::tempdir().unwrap();
    unpack(text, state.path());
    for _ in 0..2 {
        let (store, _, _) = Store::open(state.path(), 1 << 20, NOW).unwrap();
        let said: Vec<_> = store.posts(NOW).into_iter().map(|(_, post, _)| post.message).collect();
        let mut texts: Vec<_> = said.iter().filter_map(text_of).collect();
        texts.sort_unstable();
        assert_eq!(texts, ["kept for xaver", "kept for yuri"]);
        let anna = list(&store, "anna@aol");
        let friends: Vec<_> = anna.listed().map(|c| c.address.to_string()).collect();
        assert_eq!(friends, ["xaver@jabber.test@jabber", "yuri@jabber.test@jabber"]);
        assert!(anna.listed().all(|c| c.to == Subscription::Granted));
        let asks = anna.contact(&"bella@msn.test@msn".parse().unwrap()).unwrap();
        assert!(matches!(asks.from, Subscription::Asked(_)));
        assert!(list(&store, "xaver@jabber.test@jabber").contacts().count() > 0);
        assert_eq!(store.unreadable(), 0);
        store.close();
    }
}

fn text_of(message: &Message) -> Option<&str> {
    let Message::Envelope(envelope) = message else { return None };
    let Body::Text { text, .. } = &envelope.body else { return None };
    Some(text.text())
}

#[test]
fn a_store_of_layout_1_is_taken_up() {
    is_taken_up(include_str!("../../tests/layouts/store-layout-1.hex"));
}

#[test]
fn a_store_of_layout_2_is_taken_up() {
    is_taken_up(include_str!("../../tests/layouts/store-layout-2.hex"));
}
