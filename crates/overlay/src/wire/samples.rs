//! One value of everything that gateways say and store, for the bytes that are checked in.

use crosstalk_core::{
    Address, Availability, Body, Consent, Contact, Detail, Details, Envelope, EnvelopeId, Failure,
    Presence, Question, RichText, Roster, Stamp, Style, Subscription, Typing, UnixMillis,
};
use libp2p_identity::Keypair;

use super::frame::{Frame, Hello, Record};
use super::mapping::tests::{mapping, namespace, owner};
use super::mapping::{Offered, Vouched};
use super::message::Message;
use crate::membership::Key;
use crate::membership::identity::gateway_id;
use crate::membership::signed_addresses::Card;
use crate::membership::{Admitted, GatewayId, Member, Operator};

const FAILURES: [(&str, Failure); 8] = [
    ("offline", Failure::Offline),
    ("unreachable", Failure::Unreachable),
    ("no such user", Failure::NoSuchUser),
    ("refused", Failure::Refused),
    ("busy", Failure::Busy),
    ("expired", Failure::Expired),
    ("blocked", Failure::Blocked),
    ("unconfirmed", Failure::Unconfirmed),
];

pub(crate) fn alice() -> Address {
    "alice@aol".parse().unwrap()
}

fn bob() -> Address {
    "bob@example.org@jabber".parse().unwrap()
}

fn id(n: u8) -> GatewayId {
    GatewayId::from_bytes([n; 32])
}

pub(crate) fn hello() -> Hello {
    Hello { oldest: 1, newest: 3, epoch: 300, addresses: vec!["a.example:7700".into()] }
}

/// A text with every style, some of them over each other.
fn styled() -> RichText {
    let mut text = RichText::plain("one\n");
    text.push("tw\u{f6} ", &[Style::Bold, Style::Italic, Style::Colour(0xff_80_00)]);
    text.push("three", &[Style::Underline, Style::Strike]);
    text.push(" four", &[Style::Link("https://example.org/".into())]);
    text
}

fn said(body: Body) -> Message {
    Message::Envelope(envelope(body))
}

pub(crate) fn envelope(body: Body) -> Envelope {
    let (id, sent_at) = (EnvelopeId((7 << 64) + 300), UnixMillis(1_800_000_000_000));
    Envelope { id, from: alice(), to: bob(), sent_at, body, details: None }
}

fn text(text: RichText, auto: bool) -> Message {
    said(Body::Text { text, auto })
}

fn presence(show: Availability) -> Message {
    let presence = Presence { show, ..Presence::default() };
    Message::Presence { of: alice(), presence, to: vec![bob()] }
}

/// A text with every detail that there is. Before version 4 they are left out.
pub(crate) fn detailed() -> Frame {
    let details = Details {
        message_id: Detail::new("purple1f"),
        replaces: Detail::new("purple1e"),
        endpoint: Detail::new("phone"),
        nickname: Detail::new("W\u{f6}lfi"),
        no_copy: true,
    };
    let mut envelope = envelope(Body::Text { text: "hello".into(), auto: false });
    envelope.details = details.boxed();
    let (number, settled, hops, age_ms) = (300, 299, 1, 1234);
    let message = Message::Envelope(envelope);
    Frame::Said { number, settled, hops, age_ms, message }
}

/// Messages from router to router.
pub(crate) fn messages() -> Vec<(String, Message)> {
    let away = Presence {
        show: Availability::Away,
        text: styled(),
        idle_since: Some(UnixMillis(1_799_999_999_000)),
        online_since: Some(UnixMillis(1_799_999_000_000)),
    };
    let of = EnvelopeId(u128::MAX);
    let named = [
        ("text plain", text("hello".into(), false)),
        ("text styled", text(styled(), false)),
        ("text automatic", text("I am away".into(), true)),
        ("typing active", said(Body::Typing(Typing::Active))),
        ("typing paused", said(Body::Typing(Typing::Paused))),
        ("typing idle", said(Body::Typing(Typing::Idle))),
        ("receipt received", said(Body::Receipt { of, displayed: false })),
        ("receipt displayed", said(Body::Receipt { of, displayed: true })),
        ("attention", said(Body::Attention)),
        ("consent request", said(Body::Contact(Consent::Request("let me in".into())))),
        ("consent grant", said(Body::Contact(Consent::Grant))),
        ("consent revoke", said(Body::Contact(Consent::Revoke))),
        ("consent cancel", said(Body::Contact(Consent::Cancel))),
        ("body undelivered", said(Body::Undelivered { of, why: Failure::Expired })),
        ("presence offline", presence(Availability::Offline)),
        ("presence extended away", presence(Availability::ExtendedAway)),
        ("presence away", presence(Availability::Away)),
        ("presence busy", presence(Availability::Busy)),
        ("presence available", presence(Availability::Available)),
        ("presence chatty", presence(Availability::Chatty)),
        ("presence full", Message::Presence { of: alice(), presence: away, to: Vec::new() }),
        ("probe", Message::Probe { of: bob(), by: vec![alice(), "eve@yahoo".parse().unwrap()] }),
    ];
    let named = named.into_iter().map(|(name, message)| (name.to_owned(), message));
    let question = Question::new("music", "now").unwrap();
    let question = Message::Question { of: bob(), by: alice(), question };
    let named = named.chain([("question".to_owned(), question)]);
    let report = |why| Message::Report { of, from: alice(), to: bob(), why };
    let reports = FAILURES.map(|(name, why)| (format!("report {name}"), report(why)));
    named.chain(reports).collect()
}

fn at(millis: u64) -> Stamp {
    Stamp { millis, writer: 9 }
}

/// A list with contacts in every state, one that was removed, and the trace of a wipe.
pub(crate) fn roster() -> Roster {
    let mut roster = Roster::default();
    roster.put(Contact::new("gone@yahoo".parse().unwrap(), "gone".into()), at(1));
    roster.wipe(at(2));
    let named = |name: &str| Contact::new(name.parse().unwrap(), name.to_owned());
    let friend = Contact {
        alias: Some("Bob".into()),
        groups: vec!["Friends".into(), "W\u{f6}rk".into()],
        listed: true,
        to: Subscription::Granted,
        from: Subscription::Granted,
        ..named("bob@example.org@jabber")
    };
    roster.put(friend, at(10));
    let asked = Contact { from: Subscription::Asked(styled()), ..named("carol@msn") };
    roster.put(asked.clone(), at(20));
    let asks = Contact { listed: true, to: Subscription::Asked("hi".into()), ..named("dan@yahoo") };
    roster.put(asks, at(30));
    roster.put(Contact { blocked: true, ..named("eve@yahoo") }, at(40));
    let removed = Contact { listed: true, ..named("fay@yahoo") };
    roster.put(removed, at(50));
    roster.put(named("fay@yahoo"), at(60));
    roster
}

/// A signed document and a signed card, from keys that everybody knows.
fn signed() -> (Frame, Frame) {
    let key = |n: u8| Keypair::ed25519_from_bytes([n; 32]).unwrap();
    let own = gateway_id(&key(1)).unwrap();
    let address: crosstalk_core::HostPort = "a.example:7700".parse().unwrap();
    let networks = vec!["aol".parse().unwrap()];
    let member = Member { id: own, addresses: vec![address.clone()], networks };
    let admitted = Admitted { member, until: Some("2030-12-31".parse().unwrap()) };
    let document = Operator::new(key(2)).unwrap().sign(5, &[admitted]).unwrap();
    let card = Card::sign(&key(1), own, 300, &[address]).unwrap();
    (Frame::Membership(document.signed()), Frame::Cards(vec![card]))
}

/// A mapping of a key that everybody knows, and one that was removed.
pub(crate) fn vouched() -> Vec<Vouched> {
    let by = GatewayId::from_bytes(*namespace(2).as_bytes());
    let said = mapping(1, "city", Some("Oslo"), 300, 1_800_000_000);
    let removed = mapping(1, "w\u{f6}rk", None, 301, 1_800_000_001);
    let rows = [said, removed].into_iter();
    rows.map(|mapping| Vouched::sign(&owner(2), by, mapping).unwrap()).collect()
}

/// Every frame about mappings.
fn frames_of_mappings() -> Vec<(String, Frame)> {
    let (namespace, rows) = (namespace(1), vouched());
    let put = |ask, rows, whole, turn| Frame::MappingPut { ask, namespace, rows, whole, turn };
    let named = [
        ("mapping get", Frame::MappingGet { ask: 7, namespace, from: "c".into(), most: 300 }),
        ("mapping got", Frame::MappingGot { ask: 7, rows: rows.clone(), more: true }),
        ("mapping put fresh", put(8, vec![rows[0].clone()], None, 3)),
        ("mapping put last", put(0, rows, Some(u64::MAX), 1)),
        ("mapping digests", Frame::MappingDigests(vec![(namespace, u64::MAX)])),
        ("mapping want", Frame::MappingWant(vec![namespace])),
        ("mapping watch", Frame::MappingWatch { namespace, digest: 300 }),
    ];
    let outcomes = [
        ("kept", Offered::Kept),
        ("stale", Offered::Stale),
        ("outlived", Offered::Outlived),
        ("full", Offered::Full),
        ("refused", Offered::Refused),
    ];
    let offered = outcomes.map(|(name, outcome)| {
        (format!("mapping offered {name}"), Frame::MappingOffered { ask: 8, outcome })
    });
    let named = named.map(|(name, frame)| (name.to_owned(), frame));
    named.into_iter().chain(offered).collect()
}

/// Every frame.
pub(crate) fn frames() -> Vec<(String, Frame)> {
    let key = Key::of(&alice());
    let (membership, cards) = signed();
    let records = vec![
        Record::Here { key, version: 300 },
        Record::Gone { key, version: 301 },
        Record::Watch { key, turn: 5 },
        Record::Unwatch { key },
        Record::Seen { key, gateway: id(1), epoch: 2, version: 3, present: true },
        Record::Answered { key, turn: 5 },
    ];
    let part = |whole, turn| Frame::RosterPut { owner: alice(), part: roster(), whole, turn };
    let message = || text("hello".into(), false);
    let named = [
        ("lease", Frame::Lease { seq: 1, ttl_ms: 15_000 }),
        ("records", Frame::Records(records)),
        ("synced", Frame::Synced { version: 300 }),
        ("heard out", Frame::HeardOut(vec![(id(1), 2, 3)])),
        ("locate", Frame::Locate { ask: 4, key }),
        ("located", Frame::Located { ask: 4, at: vec![(id(1), 2)] }),
        ("message", Frame::Message { number: 2, settled: 1, message: message() }),
        ("answer ok", Frame::Answer { number: 300, outcome: Ok(()) }),
        ("roster get", Frame::RosterGet { ask: 6, owner: bob() }),
        ("roster got", Frame::RosterGot { ask: 6 }),
        ("roster put", part(None, 0)),
        ("roster put last", part(Some(u64::MAX), 2)),
        ("roster digests", Frame::RosterDigests(vec![(key, u64::MAX)])),
        ("roster want", Frame::RosterWant(vec![key])),
        ("era", Frame::Era(8)),
        ("membership get", Frame::MembershipGet),
        ("membership", membership),
        ("cards", cards),
    ];
    let named = named.into_iter().map(|(name, frame)| (name.to_owned(), frame));
    let answer = |why| Frame::Answer { number: 300, outcome: Err(why) };
    let answers = FAILURES.map(|(name, why)| (format!("answer {name}"), answer(why)));
    let said = messages().into_iter().map(|(name, message)| {
        let (number, settled, hops, age_ms) = (300, 299, 1, 1234);
        (format!("said {name}"), Frame::Said { number, settled, hops, age_ms, message })
    });
    named.chain(answers).chain(said).chain(frames_of_mappings()).collect()
}
