//! The picture at the top of the README, taken of Pidgin itself, and those of the chat page. They are
//! taken only when what they show is what it should be.

mod page;

use std::path::Path;
use std::time::{Duration, Instant};

use crosstalk_interop::{Desktop, JUST_COME, Person, Stage, side_by_side};

const ALICE: &str = "alice@aol.xt";
const YOLANDA: &str = "yolanda@yahoo.xt";

#[test]
fn pidgin_with_people_of_every_network() {
    let stage = Stage::behind_socks();
    let mut alice = stage.aim("alice");
    let [mut carol, mut dave] = ["carol", "dave"].map(|name| stage.aim(name));
    for (person, alias) in [("carol", "Carol"), ("dave", "Dave")] {
        alice.does(&["add", person, "AIM", alias]);
        alice.finds(person, &[("online", "yes")]);
    }
    let [mut romeo, mut juliet] = [stage.pidgin("romeo"), stage.slixmpp("juliet")];
    let mut mary = stage.msn_behind_listener("mary");
    let [romeo_name, juliet_name] = ["romeo", "juliet"].map(|name| stage.jabber_name(name));
    let mary_name = stage.msn_name("mary");
    for (person, name, group, alias) in [
        (&mut romeo, &romeo_name, "Jabber", "Romeo"),
        (&mut juliet, &juliet_name, "Jabber", "Juliet"),
        (&mut mary, &mary_name, "MSN", "Mary"),
    ] {
        befriend(&mut alice, name, group, alias, person);
    }
    let mut yolanda = stage.yahoo("yolanda");
    alice.does(&["add", YOLANDA, "Yahoo!", "Yolanda"]);
    yolanda.says_yes();
    alice.finds(YOLANDA, &[("online", "yes"), ("alias", "Yolanda")]);
    alice.signs_off();
    drop(alice);

    carol.does(&["available", ""]);
    dave.goes_away("Lunch, back at two");
    romeo.does(&["available", "Anybody for the theatre?"]);
    juliet.goes_away("On the balcony 🌹");
    mary.does(&["available", "♫ Around the World"]);
    yolanda.goes_away("In the kitchen");

    let desktop = Desktop::open(stage.directory().join("desktop"));
    let pidgin = stage.pidgin_itself("alice", &desktop);
    pidgin.finds("carol", "Carol", true, "");
    pidgin.finds("dave", "Dave", true, "Lunch, back at two");
    pidgin.finds(&romeo_name, "Romeo", true, "Anybody for the theatre?");
    pidgin.finds(&juliet_name, "Juliet", true, "On the balcony 🌹");
    pidgin.finds(&mary_name, "Mary", true, "Around the World");
    pidgin.finds(YOLANDA, "Yolanda", true, "In the kitchen");
    let come = Instant::now();

    let said = [
        "Hi Alice! I hear you are still on AIM 😀",
        "And you on Jabber? Then this must be <b>CrossTalk</b>",
        "Same Pidgin, same account, nothing installed. Привет!",
        "Juliet is here too, and Mary from <i>MSN</i>. See you all at eight?",
    ];
    for (text, by_romeo) in said.iter().zip([true, false].into_iter().cycle()) {
        if by_romeo {
            romeo.says(ALICE, text);
        } else {
            pidgin.says(&romeo_name, text);
            romeo.sees("im", &[("name", ALICE)]);
        }
        let so_far = said.iter().position(|other| other == text).unwrap_or_default();
        pidgin.reads(&romeo_name, &said[..=so_far]);
    }
    let settled = come + JUST_COME + Duration::from_secs(1);
    std::thread::sleep(settled.saturating_duration_since(Instant::now()));
    desktop.resizes("Romeo", 490, 345);
    romeo.does(&["typing", ALICE, "typing"]);
    pidgin.sees_typing(&romeo_name);

    let windows = ["Buddy List", "Romeo"].map(|title| desktop.picture_of(title));
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    side_by_side(&windows, &docs.join("pidgin.png"));
}

/// Each has the other in the list afterwards; Alice has `name` in `group`, as `alias`.
fn befriend(alice: &mut Person, name: &str, group: &str, alias: &str, person: &mut Person) {
    alice.does(&["add", name, group, alias]);
    let request = person.sees_request(ALICE);
    person.grants(&request);
    alice.finds(name, &[("online", "yes"), ("alias", alias)]);
    person.does(&["add", ALICE, "Friends", "Alice"]);
    let request = alice.sees_request(name);
    alice.grants(&request);
    person.finds(ALICE, &[("online", "yes")]);
}
