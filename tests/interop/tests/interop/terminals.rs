//! An AIM user and people at Jabber clients of terminals.

use crosstalk_interop::Stage;

use crate::stories::at_terminals::{grants, they_chat, with_profanity};

const ALICE: &str = "alice@aol.xt";
const TEXT: &str = "<b>Привет</b> & 🦊";

#[test]
fn aim_and_profanity_meet() {
    with_profanity(&Stage::behind_listeners());
}

#[test]
fn aim_and_poezio_meet() {
    let stage = Stage::behind_socks();
    let romeo = stage.poezio("romeo");
    romeo.shows("Authentication success");
    let mut alice = stage.aim("alice");
    let name = &stage.jabber_name("romeo");
    alice.does(&["add", name, "Friends"]);
    romeo.shows(&format!("{ALICE} wants to subscribe"));
    romeo.types(&format!("/accept {ALICE}"));
    grants(&mut alice, name);
    alice.finds(name, &[("online", "yes")]);
    they_chat(&mut alice, &romeo, name, &format!("/message {ALICE}"));
    romeo.types("/status away gone fishing");
    alice.finds(name, &[("show", "away"), ("status", "gone fishing")]);
    romeo.types("/quit");
    alice.finds(name, &[("online", "no")]);
    stage.kept_its_secrets(&[TEXT]);
}

#[test]
fn what_a_script_says_by_go_sendxmpp_arrives() {
    let stage = Stage::behind_listeners();
    let mut alice = stage.aim("alice");
    assert_eq!(stage.go_sendxmpp("romeo", ALICE, TEXT), "");
    alice.sees("im", &[("name", &stage.jabber_name("romeo")), ("text", TEXT)]);
    stage.kept_its_secrets(&[TEXT]);
}
