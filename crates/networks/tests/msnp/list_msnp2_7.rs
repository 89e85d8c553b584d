//! MSNP2 to 7: lists of their own, each line with its number.

use super::*;

/// Sends what a server answers to SYN, in the commands of MSNP5 to 7.
fn tell(ns: &mut Gateway, lines: &[&str]) {
    for line in lines {
        server(ns, line);
    }
}

#[test]
fn each_list_of_msnp5_holds_the_foreign_people_that_belong_in_it() {
    let mut scene = Scene::signed_on(5, listed());
    client(&mut scene.ns, "SYN 5 17");
    assert_eq!(scene.server_got(), "SYN 5 0\r\n");
    tell(
        &mut scene.ns,
        &[
            "SYN 5 18",
            "GTC 5 18 A",
            "BLP 5 18 AL",
            "LST 5 FL 18 1 2 eve@x.org Eve",
            "BPR 18 PHH 555",
            "LST 5 FL 18 2 2 ann@x.org Ann",
            "LST 5 AL 18 1 1 eve@x.org Eve",
            "LST 5 BL 18 0 0",
            "LST 5 RL 18 0 0",
        ],
    );
    let expected = format!(
        "SYN 5 18\r\nGTC 5 18 A\r\nBLP 5 18 AL\r\n\
         LST 5 FL 18 1 3 {BOB} {BOB}\r\nLST 5 FL 18 2 3 eve@x.org Eve\r\nBPR 18 PHH 555\r\n\
         LST 5 FL 18 3 3 ann@x.org Ann\r\n\
         LST 5 AL 18 1 2 {BOB} {BOB}\r\nLST 5 AL 18 2 2 eve@x.org Eve\r\n\
         LST 5 BL 18 0 0\r\nLST 5 RL 18 1 1 {BOB} {BOB}\r\n"
    );
    assert_eq!(scene.client_got(), expected);
}

#[test]
fn groups_of_msnp7_are_counted_and_joined() {
    let mut scene = Scene::signed_on(7, listed());
    tell(
        &mut scene.ns,
        &["SYN 5 18", "LSG 5 18 1 2 0 Other%20Contacts 0", "LSG 5 18 2 2 3 Friends 0"],
    );
    tell(&mut scene.ns, &["LST 5 FL 18 0 0", "LST 5 AL 18 0 0"]);
    let expected = format!(
        "SYN 5 18\r\nLSG 5 18 1 3 0 Other%20Contacts 0\r\nLSG 5 18 2 3 3 Friends 0\r\n\
         LSG 5 18 3 3 90 Work 0\r\nLST 5 FL 18 1 1 {BOB} {BOB} 90\r\nLST 5 AL 18 1 1 {BOB} {BOB}\r\n"
    );
    assert_eq!(scene.client_got(), expected);
    client(&mut scene.ns, &format!("REM 6 FL {BOB} 90"));
    assert_eq!(scene.client_got(), format!("REM 6 FL 18 {BOB} 90\r\n"));
    let removed = |e: &Event| matches!(e, Event::Roster(RosterEdit::Remove(a)) if *a == bob());
    assert!(scene.ns.events.iter().any(removed), "out of the last group is off the list");
    assert_eq!(scene.server_got(), "");
}

#[test]
fn a_list_waits_for_the_foreign_one_but_not_for_ever() {
    let mut scene = Scene::signed_on(6, None);
    tell(&mut scene.ns, &["SYN 5 18", "LST 5 FL 18 1 1 eve@x.org Eve"]);
    assert_eq!(scene.client_got(), "");
    scene.ns.input(Input::Roster(listed())).unwrap();
    let got = scene.client_got();
    assert!(got.ends_with("LST 5 FL 18 2 2 eve@x.org Eve\r\n"), "{got}");

    let mut scene = Scene::signed_on(6, None);
    tell(&mut scene.ns, &["SYN 5 18", "LST 5 FL 18 1 1 eve@x.org Eve"]);
    scene.ns.wait(Duration::from_secs(4));
    assert_eq!(scene.client_got(), "SYN 5 18\r\nLST 5 FL 18 1 1 eve@x.org Eve\r\n");
}

#[test]
fn presence_and_requests_are_in_the_words_of_the_version() {
    for version in 2..=7 {
        let mut scene = Scene::signed_on(version, listed());
        let lists = ["FL", "AL", "BL", "RL"].map(|list| format!("LST 5 {list} 3 0 0"));
        server(&mut scene.ns, "SYN 5 3");
        for list in &lists {
            server(&mut scene.ns, list);
        }
        show_presence(&mut scene.ns, Presence::available());
        scene.client_got();
        client(&mut scene.ns, "CHG 6 NLN");
        server(&mut scene.ns, "CHG 6 NLN");
        assert_eq!(scene.client_got(), format!("CHG 6 NLN\r\nILN 6 NLN {BOB} {BOB}\r\n"));
        show_presence(&mut scene.ns, Presence::offline());
        assert_eq!(scene.client_got(), format!("FLN {BOB}\r\n"));
        scene.ns.input(Input::Changed(Contact::new(bob(), BOB.into()))).unwrap();
        assert_eq!(scene.client_got(), format!("REM 0 RL 3 {BOB}\r\n"));
        deliver(&mut scene.ns, Body::Contact(Consent::Request("hi".into())));
        assert_eq!(scene.client_got(), format!("ADD 0 RL 3 {BOB} {BOB}\r\n"));
        client(&mut scene.ns, &format!("ADD 7 AL {BOB} {BOB}"));
        assert_eq!(scene.client_got(), format!("ADD 7 AL 3 {BOB} {BOB}\r\n"));
        assert_eq!(said(&mut scene.ns).pop().unwrap().body, Body::Contact(Consent::Grant));
        client(&mut scene.ns, &format!("ADD 8 FL {BOB} {BOB}"));
        assert_eq!(scene.client_got(), format!("ADD 8 FL 3 {BOB} {BOB}\r\n"));
        assert_eq!(scene.server_got(), "CHG 6 NLN\r\n");
    }
}

#[test]
fn the_server_writes_no_letters_to_foreign_people() {
    let mut scene = Scene::signed_on(5, None);
    client(&mut scene.ns, &format!("SND 9 {BOB} 0x0409 MSMSGS"));
    assert_eq!(scene.client_got(), "SND 9 OK\r\n");
    client(&mut scene.ns, "SND 10 eve@x.org 0x0409 MSMSGS");
    assert_eq!(scene.server_got(), "SND 10 eve@x.org 0x0409 MSMSGS\r\n");
}
