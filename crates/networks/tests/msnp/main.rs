//! Tests of a gateway between MSN clients and servers, command by command.
#![allow(clippy::unwrap_used)]

mod address_book;
mod adl_rml;
mod calls;
#[path = "../common/mod.rs"]
mod common;
mod costs;
mod invites;
mod kinds;
mod leaving;
mod list_msnp2_7;
mod names;
mod order;
mod recorded;
mod sign_on;
mod talks;

use std::sync::Arc;
use std::time::Duration;

use common::{Gateway, Shared};
use crosstalk_core::{
    Address, Body, Consent, Contact, Envelope, EnvelopeId, Event, HostPort, Input, Outgoing,
    Presence, RichText, Roster, RosterEdit, Side, Stamp, Subscription, UnixMillis, Via,
};
use crosstalk_networks::msnp::Msnp;
use crosstalk_networks::msnp::content;
use crosstalk_networks::msnp::wire::with_payload;

/// Bob, who is foreign.
const BOB: &str = "bob@far-oscar.xt";

struct Scene {
    shared: Shared,
    ns: Gateway,
}

impl Scene {
    /// Mary's client, signed on in `version` and not yet asking for its list.
    fn signed_on(version: u32, roster: impl Into<Option<Roster>>) -> Self {
        let shared = Shared::default();
        let mut ns = Gateway::new(&Msnp, &shared, roster);
        client(&mut ns, &format!("VER 1 MSNP{version} CVR0"));
        server(&mut ns, &format!("VER 1 MSNP{version}"));
        client(&mut ns, "USR 4 TWN S t=1");
        server(&mut ns, "USR 4 OK mary@hotmail.com Mary 1 0");
        ns.take(Side::Client);
        ns.take(Side::Server);
        Self { shared, ns }
    }

    /// The same, with an empty list and online.
    fn online(version: u32, roster: Roster) -> Self {
        let mut scene = Self::signed_on(version, roster);
        client(&mut scene.ns, if version < 10 { "SYN 5 0" } else { "SYN 5 0 0" });
        server(&mut scene.ns, if version < 10 { "SYN 5 1 0 1" } else { "SYN 5 a b 0 0" });
        server(
            &mut scene.ns,
            if version < 10 { "LSG 0 Other%20Contacts 0" } else { "PRP MFN Mary" },
        );
        scene.ns.wait(Duration::from_millis(200));
        client(&mut scene.ns, "CHG 6 NLN 0");
        server(&mut scene.ns, "CHG 6 NLN 0");
        scene.take_all();
        scene
    }

    fn take_all(&mut self) {
        self.ns.take(Side::Client);
        self.ns.take(Side::Server);
        self.ns.events.clear();
    }

    fn client_got(&mut self) -> String {
        text(self.ns.take(Side::Client))
    }

    fn server_got(&mut self) -> String {
        text(self.ns.take(Side::Server))
    }
}

/// Lets two connections hear what they tell each other.
fn settle(one: &mut Gateway, other: &mut Gateway) {
    for _ in 0..4 {
        one.hear();
        other.hear();
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn client(gateway: &mut Gateway, line: &str) {
    gateway.bytes(Side::Client, format!("{line}\r\n").as_bytes()).unwrap();
}

fn server(gateway: &mut Gateway, line: &str) {
    gateway.bytes(Side::Server, format!("{line}\r\n").as_bytes()).unwrap();
}

fn deliver(gateway: &mut Gateway, body: Body) {
    let now = gateway.now.wall;
    deliver_of(gateway, now, body);
}

/// Delivers what was said at `sent_at`.
fn deliver_of(gateway: &mut Gateway, sent_at: UnixMillis, body: Body) {
    let to = "mary@hotmail.com@msn".parse().unwrap();
    let envelope = Envelope { id: EnvelopeId(77), from: bob(), to, sent_at, body, details: None };
    gateway.input(Input::Deliver(envelope)).unwrap();
}

/// Bob has this presence now.
fn show_presence(gateway: &mut Gateway, presence: Presence) {
    gateway.input(Input::Presence { of: bob(), presence }).unwrap();
}

fn says(text: &str) -> Body {
    Body::Text { text: text.into(), auto: false }
}

fn said(gateway: &mut Gateway) -> Vec<Outgoing> {
    let events = std::mem::take(&mut gateway.events);
    let said = |event| if let Event::Send(outgoing) = event { Some(outgoing) } else { None };
    events.into_iter().filter_map(said).collect()
}

fn bob() -> Address {
    "bob@far-oscar".parse().unwrap()
}

fn contact(from: Subscription, listed: bool) -> Contact {
    let groups = if listed { vec!["Work".into()] } else { Vec::new() };
    Contact { listed, from, groups, ..Contact::new(bob(), BOB.into()) }
}

fn roster(contact: Contact) -> Roster {
    let mut roster = Roster::default();
    roster.put(contact, Stamp::default());
    roster
}

fn listed() -> Roster {
    roster(contact(Subscription::Granted, true))
}

#[test]
fn the_foreign_list_is_merged_in_the_words_of_msnp9() {
    let mut scene = Scene::signed_on(9, listed());
    client(&mut scene.ns, "SYN 5 17");
    assert_eq!(scene.server_got(), "SYN 5 0\r\n", "a remembered list lacks ours");
    for line in ["SYN 5 18 1 1", "BLP AL", "LSG 0 Friends 0", "LST eve@x.org Eve 3 0"] {
        server(&mut scene.ns, line);
    }
    let expected = format!(
        "SYN 5 18 2 2\r\nBLP AL\r\nLSG 0 Friends 0\r\nLSG 90 Work 0\r\n\
         LST {BOB} {BOB} 11 90\r\nLST eve@x.org Eve 3 0\r\n"
    );
    assert_eq!(scene.client_got(), expected);
}

#[test]
fn the_foreign_list_joins_groups_of_the_same_name() {
    for (version, kind) in [(10, ""), (11, ""), (12, " 1")] {
        let mut scene = Scene::signed_on(version, listed());
        for line in ["SYN 5 a b 0 1", "LSG Work 1-2-3"] {
            server(&mut scene.ns, line);
        }
        let got = scene.client_got();
        assert!(got.starts_with("SYN 5 a b 1 1\r\nLSG Work 1-2-3\r\n"), "{got}");
        assert!(got.contains(&format!("LST N={BOB} F={BOB} C=")), "{got}");
        assert!(got.ends_with(&format!(" 11{kind} 1-2-3\r\n")), "{got}");
    }
}

#[test]
fn one_who_asks_while_the_person_is_away_stands_in_the_reverse_list() {
    let asks = contact(Subscription::Asked(RichText::default()), false);
    let mut scene = Scene::signed_on(9, roster(asks));
    server(&mut scene.ns, "SYN 5 1 0 1");
    server(&mut scene.ns, "LSG 0 Friends 0");
    assert!(scene.client_got().ends_with(&format!("LST {BOB} {BOB} 8\r\n")));
    client(&mut scene.ns, &format!("ADD 7 AL {BOB} {BOB}"));
    assert_eq!(said(&mut scene.ns)[0].body, Body::Contact(Consent::Grant));
    assert_eq!(scene.server_got(), "");
    assert_eq!(scene.client_got(), format!("ADD 7 AL 1 {BOB} {BOB}\r\n"));
}

#[test]
fn edits_of_foreign_contacts_are_answered_and_stay_here() {
    let mut scene = Scene::online(11, Roster::default());
    client(&mut scene.ns, &format!("ADC 8 FL N={BOB} F=Bobby"));
    let got = scene.client_got();
    let guid = got.trim_end().split_once("C=").unwrap().1.to_owned();
    assert!(got.starts_with(&format!("ADC 8 FL N={BOB} F=Bobby C=")), "{got}");
    let list = |event: &Event| match event {
        Event::Roster(RosterEdit::List { alias, .. }) => alias.clone(),
        _ => None,
    };
    assert_eq!(scene.ns.events.iter().find_map(list).as_deref(), Some("Bobby"));
    assert!(matches!(said(&mut scene.ns)[0].body, Body::Contact(Consent::Request(_))));
    client(&mut scene.ns, &format!("REM 9 FL {guid}"));
    assert_eq!(scene.client_got(), format!("REM 9 FL {guid}\r\n"));
    let removed = |e: &Event| matches!(e, Event::Roster(RosterEdit::Remove(a)) if *a == bob());
    assert!(scene.ns.events.iter().any(removed));
    client(&mut scene.ns, "ADC 10 FL N=eve@nowhere.xt F=Eve");
    assert_eq!(scene.client_got(), "208 10\r\n");
    assert_eq!(scene.server_got(), "");
    client(&mut scene.ns, "ADC 11 FL N=eve@x.org F=Eve");
    assert_eq!(scene.server_got(), "ADC 11 FL N=eve@x.org F=Eve\r\n");
}

#[test]
fn a_foreign_contact_goes_into_a_group_that_the_client_just_made() {
    let chess = |e: &Event| match e {
        Event::Roster(RosterEdit::List { groups, .. }) => groups.contains(&"Chess".into()),
        _ => false,
    };
    let mut scene = Scene::online(9, listed());
    server(&mut scene.ns, "ADG 6 19 Chess 5 0");
    client(&mut scene.ns, &format!("ADD 7 FL {BOB} {BOB} 5"));
    assert!(scene.ns.events.iter().any(chess));
    let mut scene = Scene::online(11, listed());
    client(&mut scene.ns, &format!("ADC 7 FL N={BOB} F=x"));
    let guid = scene.client_got().trim_end().split_once("C=").unwrap().1.to_owned();
    server(&mut scene.ns, "ADG 8 Chess 1-2");
    client(&mut scene.ns, &format!("ADC 9 FL C={guid} 1-2"));
    assert!(scene.ns.events.iter().any(chess));
}

#[test]
fn presence_is_shown_and_the_personal_message_with_it() {
    let mut scene = Scene::online(11, listed());
    let away = Presence { text: "1 < 2".into(), ..Presence::available() };
    show_presence(&mut scene.ns, away);
    let data = "<Data><PSM>1 &lt; 2</PSM><CurrentMedia></CurrentMedia></Data>";
    let expected = format!("NLN NLN {BOB} {BOB} 0\r\nUBX {BOB} {}\r\n{data}", data.len());
    assert_eq!(scene.client_got(), expected);
    show_presence(&mut scene.ns, Presence::offline());
    assert_eq!(scene.client_got(), format!("FLN {BOB}\r\n"));
    let mine = with_payload("UUX 7", "<Data><PSM>a &amp; b</PSM></Data>");
    scene.ns.bytes(Side::Client, mine.as_bytes()).unwrap();
    let told = |e: &Event| matches!(e, Event::Presence(p) if p.text.text() == "a & b");
    assert!(scene.ns.events.iter().any(told));
}

#[test]
fn to_block_one_who_asks_is_to_say_no_and_to_allow_one_ends_the_block() {
    let mut scene =
        Scene::online(11, roster(contact(Subscription::Asked(RichText::default()), false)));
    let blocks = |scene: &mut Scene| -> Vec<bool> {
        let block = |e: &Event| match e {
            Event::Roster(RosterEdit::Block(_, blocked)) => Some(*blocked),
            _ => None,
        };
        scene.ns.events.iter().filter_map(block).collect()
    };
    client(&mut scene.ns, &format!("ADC 7 BL N={BOB}"));
    assert_eq!(blocks(&mut scene), [true]);
    assert_eq!(said(&mut scene.ns)[0].body, Body::Contact(Consent::Revoke));
    client(&mut scene.ns, &format!("ADC 8 AL N={BOB}"));
    assert_eq!(blocks(&mut scene), [false]);
    assert_eq!(said(&mut scene.ns)[0].body, Body::Contact(Consent::Grant));
    for line in [format!("ADC 9 BL N={BOB}"), format!("REM 10 BL {BOB}")] {
        client(&mut scene.ns, &line);
    }
    assert_eq!(blocks(&mut scene), [true, false]);
    assert!(said(&mut scene.ns).is_empty(), "a block alone takes nothing back");
    assert_eq!(scene.server_got(), "");
}

#[test]
fn one_who_no_longer_watches_leaves_the_reverse_list() {
    for (version, told) in
        [(9, format!("REM 0 RL 1 {BOB}\r\n")), (11, format!("REM 0 RL {BOB}\r\n"))]
    {
        let mut scene = Scene::online(version, listed());
        scene.ns.input(Input::Changed(contact(Subscription::None, true))).unwrap();
        assert_eq!(scene.client_got(), told);
        scene.ns.input(Input::Changed(contact(Subscription::None, true))).unwrap();
        assert_eq!(scene.client_got(), "");
    }
}

#[test]
fn unknown_versions_are_not_offered_where_others_are() {
    let offered = |offer: &str| {
        let mut gateway = Gateway::new(&Msnp, &Arc::default(), None);
        client(&mut gateway, offer);
        text(gateway.take(Side::Server))
    };
    assert_eq!(offered("VER 1 MSNP21 MSNP20 MSNP18 MSNP11 CVR0"), "VER 1 MSNP18 MSNP11 CVR0\r\n");
    assert_eq!(offered("VER 1 MSNP21 CVR0"), "VER 1 MSNP21 CVR0\r\n");
}

#[test]
fn with_the_gateway_as_the_server_every_place_is_the_gateways() {
    let shared = Shared::default();
    let connect = || {
        let upstream = HostPort::new("msn.test", 1863);
        let via = Via::Direct { upstream, advertise: HostPort::new("192.0.2.9", 1999) };
        Gateway::via(&Msnp, &shared, Roster::default(), via)
    };
    let dialled = |gateway: &Gateway| match gateway.events.first() {
        Some(Event::Dial(to)) => to.to_string(),
        other => panic!("{other:?}"),
    };
    let mut dispatch = connect();
    client(&mut dispatch, "VER 1 MSNP9 CVR0");
    assert_eq!(dialled(&dispatch), "msn.test:1863");
    server(&mut dispatch, "VER 1 MSNP9");
    dispatch.take(Side::Client);
    server(&mut dispatch, "XFR 3 NS 192.0.2.1:1863 0 192.0.2.2:1863");
    assert_eq!(text(dispatch.take(Side::Client)), "XFR 3 NS 192.0.2.9:1999 0 192.0.2.9:1999\r\n");
    let mut ns = connect();
    client(&mut ns, "VER 1 MSNP9 CVR0");
    assert_eq!(dialled(&ns), "192.0.2.1:1863");
    server(&mut ns, "VER 1 MSNP9");
    client(&mut ns, "USR 4 TWN S t=1");
    server(&mut ns, "USR 4 OK mary@hotmail.com Mary 1 0");
    ns.take(Side::Client);
    server(&mut ns, &format!("RNG 10 192.0.2.3:1863 CKI key.2 {BOB} Eve"));
    server(&mut ns, "RNG 11 192.0.2.3:1863 CKI key.2 eve@x.org Eve");
    assert_eq!(text(ns.take(Side::Client)), "RNG 11 192.0.2.9:1999 CKI key.2 eve@x.org Eve\r\n");
    let mut sb = connect();
    client(&mut sb, "ANS 1 mary@hotmail.com key.2 11");
    assert_eq!(dialled(&sb), "192.0.2.3:1863");
}
