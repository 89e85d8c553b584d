//! Messages, typing and buzzes.

use crosstalk_core::{Address, Body, Failure, RichText, Roster, Style, Typing};

use crate::scene::{BOB, Scene, bob, listed, says};

#[test]
fn messages_go_both_ways_with_their_formatting() {
    for version in [10, 16] {
        let mut scene = Scene::signed_on(version, listed());
        scene.client(&format!("06/5a55aa56 1=ann 5={BOB} 97=1 14=\x1b[1mfat\x1b[x1m_é 63=;0 64=0"));
        let mut text = RichText::default();
        text.push("fat", &[Style::Bold]);
        text.push(" é", &[]);
        let said = scene.said();
        assert_eq!(
            (said[0].to.clone(), said[0].body.clone()),
            (bob(), Body::Text { text: text.clone(), auto: false })
        );
        assert!(scene.server_got().is_empty() && scene.client_got().is_empty());
        scene.deliver(Body::Text { text, auto: false });
        let got = format!("06/1 5=ann 4={BOB} 14=\x1b[1mfat\x1b[x1m_é 97=1 63=;0 64=0");
        assert_eq!(scene.client_got(), [got]);
    }
}

#[test]
fn the_mark_says_which_character_set_a_message_is_in() {
    let mut scene = Scene::signed_on(10, listed());
    for mark in ["97=0", "63=;0"] {
        let packet = format!("06/0 1=ann 5={BOB} {mark} 14=caf");
        scene.client(&packet);
    }
    assert_eq!(scene.said().len(), 2);
    scene.client(&format!("06/0 1=ann 5={BOB} 97=0 14=é"));
    assert_eq!(scene.said()[0].body, says("Ã©"));
}

#[test]
fn the_first_versions_read_utf_8_only_where_it_has_to_be() {
    let mut scene = Scene::signed_on(9, listed());
    scene.deliver(says("plain"));
    scene.deliver(says("Привет"));
    let got = |text: &str| format!("06/1 5=ann 4={BOB} 14={text} 63=;0 64=0");
    let expected = [got("plain 97=0"), got("Привет 97=1")];
    assert_eq!(scene.client_got(), expected);
}

#[test]
fn buzzes_are_messages_and_typing_is_a_sign() {
    let mut scene = Scene::signed_on(16, listed());
    scene.client(&format!("06/5a55aa56 1=ann 5={BOB} 97=1 14=<ding> 63=;0 64=0"));
    scene.client(&format!("4b/16 49=TYPING 1=ann 14=_ 13=1 5={BOB} 1002=1"));
    scene.client(&format!("4b/16 49=TYPING 1=ann 14=_ 13=0 5={BOB} 1002=1"));
    let said: Vec<Body> = scene.said().into_iter().map(|s| s.body).collect();
    assert_eq!(said, [Body::Attention, Body::Typing(Typing::Active), Body::Typing(Typing::Idle)]);
    scene.deliver(Body::Attention);
    scene.deliver(Body::Typing(Typing::Active));
    scene.deliver(Body::Typing(Typing::Paused));
    let typing = |on| format!("4b/1 5=ann 4={BOB} 49=TYPING 14=_ 13={on}");
    let buzz = format!("06/1 5=ann 4={BOB} 14=<ding> 97=1 63=;0 64=0");
    assert_eq!(scene.client_got(), [buzz, typing(1), typing(0)]);
    assert!(scene.server_got().is_empty());
}

#[test]
fn a_message_with_a_name_is_acknowledged_and_a_repeat_is_dropped() {
    let mut scene = Scene::signed_on(16, listed());
    let packet = format!("06/5a55aa56 1=ann 5={BOB} 14=hi 97=1 429=0001 450=0");
    scene.client(&packet);
    scene.client(&packet);
    assert_eq!(scene.said().len(), 1);
    let ack = format!("fb/1 4={BOB} 5=ann 302=430 430=0001 303=430 450=0");
    assert_eq!(scene.client_got(), [ack.clone(), ack.clone()]);
    scene.client(&packet.replace("14=hi", "14=ho"));
    let said = scene.said();
    assert!(
        matches!(&said[..], [one] if matches!(&one.body, Body::Text { text, .. } if text.text() == "ho")),
        "another message of that name: {said:?}"
    );
    assert_eq!(scene.client_got(), [ack]);
}

#[test]
fn an_old_message_is_shown_with_its_time() {
    let mut scene = Scene::signed_on(10, listed());
    scene.deliver_from(bob(), 1_700_000_000_000, says("late"));
    let got = format!("06/5 5=ann 4={BOB} 15=1700000000 14=late 97=1 63=;0 64=0");
    assert_eq!(scene.client_got(), [got]);
}

#[test]
fn nobody_of_the_server_speaks_under_a_foreign_name() {
    let mut scene = Scene::signed_on(10, listed());
    for name in [BOB, "x@nowhere.xt"] {
        scene.server(&format!("06/1 5=ann 4={name} 14=hi 97=1"));
    }
    scene.server("06/1 5=ann 4=eve 14=hi 97=1");
    assert_eq!(scene.client_got(), ["06/1 5=ann 4=eve 14=hi 97=1"]);
}

#[test]
fn text_of_other_letters_stays_in_its_value() {
    let mut scene = Scene::signed_on(9, listed());
    scene.deliver(says("hiÀ€4À€eve"));
    let got = scene.client_got();
    assert!(got[0].contains("14=hiÀ€4À€eve 97=1"), "{got:?}");
}

#[test]
fn long_messages_come_in_several() {
    let mut scene = Scene::signed_on(10, listed());
    scene.deliver(says(&"word ".repeat(400)));
    assert_eq!(scene.client_got().len(), 3);
}

#[test]
fn failures_are_told_by_the_control_contact() {
    let mut scene = Scene::signed_on(10, Roster::default());
    let of = crosstalk_core::EnvelopeId(1);
    scene.deliver(Body::Undelivered { of, why: Failure::Offline });
    let words = format!("A message to {BOB} was not delivered: the receiver is offline.");
    let note = |words: &str| {
        let words = words.replace(' ', "_");
        format!("06/1 5=ann 4=crosstalk@gateway.xt 14={words} 97=1 63=;0 64=0")
    };
    assert_eq!(scene.client_got(), [note(&words)]);
    scene.deliver(Body::Undelivered { of, why: Failure::Unconfirmed });
    let words = Failure::Unconfirmed.of_message_to(BOB);
    assert!(words.contains("may not have arrived"));
    assert_eq!(scene.client_got(), [note(&words)]);
    scene.client("06/0 1=ann 5=eve@nowhere.xt 14=hi");
    let words = "A message to eve@nowhere.xt was not delivered: there is nobody of that name.";
    assert_eq!(scene.client_got(), [note(words)]);
    assert!(scene.server_got().is_empty());
}

#[test]
fn a_message_to_several_reaches_each_on_the_own_road() {
    let mut scene = Scene::signed_on(10, Roster::default());
    scene.client(&format!("17/0 1=ann 5=eve 5={BOB} 5=crosstalk@gateway.xt 14=hi 97=1"));
    assert_eq!(scene.server_got(), ["17/0 1=ann 5=eve 14=hi 97=1"]);
    let to: Vec<Address> = scene.said().into_iter().map(|s| s.to).collect();
    assert_eq!(to, [bob(), Address::control()]);
}

#[test]
fn own_people_and_words_about_foreign_ones_pass() {
    let mut scene = Scene::signed_on(16, listed());
    let packet = format!("06/5a55aa56 1=ann 5=eve 14=ask_{BOB} 97=1");
    scene.client(&packet);
    assert_eq!(scene.server_got(), [packet]);
    assert!(scene.said().is_empty());
}
