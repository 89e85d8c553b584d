//! Roster, consent, presence and block list.

use super::*;
use crosstalk_core::{Availability, Consent, RichText};

const GET: &str = "<iq id='g' type='get'><query xmlns='jabber:iq:roster'/></iq>";

#[test]
fn foreign_items_join_the_server_s() {
    let mut stage = Stage::bound(alice());
    stage.client(GET);
    assert_eq!(stage.to(Side::Server), GET);
    stage.server("<iq id='g' type='result'><query xmlns='jabber:iq:roster'/></iq>");
    assert_eq!(
        stage.to(Side::Client),
        "<iq id='g' type='result'><query xmlns='jabber:iq:roster'>\
         <item jid='alice@aol' subscription='both'><group>Friends</group></item></query></iq>"
    );
}

#[test]
fn who_is_there_is_said_again_with_a_list_that_is_asked_for_again() {
    let mut stage = Stage::online(alice());
    stage.deliver("alice@aol", available());
    stage.sent();
    stage.client(GET);
    stage.server("<iq id='g' type='result'><query xmlns='jabber:iq:roster'/></iq>");
    let seen = stage.to(Side::Client);
    let (list, presence) = seen.split_once("</iq>").unwrap();
    assert!(list.contains("<item jid='alice@aol'"), "{seen}");
    assert!(presence.starts_with("<presence from='alice@aol/CrossTalk'"), "{seen}");
}

#[test]
fn a_roster_of_somebody_else_s_making_is_none() {
    let mut stage = Stage::bound(alice());
    stage.client(GET);
    let forged =
        "<iq id='g' type='result' from='eve@chat.test/x'><query xmlns='jabber:iq:roster'/></iq>";
    stage.server(forged);
    assert_eq!(stage.to(Side::Client), forged);
    stage.server(
        "<iq id='g' type='result' from='ann@chat.test'><query xmlns='jabber:iq:roster'/></iq>",
    );
    assert!(stage.to(Side::Client).contains("alice@aol"));
}

#[test]
fn without_foreign_contacts_the_roster_is_untouched() {
    let mut stage = Stage::bound(Roster::default());
    let get = "<iq id='g'  type='get'><query xmlns='jabber:iq:roster' ver='3'/></iq>";
    let result = "<iq type='result' id=\"g\"><query xmlns='jabber:iq:roster' ver='4'></query></iq>";
    stage.client(get);
    stage.server(result);
    assert_eq!(stage.sent(), (result.into(), get.into()));
    assert!(!stage.out.altered());
}

#[test]
fn a_version_counts_only_with_the_foreign_part_it_was_given_with() {
    let ask = |stage: &mut Stage, version: &str, answer: &str| {
        stage.client(&format!(
            "<iq id='v' type='get'><query xmlns='jabber:iq:roster' ver='{version}'/></iq>"
        ));
        stage.server(answer);
        stage.sent()
    };
    let full = "<iq id='v' type='result'><query xmlns='jabber:iq:roster' ver='9'/></iq>";
    let unchanged = "<iq id='v' type='result'/>";
    let mut stage = Stage::bound(alice());
    let (answer, asked) = ask(&mut stage, "9", full);
    assert!(asked.contains("ver=''"), "{asked}");
    let version = answer.split("ver='").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert!(version.starts_with("9+xt"), "{version}");
    let (answer, asked) = ask(&mut stage, &version, unchanged);
    assert!(asked.contains("ver='9'"), "{asked}");
    assert_eq!(answer, unchanged);
    let mut emptied = Stage::bound(Roster::default());
    let (answer, asked) = ask(&mut emptied, &version, full);
    assert!(asked.contains("ver=''"), "{asked}");
    assert_eq!(answer, full);
}

#[test]
fn pushes_of_the_server_carry_the_joint_version() {
    let mut stage = Stage::online(alice());
    let push = |ver: &str| {
        format!(
            "<iq id='p' type='set'><query xmlns='jabber:iq:roster' ver='{ver}'>\
                 <item jid='ben@chat.test' subscription='both'/></query></iq>"
        )
    };
    stage.server(&push("12"));
    let (seen, _) = stage.sent();
    assert!(seen.contains("ver='12+xt") && seen.contains("ben@chat.test"), "{seen}");
    stage.client("<iq id='p' type='result'/>");
    assert_eq!(stage.to(Side::Server), "<iq id='p' type='result'/>");
}

#[test]
fn the_request_waits_for_the_foreign_part_and_what_follows_waits_behind() {
    let mut stage = Stage::new();
    stage.bind();
    stage.client(&format!("{GET}<presence/>"));
    assert_eq!(stage.sent(), (String::new(), String::new()));
    assert!(stage.engine.deadline().is_some());
    stage.give(Input::Roster(alice()));
    assert_eq!(stage.no_lists(), format!("{GET}<presence/>"));
    assert_eq!(stage.engine.deadline(), None);
}

#[test]
fn a_late_foreign_part_is_pushed() {
    let mut stage = Stage::new();
    stage.bind();
    stage.client(GET);
    stage.later(Duration::from_secs(2));
    assert_eq!(stage.to(Side::Server), GET);
    stage.server("<iq id='g' type='result'><query xmlns='jabber:iq:roster'/></iq>");
    stage.sent();
    stage.give(Input::Roster(alice()));
    let (push, _) = stage.sent();
    assert!(push.contains("type='set'") && push.contains("alice@aol"), "{push}");
    let id = push.split("id='").nth(1).unwrap().split('\'').next().unwrap();
    stage.client(&format!("<iq id='{id}' type='result'/>"));
    assert_eq!(stage.to(Side::Server), "", "answers to our pushes stay here");
}

#[test]
fn adding_renaming_and_removing_stay_here() {
    let mut stage = Stage::online(Roster::default());
    stage.client(
        "<iq id='1' type='set'><query xmlns='jabber:iq:roster'>\
         <item jid='Carol\\40Hotmail.com@MSN' name='Carol'><group>A</group></item></query></iq>",
    );
    let (answer, leaked) = stage.sent();
    assert_eq!(answer, "<iq type='result' id='1' to='ann@chat.test/r'/>");
    assert_eq!(leaked, "");
    let [RosterEdit::List { address, spelling, alias, groups }] = &stage.edits()[..] else {
        panic!("no edit");
    };
    assert_eq!(address.to_string(), "carol@hotmail.com@msn");
    assert_eq!(spelling, "carol\\40hotmail.com@msn");
    assert_eq!((alias.as_deref(), groups.as_slice()), (Some("Carol"), &["A".to_owned()][..]));
    let mut carol = friend("carol@hotmail.com@msn", spelling);
    (carol.to, carol.from) = (Subscription::None, Subscription::None);
    stage.give(Input::Changed(carol.clone()));
    stage.no_lists();
    let push = stage.to(Side::Client);
    assert!(push.contains("jid='carol\\40hotmail.com@msn' subscription='none'"), "{push}");
    stage.give(Input::Changed(carol));
    assert_eq!(stage.to(Side::Client), "", "nothing new, no push");
    let remove = "<iq id='2' type='set'><query xmlns='jabber:iq:roster'>\
                  <item jid='carol\\40hotmail.com@msn' subscription='remove'/></query></iq>";
    stage.client(remove);
    assert!(matches!(&stage.edits()[..], [RosterEdit::Remove(_)]));
    stage.give(Input::Changed(Contact::new(address.clone(), spelling.clone())));
    let (seen, leaked) = stage.sent();
    assert!(
        seen.ends_with("<item jid='carol\\40hotmail.com@msn' subscription='remove'/></query></iq>")
    );
    assert_eq!(leaked, "");
}

#[test]
fn one_group_twice_in_an_item_is_an_error() {
    let mut stage = Stage::online(alice());
    for (groups, right) in [
        ("<group>A</group><group>A</group>", false),
        ("<group>A</group><group>B</group><group>&#65;</group>", false),
        ("<group>A</group><group>a</group>", true),
    ] {
        stage.client(&format!(
            "<iq id='1' type='set'><query xmlns='jabber:iq:roster'>\
             <item jid='zed@msn'>{groups}</item></query></iq>"
        ));
        let (told, leaked) = stage.sent();
        assert_eq!(told.contains("<bad-request"), !right, "{groups}: {told}");
        assert_eq!((stage.edits().len(), leaked), (usize::from(right), String::new()));
    }
}

#[test]
fn whoever_is_asked_is_listed() {
    let mut stage = Stage::online(alice());
    stage.client("<presence type='subscribe' to='zed@msn'/>");
    let [Event::Roster(RosterEdit::List { address, .. }), Event::Send(_)] = &stage.events()[..]
    else {
        panic!("not listed and asked");
    };
    assert_eq!(address.to_string(), "zed@msn");
    stage.client("<presence type='subscribe' to='alice@aol'/>");
    assert!(stage.edits().is_empty(), "alice is listed already");
}

#[test]
fn a_contact_moves_to_the_spelling_it_is_listed_under() {
    let mut stage = Stage::online(alice());
    stage.give(Input::Changed(friend("alice@aol", "alice@aol.xt")));
    let seen = stage.to(Side::Client);
    assert!(seen.contains("<item jid='alice@aol' subscription='remove'/>"), "{seen}");
    assert!(seen.contains("<item jid='alice@aol.xt' subscription='both'>"), "{seen}");
}

#[test]
fn own_items_go_to_the_server_as_they_came() {
    let mut stage = Stage::online(alice());
    let set = "<iq type='set' id='1'><query xmlns='jabber:iq:roster'><item jid='ben@chat.test'/></query></iq>";
    stage.client(set);
    assert_eq!(stage.to(Side::Server), set);
}

#[test]
fn consent_is_asked_and_given_in_both_directions() {
    let mut stage = Stage::online(alice());
    for (kind, step) in [
        ("subscribe", Consent::Request(RichText::plain("hi"))),
        ("subscribed", Consent::Grant),
        ("unsubscribed", Consent::Revoke),
        ("unsubscribe", Consent::Cancel),
    ] {
        stage.client(&format!(
            "<presence type='{kind}' to='alice@aol'><status>hi</status></presence>"
        ));
        assert_eq!(stage.bodies(), [("alice@aol".into(), Body::Contact(step.clone()))]);
        stage.deliver("alice@aol", Body::Contact(step));
        let (seen, leaked) = stage.sent();
        let start = format!("<presence type='{kind}' from='alice@aol' to='ann@chat.test'");
        assert!(seen.starts_with(&start), "{seen}");
        assert_eq!(leaked, "");
    }
}

#[test]
fn requests_wait_until_the_client_is_available() {
    let mut stage = Stage::bound(alice());
    stage.deliver("zed@msn", Body::Contact(Consent::Request(RichText::plain("let me in"))));
    stage.deliver("alice@aol", available());
    assert_eq!(stage.to(Side::Client), "");
    stage.client("<presence/>");
    let seen = stage.to(Side::Client);
    assert!(seen.contains("from='alice@aol/CrossTalk'"), "{seen}");
    assert!(seen.contains("type='subscribe' from='zed@msn.xt'"), "{seen}");
    assert!(seen.contains("<status>let me in</status>"), "{seen}");
}

#[test]
fn the_person_s_presence_goes_both_ways() {
    let mut stage = Stage::online(alice());
    let away = "<presence><show>xa</show><status>lunch</status>\
                <query xmlns='jabber:iq:last' seconds='60'/></presence>";
    stage.client(away);
    assert_eq!(stage.to(Side::Server), away);
    let [Event::Presence(presence)] = &stage.events()[..] else { panic!("no presence") };
    assert_eq!((presence.show, presence.text.text()), (Availability::ExtendedAway, "lunch"));
    assert_eq!(presence.idle_since, Some(UnixMillis(1_000_000_000_000 - 60_000)));
    stage.client("<presence><priority>-1</priority></presence>");
    assert!(matches!(&stage.events()[..], [Event::Presence(p)] if !p.is_online()));
    stage.client("<presence type='unavailable'/>");
    assert!(stage.events().is_empty(), "still nothing to see");
}

#[test]
fn the_invisible_stay_so_for_foreign_people() {
    let mut stage = Stage::online(alice());
    stage.client("<iq id='i' type='set'><invisible xmlns='urn:xmpp:invisible:0'/></iq>");
    assert!(matches!(&stage.events()[..], [Event::Presence(p)] if !p.is_online()));
    stage.client("<presence><show>chat</show></presence>");
    assert!(stage.events().is_empty());
    stage.client("<iq id='v' type='set'><visible xmlns='urn:xmpp:invisible:0'/></iq>");
    stage.client("<presence><show>chat</show></presence>");
    assert!(matches!(&stage.events()[..], [Event::Presence(p)] if p.is_online()));
}

#[test]
fn foreign_presence_has_all_that_clients_read() {
    let mut stage = Stage::online(alice());
    let idle_since = Some(UnixMillis(stage.now.wall.0 - 61_000));
    let text = RichText::plain("out & about");
    stage.deliver(
        "alice@aol",
        Body::Presence(Presence { show: Availability::Away, text, idle_since, online_since: None }),
    );
    let seen = stage.to(Side::Client);
    for part in [
        "<show>away</show><status>out &amp; about</status>",
        "<idle xmlns='urn:xmpp:idle:1' since='2001-09-09T01:45:39Z'/>",
        "<query xmlns='jabber:iq:last' seconds='61'/>",
        "from='alice@aol/CrossTalk' to='ann@chat.test/r'",
    ] {
        assert!(seen.contains(part), "{part} in {seen}");
    }
    stage.client("<presence type='probe' to='alice@aol'/>");
    assert!(stage.to(Side::Client).contains("<show>away</show>"));
    let mut moved = friend("alice@aol", "alice@aol");
    moved.groups = vec!["Work".into()];
    stage.give(Input::Changed(moved));
    assert!(stage.to(Side::Client).contains("<show>away</show>"), "again after regrouping");
    stage.deliver("alice@aol", Body::Presence(Presence::offline()));
    assert!(
        stage
            .to(Side::Client)
            .starts_with("<presence type='unavailable' from='alice@aol/CrossTalk'")
    );
}

#[test]
fn the_block_list_is_one() {
    let mut stage = Stage::online(alice());
    stage.client("<iq id='l' type='get'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
    stage.server("<iq id='l' type='result'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
    stage.sent();
    stage.client(
        "<iq id='k' type='set'><block xmlns='urn:xmpp:blocking'>\
                  <item jid='alice@aol'/><item jid='eve@chat.test'/></block></iq>",
    );
    let (_, passed) = stage.sent();
    assert_eq!(
        passed,
        "<iq id='k' type='set'><block xmlns='urn:xmpp:blocking'><item jid='eve@chat.test'/></block></iq>"
    );
    assert_eq!(stage.edits(), [RosterEdit::Block("alice@aol".parse().unwrap(), true)]);
    let mut blocked = friend("alice@aol", "alice@aol");
    blocked.blocked = true;
    stage.give(Input::Changed(blocked));
    assert!(
        stage
            .to(Side::Client)
            .contains("<block xmlns='urn:xmpp:blocking'><item jid='alice@aol'/></block>")
    );
    stage.client("<iq id='m' type='get'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
    stage.server("<iq id='m' type='result'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
    assert!(stage.sent().0.contains("<item jid='alice@aol'/>"));
    stage.sent();
    let all = "<iq id='u' type='set'><unblock xmlns='urn:xmpp:blocking'/></iq>";
    stage.client(all);
    assert_eq!(stage.to(Side::Server), all);
    assert_eq!(stage.edits(), [RosterEdit::Block("alice@aol".parse().unwrap(), false)]);
}

/// How a stanza to the client spells whom it is from, or about, the first time.
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
    let mut stage = Stage::online(Roster::default());
    stage.deliver("carol@hotmail.com@msn", text());
    assert_eq!(spelled(&stage.to(Side::Client), "from"), manual, "a stranger, as the manual says");
    // A receipt, which clients send on their own, teaches nothing; adding her does.
    for added in ["carol\\40hotmail.com@msn", manual] {
        stage.client(&format!(
            "<message to='{manual}'><received xmlns='urn:xmpp:receipts' id='{:032x}'/></message>",
            7
        ));
        stage.events();
        stage.client(&format!("<presence type='subscribe' to='{added}'/>"));
        let edits = stage.edits();
        let [RosterEdit::List { spelling, .. }] = &edits[..] else { panic!("{edits:?}") };
        assert_eq!(spelling, added);
        let listed = friend("carol@hotmail.com@msn", added);
        stage.give(Input::Changed(listed.clone()));
        stage.sent();
        stage.deliver("carol@hotmail.com@msn", text());
        assert_eq!(spelled(&stage.to(Side::Client), "from"), added);
        for blocked in [true, false] {
            stage.give(Input::Changed(Contact { blocked, ..listed.clone() }));
            stage.sent();
            stage.deliver("carol@hotmail.com@msn", text());
            assert_eq!(spelled(&stage.to(Side::Client), "from"), added, "blocked: {blocked}");
        }
        // The gateway says of who is no contact what it says of strangers.
        stage.give(Input::Changed(Contact::new(carol.clone(), manual.into())));
        stage.sent();
        stage.deliver("carol@hotmail.com@msn", text());
        assert_eq!(spelled(&stage.to(Side::Client), "from"), added, "removed");
    }
}
