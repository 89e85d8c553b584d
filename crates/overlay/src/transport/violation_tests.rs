//! Violations by a member, on links whose other ends the test holds: each is refused and counted,
//! and the other member notices nothing.

use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{
    Address, Body, Contact, Envelope, EnvelopeId, Failure, Roster, Stamp, UnixMillis,
};
use libp2p_identity::Keypair;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::common::clock::Wall;
use crate::hub::Hub;
use crate::hub::backlog::SHARE;
use crate::hub::inbound::Inbound;
use crate::membership::identity;
use crate::membership::signed_addresses::Card;
use crate::membership::{
    Admitted, GatewayId, Key, Member, Members, Membership, Operator, REPLICAS,
};
use crate::node::violations::Counts;
use crate::storage::store::Store;
use crate::transport::link::{self, Greeting, Left, READS};
use crate::wire::frame::{Frame, Hello, NEWEST, OLDEST};
use crate::wire::message::Message;

const PATIENCE: Duration = Duration::from_secs(20);
/// The router's queue.
const INBOUND: usize = 4;

/// A gateway, 0, with two members, 1 and 2, that may speak for `aol`.
struct Bench {
    hub: Arc<Hub>,
    operator: Operator,
    inbound: mpsc::Receiver<Inbound>,
    _state: tempfile::TempDir,
}

/// The other end of a link.
struct Wire {
    wire: DuplexStream,
    link: JoinHandle<Left>,
}

fn key(n: u8) -> Keypair {
    Keypair::ed25519_from_bytes([n + 1; 32]).unwrap()
}

fn id(n: u8) -> GatewayId {
    identity::gateway_id(&key(n)).unwrap()
}

fn document(operator: &Operator, version: u64, members: &[u8]) -> Membership {
    let admitted = |n: &u8| {
        let networks = vec!["aol".parse().unwrap()];
        Admitted { member: Member { id: id(*n), addresses: Vec::new(), networks }, until: None }
    };
    operator.sign(version, &members.iter().map(admitted).collect::<Vec<_>>()).unwrap()
}

fn say(number: u64, from: &str) -> Frame {
    let message = Message::Envelope(Envelope {
        id: EnvelopeId(number.into()),
        from: from.parse().unwrap(),
        to: "bob@aol".parse().unwrap(),
        sent_at: UnixMillis(0),
        body: Body::Attention,
        details: None,
    });
    Frame::Message { number, settled: 0, message }
}

impl Bench {
    fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let operator = Operator::load_or_make(state.path()).unwrap();
        let members = document(&operator, 5, &[0, 1, 2]);
        let members = Members::of(id(0), members, UnixMillis(0), REPLICAS);
        let (store, epoch, _) = Store::open(state.path(), 1 << 20, UnixMillis(1)).unwrap();
        let (tell, inbound) = mpsc::channel(INBOUND);
        let hub = Hub::new(Arc::new(members), Wall::System, store, epoch, None, tell);
        tokio::spawn(hub.clone().pump(CancellationToken::new()));
        Self { hub, operator, inbound, _state: state }
    }

    async fn link(&self, n: u8) -> Wire {
        let (ours, wire) = tokio::io::duplex(1 << 20);
        let greeting = Arc::new(Greeting::new(Vec::new()));
        let link = tokio::spawn(link::run(self.hub.clone(), id(n), ours, greeting));
        let mut wire = Wire { wire, link };
        let hello = Hello { oldest: OLDEST, newest: NEWEST, epoch: 7, addresses: Vec::new() };
        wire.write(&hello.encode().unwrap()).await;
        wire.read().await;
        wire.say(&Frame::Era(5)).await;
        wire.is_heard().await;
        wire
    }

    /// Waits for the counts of gateway 1 to be these.
    async fn counts(&self, expected: Counts) {
        let counted = async {
            while self.hub.counts_of(&id(1)) != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let counted = timeout(PATIENCE, counted).await;
        assert!(counted.is_ok(), "{:?} instead of {expected:?}", self.hub.counts_of(&id(1)));
    }

    async fn next(&mut self) -> (GatewayId, Message) {
        match timeout(PATIENCE, self.inbound.recv()).await.unwrap().unwrap() {
            Inbound::Message { from, message, answer } => {
                answer.give(Ok(()));
                (from, message)
            }
            other => panic!("{other:?}"),
        }
    }
}

impl Wire {
    async fn write(&mut self, bytes: &[u8]) {
        self.wire.write_u32(bytes.len() as u32).await.unwrap();
        self.wire.write_all(bytes).await.unwrap();
    }

    async fn say(&mut self, frame: &Frame) {
        self.write(&frame.encode(NEWEST).unwrap()).await;
    }

    async fn read(&mut self) -> Vec<u8> {
        let length = self.wire.read_u32().await.unwrap();
        let mut bytes = vec![0; length as usize];
        self.wire.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    /// The first frame that `which` names.
    async fn hears(&mut self, which: impl Fn(&Frame) -> bool) -> Frame {
        let heard = async {
            loop {
                let frame = Frame::decode(NEWEST, &self.read().await).unwrap();
                if which(&frame) {
                    return frame;
                }
            }
        };
        timeout(PATIENCE, heard).await.expect("it is said in time")
    }

    /// The gateway answers: it has heard everything so far, and is there for this one.
    async fn is_heard(&mut self) {
        let key = Key::of(&"carol@aol".parse::<Address>().unwrap());
        self.say(&Frame::Locate { ask: 99, key }).await;
        self.hears(|frame| matches!(frame, Frame::Located { ask: 99, .. })).await;
    }
}

#[tokio::test]
async fn a_message_said_twice_is_delivered_once() {
    let mut bench = Bench::new();
    let (mut bad, mut good) = (bench.link(1).await, bench.link(2).await);
    for number in [1, 2, 2, 1] {
        bad.say(&say(number, "alice@aol")).await;
    }
    bad.say(&Frame::Lease { seq: 3, ttl_ms: 1 }).await;
    bad.say(&Frame::Lease { seq: 3, ttl_ms: 15_000 }).await;
    bench.counts(Counts { replayed: 3, ..Counts::default() }).await;
    bench.next().await;
    bench.next().await;
    good.say(&say(1, "dave@aol")).await;
    assert_eq!(bench.next().await.0, id(2), "nothing in between");
}

#[tokio::test]
async fn nobody_speaks_for_a_network_of_others() {
    let mut bench = Bench::new();
    let (mut bad, mut good) = (bench.link(1).await, bench.link(2).await);
    bad.say(&say(1, "alice@jabber")).await;
    let refused = |frame: &Frame| matches!(frame, Frame::Answer { number: 1, .. });
    let answer = bad.hears(refused).await;
    assert_eq!(answer, Frame::Answer { number: 1, outcome: Err(Failure::Refused) });
    bench.counts(Counts { refused: 1, ..Counts::default() }).await;
    good.say(&say(1, "dave@aol")).await;
    assert_eq!(bench.next().await.0, id(2));
}

#[tokio::test]
async fn old_foreign_and_forged_papers_are_refused() {
    let bench = Bench::new();
    let (mut bad, mut good) = (bench.link(1).await, bench.link(2).await);
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Operator::load_or_make(elsewhere.path()).unwrap();
    bad.say(&Frame::Membership(document(&bench.operator, 4, &[0, 1]).signed())).await;
    bad.say(&Frame::Membership(document(&other, 9, &[0, 1]).signed())).await;
    let sixth = document(&bench.operator, 6, &[0, 1]).signed();
    let mut forged = Frame::Membership(sixth).encode(NEWEST).unwrap().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    bad.write(&forged).await;
    let at = crosstalk_core::HostPort::new("evil.example", 1);
    let card = Card::sign(&key(1), id(2), 9, &[at]).unwrap();
    bad.say(&Frame::Cards(vec![card])).await;
    bench.counts(Counts { stale: 4, ..Counts::default() }).await;
    assert_eq!(bench.hub.members.borrow().era(), 5);
    assert!(bench.hub.addresses(&id(2)).is_empty());
    good.is_heard().await;
    bad.is_heard().await;
}

#[tokio::test]
async fn nobody_writes_into_a_list_from_the_end_of_time() {
    let bench = Bench::new();
    let (mut bad, mut good) = (bench.link(1).await, bench.link(2).await);
    let (owner, mut part): (Address, _) = ("bob@aol".parse().unwrap(), Roster::default());
    for (name, millis) in [("early@jabber", 5), ("late@jabber", u64::MAX)] {
        let contact = Contact::new(name.parse().unwrap(), name.to_owned());
        part.put(Contact { listed: true, ..contact }, Stamp { millis, writer: 1 });
    }
    bad.say(&Frame::RosterPut { owner: owner.clone(), part, whole: None, turn: 0 }).await;
    bench.counts(Counts { faults: 1, ..Counts::default() }).await;
    bad.is_heard().await;
    good.say(&Frame::RosterGet { ask: 1, owner }).await;
    let Frame::RosterPut { part, .. } =
        good.hears(|frame| matches!(frame, Frame::RosterPut { .. })).await
    else {
        panic!("there is a part");
    };
    let names: Vec<_> = part.listed().map(|c| c.address.to_string()).collect();
    assert_eq!(names, ["early@jabber"]);
}

#[tokio::test]
async fn who_is_revoked_is_cut_off_at_once_and_heard_no_more() {
    let mut bench = Bench::new();
    let (mut bad, mut good) = (bench.link(1).await, bench.link(2).await);
    let next = document(&bench.operator, 6, &[0, 2]);
    good.say(&Frame::Membership(next.signed())).await;
    good.say(&Frame::Era(6)).await;
    good.is_heard().await;
    let late = say(1, "alice@aol").encode(NEWEST).unwrap();
    let _ = bad.wire.write_all(&(late.len() as u32).to_be_bytes()).await;
    let _ = bad.wire.write_all(&late).await;
    timeout(PATIENCE, bad.link).await.expect("the link is closed").unwrap();
    assert!(matches!(bench.inbound.recv().await, Some(Inbound::Lost(who)) if who == id(1)));
    good.say(&say(1, "dave@aol")).await;
    assert_eq!(bench.next().await.0, id(2), "nothing of the other in between");
}

#[tokio::test]
async fn questions_without_end_are_read_slowly_and_others_are_answered() {
    let bench = Bench::new();
    let (bad, mut good) = (bench.link(1).await, bench.link(2).await);
    let question = Frame::MembershipGet.encode(NEWEST).unwrap();
    let (mut answers, mut questions) = tokio::io::split(bad.wire);
    let flood = tokio::spawn(async move {
        loop {
            if questions.write_u32(question.len() as u32).await.is_err()
                || questions.write_all(&question).await.is_err()
            {
                return;
            }
        }
    });
    let reader =
        tokio::spawn(async move { tokio::io::copy(&mut answers, &mut tokio::io::sink()).await });
    let flooded = async {
        while bench.hub.counts_of(&id(1)).flooded == 0 {
            good.is_heard().await;
        }
    };
    timeout(PATIENCE, flooded).await.expect("it is noticed");
    good.is_heard().await;
    flood.abort();
    reader.abort();
}

#[tokio::test]
async fn messages_without_end_leave_room_for_those_of_others() {
    let mut bench = Bench::new();
    let (mut bad, mut good) = (bench.link(1).await, bench.link(2).await);
    let flood = tokio::spawn(async move {
        for number in 1..=SHARE as u64 * 3 {
            bad.say(&say(number, "alice@aol")).await;
        }
        bad
    });
    bench.counts(Counts { flooded: 1, ..Counts::default() }).await;
    good.say(&say(1, "dave@aol")).await;
    good.is_heard().await;
    let mut before = 0;
    while bench.next().await.0 != id(2) {
        before += 1;
    }
    assert!(before <= SHARE + READS + INBOUND, "{before} of one that sends without end come first");
    for _ in before..SHARE * 3 {
        bench.next().await;
    }
    drop(flood.await.unwrap());
}
