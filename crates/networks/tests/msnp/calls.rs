//! Calls of people into a conversation.

use super::talks::{EVE, got, say, sent, talks_with_bob};
use super::*;

#[test]
fn who_is_called_when_the_person_has_signed_off_is_not_there() {
    let mut scene = Scene::online(11, listed());
    let (mut first, mut second) = (scene.talk(), scene.talk());
    client(&mut first, &format!("CAL 2 {BOB}"));
    drop(scene);
    first.hear();
    client(&mut second, &format!("CAL 3 {BOB}"));
    assert_eq!((got(&mut first), got(&mut second)), ("217 2\r\n".into(), "217 3\r\n".into()));
    assert!(![first, second].iter().any(talks_with_bob));
}

#[test]
fn a_client_is_heard_no_further_before_who_it_called_is_there() {
    let mut scene = Scene::online(11, roster(contact(Subscription::Granted, false)));
    let mut talk = scene.talk();
    client(&mut talk, &format!("CAL 2 {BOB}"));
    say(&mut talk, "MSG 3 N", "hello");
    assert!(said(&mut talk).is_empty() && !talk.pending(Side::Client).is_empty());
    settle(&mut scene.ns, &mut talk);
    assert_eq!(said(&mut talk)[0].body, says("hello"));
    client(&mut talk, "CAL 4 carol@far-oscar.xt");
    got(&mut talk);
    talk.wait(Duration::from_secs(4));
    assert_eq!(got(&mut talk), "217 4\r\n", "nobody answers");
}

#[test]
fn a_call_fails_where_the_server_opens_nothing() {
    let refusal = |scene: &mut Scene, talk: &mut Gateway| {
        client(talk, &format!("CAL 4 {EVE}"));
        scene.ns.hear();
        scene.server_got();
    };
    let mut scene = Scene::online(11, listed());
    let mut talk = scene.talk();
    refusal(&mut scene, &mut talk);
    server(&mut scene.ns, "913 900001");
    assert_eq!(scene.client_got(), "");
    talk.hear();
    assert_eq!(got(&mut talk), "217 4\r\n");
    refusal(&mut scene, &mut talk);
    talk.wait(Duration::from_secs(16));
    assert_eq!(got(&mut talk), "217 4\r\n", "the server says nothing");
    client(&mut talk, &format!("CAL 5 {EVE}"));
    drop(scene);
    talk.hear();
    assert_eq!(got(&mut talk), "217 5\r\n", "the person signed off");
}

#[test]
fn calls_of_who_is_offline_or_cannot_be_are_refused() {
    let mut scene = Scene::online(11, listed());
    let mut talk = scene.talk();
    client(&mut talk, &format!("CAL 2 {BOB}"));
    client(&mut talk, "CAL 3 bob@nowhere.xt");
    scene.call(&mut talk, "CAL 4 MARY@hotmail.com");
    assert_eq!(got(&mut talk), "217 2\r\n217 3\r\n215 4\r\n");
    scene.ns.hear();
    assert_eq!(scene.server_got(), "");
}

#[test]
fn who_calls_themselves_is_there_since_msnp16_and_was_there_before() {
    for (version, caps, answer) in [
        (9, "268435456", "215 2\r\n"),
        (15, "268435456", "215 2\r\n"),
        (16, "268435456", "CAL 2 RINGING 1234567\r\nJOI mary@hotmail.com M%20A 268435456:0\r\n"),
        (18, "7:48", "CAL 2 RINGING 1234567\r\nJOI mary@hotmail.com M%20A 7:48\r\n"),
    ] {
        let mut scene = Scene::signed_on(version, listed());
        server(&mut scene.ns, &format!("CHG 6 NLN {caps} 0"));
        server(&mut scene.ns, "PRP 7 MFN M%20A");
        scene.take_all();
        client(&mut scene.ns, "XFR 9 SB");
        let place = scene.client_got();
        let mut talk = scene.connect(&place, "USR 1 mary@hotmail.com KEY");
        assert_eq!(got(&mut talk), "USR 1 OK mary@hotmail.com M%20A\r\n");
        client(&mut talk, "CAL 2 mary@hotmail.com");
        assert_eq!(got(&mut talk), answer, "{version}");
        scene.call_in(&mut talk, EVE, version);
        client(&mut talk, "CAL 2 mary@hotmail.com");
        assert_eq!(sent(&mut talk), "CAL 2 mary@hotmail.com\r\n", "the server answers there");
    }
}
