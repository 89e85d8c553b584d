//! Somebody who has only a browser, and an AIM user at libpurple.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crosstalk_interop::{Browser, Stage};

const ANN: &str = "ann@web.xt";
const ALICE: &str = "alice@aol";
const PASSWORD: &str = "a horse called Bob";
const TEXT: &str = "<b>Привет</b> & 🦊";

#[test]
fn a_browser_and_aim_meet_share_a_file_and_lose_nothing_when_the_gateway_dies() {
    let mut stage = Stage::behind_socks();
    let mut alice = stage.aim("alice");
    let invite = stage.invite("ann");
    let mut ann = Browser::open(&invite);
    ann.is_for_everybody();
    ann.does(&["accept", PASSWORD]);
    ann.does(&["add", ALICE]);
    let request = alice.sees_request(ANN);
    alice.grants(&request);
    ann.does(&["shows", ALICE, "online"]);
    alice.does(&["add", ANN, "Friends"]);
    ann.does(&["allow", ALICE]);
    alice.finds(ANN, &[("online", "yes")]);

    ann.does(&["says", ALICE, TEXT]);
    alice.sees("im", &[("name", ANN), ("text", TEXT)]);
    alice.says(ANN, &alice.types(TEXT));
    ann.does(&["reads", ALICE, TEXT]);
    alice.does(&["typing", ANN, "typing"]);
    ann.does(&["sees-typing", ALICE]);
    alice.goes_away("gone fishing");
    ann.does(&["shows", ALICE, "gone fishing"]);
    alice.does(&["available", ""]);
    ann.does(&["shows", ALICE, "online"]);

    let file = stage.directory().join("holiday.txt");
    std::fs::write(&file, "sun and sea\n").unwrap();
    ann.does(&["offer", ALICE, &file.display().to_string()]);
    let link = alice.sees("im", &[("name", ANN)]);
    let link = link.get("text").split_once(": ").unwrap().1.to_owned();
    assert_eq!(got(&link), "sun and sea\n");
    assert!(got(&link).contains("not-found"), "a link works once");
    ann.does(&["call", ALICE, "https://meet.example.org/room"]);
    let invited = alice.sees("im", &[("name", ANN)]);
    assert!(invited.get("text").ends_with("https://meet.example.org/room"));

    for (scheme, size) in [("light", "desk"), ("dark", "desk"), ("light", "phone")] {
        ann.does(&["looks", scheme, size]);
        ann.is_for_everybody();
    }
    ann.does(&["looks", "light", "desk"]);
    stage.west.kill();
    ann.does(&["is-cut-off"]);
    ann.does(&["fails", ALICE, "are you back?", "cannot be reached"]);
    stage.west.start();
    ann.does(&["is-back"]);
    alice.signs_on();
    ann.does(&["shows", ALICE, "online"]);
    ann.does(&["again"]);
    alice.sees("im", &[("name", ANN), ("text", "are you back?")]);
    alice.says(ANN, "yes");
    ann.does(&["reads", ALICE, TEXT, "yes"]);
    ann.does(&["reload"]);
    ann.does(&["reads", ALICE, TEXT, "yes"]);
    ann.does(&["sign-out"]);
    ann.is_for_everybody();
    ann.does(&["sign-in", "ann", PASSWORD]);
    ann.does(&["reads", ALICE, TEXT, "yes"]);
    ann.had_no_errors();
    assert!(!stage.aim.has_heard("ann@web"), "nothing foreign gets out to a server");
    let invite = invite.split('=').next_back().unwrap();
    for secret in [TEXT, PASSWORD, invite] {
        assert!(!stage.west.log().contains(secret), "the log holds {secret}");
    }
}

#[test]
fn a_passkey_lets_in_who_has_it_until_a_new_invite_is_used() {
    let stage = Stage::behind_socks();
    let at_localhost = |name: &str| stage.invite(name).replace("127.0.0.1", "localhost");
    let mut ann = Browser::open(&at_localhost("ann"));
    ann.does(&["has-authenticator"]);
    ann.does(&["accept", PASSWORD]);
    ann.does(&["add-passkey"]);
    for _ in 0..2 {
        ann.does(&["sign-out"]);
        ann.is_for_everybody();
        ann.does(&["show-passkey"]);
    }
    ann.does(&["sign-out"]);
    ann.does(&["open", &at_localhost("ann")]);
    ann.does(&["accept", "another password"]);
    ann.does(&["sign-out"]);
    ann.does(&["fails-passkey"]);
    ann.had_no_errors();
}

/// What is at an address.
fn got(link: &str) -> String {
    let (host, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut server = TcpStream::connect(host).unwrap();
    write!(server, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    server.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
