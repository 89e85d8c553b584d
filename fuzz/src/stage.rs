//! A gateway that is nothing but engines, and a script that is played on it while the oracles watch.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Envelope, EnvelopeId, Input, Names, Network, Now, Registry, Side};
use crosstalk_core::{UnixMillis, Via};

use crate::connection::Connection;
use crate::mail;
use crate::meter::measured;
use crate::oracles::{self, Witness};
use crate::script::{CONNECTIONS, Kind, Step, steps};
use crate::wire;

/// The most steps of a script that are played.
const MAX_STEPS: usize = 2_000;
/// The most texts that are looked for in what engines write.
const MAX_MARKS: usize = 16;
/// The most messages that wait for a conversation.
const MAX_HELD: usize = 16;

/// State shared by all connections of a script.
pub(crate) struct Shared {
    pub(crate) network: &'static dyn Network,
    pub(crate) names: Arc<Names>,
    pub(crate) registry: Registry,
    pub(crate) witness: Witness,
    pub(crate) now: Now,
    /// Deliveries: the mark in the words, and the receiver.
    pub(crate) delivered: Vec<(String, Address)>,
    /// Envelopes that an engine gave back, for a conversation.
    pub(crate) held: Vec<Envelope>,
    /// Bytes of input that engines had to look at in this step.
    pub(crate) looked_at: usize,
}

/// Plays `script` with engines of `network`.
///
/// # Panics
///
/// Where an oracle is broken.
pub(crate) fn play(network: &'static dyn Network, script: &[u8]) {
    RANDOM.set(1);
    let (mut stage, cost) = measured(|| Stage::new(network, script));
    let (mut kept, mut came_in) = (cost.kept, 0);
    for step in steps(script).take(MAX_STEPS) {
        stage.shared.looked_at = 0;
        if step.kind == Kind::Computed {
            stage.compute(step.connection);
        }
        let ((), cost) = measured(|| stage.act(step));
        let looked_at = stage.shared.looked_at + step.text.len();
        cost.check(looked_at);
        came_in += looked_at;
        kept += cost.kept;
        let held = usize::try_from(kept).unwrap_or(0);
        let allowed = oracles::memory_allowed(came_in);
        assert!(held <= allowed, "size: {held} bytes are held after {came_in} came in");
    }
}

thread_local! {
    static RANDOM: Cell<u128> = const { Cell::new(1) };
}

/// Numbers that do not repeat, the same in each run of a script.
pub(crate) fn random() -> u128 {
    RANDOM.set(RANDOM.get() + 1);
    RANDOM.get().wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

struct Stage {
    shared: Shared,
    connections: [Option<Connection>; CONNECTIONS],
    /// The longest read of a connection.
    reads: usize,
    /// Number in the marks of texts, which no script can contain by chance.
    mark: u64,
    serial: u32,
}

impl Stage {
    fn new(network: &'static dyn Network, script: &[u8]) -> Self {
        let mut mark = DefaultHasher::new();
        script.hash(&mut mark);
        let shared = Shared {
            network,
            names: mail::names(),
            witness: Witness::default(),
            registry: Registry::default(),
            now: Now { instant: Instant::now(), wall: UnixMillis(1_800_000_000_000) },
            delivered: Vec::new(),
            held: Vec::new(),
            looked_at: 0,
        };
        let connections = Default::default();
        Self { shared, connections, reads: usize::MAX, mark: mark.finish(), serial: 0 }
    }

    fn compute(&mut self, connection: usize) {
        if let Some(connection) = &mut self.connections[connection] {
            connection.compute();
        }
    }

    fn act(&mut self, step: Step<'_>) {
        match step.kind {
            Kind::Open => self.open(step),
            Kind::Reads => self.reads = usize::try_from(step.number()).unwrap_or(0),
            Kind::Wait => self.wait(step.number()),
            _ => self.act_on(step),
        }
        self.settle();
    }

    fn open(&mut self, step: Step<'_>) {
        let via = if step.text.starts_with(b"direct") {
            direct(self.shared.network)
        } else {
            proxy(self.shared.network)
        };
        if let Some(mut former) = self.connections[step.connection].take() {
            former.end(&mut self.shared);
        }
        let connection = Connection::open(&mut self.shared, via);
        self.connections[step.connection] = Some(connection);
    }

    fn act_on(&mut self, step: Step<'_>) {
        if self.connections[step.connection].is_none() {
            self.open(Step { text: b"", ..step });
        }
        let framed;
        let text = match step.kind {
            Kind::ClientFrame | Kind::ServerFrame => {
                framed = wire::framed(self.shared.network.name(), step.text);
                &framed
            }
            _ => step.text,
        };
        let delivery = self.delivery(step);
        let Some(connection) = &mut self.connections[step.connection] else { return };
        let shared = &mut self.shared;
        match step.kind {
            Kind::Client | Kind::ClientFrame => {
                connection.reads(shared, Side::Client, text, self.reads);
            }
            Kind::Server | Kind::ServerFrame => {
                connection.reads(shared, Side::Server, text, self.reads);
            }
            Kind::Relayed => {
                if let Some(words) = wire::relayed(shared.network.name(), text) {
                    connection.relayed(shared, &words);
                }
            }
            Kind::Deliver => {
                if let Some(delivery) = delivery {
                    connection.told(shared, delivery);
                }
            }
            Kind::Carbon => {
                if let Some(Input::Deliver(carbon)) = delivery {
                    connection.told(shared, Input::Carbon(carbon));
                }
            }
            Kind::Delivered => connection.said_arrived(shared),
            Kind::Changed => {
                let contact = mail::changed(&shared.names, text);
                connection.told(shared, Input::Changed(contact));
            }
            Kind::Computed => connection.computed(shared),
            Kind::ClientGone => connection.gone(shared, Side::Client),
            Kind::ServerGone => connection.gone(shared, Side::Server),
            Kind::Open | Kind::Reads | Kind::Wait => {}
        }
    }

    /// The envelope or presence that a step is about, with a mark in its words by which they are known
    /// again.
    fn delivery(&mut self, step: Step<'_>) -> Option<Input<'static>> {
        if !matches!(step.kind, Kind::Deliver | Kind::Carbon) {
            return None;
        }
        let to = self.connections[step.connection].as_ref()?.user()?.clone();
        self.serial += 1;
        let mark = format!("~{:016x}.{}~", self.mark, self.serial);
        let mut text = step.text.to_vec();
        if text.len() >= 3 {
            text.extend_from_slice(mark.as_bytes());
        }
        if self.shared.delivered.len() == MAX_MARKS {
            self.shared.delivered.remove(0);
        }
        self.shared.delivered.push((mark, to.clone()));
        let id = EnvelopeId(self.serial.into());
        Some(mail::delivery(&self.shared.names, id, to, self.shared.now.wall, &text))
    }

    fn wait(&mut self, seconds: u32) {
        let time = Duration::from_secs(seconds.clamp(1, 100_000).into());
        self.shared.now.instant += time;
        self.shared.now.wall.0 += u64::from(seconds) * 1000;
        for connection in self.connections.iter_mut().flatten() {
            connection.tick(&mut self.shared);
        }
    }

    /// Lets engines hear what others said, and gives what waits for a conversation to one that was
    /// opened.
    fn settle(&mut self) {
        for connection in self.connections.iter_mut().flatten() {
            connection.hear(&mut self.shared);
            connection.go_on(&mut self.shared);
            connection.settle(&mut self.shared);
            let mine = |envelope: &mut Envelope| connection.converses_with(&envelope.from);
            let held: Vec<_> = self.shared.held.extract_if(.., mine).collect();
            for envelope in held {
                connection.told(&mut self.shared, Input::Deliver(envelope));
            }
        }
        self.shared.held.truncate(MAX_HELD);
    }
}

fn proxy(network: &dyn Network) -> Via {
    let defaults = network.defaults();
    let host = defaults.hosts.first().copied().unwrap_or("host.test");
    Via::Proxy { dialled: crosstalk_core::HostPort::new(host, defaults.ports[0]) }
}

fn direct(network: &dyn Network) -> Via {
    let port = network.defaults().ports[0];
    let host = |name| crosstalk_core::HostPort::new(name, port);
    Via::Direct { upstream: host("server.test"), advertise: host("gateway.test") }
}
