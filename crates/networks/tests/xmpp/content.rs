//! Fate of each kind of content for somebody foreign.

use crate::common::kinds::{self, Outcome};
use crate::scene::*;

/// The kind, what a client sends, and the text that is heard, or `!` for an error.
const KINDS: [(&str, &str, &str); 30] = [
    ("a text", "<body>hi</body>", "hi"),
    (
        "a text of XHTML-IM alone",
        "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>hi</body></html>",
        "hi",
    ),
    (
        "a text with a receipt and markers asked for",
        "<body>hi</body><request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>",
        "hi",
    ),
    ("a correction", "<body>hi</body><replace xmlns='urn:xmpp:message-correct:0' id='1'/>", "* hi"),
    ("a reply", "<body>&gt; a\nhi</body><reply xmlns='urn:xmpp:reply:0' id='1'/>", "> a\nhi"),
    ("a subject and a text", "<subject>Lunch</subject><body>at 12</body>", "Lunch\nat 12"),
    ("a subject alone", "<subject>Meeting at 5</subject>", "Meeting at 5"),
    (
        "an out-of-band link with its text",
        "<body>http://e.test/a</body><x xmlns='jabber:x:oob'><url>http://e.test/a</url></x>",
        "http://e.test/a",
    ),
    (
        "an out-of-band link with another text",
        "<body>see</body><x xmlns='jabber:x:oob'><url>http://e.test/a</url></x>",
        "see\nhttp://e.test/a",
    ),
    (
        "an out-of-band link alone",
        "<x xmlns='jabber:x:oob'><url>http://e.test/a</url><desc>a picture</desc></x>",
        "a picture\nhttp://e.test/a",
    ),
    (
        "a shared file with a link",
        "<file-sharing xmlns='urn:xmpp:sfs:0'><sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://e.test/a.png'/></sources></file-sharing>",
        "https://e.test/a.png",
    ),
    (
        "a shared file without a link",
        "<file-sharing xmlns='urn:xmpp:sfs:0'><sources/></file-sharing>",
        "!",
    ),
    (
        "a reaction",
        "<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>+</reaction><reaction>-</reaction></reactions><store xmlns='urn:xmpp:hints'/>",
        "[reacted with + -]",
    ),
    (
        "a reaction taken back",
        "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>",
        "[took a reaction back]",
    ),
    (
        "a message taken back",
        "<retract xmlns='urn:xmpp:message-retract:1' id='1'/>",
        "[took a message back]",
    ),
    (
        "an invitation to a room",
        "<x xmlns='jabber:x:conference' jid='room@muc.test' reason='come'/>",
        "[invitation to the room room@muc.test: come]",
    ),
    (
        "OMEMO",
        "<encrypted xmlns='eu.siacs.conversations.axolotl'/><store xmlns='urn:xmpp:hints'/>",
        "!",
    ),
    (
        "OMEMO with a text instead of it",
        "<encrypted xmlns='urn:xmpp:omemo:2'/><body>[This message is OMEMO encrypted]</body>",
        "!",
    ),
    ("OpenPGP", "<body>[encrypted]</body><x xmlns='jabber:x:encrypted'>AAAA</x>", "!"),
    ("OpenPGP for XMPP", "<openpgp xmlns='urn:xmpp:openpgp:0'>AAAA</openpgp>", "!"),
    (
        "a call proposed in a message",
        "<propose xmlns='urn:xmpp:jingle-message:0' id='c'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>",
        "!",
    ),
    ("a form", "<x xmlns='jabber:x:data' type='form'/>", "!"),
    ("contacts to add", "<x xmlns='http://jabber.org/protocol/rosterx'/>", "!"),
    ("anything unknown", "<new xmlns='urn:example:new'/>", "!"),
    ("anything unknown with a text", "<body>hi</body><new xmlns='urn:example:new'/>", "hi"),
    ("attention", "<attention xmlns='urn:xmpp:attention:0'/>", "?"),
    ("typing", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", "typing"),
    ("a receipt", "<received xmlns='urn:xmpp:receipts' id='x'/>", ""),
    ("a marker", "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>", ""),
    ("a message without content", "<thread>t</thread>", ""),
];

/// Questions and offers that no message carries, all of them refused.
const OFFERS: [(&str, &str); 4] = [
    (
        "a call or a file by Jingle",
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'/>",
    ),
    ("a file by stream initiation", "<si xmlns='http://jabber.org/protocol/si' id='a'/>"),
    (
        "a file by an out-of-band question",
        "<query xmlns='jabber:iq:oob'><url>http://e.test/a</url></query>",
    ),
    ("any other request", "<x xmlns='urn:example:new'/>"),
];

#[test]
fn each_kind_is_heard_put_into_words_or_refused() {
    let mut found = Vec::new();
    for (kind, content, heard) in KINDS {
        let mut scene = Scene::online(alice());
        scene.client(&format!("<message to='alice@aol' type='chat' id='m'>{content}</message>"));
        let bodies: Vec<Body> = scene.bodies().into_iter().map(|(_, body)| body).collect();
        let (told, leaked) = scene.sent();
        assert_eq!(leaked, "", "{kind}");
        let refused = told.contains("<message type='error' id='m'");
        found.push((
            kind,
            match &bodies[..] {
                [Body::Text { text, .. }] => {
                    assert_eq!((text.text(), refused), (heard, false), "{kind}");
                    Outcome::Said
                }
                [Body::Attention] if heard == "?" => Outcome::Attention,
                [Body::Typing(_)] if heard == "typing" => Outcome::Typing,
                [] if refused => {
                    assert!(
                        told.contains("<feature-not-implemented") && told.contains("<text"),
                        "{told}"
                    );
                    assert_eq!(heard, "!", "{kind}");
                    Outcome::Refused
                }
                [] if told.is_empty() && heard.is_empty() => Outcome::Automatic,
                other => panic!("{kind}: {other:?}, {told}"),
            },
        ));
    }
    for (kind, content) in OFFERS {
        let mut scene = Scene::online(alice());
        scene.client(&format!("<iq to='alice@aol' type='set' id='m'>{content}</iq>"));
        let (told, leaked) = scene.sent();
        assert!(told.contains("service-unavailable") && leaked.is_empty(), "{kind}: {told}");
        found.push((kind, Outcome::Refused));
    }
    kinds::check("xmpp", &found);
}

#[test]
fn a_refused_message_is_counted_and_sent_nowhere() {
    let mut scene = Scene::online(alice());
    scene.client("<enable xmlns='urn:xmpp:sm:3'/>");
    scene.server("<enabled xmlns='urn:xmpp:sm:3'/>");
    scene.client("<message to='alice@aol' id='m'><new xmlns='urn:example:new'/></message>");
    let (told, leaked) = scene.sent();
    assert!(told.contains("<message type='error' id='m' from='alice@aol'"), "{told}");
    assert!(leaked.contains("enable") && !leaked.contains("urn:example:new"), "{leaked}");
    scene.server("<a xmlns='urn:xmpp:sm:3' h='0'/>");
    assert_eq!(scene.to(Side::Client), "<a xmlns='urn:xmpp:sm:3' h='1'/>");
    let error = "<message to='alice@aol' type='error'><new xmlns='urn:example:new'/></message>";
    scene.client(error);
    assert_eq!(scene.sent(), (String::new(), String::new()), "an error is not answered");
}
