//! Hiding by a privacy list (XEP-0016): who does, and from whom.

use crate::common::watched::Watched;
use crate::scene::*;

pub const ALL: &str = "<item action='deny' order='1'/>";
pub const OUT: &str = "<item action='deny' order='3'><presence-out/></item>";

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

pub fn set(scene: &mut Scene, query: &str) {
    ask(scene, "set", query, "");
}

/// Those who see Ann, by what has been said up to now.
pub fn by(scene: &mut Scene, watched: &mut Watched) -> Vec<String> {
    watched.hear(&scene.events());
    watched.by()
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

pub fn list(items: &str) -> String {
    format!("<list name='l'>{items}</list>")
}

pub const ALICE: &str = "alice@aol";
pub const ZED: &str = "zed@hotmail.com@msn";

/// Alice, who is friends with Ann in both directions, and Zed, who only sees her.
pub fn alice_and_zed() -> Roster {
    let zed = Contact { to: Subscription::None, groups: Vec::new(), ..friend(ZED, ZED) };
    roster([friend(ALICE, ALICE), zed])
}

#[test]
fn each_sees_what_the_list_lets_them_see() {
    let both = "<item type='subscription' value='both' action='allow' order='1'/>";
    for (items, sees) in [
        (ALL.into(), &[][..]),
        (OUT.into(), &[]),
        ("<item action='allow' order='1'/>".into(), &[ALICE, ZED]),
        ("<item action='deny' order='1'><presence-in/></item>".into(), &[ALICE, ZED]),
        ("<item action='deny' order='1'><message/><iq/></item>".into(), &[ALICE, ZED]),
        (format!("<item action='allow' order='4'/>{OUT}"), &[]),
        (format!("{OUT}<item action='allow' order='2'/>"), &[ALICE, ZED]),
        (format!("{both}{OUT}"), &[ALICE]),
        ("<item type='subscription' value='none' action='deny' order='1'/>".into(), &[ALICE, ZED]),
        ("<item type='subscription' value='from' action='deny' order='1'/>".into(), &[ALICE]),
        ("<item type='subscription' value='both' action='deny' order='1'/>".into(), &[ZED]),
        ("<item type='group' value='Friends' action='deny' order='1'/>".into(), &[ZED]),
        ("<item type='group' value='Work' action='deny' order='1'/>".into(), &[ALICE, ZED]),
        (format!("<item type='group' value='Friends' action='allow' order='2'/>{OUT}"), &[ALICE]),
        ("<item type='jid' value='eve@chat.test' action='deny' order='1'/>".into(), &[ALICE, ZED]),
        ("<item type='jid' value='evil.test' action='deny' order='1'/>".into(), &[ALICE, ZED]),
        ("<item type='jid' value='aol' action='deny' order='1'/>".into(), &[ZED]),
    ] {
        for name in ["l", "invisible"] {
            let list = list(&items).replace("'l'", &format!("'{name}'"));
            let mut watched = Watched::online(&alice_and_zed());
            let mut scene = Scene::online(alice_and_zed());
            let mut by = |scene: &mut Scene| by(scene, &mut watched);
            set(&mut scene, &list);
            assert_eq!(by(&mut scene), [ALICE, ZED], "a list that is not in force: {items}");
            // At once, and with every later presence.
            set(&mut scene, &format!("<active name='{name}'/>"));
            assert_eq!(by(&mut scene), sees, "{name}: {items}");
            scene.client("<presence><show>away</show></presence>");
            assert_eq!(by(&mut scene), sees, "{name}: {items}");
            scene.client("<presence type='unavailable'/>");
            assert!(by(&mut scene).is_empty());
            scene.client("<presence/>");
            assert_eq!(by(&mut scene), sees, "{name}: {items}");
            set(&mut scene, "<active/>");
            assert_eq!(by(&mut scene), [ALICE, ZED], "{items}");
        }
    }
}

#[test]
fn a_list_follows_what_becomes_of_its_people() {
    let mut with_may = alice_and_zed();
    with_may.put(friend("may@msn", "may@msn"), Stamp { millis: 1, writer: 1 });
    let (mut scene, mut watched) = (Scene::online(alice_and_zed()), Watched::online(&with_may));
    let mut by = |scene: &mut Scene| by(scene, &mut watched);
    set(&mut scene, &list("<item type='group' value='Friends' action='deny' order='1'/>"));
    set(&mut scene, "<default name='l'/>");
    assert_eq!(by(&mut scene), [ZED]);
    let moved = |name, group: &str| Contact { groups: vec![group.into()], ..friend(name, name) };
    scene.give(Input::Changed(moved(ALICE, "Work")));
    assert_eq!(by(&mut scene), [ALICE, ZED]);
    scene.give(Input::Changed(moved(ZED, "Friends")));
    assert_eq!(by(&mut scene), [ALICE]);
    scene.give(Input::Changed(moved("may@msn", "Friends")));
    assert_eq!(by(&mut scene), [ALICE], "she came later");
    scene.give(Input::Changed(moved("may@msn", "Work")));
    assert_eq!(by(&mut scene), [ALICE, "may@msn"]);
}

#[test]
fn a_list_of_the_server_s_may_name_somebody_foreign_and_one_of_the_client_s_is_refused() {
    let (mut scene, mut watched) =
        (Scene::online(alice_and_zed()), Watched::online(&alice_and_zed()));
    let mut by = |scene: &mut Scene| by(scene, &mut watched);
    let item = "<item type='jid' value='alice@aol.xt' action='deny' order='1'/>";
    set(&mut scene, "<active name='l'/>");
    ask(&mut scene, "get", "<list name='l'/>", &list(item));
    assert_eq!(by(&mut scene), [ZED]);
    let asked = format!(
        "<iq type='set' id='p'><query xmlns='jabber:iq:privacy'>{}</query></iq>",
        list(item)
    );
    set(&mut scene, "<active/>");
    scene.sent();
    scene.client(&asked);
    assert!(scene.to(Side::Client).contains("not-acceptable"));
    assert_eq!(scene.to(Side::Server), "");
    assert_eq!(by(&mut scene), [ALICE, ZED], "it was refused");
}

#[test]
fn presence_may_be_directed_at_one() {
    let (mut scene, mut watched) =
        (Scene::online(alice_and_zed()), Watched::online(&alice_and_zed()));
    let mut by = |scene: &mut Scene| by(scene, &mut watched);
    scene.client("<presence to='alice@aol.xt' type='unavailable'/>");
    assert_eq!(by(&mut scene), [ZED]);
    scene.client("<presence><show>away</show></presence>");
    assert_eq!(by(&mut scene), [ALICE, ZED], "told to everybody");
    scene.client("<presence type='unavailable'/>");
    assert!(by(&mut scene).is_empty());
    scene.client("<presence to='eve@aol.xt'/>");
    assert!(scene.events().is_empty(), "she may not see it");
    scene.client("<presence to='alice@aol.xt'><show>dnd</show></presence>");
    assert_eq!(by(&mut scene), [ALICE]);
    scene.client("<presence to='alice@aol.xt' type='unavailable'/>");
    assert!(by(&mut scene).is_empty());
    // By command (XEP-0186), and with a list against it.
    scene.client("<presence/>");
    assert_eq!(by(&mut scene), [ALICE, ZED]);
    scene.client("<iq type='set' id='v'><invisible xmlns='urn:xmpp:invisible:1'/></iq>");
    assert!(by(&mut scene).is_empty());
    scene.client("<presence to='alice@aol.xt'/>");
    assert_eq!(by(&mut scene), [ALICE]);
    set(&mut scene, &list(OUT));
    set(&mut scene, "<active name='l'/>");
    assert!(by(&mut scene).is_empty());
    assert_eq!(scene.to(Side::Server).matches("aol.xt").count(), 0);
}

/// What each of those reads who see Ann, by what has been said up to now.
fn read(scene: &mut Scene, watched: &mut Watched) -> Vec<(String, String)> {
    watched.hear(&scene.events());
    watched.texts()
}

fn reads(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(who, text)| ((*who).into(), (*text).into())).collect()
}

#[test]
fn nobody_reads_what_is_directed_at_another() {
    let (mut scene, mut watched) =
        (Scene::online(alice_and_zed()), Watched::online(&alice_and_zed()));
    let mut read = |scene: &mut Scene| read(scene, &mut watched);
    let status = |to: &str, text: &str| {
        let idle = "<idle xmlns='urn:xmpp:idle:1' since='2001-09-09T01:00:00Z'/>";
        format!("<presence{to}><show>dnd</show><status>{text}</status>{idle}</presence>")
    };
    let (alice, zed) = (" to='alice@aol.xt'", " to='zed%hotmail.com@msn.xt'");
    scene.client("<presence type='unavailable'/>");
    assert_eq!(read(&mut scene), reads(&[]));
    scene.client(&status(alice, "secret"));
    assert_eq!(read(&mut scene), reads(&[(ALICE, "secret")]));
    // Whoever comes sees only what is said to everybody.
    scene.client("<presence/>");
    assert_eq!(read(&mut scene), reads(&[(ALICE, ""), (ZED, "")]));
    scene.client("<presence type='unavailable'/>");
    scene.client(&status(alice, "A"));
    assert_eq!(read(&mut scene), reads(&[(ALICE, "A")]));
    scene.client(&status(zed, "B"));
    let events = scene.events();
    let idle = |e: &Event| matches!(e, Event::Presence(p) if p.idle_since.is_some());
    assert!(events.iter().any(idle), "of both it is the same: {events:?}");
    watched.hear(&events);
    assert_eq!(watched.texts(), reads(&[(ALICE, ""), (ZED, "")]));
    scene.client("<presence to='alice@aol.xt' type='unavailable'/>");
    scene.client(&status(zed, "C"));
    watched.hear(&scene.events());
    assert_eq!(watched.texts(), reads(&[(ZED, "C")]), "to one alone");
    scene.client(&status(alice, "C"));
    watched.hear(&scene.events());
    assert_eq!(watched.texts(), reads(&[(ALICE, "C"), (ZED, "C")]), "to both alike");
    scene.client(&status(alice, "C").replace("01:00", "01:10"));
    let events = scene.events();
    assert!(!events.iter().any(idle), "of one it is another");
}

#[test]
fn who_hides_by_command_is_shown_as_was_directed() {
    let (mut scene, mut watched) =
        (Scene::online(alice_and_zed()), Watched::online(&alice_and_zed()));
    let mut read = |scene: &mut Scene| read(scene, &mut watched);
    let command =
        |name: &str| format!("<iq type='set' id='v'><{name} xmlns='urn:xmpp:invisible:1'/></iq>");
    scene.client("<presence><status>all</status></presence>");
    scene.client("<presence to='alice@aol.xt'><status>hers</status></presence>");
    assert_eq!(read(&mut scene), reads(&[(ALICE, "all"), (ZED, "all")]));
    scene.client(&command("invisible"));
    assert_eq!(read(&mut scene), reads(&[(ALICE, "hers")]));
    scene.client(&command("visible"));
    assert_eq!(read(&mut scene), reads(&[]));
    scene.client("<presence><status>all</status></presence>");
    assert_eq!(read(&mut scene), reads(&[(ALICE, "all"), (ZED, "all")]));
}

#[test]
fn who_is_let_see_the_person_does_not_see_what_was_before() {
    let mut blocked = alice_and_zed();
    let block = Contact { blocked: true, ..friend(ALICE, ALICE) };
    blocked.put(block, Stamp { millis: 2, writer: 1 });
    let mut scene = Scene::online(blocked);
    let mut watched = Watched::online(&alice_and_zed());
    let item = "<item jid='alice@aol.xt'/>";
    let blocks = |what: &str| {
        format!("<iq type='set' id='u'><{what} xmlns='urn:xmpp:blocking'>{item}</{what}></iq>")
    };
    scene.client(&blocks("block"));
    assert_eq!(by(&mut scene, &mut watched), [ZED]);
    // In one read, and more often than others are told of within one.
    for times in [1, 9] {
        let once = format!(
            "<presence><status>old</status></presence><presence type='unavailable'/>{}{}\
             <presence to='zed%hotmail.com@msn.xt' type='subscribed'/>",
            blocks("unblock"),
            blocks("block")
        );
        scene.client("<presence><status>old</status></presence>");
        assert_eq!(by(&mut scene, &mut watched), [ZED]);
        scene.client(&once.repeat(times));
        assert_eq!(by(&mut scene, &mut watched).len(), 0);
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
