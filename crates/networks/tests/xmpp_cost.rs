//! Costs of the worst XML: memory by an allocator that counts, and time by its growth.
#![allow(clippy::unwrap_used)]

mod common;
#[allow(dead_code, unreachable_pub)]
#[path = "cost/counter.rs"]
mod counter;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use common::oracles::{memory_allowed, work_allowed};
use common::{Gateway, Shared};
use counter::{Counter, cost, grows_linearly, kept};
use crosstalk_core::{
    Contact, Event, Input, MAX_CONTACTS, MAX_UNKNOWN, Roster, Side, Stamp, Subscription,
};
use crosstalk_networks::xmpp::Xmpp;
use crosstalk_networks::xmpp::wire::Framer;
use crosstalk_networks::xmpp::wire::stanza_head::Head;
use crosstalk_networks::xmpp::wire::xml::{Element, Scope};

#[global_allocator]
static COUNTER: Counter = Counter;

const MIB: usize = 1 << 20;
/// Limit of a stanza's memory, for each of its bytes, and for a mebibyte in all.
const TIMES: usize = 40;
const MOST: usize = 8 * MIB;

const OPEN: &str = "<stream:stream to='chat.test' xmlns='jabber:client' \
                    xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/// `unit` as often as fits into `size`.
fn filled(unit: &str, size: usize) -> String {
    unit.repeat(size / unit.len())
}

/// The same with a number in each, in the place of `#`.
fn numbered(unit: &str, size: usize) -> String {
    (0..size / (unit.len() + 5)).map(|n| unit.replace('#', &n.to_string())).collect()
}

/// Content of about `size` bytes that costs most, with what is said of it.
fn worst(size: usize) -> Vec<(&'static str, String)> {
    let deep = |open: &str, close: &str| {
        let half = size / (open.len() + close.len());
        open.repeat(half) + &close.repeat(half)
    };
    let half = "x".repeat(size / 2);
    vec![
        ("elements", filled("<a/>", size)),
        ("elements and texts", filled("<a/>x", size)),
        ("full elements", filled("<b>x</b>", size)),
        ("depth", deep("<a>", "</a>")),
        ("depth with namespaces", deep("<a xmlns='b'><a xmlns='c'>", "</a></a>")),
        ("a long namespace", format!("<a xmlns='{half}'>{}</a>", filled("<b/>", size / 2))),
        (
            "a long prefix",
            format!("<a xmlns:p='{half}'>{}</a>", filled("<p:b><b/></p:b>", size / 2)),
        ),
        ("namespaces", filled("<a xmlns='b'/>", size)),
        ("prefixes", format!("<a {}/>", numbered(" xmlns:p#='b'", size))),
        ("names", numbered("<a#/>", size)),
        ("attributes", format!("<a{}/>", numbered(" a#=''", size))),
        ("one attribute", filled("<a b=''/>", size)),
        ("a long attribute", format!("<a b='{}'/>", filled("&amp;", size))),
        ("quotes", filled("'", size)),
        ("references", filled("&lt;", size)),
        ("numbers", filled("&#65;", size)),
        ("sections", filled("<![CDATA[&]]>", size)),
        ("a section", format!("<![CDATA[{}]]>", filled("&", size))),
        ("brackets", filled("]]&gt;", size)),
        ("names of people", filled("<a b='alice@far-oscar'/>", size)),
    ]
}

/// The stanzas around that: who says it to whom.
fn stanzas(content: &str) -> Vec<(Side, String)> {
    let from = "from='eve@evil.test/x' to='ann@chat.test/r'";
    vec![
        (Side::Client, format!("<message to='alice@far-oscar'>{content}</message>")),
        (Side::Client, format!("<message to='ben@chat.test'>{content}</message>")),
        (Side::Client, format!("<presence>{content}</presence>")),
        (
            Side::Client,
            format!("<iq type='set' id='1'><query xmlns='jabber:iq:roster'>{content}</query></iq>"),
        ),
        (Side::Client, format!("<iq type='set' id='2'><x xmlns='y'>{content}</x></iq>")),
        (
            Side::Client,
            format!(
                "<message to='alice@far-oscar'><html xmlns='http://jabber.org/protocol/xhtml-im'>\
                     <body xmlns='http://www.w3.org/1999/xhtml'>{content}</body></html></message>"
            ),
        ),
        (
            Side::Server,
            format!("<iq type='set' {from}><query xmlns='jabber:iq:roster'>{content}</query></iq>"),
        ),
        (Side::Server, format!("<iq type='result' id='r' {from}>{content}</iq>")),
        (
            Side::Server,
            format!(
                "<iq type='result' id='r'><query xmlns='jabber:iq:roster'>{content}</query></iq>"
            ),
        ),
        (Side::Server, format!("<message {from}>{content}</message>")),
    ]
}

fn roster(contacts: usize) -> Roster {
    let mut roster = Roster::default();
    for n in 0..contacts {
        let address = format!("friend{n}@far-oscar").parse().unwrap();
        let contact = Contact { listed: true, ..Contact::new(address, String::new()) };
        roster.put(contact, Stamp::default());
    }
    roster
}

/// Ann, signed in, who has asked for her list.
fn signed_in(contacts: Roster) -> Gateway {
    signed_in_with(&Shared::default(), contacts)
}

fn signed_in_with(shared: &Shared, contacts: Roster) -> Gateway {
    let mut gateway = Gateway::new(&Xmpp, shared, contacts);
    let said = BASE64.encode("\0ann\0secret");
    let sasl = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
    let bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>";
    for (side, said) in [
        (Side::Client, format!("{OPEN}<auth {sasl} mechanism='PLAIN'>{said}</auth>")),
        (Side::Server, format!("{OPEN}<success {sasl}/>{OPEN}")),
        (Side::Client, format!("{OPEN}<iq type='set' id='b'>{bind}</bind></iq>")),
        (
            Side::Server,
            format!("<iq type='result' id='b'>{bind}<jid>ann@chat.test/r</jid></bind></iq>"),
        ),
        (Side::Client, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>".into()),
    ] {
        gateway.bytes(side, said.as_bytes()).unwrap();
    }
    assert!(gateway.events.iter().any(|event| matches!(event, Event::SignedIn { .. })));
    gateway.unwatched = true;
    gateway
}

/// The server has no privacy list, if it was asked which is in force.
fn answer_privacy(gateway: &mut Gateway) {
    let sent = String::from_utf8(gateway.take(Side::Server)).unwrap();
    if let Some((_, asked)) = sent.split_once("id='xt-") {
        let (id, _) = asked.split_once('\'').unwrap();
        let none = format!("<iq type='error' id='xt-{id}'/>");
        gateway.bytes(Side::Server, none.as_bytes()).unwrap();
    }
}

fn limit(size: usize) -> usize {
    (TIMES * size + 65_536).min(MOST)
}

#[test]
fn a_tree_takes_a_small_multiple_of_what_it_was_read_from() {
    for size in [1024, 64 * 1024, MIB] {
        for (what, content) in worst(size) {
            let xml = format!("<x>{content}</x>");
            let (cost, tree) = cost(|| Element::parse(xml.as_bytes(), &Scope::default()));
            let most = cost.peak();
            assert!(most <= limit(xml.len()), "{what}, {size} bytes: {most}");
            let Ok(tree) = tree else { continue };
            let written = tree.to_xml().len();
            assert!(written <= 6 * xml.len() + 4096, "{what}, {size} bytes written: {written}");
        }
    }
}

#[test]
fn whoever_says_it_to_whomever_it_costs_little() {
    for size in [16 * 1024, MIB / 4] {
        for (what, content) in worst(size) {
            for (side, stanza) in stanzas(&content) {
                let mut gateway = signed_in(roster(1));
                let (cost, _) = cost(|| gateway.bytes(side, stanza.as_bytes()));
                let (most, head) = (cost.peak(), stanza.get(..48).unwrap());
                // The tree, and the stanza itself on its way in and out.
                let allowed = limit(stanza.len()) + 8 * stanza.len();
                assert!(most <= allowed, "{what}, {size} bytes in {head}: {most}");
            }
        }
    }
}

#[test]
fn what_a_stranger_relays_is_not_read() {
    let gateway = || signed_in(roster(1));
    let relayed = |from: &str| {
        let content = filled("<a/>", 180 * 1024);
        format!("<iq type='set' {from}><query xmlns='jabber:iq:roster'>{content}</query></iq>")
    };
    let stanza = relayed("from='eve@evil.test/x'");
    let (mut gateway, mut other) = (gateway(), gateway());
    let (stranger, _) = cost(|| gateway.bytes(Side::Server, stanza.as_bytes()));
    assert!(stranger.bytes <= 4 * stanza.len(), "{stranger:?}");
    let (own, _) = cost(|| other.bytes(Side::Server, relayed("").as_bytes()));
    assert!(own.bytes > 2 * stranger.bytes, "the server's own is: {own:?}");
}

#[test]
fn four_times_as_much_takes_about_four_times_as_long() {
    let (little, much) = (worst(MIB / 16), worst(MIB / 4));
    for ((what, little), (_, much)) in little.iter().zip(&much) {
        for ((side, little), (_, much)) in stanzas(little).iter().zip(&stanzas(much)) {
            let mut gateway = signed_in(roster(1));
            let mut other = signed_in(roster(1));
            let linear = grows_linearly(
                || drop(gateway.bytes(*side, little.as_bytes())),
                || drop(other.bytes(*side, much.as_bytes())),
            );
            assert!(linear, "{what} in {}", little.get(..48).unwrap());
        }
    }
}

#[test]
fn heads_are_read_in_linear_time() {
    let head = |size| format!("<iq{}>", numbered(" a#=''", size));
    let (little, much) = (head(MIB / 4), head(MIB));
    let read = |head: &str| drop(Head::of(head.as_bytes()));
    assert!(grows_linearly(|| read(&little), || read(&much)));
}

#[test]
fn an_unfinished_stanza_is_looked_at_once_however_it_arrives() {
    let arrive = |stanza: &str| {
        let (mut framer, mut buf) = (Framer::default(), BytesMut::with_capacity(stanza.len()));
        for byte in stanza.as_bytes() {
            buf.extend_from_slice(std::slice::from_ref(byte));
            assert!(framer.next(&mut buf).unwrap().is_none());
        }
    };
    for open in ["<a>", "<a b='", "<a><![CDATA[", "<a><![CDATA[]]]]", "<a><b", "<a></b"] {
        let stanza = |size: usize| open.to_owned() + &"x".repeat(size);
        let (little, much) = (stanza(MIB / 4), stanza(MIB - 64));
        assert!(grows_linearly(|| arrive(&little), || arrive(&much)), "{open}");
    }
}

#[test]
fn a_list_that_comes_late_is_shown_in_linear_time() {
    let late = |contacts| {
        let mut gateway = signed_in(Roster::default());
        let answer = "<iq type='result' id='r'><query xmlns='jabber:iq:roster' ver='1'/></iq>";
        gateway.bytes(Side::Server, answer.as_bytes()).unwrap();
        let roster = roster(contacts);
        let (cost, ()) = cost(|| gateway.input(Input::Roster(roster)).unwrap());
        assert_eq!(
            String::from_utf8(gateway.take(Side::Client)).unwrap().matches("+xt").count(),
            contacts
        );
        cost
    };
    let (little, much) = (late(MAX_CONTACTS / 8), late(MAX_CONTACTS));
    assert!(much.bytes < 16 * little.bytes, "{little:?}, {much:?}");
}

#[test]
fn presence_directed_at_many_costs_no_more_than_it_is_worth() {
    let mut watchers = Roster::default();
    for contact in roster(MAX_CONTACTS).contacts() {
        let contact = Contact { from: Subscription::Granted, ..contact.clone() };
        watchers.put(contact, Stamp { millis: 1, writer: 1 });
    }
    let mut gateway = signed_in(watchers);
    gateway.unwatched = false;
    let answer = "<iq type='result' id='r'><query xmlns='jabber:iq:roster' ver='1'/></iq>";
    gateway.bytes(Side::Server, answer.as_bytes()).unwrap();
    gateway.bytes(Side::Client, b"<presence type='unavailable'/>").unwrap();
    for n in 0..MAX_CONTACTS {
        let stanza = format!("<presence to='friend{n}@far-oscar.xt'/>");
        gateway.bytes(Side::Client, stanza.as_bytes()).unwrap();
        answer_privacy(&mut gateway);
    }
    let sees_all = |event: &Event| match event {
        Event::Audience(audience) => {
            roster(MAX_CONTACTS).contacts().all(|c| audience.admits(&c.address))
        }
        _ => false,
    };
    assert!(gateway.events.iter().rev().take(4).any(sees_all));
    gateway.unwatched = true;
    let one = "<presence to='friend7@far-oscar.xt' type='unavailable'/>\
               <presence to='friend7@far-oscar.xt'><show>away</show></presence>\
               <presence to='friend8@far-oscar.xt' type='unavailable'/>\
               <presence to='friend8@far-oscar.xt' type='subscribed'/>\
               <presence to='friend8@far-oscar.xt'/>";
    let read = filled(one, 64 * 1024);
    let (cost, result) = cost(|| gateway.bytes(Side::Client, read.as_bytes()));
    result.unwrap();
    assert!(cost.bytes <= work_allowed(read.len()), "{cost:?}");
    assert!(cost.peak() <= memory_allowed(read.len()), "{cost:?}");
}

#[test]
fn before_anybody_is_known_little_waits() {
    let mut gateway = Gateway::new(&Xmpp, &Shared::default(), None);
    let said = BASE64.encode("\0ann\0secret");
    let auth = format!(
        "{OPEN}<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{said}</auth>"
    );
    gateway.bytes(Side::Client, auth.as_bytes()).unwrap();
    let (cost, fault) = cost(|| {
        (0..64 * 1024).find_map(|_| gateway.bytes(Side::Client, b"<presence/><presence/>").err())
    });
    assert!(fault.is_some());
    assert!(cost.peak() < 16 * MAX_UNKNOWN, "{cost:?}");
}

#[test]
fn a_session_on_which_nothing_happens_keeps_little() {
    let idle = |contacts| {
        // The witness of these tests keeps its notes there.
        let shared = Shared::default();
        let mut gateway = signed_in_with(&shared, roster(contacts));
        let answer = "<iq type='result' id='r'><query xmlns='jabber:iq:roster' ver='1'/></iq>";
        gateway.bytes(Side::Server, answer.as_bytes()).unwrap();
        gateway.bytes(Side::Client, b"<presence/>").unwrap();
        answer_privacy(&mut gateway);
        assert!(gateway.events.iter().any(|e| matches!(e, Event::Presence(p) if p.is_online())));
        kept(gateway.into_engine())
    };
    // With what all engines share, which here is this one's own.
    let engine = kept(Gateway::new(&Xmpp, &Shared::default(), None).into_engine());
    let (alone, one) = (idle(0) - engine, idle(1) - engine);
    assert!(alone <= 520, "{alone}");
    assert!(one <= alone + 850, "{one}");
}
