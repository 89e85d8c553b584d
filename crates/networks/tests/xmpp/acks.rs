//! Stream management on the wire.

use crate::scene::*;
use crosstalk_core::{RichText, Typing};

/// A session with stream management in which Alice's message reached the client as its first
/// stanza, Ben's as its second, and two messages to Alice stand around one to Ben.
pub fn managed() -> Scene {
    let mut scene = Scene::online(alice());
    scene.client("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    scene.server("<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='60'/>");
    scene.deliver("alice@aol", Body::Text { text: RichText::plain("one"), auto: false });
    scene.server("<message from='ben@chat.test/x'><body>two</body></message>");
    for (to, id) in [("alice@aol", "m1"), ("ben@chat.test", "m2"), ("alice@aol", "m3")] {
        scene.client(&format!("<message to='{to}' id='{id}' type='chat'><body>x</body></message>"));
    }
    scene.events();
    scene.sent();
    scene
}

#[test]
fn both_sides_are_told_their_own_count() {
    let mut scene = managed();
    scene.client("<r xmlns='urn:xmpp:sm:3'/>");
    scene.server("<a xmlns='urn:xmpp:sm:3' h='1'/>");
    let (seen, asked) = scene.sent();
    assert_eq!(asked, "<r xmlns='urn:xmpp:sm:3'/>");
    assert_eq!(seen, "<a xmlns='urn:xmpp:sm:3' h='3'/>");
    scene.client("<a xmlns='urn:xmpp:sm:3' h='2'/>");
    assert_eq!(scene.to(Side::Server), "<a xmlns='urn:xmpp:sm:3' h='1'/>");
    assert!(scene.bytes(Side::Client, "<a xmlns='urn:xmpp:sm:3' h='9'/>").is_err());
}

#[test]
fn withheld_typing_counts_too() {
    let mut scene = managed();
    scene.client("<message to='alice@aol'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
    assert_eq!(scene.bodies(), [("alice@aol".into(), Body::Typing(Typing::Active))]);
    scene.server("<a xmlns='urn:xmpp:sm:3' h='1'/>");
    assert_eq!(scene.to(Side::Client), "<a xmlns='urn:xmpp:sm:3' h='4'/>");
}
