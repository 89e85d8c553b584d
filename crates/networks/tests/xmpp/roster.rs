//! Roster, consent, presence and block list.

use crate::scene::*;
use crosstalk_core::{Consent, RichText};

const GET: &str = "<iq id='g' type='get'><query xmlns='jabber:iq:roster'/></iq>";

#[test]
fn foreign_items_join_the_server_s() {
    let mut scene = Scene::bound(alice());
    scene.client(GET);
    assert_eq!(scene.to(Side::Server), GET);
    scene.server("<iq id='g' type='result'><query xmlns='jabber:iq:roster'/></iq>");
    assert_eq!(
        scene.to(Side::Client),
        "<iq id='g' type='result'><query xmlns='jabber:iq:roster'>\
         <item jid='alice@aol' subscription='both'><group>Friends</group></item></query></iq>"
    );
}

#[test]
fn who_is_there_is_said_again_with_a_list_that_is_asked_for_again() {
    let mut scene = Scene::online(alice());
    scene.presence("alice@aol", Presence::available());
    scene.sent();
    scene.client(GET);
    scene.server("<iq id='g' type='result'><query xmlns='jabber:iq:roster'/></iq>");
    let seen = scene.to(Side::Client);
    let (list, presence) = seen.split_once("</iq>").unwrap();
    assert!(list.contains("<item jid='alice@aol'"), "{seen}");
    assert!(presence.starts_with("<presence from='alice@aol/CrossTalk'"), "{seen}");
}

#[test]
fn a_roster_of_somebody_else_s_making_is_none() {
    let mut scene = Scene::bound(alice());
    scene.client(GET);
    let forged =
        "<iq id='g' type='result' from='eve@chat.test/x'><query xmlns='jabber:iq:roster'/></iq>";
    scene.server(forged);
    assert_eq!(scene.to(Side::Client), forged);
    scene.server(
        "<iq id='g' type='result' from='ann@chat.test'><query xmlns='jabber:iq:roster'/></iq>",
    );
    assert!(scene.to(Side::Client).contains("alice@aol"));
}

#[test]
fn without_foreign_contacts_the_roster_is_untouched() {
    let mut scene = Scene::bound(Roster::default());
    let get = "<iq id='g'  type='get'><query xmlns='jabber:iq:roster' ver='3'/></iq>";
    let result = "<iq type='result' id=\"g\"><query xmlns='jabber:iq:roster' ver='4'></query></iq>";
    scene.client(get);
    scene.server(result);
    assert_eq!(scene.sent(), (result.into(), get.into()));
    assert!(!scene.out.altered());
}

#[test]
fn a_version_counts_only_with_the_foreign_part_it_was_given_with() {
    let ask = |scene: &mut Scene, version: &str, answer: &str| {
        scene.client(&format!(
            "<iq id='v' type='get'><query xmlns='jabber:iq:roster' ver='{version}'/></iq>"
        ));
        scene.server(answer);
        scene.sent()
    };
    let full = "<iq id='v' type='result'><query xmlns='jabber:iq:roster' ver='9'/></iq>";
    let unchanged = "<iq id='v' type='result'/>";
    let mut scene = Scene::bound(alice());
    let (answer, asked) = ask(&mut scene, "9", full);
    assert!(asked.contains("ver=''"), "{asked}");
    let version = answer.split("ver='").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert!(version.starts_with("9+xt"), "{version}");
    let (answer, asked) = ask(&mut scene, &version, unchanged);
    assert!(asked.contains("ver='9'"), "{asked}");
    assert_eq!(answer, unchanged);
    // What changes before the server has said that nothing did is no part of what the client has.
    let get =
        format!("<iq id='w' type='get'><query xmlns='jabber:iq:roster' ver='{version}'/></iq>");
    let mut changing = Scene::bound(alice());
    changing.client(&get);
    changing.give(Input::Changed(friend("zed@aol", "zed@aol")));
    assert!(changing.to(Side::Client).contains("zed@aol"), "while the answer is on its way");
    let mut emptied = Scene::bound(Roster::default());
    let (answer, asked) = ask(&mut emptied, &version, full);
    assert!(asked.contains("ver=''"), "{asked}");
    assert_eq!(answer, full);
}

#[test]
fn pushes_of_the_server_carry_the_joint_version() {
    let mut scene = Scene::online(alice());
    let push = |ver: &str| {
        format!(
            "<iq id='p' type='set'><query xmlns='jabber:iq:roster' ver='{ver}'>\
                 <item jid='ben@chat.test' subscription='both'/></query></iq>"
        )
    };
    scene.server(&push("12"));
    let (seen, _) = scene.sent();
    assert!(seen.contains("ver='12+xt") && seen.contains("ben@chat.test"), "{seen}");
    scene.client("<iq id='p' type='result'/>");
    assert_eq!(scene.to(Side::Server), "<iq id='p' type='result'/>");
}

#[test]
fn the_request_waits_for_the_foreign_part_and_what_follows_waits_behind() {
    let mut scene = Scene::new();
    scene.bind();
    scene.client(&format!("{GET}<presence/>"));
    assert_eq!(scene.sent(), (String::new(), String::new()));
    assert!(scene.engine.deadline().is_some());
    scene.give(Input::Roster(alice()));
    assert_eq!(scene.no_lists(), format!("{GET}<presence/>"));
    assert_eq!(scene.engine.deadline(), None);
}

#[test]
fn a_late_foreign_part_is_pushed() {
    let mut scene = Scene::new();
    scene.bind();
    scene.client(GET);
    scene.later(Duration::from_secs(2));
    assert_eq!(scene.to(Side::Server), GET);
    scene.server("<iq id='g' type='result'><query xmlns='jabber:iq:roster'/></iq>");
    scene.sent();
    scene.give(Input::Roster(alice()));
    let (push, _) = scene.sent();
    assert!(push.contains("type='set'") && push.contains("alice@aol"), "{push}");
    let id = push.split("id='").nth(1).unwrap().split('\'').next().unwrap();
    scene.client(&format!("<iq id='{id}' type='result'/>"));
    assert_eq!(scene.to(Side::Server), "", "answers to our pushes stay here");
}

#[test]
fn adding_renaming_and_removing_stay_here() {
    let mut scene = Scene::online(Roster::default());
    scene.client(
        "<iq id='1' type='set'><query xmlns='jabber:iq:roster'>\
         <item jid='Carol\\40Hotmail.com@MSN' name='Carol'><group>A</group></item></query></iq>",
    );
    let (answer, leaked) = scene.sent();
    assert_eq!(answer, "<iq type='result' id='1' to='ann@chat.test/r'/>");
    assert_eq!(leaked, "");
    let [RosterEdit::List { address, spelling, alias, groups }] = &scene.edits()[..] else {
        panic!("no edit");
    };
    assert_eq!(address.to_string(), "carol@hotmail.com@msn");
    assert_eq!(spelling, "carol\\40hotmail.com@msn");
    assert_eq!((alias.as_deref(), groups.as_slice()), (Some("Carol"), &["A".to_owned()][..]));
    let mut carol = friend("carol@hotmail.com@msn", spelling);
    (carol.to, carol.from) = (Subscription::None, Subscription::None);
    scene.give(Input::Changed(carol.clone()));
    scene.no_lists();
    let push = scene.to(Side::Client);
    assert!(push.contains("jid='carol\\40hotmail.com@msn' subscription='none'"), "{push}");
    scene.give(Input::Changed(carol));
    assert_eq!(scene.to(Side::Client), "", "nothing new, no push");
    let remove = "<iq id='2' type='set'><query xmlns='jabber:iq:roster'>\
                  <item jid='carol\\40hotmail.com@msn' subscription='remove'/></query></iq>";
    scene.client(remove);
    assert!(matches!(&scene.edits()[..], [RosterEdit::Remove(_)]));
    scene.give(Input::Changed(Contact::new(address.clone(), spelling.clone())));
    let (seen, leaked) = scene.sent();
    assert!(
        seen.ends_with("<item jid='carol\\40hotmail.com@msn' subscription='remove'/></query></iq>")
    );
    assert_eq!(leaked, "");
}

#[test]
fn one_group_twice_in_an_item_is_an_error() {
    let mut scene = Scene::online(alice());
    for (groups, right) in [
        ("<group>A</group><group>A</group>", false),
        ("<group>A</group><group>B</group><group>&#65;</group>", false),
        ("<group>A</group><group>a</group>", true),
    ] {
        scene.client(&format!(
            "<iq id='1' type='set'><query xmlns='jabber:iq:roster'>\
             <item jid='zed%hotmail.com@msn.xt'>{groups}</item></query></iq>"
        ));
        let (told, leaked) = scene.sent();
        assert_eq!(told.contains("<bad-request"), !right, "{groups}: {told}");
        assert_eq!((scene.edits().len(), leaked), (usize::from(right), String::new()));
    }
}

#[test]
fn whoever_is_asked_is_listed() {
    let mut scene = Scene::online(alice());
    scene.client("<presence type='subscribe' to='zed%hotmail.com@msn.xt'/>");
    let [Event::Roster(RosterEdit::List { address, .. }), Event::Send(_)] = &scene.events()[..]
    else {
        panic!("not listed and asked");
    };
    assert_eq!(address.to_string(), "zed@hotmail.com@msn");
    scene.client("<presence type='subscribe' to='alice@aol'/>");
    assert!(scene.edits().is_empty(), "alice is listed already");
}

#[test]
fn a_contact_moves_to_the_spelling_it_is_listed_under() {
    let mut scene = Scene::online(alice());
    scene.give(Input::Changed(friend("alice@aol", "alice@aol.xt")));
    let seen = scene.to(Side::Client);
    assert!(seen.contains("<item jid='alice@aol' subscription='remove'/>"), "{seen}");
    assert!(seen.contains("<item jid='alice@aol.xt' subscription='both'>"), "{seen}");
}

#[test]
fn own_items_go_to_the_server_as_they_came() {
    let mut scene = Scene::online(alice());
    let set = "<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='ben@chat.test'/></query></iq>";
    scene.client(set);
    assert_eq!(scene.to(Side::Server), set);
}

#[test]
fn the_block_list_is_one() {
    let mut scene = Scene::online(alice());
    scene.client("<iq id='l' type='get'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
    scene.server("<iq id='l' type='result'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
    scene.sent();
    scene.client(
        "<iq id='k' type='set'><block xmlns='urn:xmpp:blocking'>\
                  <item jid='alice@aol'/><item jid='eve@chat.test'/></block></iq>",
    );
    let (_, passed) = scene.sent();
    assert_eq!(
        passed,
        "<iq id='k' type='set'><block xmlns='urn:xmpp:blocking'><item jid='eve@chat.test'/></block></iq>"
    );
    assert_eq!(scene.edits(), [RosterEdit::Block("alice@aol".parse().unwrap(), true)]);
    let mut blocked = friend("alice@aol", "alice@aol");
    blocked.blocked = true;
    scene.give(Input::Changed(blocked));
    assert!(
        scene
            .to(Side::Client)
            .contains("<block xmlns='urn:xmpp:blocking'><item jid='alice@aol'/></block>")
    );
    scene.client("<iq id='m' type='get'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
    scene.server("<iq id='m' type='result'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
    assert!(scene.sent().0.contains("<item jid='alice@aol'/>"));
    scene.sent();
    let all = "<iq id='u' type='set'><unblock xmlns='urn:xmpp:blocking'/></iq>";
    scene.client(all);
    assert_eq!(scene.to(Side::Server), all);
    assert_eq!(scene.edits(), [RosterEdit::Block("alice@aol".parse().unwrap(), false)]);
}

/// Spelling of the person that a stanza to the client is from, or about, the first time.
fn spelled(seen: &str, attribute: &str) -> String {
    let begin = format!("{attribute}='");
    let rest = seen.split(begin.as_str()).nth(1).unwrap_or_else(|| panic!("{seen}"));
    rest.split(['\'', '/']).next().unwrap().to_owned()
}

#[test]
fn a_person_has_one_spelling_and_it_is_what_the_client_adds() {
    let manual = "carol%hotmail.com@msn.xt";
    let carol: Address = "carol@hotmail.com@msn".parse().unwrap();
    let text = || Body::Text { text: RichText::plain("hi"), auto: false };
    let mut scene = Scene::online(Roster::default());
    scene.deliver("carol@hotmail.com@msn", text());
    assert_eq!(spelled(&scene.to(Side::Client), "from"), manual, "a stranger, as the manual says");
    // A receipt, which clients send on their own, teaches nothing; adding her does.
    for added in ["carol\\40hotmail.com@msn", manual] {
        scene.client(&format!(
            "<message to='{manual}'><received xmlns='urn:xmpp:receipts' id='{:032x}'/></message>",
            7
        ));
        scene.events();
        scene.client(&format!("<presence type='subscribe' to='{added}'/>"));
        let edits = scene.edits();
        let [RosterEdit::List { spelling, .. }] = &edits[..] else { panic!("{edits:?}") };
        assert_eq!(spelling, added);
        let listed = friend("carol@hotmail.com@msn", added);
        scene.give(Input::Changed(listed.clone()));
        scene.sent();
        scene.deliver("carol@hotmail.com@msn", text());
        assert_eq!(spelled(&scene.to(Side::Client), "from"), added);
        for blocked in [true, false] {
            scene.give(Input::Changed(Contact { blocked, ..listed.clone() }));
            scene.sent();
            scene.deliver("carol@hotmail.com@msn", text());
            assert_eq!(spelled(&scene.to(Side::Client), "from"), added, "blocked: {blocked}");
        }
        // The gateway says of who is no contact what it says of strangers.
        scene.give(Input::Changed(Contact::new(carol.clone(), manual.into())));
        scene.sent();
        scene.deliver("carol@hotmail.com@msn", text());
        assert_eq!(spelled(&scene.to(Side::Client), "from"), added, "removed");
    }
}

#[test]
fn the_name_that_somebody_gives_himself_goes_along_with_the_request() {
    let mut scene = Scene::online(alice());
    scene.client(
        "<presence type='subscribe' to='zed%hotmail.com@msn.xt'>\
         <nick xmlns='http://jabber.org/protocol/nick'>Ann the First</nick></presence>",
    );
    let events = scene.events();
    let [_, Event::Send(sent)] = &events[..] else { panic!("{events:?}") };
    let nickname = sent.details.as_ref().unwrap().nickname.clone();
    assert_eq!(nickname, Detail::new("Ann the First"));
    let ask = Body::Contact(Consent::Request("".into()));
    for (nickname, shown) in [(nickname, "Ann the First"), (None, "dave@example.org")] {
        let envelope =
            scene.envelope("dave@example.org@jabber", "ann@chat.test@jabber", ask.clone());
        let details = Details { nickname, ..Details::default() }.boxed();
        scene.give(Input::Deliver(Envelope { details, ..envelope }));
        let seen = scene.to(Side::Client);
        let nick = format!("<nick xmlns='http://jabber.org/protocol/nick'>{shown}</nick>");
        assert!(seen.contains(&nick), "{seen}");
    }
}
