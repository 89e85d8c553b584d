//! The oracles tell a lie from the truth.
#![allow(clippy::unwrap_used)]

use crosstalk_core::{Address, Network, Side};
use crosstalk_fuzz::oracles::{Witness, mentions};
use crosstalk_networks::by_name;

const NAME: &str = "alice@jabber.test";

fn xmpp() -> &'static dyn Network {
    by_name("xmpp").unwrap()
}

fn confirms(witness: &Witness, connection: usize) -> bool {
    let alice = Address::new(NAME, "jabber".parse().unwrap());
    witness.confirms(connection, xmpp(), &alice.unwrap())
}

#[test]
fn a_server_names_somebody_in_any_spelling() {
    for said in [
        "<jid>Alice@jabber.test/x",
        "&#x61;lice@jabber.test.",
        "<a>al<b/>ice@</a>jabber.test",
        "<jid>alice@jab\u{feff}ber.test/x",
    ] {
        assert!(mentions(xmpp(), said.as_bytes(), NAME), "{said}");
    }
    assert!(!mentions(xmpp(), b"<jid>alicia@jabber.test", NAME));
}

#[test]
fn what_a_client_says_confirms_nobody() {
    let witness = Witness::default();
    let here = witness.connected();
    witness.heard(here, Side::Client, NAME.as_bytes());
    assert!(!confirms(&witness, here));
    witness.heard(here, Side::Server, NAME.as_bytes());
    assert!(confirms(&witness, here));
}

#[test]
fn who_comes_from_another_connection_shows_what_was_shown_there() {
    let (witness, secret) = (Witness::default(), b"id='0123456789abcdef'");
    let (before, here) = (witness.connected(), witness.connected());
    for side in [Side::Client, Side::Server] {
        witness.heard(before, side, b"<stream xmlns='jabber:client'>");
    }
    witness.heard(before, Side::Server, NAME.as_bytes());
    witness.shown(before, b"<stream xmlns='jabber:client'><enabled ");
    witness.shown(before, secret);
    witness.heard(here, Side::Client, b"<stream xmlns='jabber:client'>");
    assert!(!confirms(&witness, here), "everybody says that");
    witness.heard(here, Side::Client, secret);
    witness.heard(here, Side::Server, secret);
    assert!(confirms(&witness, here), "its server says it afterwards");
    let there = witness.connected();
    witness.heard(there, Side::Server, secret);
    witness.heard(there, Side::Client, secret);
    assert!(!confirms(&witness, there), "its server said it before");
}
