//! Alice's client and server, both scripted, with the gateway between them.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use crosstalk_core::{
    Address, Body, Contact, Envelope, EnvelopeId, Event, Input, Outgoing, Presence, Roster, Side,
    Stamp, UnixMillis,
};
use crosstalk_networks::oscar::Oscar;
use crosstalk_networks::oscar::wire::item::List;
use crosstalk_networks::oscar::wire::{Channel, Class, Frame, Item, Snac, UserInfo, Writer, flap};

use crate::common::{Gateway, Shared};

/// Name that libpurple gives itself.
pub const LIBPURPLE: &str = "Purple/2.14.1";
/// Name that an official client gives itself.
pub const OFFICIAL: &str = "AOL Instant Messenger, version 5.9.3702/WIN32";
/// The request id of what a server says on its own.
pub const PUSHED: u32 = 0x8000_0000;
/// Bob, who is foreign.
pub const BOB: &str = "bob@far-oscar.xt";

pub struct Scene {
    pub gateway: Gateway,
    numbers: [u16; 2],
    got: [Vec<Frame>; 2],
    buffers: [BytesMut; 2],
    last_numbers: [Option<u16>; 2],
}

impl Scene {
    /// Alice's connection up to the moment the server has accepted her.
    pub fn accepted(client: &str, roster: impl Into<Option<Roster>>) -> Self {
        let mut scene = Self::connected(client, roster);
        scene.server(Snac::new(1, 3, PUSHED, families()));
        scene.server(Snac::new(1, 7, 4, limits()));
        let alice = UserInfo { name: b"Alice TB", warning: 0, tlvs: &[] }.write(Writer::new());
        scene.server(Snac::new(1, 0x0f, 6, alice.bytes()));
        scene.forget();
        scene
    }

    pub fn connected(client: &str, roster: impl Into<Option<Roster>>) -> Self {
        let shared = Shared::default();
        let gateway = Gateway::new(&Oscar, &shared, roster);
        let mut scene = Self {
            gateway,
            numbers: [0x100, 0x200],
            got: Default::default(),
            buffers: Default::default(),
            last_numbers: [None; 2],
        };
        let hello = Writer::new().u32(flap::VERSION).tlv(6, b"cookie").tlv(3, client);
        scene.frame(Side::Client, Channel::SignOn, &hello.bytes());
        scene.frame(Side::Server, Channel::SignOn, &flap::VERSION.to_be_bytes());
        scene
    }

    /// Alice's session with `own` as her stored list, and ready.
    pub fn online(client: &str, own: Vec<Item>, roster: Roster) -> Self {
        let mut scene = Self::accepted(client, roster);
        scene.client(Snac::new(0x13, 4, 8, Bytes::new()));
        scene.server(Snac::new(0x13, 6, 8, list(own)));
        scene.client(Snac::new(0x13, 7, 9, Bytes::new()));
        scene.client(Snac::new(1, 2, 10, Bytes::new()));
        scene.forget();
        scene
    }

    pub fn client(&mut self, snac: Snac) {
        self.frame(Side::Client, Channel::Data, &snac.encode());
    }

    pub fn server(&mut self, snac: Snac) {
        self.frame(Side::Server, Channel::Data, &snac.encode());
    }

    pub fn frame(&mut self, side: Side, channel: Channel, body: &[u8]) {
        self.numbers[side as usize] += 1;
        let frame = flap::encode(channel, self.numbers[side as usize], body).unwrap();
        self.gateway.bytes(side, &frame).unwrap();
    }

    /// The SNACs that a side got since the last look. Checks that their frames are numbered.
    pub fn got(&mut self, side: Side) -> Vec<Snac> {
        let bytes = self.gateway.take(side);
        let buffer = &mut self.buffers[side as usize];
        buffer.extend_from_slice(&bytes);
        while let Some(frame) = Frame::take(buffer).unwrap() {
            let last = self.last_numbers[side as usize].replace(frame.sequence);
            if let Some(last) = last {
                assert_eq!(frame.sequence, last.wrapping_add(1), "frames to the {side:?}");
            }
            self.got[side as usize].push(frame);
        }
        let frames = std::mem::take(&mut self.got[side as usize]);
        let data = frames.iter().filter(|frame| frame.channel == Channel::Data);
        data.map(|frame| Snac::parse(&frame.body()).unwrap()).collect()
    }

    pub fn client_got(&mut self) -> Vec<Snac> {
        self.got(Side::Client)
    }

    pub fn server_got(&mut self) -> Vec<Snac> {
        self.got(Side::Server)
    }

    /// SNACs that the client got, without the refunds of rate limits.
    pub fn client_news(&mut self) -> Vec<Snac> {
        self.client_got().into_iter().filter(|snac| snac.kind() != (1, 0x0a)).collect()
    }

    /// Looks away.
    pub fn forget(&mut self) {
        self.client_got();
        self.server_got();
        self.gateway.events.clear();
    }

    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.gateway.events)
    }

    /// Messages of the person to foreign people.
    pub fn said(&mut self) -> Vec<Outgoing> {
        let said = |event| if let Event::Send(outgoing) = event { Some(outgoing) } else { None };
        self.events().into_iter().filter_map(said).collect()
    }

    pub fn deliver(&mut self, from: &str, body: Body) {
        let sent_at = self.gateway.now.wall;
        self.deliver_at(sent_at, from, body);
    }

    pub fn deliver_at(&mut self, sent_at: UnixMillis, from: &str, body: Body) {
        let (from, to) = (from.parse().unwrap(), "alicetb@aol".parse().unwrap());
        let envelope = Envelope { id: EnvelopeId(77), from, to, sent_at, body, details: None };
        self.gateway.input(Input::Deliver(envelope)).unwrap();
    }

    pub fn presence(&mut self, presence: Presence) {
        self.presence_of("bob@far-oscar", presence);
    }

    pub fn presence_of(&mut self, of: &str, presence: Presence) {
        let of = of.parse().unwrap();
        self.gateway.input(Input::Presence { of, presence }).unwrap();
    }

    pub fn changed(&mut self, contact: Contact) {
        self.gateway.input(Input::Changed(contact)).unwrap();
    }

    pub fn wait(&mut self, seconds: u64) {
        self.gateway.wait(Duration::from_secs(seconds));
    }
}

pub fn bob_address() -> Address {
    "bob@far-oscar".parse().unwrap()
}

/// Bob in Alice's list, in these groups.
pub fn bob(groups: &[&str]) -> Contact {
    let groups = groups.iter().map(|&group| group.to_owned()).collect();
    Contact { listed: true, groups, ..Contact::new(bob_address(), BOB.to_owned()) }
}

pub fn roster(contacts: impl IntoIterator<Item = Contact>) -> Roster {
    let mut roster = Roster::default();
    for contact in contacts {
        roster.put(contact, Stamp::default());
    }
    roster
}

/// A root, a group "Friends" and Carol in it, as a server stores them.
pub fn friends() -> Vec<Item> {
    vec![group("", 0, &[1]), group("Friends", 1, &[1]), Item::new("CarolTB", 1, 1, Class::Buddy)]
}

pub fn group(name: &'static str, id: u16, order: &[u16]) -> Item {
    let mut group = Item::new(name, id, 0, Class::Group);
    if !order.is_empty() {
        group.set_order(order);
    }
    group
}

pub fn buddy(name: &'static str, group: u16, item: u16) -> Item {
    Item::new(name, group, item, Class::Buddy)
}

pub const CHANGED: u32 = 0x6b02_9bb7;

pub fn list(items: Vec<Item>) -> Bytes {
    List { version: 0, items, changed: CHANGED }.encode()
}

pub fn items(snac: &Snac) -> Vec<Item> {
    let (items, whole) = Item::read_some(&snac.body);
    whole.unwrap();
    items
}

pub fn edit(subtype: u16, request: u32, items: &[Item]) -> Snac {
    let body = items.iter().fold(Writer::new(), |w, item| item.write(w)).bytes();
    Snac::new(0x13, subtype, request, body)
}

pub fn kinds(snacs: &[Snac]) -> Vec<(u16, u16)> {
    snacs.iter().map(Snac::kind).collect()
}

fn families() -> Bytes {
    [1u16, 2, 3, 4, 9, 0x13].iter().fold(Writer::new(), |w, f| w.u16(*f)).bytes()
}

/// Two rate classes; messages are in the second.
fn limits() -> Bytes {
    let class = |w: Writer, id: u16, levels: [u32; 7]| {
        levels.iter().fold(w.u16(id), |w, l| w.u32(*l)).u32(0).u8(0)
    };
    let w = class(Writer::new().u16(2), 1, [80, 2500, 2000, 1500, 800, 5850, 6000]);
    let w = class(w, 3, [20, 5100, 5000, 4000, 3000, 6000, 6000]);
    let w = w.u16(1).u16(1).u16(0x13).u16(8);
    w.u16(3).u16(1).u16(4).u16(6).bytes()
}
