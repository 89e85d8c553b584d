//! TLS, SASL and features.

use crate::scene::*;

const BINDINGS: &str = "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>\
                        <channel-binding type='tls-exporter'/></sasl-channel-binding>";

/// A stream inside TLS of ours on both sides.
fn encrypted(options: &[&'static str]) -> Scene {
    let mut scene = Scene::with(&SharedRegistry::default(), options);
    scene.client(OPEN);
    scene.server(OPEN);
    scene.encrypt();
    scene.sent();
    scene
}

#[test]
fn tls_starts_on_the_server_s_side_first() {
    let mut scene = Scene::new();
    scene.client(&format!("{OPEN}{STARTTLS}"));
    scene.server(&format!("{OPEN}{PROCEED}"));
    assert_eq!(scene.sent(), (OPEN.into(), format!("{OPEN}{STARTTLS}")));
    assert!(matches!(&scene.events()[..], [Event::Encrypt(Side::Server, Some(_))]));
    scene.give(Input::Encrypted(Side::Server, TlsFacts::default()));
    assert_eq!(scene.to(Side::Client), PROCEED);
    assert!(matches!(&scene.events()[..], [Event::Encrypt(Side::Client, _)]));
    scene.give(Input::Encrypted(Side::Client, TlsFacts::default()));
    scene.client(OPEN);
    assert_eq!(scene.to(Side::Server), OPEN);
    assert!(!scene.out.altered());
}

#[test]
fn tls_that_is_not_ours_to_end_passes_unseen() {
    let mut scene = Scene::of(Context { terminate_tls: false, ..context() });
    scene.client(&format!("{OPEN}{STARTTLS}"));
    scene.server(&format!("{OPEN}{PROCEED}"));
    assert!(matches!(&scene.events()[..], [Event::Opaque]));
    assert_eq!(scene.to(Side::Client), format!("{OPEN}{PROCEED}"));
}

#[test]
fn a_client_that_is_not_bound_is_let_go_on_and_kept_from_foreign_names() {
    let mut scene = Scene::new();
    let foreign = "<message to='alice@aol'><body>x</body></message>";
    scene.authenticate("ann");
    scene.client(&format!("{foreign}{BIND}{foreign}<presence/>"));
    scene.server("<iq id='b' type='error'/>");
    assert_eq!(scene.to(Side::Server), format!("{BIND}<presence/>"));
    let told = scene.to(Side::Client);
    assert_eq!(told.matches("service-unavailable").count(), 2, "{told}");
}

#[test]
fn streams_that_are_not_a_client_s_pass_unseen() {
    let mut scene = Scene::new();
    scene.client(&OPEN.replace("jabber:client", "jabber:server"));
    assert!(matches!(&scene.events()[..], [Event::Opaque]));
}

#[test]
fn what_is_said_behind_the_request_for_a_session_waits_for_it() {
    let mut scene = Scene::new();
    scene.authenticate("ann");
    scene.client(&format!("{BIND}<presence to='alice@aol' type='subscribe'/><presence/>"));
    assert_eq!(scene.to(Side::Server), BIND);
    scene.server(&bound("ann@chat.test/r"));
    assert_eq!(scene.to(Side::Server), "<presence/>");
    assert!(scene.bytes(Side::Client, &OPEN.replace("chat.test", "aol")).is_err());
}

#[test]
fn in_direct_mode_the_configured_server_is_dialled() {
    let upstream = HostPort::new("chat.test", 5222);
    let via = Via::Direct { upstream: upstream.clone(), advertise: upstream.clone() };
    let mut scene = Scene::of(Context { via, ..context() });
    scene.give(Input::Start);
    assert!(matches!(&scene.events()[..], [Event::Dial(to)] if *to == upstream));
}

#[test]
fn what_would_blind_the_gateway_is_not_offered() {
    let mut scene = Scene::new();
    scene.client(OPEN);
    scene.server(OPEN);
    scene.sent();
    let sasl2 = "<authentication xmlns='urn:xmpp:sasl:2'/>";
    let compression = "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>";
    let plain = mechanisms(&["PLAIN"]);
    scene.server(&features(&format!("{sasl2}{compression}{plain}")));
    assert_eq!(scene.to(Side::Client), features(&plain));
    scene.client(
        "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>",
    );
    let (seen, asked) = scene.sent();
    assert!(seen.contains("<unsupported-method/>"), "{seen}");
    assert_eq!(asked, "");
}

#[test]
fn an_old_server_s_bound_mechanisms_are_hidden_only_behind_our_tls() {
    let offer = features(&mechanisms(&["PLAIN", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"]));
    let mut scene = encrypted(&[]);
    scene.server(&offer);
    assert_eq!(scene.to(Side::Client), features(&mechanisms(&["PLAIN", "SCRAM-SHA-1"])));
    let mut plain = Scene::new();
    plain.server(&format!("{OPEN}{offer}"));
    assert!(!plain.out.altered());
}

#[test]
fn a_modern_server_s_are_never_hidden() {
    let offer = features(&format!("{}{BINDINGS}", mechanisms(&["PLAIN", "SCRAM-SHA-1-PLUS"])));
    let mut scene = encrypted(&[]);
    scene.server(&offer);
    assert_eq!(scene.to(Side::Client), offer);
    assert!(!scene.out.altered());
}

#[test]
fn the_operator_hears_of_a_client_that_binds_the_channel() {
    let bound =
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1-PLUS'>cD0=</auth>";
    let advised = |scene: &mut Scene| {
        let mut events = scene.events().into_iter();
        events.any(|e| matches!(e, Event::Advise(what) if what.contains("reoriginate")))
    };
    let mut scene = encrypted(&[]);
    scene.server(&features(&format!("{}{BINDINGS}", mechanisms(&["SCRAM-SHA-1-PLUS"]))));
    scene.client(bound);
    assert!(advised(&mut scene));
    let mut plain = Scene::new();
    plain.client(OPEN);
    plain.server(&format!("{OPEN}{}", features(&mechanisms(&["SCRAM-SHA-1-PLUS"]))));
    plain.client(bound);
    assert!(!advised(&mut plain), "there is no gateway in that channel");
}

#[test]
fn white_space_behind_the_words_of_sasl_is_nobody_s() {
    let mut scene = encrypted(&[]);
    scene.server(&features(&mechanisms(&["PLAIN"])));
    scene.sent();
    let said = auth("ann");
    scene.client(&format!("{said}\n"));
    assert_eq!(scene.to(Side::Server), said);
    scene.server("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    scene.client(&format!(" \r\n{OPEN}"));
    assert_eq!(scene.to(Side::Server), OPEN);
}

#[test]
fn where_allowed_the_gateway_signs_on_with_its_own_binding() {
    let offer =
        features(&format!("{}{BINDINGS}", mechanisms(&["SCRAM-SHA-1", "SCRAM-SHA-256-PLUS"])));
    let mut scene = encrypted(&["reoriginate"]);
    scene.server(&offer);
    assert_eq!(scene.to(Side::Client), features(&mechanisms(&["PLAIN"])));
    let password = BASE64.encode("\0ann\0secret");
    scene.client(&format!(
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{password}</auth>"
    ));
    let first = scene.to(Side::Server);
    assert!(
        first.contains("mechanism='SCRAM-SHA-256-PLUS'") && !first.contains(&password),
        "{first}"
    );
    let text = first.split('>').nth(1).unwrap().split('<').next().unwrap();
    let first = String::from_utf8(BASE64.decode(text).unwrap()).unwrap();
    assert!(first.starts_with("p=tls-exporter,,n=ann,r="), "{first}");
    let nonce = first.split("r=").nth(1).unwrap();
    let challenge = BASE64.encode(format!("r={nonce}server,s=AAAA,i=1"));
    scene.server(&format!(
        "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{challenge}</challenge>"
    ));
    // While the key is derived, what the server says meanwhile waits.
    let lie = BASE64.encode("v=AAAA");
    let success = format!("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{lie}</success>");
    scene.server(&success);
    assert_eq!(scene.sent(), (String::new(), String::new()));
    let work = scene.events().into_iter().find_map(|event| match event {
        Event::Compute(work) => Some(work),
        _ => None,
    });
    let computed = Input::Computed(work.unwrap().run());
    let result = scene.engine.handle(scene.now, computed, &mut scene.out);
    let (seen, answer) = scene.sent();
    assert_eq!(seen, "");
    assert!(answer.starts_with("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"), "{answer}");
    assert!(result.is_err(), "a server that does not know the password was believed");
    assert!(scene.out.altered());
}

#[test]
fn after_a_failure_the_gateway_signs_on_again_with_its_own_binding() {
    let offer = features(&format!("{}{BINDINGS}", mechanisms(&["SCRAM-SHA-1-PLUS"])));
    let mut scene = encrypted(&["reoriginate"]);
    scene.server(&offer);
    for _ in 0..2 {
        scene.sent();
        scene.client(&auth("ann"));
        let first = scene.to(Side::Server);
        assert!(first.contains("mechanism='SCRAM-SHA-1-PLUS'"), "{first}");
        scene.server(
            "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>",
        );
        assert!(scene.to(Side::Client).starts_with("<failure"));
    }
}
