//! No foreign name, and no id of a foreign item, ever reaches the server.

use std::collections::BTreeSet;

use crosstalk_core::{Contact, Side};
use crosstalk_networks::oscar::wire::message::{self, Head, TEXT};
use crosstalk_networks::oscar::wire::{Class, Item, ItemId, Snac, Writer};

use crate::common::Random;
use crate::scene::*;

const NAMES: [&str; 8] = [
    "CarolTB",
    "bob@far-oscar.xt",
    "Eve @ FAR-oscar",
    "carol%hotmail.com@far-oscar.xt",
    "carol@hotmail.com",
    "x@nowhere.xt",
    "crosstalk@gateway.xt",
    "12345",
];

fn is_foreign(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).replace(' ', "").to_ascii_lowercase();
    [".xt", "@far-oscar"].iter().any(|end| name.ends_with(end))
}

/// A server that knows what it was told, and its clients' ids.
struct Server {
    items: BTreeSet<ItemId>,
}

impl Server {
    /// Checks an edit as it arrives, and answers it.
    fn take(&mut self, snac: &Snac) -> Snac {
        let items = items(snac);
        for item in &items {
            assert!(!is_foreign(&item.name), "{:?}", item.name);
            match snac.subtype {
                0x0a => drop(self.items.remove(&item.id)),
                _ => drop(self.items.insert(item.id)),
            }
        }
        for group in items.iter().filter(|i| i.class == Class::Group && snac.subtype != 0x0a) {
            for member in group.order() {
                let id = match group.id.group {
                    0 => ItemId { group: member, item: 0 },
                    group => ItemId { group, item: member },
                };
                assert!(self.items.contains(&id), "{id:?} in {:?} was never told", group.name);
            }
        }
        let codes = items.iter().fold(Writer::new(), |w, _| w.u16(0)).bytes();
        Snac::new(0x13, 0x0e, snac.request, codes)
    }
}

fn some_edit(random: &mut Random, request: u32) -> Snac {
    let subtype = [8, 8, 8, 9, 9, 0x0a][random.below(6)];
    let items: Vec<Item> = (0..=random.below(4))
        .map(|_| {
            let group_id = [0, 1, 1, 2, 0x7f01, 0x7f02][random.below(6)];
            let item = [1, 2, 3, 0x6001, 0x6002][random.below(5)];
            match random.below(5) {
                0 => {
                    let order: Vec<u16> = [1, 2, 3, 0x6001, 0x6002, 0x7f01]
                        .into_iter()
                        .take(random.below(7))
                        .collect();
                    group(["Friends", "Work"][random.below(2)], group_id, &order)
                }
                1 => Item::new(NAMES[random.below(8)], 0, item, Class::Deny),
                2 => Item::new(NAMES[random.below(8)], 0, item, Class::Other(0x19)),
                _ => buddy(NAMES[random.below(8)], group_id, item),
            }
        })
        .collect();
    edit(subtype, request, &items)
}

fn some_question(random: &mut Random, request: u32) -> Snac {
    let name = NAMES[random.below(8)];
    let head = || Head { cookie: [1; 8], channel: 1, name: name.as_bytes() }.write(Writer::new());
    let other = NAMES[random.below(8)];
    let names = || Writer::new().short(name).short(other);
    let (family, subtype, body) = match random.below(14) {
        0 => (4, 6, head().tlv(TEXT, message::encode("hi"))),
        1 => (4, 0x14, head().u16(2)),
        2 => (4, 8, Writer::new().u16(0).short(name)),
        3 => (4, 0x0b, head().u16(3)),
        4 => (2, 5, Writer::new().u16(1).short(name)),
        5 => (2, 0x15, Writer::new().u32(3).short(name)),
        6 => (2, 0x0b, Writer::new().short(name)),
        7 => (3, 4, names()),
        8 => (3, 5, names()),
        9 => (9, [5, 6, 7, 8, 0x0a, 0x0b][random.below(6)], names()),
        10 => (0x13, [0x14, 0x16, 0x18, 0x1a][random.below(4)], Writer::new().short(name).u8(1)),
        11 => (0x0a, 2, Writer::new().raw(name.as_bytes())),
        12 => (3, [0x0f, 0x10][random.below(2)], names()),
        _ => (0x13, [0x11, 0x12][random.below(2)], Writer::new()),
    };
    Snac::new(family, subtype, request, body.bytes())
}

#[test]
fn odd_spellings_of_a_foreign_name_are_foreign() {
    let mut scene = Scene::online(OFFICIAL, friends(), roster([bob(&["Friends"])]));
    for name in ["bob@far-oscar.xt.", "B o b@FAR-OSCAR.", "bob@far-oscar\0", "x@nowhere.XT."] {
        let head = Head { cookie: [1; 8], channel: 1, name: name.as_bytes() };
        let message = head.write(Writer::new()).tlv(TEXT, message::encode("hi")).bytes();
        scene.client(Snac::new(4, 6, 1, message));
        scene.client(Snac::new(2, 5, 2, Writer::new().u16(1).short(name).bytes()));
        assert_eq!(scene.server_got(), [], "{name}");
    }
    assert_eq!(scene.said().len(), 3);
}

#[test]
fn a_search_for_a_foreign_name_finds_nobody() {
    let mut scene = Scene::online(OFFICIAL, friends(), roster([]));
    // 15/02 of ICQ: a search by e-mail address, in a TLV as ICQ writes them.
    let search = |name: &str| {
        let length = name.len() as u8 + 1;
        let question = Writer::new().raw(b"\0\0\x0e\0\x01\0\xd0\x07\x34\x12\x73\x05\x5e\x01");
        let question = question.raw(&[length + 2, 0, length, 0]).raw(name.as_bytes()).u8(0);
        Snac::new(0x15, 2, 7, Writer::new().tlv(1, question.bytes()).bytes())
    };
    scene.client(search(BOB));
    assert_eq!(scene.server_got(), []);
    let answer = b"\0\x01\0\x0d\x0b\0\x0e\0\x01\0\xda\x07\x34\x12\xae\x01\x32";
    assert_eq!(scene.client_news(), [Snac::new(0x15, 3, 7, &answer[..])]);
    scene.client(search("carol@hotmail.com"));
    assert_eq!(kinds(&scene.server_got()), [(0x15, 2)]);
}

#[test]
fn a_session_that_is_not_understood_any_more_is_not_spliced() {
    for side in [Side::Client, Side::Server] {
        let mut scene = Scene::online(OFFICIAL, friends(), roster([]));
        assert!(!scene.gateway.altered());
        assert!(scene.gateway.bytes(side, b"not a FLAP").is_err());
        assert!(scene.gateway.altered(), "{side:?}");
    }
}

#[test]
fn no_edit_and_no_question_tells_the_server_a_foreign_name() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let contacts = ["bob@far-oscar", "eve@far-oscar"].map(|name| {
            let contact = Contact::new(name.parse().unwrap(), format!("{name}.xt"));
            Contact { listed: true, groups: vec!["Friends".into()], ..contact }
        });
        let mut scene = Scene::online(LIBPURPLE, friends(), roster(contacts));
        let mut server = Server { items: friends().iter().map(|item| item.id).collect() };
        for request in 1..60 {
            let edits = random.below(2) == 0;
            let make = if edits { some_edit } else { some_question };
            let snac = make(&mut random, request);
            scene.client(snac);
            for snac in scene.server_got() {
                if let (0x13, 8..=0x0a) = snac.kind() {
                    let ack = server.take(&snac);
                    scene.server(ack);
                } else {
                    let text = String::from_utf8_lossy(&snac.body).to_lowercase();
                    assert!(!text.contains(".xt") && !text.contains("@far-oscar"), "{snac:?}");
                }
            }
            let acks: Vec<u32> = scene
                .client_got()
                .iter()
                .filter(|snac| snac.kind() == (0x13, 0x0e))
                .map(|snac| snac.request)
                .collect();
            assert_eq!(acks.len(), usize::from(edits), "each edit is answered once: {acks:?}");
        }
        assert!(scene.got(Side::Server).is_empty());
    }
}
