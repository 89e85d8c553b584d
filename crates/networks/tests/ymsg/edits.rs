//! Edits of the list.

use crosstalk_core::{Body, Consent, Roster, RosterEdit};

use crate::scene::{BOB, Scene, bob, listed, says};

fn in_groups(edits: &[RosterEdit]) -> Vec<Vec<String>> {
    let groups = |edit: &RosterEdit| match edit {
        RosterEdit::List { groups, .. } => groups.clone(),
        other => panic!("{other:?}"),
    };
    edits.iter().map(groups).collect()
}

#[test]
fn a_foreign_contact_is_added_and_asked_and_the_server_hears_nothing() {
    for version in [9, 10, 12, 13, 16] {
        let mut scene = Scene::signed_on(version, Roster::default());
        scene.client(&format!(
            "83/0 14=hi_Bob 65=Work 97=1 1=ann 302=319 300=319 7={BOB} 334=0 301=319 303=319"
        ));
        assert_eq!(scene.client_got(), [format!("83/1 1=ann 7={BOB} 65=Work 66=0")]);
        assert_eq!(in_groups(&scene.edited()), [["Work"]]);
        let asked = scene.said();
        assert_eq!(asked[0].to, bob());
        assert_eq!(asked[0].body, Body::Contact(Consent::Request("hi Bob".into())));
        assert!(scene.server_got().is_empty());
    }
}

#[test]
fn names_that_nobody_can_have_are_refused_and_own_people_pass() {
    let mut scene = Scene::signed_on(16, Roster::default());
    scene.client("83/0 65=Work 1=ann 7=eve@nowhere.xt");
    assert_eq!(scene.client_got(), ["83/1 1=ann 7=eve@nowhere.xt 65=Work 66=3"]);
    scene.client("83/0 65=Work 1=ann 7=eve");
    assert_eq!(scene.server_got(), ["83/0 65=Work 1=ann 7=eve"]);
}

#[test]
fn a_contact_is_in_several_groups_until_it_leaves_the_last() {
    let mut scene = Scene::signed_on(10, listed());
    scene.client(&format!("83/0 1=ann 7={BOB} 65=Work"));
    assert_eq!(scene.client_got(), [format!("83/1 1=ann 7={BOB} 65=Work 66=2")]);
    scene.client(&format!("83/0 1=ann 7={BOB} 65=Home"));
    scene.client(&format!("84/0 1=ann 7={BOB} 65=Work"));
    assert_eq!(in_groups(&scene.edited()), [vec!["Work", "Home"], vec!["Home"]]);
    assert!(scene.said().is_empty(), "who was asked once is not asked again");
    scene.forget();
    scene.client(&format!("84/0 1=ann 7={BOB} 65=Home"));
    assert_eq!(scene.client_got(), [format!("84/1 1=ann 66=0 7={BOB} 65=Home")]);
    assert_eq!(scene.edited(), [RosterEdit::Remove(bob())]);
    assert!(scene.server_got().is_empty());
}

#[test]
fn a_contact_moves_from_group_to_group() {
    let mut scene = Scene::signed_on(16, listed());
    scene.client(&format!("e7/0 1=ann 302=240 300=240 7={BOB} 224=Work 264=Home 301=240 303=240"));
    assert_eq!(in_groups(&scene.edited()), [["Home"]]);
    let answer =
        format!("e7/1 1=ann 66=0 302=240 300=240 7={BOB} 224=Work 264=Home 301=240 303=240");
    assert_eq!(scene.client_got(), [answer]);
    assert!(scene.server_got().is_empty());
}

#[test]
fn a_group_is_renamed_for_both_sides() {
    let mut scene = Scene::signed_on(10, listed());
    scene.client("89/0 1=ann 65=Work 67=Job");
    assert_eq!(scene.client_got(), ["89/1 1=ann 66=0 67=Job 65=Work"]);
    assert_eq!(in_groups(&scene.edited()), [["Job"]]);
    assert!(scene.server_got().is_empty(), "the server knows of no such group");
    scene.server("83/1 1=ann 7=eve 65=Job 66=0");
    scene.forget();
    scene.client("89/0 1=ann 65=Job 67=Home");
    assert_eq!(scene.server_got(), ["89/0 1=ann 65=Job 67=Home"]);
    assert_eq!(in_groups(&scene.edited()), [["Home"]]);
    assert!(scene.client_got().is_empty());
}

#[test]
fn foreign_people_can_be_ignored() {
    let mut scene = Scene::signed_on(16, listed());
    scene.client(&format!("85/0 1=ann 7={BOB} 13=1"));
    assert_eq!(scene.client_got(), [format!("85/1 0=ann 7={BOB} 13=1 66=0")]);
    scene.client(&format!("85/0 1=ann 7={BOB} 13=2"));
    assert_eq!(scene.edited(), [RosterEdit::Block(bob(), true), RosterEdit::Block(bob(), false)]);
    assert!(scene.server_got().is_empty());
}

#[test]
fn of_a_packet_for_several_the_server_gets_its_part() {
    let mut scene = Scene::signed_on(16, Roster::default());
    scene.client(&format!(
        "83/0 65=Work 1=ann 302=319 300=319 7={BOB} 334=0 301=319 300=319 7=eve 334=0 301=319 303=319"
    ));
    let own = "83/0 65=Work 1=ann 302=319 300=319 7=eve 334=0 301=319 303=319";
    assert_eq!(scene.server_got(), [own]);
    scene.client(&format!("1c/0 1=ann 51=eve,{BOB} 57=room 58=join_{BOB} 13=0"));
    assert_eq!(scene.server_got(), [format!("1c/0 1=ann 51=eve 57=room 58=join_{BOB} 13=0")]);
}

#[test]
fn what_foreign_people_cannot_do_is_declined_or_stays_here() {
    let mut scene = Scene::signed_on(16, listed());
    scene.client(&format!("18/0 1=ann 50=ann 57=room 52={BOB} 13=0"));
    let no = "People_of_other_networks_cannot_join_conferences.";
    assert_eq!(scene.client_got(), [format!("1a/1 1=ann 57=room 54={BOB} 14={no}")]);
    scene.client(&format!("dc/0 1=ann 5={BOB} 265=token 222=1"));
    assert_eq!(scene.client_got(), [format!("dc/1 4={BOB} 5=ann 265=token 222=4")]);
    for other in ["be/0 4=ann 13=1", "4f/0 4=ann", "fb/0 1=ann 430=7", "4b/0 49=IMVIRONMENT"] {
        scene.client(&format!("{other} 5={BOB}"));
        assert!(scene.client_got().is_empty(), "no person knows of that");
    }
    assert!(scene.server_got().is_empty() && scene.said().is_empty());
}

#[test]
fn what_the_client_has_no_answer_for_is_said_in_words() {
    let mut scene = Scene::signed_on(16, listed());
    for (sent, cannot) in [
        ("46/0 20=http://x 27=a.png", "be sent files"),
        ("4d/0 49=FILEXFER 27=a.png", "be sent files"),
        ("4a/0 57=room", "be called"),
        ("50/0", "show a camera"),
        ("9d/0 104=room", "be invited to chat rooms"),
        ("4b/0 49=GAME 13=1 14=;chess", "be invited to games"),
        ("4b/0 49=WEBCAMINVITE 13=0 14=_", "be shown a camera"),
        ("4b/0 49=NEW", "be shown that"),
        ("1234/0 14=something_new", "be shown that"),
        ("d0/0 230=base.us.x", "hear that"),
    ] {
        scene.client(&format!("{sent} 5={BOB}"));
        let words = format!("{BOB} is on another network and cannot {cannot}.").replace(' ', "_");
        let got = scene.client_got();
        assert!(got.len() == 1 && got[0].contains(&words), "{sent}: {got:?}");
        assert!(got[0].starts_with("06/1 5=ann 4=crosstalk@gateway.xt "), "{got:?}");
    }
    scene.client(&format!("d0/0 1=ann 5={BOB} 230=base.us.x 231=Whatever! 97=1"));
    assert_eq!(scene.said()[0].body, says("Whatever!"));
    assert!(scene.server_got().is_empty() && scene.client_got().is_empty());
}

#[test]
fn no_foreign_name_reaches_the_server_under_any_key_of_any_service() {
    let mut scene = Scene::signed_on(16, listed());
    // Words that somebody chose may be anything; all else may be a name.
    let words = [
        6, 14, 16, 19, 27, 57, 58, 65, 67, 96, 104, 105, 117, 129, 216, 224, 231, 254, 264, 277,
        278, 307,
    ];
    let keys = (0..150).chain((150..500).step_by(7)).filter(|key| !words.contains(key));
    let keys: Vec<u32> = keys.collect();
    // Who signs on says who that is.
    let services = (0..=0xff).chain([0x100, 0x1234]).filter(|s| ![0x54, 0x57].contains(s));
    for service in services {
        for key in &keys {
            for packet in [
                format!("{service:x}/0 1=ann 5=eve {key}={BOB} 14=hi"),
                format!("{service:x}/0 1=ann {key}={BOB} 14=hi"),
            ] {
                scene.client(&packet);
                let got = scene.server_got();
                assert!(got.iter().all(|packet| !packet.contains(BOB)), "{packet}: {got:?}");
            }
        }
        scene.forget();
    }
}
