//! Sign-on: nobody but the person whom the server names, whatever else is said.

use crate::scene::*;

/// The answer to [`BIND`] as others could say it.
fn forged(attributes: &str) -> String {
    bound("ceo@chat.test/desk").replace("<iq id='b'", &format!("<iq {attributes}"))
}

/// A connection on which the server knows `name`, who has asked for a session.
fn binding(name: &str) -> Scene {
    let mut scene = Scene::new();
    scene.authenticate(name);
    scene.client(BIND);
    scene.sent();
    scene
}

#[test]
fn a_relayed_stanza_is_no_answer_of_the_server() {
    for from in [
        "ceo@chat.test/desk",
        "ceo@chat.test",
        "mallory@chat.test/m",
        "chat.test/x",
        "evil.test",
        "x@evil.test",
        "ceo@chat.test/x@chat.test",
        "ceo@chat.test/chat.test",
        "&#99;eo@chat.test/desk",
        "sub.chat.test",
    ] {
        // Nothing is shown to compare with: the sender alone decides.
        let mut scene = Scene::new();
        let anonymous = auth("x").replace("PLAIN", "ANONYMOUS");
        scene.client(&format!("{OPEN}{anonymous}"));
        scene.server(&format!("{OPEN}{SUCCESS}"));
        scene.client(BIND);
        scene.sent();
        let lie = forged(&format!("id='b' from='{from}' to='mallory@chat.test/m'"));
        if from != "ceo@chat.test" {
            scene.server(&lie);
            assert!(scene.signed_in().is_empty(), "{from}");
        }
        scene.server(&bound("x7@chat.test/m"));
        assert_eq!(scene.signed_in(), ["x7@chat.test@jabber/m"], "{from}");
    }
}

#[test]
fn servers_that_say_who_they_are_are_understood() {
    for from in ["from='chat.test'", "from='CHAT.test'", "from='ann@chat.test'", ""] {
        let mut scene = binding("ann");
        scene.server(&bound("ann@chat.test/r").replace("<iq ", &format!("<iq {from} ")));
        assert_eq!(scene.signed_in(), ["ann@chat.test@jabber/r"], "{from}");
    }
}

#[test]
fn another_name_than_the_one_that_was_authenticated_signs_nobody_in() {
    for lie in [forged("id='b'"), forged("id='b' from='chat.test'")] {
        let mut scene = binding("mallory");
        let fault = scene.bytes(Side::Server, &lie).unwrap_err();
        assert_eq!(fault.blame, crosstalk_core::Blame::Server);
        assert!(scene.out.altered(), "it is closed, and not passed through");
        assert!(scene.signed_in().is_empty());
    }
}

#[test]
fn what_is_no_answer_changes_nothing() {
    let echo = forged("id='b' type='error'").replace(" type='result'", "");
    let set = forged("id='b'").replace("type='result'", "type='set'");
    let empty = "<iq id='b' type='result'/>";
    let elsewhere = forged("id='x'");
    let nowhere = forged("");
    for lie in [&set, empty, &elsewhere, &nowhere] {
        let mut scene = binding("mallory");
        scene.server(lie);
        assert_eq!(scene.to(Side::Client), *lie);
        assert!(scene.signed_in().is_empty(), "{lie}");
        scene.server(&bound("mallory@chat.test/m"));
        assert_eq!(scene.signed_in(), ["mallory@chat.test@jabber/m"], "{lie}");
    }
    // A refusal is one whatever stands in it, and leaves the client to ask again.
    let mut scene = binding("mallory");
    scene.server(&echo);
    assert!(scene.signed_in().is_empty());
    scene.server(&bound("mallory@chat.test/m"));
    assert!(scene.signed_in().is_empty(), "an answer to what was refused");
    scene.client(&BIND.replace("'b'", "'c'"));
    scene.server(&bound("mallory@chat.test/m").replace("'b'", "'c'"));
    assert_eq!(scene.signed_in().len(), 1);
}

#[test]
fn a_session_that_the_gateway_would_not_see_is_not_asked_for() {
    let ns = "urn:ietf:params:xml:ns:xmpp-bind";
    let child = format!("<bind xmlns='{ns}'/>");
    let hidden = "<bind xmlns='urn:ietf:params:xml:ns:xmpp&#45;bind'/>";
    for unseen in [
        format!("<iq type='set'>{child}</iq>"),
        format!("<iq type='set' id=''>{child}</iq>"),
        format!("<iq type='get' id='x'>{child}</iq>"),
        format!("<iq type='result' id='x'>{child}</iq>"),
        format!("<iq id='x'>{child}</iq>"),
        format!("<iq type='set' id='x' to='mallory@chat.test/m'>{child}</iq>"),
        format!("<iq type='set' id='x'>{child}{child}</iq>"),
        format!("<iq type='set' id='x'><a/>{child}</iq>"),
        format!("<iq type='set' id='x' xmlns:p='{ns}'><p:bind/><a/></iq>"),
        format!("<iq type='set'>{hidden}</iq>"),
        format!("<iq type='set'><unbind xmlns='{ns}'/></iq>"),
    ] {
        let mut scene = Scene::new();
        scene.authenticate("mallory");
        scene.client(&unseen);
        let (told, asked) = scene.sent();
        assert_eq!(asked, "", "{unseen}");
        assert!(told.contains("bad-request") || unseen.contains("type='result'"), "{told}");
        scene.server(&forged("id='x'"));
        assert!(scene.signed_in().is_empty(), "{unseen}");
    }
    let mut scene = Scene::new();
    scene.authenticate("mallory");
    let written = BIND.replace("xmpp-bind", "xmpp&#45;bind");
    scene.client(&written);
    assert_eq!(scene.to(Side::Server), written);
    scene.server(&bound("mallory@chat.test/m"));
    assert_eq!(scene.signed_in().len(), 1, "it is the same namespace");
}

#[test]
fn a_second_session_is_not_asked_for() {
    let mut scene = binding("mallory");
    scene.client(&BIND.replace("'b'", "'c'"));
    assert_eq!(scene.to(Side::Server), "", "it waits for the answer to the first");
    scene.server(&bound("ceo@chat.test/x").replace("'b'", "'c'"));
    assert!(scene.signed_in().is_empty());
    scene.server(&bound("mallory@chat.test/m"));
    assert_eq!(scene.signed_in(), ["mallory@chat.test@jabber/m"]);
    scene.server(&bound("ceo@chat.test/x").replace("'b'", "'c'"));
    assert!(scene.signed_in().is_empty());
}

#[test]
fn before_sasl_succeeded_there_is_no_session() {
    let mut scene = Scene::new();
    scene.client(OPEN);
    scene.server(OPEN);
    scene.sent();
    scene.client(BIND);
    let (told, asked) = scene.sent();
    assert!(told.contains("not-allowed") && asked.is_empty(), "{told}");
    scene.server(&bound("ceo@chat.test/x"));
    assert!(scene.signed_in().is_empty());
}

#[test]
fn sasl_succeeds_once_and_only_for_who_asked_last() {
    let challenge = "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
    for unasked in [SUCCESS, challenge] {
        let mut scene = Scene::new();
        scene.client(OPEN);
        scene.server(OPEN);
        assert!(scene.bytes(Side::Server, unasked).is_err(), "{unasked}");
    }
    // Two at once: the second waits for what becomes of the first.
    let mut scene = Scene::new();
    scene.client(&format!("{OPEN}{}{}", auth("ceo"), auth("mallory")));
    assert_eq!(scene.to(Side::Server), format!("{OPEN}{}", auth("ceo")));
    scene.server("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    assert_eq!(scene.to(Side::Server), auth("mallory"));
    scene.server(SUCCESS);
    assert!(scene.bytes(Side::Client, &auth("ceo")).is_err());
    let mut scene = Scene::new();
    scene.client(&format!("{OPEN}{}", auth("mallory")));
    scene.server(challenge);
    assert!(scene.bytes(Side::Server, SUCCESS).is_err(), "it is the client's turn");
}

#[test]
fn who_signs_on_in_another_way_is_never_signed_in() {
    let mut scene = Scene::new();
    scene.client(OPEN);
    scene.server(OPEN);
    scene.sent();
    let old = "<iq type='set' id='a'><query xmlns='jabber:iq:auth'><username>mallory</username>\
               <password>x</password><resource>m</resource></query></iq>";
    scene.client(old);
    assert_eq!(scene.to(Side::Server), old);
    scene.server("<iq type='result' id='a'/>");
    scene.client(&auth("ceo"));
    scene.server(SUCCESS);
    scene.client(BIND);
    assert!(!scene.to(Side::Server).contains("xmpp-bind"));
    scene.server(&bound("ceo@chat.test/x"));
    assert!(scene.signed_in().is_empty());
    scene.client("<message to='alice@aol'><body>x</body></message>");
    assert!(scene.to(Side::Client).contains("service-unavailable"));
    let mut late = Scene::new();
    late.authenticate("mallory");
    late.client(old);
    let (told, asked) = late.sent();
    assert!(told.contains("not-allowed") && asked.is_empty(), "{told}");
    let mut modern = Scene::new();
    modern
        .client(&format!("{OPEN}<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>{BIND}"));
    modern.server(&format!("{OPEN}{}", features(&mechanisms(&["PLAIN"]))));
    let (told, asked) = modern.sent();
    assert!(told.contains("<failure xmlns='urn:xmpp:sasl:2'>"), "{told}");
    assert!(told.contains("not-allowed") && asked == OPEN, "{told}: {asked}");
}

#[test]
fn what_was_said_in_the_clear_does_not_count_inside_tls() {
    let mut scene = Scene::new();
    let starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
    scene.client(&format!("{OPEN}{}{starttls}{}", auth("ceo"), auth("mallory")));
    scene.server(&format!("{OPEN}<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"));
    assert!(scene.to(Side::Server).ends_with(starttls));
    let facts = crosstalk_core::TlsFacts::default();
    let encrypted = Input::Encrypted(Side::Server, facts);
    assert!(scene.engine.handle(scene.now, encrypted, &mut scene.out).is_err());
}

#[test]
fn what_waits_for_a_server_that_says_nothing_is_bounded() {
    let mut scene = Scene::new();
    scene.client(&format!("{OPEN}{}", auth("ann")));
    let space = " ".repeat(1024);
    let fault = (0..1024).find_map(|_| scene.bytes(Side::Client, &space).err());
    assert_eq!(fault.unwrap().blame, crosstalk_core::Blame::Client);
    assert!(scene.engine.weight() <= crosstalk_core::MAX_UNKNOWN + 1024);
}
