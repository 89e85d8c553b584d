//! Stream management on the wire.

use super::*;
use crosstalk_core::{RichText, Typing};

/// A session with stream management in which Alice's message reached the client as its first
/// stanza, Ben's as its second, and two messages to Alice stand around one to Ben.
pub(super) fn managed() -> Stage {
    let mut stage = Stage::online(alice());
    stage.client("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    stage.server("<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='60'/>");
    stage.deliver("alice@aol", Body::Text { text: RichText::plain("one"), auto: false });
    stage.server("<message from='ben@chat.test/x'><body>two</body></message>");
    for (to, id) in [("alice@aol", "m1"), ("ben@chat.test", "m2"), ("alice@aol", "m3")] {
        stage.client(&format!("<message to='{to}' id='{id}' type='chat'><body>x</body></message>"));
    }
    stage.events();
    stage.sent();
    stage
}

#[test]
fn both_sides_are_told_their_own_count() {
    let mut stage = managed();
    stage.client("<r xmlns='urn:xmpp:sm:3'/>");
    stage.server("<a xmlns='urn:xmpp:sm:3' h='1'/>");
    let (seen, asked) = stage.sent();
    assert_eq!(asked, "<r xmlns='urn:xmpp:sm:3'/>");
    assert_eq!(seen, "<a xmlns='urn:xmpp:sm:3' h='3'/>");
    stage.client("<a xmlns='urn:xmpp:sm:3' h='2'/>");
    assert_eq!(stage.to(Side::Server), "<a xmlns='urn:xmpp:sm:3' h='1'/>");
    assert!(stage.bytes(Side::Client, "<a xmlns='urn:xmpp:sm:3' h='9'/>").is_err());
}

#[test]
fn withheld_typing_counts_too() {
    let mut stage = managed();
    stage.client("<message to='alice@aol'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
    assert_eq!(stage.bodies(), [("alice@aol".into(), Body::Typing(Typing::Active))]);
    stage.server("<a xmlns='urn:xmpp:sm:3' h='1'/>");
    assert_eq!(stage.to(Side::Client), "<a xmlns='urn:xmpp:sm:3' h='4'/>");
}
