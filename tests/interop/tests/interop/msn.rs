//! MSN users by either way in, with people on every other network.

use crosstalk_interop::{Person, Stage};

const ALICE: &str = "alice@aol.xt";
const EMOJI: &str = "snow ❄ and a 🦊 and a family 👨‍👩‍👧";
const SECRET: &str = "the-treasure-is-under-the-oak";

#[test]
fn msn_users_by_either_way_meet_aim_and_jabber() {
    let stage = Stage::behind_socks();
    let (mut alice, mut romeo) = (stage.aim("alice"), stage.slixmpp("romeo"));
    let mut mary = stage.msn_behind_listener("mary");
    story(&mut mary, &stage.msn_name("mary"), &mut alice, ALICE);
    story(&mut mary, &stage.msn_name("mary"), &mut romeo, &stage.jabber_name("romeo"));

    let mut mike = stage.msn_behind_socks("mike");
    story(&mut mike, &stage.msn_name("mike"), &mut romeo, &stage.jabber_name("romeo"));
    story(&mut mike, &stage.msn_name("mike"), &mut alice, ALICE);

    romeo.does(&["nudge", &stage.msn_name("mike")]);
    mike.sees("nudge", &[("name", &stage.jabber_name("romeo"))]);
    they_keep_their_own_network(&stage, &mut mary, &mut mike);
    they_are_three(&stage, &mut mary, &mut mike, &mut alice);
    stage.kept_its_secrets(&[SECRET, "🦊"]);
}

/// `mary` is at MSN, and `bob` elsewhere; each is called as the other's client does.
fn story(mary: &mut Person, mary_name: &str, bob: &mut Person, bob_name: &str) {
    mary.befriends(bob_name, bob, mary_name);
    they_say_how_they_are(mary, mary_name, bob, bob_name);
    both_begin_to_talk(mary, mary_name, bob, bob_name);
    they_talk_at_length(mary, mary_name, bob, bob_name);
    they_type_and_nudge(mary, mary_name, bob, bob_name);
    they_sign_off_and_on(mary, mary_name, bob, bob_name);
}

fn they_say_how_they_are(mary: &mut Person, mary_name: &str, bob: &mut Person, bob_name: &str) {
    bob.goes_away("обед & <lunch>");
    mary.finds(bob_name, &[("show", "away"), ("status", "обед & <lunch>")]);
    bob.does(&["available", ""]);
    mary.finds(bob_name, &[("show", "available")]);
    mary.goes_away("<gone> fishing 🎣");
    bob.finds(mary_name, &[("show", "away"), ("status", "<gone> fishing 🎣")]);
    mary.does(&["available", ""]);
    bob.finds(mary_name, &[("show", "available")]);
}

fn both_begin_to_talk(mary: &mut Person, mary_name: &str, bob: &mut Person, bob_name: &str) {
    bob.says(mary_name, "do you have a minute?");
    mary.sees("im", &[("name", bob_name), ("text", "do you have a minute?")]);
    mary.says(bob_name, "here I am");
    bob.sees("im", &[("name", mary_name), ("text", "here I am")]);
    mary.does(&["leave", bob_name]);
    mary.says(bob_name, "now I begin");
    bob.sees("im", &[("name", mary_name), ("text", "now I begin")]);
    bob.says(mary_name, "and I answer");
    mary.sees("im", &[("name", bob_name), ("text", "and I answer")]);
}

fn they_talk_at_length(mary: &mut Person, mary_name: &str, bob: &mut Person, bob_name: &str) {
    let long = format!("{}{SECRET}", "x".repeat(3_000 - SECRET.len()));
    for text in ["<b><tag> & more</b>", EMOJI, "two\nlines", &long] {
        mary.says(bob_name, text);
        let plain = text.trim_start_matches("<b>").trim_end_matches("</b>");
        bob.sees("im", &[("name", mary_name), ("text", plain)]);
    }
    let long = &long[3_000 - bob.longest()..];
    for text in ["<tag> & more", EMOJI, "two\nlines", long] {
        bob.says(mary_name, &bob.types(text));
        mary.sees("im", &[("name", bob_name), ("text", text)]);
    }
}

fn they_type_and_nudge(mary: &mut Person, mary_name: &str, bob: &mut Person, bob_name: &str) {
    mary.looks_away();
    bob.looks_away();
    mary.does(&["typing", bob_name]);
    bob.sees("typing", &[("name", mary_name), ("state", "typing")]);
    bob.does(&["typing", mary_name, "typing"]);
    mary.sees("typing", &[("name", bob_name), ("state", "typing")]);
    mary.does(&["nudge", bob_name]);
    let words = bob.sees("im", &[("name", mary_name)]);
    assert!(words.get("text").to_lowercase().contains("attention"), "{words}");
}

fn they_sign_off_and_on(mary: &mut Person, mary_name: &str, bob: &mut Person, bob_name: &str) {
    bob.signs_off();
    mary.finds(bob_name, &[("online", "no")]);
    bob.signs_on();
    mary.finds(bob_name, &[("online", "yes")]);
    mary.signs_off();
    bob.finds(mary_name, &[("online", "no")]);
    mary.signs_on();
    assert!(mary.buddy_list().contains_key(bob_name));
    mary.finds(bob_name, &[("online", "yes")]);
    bob.finds(mary_name, &[("online", "yes")]);
}

fn they_keep_their_own_network(stage: &Stage, mary: &mut Person, mike: &mut Person) {
    let (mary_name, mike_name) = (&stage.passport("mary"), &stage.passport("mike"));
    mary.does(&["add", mike_name]);
    mary.finds(mike_name, &[("online", "yes")]);
    mary.says(mike_name, "only between us");
    mike.sees("im", &[("name", mary_name), ("text", "only between us")]);
    mike.does(&["nudge", mary_name]);
    mary.sees("nudge", &[("name", mike_name)]);
}

/// A conversation with a foreign person that somebody of MSN is called to.
fn they_are_three(stage: &Stage, mary: &mut Person, mike: &mut Person, alice: &mut Person) {
    mary.says(ALICE, "only you and me");
    alice.sees("im", &[("name", &stage.msn_name("mary")), ("text", "only you and me")]);
    mary.does(&["invite", ALICE, &stage.passport("mike")]);
    mary.sees("joined", &[("name", &stage.passport("mike"))]);
    mary.says(ALICE, "and now three");
    alice.sees("im", &[("name", &stage.msn_name("mary")), ("text", "and now three")]);
    mike.sees("im", &[("name", &stage.passport("mary")), ("text", "and now three")]);
}
