//! An AIM user and somebody at a Jabber client in a terminal.

use crosstalk_interop::{Person, Stage, Terminal};

const ALICE: &str = "alice@aol.xt";
const TEXT: &str = "<b>Привет</b> & 🦊";

/// An AIM user and somebody at Profanity meet and talk.
pub(crate) fn with_profanity(stage: &Stage) {
    let romeo = stage.profanity("romeo");
    romeo.shows("logged in successfully");
    let mut alice = stage.aim("alice");
    let name = &stage.jabber_name("romeo");
    alice.does(&["add", name, "Friends"]);
    romeo.shows("Received authorization request");
    romeo.types(&format!("/sub allow {ALICE}"));
    alice.finds(name, &[("online", "yes")]);
    romeo.types(&format!("/sub request {ALICE}"));
    grants(&mut alice, name);
    they_chat(&mut alice, &romeo, name, &format!("/msg {ALICE}"));
    romeo.types("/status set away \"gone fishing\"");
    alice.finds(name, &[("show", "away"), ("status", "gone fishing")]);
    romeo.types("/quit");
    alice.finds(name, &[("online", "no")]);
    stage.kept_its_secrets(&[TEXT]);
}

/// Alice grants what `name` asks.
pub(crate) fn grants(alice: &mut Person, name: &str) {
    let request = alice.sees_request(name);
    alice.grants(&request);
}

/// Each says something, in his client's words and in hers.
pub(crate) fn they_chat(alice: &mut Person, romeo: &Terminal, name: &str, say: &str) {
    romeo.types(&format!("{say} {TEXT}"));
    alice.sees("im", &[("name", name), ("text", TEXT)]);
    alice.says(name, &alice.types(TEXT));
    romeo.shows(TEXT);
    // His client is shown what she says next, and not what he just said.
    alice.says(name, &alice.types("and <this> too"));
    romeo.shows("and <this> too");
}
