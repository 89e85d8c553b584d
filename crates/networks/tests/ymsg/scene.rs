//! Ann's client and her server, with nothing but an engine between them.
#![allow(unreachable_pub)]

use std::fmt::Write as _;

use bytes::BytesMut;
use crosstalk_core::{
    Address, Body, Contact, Envelope, EnvelopeId, Event, Fault, Input, Outgoing, Presence, Roster,
    RosterEdit, Side, Stamp, Subscription,
};
use crosstalk_networks::ymsg::Ymsg;
use crosstalk_networks::ymsg::wire::{Draft, Packet, Style};

use crate::common::{Gateway, Shared};

/// Bob, who is foreign.
pub const BOB: &str = "bob@far-oscar.xt";

pub struct Scene {
    pub shared: Shared,
    pub gateway: Gateway,
    version: u16,
}

impl Scene {
    /// Ann's client in `version` has shown its proof, and her server is about to accept her.
    pub fn before_the_list(version: u16, roster: impl Into<Option<Roster>>) -> Self {
        let release = if version < 13 { "6.0" } else { "9.0" };
        Self::of_release(version, release, roster)
    }

    /// The same, with a client of this release.
    pub fn of_release(version: u16, release: &str, roster: impl Into<Option<Roster>>) -> Self {
        let mut scene = Self::connected(version, &Shared::default(), roster);
        scene.client("57/0 1=ann");
        scene.server("57/1 1=ann 94=x");
        scene.client(&format!("54/0 0=ann 6=x 96=x 1=ann 135={release}"));
        scene.forget();
        scene
    }

    /// A connection on which nobody has said anything.
    pub fn connected(version: u16, shared: &Shared, roster: impl Into<Option<Roster>>) -> Self {
        let gateway = Gateway::new(&Ymsg, shared, roster);
        Self { shared: shared.clone(), gateway, version }
    }

    /// She is signed on, with an empty list at the server.
    pub fn signed_on(version: u16, roster: Roster) -> Self {
        let mut scene = Self::before_the_list(version, roster);
        scene.accept();
        scene.forget();
        scene
    }

    /// The server's empty list.
    pub fn accept(&mut self) {
        if self.version < 15 {
            self.server("55/0 87= 88= 89=ann 3=ann");
            self.server("1/0 0=ann 1=ann 8=0");
        } else {
            self.server("f1/0");
            self.server("f0/1 0=ann 1=ann 8=0");
        }
    }

    /// The client sends a packet, written as [`written`] writes it.
    pub fn client(&mut self, packet: &str) {
        self.send(Side::Client, packet);
    }

    pub fn server(&mut self, packet: &str) {
        self.send(Side::Server, packet);
    }

    pub fn try_client(&mut self, packet: &str) -> Result<(), Fault> {
        self.try_send(Side::Client, packet)
    }

    pub fn try_server(&mut self, packet: &str) -> Result<(), Fault> {
        self.try_send(Side::Server, packet)
    }

    fn send(&mut self, side: Side, packet: &str) {
        self.try_send(side, packet).unwrap();
    }

    fn try_send(&mut self, side: Side, packet: &str) -> Result<(), Fault> {
        self.gateway.bytes(side, &frame(self.version, side, packet))
    }

    /// Packets that the client got since it was last asked for.
    pub fn client_got(&mut self) -> Vec<String> {
        let got = self.gateway.take(Side::Client);
        self.packets(&got)
    }

    pub fn server_got(&mut self) -> Vec<String> {
        let got = self.gateway.take(Side::Server);
        self.packets(&got)
    }

    fn packets(&self, bytes: &[u8]) -> Vec<String> {
        let mut bytes = BytesMut::from(bytes);
        let take = || {
            let packet = Packet::take(Side::Server, &mut bytes).unwrap()?;
            assert_eq!((packet.style.version, packet.style.session), (self.version, 0x55aa));
            Some(written(&packet))
        };
        std::iter::from_fn(take).collect()
    }

    pub fn forget(&mut self) {
        self.gateway.take(Side::Client);
        self.gateway.take(Side::Server);
        self.gateway.events.clear();
    }

    /// Bob's side says something to Ann.
    pub fn deliver(&mut self, body: Body) {
        let sent_at = self.gateway.now.wall;
        self.deliver_from(bob(), sent_at.0, body);
    }

    pub fn deliver_from(&mut self, from: Address, sent_at: u64, body: Body) {
        let (to, sent_at) = ("ann@yahoo".parse().unwrap(), crosstalk_core::UnixMillis(sent_at));
        let envelope = Envelope { id: EnvelopeId(77), from, to, sent_at, body, details: None };
        self.gateway.input(Input::Deliver(envelope)).unwrap();
    }

    /// Bob has this presence now.
    pub fn presence(&mut self, presence: Presence) {
        self.gateway.input(Input::Presence { of: bob(), presence }).unwrap();
    }

    pub fn changed(&mut self, contact: Contact) {
        self.gateway.input(Input::Changed(contact)).unwrap();
    }

    /// Messages to foreign people.
    pub fn said(&mut self) -> Vec<Outgoing> {
        let said =
            |event: &Event| if let Event::Send(out) = event { Some(out.clone()) } else { None };
        let all = self.gateway.events.iter().filter_map(said).collect();
        self.gateway.events.retain(|event| !matches!(event, Event::Send(_)));
        all
    }

    /// Edits of the foreign list.
    pub fn edited(&mut self) -> Vec<RosterEdit> {
        let edit =
            |event: &Event| if let Event::Roster(edit) = event { Some(edit.clone()) } else { None };
        let all = self.gateway.events.iter().filter_map(edit).collect();
        self.gateway.events.retain(|event| !matches!(event, Event::Roster(_)));
        all
    }

    /// The presence that others see of Ann.
    pub fn seen(&self) -> Option<Presence> {
        let seen =
            |event: &Event| if let Event::Presence(p) = event { Some(p.clone()) } else { None };
        self.gateway.events.iter().filter_map(seen).next_back()
    }
}

/// A packet of a side in `version`.
pub fn frame(version: u16, side: Side, packet: &str) -> Vec<u8> {
    let vendor = if side == Side::Server { 100 } else { 0 };
    read(packet).finish(Style { version, vendor, session: 0x55aa }).to_vec()
}

/// Reads `service/status key=value ..`; a `_` in a value is a blank, `\n` ends a line.
fn read(packet: &str) -> Draft {
    let mut words = packet.split(' ');
    let (service, status) = words.next().unwrap().split_once('/').unwrap();
    let hex = |digits| u32::from_str_radix(digits, 16).unwrap();
    let draft = Draft::new(u16::try_from(hex(service)).unwrap(), hex(status));
    words.fold(draft, |draft, word| {
        let (key, value) = word.split_once('=').unwrap();
        draft.with(key.parse().unwrap(), value.replace('_', " ").replace("\\n", "\n"))
    })
}

fn written(packet: &Packet) -> String {
    let mut line = format!("{:02x}/{:x}", packet.service, packet.status);
    for (key, value) in packet.pairs() {
        let value = String::from_utf8(value.to_vec()).unwrap();
        write!(line, " {key}={}", value.replace(' ', "_").replace('\n', "\\n")).unwrap();
    }
    line
}

pub fn bob() -> Address {
    "bob@far-oscar".parse().unwrap()
}

pub fn contact() -> Contact {
    let groups = vec!["Work".into()];
    let to = Subscription::Granted;
    Contact { listed: true, groups, to, ..Contact::new(bob(), BOB.into()) }
}

pub fn roster_of(contacts: impl IntoIterator<Item = Contact>) -> Roster {
    let mut roster = Roster::default();
    contacts.into_iter().for_each(|contact| assert!(roster.put(contact, Stamp::default())));
    roster
}

pub fn listed() -> Roster {
    roster_of([contact()])
}

pub fn says(text: &str) -> Body {
    Body::Text { text: text.into(), auto: false }
}
