use super::*;
use crate::delivery::NO_WAY;
use crate::membership::{Member, REPLICAS};
use crate::wire::frame::{NEWEST, Record};
use crosstalk_core::{Blame, Body, Envelope, EnvelopeId, UnixMillis};

const AOL: GatewayId = GatewayId::from_bytes([0; 32]);
const YAHOO: GatewayId = GatewayId::from_bytes([1; 32]);

type Plain = Node<u128, ()>;

/// Two gateways and a wire that can break, on a clock of its own.
struct Pair {
    nodes: [Plain; 2],
    now: Instant,
    links: LinkId,
    up: bool,
    /// Messages that the routers were handed, and the outcomes of those that were sent.
    delivered: Vec<u128>,
    outcomes: Vec<(u128, Outcome)>,
    lost: usize,
    /// Whether the routers answer.
    answering: bool,
}

impl Pair {
    fn new() -> Self {
        let mut pair = Self {
            nodes: [node(AOL), node(YAHOO)],
            now: Instant::now(),
            links: 0,
            up: false,
            delivered: Vec::new(),
            outcomes: Vec::new(),
            lost: 0,
            answering: true,
        };
        pair.link();
        pair
    }

    fn link(&mut self) {
        self.up = true;
        self.links += 1;
        let (now, link) = (self.now, self.links);
        self.nodes[0].linked(now, YAHOO, link, 1, NEWEST);
        self.nodes[1].linked(now, AOL, link, 1, NEWEST);
        self.settle();
    }

    /// Frames on the way are lost with the link.
    fn cut(&mut self) {
        self.up = false;
        let (now, link) = (self.now, self.links);
        self.nodes[0].unlinked(now, YAHOO, link);
        self.nodes[1].unlinked(now, AOL, link);
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(250);
            self.nodes.iter_mut().for_each(|node| node.tick(self.now));
            self.settle();
        }
    }

    /// Alice says something to Bob.
    fn send(&mut self, id: u128) {
        let message = envelope("alice@aol", id);
        self.nodes[0].send(self.now, YAHOO, message, id);
        self.settle();
    }

    fn settle(&mut self) {
        let mut quiet = false;
        while !quiet {
            quiet = true;
            for (own, (peer, other)) in [(0, (YAHOO, 1)), (1, (AOL, 0))] {
                while let Some(effect) = self.nodes[own].next_effect() {
                    quiet = false;
                    self.act(own, effect);
                }
                let mut frames = Vec::new();
                if self.up {
                    self.nodes[own].dequeue(&peer, self.links, 100, &mut frames);
                }
                for bytes in frames {
                    quiet = false;
                    let from = if own == 0 { AOL } else { YAHOO };
                    let frame = Frame::decode(NEWEST, &bytes).unwrap();
                    self.nodes[other].received(self.now, from, frame).unwrap();
                }
            }
        }
    }

    fn act(&mut self, own: usize, effect: Effect<u128, ()>) {
        match effect {
            Effect::Deliver { from, call, message: Message::Envelope(envelope), .. } => {
                self.delivered.push(envelope.id.0);
                if self.answering {
                    self.nodes[own].answer(self.now, from, call, Ok(()));
                }
            }
            Effect::Outcome(ticket, outcome) => self.outcomes.push((ticket, outcome)),
            Effect::Lost(_) => self.lost += 1,
            _ => {}
        }
    }
}

fn node(own: GatewayId) -> Plain {
    let member = |id, network: &str| Member {
        id,
        addresses: Vec::new(),
        networks: vec![network.parse().unwrap()],
    };
    let members = [member(AOL, "aol"), member(YAHOO, "yahoo")];
    let networks = members.iter().find(|m| m.id == own).unwrap().networks.clone();
    Node::new(Arc::new(Members::new(own, networks, &members, REPLICAS)), 1)
}

#[test]
fn a_home_tells_the_other_homes_of_a_list_what_any_gateway_changed_in_it() {
    let id = |n: usize| GatewayId::from_bytes([n as u8; 32]);
    let network = vec!["aol".parse().unwrap()];
    let members: Vec<_> = (0..4)
        .map(|n| Member { id: id(n), addresses: Vec::new(), networks: network.clone() })
        .collect();
    let key = Key::of(&"alice@aol".parse().unwrap());
    let of = |own| Members::new(own, network.clone(), &members, REPLICAS);
    let [own, second, third]: [GatewayId; 3] = of(id(0)).homes(&key).try_into().unwrap();
    let elsewhere = (0..4).map(id).find(|id| ![own, second, third].contains(id)).unwrap();
    let node: Plain = Node::new(Arc::new(of(own)), 1);
    assert_eq!(node.concerned(&key, &elsewhere), BTreeSet::from([second, third]));
    // It may be gone for good before it has told the third.
    assert_eq!(node.concerned(&key, &second), BTreeSet::from([third]));
}

fn envelope(from: &str, id: u128) -> Message {
    Message::Envelope(Envelope {
        id: EnvelopeId(id),
        from: from.parse().unwrap(),
        to: "bob@yahoo".parse().unwrap(),
        sent_at: UnixMillis(0),
        body: Body::Attention,
        details: None,
    })
}

#[test]
fn a_short_break_loses_and_repeats_nothing() {
    let mut pair = Pair::new();
    pair.send(1);
    pair.answering = false;
    pair.send(2);
    pair.cut();
    pair.send(3);
    pair.pass(Duration::from_secs(1));
    pair.nodes[1].answer(pair.now, AOL, Call { boot: 1, number: 2 }, Ok(()));
    pair.answering = true;
    pair.link();
    assert_eq!(pair.delivered, [1, 2, 3]);
    pair.outcomes.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(pair.outcomes, [(1, Ok(())), (2, Ok(())), (3, Ok(()))]);
    assert_eq!(pair.lost, 0);
}

#[test]
fn a_long_break_fails_what_waits_and_everything_after() {
    let mut pair = Pair::new();
    pair.cut();
    pair.send(1);
    pair.pass(crate::directory::lease::GRACE);
    assert_eq!(pair.outcomes, [(1, Err(NO_WAY))]);
    assert_eq!(pair.lost, 2, "each has lost the other");
    pair.send(2);
    assert_eq!(pair.outcomes[1], (2, Err(NO_WAY)));
    pair.link();
    pair.send(3);
    assert_eq!((pair.delivered, pair.outcomes[2]), (vec![3], (3, Ok(()))));
}

#[test]
fn leases_keep_an_idle_pair_together() {
    let mut pair = Pair::new();
    pair.pass(Duration::from_mins(5));
    assert_eq!(pair.lost, 0);
}

#[test]
fn a_router_that_never_answers_is_not_waited_for_long() {
    let mut pair = Pair::new();
    pair.answering = false;
    pair.send(1);
    pair.pass(crate::delivery::DEADLINE);
    assert_eq!(pair.outcomes, [(1, Err(Failure::Unconfirmed))], "it may show it yet");
}

#[test]
fn a_forged_sender_is_refused_and_counted() {
    let mut pair = Pair::new();
    let now = pair.now;
    for from in ["eve@yahoo", "crosstalk@gateway"] {
        pair.nodes[0].send(now, YAHOO, envelope(from, 7), 7);
    }
    pair.settle();
    assert!(pair.delivered.is_empty());
    assert_eq!(pair.outcomes, [(7, Err(Failure::Refused)), (7, Err(Failure::Refused))]);
    assert_eq!(pair.nodes[1].violations.of(&AOL).refused, 2);
}

#[test]
fn a_peer_that_reads_nothing_is_cut_off() {
    let mut pair = Pair::new();
    let part = crosstalk_core::Roster::default();
    let owner: Address = format!("{}@aol", "a".repeat(2000)).parse().unwrap();
    let frame = Frame::RosterPut { owner, part, whole: None, turn: 0 };
    for _ in 0..=crate::common::queue::MAX_QUEUED / 2000 {
        pair.nodes[0].queue(YAHOO, &frame);
    }
    let mut effects = std::iter::from_fn(|| pair.nodes[0].next_effect());
    assert!(effects.any(|effect| matches!(effect, Effect::Close(YAHOO, 1))));
}

/// Every kind of frame that a node takes.
fn frames() -> Vec<Frame> {
    let key = Key::of(&"alice@aol".parse().unwrap());
    let seen = Record::Seen { key, gateway: AOL, epoch: 1, version: 2, present: true };
    let records = vec![
        Record::Here { key, version: 1 },
        Record::Watch { key, turn: 1 },
        Record::Answered { key, turn: 1 },
        seen,
        Record::Gone { key, version: 3 },
        Record::Unwatch { key },
    ];
    vec![
        lease(1),
        Frame::Records(records),
        Frame::Synced { version: 3 },
        Frame::HeardOut(vec![(AOL, 1, 3)]),
        Frame::Locate { ask: 1, key },
        Frame::Located { ask: 1, at: vec![(AOL, 1)] },
        Frame::Message { number: 1, settled: 1, message: envelope("alice@aol", 1) },
        Frame::Answer { number: 1, outcome: Err(Failure::Busy) },
    ]
}

#[test]
fn mutated_frames_are_taken_or_blamed_on_the_peer() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize % below
    };
    let frames = frames();
    let (mut taken, mut blamed) = (0, 0);
    let mut pair = Pair::new();
    for _ in 0..20_000 {
        let mut bytes = frames[next(frames.len())].encode(NEWEST).unwrap().to_vec();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            bytes[at] = next(256) as u8;
        }
        bytes.truncate(1 + next(bytes.len() * 2));
        let now = pair.now;
        let result =
            Frame::decode(NEWEST, &bytes).and_then(|f| pair.nodes[1].received(now, AOL, f));
        match result {
            Ok(()) => taken += 1,
            Err(fault) => {
                assert_eq!(fault.blame, Blame::Peer);
                blamed += 1;
            }
        }
        while let Some(effect) = pair.nodes[1].next_effect() {
            pair.act(1, effect);
        }
        pair.nodes[1].dequeue(&AOL, pair.links, usize::MAX, &mut Vec::new());
    }
    assert!(taken > 1000 && blamed > 1000, "{taken} taken, {blamed} blamed");
}
