//! Messages and IQs.

use crate::scene::*;
use crosstalk_core::{Failure, RichText, Style, Typing};

pub fn text(text: &str) -> Body {
    Body::Text { text: RichText::plain(text), auto: false }
}

#[test]
fn messages_of_the_own_network_are_not_touched() {
    let mut scene = Scene::online(alice());
    let (up, down) = (
        "<message to=\"ben@chat.test\"  id='1'><body>write to alice@aol</body></message>",
        "<message from='ben@chat.test/x' to='ann@chat.test'><body>ok</body></message>",
    );
    scene.client(up);
    scene.server(down);
    assert_eq!(scene.sent(), (down.into(), up.into()));
}

#[test]
fn a_message_reaches_a_foreign_person_and_not_the_server() {
    let mut scene = Scene::online(alice());
    scene.client(
        "<message to='alice@aol/CrossTalk' type='chat' id='1'><body>&lt;b&gt; ü</body>\
         <active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    );
    assert_eq!(scene.bodies(), [("alice@aol".into(), text("<b> ü"))]);
    assert_eq!(scene.sent(), (String::new(), String::new()));
}

#[test]
fn formatting_survives_both_ways() {
    let mut scene = Scene::online(alice());
    scene.client(
        "<message to='alice@aol' type='chat'><body>so bold</body>\
         <html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>\
         <p>so <span style='font-weight: bold'>bold</span></p></body></html></message>",
    );
    let mut rich = RichText::plain("so ");
    rich.push("bold", &[Style::Bold]);
    let body = Body::Text { text: rich, auto: false };
    assert_eq!(scene.bodies(), [("alice@aol".into(), body.clone())]);
    scene.deliver("alice@aol", body);
    let seen = scene.to(Side::Client);
    assert!(seen.contains("<body>so bold</body>"), "{seen}");
    assert!(
        seen.contains("<body xmlns='http://www.w3.org/1999/xhtml'>so <strong>bold</strong></body>"),
        "{seen}"
    );
}

#[test]
fn corrections_and_subjects_stay_readable() {
    let mut scene = Scene::online(alice());
    scene.client("<message to='alice@aol'><subject>Lunch</subject><body>at 12</body></message>");
    scene.client(
        "<message to='alice@aol' type='chat'><body>at 1</body>\
         <replace xmlns='urn:xmpp:message-correct:0' id='1'/></message>",
    );
    let said: Vec<_> = scene.bodies().into_iter().map(|(_, body)| body).collect();
    assert_eq!(said, [text("Lunch\nat 12"), text("* at 1")]);
}

#[test]
fn a_foreign_message_comes_from_the_one_full_name() {
    let mut scene =
        Scene::online(roster([friend("carol@hotmail.com@msn", "carol%hotmail.com@msn.xt")]));
    scene.deliver("carol@hotmail.com@msn", text("hé"));
    scene.deliver("alice@aol", text("a stranger's"));
    let seen = scene.to(Side::Client);
    assert!(
        seen.contains("from='carol%hotmail.com@msn.xt/CrossTalk' to='ann@chat.test/r'"),
        "{seen}"
    );
    assert!(seen.contains("<body>hé</body>"), "{seen}");
    assert!(seen.contains("from='alice@aol.xt/CrossTalk'"), "{seen}");
    assert!(!seen.contains("<delay"), "{seen}");
}

#[test]
fn an_old_message_says_when_it_was_sent() {
    let mut scene = Scene::online(alice());
    let mut old = scene.envelope("alice@aol", "ann@chat.test@jabber", text("hi"));
    old.sent_at = UnixMillis(0);
    scene.give(Input::Deliver(old));
    let seen = scene.to(Side::Client);
    assert!(
        seen.contains("<delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:00Z'/>"),
        "{seen}"
    );
}

#[test]
fn typing_goes_both_ways_once_the_client_shows_that_it_knows_it() {
    let mut scene = Scene::online(alice());
    scene.deliver("alice@aol", Body::Typing(Typing::Active));
    assert_eq!(scene.to(Side::Client), "");
    for (name, typing) in
        [("composing", Typing::Active), ("paused", Typing::Paused), ("active", Typing::Idle)]
    {
        let state = format!("<{name} xmlns='http://jabber.org/protocol/chatstates'/>");
        scene.client(&format!("<message to='alice@aol' type='chat'>{state}</message>"));
        assert_eq!(scene.bodies(), [("alice@aol".into(), Body::Typing(typing))]);
        scene.deliver("alice@aol", Body::Typing(typing));
        assert!(scene.to(Side::Client).contains(&state));
    }
}

#[test]
fn a_client_that_says_it_knows_typing_is_told() {
    let mut scene = Scene::bound(alice());
    scene.client("<presence/>");
    let asked = scene.to(Side::Client);
    let id = asked.split("id='").nth(1).unwrap().split('\'').next().unwrap();
    assert!(asked.contains("from='chat.test'") && asked.contains("disco#info"), "{asked}");
    scene.sent();
    scene.client(&format!(
        "<iq type='result' id='{id}' to='chat.test'><query xmlns='http://jabber.org/protocol/disco#info'>\
         <feature var='http://jabber.org/protocol/chatstates'/></query></iq>"
    ));
    assert_eq!(scene.to(Side::Server), "");
    scene.deliver("alice@aol", Body::Typing(Typing::Active));
    assert!(scene.to(Side::Client).contains("<composing"));
}

#[test]
fn receipts_and_failures_find_their_message() {
    let mut scene = Scene::online(alice());
    scene.client(
        "<message to='alice@aol' type='chat' id='m1'><body>x</body>\
         <request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/></message>",
    );
    let [Event::Send(sent)] = &scene.events()[..] else { panic!("nothing sent") };
    let of = sent.id;
    scene.deliver("alice@aol", Body::Receipt { of, displayed: false });
    assert!(scene.to(Side::Client).contains("<received xmlns='urn:xmpp:receipts' id='m1'/>"));
    scene.deliver("alice@aol", Body::Receipt { of, displayed: true });
    assert!(
        scene.to(Side::Client).contains("<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/>")
    );
    scene.deliver("alice@aol", Body::Undelivered { of, why: Failure::Offline });
    let error = scene.to(Side::Client);
    assert!(
        error.starts_with("<message type='error' id='m1' from='alice@aol' to='ann@chat.test/r'>"),
        "{error}"
    );
    assert!(
        error.contains("recipient-unavailable") && error.contains("the receiver is offline"),
        "{error}"
    );
    scene.deliver("alice@aol", Body::Undelivered { of, why: Failure::Unconfirmed });
    let error = scene.to(Side::Client);
    assert!(error.contains("<remote-server-timeout"), "{error}");
    assert!(error.contains(">this may not have arrived: "), "{error}");
    let unknown = Body::Undelivered { of: EnvelopeId(1), why: Failure::Offline };
    scene.deliver("alice@aol", unknown);
    assert!(matches!(&scene.events()[..], [Event::Unshown(_)]));
}

#[test]
fn the_client_s_receipts_go_back() {
    let mut scene = Scene::online(alice());
    scene.deliver("alice@aol", text("hi"));
    let seen = scene.to(Side::Client);
    assert!(seen.contains("<request xmlns='urn:xmpp:receipts'/>"), "{seen}");
    let id = EnvelopeId(0xabc);
    scene.client(&format!("<message to='alice@aol/CrossTalk'><received xmlns='urn:xmpp:receipts' id='{id}'/></message>"));
    scene.client(&format!("<message to='alice@aol/CrossTalk'><displayed xmlns='urn:xmpp:chat-markers:0' id='{id}'/></message>"));
    let bodies: Vec<_> = scene.bodies().into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, [false, true].map(|displayed| Body::Receipt { of: id, displayed }));
}

#[test]
fn nobody_is_asked_for_receipts_of_what_no_person_said() {
    let mut scene = Scene::online(alice());
    let said = RichText::plain("away");
    scene.deliver("alice@aol", Body::Text { text: said.clone(), auto: true });
    scene.deliver("crosstalk@gateway", Body::Text { text: said, auto: false });
    let seen = scene.to(Side::Client);
    assert_eq!(seen.matches("<body>away</body>").count(), 2, "{seen}");
    assert!(!seen.contains("urn:xmpp:receipts") && !seen.contains("chat-markers"), "{seen}");
}

#[test]
fn attention_is_drawn_both_ways() {
    let mut scene = Scene::online(alice());
    scene.client("<message to='alice@aol' type='headline'><attention xmlns='urn:xmpp:attention:0'/></message>");
    assert_eq!(scene.bodies(), [("alice@aol".into(), Body::Attention)]);
    scene.deliver("alice@aol", Body::Attention);
    assert!(scene.to(Side::Client).contains("<attention xmlns='urn:xmpp:attention:0'/><body>"));
}

#[test]
fn what_another_session_said_is_shown_where_it_was_asked_for() {
    let mut scene = Scene::online(alice());
    let copy = scene.envelope("ann@chat.test@jabber", "alice@aol", text("me too"));
    scene.give(Input::Carbon(copy.clone()));
    assert_eq!(scene.to(Side::Client), "");
    scene.client("<iq id='c' type='set'><enable xmlns='urn:xmpp:carbons:2'/></iq>");
    scene.server("<iq id='c' type='result'/>");
    scene.sent();
    scene.give(Input::Carbon(copy));
    let seen = scene.to(Side::Client);
    assert!(seen.starts_with("<message type='chat' from='ann@chat.test' to='ann@chat.test/r'><sent xmlns='urn:xmpp:carbons:2'>"), "{seen}");
    assert!(
        seen.contains("<message xmlns='jabber:client' type='chat'")
            && seen.contains("to='alice@aol'"),
        "{seen}"
    );
}

#[test]
fn every_question_to_a_foreign_person_is_answered() {
    let mut scene = Scene::online(alice());
    for (asked, answer) in [
        (
            "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>",
            "var='http://jabber.org/protocol/chatstates'",
        ),
        ("<vCard xmlns='vcard-temp'/>", "<FN>alice</FN>"),
        ("<query xmlns='jabber:iq:version'/>", "service-unavailable"),
        ("<ping xmlns='urn:xmpp:ping'/>", "service-unavailable"),
    ] {
        scene.client(&format!("<iq id='q' type='get' to='alice@aol/CrossTalk'>{asked}</iq>"));
        let (seen, leaked) = scene.sent();
        assert!(
            seen.contains(answer) && seen.contains("id='q' from='alice@aol/CrossTalk'"),
            "{seen}"
        );
        assert_eq!(leaked, "");
    }
    scene.client("<iq id='x' type='result' to='alice@aol'/>");
    assert_eq!(scene.sent(), (String::new(), String::new()));
}

#[test]
fn no_foreign_name_passes_wherever_it_stands() {
    let mut scene = Scene::online(alice());
    for stanza in [
        "<message to='bob@nowhere.xt'><body>x</body></message>",
        "<iq id='1' type='get' to='msn.xt'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
        "<presence to='x@icq.xt' type='subscribe'/>",
        "<message to='room@conference.chat.test'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='alice@aol'/></x></message>",
        "<iq id='2' type='set'><query xmlns='jabber:iq:privacy'><list name='l'><item type='jid' value='alice@aol'/></list></query></iq>",
        "<iq id='3' type='set'><query xmlns='jabber:iq:private'><storage><note jid='alice@aol'>n</note></storage></query></iq>",
        "<iq id='4' type='set'><query xmlns='jabber:iq:roster'><item jid='alice@aol'/><item jid='ben@chat.test'/></query></iq>",
        "<message to='alice@aol' type='groupchat'><body>x</body></message>",
        "<message to='alice@nowhere.xt.'><body>x</body></message>",
        "<message to='room@conference.chat.test'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='alice&#64;aol'/></x></message>",
        "<message to='ben@chat.test'><x xmlns='jabber:x:conference' jid='alice@aol.'/></message>",
        "<iq id='5' type='set'><query xmlns='jabber:iq:private'><n><![CDATA[alice]]>@<![CDATA[aol]]></n></query></iq>",
        "<iq id='6' type='set'><query xmlns='jabber:iq:roster'><item jid='ben@chat.test'/></query><query xmlns='jabber:iq:roster'><item jid='alice@aol'/></query></iq>",
    ] {
        scene.client(stanza);
        let (seen, leaked) = scene.sent();
        assert_eq!(leaked, "", "{stanza}");
        assert!(seen.contains("type='error'"), "{stanza}: {seen}");
    }
    let own = "<iq id='v' type='set'><vCard xmlns='vcard-temp'><ORG>aol</ORG><DESC>or alice@aol</DESC></vCard></iq>";
    scene.client(own);
    assert_eq!(scene.to(Side::Server), own, "a text may hold any name");
    scene.client("<iq id='m' type='set'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data'><field var='with'><value>alice@aol</value></field></x></query></iq>");
    let (seen, leaked) = scene.sent();
    assert_eq!(leaked, "");
    assert!(seen.contains("<fin xmlns='urn:xmpp:mam:2' complete='true'>"), "{seen}");
}

#[test]
fn a_broken_stream_fails_closed_once_somebody_is_signed_in() {
    let mut scene = Scene::bound(Roster::default());
    assert!(scene.bytes(Side::Client, "<message><!-- x --></message>").is_err());
    assert!(scene.out.altered());
}

#[test]
fn how_deep_people_of_the_own_network_nest_is_their_own_affair() {
    let mut scene = Scene::online(alice());
    let nested = |inside: &str| {
        let (open, close) = ("<s>".repeat(9_000), "</s>".repeat(9_000));
        format!("<message to='ben@chat.test'><x>{open}{inside}{close}</x></message>")
    };
    for own in [
        nested("deep"),
        nested("&#100;eep"),
        "<message><a/><a/></message>".replace("<a/>", &"<a/>".repeat(99_999)),
    ] {
        scene.client(&own);
        assert!(scene.to(Side::Server) == own);
        let down = own.replace("to='ben@", "from='ben@");
        scene.server(&down);
        assert!(scene.to(Side::Client) == down);
    }
    scene.client(&nested("alice@aol"));
    let (told, leaked) = scene.sent();
    assert!(told.contains("not-acceptable") && leaked.is_empty(), "{told}");
}

#[test]
fn what_no_foreign_person_could_be_sent_is_refused_and_the_session_goes_on() {
    let mut scene = Scene::online(alice());
    let deep = "<s>".repeat(100) + &"</s>".repeat(100);
    for content in [" ".repeat(600 * 1024), "<a/>".repeat(40_000), deep] {
        for name in ["message", "presence", "iq"] {
            scene.client(&format!("<{name} to='alice@aol' type='set' id='i'>{content}</{name}>"));
            let (told, leaked) = scene.sent();
            assert!(told.contains("policy-violation") && told.contains("id='i'"), "{told}");
            assert!(leaked.is_empty() && scene.bodies().is_empty());
        }
    }
    scene.client("<message to='alice@aol'><body>short</body></message>");
    assert_eq!(scene.bodies(), [("alice@aol".into(), text("short"))]);
}

#[test]
fn only_the_server_changes_the_list() {
    let mut scene = Scene::online(alice());
    let push = |from: &str| {
        format!("<iq type='set' id='p' {from}><query xmlns='jabber:iq:roster' ver='9'/></iq>")
    };
    let forged = push("from='eve@evil.test/x'");
    scene.server(&forged);
    assert_eq!(scene.to(Side::Client), forged);
    // Our own pushes say a version where the server said one.
    scene.give(Input::Changed(Contact {
        alias: Some("A".into()),
        ..friend("alice@aol", "alice@aol")
    }));
    let pushed = scene.to(Side::Client);
    assert!(pushed.contains("name='A'") && !pushed.contains("ver="), "{pushed}");
    scene.server(&push("from='ann@chat.test'"));
    assert!(scene.to(Side::Client).contains("ver='9+xt"));
}

#[test]
fn receipts_are_not_multiplied() {
    let mut scene = Scene::online(alice());
    let received = format!("<received xmlns='urn:xmpp:receipts' id='{:032x}'/>", 7);
    scene.client(&format!("<message to='alice@aol'>{}</message>", received.repeat(1000)));
    assert!(scene.bodies().len() <= 2);
}

#[test]
fn a_client_takes_texts_while_it_is_available_to_them() {
    let mut scene = Scene::bound(alice());
    assert!(!scene.engine.takes_texts(), "a script that sends no presence");
    for (presence, takes) in [
        ("<presence/>", true),
        ("<presence><priority>-1</priority></presence>", false),
        ("<presence><show>dnd</show><priority>0</priority></presence>", true),
        ("<presence type='unavailable' to='ben@chat.test'/>", true),
        ("<presence type='unavailable'/>", false),
        ("<presence to='room@conference.chat.test/ann'/>", false),
        ("<presence><priority> 127 </priority></presence>", true),
    ] {
        scene.client(presence);
        assert_eq!(scene.engine.takes_texts(), takes, "{presence}");
    }
}

#[test]
fn a_client_is_asked_whether_it_shows_typing_when_somebody_foreign_comes() {
    for comes in ["a text", "typing", "a contact"] {
        let mut scene = Scene::online(Roster::default());
        assert_eq!(scene.to(Side::Client), "", "own traffic is left alone");
        match comes {
            "a text" => scene.deliver("alice@aol", text("hi")),
            "typing" => scene.deliver("alice@aol", Body::Typing(Typing::Active)),
            _ => scene.give(Input::Changed(friend("alice@aol", "alice@aol"))),
        }
        let asked = scene.to(Side::Client);
        assert!(asked.contains("disco#info"), "{comes}: {asked}");
        let id = asked.split("type='get' id='").nth(1).unwrap().split('\'').next().unwrap();
        scene.client(&format!(
            "<iq type='result' id='{id}' to='chat.test'>\
             <query xmlns='http://jabber.org/protocol/disco#info'>\
             <feature var='http://jabber.org/protocol/chatstates'/></query></iq>"
        ));
        scene.deliver("alice@aol", Body::Typing(Typing::Active));
        let seen = scene.to(Side::Client);
        assert!(seen.contains("<composing") && !seen.contains("disco#info"), "{comes}: {seen}");
    }
}
