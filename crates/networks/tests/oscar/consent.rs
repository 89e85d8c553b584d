//! Authorisation through the client's own dialogue.

use bytes::Bytes;
use crosstalk_core::{Body, Consent, Event, Roster};
use crosstalk_networks::oscar::wire::{Reader, Snac, Writer, find};

use crate::scene::*;

fn asked(client: &str) -> Scene {
    let mut scene = Scene::online(client, friends(), Roster::default());
    let request = Consent::Request("may I?".into());
    scene.deliver("bob@far-oscar", Body::Contact(request));
    scene
}

#[test]
fn libpurple_asks_on_behalf_of_a_number_and_is_told_the_nick() {
    let mut scene = asked(LIBPURPLE);
    let expected = Writer::new().short("1001").long("may I?").u16(0).bytes();
    assert_eq!(scene.client_got(), [Snac::new(0x13, 0x19, 0, expected)]);
    // 15/02 as libpurple writes it: who is 1001?
    let question = b"\0\x01\0\x10\x0e\0\x01\0\0\0\xd0\x07\x34\x12\xba\x04\xe9\x03\0\0";
    scene.client(Snac::new(0x15, 2, 0x34, &question[..]));
    let got = scene.client_news();
    let [answer] = &got[..] else { panic!("{got:?}") };
    assert_eq!((answer.kind(), answer.request), ((0x15, 3), 0x34));
    let details = find(&answer.body, 1).unwrap();
    assert_eq!(details[2..15], *b"\x01\0\0\0\xda\x07\x34\x12\x04\x01\x0a\x11\0");
    assert_eq!(details[15..15 + BOB.len()], *BOB.as_bytes());
    let mut reader = Reader::new(details);
    assert_eq!(usize::from(reader.u16().unwrap().swap_bytes()), reader.rest().len());
    for (answer, step) in [(1, Consent::Grant), (0, Consent::Revoke)] {
        let body = Writer::new().short("1001").u8(answer).long("").u16(0).bytes();
        scene.client(Snac::new(0x13, 0x1a, 0x35, body));
        let said = scene.said();
        assert_eq!((&said[0].to, &said[0].body), (&bob_address(), &Body::Contact(step)));
    }
    assert!(scene.server_got().is_empty());
}

#[test]
fn other_clients_leave_the_question_to_the_gateway() {
    let mut scene = asked(OFFICIAL);
    assert!(scene.client_got().is_empty());
    assert!(matches!(scene.events()[..], [Event::Unshown(_)]));
}

#[test]
fn a_number_that_was_added_becomes_the_person() {
    let mut scene = asked(LIBPURPLE);
    scene.forget();
    scene.client(edit(0x08, 3, &[buddy("1001", 1, 2)]));
    let events = scene.events();
    let Some(Event::Roster(crosstalk_core::RosterEdit::List { spelling, .. })) = events.first()
    else {
        panic!("{events:?}")
    };
    assert_eq!(spelling, BOB);
    scene.forget();
    scene.changed(bob(&["Friends"]));
    assert_eq!(kinds(&scene.client_got()), [0x11, 0x0a, 8, 9, 0x12].map(|s| (0x13, s)));
    assert!(scene.server_got().is_empty());
}

#[test]
fn a_refusal_is_shown_to_one_who_asked() {
    let mut scene = Scene::online(LIBPURPLE, friends(), Roster::default());
    scene.deliver("bob@far-oscar", Body::Contact(Consent::Revoke));
    assert!(scene.client_got().is_empty());
    scene.client(edit(0x08, 3, &[buddy(BOB, 1, 2)]));
    scene.forget();
    scene.deliver("bob@far-oscar", Body::Contact(Consent::Revoke));
    let denied = Writer::new().short(BOB).u8(0).u16(0).u16(0).bytes();
    assert_eq!(scene.client_got(), [Snac::new(0x13, 0x1b, 0, denied)]);
}

#[test]
fn a_request_by_the_persons_own_hand_is_carried() {
    let mut scene = Scene::online(LIBPURPLE, friends(), Roster::default());
    let body = Writer::new().short(BOB).long("please").u16(0).bytes();
    scene.client(Snac::new(0x13, 0x18, 3, body));
    assert_eq!(scene.said()[0].body, Body::Contact(Consent::Request("please".into())));
    let own = Snac::new(0x13, 0x18, 4, Bytes::from_static(b"\x05carol\0\0\0\0"));
    scene.client(own.clone());
    assert_eq!(scene.server_got(), [own]);
}
