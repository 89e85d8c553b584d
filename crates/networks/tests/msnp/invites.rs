//! Messages of people with whom no conversation is open: the client is rung, and comes for them.

use super::talks::{NS, got, sent, talks_with_bob};
use super::*;

#[test]
fn whoever_writes_first_rings_and_the_message_waits_for_the_answer() {
    let mut scene = Scene::online(11, listed());
    deliver(&mut scene.ns, says("one"));
    deliver(&mut scene.ns, says("two"));
    assert_eq!(scene.ns.held.len(), 2);
    let ring = scene.client_got();
    assert!(ring.starts_with(&format!("RNG 900001 {NS} CKI ")), "{ring}");
    assert!(ring.ends_with(&format!(" {BOB} {BOB}\r\n")) && ring.lines().count() == 1, "{ring}");
    let mut talk = scene.connect(&ring, "ANS 1 mary@hotmail.com KEY 900001");
    assert_eq!(got(&mut talk), format!("IRO 1 1 1 {BOB} {BOB}\r\nANS 1 OK\r\n"));
    assert!(talks_with_bob(&talk));
    for envelope in scene.ns.held.drain(..) {
        talk.input(Input::Deliver(envelope)).unwrap();
    }
    let heard = got(&mut talk);
    assert!(heard.contains("\r\n\r\none") && heard.ends_with("\r\n\r\ntwo"), "{heard}");
    deliver(&mut scene.ns, says("three"));
    assert!(scene.client_got().starts_with("RNG 900002 "), "the first ring was answered");
    assert_eq!(scene.server_got() + &sent(&mut talk), "");
}

#[test]
fn what_waited_is_shown_with_the_time_it_was_said_at() {
    let mut scene = Scene::online(9, roster(contact(Subscription::Granted, false)));
    let mut talk = scene.talk_with_bob();
    deliver_of(&mut talk, UnixMillis(1_700_000_000_000), says("late"));
    assert!(got(&mut talk).ends_with("\r\n\r\n[2023-11-14 22:13:20 UTC] late"));
    deliver(&mut talk, says("now"));
    assert!(got(&mut talk).ends_with("\r\n\r\nnow"));
}

#[test]
fn a_ring_that_is_not_answered_is_repeated_with_the_next_message() {
    let mut scene = Scene::online(11, listed());
    deliver(&mut scene.ns, says("one"));
    assert!(scene.client_got().starts_with("RNG "));
    scene.ns.wait(Duration::from_secs(8));
    deliver(&mut scene.ns, says("two"));
    assert!(scene.client_got().starts_with("RNG "));
}

#[test]
fn nobody_is_rung_before_the_client_is_online() {
    let mut scene = Scene::signed_on(11, listed());
    deliver(&mut scene.ns, says("one"));
    assert_eq!((scene.client_got().as_str(), scene.ns.held.len()), ("", 1));
    server(&mut scene.ns, "CHG 6 NLN 0");
    assert!(scene.client_got().contains("\r\nRNG "));
}
