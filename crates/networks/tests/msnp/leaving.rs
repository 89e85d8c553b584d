//! Conversations that their client leaves, at any moment.

use super::talks::{got, say};
use super::*;

fn scene() -> Scene {
    Scene::online(11, roster(contact(Subscription::Granted, true)))
}

/// One with Bob, who is online.
fn talk(scene: &mut Scene) -> Gateway {
    show_presence(&mut scene.ns, Presence::available());
    scene.client_got();
    scene.talk_with_bob()
}

#[test]
fn what_is_said_after_the_client_left_is_for_another_conversation() {
    let out = |talk: &mut Gateway| client(talk, "OUT");
    let closed = |talk: &mut Gateway| talk.input(Input::Closed(Side::Client)).unwrap();
    for leave in [out, closed] {
        let mut scene = scene();
        let mut talk = talk(&mut scene);
        leave(&mut talk);
        let nobody = |e: &Event| matches!(e, Event::Converse { with, .. } if with.is_empty());
        assert!(talk.events.last().is_some_and(nobody));
        deliver(&mut talk, says("too late"));
        assert_eq!(got(&mut talk), "");
        assert_eq!(talk.held.len(), 1, "it is given back");
    }
}

#[test]
fn what_crossed_with_the_leaving_is_said_again_in_the_next_conversation() {
    let mut scene = scene();
    let mut talk = talk(&mut scene);
    deliver(&mut talk, says("crossing"));
    assert!(got(&mut talk).ends_with("crossing"));
    client(&mut talk, "OUT");
    scene.ns.hear();
    let ring = scene.client_got();
    assert!(ring.starts_with("RNG ") && ring.lines().count() == 1, "{ring}");
    let mut next = scene.connect(&ring, "ANS 1 mary@hotmail.com KEY 900001");
    let heard = got(&mut next);
    assert!(heard.contains("ANS 1 OK\r\nMSG ") && heard.ends_with("crossing"), "{heard}");
    next.wait(Duration::from_millis(150));
    client(&mut next, "OUT");
    scene.ns.hear();
    assert_eq!(scene.client_got(), "", "it is not said a third time");
}

#[test]
fn it_waits_for_a_conversation_that_the_client_opens_as_well() {
    let mut scene = scene();
    let mut first = talk(&mut scene);
    deliver(&mut first, says("crossing"));
    client(&mut first, "OUT");
    client(&mut scene.ns, "XFR 9 SB");
    let place = scene.client_got();
    let mut next = scene.connect(&place, "USR 1 mary@hotmail.com KEY");
    scene.call(&mut next, &format!("CAL 2 {BOB}"));
    let heard = got(&mut next);
    assert!(heard.contains("JOI ") && heard.ends_with("crossing"), "{heard}");
}

/// The conversation that the client was called to for what crossed with its leaving the first, and
/// in which nothing has been said yet.
fn second(scene: &mut Scene) -> Gateway {
    let mut first = talk(scene);
    deliver(&mut first, says("crossing"));
    client(&mut first, "OUT");
    scene.ns.hear();
    let ring = scene.client_got();
    let words: Vec<&str> = ring.split(' ').collect();
    let mut second = Gateway::new(&Msnp, &scene.shared, None);
    client(&mut second, &format!("ANS 1 mary@hotmail.com {} {}", words[4], words[1]));
    second
}

/// The conversation that the client is called to after the second, in which it is said at last.
fn third(scene: &mut Scene) -> Gateway {
    let ring = scene.client_got();
    let mut third = scene.connect(&ring, "ANS 1 mary@hotmail.com KEY 900002");
    assert!(got(&mut third).ends_with("crossing"));
    third
}

#[test]
fn it_waits_on_where_the_next_conversation_ends_before_it_came() {
    let mut scene = scene();
    let second = second(&mut scene);
    drop(second);
    scene.ns.hear();
    third(&mut scene);
}

#[test]
fn it_waits_on_where_the_next_conversation_ends_with_it_unheard() {
    let mut scene = scene();
    let second = second(&mut scene);
    scene.ns.hear();
    assert_eq!(scene.client_got(), "", "the second is to show it");
    drop(second);
    scene.ns.hear();
    let mut third = third(&mut scene);
    third.wait(Duration::from_millis(150));
    drop(third);
    scene.ns.hear();
    assert_eq!(scene.client_got(), "", "it was shown");
}

#[test]
fn conversations_that_ended_before_they_began_take_no_room() {
    let mut scene = scene();
    show_presence(&mut scene.ns, Presence::available());
    scene.client_got();
    for _ in 0..128 {
        let mut talk = scene.talk();
        client(&mut talk, &format!("CAL 2 {BOB}"));
        drop(talk);
        scene.ns.hear();
    }
    let mut talk = scene.talk_with_bob();
    client(&mut scene.ns, &format!("ADC 8 FL N={BOB} F=Bobby"));
    talk.hear();
    deliver(&mut talk, says("hi"));
    assert!(got(&mut talk).starts_with(&format!("MSG {BOB} Bobby ")));
}

/// Has Bob say as much as can cross with the client's leaving, to the byte, in two texts.
fn say_all_that_can_cross(talk: &mut Gateway) {
    let empty = talk.weight();
    deliver(talk, says(&"a".repeat(30_000)));
    let overhead = talk.weight() - empty - 30_000;
    deliver(talk, says(&"b".repeat((64 << 10) - 30_000 - 2 * overhead)));
    assert_eq!(talk.weight() - empty, 64 << 10);
    got(talk);
}

#[test]
fn as_much_as_can_cross_is_said_again_whole() {
    let mut scene = scene();
    let mut talk = talk(&mut scene);
    say_all_that_can_cross(&mut talk);
    client(&mut talk, "OUT");
    scene.ns.hear();
    let ring = scene.client_got();
    assert!(ring.starts_with("RNG "), "{ring}");
    let mut next = scene.connect(&ring, "ANS 1 mary@hotmail.com KEY 900001");
    let heard = got(&mut next);
    let count = |letter| heard.matches(letter).count();
    assert!(count("aaaaaaaaaa") == 3_000 && count("bbbbbbbbbb") >= 3_000, "{}", heard.len());
}

#[test]
fn texts_that_find_no_room_end_no_call() {
    let mut scene = scene();
    let mut talks: Vec<Gateway> = (0..17).map(|_| talk(&mut scene)).collect();
    for talk in &mut talks {
        say_all_that_can_cross(talk);
        client(talk, &format!("CAL 4 {}", super::talks::EVE));
    }
    for talk in &mut talks {
        client(talk, "OUT");
        assert_eq!(got(talk), "");
    }
}

#[test]
fn what_was_there_before_is_read() {
    let mut scene = scene();
    let mut talk = talk(&mut scene);
    for n in 0..100 {
        deliver(&mut talk, says(&format!("{n} {}", "x".repeat(10_000))));
        assert!(talk.weight() < 100_000, "{}", talk.weight());
    }
    talk.wait(Duration::from_millis(150));
    client(&mut talk, "OUT");
    scene.ns.hear();
    assert_eq!(scene.client_got(), "");
}

#[test]
fn what_the_client_had_begun_to_say_is_said_as_far_as_it_came() {
    let mut scene = scene();
    let mut talk = talk(&mut scene);
    let head = "Content-Type: text/plain\r\nMessage-ID: {1}\r\nChunks: 2\r\n\r\nhalf";
    talk.bytes(Side::Client, with_payload("MSG 3 N", head).as_bytes()).unwrap();
    assert!(said(&mut talk).is_empty());
    client(&mut talk, "OUT");
    assert_eq!(said(&mut talk)[0].body, says("half"));
    say(&mut talk, "MSG 4 A", "after");
    assert_eq!(got(&mut talk), "NAK 4\r\n");
}
