//! An AIM user and people at Jabber clients with windows.

use crosstalk_interop::{Desktop, Person, Stage};

const ALICE: &str = "alice@aol.xt";
const TEXT: &str = "<b>Привет</b> & 🦊";

#[test]
fn aim_and_gajim_meet() {
    let stage = Stage::behind_socks();
    let desktop = Desktop::of_nobody(stage.directory().join("desktop"));
    let romeo = stage.gajim("romeo", &desktop);
    let mut alice = stage.aim("alice");
    let name = &stage.jabber_name("romeo");
    alice.does(&["add", name, "Friends"]);
    romeo.is_asked_by(ALICE);
    romeo.accepts(ALICE);
    alice.finds(name, &[("online", "yes")]);
    they_talk(&mut alice, name, || romeo.says(ALICE, TEXT), |texts| romeo.reads(ALICE, texts));
    romeo.changes_status("away", "gone fishing");
    alice.finds(name, &[("show", "away"), ("status", "gone fishing")]);
    romeo.changes_status("offline", "");
    alice.finds(name, &[("online", "no")]);
    stage.kept_its_secrets(&[TEXT]);
}

#[test]
fn aim_and_dino_meet() {
    let stage = Stage::behind_socks();
    let desktop = Desktop::of_nobody(stage.directory().join("desktop"));
    let romeo = stage.dino("romeo", &desktop);
    let mut alice = stage.aim("alice");
    let name = &stage.jabber_name("romeo");
    alice.does(&["add", name, "Friends"]);
    romeo.accepts(ALICE);
    alice.finds(name, &[("online", "yes")]);
    they_talk(&mut alice, name, || romeo.says(ALICE, TEXT), |texts| romeo.reads(ALICE, texts));
    drop(romeo);
    alice.finds(name, &[("online", "no")]);
    stage.kept_its_secrets(&[TEXT]);
}

/// Alice lets him see her, and each says something to the other: he `TEXT`, by `says`.
fn they_talk(alice: &mut Person, name: &str, says: impl Fn(), reads: impl Fn(&[&str])) {
    let request = alice.sees_request(name);
    alice.grants(&request);
    says();
    alice.sees("im", &[("name", name), ("text", TEXT)]);
    alice.says(name, &alice.types(TEXT));
    reads(&[TEXT]);
    alice.says(name, &alice.types("and <this> too"));
    reads(&[TEXT, "and <this> too"]);
}
