//! The outbox with a disk and gateways of the test.

mod uncertain;
mod waiting;

use super::*;
use crosstalk_core::{Body, Consent, Envelope, EnvelopeId, Typing, UnixMillis};

const HERE: GatewayId = GatewayId::from_bytes([0; 32]);
const THERE: GatewayId = GatewayId::from_bytes([1; 32]);
const ELSEWHERE: GatewayId = GatewayId::from_bytes([2; 32]);

/// An outbox, its disk, and what happened.
struct Bench {
    outbox: Outbox,
    now: Instant,
    /// Gateways at which Bob is.
    at: Vec<GatewayId>,
    sent: Vec<(u128, GatewayId)>,
    /// Messages under way, to be answered by the test.
    open: Vec<(u64, GatewayId)>,
    disk: BTreeMap<u64, Post>,
    /// Whether what is kept comes to disk.
    writes: bool,
    settled: Vec<(u64, Result<Fate, Failure>)>,
    watched: BTreeSet<Address>,
}

fn bob() -> Address {
    "bob@yahoo".parse().unwrap()
}

fn says(id: u128, body: Body) -> Message {
    let from = "alice@aol".parse().unwrap();
    Message::Envelope(Envelope {
        id: EnvelopeId(id),
        from,
        to: bob(),
        sent_at: UnixMillis(0),
        body,
        details: None,
    })
}

fn text(id: u128) -> Message {
    says(id, Body::Text { text: "hello".into(), auto: false })
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let mut outbox = Outbox::new(HERE, limits, 7);
        let now = Instant::now();
        for gateway in [THERE, ELSEWHERE] {
            outbox.linked(now, gateway);
        }
        Self {
            outbox,
            now,
            at: Vec::new(),
            sent: Vec::new(),
            open: Vec::new(),
            disk: BTreeMap::new(),
            writes: true,
            settled: Vec::new(),
            watched: BTreeSet::new(),
        }
    }

    fn says(&mut self, id: u128) -> u64 {
        let number = self.outbox.post(self.now, text(id), true);
        self.work();
        number
    }

    fn work(&mut self) {
        while let Some(next) = self.outbox.next() {
            match next {
                Action::Locate(number, user) => {
                    let at = if user == bob() { self.at.clone() } else { vec![HERE] };
                    self.outbox.located(self.now, number, &at);
                }
                Action::Send { number, to, message, .. } => {
                    let id = match message {
                        Message::Envelope(envelope) => envelope.id,
                        Message::Report { of, .. } => of,
                        other => panic!("{other:?}"),
                    };
                    self.sent.push((id.0, to));
                    self.open.push((number, to));
                }
                Action::Keep { number, revision, post, .. } => {
                    if self.writes {
                        self.disk.insert(number, post);
                        self.outbox.kept(self.now, number, revision);
                    }
                }
                Action::Forget(number) => drop(self.disk.remove(&number)),
                Action::Settled(number, fate) => self.settled.push((number, fate)),
                Action::Watch(user) => assert!(self.watched.insert(user)),
                Action::Unwatch(user) => assert!(self.watched.remove(&user)),
            }
        }
    }

    /// Bob signs on at a gateway.
    fn arrives(&mut self, at: GatewayId) {
        self.at = vec![at];
        self.outbox.arrived(self.now, &bob());
        self.work();
    }

    /// Ends the first message that is under way with this outcome; with none, the gateway is
    /// silent.
    fn answers(&mut self, outcome: Option<Outcome>) {
        let (number, by) = self.open.remove(0);
        match outcome {
            Some(outcome) => self.outbox.answered(self.now, number, by, outcome),
            None => self.outbox.doubted(self.now, number, by),
        }
        self.work();
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now = end.min(self.now + Duration::from_secs(1).max(time / 100));
            self.outbox.tick(self.now);
            self.work();
        }
    }

    fn restart(self) -> Self {
        let mut bench = Self { disk: self.disk, now: self.now, ..Self::new(Limits::default()) };
        let posts = bench.disk.clone().into_iter();
        let posts = posts.map(|(number, post)| (number, post, Duration::from_mins(1))).collect();
        bench.outbox.restore(bench.now, posts);
        bench.work();
        bench
    }
}
