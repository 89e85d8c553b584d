//! MSNP13 to 18 at the notification server: ADL, RML and FQY, and names with their network.

use super::*;

const CHG: &str = "CHG 6 NLN 0";

fn payload(verb: &str, text: &str) -> String {
    with_payload(verb, text)
}

fn says_list(gateway: &mut Gateway, verb: &str, text: &str) {
    gateway.bytes(Side::Client, payload(verb, text).as_bytes()).unwrap();
}

/// A client that is online, and whose address book was never seen.
fn online(version: u32, roster: Roster) -> Scene {
    let mut scene = Scene::signed_on(version, roster);
    says_list(&mut scene.ns, "ADL 5", "<ml l=\"1\"></ml>");
    server(&mut scene.ns, "ADL 5 OK");
    client(&mut scene.ns, CHG);
    server(&mut scene.ns, CHG);
    scene.take_all();
    scene
}

#[test]
fn foreign_people_are_taken_from_a_list_and_the_length_is_right() {
    let mut scene = online(18, Roster::default());
    let list = "<ml><d n='far-oscar.xt'><c n='bob' l='3' t='1'/></d><d n='x.org'>\
                <c n='eve' l='3' t='1'/></d></ml>";
    says_list(&mut scene.ns, "ADL 7", list);
    let rest = "<ml><d n='x.org'><c n='eve' l='3' t='1'/></d></ml>";
    assert_eq!(scene.server_got(), payload("ADL 7", rest));
    server(&mut scene.ns, "ADL 7 OK");
    assert_eq!(scene.client_got(), "ADL 7 OK\r\n");
    let bodies: Vec<_> = said(&mut scene.ns).into_iter().map(|o| o.body).collect();
    let request = Body::Contact(Consent::Request(RichText::default()));
    assert_eq!(bodies, [Body::Contact(Consent::Grant), request]);
}

#[test]
fn a_purely_foreign_list_is_answered_here() {
    let mut scene = online(15, listed());
    let bob = |l| format!("<ml><d n=\"far-oscar.xt\"><c n=\"bob\" l=\"{l}\" t=\"1\" /></d></ml>");
    says_list(&mut scene.ns, "RML 8", &bob(1));
    assert_eq!(scene.client_got(), "RML 8 OK\r\n");
    let removed =
        |e: &Event| matches!(e, Event::Roster(RosterEdit::Remove(a)) if *a == super::bob());
    assert!(scene.ns.events.iter().any(removed));
    says_list(&mut scene.ns, "ADL 9", &bob(4));
    assert_eq!(scene.client_got(), "ADL 9 OK\r\n");
    let blocked = |e: &Event| matches!(e, Event::Roster(RosterEdit::Block(_, true)));
    assert!(scene.ns.events.iter().any(blocked));
    let nobody = "<ml><d n=\"nowhere.xt\"><c n=\"x\" l=\"1\" t=\"1\"/></d></ml>";
    says_list(&mut scene.ns, "ADL 10", nobody);
    assert_eq!(scene.client_got(), "208 10\r\n");
    assert_eq!(scene.server_got(), "");
}

#[test]
fn the_list_that_a_client_begins_with_changes_nothing_and_lets_it_go_online() {
    let mut scene = Scene::signed_on(18, Roster::default());
    let list = "<ml l='1'><d n='far-oscar.xt'><c n='bob' l='3' t='1'/></d></ml>";
    says_list(&mut scene.ns, "ADL 5", list);
    assert_eq!(scene.server_got(), payload("ADL 5", "<ml l='1'></ml>"));
    assert!(said(&mut scene.ns).is_empty());
    says_list(&mut scene.ns, "ADL 6", list);
    assert_eq!(scene.client_got(), "ADL 6 OK\r\n", "the rest of it, which is foreign");
}

#[test]
fn queries_find_foreign_people() {
    let mut scene = online(18, Roster::default());
    says_list(&mut scene.ns, "FQY 7", "<ml><d n=\"far-oscar.xt\"><c n=\"bob\"/></d></ml>");
    let bob = "<d n=\"far-oscar.xt\"><c n=\"bob\" t=\"1\" /></d>";
    assert_eq!(scene.client_got(), payload("FQY 7", &format!("<ml>{bob}</ml>")));
    assert_eq!(scene.server_got(), "");
    let both = "<ml><d n=\"x.org\"><c n=\"eve\"/></d><d n=\"far-oscar.xt\"><c n=\"bob\"/></d></ml>";
    says_list(&mut scene.ns, "FQY 8", both);
    let eve = "<ml><d n=\"x.org\"><c n=\"eve\"/></d></ml>";
    assert_eq!(scene.server_got(), payload("FQY 8", eve));
    let answer = "<ml><d n=\"x.org\"><c n=\"eve\" t=\"1\" /></d>";
    let answered = payload("FQY 8", &format!("{answer}</ml>"));
    scene.ns.bytes(Side::Server, answered.as_bytes()).unwrap();
    assert_eq!(scene.client_got(), payload("FQY 8", &format!("{answer}{bob}</ml>")));
}

#[test]
fn presence_names_the_network_as_the_version_does() {
    let data = "<Data><PSM>hi</PSM><CurrentMedia></CurrentMedia></Data>";
    let caps = "2416181284:00";
    let len = data.len();
    for (version, initial, online, update, offline) in [
        (
            13,
            format!("ILN 6 NLN {BOB} {BOB} 0"),
            format!("NLN NLN {BOB} {BOB} 0"),
            format!("UBX {BOB} {len}"),
            format!("FLN {BOB}"),
        ),
        (
            14,
            format!("ILN 6 NLN {BOB} 1 {BOB} 0"),
            format!("NLN NLN {BOB} 1 {BOB} 0"),
            format!("UBX {BOB} 1 {len}"),
            format!("FLN {BOB} 1 0"),
        ),
        (
            15,
            format!("ILN 6 NLN {BOB} 1 {BOB} 0"),
            format!("NLN NLN {BOB} 1 {BOB} 0"),
            format!("UBX {BOB} 1 {len}"),
            format!("FLN {BOB} 1 0"),
        ),
        (
            16,
            format!("ILN 6 NLN {BOB} 1 {BOB} {caps} 0"),
            format!("NLN NLN {BOB} 1 {BOB} {caps} 0"),
            format!("UBX {BOB} 1 {len}"),
            format!("FLN {BOB} 1 0:0"),
        ),
        (
            17,
            format!("ILN 6 NLN {BOB} 1 {BOB} {caps} 0"),
            format!("NLN NLN {BOB} 1 {BOB} {caps} 0"),
            format!("UBX {BOB} 1 {len}"),
            format!("FLN {BOB} 1 0:0"),
        ),
        (
            18,
            format!("NLN NLN 1:{BOB} {BOB} {caps} 0"),
            format!("NLN NLN 1:{BOB} {BOB} {caps} 0"),
            format!("UBX 1:{BOB} {len}"),
            format!("FLN 1:{BOB} 0:0"),
        ),
    ] {
        let mut scene = Scene::signed_on(version, listed());
        let presence = Presence { text: "hi".into(), ..Presence::available() };
        show_presence(&mut scene.ns, presence.clone());
        client(&mut scene.ns, CHG);
        server(&mut scene.ns, CHG);
        assert_eq!(scene.client_got(), format!("{CHG}\r\n{initial}\r\n{update}\r\n{data}"));
        show_presence(&mut scene.ns, presence);
        assert_eq!(scene.client_got(), format!("{online}\r\n{update}\r\n{data}"));
        show_presence(&mut scene.ns, Presence::offline());
        assert_eq!(scene.client_got(), format!("{offline}\r\n"));
    }
}

#[test]
fn where_the_address_book_is_hidden_the_operator_is_told_and_requests_are_put_in_words() {
    let mut scene = Scene::signed_on(18, Roster::default());
    deliver(&mut scene.ns, Body::Contact(Consent::Request("hi".into())));
    client(&mut scene.ns, CHG);
    server(&mut scene.ns, CHG);
    assert!(scene.ns.events.iter().any(|e| matches!(e, Event::Advise(_))));
    assert!(scene.ns.events.iter().any(|e| matches!(e, Event::Unshown(_))));
    assert_eq!(scene.client_got(), format!("{CHG}\r\n"));
}

#[test]
fn what_a_client_says_of_its_endpoints_is_no_message() {
    let mut scene = online(18, Roster::default());
    let psm = "<Data><PSM>gone fishing</PSM><CurrentMedia/><DDP/></Data>";
    says_list(&mut scene.ns, "UUX 7", psm);
    says_list(
        &mut scene.ns,
        "UUX 8",
        "<EndpointData><Capabilities>2:0</Capabilities></EndpointData>",
    );
    let texts = |e: &Event| match e {
        Event::Presence(p) => Some(p.text.text().to_owned()),
        _ => None,
    };
    let told: Vec<_> = scene.ns.events.iter().filter_map(texts).collect();
    assert_eq!(told.last().map(String::as_str), Some("gone fishing"));
    says_list(&mut scene.ns, "UUX 9", "<Data><PSM/><CurrentMedia/></Data>");
    assert_eq!(scene.ns.events.iter().filter_map(texts).next_back().as_deref(), Some(""));
}

#[test]
fn a_message_without_a_conversation_stays_here_where_it_is_for_a_foreign_person() {
    let mut scene = online(18, Roster::default());
    let hello = &content::texts(&"hello".into())[0];
    says_list(&mut scene.ns, &format!("UUM 7 {BOB} 1 1"), hello);
    assert_eq!(said(&mut scene.ns)[0].body, super::says("hello"));
    says_list(&mut scene.ns, &format!("UUN 8 {BOB};{{1-2}} 3"), "x");
    assert_eq!(scene.server_got(), "");
    says_list(&mut scene.ns, "UUM 9 eve@x.org 32 1", hello);
    assert_eq!(scene.server_got(), payload("UUM 9 eve@x.org 32 1", hello));
}

#[test]
fn every_offer_leaves_the_highest_version_that_is_known() {
    for (offer, asked) in [
        ("MSNP21 MSNP20 MSNP19 MSNP18 MSNP17 CVR0", "MSNP18 MSNP17 CVR0"),
        ("MSNP21 MSNP20 MSNP19 MSNP18 CVR0", "MSNP18 CVR0"),
        ("MSNP18 MSNP17 CVR0", "MSNP18 MSNP17 CVR0"),
        ("MSNP99 MSNP15 MSNP14 MSNP13 CVR0", "MSNP15 MSNP14 MSNP13 CVR0"),
        ("MSNP12 MSNP11 MSNP10 MSNP9 MSNP8 CVR0", "MSNP12 MSNP11 MSNP10 MSNP9 MSNP8 CVR0"),
        ("MSNP7 MSNP6 MSNP5 MSNP4 CVR0", "MSNP7 MSNP6 MSNP5 MSNP4 CVR0"),
        ("MSNP2", "MSNP2"),
        ("MSNP24 CVR0", "MSNP24 CVR0"),
    ] {
        let mut gateway = Gateway::new(&Msnp, &Arc::default(), None);
        client(&mut gateway, &format!("VER 1 {offer}"));
        assert_eq!(text(gateway.take(Side::Server)), format!("VER 1 {asked}\r\n"));
    }
}
