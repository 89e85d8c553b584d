//! Elements that are not understood: refused with a reason where they cannot be let through.

use crate::scene::*;
use crosstalk_core::Blame;

const SASL2: &str = "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism>\
                     <inline><bind xmlns='urn:xmpp:bind:0'/></inline></authentication>";
const AUTHENTICATE: &str = "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'>\
                            <initial-response>AGFubgB4</initial-response>\
                            <bind xmlns='urn:xmpp:bind:0'/></authenticate>";
const FAILURE: &str = "<failure xmlns='urn:xmpp:sasl:2'>\
                       <invalid-mechanism xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>\
                       <text>the way to this server is without SASL2</text></failure>";

/// Top-level elements of which no server that the gateway can read for tells what they do.
const UNKNOWN: [&str; 8] = [
    "<x xmlns='urn:example:new'/>",
    "<inst-resume xmlns='https://xmpp.org/extensions/isr/0' previd='a'/>",
    "<auth xmlns='urn:example:new' mechanism='PLAIN'>AGFubgB4</auth>",
    "<authenticate mechanism='PLAIN'/>",
    "<s:auth xmlns:s='urn:example:new'/>",
    "<active xmlns='urn:example:new'/>",
    "<resume xmlns='urn:xmpp:sm:4' previd='a' h='0'/>",
    "<handshake xmlns='jabber:component:accept'>alice@aol</handshake>",
];

#[test]
fn sasl2_is_refused_and_the_client_signs_on_as_it_was_offered() {
    let mut scene = Scene::new();
    scene.encrypt();
    // A client that remembers SASL2 does not wait for the offer.
    scene.client(&format!("{OPEN}{AUTHENTICATE}"));
    assert_eq!(scene.sent(), (String::new(), OPEN.into()));
    let plain = mechanisms(&["PLAIN"]);
    scene.server(&format!("{OPEN}{}", features(&format!("{SASL2}{plain}"))));
    assert_eq!(scene.sent(), (format!("{OPEN}{}{FAILURE}", features(&plain)), String::new()));
    scene.client(AUTHENTICATE);
    assert_eq!(scene.sent(), (FAILURE.into(), String::new()), "once more");
    scene.client("<abort xmlns='urn:xmpp:sasl:2'/>");
    assert!(scene.sent().0.contains("<aborted xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"));
    scene.client(&format!("{}{OPEN}{BIND}", auth("ann")));
    scene.server(&format!("{SUCCESS}{OPEN}{}", bound("ann@chat.test/r")));
    assert_eq!(scene.signed_in(), ["ann@chat.test@jabber/r"]);
}

#[test]
fn sasl2_alone_is_left_to_those_whose_stream_is_not_read_and_said_of_others() {
    let offer = features(SASL2);
    let mut scene = Scene::new();
    scene.client(&format!("{OPEN}{AUTHENTICATE}"));
    scene.server(&format!("{OPEN}{offer}"));
    assert_eq!(scene.sent(), (format!("{OPEN}{offer}"), format!("{OPEN}{AUTHENTICATE}")));
    assert!(matches!(&scene.events()[..], [Event::Opaque]) && !scene.out.altered());
    let mut scene = Scene::new();
    scene.encrypt();
    scene.client(&format!("{OPEN}{AUTHENTICATE}"));
    scene.server(&format!("{OPEN}{offer}"));
    let (told, asked) = scene.sent();
    assert_eq!(told, format!("{OPEN}<stream:features/>{FAILURE}"));
    assert_eq!(asked, OPEN);
    assert!(matches!(&scene.events()[..], [Event::Advise(why)] if why.contains("SASL2")));
}

#[test]
fn what_is_not_understood_ends_a_stream_that_the_gateway_altered_or_decrypted() {
    let altered = |scene: &mut Scene| {
        scene.server(&format!("{OPEN}{}", features(&format!("{SASL2}{}", mechanisms(&["PLAIN"])))));
    };
    let states: [fn(&mut Scene); 4] = [
        Scene::encrypt,
        |scene| {
            scene.encrypt();
            scene.authenticate("ann");
        },
        |scene| scene.bind(),
        |scene| {
            scene.bind();
            scene.give(Input::Roster(alice()));
            scene.client("<enable xmlns='urn:xmpp:sm:3' resume='true'/><presence/>");
        },
    ];
    for unknown in UNKNOWN {
        for (n, state) in states.iter().enumerate() {
            let mut scene = Scene::new();
            state(&mut scene);
            ends(&mut scene, unknown, &format!("{unknown} in state {n}"));
        }
        let mut scene = Scene::new();
        altered(&mut scene);
        ends(&mut scene, unknown, &format!("{unknown} after features were changed"));
        let mut untouched = Scene::new();
        untouched.client(&format!("{OPEN}{unknown}"));
        assert_eq!(untouched.to(Side::Server), format!("{OPEN}{unknown}"));
    }
}

/// `element` ends the stream, with a reason, and does not reach the server.
fn ends(scene: &mut Scene, element: &str, what: &str) {
    scene.events();
    scene.sent();
    let fault = scene.bytes(Side::Client, element).expect_err(what);
    assert_eq!(fault.blame, Blame::Client, "{what}");
    let (told, leaked) = scene.sent();
    assert_eq!(leaked, "", "{what}");
    let error = "<stream:error><unsupported-stanza-type \
                 xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
                 <text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>";
    assert!(told.contains(error) && told.ends_with("</stream:stream>"), "{what}: {told}");
    assert!(scene.out.altered() && scene.events().is_empty(), "{what}");
}

#[test]
fn what_servers_know_passes_in_a_session() {
    let mut scene = Scene::online(alice());
    for known in [
        "<enable xmlns='urn:xmpp:sm:3'/>",
        "<r xmlns='urn:xmpp:sm:3'/>",
        "<active xmlns='urn:xmpp:csi:0'/>",
        "<c:inactive xmlns:c='urn:xmpp:csi:0'/>",
    ] {
        scene.client(known);
        assert_eq!(scene.sent(), (String::new(), known.into()));
    }
}

#[test]
fn a_stream_inside_our_tls_that_is_no_client_s_is_told_so() {
    let other = OPEN.replace("jabber:client", "jabber:server");
    let mut scene = Scene::new();
    scene.encrypt();
    assert!(scene.bytes(Side::Client, &other).is_err());
    let (told, asked) = scene.sent();
    assert!(told.starts_with("<stream:stream xmlns='jabber:client'"), "{told}");
    assert!(told.contains("<invalid-namespace") && asked.is_empty(), "{told}");
    let mut scene = Scene::new();
    scene.encrypt();
    scene.client(OPEN);
    assert_eq!(scene.bytes(Side::Server, &other).unwrap_err().blame, Blame::Server);
    assert!(scene.out.altered() && scene.events().is_empty());
}

#[test]
fn what_is_broken_inside_our_tls_is_not_passed_on() {
    for broken in ["<a><!-- x --></a>", "x", "<!DOCTYPE x>", "<iq to='a' to='b'/>"] {
        let mut scene = Scene::new();
        scene.client(OPEN);
        scene.server(OPEN);
        scene.encrypt();
        assert!(scene.bytes(Side::Client, broken).is_err(), "{broken}");
        assert!(scene.out.altered() && scene.events().is_empty(), "{broken}");
    }
}

#[test]
fn a_server_starts_no_tls_by_itself() {
    for before in ["", BIND] {
        let mut scene = Scene::new();
        scene.authenticate("ann");
        scene.client(before);
        assert_eq!(scene.bytes(Side::Server, PROCEED).unwrap_err().blame, Blame::Server);
        assert!(scene.events().is_empty());
    }
}

#[test]
fn white_space_behind_starttls_is_nobody_s() {
    for (padding, cut) in [("\n", false), (" \t\r\n", false), ("\n", true)] {
        let mut scene = Scene::new();
        scene.client(OPEN);
        scene.server(OPEN);
        if cut {
            scene.client(STARTTLS);
            let mut buf = BytesMut::from(padding);
            let bytes = Input::Bytes(Side::Client, &mut buf);
            scene.engine.handle(scene.now, bytes, &mut scene.out).unwrap();
            assert!(buf.is_empty(), "it would stand in front of the client's TLS");
        } else {
            let mut buf = BytesMut::from(format!("{STARTTLS}{padding}\u{16}").as_str());
            let bytes = Input::Bytes(Side::Client, &mut buf);
            scene.engine.handle(scene.now, bytes, &mut scene.out).unwrap();
            assert_eq!(buf, "\u{16}", "it would stand in front of the client's TLS");
        }
        scene.server(PROCEED);
        scene.encrypt();
        scene.sent();
        scene.client(OPEN);
        assert_eq!(scene.to(Side::Server), OPEN);
    }
    // The same, asked for while the server still owes an answer.
    let mut scene = Scene::new();
    scene.client(&format!("{OPEN}{}{STARTTLS}\n", auth("ann")));
    scene.server(&format!("{OPEN}<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"));
    scene.server(PROCEED);
    scene.sent();
    scene.encrypt();
    scene.sent();
    scene.client(OPEN);
    assert_eq!(scene.to(Side::Server), OPEN, "a declaration stands at the very front");
}
