//! Hiding by a privacy list (XEP-0016): who does, and from whom.

use crate::scene::*;

const ALL: &str = "<item action='deny' order='1'/>";
const OUT: &str = "<item action='deny' order='3'><presence-out/></item>";

/// A request of Ann's client about her lists, which the server answers so.
fn ask(scene: &mut Scene, kind: &str, query: &str, answer: &str) {
    scene.client(&format!(
        "<iq type='{kind}' id='p'><query xmlns='jabber:iq:privacy'>{query}</query></iq>"
    ));
    let kind = if answer == "error" { "error" } else { "result" };
    let answer = answer.replace("error", "");
    scene.server(&format!(
        "<iq type='{kind}' id='p'><query xmlns='jabber:iq:privacy'>{answer}</query></iq>"
    ));
}

fn set(scene: &mut Scene, query: &str) {
    ask(scene, "set", query, "");
}

/// Whether foreign people see Ann when her client says that she is there.
fn seen(scene: &mut Scene) -> bool {
    scene.client("<presence type='unavailable'/>");
    scene.client("<presence><status>here</status></presence>");
    let mut online = false;
    for event in scene.events() {
        if let Event::Presence(presence) = event {
            online = presence.is_online();
        }
    }
    online
}

fn list(items: &str) -> String {
    format!("<list name='l'>{items}</list>")
}

#[test]
fn what_counts_is_what_the_list_does() {
    let mut other = friend("zed@msn", "zed@msn");
    other.to = Subscription::None;
    for (items, shown) in [
        (ALL.into(), false),
        (OUT.into(), false),
        ("<item action='allow' order='1'/>".into(), true),
        ("<item action='deny' order='1'><presence-in/></item>".into(), true),
        ("<item action='deny' order='1'><message/><iq/></item>".into(), true),
        (format!("<item action='allow' order='4'/>{OUT}"), false),
        (format!("{OUT}<item action='allow' order='2'/>"), true),
        (format!("<item type='subscription' value='both' action='allow' order='1'/>{OUT}"), false),
        ("<item type='subscription' value='none' action='deny' order='1'/>".into(), true),
        ("<item type='subscription' value='from' action='deny' order='1'/>".into(), false),
        ("<item type='group' value='Friends' action='deny' order='1'/>".into(), false),
        ("<item type='group' value='Work' action='deny' order='1'/>".into(), true),
        ("<item type='jid' value='eve@chat.test' action='deny' order='1'/>".into(), true),
        ("<item type='jid' value='evil.test' action='deny' order='1'/>".into(), true),
        ("<item type='jid' value='aol' action='deny' order='1'/>".into(), false),
    ] {
        for name in ["l", "invisible"] {
            let list = list(&items).replace("'l'", &format!("'{name}'"));
            let mut scene =
                Scene::online(roster([friend("alice@aol", "alice@aol"), other.clone()]));
            set(&mut scene, &list);
            assert!(seen(&mut scene), "a list that is not in force: {items}");
            set(&mut scene, &format!("<active name='{name}'/>"));
            assert_eq!(seen(&mut scene), shown, "{name}: {items}");
            set(&mut scene, "<active/>");
            assert!(seen(&mut scene), "{items}");
        }
    }
}

#[test]
fn who_hides_is_hidden_before_the_server_says_yes_and_shown_after() {
    let mut scene = Scene::online(alice());
    scene.client(&format!(
        "<iq type='set' id='1'><query xmlns='jabber:iq:privacy'>{}</query></iq>\
         <iq type='set' id='2'><query xmlns='jabber:iq:privacy'><active name='l'/></query></iq>",
        list(ALL)
    ));
    assert!(matches!(&scene.events()[..], [Event::Presence(p)] if !p.is_online()));
    assert!(!seen(&mut scene));
    scene.server("<iq type='result' id='1'/>");
    scene.server("<iq type='error' id='2'/>");
    assert!(matches!(&scene.events()[..], [Event::Presence(p)] if p.is_online()));
}

#[test]
fn the_active_list_counts_before_the_default() {
    let mut scene = Scene::online(alice());
    set(&mut scene, &list(OUT));
    set(&mut scene, "<list name='open'><item action='allow' order='1'/></list>");
    set(&mut scene, "<default name='l'/>");
    assert!(!seen(&mut scene));
    set(&mut scene, "<active name='open'/>");
    assert!(seen(&mut scene));
    set(&mut scene, "<active/>");
    assert!(!seen(&mut scene));
    set(&mut scene, &list("<item action='allow' order='1'/>"));
    assert!(seen(&mut scene), "the list in force was changed");
    set(&mut scene, &list(ALL));
    set(&mut scene, "<default/>");
    assert!(seen(&mut scene));
}

#[test]
fn lists_of_sessions_before_are_asked_for() {
    let mut scene = Scene::bound(alice());
    scene.client("<enable xmlns='urn:xmpp:sm:3'/>");
    scene.server("<enabled xmlns='urn:xmpp:sm:3'/>");
    scene.client("<presence/>");
    let answers = ["<default name='l'/><list name='l'/>".into(), list(OUT)];
    for answer in answers {
        let sent = scene.to(Side::Server);
        assert!(!scene.events().iter().any(|e| matches!(e, Event::Presence(p) if p.is_online())));
        let (_, asked) = sent.split_once("id='").expect("a question");
        let (id, _) = asked.split_once('\'').unwrap();
        scene.to(Side::Client);
        scene.server(&format!(
            "<iq type='result' id='{id}'><query xmlns='jabber:iq:privacy'>{answer}</query></iq>"
        ));
        assert_eq!(scene.to(Side::Client), "", "it asked nothing");
    }
    assert_eq!(scene.to(Side::Server), "");
    assert!(!seen(&mut scene));
    // Presence three times, and two questions of which the client knows nothing.
    scene.sent();
    scene.server("<a xmlns='urn:xmpp:sm:3' h='5'/>");
    assert_eq!(scene.to(Side::Client), "<a xmlns='urn:xmpp:sm:3' h='3'/>");
    let push = |name: &str| {
        let list = format!("<list name='{name}'/>");
        format!("<iq type='set' id='x'><query xmlns='jabber:iq:privacy'>{list}</query></iq>")
    };
    scene.server(&push("m"));
    assert_eq!(scene.sent(), (push("m"), String::new()), "it is not in force");
    scene.server(&push("l"));
    let (told, asked) = scene.sent();
    assert!(told == push("l") && asked.contains("<list name='l'/>"), "{told}: {asked}");
}

#[test]
fn a_server_that_does_not_say_what_is_in_force_has_nothing() {
    let mut scene = Scene::bound(alice());
    scene.client("<presence/>");
    assert!(scene.events().iter().all(|e| !matches!(e, Event::Presence(_))));
    scene.later(Duration::from_secs(10));
    assert!(matches!(&scene.events()[..], [Event::Presence(p)] if p.is_online()));
    assert_eq!(scene.engine.deadline(), None);
}
