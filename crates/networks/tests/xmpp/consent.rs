//! Consent and presence of foreign people.

use crate::scene::*;
use crosstalk_core::{Availability, Consent, RichText};

#[test]
fn consent_is_asked_and_given_in_both_directions() {
    let mut scene = Scene::online(alice());
    for (kind, step) in [
        ("subscribe", Consent::Request(RichText::plain("hi"))),
        ("subscribed", Consent::Grant),
        ("unsubscribed", Consent::Revoke),
        ("unsubscribe", Consent::Cancel),
    ] {
        scene.client(&format!(
            "<presence type='{kind}' to='alice@aol'><status>hi</status></presence>"
        ));
        assert_eq!(scene.bodies(), [("alice@aol".into(), Body::Contact(step.clone()))]);
        scene.deliver("alice@aol", Body::Contact(step));
        let (seen, leaked) = scene.sent();
        let start = format!("<presence type='{kind}' from='alice@aol' to='ann@chat.test'");
        assert!(seen.starts_with(&start), "{seen}");
        assert_eq!(leaked, "");
    }
}

#[test]
fn requests_wait_until_the_client_is_available() {
    let mut scene = Scene::bound(alice());
    scene.deliver("zed@msn", Body::Contact(Consent::Request(RichText::plain("let me in"))));
    scene.presence("alice@aol", Presence::available());
    assert_eq!(scene.to(Side::Client), "");
    scene.client("<presence/>");
    let seen = scene.to(Side::Client);
    assert!(seen.contains("from='alice@aol/CrossTalk'"), "{seen}");
    assert!(seen.contains("type='subscribe' from='zed@msn.xt'"), "{seen}");
    assert!(seen.contains("<status>let me in</status>"), "{seen}");
}

#[test]
fn the_person_s_presence_goes_both_ways() {
    let mut scene = Scene::online(alice());
    let away = "<presence><show>xa</show><status>lunch</status>\
                <query xmlns='jabber:iq:last' seconds='60'/></presence>";
    scene.client(away);
    assert_eq!(scene.to(Side::Server), away);
    let [Event::Presence(presence)] = &scene.events()[..] else { panic!("no presence") };
    assert_eq!((presence.show, presence.text.text()), (Availability::ExtendedAway, "lunch"));
    assert_eq!(presence.idle_since, Some(UnixMillis(1_000_000_000_000 - 60_000)));
    scene.client("<presence><priority>-1</priority></presence>");
    assert!(matches!(&scene.events()[..], [Event::Presence(p)] if !p.is_online()));
    scene.client("<presence type='unavailable'/>");
    assert!(scene.events().is_empty(), "still nothing to see");
}

#[test]
fn the_invisible_stay_so_for_foreign_people() {
    let mut scene = Scene::online(alice());
    scene.client("<iq id='i' type='set'><invisible xmlns='urn:xmpp:invisible:0'/></iq>");
    assert!(matches!(&scene.events()[..], [Event::Presence(p)] if !p.is_online()));
    scene.client("<presence><show>chat</show></presence>");
    assert!(scene.events().is_empty());
    scene.client("<iq id='v' type='set'><visible xmlns='urn:xmpp:invisible:0'/></iq>");
    scene.client("<presence><show>chat</show></presence>");
    assert!(matches!(&scene.events()[..], [Event::Presence(p)] if p.is_online()));
}

#[test]
fn foreign_presence_has_all_that_clients_read() {
    let mut scene = Scene::online(alice());
    let idle_since = Some(UnixMillis(scene.now.wall.0 - 61_000));
    let text = RichText::plain("out & about");
    let presence = Presence { show: Availability::Away, text, idle_since, online_since: None };
    scene.presence("alice@aol", presence);
    let seen = scene.to(Side::Client);
    for part in [
        "<show>away</show><status>out &amp; about</status>",
        "<idle xmlns='urn:xmpp:idle:1' since='2001-09-09T01:45:39Z'/>",
        "<query xmlns='jabber:iq:last' seconds='61'/>",
        "from='alice@aol/CrossTalk' to='ann@chat.test/r'",
    ] {
        assert!(seen.contains(part), "{part} in {seen}");
    }
    scene.client("<presence type='probe' to='alice@aol'/>");
    assert!(scene.to(Side::Client).contains("<show>away</show>"));
    let mut moved = friend("alice@aol", "alice@aol");
    moved.groups = vec!["Work".into()];
    scene.give(Input::Changed(moved));
    assert!(scene.to(Side::Client).contains("<show>away</show>"), "again after regrouping");
    scene.presence("alice@aol", Presence::offline());
    assert!(
        scene
            .to(Side::Client)
            .starts_with("<presence type='unavailable' from='alice@aol/CrossTalk'")
    );
}
