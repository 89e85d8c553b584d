//! A law over all SNACs of a client's: no foreign name reaches the server, wherever in them it stands.

use bytes::Bytes;
use crosstalk_core::{Contact, Side};
use crosstalk_networks::oscar::wire::message::{self, Head, TEXT};
use crosstalk_networks::oscar::wire::{Channel, Class, Item, Snac, Writer, flap};

use crate::scene::*;

/// Form of a name in a SNAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Behind a cookie and a channel, and before these many bytes.
    Icbm(usize),
    /// Behind its length in one byte, so many bytes from the front.
    Short(usize),
    /// One of a list, with others before and behind it.
    List,
    /// All there is.
    Whole,
    /// In a TLV of this type.
    Tlv(u16),
    /// In an item of the stored list, of this class.
    Item(u16),
    /// In a question of ICQ's of this kind.
    Icq(u16),
}

/// Whether the client waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Due,
    None,
}

use Answer::{Due, None as Silent};
use Place::{Icbm, Icq, List, Short, Tlv, Whole};

/// Every SNAC of the protocol in which a client names somebody, and where.
const NAMED: [(u16, u16, Place, Answer); 56] = [
    (0x02, 0x05, Short(2), Due),
    (0x02, 0x07, List, Due),
    (0x02, 0x0b, Short(0), Due),
    (0x02, 0x15, Short(4), Due),
    (0x03, 0x04, List, Silent),
    (0x03, 0x05, List, Silent),
    (0x03, 0x06, List, Due),
    (0x03, 0x0f, List, Silent),
    (0x03, 0x10, List, Silent),
    (0x04, 0x06, Icbm(0), Due),
    (0x04, 0x06, Icbm(40), Due),
    (0x04, 0x08, Short(2), Due),
    (0x04, 0x0b, Icbm(2), Silent),
    (0x04, 0x0c, Icbm(0), Due),
    (0x04, 0x14, Icbm(2), Silent),
    (0x06, 0x02, Tlv(0x11), Due),
    (0x07, 0x04, Tlv(0x11), Due),
    (0x08, 0x02, Short(0), Due),
    (0x09, 0x05, List, Silent),
    (0x09, 0x06, List, Silent),
    (0x09, 0x07, List, Silent),
    (0x09, 0x08, List, Silent),
    (0x09, 0x0a, List, Silent),
    (0x09, 0x0b, List, Silent),
    (0x0a, 0x02, Whole, Due),
    (0x0b, 0x03, Tlv(0x09), Due),
    (0x0d, 0x06, Short(2), Due),
    (0x0f, 0x02, Tlv(0x05), Due),
    (0x0f, 0x04, Tlv(0x05), Due),
    (0x10, 0x04, Short(0), Due),
    (0x10, 0x06, Short(0), Due),
    (0x13, 0x08, Place::Item(0), Due),
    (0x13, 0x08, Place::Item(2), Due),
    (0x13, 0x08, Place::Item(3), Due),
    (0x13, 0x08, Place::Item(0x0e), Due),
    (0x13, 0x08, Place::Item(0x19), Due),
    (0x13, 0x09, Place::Item(0), Due),
    (0x13, 0x09, Place::Item(3), Due),
    (0x13, 0x0a, Place::Item(0), Due),
    (0x13, 0x0a, Place::Item(0x19), Due),
    (0x13, 0x14, Short(0), Silent),
    (0x13, 0x16, Short(0), Silent),
    (0x13, 0x18, Short(0), Silent),
    (0x13, 0x1a, Short(0), Silent),
    (0x15, 0x02, Icq(0x0515), Due),
    (0x15, 0x02, Icq(0x0529), Due),
    (0x15, 0x02, Icq(0x0533), Due),
    (0x15, 0x02, Icq(0x055f), Due),
    (0x15, 0x02, Icq(0x0569), Due),
    (0x15, 0x02, Icq(0x0573), Due),
    (0x15, 0x02, Icq(0x0fa0), Due),
    (0x15, 0x02, Icq(0x0898), Due),
    (0x18, 0x06, Short(4), Due),
    (0x18, 0x16, Tlv(0x11), Due),
    (0x25, 0x02, Tlv(0x01), Due),
    (0x77, 0x77, Whole, Due),
];

/// A foreign person and nobody, in the spellings that clients send.
const NAMES: [&str; 7] = [
    BOB,
    "Bob @FAR-oscar.XT",
    "bob@far-oscar",
    "carol%hotmail.com@far-oscar.xt",
    "x@nowhere.xt",
    "bob@far-oscar.xt.",
    "bob@far-oscar.xt\0",
];

fn write(w: Writer, name: &[u8], place: Place) -> Writer {
    let zeros = |count| vec![0; count];
    match place {
        Icbm(behind) => {
            let head = Head { cookie: [1; 8], channel: 1, name }.write(w);
            if behind > 2 {
                return head.tlv(TEXT, message::encode("hi")).tlv(3, []);
            }
            head.raw(&zeros(behind))
        }
        Short(before) => w.raw(&zeros(before)).short(name).u8(1),
        List => w.short("CarolTB").short(name).short("DaveTB"),
        Whole => w.raw(name),
        Tlv(kind) => w.tlv(0x15, "welcome").tlv(kind, name).tlv(0x30, [1]),
        Place::Item(class) => {
            let class = Class::from(class);
            let group = u16::from(class == Class::Buddy);
            Item::new(name.to_vec(), group, name.len() as u16, class).write(w)
        }
        Icq(kind) => {
            let question = Writer::new().raw(b"\x20\0\x0e\0\x01\0\xd0\x07\x34\x12");
            let question = question.u16(kind.swap_bytes()).raw(b"\x5e\x01\x24\0");
            let question = question.u16((name.len() as u16 + 1).swap_bytes()).raw(name).u8(0);
            w.tlv(1, question.bytes())
        }
    }
}

fn scene() -> Scene {
    let eve = Contact::new("eve@far-oscar".parse().unwrap(), "eve@far-oscar.xt".to_owned());
    Scene::online(
        LIBPURPLE,
        friends(),
        roster([bob(&["Friends"]), Contact { listed: true, ..eve }]),
    )
}

/// Whether bytes hold a foreign name, however it is spelled.
fn leaks(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).replace(' ', "").to_lowercase();
    text.contains(".xt") || text.contains("@far-oscar")
}

fn holds(bytes: &[u8], name: &str) -> bool {
    bytes.windows(name.len()).any(|part| part == name.as_bytes())
}

#[test]
fn no_foreign_name_reaches_the_server_and_who_waits_is_answered() {
    for (family, subtype, place, answer) in NAMED {
        for name in NAMES {
            let mut scene = scene();
            let body = write(Writer::new(), name.as_bytes(), place).bytes();
            scene.client(Snac::new(family, subtype, 0x2c, body));
            let told = format!("{family:02x}/{subtype:02x}, {place:?}: {name:?}");
            for snac in scene.server_got() {
                assert!(!leaks(&snac.body), "{told}");
            }
            let answers = scene.client_news();
            let is_answered = answers.iter().any(|s| s.request == 0x2c && s.family == family);
            assert!(is_answered || answer == Silent, "{told}: {answers:?}");
            // What is of one's own network is the server's business.
            scene = crate::names::scene();
            let own = write(Writer::new(), b"carol@hotmail.com", place).bytes();
            let own = Snac::new(family, subtype, 0x2d, own);
            scene.client(own.clone());
            assert_eq!(scene.server_got(), [own], "{told}");
        }
    }
}

#[test]
fn a_foreign_name_in_a_snac_that_is_cut_short_does_not_reach_the_server() {
    for (family, subtype, place, _) in NAMED {
        let mut body = write(Writer::new(), BOB.as_bytes(), place).bytes().to_vec();
        while holds(&body, BOB) {
            let mut scene = scene();
            let snac = Snac::new(family, subtype, 0x2c, Bytes::from(body.clone()));
            let frame = flap::encode(Channel::Data, 0x105, &snac.encode()).unwrap();
            // A connection may end by it.
            let _ = scene.gateway.bytes(Side::Client, &frame);
            let told = format!("{family:02x}/{subtype:02x}, {place:?}, {} bytes", body.len());
            assert!(!holds(&scene.gateway.take(Side::Server), BOB), "{told}");
            body.pop();
        }
    }
}

/// SNACs of the client's that hold words, names in places of their own, or none at all.
const KNOWN: [(u16, u16); 25] = [
    (0x01, 0x02),
    (0x01, 0x0e),
    (0x01, 0x11),
    (0x01, 0x1e),
    (0x02, 0x04),
    (0x04, 0x02),
    (0x04, 0x06),
    (0x06, 0x02),
    (0x07, 0x04),
    (0x0c, 0x02),
    (0x0e, 0x05),
    (0x10, 0x02),
    (0x13, 0x02),
    (0x13, 0x04),
    (0x13, 0x05),
    (0x13, 0x08),
    (0x13, 0x09),
    (0x13, 0x0a),
    (0x13, 0x11),
    (0x13, 0x12),
    (0x13, 0x14),
    (0x13, 0x16),
    (0x13, 0x18),
    (0x13, 0x1a),
    (0x15, 0x02),
];

#[test]
fn nor_does_one_in_a_snac_that_nobody_knows() {
    let places = [Short(0), Short(2), Short(4), List, Whole, Tlv(0x11), Icbm(2)];
    for family in 1..=0x26 {
        for subtype in 1..=0x30 {
            let mut scene = scene();
            for (place, name) in places.into_iter().zip(NAMES.into_iter().cycle()) {
                if KNOWN.contains(&(family, subtype)) {
                    continue;
                }
                let body = write(Writer::new(), name.as_bytes(), place).bytes();
                let snac = Snac::new(family, subtype, 0x2c, body);
                let frame = flap::encode(Channel::Data, 0x105, &snac.encode()).unwrap();
                let _ = scene.gateway.bytes(Side::Client, &frame);
                let told = format!("{family:02x}/{subtype:02x}, {place:?}: {name:?}");
                assert!(!leaks(&scene.gateway.take(Side::Server)), "{told}");
            }
        }
    }
}

#[test]
fn a_service_that_is_asked_about_people_is_asked_about_none_who_are_foreign() {
    for (family, subtype, place) in [(0x10, 4, Short(0)), (0x10, 6, Short(0)), (0x0f, 2, Tlv(5))] {
        let mut scene = Scene::connected(LIBPURPLE, None);
        scene.server(Snac::new(1, 3, PUSHED, Writer::new().u16(1).u16(family).bytes()));
        scene.forget();
        assert!(!scene.gateway.opaque, "{family:02x}");
        let ask = |name: &str| {
            let body = write(Writer::new(), name.as_bytes(), place).bytes();
            Snac::new(family, subtype, 0x2c, body)
        };
        scene.client(ask(BOB));
        assert_eq!(scene.server_got(), []);
        assert_eq!(scene.client_got(), [Snac::new(family, 1, 0x2c, &[0, 0x14][..])]);
        scene.client(ask("CarolTB"));
        assert_eq!(scene.server_got(), [ask("CarolTB")]);
    }
}

#[test]
fn words_may_name_anybody() {
    let mut scene = scene();
    let words = format!("<HTML>write to {BOB}</HTML>");
    let invitation = Writer::new().tlv(0x11, "carol@hotmail.com").tlv(0x15, &words[..]);
    let password = Writer::new().tlv(0x02, BOB).tlv(0x12, "old");
    for (family, subtype, body) in [
        (0x02, 0x04, Writer::new().tlv(4, &words[..])),
        (0x06, 0x02, invitation),
        (0x07, 0x04, password),
        (0x0e, 0x05, Writer::new().tlv(5, &words[..])),
        (0x15, 0x02, write(Writer::new(), BOB.as_bytes(), Icq(0x0c3a))),
    ] {
        let snac = Snac::new(family, subtype, 7, body.bytes());
        scene.client(snac.clone());
        assert_eq!(scene.server_got(), [snac]);
    }
}
