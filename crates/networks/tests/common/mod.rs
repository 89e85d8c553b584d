//! A gateway that is nothing but an engine.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::struct_excessive_bools
)]

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use crosstalk_core::{
    Address, Body, Confirmed, ConnectionId, Consent, Context, Engine, Envelope, EnvelopeIds, Event,
    Exchange, Fault, HostPort, Input, MAX_UNKNOWN, Names, Network, Now, Output, Registry, Roster,
    Side, TlsFacts, UnixMillis, Via,
};
use crosstalk_networks::NETWORKS;

pub mod capture;
pub mod cuts;
pub mod damage;
pub mod kinds;
#[path = "../../../../fuzz/src/oracles.rs"]
pub mod oracles;
pub mod random;
mod registry;
pub mod watched;

pub use self::capture::{Capture, worlds};
use self::oracles::{Witness, memory_allowed};
pub use self::random::{Random, assert_linear};
use self::registry::Registration;
pub use self::registry::{SharedRegistry, expects, left_weight};

/// Bytes that a contact of a roster may add to what a client is told.
const CONTACT: usize = 256;

/// Every registered network under its usual name, and once more under another.
pub fn names() -> Arc<Names> {
    let usual = NETWORKS.iter().map(|n| (n.defaults().id.parse().unwrap(), *n));
    let elsewhere = NETWORKS.iter().map(|n| (format!("far-{}", n.name()).parse().unwrap(), *n));
    Arc::new(Names::new("xt", usual.chain(elsewhere)))
}

/// Number of bytes that came in on all connections of a gateway: one may give what another was
/// told.
#[derive(Clone, Default)]
struct Came(Arc<AtomicUsize>);

impl Came {
    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What the connections of a gateway have in common.
#[derive(Clone, Default)]
pub struct Shared {
    registry: SharedRegistry,
    witness: Witness,
    came: Came,
}

/// An engine, and the bytes that it let through. Whatever comes, it checks who is said to have
/// signed in, and that what the engine holds and gives is worth what came in.
pub struct Gateway {
    network: &'static dyn Network,
    engine: Box<dyn Engine>,
    witness: Witness,
    /// Number of the connection for the witness.
    number: usize,
    came: Came,
    /// Size of the last input: bytes for either side, and texts.
    given: usize,
    is_known: bool,
    /// The first to sign in on it.
    user: Option<Address>,
    registration: Registration,
    /// The registry answered something since bytes were last given, or the engine heard something.
    is_answered: bool,
    out: Output,
    pending: [BytesMut; 2],
    sent: [Vec<u8>; 2],
    /// Given to the engine when the person is signed in, if at all.
    roster: Option<Roster>,
    is_signed_in: bool,
    pub events: Vec<Event>,
    /// Envelopes that the engine gave back.
    pub held: Vec<Envelope>,
    pub now: Now,
    pub opaque: bool,
    /// Whether events are no longer noted: nobody signs in any more, and notes would be measured
    /// too.
    pub unwatched: bool,
}

impl Gateway {
    /// A connection through a proxy.
    pub fn new(
        network: &'static dyn Network,
        shared: &Shared,
        roster: impl Into<Option<Roster>>,
    ) -> Self {
        let defaults = network.defaults();
        let host =
            HostPort::new(*defaults.hosts.first().unwrap_or(&"host.test"), defaults.ports[0]);
        Self::via(network, shared, roster, Via::Proxy { dialled: host })
    }

    /// A connection that came in some other way.
    pub fn via(
        network: &'static dyn Network,
        shared: &Shared,
        roster: impl Into<Option<Roster>>,
        via: Via,
    ) -> Self {
        Self::with_options(network, shared, roster, via, &[])
    }

    /// A connection with switches of the operator's.
    pub fn with_options(
        network: &'static dyn Network,
        shared: &Shared,
        roster: impl Into<Option<Roster>>,
        via: Via,
        options: &[&'static str],
    ) -> Self {
        let registration = shared.registry.connect();
        let context = Context {
            network: network.defaults().id.parse().unwrap(),
            names: names(),
            connection: registration.id,
            via,
            ids: EnvelopeIds::new(1),
            random,
            terminate_tls: true,
            options: options.to_vec(),
        };
        let now = Now { instant: Instant::now(), wall: UnixMillis(1_800_000_000_000) };
        let witness = shared.witness.clone();
        let mut gateway = Self {
            network,
            engine: network.engine(context),
            number: witness.connected(),
            witness,
            came: shared.came.clone(),
            registration,
            is_answered: false,
            given: 0,
            is_known: false,
            user: None,
            out: Output::default(),
            pending: Default::default(),
            sent: Default::default(),
            roster: roster.into(),
            is_signed_in: false,
            events: Vec::new(),
            held: Vec::new(),
            now,
            opaque: false,
            unwatched: false,
        };
        gateway.input(Input::Start).unwrap();
        gateway
    }

    /// Gives bytes that `side` sent.
    pub fn bytes(&mut self, side: Side, bytes: &[u8]) -> Result<(), Fault> {
        let mut pending = std::mem::take(&mut self.pending[side as usize]);
        pending.extend_from_slice(bytes);
        self.came.add(bytes.len());
        if !self.unwatched {
            self.witness.heard(self.number, side, bytes);
        }
        let result = self.read(side, pending).and_then(|()| self.go_on());
        self.check_size();
        self.bound_strangers(side).and(result)
    }

    fn read(&mut self, side: Side, mut pending: BytesMut) -> Result<(), Fault> {
        let result = if self.opaque {
            self.out.forward(side.other(), pending.split().freeze());
            self.collect()
        } else {
            self.told(Input::Bytes(side, &mut pending))
        };
        self.pending[side as usize] = pending;
        result
    }

    /// Gives the engine again what it left of the bytes, where it was told what it may have waited for.
    fn go_on(&mut self) -> Result<(), Fault> {
        while std::mem::take(&mut self.is_answered) {
            for side in [Side::Client, Side::Server] {
                let pending = std::mem::take(&mut self.pending[side as usize]);
                if !pending.is_empty() {
                    self.read(side, pending)?;
                }
            }
        }
        Ok(())
    }

    /// Gives anything else.
    pub fn input(&mut self, input: Input<'_>) -> Result<(), Fault> {
        self.came.add(match &input {
            Input::Deliver(envelope) | Input::Carbon(envelope) => weight(&envelope.body),
            Input::Roster(roster) => roster.contacts().count() * CONTACT,
            _ => 0,
        });
        self.is_answered |= matches!(input, Input::Heard(..) | Input::Left(_) | Input::Tick);
        self.told(input)?;
        self.go_on()?;
        self.check_size();
        Ok(())
    }

    fn told(&mut self, input: Input<'_>) -> Result<(), Fault> {
        self.engine.handle(self.now, input, &mut self.out).inspect_err(|_| self.leave())?;
        self.collect()
    }

    /// Does what an engine asked that gives up: only what it leaves for another is left.
    fn leave(&mut self) {
        while let Some(event) = self.out.next_event() {
            if let Event::Exchange(leave @ Exchange::Leave(..)) = event {
                self.registration.perform(self.now.instant, leave);
            }
        }
    }

    /// Fails where no server said that it is `user`, or an earlier one said that it is somebody else:
    /// in no network here a name changes while a connection lasts.
    fn believe(&mut self, user: &Confirmed) {
        let before = self.user.get_or_insert_with(|| user.name().clone());
        assert_eq!(before, user.name(), "provenance: the account changed");
        let confirmed = self.witness.confirms(self.number, self.network, user.name());
        assert!(confirmed, "provenance: no server said that it is {}", user.name());
        self.is_known = true;
    }

    /// Fails where the engine holds or gives more than what came in is worth.
    fn check_size(&mut self) {
        let pending = self.pending.iter().map(BytesMut::len).sum::<usize>();
        let held = pending + self.engine.weight() + std::mem::take(&mut self.given);
        let came = self.came.0.load(Ordering::Relaxed);
        assert!(held <= memory_allowed(came), "size: {held} bytes for {came} that came in");
    }

    /// Ends the connection, as the gateway does, when more waits than may before anybody is known.
    fn bound_strangers(&self, side: Side) -> Result<(), Fault> {
        let waits = self.pending.iter().map(BytesMut::len).sum::<usize>() + self.engine.weight();
        let is_known = self.is_known || self.opaque || self.engine.is_known();
        if is_known || waits <= MAX_UNKNOWN {
            return Ok(());
        }
        Err(Fault::new(side.blame(), "more of it waits than may before anybody signed on"))
    }

    /// Lets time pass, and the engine act on it.
    pub fn wait(&mut self, time: Duration) {
        self.now.instant += time;
        self.now.wall.0 += u64::try_from(time.as_millis()).unwrap();
        if self.engine.deadline().is_some_and(|at| at <= self.now.instant) {
            self.input(Input::Tick).unwrap();
        }
    }

    /// Lets the engine hear what others said.
    pub fn hear(&mut self) {
        self.try_hear().unwrap();
    }

    /// The same, where what it left unread may be nonsense.
    pub fn try_hear(&mut self) -> Result<(), Fault> {
        while let Some(heard) = self.registration.hear() {
            self.input(heard)?;
        }
        Ok(())
    }

    /// Takes what was sent to a side so far.
    pub fn take(&mut self, to: Side) -> Vec<u8> {
        std::mem::take(&mut self.sent[to as usize])
    }

    /// Bytes that were sent to a side and not taken yet.
    pub fn sent(&self, to: Side) -> &[u8] {
        &self.sent[to as usize]
    }

    /// Bytes of a side that the engine left unread.
    pub fn pending(&self, side: Side) -> &[u8] {
        &self.pending[side as usize]
    }

    /// Bytes that the engine says it holds.
    pub fn weight(&self) -> usize {
        self.engine.weight()
    }

    pub fn takes_texts(&self) -> bool {
        self.engine.takes_texts()
    }

    pub fn is_known(&self) -> bool {
        self.engine.is_known()
    }

    /// The engine alone.
    pub fn into_engine(self) -> Box<dyn Engine> {
        self.engine
    }

    pub fn altered(&self) -> bool {
        self.out.altered()
    }

    fn collect(&mut self) -> Result<(), Fault> {
        for side in [Side::Client, Side::Server] {
            let sent = self.out.queue(side).drain(..);
            for bytes in sent {
                self.given += bytes.len();
                self.sent[side as usize].extend_from_slice(&bytes);
                if side == Side::Client && !self.unwatched {
                    self.witness.shown(self.number, &bytes);
                }
            }
        }
        self.held.extend(self.out.take_deferred());
        while let Some(event) = self.out.next_event() {
            let event = match event {
                Event::Exchange(exchange) => {
                    let answer = self.registration.perform(self.now.instant, exchange);
                    self.is_answered |= answer.is_some();
                    answer.map_or(Ok(()), |answer| self.told(answer))?;
                    continue;
                }
                event => event,
            };
            match &event {
                Event::SignedIn { user, .. } => {
                    self.believe(user);
                    self.is_signed_in = true;
                }
                Event::Converse { user, .. } => self.believe(user),
                Event::Encrypt(side, _) => {
                    self.input(Input::Encrypted(*side, TlsFacts::default()))?;
                }
                Event::Opaque => self.opaque = true,
                Event::Send(said) => self.given += weight(&said.body),
                Event::Presence(presence) => self.given += presence.text.weight(),
                _ => {}
            }
            self.events.push(event);
        }
        // Behind the answers to what the engine asked when it said who the person is.
        match self.roster.take_if(|_| self.is_signed_in) {
            Some(roster) => self.input(Input::Roster(roster)),
            None => Ok(()),
        }
    }
}

/// Length of its text, in bytes.
fn weight(body: &Body) -> usize {
    match body {
        Body::Text { text, .. } | Body::Contact(Consent::Request(text)) => text.weight(),
        _ => 0,
    }
}

/// Numbers that do not repeat.
fn random() -> u128 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
}
