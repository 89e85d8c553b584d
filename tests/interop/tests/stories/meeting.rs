//! Stories from strangers to strangers again.

use crosstalk_interop::{Person, Stage};

const ALICE: &str = "alice@aol.xt";
const CYRILLIC: &str = "Привет, как дела? Ещё чаю";
const EMOJI: &str = "snow ❄ and a 🦊 and a family 👨‍👩‍👧";
const SECRET: &str = "the-treasure-is-under-the-oak";

/// An AIM user and a Jabber user meet, talk and part.
pub(crate) fn story(stage: &Stage, mut romeo: Person) {
    let mut alice = stage.aim("alice");
    let romeo_name = &stage.jabber_name("romeo");

    alice_adds_romeo(&mut alice, &mut romeo, romeo_name);
    romeo_adds_alice(&mut alice, &mut romeo, romeo_name);
    romeo_refuses_carol(stage, &mut romeo, romeo_name);
    they_go_away_and_come_back(&mut alice, &mut romeo, romeo_name);
    they_chat(&mut alice, &mut romeo, romeo_name);
    they_type(&mut alice, &mut romeo, romeo_name);
    they_sign_off_and_on(&mut alice, &mut romeo, romeo_name);
    alice_removes_romeo(&mut alice, &mut romeo, romeo_name);
    romeo_removes_alice(&mut romeo);
    stage.kept_its_secrets(&[SECRET, CYRILLIC, "🦊", "&lt;tag&gt;"]);
}

fn alice_adds_romeo(alice: &mut Person, romeo: &mut Person, romeo_name: &str) {
    alice.does(&["add", romeo_name, "Friends"]);
    let request = romeo.sees_request(ALICE);
    assert!(!alice.has_seen("buddy", &[("name", romeo_name), ("online", "yes")]), "no consent yet");
    romeo.grants(&request);
    alice.finds(romeo_name, &[("online", "yes"), ("show", "available")]);
}

fn romeo_adds_alice(alice: &mut Person, romeo: &mut Person, romeo_name: &str) {
    romeo.does(&["add", ALICE, "Freunde", "Alice"]);
    let request = alice.sees_request(romeo_name);
    assert!(!romeo.has_seen("buddy", &[("name", ALICE), ("online", "yes")]), "no consent yet");
    alice.grants(&request);
    romeo.finds(ALICE, &[("online", "yes"), ("show", "available")]);
}

fn romeo_refuses_carol(stage: &Stage, romeo: &mut Person, romeo_name: &str) {
    let mut carol = stage.aim("carol");
    carol.does(&["add", romeo_name, "Friends"]);
    let request = romeo.sees_request("carol@aol.xt");
    romeo.refuses(&request);
    romeo.does(&["available", "not for everybody"]);
    carol.says("alice", "he does not want me");
    assert!(!carol.has_seen("buddy", &[("name", romeo_name), ("online", "yes")]));
    carol.signs_off();
}

fn they_go_away_and_come_back(alice: &mut Person, romeo: &mut Person, romeo_name: &str) {
    alice.goes_away("обед & <lunch>");
    romeo.finds(ALICE, &[("show", "away"), ("status", "обед & <lunch>")]);
    alice.does(&["available", ""]);
    romeo.finds(ALICE, &[("show", "available")]);
    romeo.goes_away("<gone> fishing 🎣");
    alice.finds(romeo_name, &[("show", "away"), ("status", "<gone> fishing 🎣")]);
    romeo.does(&["available", ""]);
    alice.finds(romeo_name, &[("show", "available")]);
}

fn they_chat(alice: &mut Person, romeo: &mut Person, romeo_name: &str) {
    // libpurple's AIM takes 2,544 bytes at most, and others here take more.
    for (html, text) in [
        ("<b>&lt;tag&gt;</b> &amp; more", "<tag> & more"),
        (CYRILLIC, CYRILLIC),
        (EMOJI, EMOJI),
        (&"x".repeat(2_000), &"x".repeat(2_000)),
    ] {
        alice.says(romeo_name, html);
        let shown = romeo.sees("im", &[("name", ALICE), ("text", text)]);
        let markup = shown.get("html");
        let bold = markup.contains("strong") || markup.contains("<b>") || markup.contains("bold");
        assert_eq!(bold, html.contains("<b>"), "{markup}");
    }
    let long = format!("{}{SECRET}", "abcdefghi ".repeat(300));
    for text in ["<b>&lt;tag&gt;</b>", CYRILLIC, EMOJI, "two\nlines", &long] {
        romeo.says(ALICE, &romeo.types(text));
        alice.sees("im", &[("name", romeo_name), ("text", text)]);
    }
}

fn they_type(alice: &mut Person, romeo: &mut Person, romeo_name: &str) {
    alice.looks_away();
    romeo.looks_away();
    alice.does(&["typing", romeo_name, "typing"]);
    romeo.sees("typing", &[("name", ALICE), ("state", "typing")]);
    romeo.does(&["typing", ALICE, "typing"]);
    alice.sees("typing", &[("name", romeo_name), ("state", "typing")]);
}

fn they_sign_off_and_on(alice: &mut Person, romeo: &mut Person, romeo_name: &str) {
    alice.signs_off();
    romeo.finds(ALICE, &[("online", "no")]);
    alice.signs_on();
    romeo.finds(ALICE, &[("online", "yes")]);
    alice.finds(romeo_name, &[("online", "yes")]);
    assert_eq!(alice.buddy_list()[romeo_name].get("group"), "Friends");

    romeo.signs_off();
    alice.finds(romeo_name, &[("online", "no")]);
    romeo.signs_on();
    alice.finds(romeo_name, &[("online", "yes")]);
    romeo.finds(ALICE, &[("online", "yes")]);
    let buddies = romeo.buddy_list();
    assert_eq!(buddies[ALICE].get("group"), "Freunde");
    assert_eq!(buddies[ALICE].get("alias"), "Alice");
}

fn alice_removes_romeo(alice: &mut Person, romeo: &mut Person, romeo_name: &str) {
    alice.does(&["remove", romeo_name]);
    romeo.finds(ALICE, &[("online", "no")]);
    alice.signs_off();
    alice.signs_on();
    assert!(!alice.buddy_list().contains_key(romeo_name));
    assert!(romeo.buddy_list().contains_key(ALICE), "only Alice's list is hers");
}

fn romeo_removes_alice(romeo: &mut Person) {
    romeo.does(&["remove", ALICE]);
    romeo.signs_off();
    romeo.signs_on();
    assert!(!romeo.buddy_list().contains_key(ALICE));
}
