//! The engine between a client and a server, both played by the test.

use std::collections::VecDeque;
pub use std::sync::Arc;
pub use std::time::{Duration, Instant};

pub use base64::Engine as _;
pub use base64::engine::general_purpose::STANDARD as BASE64;
pub use bytes::{Bytes, BytesMut};
pub use crosstalk_core::{
    Address, Body, ConnectionId, Consent, Contact, Context, Detail, Details, Engine, Envelope,
    EnvelopeId, EnvelopeIds, Event, Exchange, Fault, HostPort, Input, Names, Now, Outgoing, Output,
    Presence, Roster, RosterEdit, Side, Stamp, Subscription, TlsFacts, UnixMillis, Via,
};

use crosstalk_networks::by_name;

pub use crate::common::SharedRegistry;

pub const OPEN: &str = "<stream:stream to='chat.test' xmlns='jabber:client' \
                    xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

pub const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
pub const PROCEED: &str = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
pub const SUCCESS: &str = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
pub const BIND: &str =
    "<iq id='b' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>";

pub fn features(inside: &str) -> String {
    format!("<stream:features>{inside}</stream:features>")
}

pub fn mechanisms(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|n| format!("<mechanism>{n}</mechanism>")).collect();
    let names = names.concat();
    format!("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{names}</mechanisms>")
}

/// `<auth/>` by PLAIN.
pub fn auth(name: &str) -> String {
    let said = BASE64.encode(format!("\0{name}\0secret"));
    format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{said}</auth>")
}

/// The answer to [`BIND`].
pub fn bound(full: &str) -> String {
    format!(
        "<iq id='b' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
         <jid>{full}</jid></bind></iq>"
    )
}

/// The names of a gateway between `aol`, `msn` and `jabber`.
fn names() -> Arc<Names> {
    let networks = [("aol", "oscar"), ("msn", "msnp"), ("jabber", "xmpp")];
    let networks = networks.map(|(id, name)| (id.parse().unwrap(), by_name(name).unwrap()));
    Arc::new(Names::new("xt", networks))
}

/// Context of an engine for a connection through a proxy.
pub fn context() -> Context {
    Context {
        network: "jabber".parse().unwrap(),
        names: names(),
        connection: ConnectionId::default(),
        via: Via::Proxy { dialled: HostPort::new("chat.test", 5222) },
        ids: EnvelopeIds::new(7),
        random: || 7,
        terminate_tls: true,
        options: Vec::new(),
    }
}

/// An engine with its surroundings.
pub struct Scene {
    pub engine: Box<dyn Engine>,
    pub out: Output,
    pub now: Now,
    pub registry: SharedRegistry,
    connection: ConnectionId,
    /// Events that the test has not looked at.
    events: VecDeque<Event>,
    /// What the engine asked of the registry behind a sign-on. It is done before the next input, which
    /// means that the gateway let the person in.
    entering: VecDeque<Exchange>,
}

impl Scene {
    pub fn new() -> Self {
        Self::with(&SharedRegistry::default(), &[])
    }

    pub fn with(registry: &SharedRegistry, options: &[&'static str]) -> Self {
        let options = options.to_vec();
        Self::around(registry, Context { options, ..context() })
    }

    pub fn of(context: Context) -> Self {
        Self::around(&SharedRegistry::default(), context)
    }

    fn around(registry: &SharedRegistry, context: Context) -> Self {
        let connection = registry.lock().connect(());
        Self {
            engine: by_name("xmpp").unwrap().engine(Context { connection, ..context }),
            out: Output::default(),
            now: Now { instant: Instant::now(), wall: UnixMillis(1_000_000_000_000) },
            registry: registry.clone(),
            connection,
            events: VecDeque::new(),
            entering: VecDeque::new(),
        }
    }

    /// Ann, bound as `ann@chat.test/r`, whose foreign contacts are `roster`.
    pub fn bound(roster: Roster) -> Self {
        let mut scene = Self::new();
        scene.bind();
        scene.give(Input::Roster(roster));
        scene
    }

    /// TLS of ours is on, on both sides.
    pub fn encrypt(&mut self) {
        let facts = TlsFacts { exporter: Some([1; 32].into()), server_end_point: None };
        self.give(Input::Encrypted(Side::Server, facts.clone()));
        self.give(Input::Encrypted(Side::Client, facts));
    }

    /// The server believes that the client is `name`, by PLAIN.
    pub fn authenticate(&mut self, name: &str) {
        self.client(OPEN);
        self.server(OPEN);
        self.client(&auth(name));
        self.server(SUCCESS);
        self.client(OPEN);
        self.server(OPEN);
        assert!(self.events().is_empty());
        self.sent();
    }

    pub fn bind(&mut self) {
        self.authenticate("ann");
        self.client(BIND);
        self.server(&bound("ann@chat.test/r"));
        assert_eq!(self.signed_in(), ["ann@chat.test@jabber/r"]);
        assert!(!self.out.altered());
        self.sent();
    }

    /// People who signed in since the last look.
    pub fn signed_in(&mut self) -> Vec<String> {
        let names = self.events().into_iter().filter_map(|event| match event {
            Event::SignedIn { user, endpoint } => Some(format!("{}/{endpoint}", user.name())),
            _ => None,
        });
        names.collect()
    }

    /// Ann's client asked for its roster and sent presence.
    pub fn online(roster: Roster) -> Self {
        let mut scene = Self::bound(roster);
        scene.client("<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>");
        scene.server("<iq id='r' type='result'><query xmlns='jabber:iq:roster'/></iq>");
        scene.client("<presence/>");
        scene.no_lists();
        scene.events();
        scene.sent();
        scene
    }

    /// The server has no privacy lists (XEP-0016), if it is asked. Returns what else it was sent.
    pub fn no_lists(&mut self) -> String {
        let sent = self.to(Side::Server);
        let Some((before, asked)) = sent.split_once("<iq type='get' id='xt-") else { return sent };
        let (id, rest) = asked.split_once("'><query xmlns='jabber:iq:privacy'/></iq>").unwrap();
        self.server(&format!("<iq type='error' id='xt-{id}'/>"));
        format!("{before}{rest}")
    }

    pub fn client(&mut self, xml: &str) {
        self.bytes(Side::Client, xml).unwrap();
    }

    pub fn server(&mut self, xml: &str) {
        self.bytes(Side::Server, xml).unwrap();
    }

    pub fn bytes(&mut self, side: Side, xml: &str) -> Result<(), Fault> {
        let mut buf = BytesMut::from(xml);
        self.input(Input::Bytes(side, &mut buf))
    }

    pub fn give(&mut self, input: Input<'_>) {
        self.input(input).unwrap();
    }

    /// Gives something to a person who may be let in by now.
    pub fn input(&mut self, input: Input<'_>) -> Result<(), Fault> {
        self.let_in()?;
        self.handle(input)
    }

    /// The gateway lets the person in who signed on.
    pub fn let_in(&mut self) -> Result<(), Fault> {
        while let Some(exchange) = self.entering.pop_front() {
            self.perform(exchange)?;
        }
        Ok(())
    }

    fn handle(&mut self, input: Input<'_>) -> Result<(), Fault> {
        let result = self.engine.handle(self.now, input, &mut self.out);
        while let Some(event) = self.out.next_event() {
            match event {
                Event::Exchange(exchange) => {
                    let enters = |event: &Event| matches!(event, Event::SignedIn { .. });
                    if result.is_err() {
                        // What it leaves is left all the same.
                        self.registry.lock().perform(self.now.instant, self.connection, exchange);
                    } else if self.events.iter().any(enters) {
                        self.entering.push_back(exchange);
                    } else {
                        self.perform(exchange)?;
                    }
                }
                event => self.events.push_back(event),
            }
        }
        result
    }

    fn perform(&mut self, exchange: Exchange) -> Result<(), Fault> {
        let done = self.registry.lock().perform(self.now.instant, self.connection, exchange);
        done.answer.map_or(Ok(()), |answer| self.handle(answer))
    }

    pub fn deliver(&mut self, from: &str, body: Body) {
        self.give(Input::Deliver(self.envelope(from, "ann@chat.test@jabber", body)));
    }

    pub fn presence(&mut self, of: &str, presence: Presence) {
        self.give(Input::Presence { of: of.parse().unwrap(), presence });
    }

    pub fn envelope(&self, from: &str, to: &str, body: Body) -> Envelope {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        Envelope { id: EnvelopeId(0xabc), from, to, sent_at: self.now.wall, body, details: None }
    }

    pub fn later(&mut self, by: Duration) {
        self.now.instant += by;
        self.give(Input::Tick);
    }

    /// Bytes that went to the client and to the server since the last look.
    pub fn sent(&mut self) -> (String, String) {
        (self.to(Side::Client), self.to(Side::Server))
    }

    pub fn to(&mut self, side: Side) -> String {
        let bytes: Vec<Bytes> = self.out.queue(side).drain(..).collect();
        String::from_utf8(bytes.concat()).unwrap()
    }

    pub fn events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    /// The bodies sent to foreign people since the last look.
    pub fn bodies(&mut self) -> Vec<(String, Body)> {
        let sent = self.events().into_iter().filter_map(|event| match event {
            Event::Send(outgoing) => Some((outgoing.to.to_string(), outgoing.body)),
            _ => None,
        });
        sent.collect()
    }

    /// The list changes since the last look.
    pub fn edits(&mut self) -> Vec<RosterEdit> {
        let edits = self.events().into_iter().filter_map(|event| match event {
            Event::Roster(edit) => Some(edit),
            _ => None,
        });
        edits.collect()
    }
}

/// A listed contact with consent in both directions.
pub fn friend(address: &str, spelling: &str) -> Contact {
    Contact {
        listed: true,
        to: Subscription::Granted,
        from: Subscription::Granted,
        groups: vec!["Friends".into()],
        ..Contact::new(address.parse::<Address>().unwrap(), spelling.into())
    }
}

pub fn roster(contacts: impl IntoIterator<Item = Contact>) -> Roster {
    let mut roster = Roster::default();
    for contact in contacts {
        roster.put(contact, Stamp::default());
    }
    roster
}

/// Alice of AOL is the only friend.
pub fn alice() -> Roster {
    roster([friend("alice@aol", "alice@aol")])
}
