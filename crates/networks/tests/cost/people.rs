//! A person of each network who is signed on, and may talk to Bob, who is foreign.

use crosstalk_core::{
    Address, Body, Contact, Envelope, EnvelopeId, Event, Input, Presence, RichText, Roster, Side,
    Stamp, Subscription,
};
use crosstalk_networks::msnp::Msnp;
use crosstalk_networks::msnp::wire::with_payload;
use crosstalk_networks::oscar::wire::message::{Head, TEXT};
use crosstalk_networks::oscar::wire::{Snac, Writer};
use crosstalk_networks::xmpp::Xmpp;
use crosstalk_networks::ymsg::wire::{Draft, Style};

use crate::common::{Gateway, Shared};
use crate::{oscar_scene as oscar, ymsg_scene as ymsg};

const BOB: &str = "bob@far-oscar.xt";

/// A person, and how the client sends what stands in a message as its network writes it.
pub struct Person {
    pub network: &'static str,
    user: Address,
    pub gateway: Gateway,
    frame: fn(&[u8]) -> Vec<u8>,
}

impl Person {
    /// One of each network.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::of_oscar(), Self::of_xmpp(), Self::of_msnp(), Self::of_ymsg()];
        for person in &mut all {
            person.gateway.unwatched = true;
        }
        all
    }

    pub fn of_oscar() -> Self {
        let roster = oscar::roster([oscar::bob(&["Friends"])]);
        let scene = oscar::Scene::online(oscar::OFFICIAL, oscar::friends(), roster);
        let frame = |text: &[u8]| {
            let head = Head { cookie: *b"38535154", channel: 1, name: BOB.as_bytes() };
            let fragment = Writer::new().u16(0).u16(0).raw(text).bytes();
            let text = Writer::new().tlv(0x0101, fragment).bytes();
            let body = head.write(Writer::new()).tlv(TEXT, text).bytes();
            let snac = Snac::new(4, 6, 1, body).encode();
            Writer::new().u8(0x2a).u8(2).u16(1).long(&snac).bytes().to_vec()
        };
        let user = "alicetb@aol".parse().unwrap();
        Self { network: "oscar", user, gateway: scene.gateway, frame }
    }

    pub fn of_ymsg() -> Self {
        let scene = ymsg::Scene::signed_on(16, ymsg::listed());
        let frame = |text: &[u8]| {
            let style = Style { version: 16, vendor: 0, session: 0x55aa };
            let draft = Draft::new(6, 0).with(1, "ann").with(5, BOB).with(97, "1");
            draft.with(14, text).finish(style).to_vec()
        };
        let user = "ann@yahoo".parse().unwrap();
        Self { network: "ymsg", user, gateway: scene.gateway, frame }
    }

    pub fn of_xmpp() -> Self {
        const OPEN: &str = "<stream:stream to='chat.test' xmlns='jabber:client' \
                            xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
        let mut gateway = Gateway::new(&Xmpp, &Shared::default(), roster());
        let bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'";
        let lines = [
            (Side::Client, OPEN.to_owned()),
            (Side::Server, OPEN.to_owned()),
            (
                Side::Client,
                "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFubgB4</auth>"
                    .to_owned(),
            ),
            (Side::Server, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>".to_owned()),
            (Side::Client, OPEN.to_owned()),
            (Side::Server, OPEN.to_owned()),
            (Side::Client, format!("<iq id='b' type='set'>{bind}/></iq>")),
            (
                Side::Server,
                format!("<iq id='b' type='result'>{bind}><jid>ann@chat.test/r</jid></bind></iq>"),
            ),
            (Side::Client, "<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>".into()),
            (
                Side::Server,
                "<iq id='r' type='result'><query xmlns='jabber:iq:roster'/></iq>".into(),
            ),
            (Side::Client, "<presence/>".to_owned()),
        ];
        for (side, xml) in lines {
            gateway.bytes(side, xml.as_bytes()).unwrap();
        }
        let frame = |html: &[u8]| {
            let html = String::from_utf8_lossy(html);
            let xhtml = "http://jabber.org/protocol/xhtml-im";
            format!(
                "<message to='{BOB}' type='chat'><html xmlns='{xhtml}'>\
                 <body xmlns='http://www.w3.org/1999/xhtml'>{html}</body></html></message>"
            )
            .into_bytes()
        };
        let user = "ann@chat.test@jabber".parse().unwrap();
        Self { network: "xmpp", user, gateway, frame }
    }

    pub fn of_msnp() -> Self {
        let shared = Shared::default();
        let mut ns = Gateway::new(&Msnp, &shared, roster());
        let lines = [
            (Side::Client, "VER 1 MSNP11 CVR0"),
            (Side::Server, "VER 1 MSNP11"),
            (Side::Client, "USR 4 TWN S t=1"),
            (Side::Server, "USR 4 OK mary@hotmail.com Mary 1 0"),
            (Side::Client, "SYN 5 0 0"),
            (Side::Server, "SYN 5 a b 0 0"),
            (Side::Server, "PRP MFN x"),
            (Side::Client, "CHG 6 NLN 0"),
            (Side::Server, "CHG 6 NLN 0"),
        ];
        for (side, line) in lines {
            ns.bytes(side, format!("{line}\r\n").as_bytes()).unwrap();
        }
        ns.wait(std::time::Duration::from_millis(200));
        let user: Address = "mary@hotmail.com@msn".parse().unwrap();
        let of = envelope(&user, Body::Attention).from;
        ns.input(Input::Presence { of, presence: Presence::available() }).unwrap();
        ns.take(Side::Client);
        ns.bytes(Side::Client, b"XFR 9 SB\r\n").unwrap();
        let place = String::from_utf8(ns.take(Side::Client)).unwrap();
        let key = place.split_whitespace().skip_while(|word| *word != "CKI").nth(1).unwrap();
        let mut gateway = Gateway::new(&Msnp, &shared, None);
        for line in [format!("USR 1 mary@hotmail.com {key}\r\n"), format!("CAL 2 {BOB}\r\n")] {
            gateway.bytes(Side::Client, line.as_bytes()).unwrap();
        }
        ns.hear();
        gateway.hear();
        let frame = |payload: &[u8]| {
            with_payload("MSG 3 N", &String::from_utf8_lossy(payload)).into_bytes()
        };
        Self { network: "msnp", user, gateway, frame }
    }

    /// The bytes by which the client says `words` to Bob.
    pub fn framed(&self, words: &[u8]) -> Vec<u8> {
        (self.frame)(words)
    }

    /// The client sends bytes; what Bob hears of it.
    pub fn says(&mut self, framed: &[u8]) -> Vec<RichText> {
        self.gateway.events.clear();
        self.gateway.bytes(Side::Client, framed).unwrap();
        self.gateway.take(Side::Client);
        self.gateway.take(Side::Server);
        let said = self.gateway.events.drain(..).filter_map(|event| match event {
            Event::Send(said) if said.to == bob() => Some(said.body),
            _ => None,
        });
        let text = |body| if let Body::Text { text, .. } = body { Some(text) } else { None };
        said.filter_map(text).collect()
    }

    /// Bob says something: how many bytes that is to the client.
    pub fn hears(&mut self, text: &RichText) -> usize {
        let body = Body::Text { text: text.clone(), auto: false };
        self.gateway.input(Input::Deliver(envelope(&self.user, body))).unwrap();
        self.gateway.take(Side::Client).len()
    }
}

fn bob() -> Address {
    "bob@far-oscar".parse().unwrap()
}

fn roster() -> Roster {
    let to = Subscription::Granted;
    let from = Subscription::Granted;
    let mut roster = Roster::default();
    let contact = Contact { listed: true, to, from, ..Contact::new(bob(), BOB.into()) };
    roster.put(contact, Stamp::default());
    roster
}

fn envelope(to: &Address, body: Body) -> Envelope {
    let sent_at = crosstalk_core::UnixMillis(1_800_000_000_000);
    Envelope { id: EnvelopeId(77), from: bob(), to: to.clone(), sent_at, body, details: None }
}
