//! Entry points for the fuzz targets, which drive what is private here with any bytes at all.
//!
//! Each function panics where something that always holds does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Envelope, EnvelopeId, UnixMillis};
use libp2p_identity::Keypair;

use crate::membership::identity::gateway_id;
use crate::membership::signed_addresses::{Card, Cards};
use crate::membership::{
    Admitted, GatewayId, Member, Members, Membership, Operator, REPLICAS, Signed,
};
use crate::node::{Effect, Node};
use crate::storage::records;
use crate::wire::frame::{Frame, Hello, NEWEST, OLDEST};
use crate::wire::mapping::{Mapping, Namespace, Offered, Vouched};
use crate::wire::message::Message;

/// The networks of the three gateways of these targets; the first is the one under test.
const NETWORKS: [&str; 3] = ["aol", "jabber", "yahoo"];

/// Reads `bytes` as everything that is read from a link or from the disk. What can be read must be
/// written in the same words again.
pub fn decode(bytes: &[u8]) {
    if let Ok(hello) = Hello::decode(bytes) {
        let written = hello.encode().expect("what was read has a length");
        assert_eq!(Hello::decode(&written).as_ref(), Ok(&hello));
    }
    for version in OLDEST..=NEWEST {
        let Ok(frame) = Frame::decode(version, bytes) else { continue };
        if matches!(frame, Frame::Unknown | Frame::UnknownMessage { .. }) {
            assert_eq!(frame.encode(version), None);
            continue;
        }
        let written = frame.encode(version).expect("what was read has a length");
        assert_eq!(Frame::decode(version, &written).as_ref(), Ok(&frame));
        for older in OLDEST..=version {
            let said = frame.for_version(older);
            assert!(said.is_none_or(|said| said.since() <= older));
        }
    }
    if let Ok((said, post)) = records::read_post(bytes) {
        assert_eq!(records::read_post(&records::of_post(said, &post)), Ok((said, post)));
    }
    if let Ok(held) = records::read_mapping(bytes) {
        assert_eq!(records::read_mapping(&records::of_mapping(&held)), Ok(held));
    }
    if let Ok((owner, roster)) = records::read_list(bytes) {
        assert_eq!(records::read_list(&records::of_list(&owner, &roster)), Ok((owner, roster)));
    }
}

/// Reads `bytes` as a membership document, in text and as it travels, and as a card. Only what the
/// one signed who may is taken.
pub fn documents(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(document) = Membership::parse(text)
    {
        assert_eq!(Membership::parse(&document.to_text()).as_ref(), Ok(&document));
    }
    if let Ok(signed) = postcard::from_bytes::<Signed>(bytes)
        && let Ok(document) = Membership::verify(signed.clone())
    {
        assert_eq!(document.signed(), signed);
    }
    if let Ok(card) = postcard::from_bytes::<Card>(bytes) {
        let mut cards = Cards::default();
        let taken = cards.take(&card, &members(0));
        assert_eq!(taken == Ok(true), !cards.all().is_empty());
    }
}

/// A membership document and a card that are good, for a corpus to begin with.
pub fn good_documents() -> Vec<Vec<u8>> {
    let operator = Operator::new(key(8)).expect("an operator");
    let admitted = (0..3).map(|n| Admitted { member: member(n), until: None });
    let admitted: Vec<_> = admitted.collect();
    let document = operator.sign(1, &admitted).expect("a document of three");
    let card = Card::sign(&key(1), id(1), 7, &["one.example:7700".parse().expect("an address")]);
    vec![
        document.to_text().into_bytes(),
        postcard::to_stdvec(&document.signed()).unwrap_or_default(),
        postcard::to_stdvec(&card.expect("a card")).unwrap_or_default(),
    ]
}

/// A mapping that its owner signed, and a gateway.
fn good_mapping() -> (Namespace, Vouched) {
    let namespace = Namespace::from_bytes(*id(8).as_bytes());
    let mut mapping = Mapping {
        namespace,
        key: "city".into(),
        value: Some("Oslo".into()),
        sequence: 1,
        expires_at: 1_800_000_000,
        signature: Vec::new(),
    };
    mapping.signature = key(8).sign(&mapping.signed_bytes()).expect("a signature");
    (namespace, Vouched::sign(&key(1), id(1), mapping).expect("a signature"))
}

/// A frame of each kind, as peers write them, for a corpus to begin with.
pub fn good_frames() -> Vec<Vec<u8>> {
    let envelope = Envelope {
        id: EnvelopeId(5),
        from: "alice@yahoo".parse().expect("an address"),
        to: "bob@aol".parse().expect("an address"),
        sent_at: UnixMillis(1_800_000_000_000),
        body: Body::Attention,
        details: None,
    };
    let message = Message::Envelope(envelope);
    let (number, settled) = (1, 1);
    let (namespace, row) = good_mapping();
    let frames = [
        Frame::MappingGet { ask: 1, namespace, from: "city".into(), most: 10 },
        Frame::MappingGot { ask: 1, rows: vec![row.clone()], more: true },
        Frame::MappingPut { ask: 1, namespace, rows: vec![row], whole: Some(7), turn: 1 },
        Frame::MappingOffered { ask: 1, outcome: Offered::Kept },
        Frame::MappingDigests(vec![(namespace, 7)]),
        Frame::MappingWant(vec![namespace]),
        Frame::MappingWatch { namespace, digest: 7 },
        Frame::Lease { seq: 1, ttl_ms: 15_000 },
        Frame::Synced { version: 3 },
        Frame::HeardOut(vec![(id(1), 1, 3)]),
        Frame::Era(0),
        Frame::MembershipGet,
        Frame::Message { number, settled, message: message.clone() },
        Frame::Said { number: 2, settled, hops: 1, age_ms: 10, message },
        Frame::Answer { number, outcome: Ok(()) },
    ];
    frames.iter().filter_map(|frame| frame.encode(NEWEST)).map(|bytes| bytes.to_vec()).collect()
}

/// A step of what two peers and this gateway's own people do.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// A peer, 1 or 2, says this frame.
    Frame(usize, &'a [u8]),
    /// Some time passes.
    Wait(Duration),
    /// The link to a peer ends and comes up, in the same boot or in a new one.
    Link(usize, u64),
    /// Somebody here signs on, or off.
    Sign(bool),
    /// Somebody here is to be told of somebody elsewhere, or no more.
    Watch(bool),
    /// Somebody here says something to somebody at the home of a peer.
    Say(usize),
    /// Somebody is looked for.
    Locate,
    /// The router answers what it was handed, or does no more.
    Answer(bool),
}

/// Plays steps on a gateway between two peers. What its router is handed, peers may say.
pub fn peers<'a>(steps: impl Iterator<Item = Step<'a>>) {
    let mut stage = Stage {
        node: Node::new(Arc::new(members(0)), 1),
        ids: [id(0), id(1), id(2)],
        now: Instant::now(),
        links: 0,
        linked: [0; 3],
        answers: true,
        said: 0,
    };
    for peer in [1, 2] {
        stage.link(peer, 1);
    }
    for step in steps {
        stage.act(step);
        stage.work_off();
    }
}

struct Stage {
    node: Node<u64, ()>,
    ids: [GatewayId; 3],
    now: Instant,
    links: u64,
    /// The present link of each peer; 0 for none.
    linked: [u64; 3],
    answers: bool,
    said: u128,
}

impl Stage {
    fn act(&mut self, step: Step<'_>) {
        let here: Address = "bob@aol".parse().expect("an address");
        let far: Address = "alice@yahoo".parse().expect("an address");
        match step {
            Step::Frame(peer, bytes) if self.linked[peer] != 0 => {
                let frame = Frame::decode(NEWEST, bytes).ok().filter(Frame::is_of_node);
                let good =
                    frame.is_some_and(|f| self.node.received(self.now, self.ids[peer], f).is_ok());
                if !good {
                    self.unlink(peer);
                }
            }
            Step::Frame(..) => {}
            Step::Wait(time) => {
                self.now += time;
                self.node.tick(self.now);
            }
            Step::Link(peer, epoch) => {
                self.unlink(peer);
                self.link(peer, epoch);
            }
            Step::Sign(on) => self.node.publish(self.now, |directory| {
                if on { directory.sign_on(&here) } else { directory.sign_off(&here) }
            }),
            Step::Watch(true) => self.node.watch(self.now, &far),
            Step::Watch(false) => self.node.unwatch(self.now, &far),
            Step::Say(peer) => {
                self.said += 1;
                let (id, sent_at, body) = (EnvelopeId(self.said), UnixMillis(0), Body::Attention);
                let to = if peer == 1 { "bob@jabber".parse().expect("an address") } else { far };
                let envelope = Envelope { id, from: here, to, sent_at, body, details: None };
                self.node.post(self.now, Message::Envelope(envelope), true);
            }
            Step::Locate => self.node.locate(self.now, &far, ()),
            Step::Answer(answers) => self.answers = answers,
        }
    }

    fn link(&mut self, peer: usize, epoch: u64) {
        self.links += 1;
        self.linked[peer] = self.links;
        self.node.linked(self.now, self.ids[peer], self.links, epoch, NEWEST);
    }

    fn unlink(&mut self, peer: usize) {
        let link = std::mem::take(&mut self.linked[peer]);
        if link != 0 {
            self.node.unlinked(self.now, self.ids[peer], link);
        }
    }

    fn work_off(&mut self) {
        while let Some(effect) = self.node.next_effect() {
            match effect {
                Effect::Deliver { from, call, message, .. } => {
                    let at =
                        (1..3).find(|n| self.ids[*n] == from).expect("only peers say anything");
                    let theirs =
                        |network: &crosstalk_core::NetworkId| network.as_str() == NETWORKS[at];
                    let speaks = message.speaks_for().into_iter().all(theirs);
                    assert!(speaks, "provenance: {from} speaks for people of another network");
                    if self.answers {
                        self.node.answer(self.now, from, call, Ok(()));
                    }
                }
                Effect::DeliverOwn(number, _, shown) => {
                    self.node.answer_own(self.now, number, shown, Ok(()));
                }
                Effect::Keep { number, revision, .. } => {
                    self.node.kept(self.now, number, revision);
                }
                Effect::Close(peer, link) => {
                    if let Some(at) =
                        (1..3).find(|n| self.ids[*n] == peer && self.linked[*n] == link)
                    {
                        self.unlink(at);
                    }
                }
                _ => {}
            }
        }
        for peer in [1, 2] {
            let mut frames = Vec::new();
            if self.linked[peer] != 0 {
                self.node.dequeue(&self.ids[peer], self.linked[peer], 64, &mut frames);
            }
            for bytes in frames {
                assert!(Frame::decode(NEWEST, &bytes).is_ok(), "a frame that no peer can read");
            }
        }
    }
}

fn key(n: usize) -> Keypair {
    Keypair::ed25519_from_bytes([n as u8 + 1; 32]).expect("a key")
}

fn id(n: usize) -> GatewayId {
    gateway_id(&key(n)).expect("an id")
}

fn member(n: usize) -> Member {
    let address = format!("{}.example:7700", NETWORKS[n]).parse().expect("an address");
    let network = NETWORKS[n].parse().expect("a network");
    Member { id: id(n), addresses: vec![address], networks: vec![network] }
}

fn members(own: usize) -> Members {
    let others: Vec<_> = (0..3).filter(|n| *n != own).map(member).collect();
    Members::new(id(own), member(own).networks, &others, REPLICAS)
}
