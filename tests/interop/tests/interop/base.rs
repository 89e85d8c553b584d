//! Clients and servers without a gateway, so that a failure elsewhere is a gateway's.

use crosstalk_interop::{AimServer, Person, Prosody, Route};

const USERS: &[(&str, &str)] = &[("romeo", "one"), ("juliet", "two")];

#[test]
fn slixmpp_and_libpurple_talk_on_prosody() {
    let directory = std::env::temp_dir().join(format!("crosstalk-base-{}", std::process::id()));
    let prosody = Prosody::start(directory.join("prosody"), USERS, &["localhost"]);
    let way = Route::Direct("localhost".to_owned(), prosody.port());
    let mut romeo = Person::at_slixmpp("romeo@jabber.test", "one", &way, &prosody.ca());
    let trust = prosody.ca().with_file_name("trust");
    std::fs::create_dir_all(&trust).unwrap();
    std::fs::copy(prosody.ca(), trust.join("ca.pem")).unwrap();
    let home = directory.join("juliet");
    let mut juliet = Person::at_purple_jabber("juliet@jabber.test", "two", &way, &home, &trust);
    romeo.signs_on();
    juliet.signs_on();

    romeo.does(&["add", "juliet@jabber.test", "Friends", "Jules"]);
    let asked = juliet.sees("dialogue", &[("kind", "authorize"), ("name", "romeo@jabber.test")]);
    juliet.does(&["answer", asked.get("id"), "0"]);
    romeo.finds("juliet@jabber.test", &[("online", "yes")]);
    juliet.does(&["away", "out for lunch"]);
    romeo.finds("juliet@jabber.test", &[("show", "away"), ("status", "out for lunch")]);
    romeo.says("juliet@jabber.test", "two\nlines");
    juliet.sees("im", &[("name", "romeo@jabber.test"), ("text", "two\nlines")]);
    juliet.signs_off();
    romeo.finds("juliet@jabber.test", &[("online", "no")]);
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn libpurple_talks_on_our_aim_server() {
    let directory = std::env::temp_dir().join(format!("crosstalk-aim-{}", std::process::id()));
    let server = AimServer::start(&[("alice", "one"), ("carol", "two")]);
    let way = Route::Direct("127.0.0.1".to_owned(), server.port());
    let mut alice = Person::at_aim("alice", "one", &way, &directory.join("alice"));
    let mut carol = Person::at_aim("carol", "two", &way, &directory.join("carol"));
    alice.signs_on();
    carol.signs_on();

    alice.does(&["add", "carol", "Friends"]);
    alice.finds("carol", &[("online", "yes")]);
    carol.does(&["away", "out for lunch"]);
    alice.finds("carol", &[("show", "away"), ("status", "out for lunch")]);
    alice.says("carol", "<b>&lt;tag&gt;</b>");
    carol.sees("im", &[("name", "alice"), ("text", "<tag>")]);
    carol.does(&["typing", "alice", "typing"]);
    alice.sees("typing", &[("name", "carol"), ("state", "typing")]);
    carol.signs_off();
    alice.finds("carol", &[("online", "no")]);

    alice.signs_off();
    alice.signs_on();
    assert!(alice.buddy_list().contains_key("carol"));
    std::fs::remove_dir_all(directory).unwrap();
}
