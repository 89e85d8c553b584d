//! Stream management on the wire.

use super::*;
use crosstalk_core::{RichText, Typing};

const RESUME: &str = "<resume xmlns='urn:xmpp:sm:3' previd='sm1' h='2'/>";

/// A session with stream management in which Alice's message reached the client as its first
/// stanza, Ben's as its second, and two messages to Alice stand around one to Ben.
fn managed() -> Stage {
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
fn a_lost_session_goes_on_over_a_new_connection() {
    let mut stage = managed();
    stage.deliver("alice@aol", available());
    stage.deliver("alice@aol", Body::Text { text: RichText::plain("three"), auto: false });
    stage.give(Input::Closed(Side::Client));
    assert!(matches!(&stage.events()[..], [Event::SignedOut]));
    let mut next = Stage::with(Arc::clone(&stage.lobby), &[]);
    next.client(OPEN);
    next.sent();
    next.client(RESUME);
    assert_eq!(next.to(Side::Server), RESUME.replace("h='2'", "h='1'"));
    next.server("<resumed xmlns='urn:xmpp:sm:3' previd='sm1' h='0'/>");
    let seen = next.to(Side::Client);
    assert!(
        seen.starts_with("<resumed xmlns='urn:xmpp:sm:3' previd='sm1' h='1'/><presence"),
        "{seen}"
    );
    assert!(seen.contains("<body>three</body>") && !seen.contains("<body>one</body>"), "{seen}");
    assert!(
        matches!(&next.events()[..], [Event::SignedIn { .. }, Event::Presence(p)] if p.is_online())
    );
    next.client("<message to='ben@chat.test' id='m2' type='chat'><body>x</body></message>");
    next.client("<message to='alice@aol' id='m3' type='chat'><body>x</body></message>");
    next.client("<message to='alice@aol' id='m4' type='chat'><body>new</body></message>");
    assert_eq!(next.bodies().len(), 1, "what was taken before is not sent twice");
    next.server("<a xmlns='urn:xmpp:sm:3' h='1'/>");
    assert_eq!(next.to(Side::Client), "<a xmlns='urn:xmpp:sm:3' h='4'/>");
    next.give(Input::Roster(alice()));
    assert_eq!(next.to(Side::Client), "", "the client still has its list");
    next.later(Duration::from_secs(10));
    assert!(next.to(Side::Client).contains("type='unavailable' from='alice@aol/CrossTalk'"));
}

#[test]
fn a_session_nobody_knows_is_not_resumed() {
    let mut stage = Stage::new();
    stage.client(OPEN);
    stage.sent();
    stage.client(RESUME);
    let (seen, asked) = stage.sent();
    assert!(seen.starts_with("<failed xmlns='urn:xmpp:sm:3'><item-not-found"), "{seen}");
    assert_eq!(asked, "");
}

#[test]
fn after_a_failed_resume_nothing_is_lost_and_nothing_sent_twice() {
    let mut stage = managed();
    stage.deliver("alice@aol", Body::Text { text: RichText::plain("three"), auto: false });
    stage.give(Input::Closed(Side::Client));
    let mut next = Stage::with(Arc::clone(&stage.lobby), &[]);
    next.client(OPEN);
    next.client(RESUME);
    next.server("<failed xmlns='urn:xmpp:sm:3'/>");
    next.bind_after_failure();
    next.client("<presence/>");
    let seen = next.to(Side::Client);
    assert!(seen.contains("<body>three</body>"), "it never said it got that: {seen}");
    assert!(!seen.contains("<body>one</body>"), "{seen}");
    next.client("<message to='alice@aol' id='m1' type='chat'><body>x</body></message>");
    assert!(next.bodies().is_empty());
    next.client("<message to='alice@aol' id='m1' type='chat'><body>x</body></message>");
    assert_eq!(next.bodies().len(), 1, "ids may be used again");
}

#[test]
fn a_session_that_was_closed_is_not_kept() {
    let mut stage = managed();
    stage.client("</stream:stream>");
    stage.give(Input::Closed(Side::Client));
    assert!(stage.lobby.take(stage.now.instant, b"chat.test sm1").is_none());
}

#[test]
fn withheld_typing_counts_too() {
    let mut stage = managed();
    stage.client("<message to='alice@aol'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
    assert_eq!(stage.bodies(), [("alice@aol".into(), Body::Typing(Typing::Active))]);
    stage.server("<a xmlns='urn:xmpp:sm:3' h='1'/>");
    assert_eq!(stage.to(Side::Client), "<a xmlns='urn:xmpp:sm:3' h='4'/>");
}

impl Stage {
    fn bind_after_failure(&mut self) {
        self.client("<iq id='b' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
        self.server(
            "<iq id='b' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
             <jid>ann@chat.test/r</jid></bind></iq>",
        );
        self.events();
        self.sent();
    }
}
