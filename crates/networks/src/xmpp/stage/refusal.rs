//! What is not understood: refused with a reason where it cannot be let through.

use super::*;
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
    let mut stage = Stage::new();
    stage.encrypt();
    // A client that remembers SASL2 does not wait for the offer.
    stage.client(&format!("{OPEN}{AUTHENTICATE}"));
    assert_eq!(stage.sent(), (String::new(), OPEN.into()));
    let plain = mechanisms(&["PLAIN"]);
    stage.server(&format!("{OPEN}{}", features(&format!("{SASL2}{plain}"))));
    assert_eq!(stage.sent(), (format!("{OPEN}{}{FAILURE}", features(&plain)), String::new()));
    stage.client(AUTHENTICATE);
    assert_eq!(stage.sent(), (FAILURE.into(), String::new()), "once more");
    stage.client("<abort xmlns='urn:xmpp:sasl:2'/>");
    assert!(stage.sent().0.contains("<aborted xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"));
    stage.client(&format!("{}{OPEN}{BIND}", auth("ann")));
    stage.server(&format!("{SUCCESS}{OPEN}{}", bound("ann@chat.test/r")));
    assert_eq!(stage.signed_in(), ["ann@chat.test@jabber/r"]);
}

#[test]
fn sasl2_alone_is_left_to_those_whose_stream_is_not_read_and_said_of_others() {
    let offer = features(SASL2);
    let mut stage = Stage::new();
    stage.client(&format!("{OPEN}{AUTHENTICATE}"));
    stage.server(&format!("{OPEN}{offer}"));
    assert_eq!(stage.sent(), (format!("{OPEN}{offer}"), format!("{OPEN}{AUTHENTICATE}")));
    assert!(matches!(&stage.events()[..], [Event::Opaque]) && !stage.out.altered());
    let mut stage = Stage::new();
    stage.encrypt();
    stage.client(&format!("{OPEN}{AUTHENTICATE}"));
    stage.server(&format!("{OPEN}{offer}"));
    let (told, asked) = stage.sent();
    assert_eq!(told, format!("{OPEN}<stream:features/>{FAILURE}"));
    assert_eq!(asked, OPEN);
    assert!(matches!(&stage.events()[..], [Event::Advise(why)] if why.contains("SASL2")));
}

#[test]
fn what_is_not_understood_ends_a_stream_that_the_gateway_altered_or_decrypted() {
    let altered = |stage: &mut Stage| {
        stage.server(&format!("{OPEN}{}", features(&format!("{SASL2}{}", mechanisms(&["PLAIN"])))));
    };
    let states: [fn(&mut Stage); 4] = [
        Stage::encrypt,
        |stage| {
            stage.encrypt();
            stage.authenticate("ann");
        },
        |stage| stage.bind(),
        |stage| {
            stage.bind();
            stage.give(Input::Roster(alice()));
            stage.client("<enable xmlns='urn:xmpp:sm:3' resume='true'/><presence/>");
        },
    ];
    for unknown in UNKNOWN {
        for (n, state) in states.iter().enumerate() {
            let mut stage = Stage::new();
            state(&mut stage);
            ends(&mut stage, unknown, &format!("{unknown} in state {n}"));
        }
        let mut stage = Stage::new();
        altered(&mut stage);
        ends(&mut stage, unknown, &format!("{unknown} after features were changed"));
        let mut untouched = Stage::new();
        untouched.client(&format!("{OPEN}{unknown}"));
        assert_eq!(untouched.to(Side::Server), format!("{OPEN}{unknown}"));
    }
}

/// `element` ends the stream, with a reason, and does not reach the server.
fn ends(stage: &mut Stage, element: &str, what: &str) {
    stage.events();
    stage.sent();
    let fault = stage.bytes(Side::Client, element).expect_err(what);
    assert_eq!(fault.blame, Blame::Client, "{what}");
    let (told, leaked) = stage.sent();
    assert_eq!(leaked, "", "{what}");
    let error = "<stream:error><unsupported-stanza-type \
                 xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>\
                 <text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>";
    assert!(told.contains(error) && told.ends_with("</stream:stream>"), "{what}: {told}");
    assert!(stage.out.altered() && stage.events().is_empty(), "{what}");
}

#[test]
fn what_servers_know_passes_in_a_session() {
    let mut stage = Stage::online(alice());
    for known in [
        "<enable xmlns='urn:xmpp:sm:3'/>",
        "<r xmlns='urn:xmpp:sm:3'/>",
        "<active xmlns='urn:xmpp:csi:0'/>",
        "<c:inactive xmlns:c='urn:xmpp:csi:0'/>",
    ] {
        stage.client(known);
        assert_eq!(stage.sent(), (String::new(), known.into()));
    }
}

#[test]
fn a_stream_inside_our_tls_that_is_no_client_s_is_told_so() {
    let other = OPEN.replace("jabber:client", "jabber:server");
    let mut stage = Stage::new();
    stage.encrypt();
    assert!(stage.bytes(Side::Client, &other).is_err());
    let (told, asked) = stage.sent();
    assert!(told.starts_with("<stream:stream xmlns='jabber:client'"), "{told}");
    assert!(told.contains("<invalid-namespace") && asked.is_empty(), "{told}");
    let mut stage = Stage::new();
    stage.encrypt();
    stage.client(OPEN);
    assert_eq!(stage.bytes(Side::Server, &other).unwrap_err().blame, Blame::Server);
    assert!(stage.out.altered() && stage.events().is_empty());
}

#[test]
fn what_is_broken_inside_our_tls_is_not_passed_on() {
    for broken in ["<a><!-- x --></a>", "x", "<!DOCTYPE x>", "<iq to='a' to='b'/>"] {
        let mut stage = Stage::new();
        stage.client(OPEN);
        stage.server(OPEN);
        stage.encrypt();
        assert!(stage.bytes(Side::Client, broken).is_err(), "{broken}");
        assert!(stage.out.altered() && stage.events().is_empty(), "{broken}");
    }
}

#[test]
fn a_server_starts_no_tls_by_itself() {
    for before in ["", BIND] {
        let mut stage = Stage::new();
        stage.authenticate("ann");
        stage.client(before);
        assert_eq!(stage.bytes(Side::Server, PROCEED).unwrap_err().blame, Blame::Server);
        assert!(stage.events().is_empty());
    }
}

#[test]
fn white_space_behind_starttls_is_nobody_s() {
    for (padding, cut) in [("\n", false), (" \t\r\n", false), ("\n", true)] {
        let mut stage = Stage::new();
        stage.client(OPEN);
        stage.server(OPEN);
        if cut {
            stage.client(STARTTLS);
            let mut buf = BytesMut::from(padding);
            let bytes = Input::Bytes(Side::Client, &mut buf);
            stage.engine.handle(stage.now, bytes, &mut stage.out).unwrap();
            assert!(buf.is_empty(), "it would stand in front of the client's TLS");
        } else {
            let mut buf = BytesMut::from(format!("{STARTTLS}{padding}\u{16}").as_str());
            let bytes = Input::Bytes(Side::Client, &mut buf);
            stage.engine.handle(stage.now, bytes, &mut stage.out).unwrap();
            assert_eq!(buf, "\u{16}", "it would stand in front of the client's TLS");
        }
        stage.server(PROCEED);
        stage.encrypt();
        stage.sent();
        stage.client(OPEN);
        assert_eq!(stage.to(Side::Server), OPEN);
    }
    // The same, asked for while the server still owes an answer.
    let mut stage = Stage::new();
    stage.client(&format!("{OPEN}{}{STARTTLS}\n", auth("ann")));
    stage.server(&format!("{OPEN}<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"));
    stage.server(PROCEED);
    stage.sent();
    stage.encrypt();
    stage.sent();
    stage.client(OPEN);
    assert_eq!(stage.to(Side::Server), OPEN, "a declaration stands at the very front");
}
