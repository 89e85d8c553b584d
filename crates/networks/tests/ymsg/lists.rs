//! The buddy list.

use std::time::Duration;

use crosstalk_core::{Contact, Event, Input, Roster};

use crate::scene::{BOB, Scene, bob, contact, listed, roster_of};

fn group_of(number: usize, group: &str) -> Contact {
    let address = format!("friend{number}@far-oscar").parse().unwrap();
    let spelling = format!("friend{number}@far-oscar.xt");
    Contact { listed: true, groups: vec![group.into()], ..Contact::new(address, spelling) }
}

#[test]
fn groups_of_the_same_name_become_one() {
    let mut scene = Scene::before_the_list(10, listed());
    scene.server("55/0 87=Friends:eve,joe\\nWork:zoe\\n 88=troll 89=ann 59=Y\\tv=1");
    let expected =
        format!("55/0 87=Friends:eve,joe\\nWork:zoe,{BOB}\\n 88=troll 89=ann 59=Y\\tv=1");
    assert_eq!(scene.client_got(), [expected]);
    let mut scene = Scene::before_the_list(16, listed());
    scene.server(
        "f1/0 302=318 300=318 65=Work 302=319 300=319 7=zoe 301=319 303=319 301=318 303=318",
    );
    scene.server("f1/0 302=320 300=320 7=troll 301=320 303=320");
    scene.server("f0/1 0=ann 1=ann 8=0");
    let got = scene.client_got();
    let expected = format!(
        "f1/0 302=318 300=318 65=Work 302=319 300=319 7={BOB} 301=319 300=319 7=zoe 301=319 \
         303=319 301=318 303=318"
    );
    assert_eq!(got[0], expected);
    assert_eq!(got[1..], ["f1/0 302=320 300=320 7=troll 301=320 303=320", "f0/1 0=ann 1=ann 8=0"]);
}

#[test]
fn groups_that_the_server_lacks_are_added() {
    let mut scene = Scene::before_the_list(9, listed());
    scene.server("55/0 87=Friends:eve\\n 89=ann");
    assert_eq!(scene.client_got(), [format!("55/0 87=Friends:eve\\nWork:{BOB}\\n 89=ann")]);
    let mut scene = Scene::before_the_list(15, listed());
    scene.server("f1/0");
    scene.server("f0/1 0=ann 1=ann 8=0");
    let section = format!(
        "f1/0 302=318 300=318 65=Work 302=319 300=319 7={BOB} 301=319 303=319 301=318 303=318"
    );
    assert_eq!(scene.client_got()[0], section);
    let mut scene = Scene::before_the_list(15, listed());
    let begins = "302=318 300=318 65=Friends 302=319 300=319 7=eve 301=319";
    scene.server(&format!("f1/1 {begins}"));
    let ends = "f1/0 300=319 7=joe 301=319 303=319 301=318 303=318";
    scene.server(ends);
    scene.server("f0/1 0=ann 1=ann 8=0");
    let ours = section.replace("f1/0", "f1/1");
    assert_eq!(scene.client_got()[..2], [format!("{ours} {begins}"), ends.to_owned()]);
}

#[test]
fn a_list_in_several_packets_gets_ours_in_front() {
    let mut scene = Scene::before_the_list(10, listed());
    scene.server("55/5 87=Friends:eve,jo");
    scene.server("55/0 87=e\\n 89=ann");
    let got = scene.client_got();
    assert_eq!(
        got,
        [&format!("55/5 87=Work:{BOB}\\n"), "55/5 87=Friends:eve,jo", "55/0 87=e\\n 89=ann"]
    );
}

#[test]
fn a_long_foreign_list_comes_in_packets_that_clients_take() {
    let many = || roster_of((0..300).map(|i| group_of(i, "Work")));
    let mut scene = Scene::before_the_list(10, many());
    scene.server("55/0 87=Friends:eve\\n 89=ann");
    let got = scene.client_got();
    assert!(got.iter().all(|packet| packet.len() < 900));
    let (last, more) = got.split_last().unwrap();
    assert!(last.starts_with("55/0 87=") && more.iter().all(|p| p.starts_with("55/5 87=")));
    let text: String = got.iter().map(|p| p.split_once("87=").unwrap().1.to_owned()).collect();
    assert!((0..300).all(|i| text.contains(&format!("friend{i}@far-oscar.xt"))));
    let mut scene = Scene::before_the_list(16, many());
    scene.accept();
    let got = scene.client_got().concat();
    assert!((0..300).all(|i| got.contains(&format!("7=friend{i}@far-oscar.xt"))));
}

#[test]
fn the_list_waits_for_the_foreign_one_but_not_for_long() {
    let mut scene = Scene::before_the_list(10, None);
    scene.server("55/0 87=Friends:eve\\n 89=ann");
    scene.server("01/0 0=ann 1=ann 8=0");
    assert!(scene.client_got().is_empty());
    scene.gateway.wait(Duration::from_secs(3));
    assert_eq!(scene.client_got(), ["55/0 87=Friends:eve\\n 89=ann", "01/0 0=ann 1=ann 8=0"]);
    scene.gateway.input(Input::Roster(listed())).unwrap();
    let got = scene.client_got();
    assert_eq!(got[1], format!("55/0 87=Friends:eve\\nWork:{BOB}\\n 89=ann"), "late, but whole");
}

#[test]
fn the_server_says_who_signed_on() {
    for (version, accepts) in [
        (9, "55/0 87= 89=Ann,annie"),
        (12, "01/0 0=ann 1=annie"),
        (16, "f0/1 0=ann 1=annie 8=0"),
        (16, "f1/0 89=ann@yahoo.com"),
    ] {
        let mut scene = Scene::of_release(version, "8.1", None);
        scene.server(accepts);
        let Some(Event::SignedIn { user, endpoint }) = scene.gateway.events.first() else {
            panic!("{accepts}")
        };
        assert_eq!(
            (user.name().to_string().as_str(), endpoint.as_str()),
            ("ann@yahoo", "Yahoo 8.1")
        );
    }
    let mut scene = Scene::before_the_list(9, None);
    scene.server("54/ffffffff 1=ann 66=13");
    assert!(scene.gateway.events.is_empty(), "a wrong password");
}

#[test]
fn a_server_that_names_nobody_accepted_whom_it_challenged() {
    let mut scene = Scene::before_the_list(16, listed());
    scene.server("f1/0");
    scene.gateway.wait(Duration::from_secs(1));
    assert!(scene.gateway.events.iter().any(|event| matches!(event, Event::SignedIn { .. })));
    assert!(scene.client_got()[0].contains(BOB));
    let mut scene = Scene::before_the_list(16, listed());
    scene.client("54/0 0=eve 1=ann");
    scene.server("f1/0");
    scene.gateway.wait(Duration::from_secs(1));
    assert!(scene.gateway.events.is_empty(), "it may have accepted another name");
    assert_eq!(scene.client_got(), ["f1/0"]);
}

#[test]
fn a_list_without_foreign_people_passes_unaltered() {
    for version in [9, 16] {
        let scene = Scene::signed_on(version, Roster::default());
        assert!(!scene.gateway.altered());
    }
}

#[test]
fn a_list_that_the_server_sends_again_has_ours_again() {
    let mut scene = Scene::signed_on(10, listed());
    scene.server("55/0 87=Work:zoe\\n 89=ann");
    assert_eq!(scene.client_got(), [format!("55/0 87=Work:zoe,{BOB}\\n 89=ann")]);
}

#[test]
fn ignored_people_stand_where_clients_look_for_them() {
    let blocked = || Contact { listed: false, blocked: true, ..contact() };
    let mut scene = Scene::before_the_list(10, roster_of([blocked()]));
    scene.server("55/0 87= 88=troll 89=ann");
    assert_eq!(scene.client_got(), [format!("55/0 87= 88=troll,{BOB} 89=ann")]);
    let mut scene = Scene::before_the_list(16, roster_of([blocked()]));
    scene.accept();
    assert_eq!(scene.client_got()[0], format!("f1/0 302=320 300=320 7={BOB} 301=320 303=320"));
}

#[test]
fn changes_from_elsewhere_reach_the_client_at_once() {
    let mut scene = Scene::signed_on(10, Roster::default());
    scene.server("83/1 1=ann 7=eve 65=Work 66=0");
    scene.forget();
    scene.changed(contact());
    let added = format!("83/1 1=ann 66=0 7={BOB} 65=Work");
    let list = format!("55/0 87=Work:eve,{BOB}\\n 88= 89=ann 3=ann");
    assert_eq!(scene.client_got(), [added.clone(), list]);
    scene.changed(Contact { listed: false, ..contact() });
    assert_eq!(scene.client_got(), [format!("84/1 1=ann 66=0 7={BOB} 65=Work")]);
    scene.changed(Contact::new(bob(), BOB.into()));
    assert!(scene.client_got().is_empty());
    let mut scene = Scene::signed_on(16, Roster::default());
    scene.changed(contact());
    let section = format!(
        "f1/0 302=318 300=318 65=Work 302=319 300=319 7={BOB} 301=319 303=319 301=318 303=318"
    );
    assert_eq!(scene.client_got(), [added, section]);
}

#[test]
fn groups_of_other_networks_cannot_break_the_lines_of_the_list() {
    let odd = Contact { groups: vec!["a:b,c\nd".into()], ..contact() };
    let mut scene = Scene::before_the_list(10, roster_of([odd]));
    scene.accept();
    assert_eq!(scene.client_got()[0], format!("55/0 87=a_b_c_d:{BOB}\\n 88= 89=ann 3=ann"));
}

#[test]
fn a_group_of_the_servers_keeps_the_bytes_that_it_has_there() {
    for (version, list) in [
        (10, "55/0 87=Café:eve\\n 88= 89=ann 3=ann"),
        (16, "f1/0 302=318 300=318 65=Café 302=319 300=319 7=eve 301=319 303=319 301=318 303=318"),
    ] {
        let mut scene = Scene::before_the_list(version, Roster::default());
        scene.server(list);
        scene.server(if version == 10 { "1/0 0=ann 1=ann 8=0" } else { "f0/1 0=ann 1=ann 8=0" });
        scene.forget();
        scene.changed(Contact { groups: vec!["Café".into(), "Büro".into()], ..contact() });
        // Of the server's it is UTF-8; another would be in the bytes of the client's Windows.
        let raw = scene.gateway.take(crosstalk_core::Side::Client);
        let has = |bytes: &[u8]| raw.windows(bytes.len()).any(|part| part == bytes);
        assert!(has("Café".as_bytes()) && !has(b"Caf\xe9"), "{version}");
        assert!(has(b"B\xfcro") && !has("Büro".as_bytes()), "{version}");
    }
}
