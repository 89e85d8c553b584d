//! Drives an engine by hand: a Jabber client signs on to its server, and writes to somebody at
//! Yahoo. `cargo run -p crosstalk-networks --example engine` prints what the engine does of it.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use crosstalk_core::{
    Body, ConnectionId, Context, Engine, Envelope, EnvelopeIds, Event, HostPort, Input, Names, Now,
    Output, Registry, RichText, Roster, Side, UnixMillis, Via,
};
use crosstalk_networks::NETWORKS;

/// Bytes of either side, in the order in which they arrive.
const SESSION: &[(Side, &str)] = &[
    (
        Side::Client,
        "<stream:stream to='example.org' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
    ),
    (
        Side::Server,
        "<stream:stream id='1' from='example.org' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
    ),
    (
        Side::Server,
        "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>",
    ),
    (
        Side::Client,
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFubgBzZWNyZXQ=</auth>",
    ),
    (Side::Server, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"),
    (
        Side::Client,
        "<stream:stream to='example.org' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
    ),
    (
        Side::Server,
        "<stream:stream id='2' from='example.org' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
    ),
    (
        Side::Server,
        "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>",
    ),
    (Side::Client, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"),
    (
        Side::Server,
        "<iq type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>ann@example.org/desk</jid></bind></iq>",
    ),
    (Side::Client, "<presence/>"),
    (
        Side::Client,
        "<message to='bob@yahoo.xt' id='m1' type='chat'><body>Hello, Bob!</body></message>",
    ),
];

fn main() {
    let mut gateway = Gateway::new();
    gateway.step(Input::Start);
    let mut unread = [BytesMut::new(), BytesMut::new()];
    for (side, bytes) in SESSION {
        println!("{side:?} says {bytes}");
        // An engine takes whole frames off the front and leaves the rest for the next time.
        let unread = &mut unread[*side as usize];
        unread.extend_from_slice(bytes.as_bytes());
        gateway.step(Input::Bytes(*side, unread));
    }
    println!("Bob answers");
    let body = Body::Text { text: RichText::plain("Hello, Ann!"), auto: false };
    let (from, to) = ("bob@yahoo".parse().unwrap(), "ann@example.org@jabber".parse().unwrap());
    let (id, sent_at) = (EnvelopeIds::new(2).next_id(), UnixMillis(1_800_000_000_000));
    gateway.step(Input::Deliver(Envelope { id, from, to, sent_at, body, details: None }));
}

/// An engine, and what performs what it asks for.
struct Gateway {
    engine: Box<dyn Engine>,
    out: Output,
    registry: Registry,
    connection: ConnectionId,
}

impl Gateway {
    fn new() -> Self {
        let ids = NETWORKS.iter().map(|network| (network.defaults().id.parse().unwrap(), *network));
        let xmpp = NETWORKS.iter().find(|network| network.name() == "xmpp").unwrap();
        let mut registry = Registry::new(1 << 20);
        let connection = registry.connect(());
        let engine = xmpp.engine(Context {
            network: xmpp.defaults().id.parse().unwrap(),
            names: Arc::new(Names::new("xt", ids)),
            connection,
            via: Via::Proxy { dialled: HostPort::new("example.org", 5222) },
            ids: EnvelopeIds::new(1),
            random: || 4,
            terminate_tls: false,
            options: Vec::new(),
        });
        Self { engine, out: Output::default(), registry, connection }
    }

    /// Gives the engine one input, and prints what it does with the two streams and asks for.
    fn step(&mut self, input: Input<'_>) {
        let now = Now { instant: Instant::now(), wall: UnixMillis(1_800_000_000_000) };
        self.engine.handle(now, input, &mut self.out).unwrap();
        for side in [Side::Client, Side::Server] {
            while let Some(bytes) = self.out.queue(side).pop_front() {
                println!("    to the {side:?}: {}", String::from_utf8_lossy(&bytes));
            }
        }
        while let Some(event) = self.out.next_event() {
            println!("    {event:?}");
            let answer = match event {
                Event::SignedIn { .. } => Some(Input::Roster(Roster::default())),
                Event::Exchange(exchange) => {
                    self.registry.perform(now.instant, self.connection, exchange).answer
                }
                _ => None,
            };
            if let Some(answer) = answer {
                self.step(answer);
            }
        }
    }
}
