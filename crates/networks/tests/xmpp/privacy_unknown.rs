//! What is not known of privacy lists (XEP-0016), which hides.

use crate::common::watched::Watched;
use crate::privacy::{ALICE, ALL, ZED, alice_and_zed, by, set};
use crate::resumption::{RESUME, RESUMED, another};
use crate::scene::*;

const OPEN: &str = "<list name='open'><item action='allow' order='1'/></list>";

/// The error of a server that has no privacy lists.
const NONE: &str = "<error type='cancel'>\
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";

/// State in which nobody is hidden from by the active list, which is the one called open.
fn open() -> (Scene, Watched) {
    let (mut scene, mut watched) =
        (Scene::online(alice_and_zed()), Watched::online(&alice_and_zed()));
    set(&mut scene, &format!("<list name='hide'>{ALL}</list>"));
    set(&mut scene, OPEN);
    set(&mut scene, "<active name='open'/>");
    assert_eq!(by(&mut scene, &mut watched), [ALICE, ZED]);
    scene.sent();
    (scene, watched)
}

/// The server answers what it was asked: changes so, and which lists are in force and what the
/// list called open holds so. Returns how much it was asked.
fn answer(scene: &mut Scene, changed: &str, names: &str, open: &str) -> usize {
    let mut count = 0;
    // What is asked again with every answer does not end.
    for _ in 0..10 {
        for asked in scene.to(Side::Server).split("<iq ").skip(1) {
            let (_, id) = asked.split_once("id='").expect("an id");
            let (id, _) = id.split_once('\'').unwrap();
            let query = |holds| format!("<query xmlns='jabber:iq:privacy'>{holds}</query>");
            let (kind, holds) = match asked {
                set if set.contains("type='set'") => (changed, String::new()),
                list if list.contains("<list name='open'") => ("result", query(open)),
                list if list.contains("<list ") => ("result", query("<list name='other'/>")),
                _ if names == "error" => (names, String::new()),
                _ if names == "none" => ("error", NONE.to_owned()),
                _ => ("result", query(names)),
            };
            scene.server(&format!("<iq type='{kind}' id='{id}'>{holds}</iq>"));
            count += 1;
        }
    }
    count
}

/// A change, and so many requests behind it that its answer is not awaited any more.
fn given_up(change: &str, request: &str) -> String {
    let iq = |kind, id, query| {
        format!("<iq type='{kind}' id='{id}'><query xmlns='jabber:iq:privacy'>{query}</query></iq>")
    };
    (0..16).fold(iq("set", 100, change), |all, n| all + &iq("get", n, request))
}

#[test]
fn a_change_whose_answer_is_not_awaited_any_more_hides_until_the_server_says() {
    let hides = OPEN.replace("<item action='allow' order='1'/>", ALL);
    for (change, names, content) in [
        ("<active name='hide'/>", "<active name='hide'/><default name='open'/>", OPEN),
        ("<active/>", "<default name='hide'/>", OPEN),
        ("<default name='hide'/>", "<default name='hide'/>", OPEN),
        (&hides, "<active name='open'/>", &hides),
    ] {
        for request in ["", "<list name='other'/>"] {
            let what = format!("{change}, {request}");
            let (mut scene, mut watched) = open();
            scene.client(&given_up(change, request));
            assert_eq!(by(&mut scene, &mut watched).len(), 0, "{what}");
            scene.client("<presence><show>away</show></presence>");
            assert_eq!(by(&mut scene, &mut watched).len(), 0, "{what}");
            let asked = answer(&mut scene, "result", names, content);
            assert!((17..=19).contains(&asked), "{asked}: {what}");
            assert_eq!(by(&mut scene, &mut watched).len(), 0, "{what}: granted");
            // One that the server refused leaves the person as she was.
            let (mut scene, mut watched) = open();
            scene.client(&given_up(change, request));
            answer(&mut scene, "error", "<active name='open'/>", OPEN);
            assert_eq!(by(&mut scene, &mut watched), [ALICE, ZED], "{what}: refused");
        }
    }
}

#[test]
fn a_server_that_does_not_say_which_list_is_in_force_is_asked_with_the_next_presence() {
    let (mut scene, mut watched) = open();
    scene.client(&given_up("<active name='hide'/>", "<list name='other'/>"));
    let asked = answer(&mut scene, "result", "error", OPEN);
    assert_eq!(asked, 18, "the 17, and that once");
    assert_eq!(by(&mut scene, &mut watched).len(), 0);
    scene.later(std::time::Duration::from_secs(10));
    assert_eq!(by(&mut scene, &mut watched).len(), 0, "it is no sign that there are none");
    scene.client("<presence/>");
    assert_eq!(answer(&mut scene, "result", "<active name='open'/>", OPEN), 1);
    assert_eq!(by(&mut scene, &mut watched), [ALICE, ZED]);
}

#[test]
fn a_server_without_lists_hides_nobody() {
    let (mut scene, mut watched) = open();
    scene.client(&given_up("<active name='hide'/>", "<list name='other'/>"));
    answer(&mut scene, "error", "none", OPEN);
    assert_eq!(by(&mut scene, &mut watched), [ALICE, ZED]);
}

/// Another session changes the list.
fn push(scene: &mut Scene) {
    let list = "<query xmlns='jabber:iq:privacy'><list name='open'/></query>";
    scene.server(&format!("<iq type='set' id='x'>{list}</iq>"));
}

#[test]
fn a_list_that_cannot_be_known_is_not_asked_for_on_and_on() {
    let long = |n: u32| format!("<item action='allow' order='{n}'/>");
    let long = format!("<list name='open'>{}</list>", (0..300).map(long).collect::<String>());
    for content in [&*long, "", "<list name='other'/>"] {
        let (mut scene, mut watched) = open();
        push(&mut scene);
        assert_eq!(answer(&mut scene, "result", "", OPEN), 1);
        assert_eq!(by(&mut scene, &mut watched), [ALICE, ZED]);
        for pushed in [true, false] {
            if pushed {
                push(&mut scene);
            } else {
                set(&mut scene, &long);
            }
            // What the client set was heard as well.
            let asked = if pushed { 1 } else { 2 };
            assert_eq!(answer(&mut scene, "result", "", content), asked);
            assert_eq!(by(&mut scene, &mut watched).len(), 0, "{pushed}: {content}");
            scene.client("<presence/>");
            assert_eq!(answer(&mut scene, "result", "", OPEN), 1);
            assert_eq!(by(&mut scene, &mut watched), [ALICE, ZED]);
        }
    }
}

#[test]
fn what_another_list_holds_does_not_stand_for_the_one_in_force() {
    let other = |kind| {
        let list = "<query xmlns='jabber:iq:privacy'><list name='other'/></query>";
        format!("<iq type='{kind}' id='o'>{list}</iq>")
    };
    let (mut scene, _) = open();
    scene.client(&other("get"));
    scene.to(Side::Server);
    push(&mut scene);
    assert_eq!(answer(&mut scene, "result", "", OPEN), 1, "it is asked for too");
    scene.client(&other("get"));
    scene.to(Side::Server);
    push(&mut scene);
    scene.server(&other("result"));
    assert_eq!(answer(&mut scene, "result", "", OPEN), 1);
}

#[test]
fn a_change_that_cannot_be_followed_is_refused() {
    let (mut scene, mut watched) = open();
    let hide = |id: &str, name: &str| {
        let query = format!("<query xmlns='jabber:iq:privacy'><active name='{name}'/></query>");
        format!("<iq type='set' id='{id}'>{query}</iq>")
    };
    for refused in [hide(&"i".repeat(257), "hide"), hide("i", &"n".repeat(1024))] {
        scene.client(&refused);
        let (told, sent) = scene.sent();
        assert!(told.contains("policy-violation") && sent.is_empty(), "{told} {sent}");
        assert_eq!(by(&mut scene, &mut watched), [ALICE, ZED]);
    }
    scene.client(&hide(&"i".repeat(256), "hide"));
    assert_eq!(by(&mut scene, &mut watched).len(), 0);
}

#[test]
fn a_list_whose_name_is_too_long_hides() {
    let mut scene = Scene::bound(alice_and_zed());
    let mut watched = Watched::online(&alice_and_zed());
    watched.hear(&[Event::Presence(Presence::offline())]);
    scene.client("<presence/>");
    let names = format!("<default name='{}'/>", "n".repeat(5_000));
    // It is not asked what that list does.
    assert_eq!(answer(&mut scene, "result", &names, OPEN), 1);
    assert_eq!(by(&mut scene, &mut watched).len(), 0);
    set(&mut scene, OPEN);
    set(&mut scene, "<active name='open'/>");
    assert_eq!(by(&mut scene, &mut watched), [ALICE, ZED]);
}

/// Ann's session goes on over another connection, after the server handled one stanza of hers.
fn resumed(scene: &mut Scene, watched: &mut Watched) -> Scene {
    scene.give(Input::Closed(Side::Client));
    watched.hear(&[Event::Presence(Presence::offline())]);
    let mut next = another(scene, "ann");
    next.client(&RESUME.replace("h='2'", "h='0'"));
    next.server(&RESUMED.replace("h='0'", "h='1'"));
    next.give(Input::Tick);
    next.to(Side::Server);
    next
}

#[test]
fn a_change_that_was_on_the_way_when_the_connection_broke_hides() {
    for hidden in [true, false] {
        let (mut scene, mut watched) = open();
        scene.client("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
        scene.server("<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='60'/>");
        let query = "<query xmlns='jabber:iq:privacy'><active name='hide'/></query>";
        scene.client(&format!("<iq type='set' id='p'>{query}</iq>"));
        assert_eq!(by(&mut scene, &mut watched).len(), 0);
        // The server had it, and its answer comes again.
        let mut next = resumed(&mut scene, &mut watched);
        next.give(Input::Roster(alice_and_zed()));
        assert_eq!(by(&mut next, &mut watched).len(), 0);
        let kind = if hidden { "result" } else { "error" };
        next.server(&format!("<iq type='{kind}' id='p'/>"));
        assert_eq!(by(&mut next, &mut watched).len(), 0, "it is not awaited");
        let names = if hidden { "hide" } else { "open" };
        answer(&mut next, "", &format!("<active name='{names}'/>"), OPEN);
        assert_eq!(by(&mut next, &mut watched).is_empty(), hidden);
    }
}

#[test]
fn who_was_hidden_until_the_server_says_is_so_after_the_connection_broke() {
    for names in ["error", "none", ""] {
        let mut scene = Scene::bound(alice_and_zed());
        scene.client("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
        scene.server("<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='60'/>");
        scene.client("<presence/>");
        let mut watched = Watched::online(&alice_and_zed());
        watched.hear(&[Event::Presence(Presence::offline())]);
        assert_eq!(by(&mut scene, &mut watched).len(), 0);
        let mut next = resumed(&mut scene, &mut watched);
        assert_eq!(by(&mut next, &mut watched).len(), 0);
        next.give(Input::Roster(alice_and_zed()));
        assert_eq!(by(&mut next, &mut watched).len(), 0, "it is asked");
        assert_eq!(answer(&mut next, "", names, OPEN), 1);
        assert_eq!(by(&mut next, &mut watched), [ALICE, ZED], "{names}");
    }
}
