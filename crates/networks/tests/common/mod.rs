//! Captures of real sessions, and a gateway that is nothing but an engine.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{self, Waker};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use crosstalk_core::{
    Bell, Context, Engine, Envelope, EnvelopeIds, Event, Fault, HostPort, Input, Lobby, Names,
    Network, Now, Output, Roster, Side, TlsFacts, UnixMillis, Via,
};
use crosstalk_networks::NETWORKS;

/// One connection, as its reads were captured.
pub struct Capture {
    pub name: String,
    pub reads: Vec<(Side, Vec<u8>)>,
}

impl Capture {
    /// Reads lines of `C seconds hex` and `S seconds hex`; all others are remarks.
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let reads = text.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let side = match words.next()? {
                "C" => Side::Client,
                "S" => Side::Server,
                _ => return None,
            };
            Some((side, unhex(words.nth(1)?)?))
        });
        Self { name: path.display().to_string(), reads: reads.collect() }
    }

    /// Everything one side sent.
    pub fn sent_by(&self, side: Side) -> Vec<u8> {
        self.reads.iter().filter(|(s, _)| *s == side).flat_map(|(_, b)| b).copied().collect()
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    digits.map(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok()).collect()
}

/// The captures of each network, by directory: those in one share their cookies.
pub fn worlds() -> Vec<(&'static dyn Network, Vec<Capture>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut worlds = Vec::new();
    for network in NETWORKS {
        let mut directories = BTreeMap::<PathBuf, Vec<PathBuf>>::new();
        files(&root.join(network.name()), &mut directories);
        for (_, mut paths) in directories {
            paths.sort();
            worlds.push((*network, paths.iter().map(|p| Capture::read(p)).collect()));
        }
    }
    worlds
}

fn files(directory: &Path, found: &mut BTreeMap<PathBuf, Vec<PathBuf>>) {
    let entries = fs::read_dir(directory).into_iter().flatten();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.entry(directory.to_owned()).or_default().push(path);
        }
    }
}

/// Every registered network under its usual name, and once more under another.
pub fn names() -> Arc<Names> {
    let usual = NETWORKS.iter().map(|n| (n.defaults().id.parse().unwrap(), *n));
    let elsewhere = NETWORKS.iter().map(|n| (format!("far-{}", n.name()).parse().unwrap(), *n));
    Arc::new(Names::new("xt", usual.chain(elsewhere)))
}

/// An engine, and the bytes that it let through.
pub struct Gateway {
    engine: Box<dyn Engine>,
    bell: Bell,
    out: Output,
    pending: [BytesMut; 2],
    sent: [Vec<u8>; 2],
    /// Given to the engine when the person is signed in, if at all.
    roster: Option<Roster>,
    pub events: Vec<Event>,
    /// What the engine gave back.
    pub held: Vec<Envelope>,
    pub now: Now,
    pub opaque: bool,
}

impl Gateway {
    /// A connection through a proxy.
    pub fn new(
        network: &'static dyn Network,
        lobby: &Arc<Lobby>,
        roster: impl Into<Option<Roster>>,
    ) -> Self {
        let defaults = network.defaults();
        let host =
            HostPort::new(*defaults.hosts.first().unwrap_or(&"host.test"), defaults.ports[0]);
        Self::via(network, lobby, roster, Via::Proxy { dialled: host })
    }

    /// A connection that came in some other way.
    pub fn via(
        network: &'static dyn Network,
        lobby: &Arc<Lobby>,
        roster: impl Into<Option<Roster>>,
        via: Via,
    ) -> Self {
        let bell = Bell::default();
        let context = Context {
            network: network.defaults().id.parse().unwrap(),
            names: names(),
            lobby: lobby.clone(),
            via,
            ids: EnvelopeIds::new(1),
            random,
            bell: bell.clone(),
            terminate_tls: true,
            options: Vec::new(),
        };
        let now = Now { instant: Instant::now(), wall: UnixMillis(1_800_000_000_000) };
        let mut gateway = Self {
            engine: network.engine(context),
            bell,
            out: Output::default(),
            pending: Default::default(),
            sent: Default::default(),
            roster: roster.into(),
            events: Vec::new(),
            held: Vec::new(),
            now,
            opaque: false,
        };
        gateway.input(Input::Start).unwrap();
        gateway
    }

    /// Gives bytes that `side` sent.
    pub fn bytes(&mut self, side: Side, bytes: &[u8]) -> Result<(), Fault> {
        let mut pending = std::mem::take(&mut self.pending[side as usize]);
        pending.extend_from_slice(bytes);
        let result = if self.opaque {
            self.out.forward(side.other(), pending.split().freeze());
            self.collect()
        } else {
            let result =
                self.engine.handle(self.now, Input::Bytes(side, &mut pending), &mut self.out);
            result.and_then(|()| self.collect())
        };
        self.pending[side as usize] = pending;
        result
    }

    /// Gives anything else.
    pub fn input(&mut self, input: Input<'_>) -> Result<(), Fault> {
        self.engine.handle(self.now, input, &mut self.out)?;
        self.collect()
    }

    /// Lets time pass, and the engine act on it.
    pub fn wait(&mut self, time: Duration) {
        self.now.instant += time;
        self.now.wall.0 += u64::try_from(time.as_millis()).unwrap();
        if self.engine.deadline().is_some_and(|at| at <= self.now.instant) {
            self.input(Input::Tick).unwrap();
        }
    }

    /// Lets the engine hear its bell, if somebody rang it.
    pub fn hear(&mut self) {
        if self.bell.poll_rung(&task::Context::from_waker(Waker::noop())).is_ready() {
            self.input(Input::Rung).unwrap();
        }
    }

    /// Takes what was sent to a side so far.
    pub fn take(&mut self, to: Side) -> Vec<u8> {
        std::mem::take(&mut self.sent[to as usize])
    }

    /// What the engine left of the bytes of a side.
    pub fn pending(&self, side: Side) -> &[u8] {
        &self.pending[side as usize]
    }

    /// How many bytes the engine says that it holds.
    pub fn weight(&self) -> usize {
        self.engine.weight()
    }

    pub fn is_known(&self) -> bool {
        self.engine.is_known()
    }

    pub fn altered(&self) -> bool {
        self.out.altered()
    }

    fn collect(&mut self) -> Result<(), Fault> {
        for side in [Side::Client, Side::Server] {
            let sent = self.out.queue(side).drain(..);
            sent.for_each(|bytes| self.sent[side as usize].extend_from_slice(&bytes));
        }
        self.held.extend(self.out.take_held());
        while let Some(event) = self.out.next_event() {
            match &event {
                Event::SignedIn { .. } => {
                    if let Some(roster) = self.roster.take() {
                        self.input(Input::Roster(roster))?;
                    }
                }
                Event::Encrypt(side, _) => {
                    self.input(Input::Encrypted(*side, TlsFacts::default()))?;
                }
                Event::Opaque => self.opaque = true,
                _ => {}
            }
            self.events.push(event);
        }
        Ok(())
    }
}

/// Numbers that do not repeat.
fn random() -> u128 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Reproducible randomness: `SplitMix64`.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// Checks that four times as much takes about four times as long, and not sixteen times: `work`
/// is given how much to do, and returns how long that took. The best of a few runs counts, since
/// others use the machine too.
pub fn assert_linear(what: &str, amount: usize, mut work: impl FnMut(usize) -> Duration) {
    let (mut small, mut large) = (Duration::MAX, Duration::MAX);
    for _ in 0..8 {
        small = small.min(work(amount));
        large = large.min(work(4 * amount));
        if large <= 8 * small + Duration::from_millis(10) {
            return;
        }
    }
    panic!("{what}: {small:?} for {amount}, {large:?} for four times as much");
}
