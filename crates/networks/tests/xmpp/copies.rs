//! What the other sessions of a person get, and what corrects an earlier text.

use crate::messages::text;
use crate::scene::*;

/// Stanza that Ann's client sends to Alice, as it goes out.
fn outgoing(scene: &mut Scene, inside: &str) -> Outgoing {
    scene.client(&format!("<message to='alice@aol' type='chat' id='m7'>{inside}</message>"));
    let sent = scene.events().into_iter().find_map(|event| match event {
        Event::Send(outgoing) => Some(outgoing),
        _ => None,
    });
    sent.unwrap()
}

#[test]
fn what_is_private_or_not_to_be_copied_is_not_copied() {
    let mut scene = Scene::online(alice());
    for (mark, no_copy) in [
        ("", false),
        ("<private xmlns='urn:xmpp:carbons:2'/>", true),
        ("<no-copy xmlns='urn:xmpp:hints'/>", true),
        ("<no-store xmlns='urn:xmpp:hints'/>", false),
    ] {
        let details = outgoing(&mut scene, &format!("<body>hi</body>{mark}")).details.unwrap();
        assert_eq!(details.no_copy, no_copy, "{mark}");
        let word = |word: Option<Detail>| word.map(|word| word.as_str().to_owned());
        assert_eq!(word(details.message_id).as_deref(), Some("m7"));
        assert_eq!(word(details.endpoint).as_deref(), Some("r"));
    }
}

#[test]
fn a_copy_has_the_id_and_the_session_that_it_was_sent_with() {
    let mut scene = Scene::online(alice());
    scene.client("<iq id='c' type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
    scene.server("<iq id='c' type='result'/>");
    scene.sent();
    let details = Details {
        message_id: Detail::new("m7"),
        replaces: Detail::new("m6"),
        endpoint: Detail::new("phone"),
        ..Details::default()
    };
    let copy = scene.envelope("ann@chat.test@jabber", "alice@aol", text("* me too"));
    scene.give(Input::Carbon(Envelope { details: details.boxed(), ..copy }));
    let seen = scene.to(Side::Client);
    for part in [
        "<message xmlns='jabber:client' type='chat' id='m7' from='ann@chat.test/phone' to='alice@aol'>",
        "<body>me too</body>",
        "<replace xmlns='urn:xmpp:message-correct:0' id='m6'/>",
    ] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
}

#[test]
fn a_correction_stands_for_the_text_that_the_client_was_shown() {
    let mut scene = Scene::online(alice());
    let replace = "<replace xmlns='urn:xmpp:message-correct:0' id='m6'/>";
    let sent = outgoing(&mut scene, &format!("<body>hi</body>{replace}"));
    assert_eq!(sent.body, text("* hi"), "for those who know nothing of corrections");
    let details = sent.details.unwrap();
    assert_eq!(details.replaces, Detail::new("m6"));
    // Dave is a Jabber person elsewhere, whose client said it so.
    let mut deliver = |from: &str, id: u128, body: &str, details: Details| {
        let envelope = scene.envelope(from, "ann@chat.test@jabber", text(body));
        let details = details.boxed();
        scene.give(Input::Deliver(Envelope { id: EnvelopeId(id), details, ..envelope }));
        scene.to(Side::Client)
    };
    let dave = "dave@example.org@jabber";
    let corrects = |of: &str| Details { replaces: Detail::new(of), ..Details::default() };
    let unknown = deliver(dave, 1, "* hi", corrects("m6"));
    assert!(unknown.contains("<body>* hi</body>") && !unknown.contains("<replace"), "{unknown}");
    let named = Details { message_id: Detail::new("m6"), ..Details::default() };
    deliver(dave, 6, "ho", named);
    let known = deliver(dave, 7, "* hi", corrects("m6"));
    let replace = format!("<replace xmlns='urn:xmpp:message-correct:0' id='{}'/>", EnvelopeId(6));
    assert!(known.contains("<body>hi</body>") && known.contains(&replace), "{known}");
    let other = deliver("eve@example.org@jabber", 8, "* hi", corrects("m6"));
    assert!(!other.contains("<replace"), "{other}");
}
