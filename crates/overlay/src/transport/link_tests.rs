use super::*;
use crate::common::clock::Wall;
use crate::hub::inbound::Inbound;
use crate::membership::{Member, Members, REPLICAS};
use crate::storage::store::Store;
use crate::wire::message::Message;
use crate::wire::samples;
use crosstalk_core::{Body, Failure, UnixMillis};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

const OWN: GatewayId = GatewayId::from_bytes([0; 32]);
const PEER: GatewayId = GatewayId::from_bytes([1; 32]);

/// A link whose other end the test holds.
struct Bench {
    hub: Arc<Hub>,
    wire: DuplexStream,
    link: JoinHandle<Left>,
    _inbound: mpsc::Receiver<Inbound>,
    _state: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let (store, epoch, _) = Store::open(state.path(), 1 << 20, UnixMillis(1)).unwrap();
        let peer = Member { id: PEER, addresses: Vec::new(), networks: Vec::new() };
        let members = Arc::new(Members::new(OWN, Vec::new(), &[peer], REPLICAS));
        let (inbound, events) = mpsc::channel(16);
        let hub = Hub::new(members, Wall::System, store, epoch, None, inbound);
        let (ours, wire) = tokio::io::duplex(1 << 20);
        let link = tokio::spawn(run(hub.clone(), PEER, ours, Arc::new(Greeting::new(Vec::new()))));
        Self { hub, wire, link, _inbound: events, _state: state }
    }

    async fn greeted() -> Self {
        let mut bench = Self::new();
        bench.say(&hello(NEWEST)).await;
        bench
    }

    async fn say(&mut self, hello: &Hello) {
        self.say_bytes(&hello.encode().unwrap()).await;
    }

    async fn say_bytes(&mut self, bytes: &[u8]) {
        self.wire.write_u32(bytes.len() as u32).await.unwrap();
        self.wire.write_all(bytes).await.unwrap();
    }

    /// The next frame that the link says.
    async fn frame(&mut self) -> Vec<u8> {
        let length = self.wire.read_u32().await.unwrap();
        let mut bytes = vec![0; length as usize];
        self.wire.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    /// The link ends within its own deadlines, and the peer is blamed so many times.
    async fn ends_with(self, faults: u64) -> Left {
        let left = timeout(GREETING * 2, self.link).await.expect("the link ends").unwrap();
        assert_eq!(self.hub.counts().faults, faults);
        assert!(self.hub.linked().is_empty());
        left
    }
}

fn hello(version: u8) -> Hello {
    let addresses = vec!["gateway.test:4001".into(), "nonsense".into()];
    Hello { oldest: version, newest: version, epoch: 7, addresses }
}

#[tokio::test]
async fn a_link_is_up_after_the_greeting() {
    let mut bench = Bench::greeted().await;
    let ours = bench.frame().await;
    let ours: Hello = Hello::decode(&ours).unwrap();
    assert_eq!((ours.newest, ours.epoch), (NEWEST, bench.hub.epoch));
    while bench.hub.linked() != [PEER] {
        tokio::task::yield_now().await;
    }
    bench.wire.shutdown().await.unwrap();
    let left = bench.ends_with(0).await;
    assert!(left.was_up);
    assert_eq!(left.addresses, [HostPort::new("gateway.test", 4001)]);
}

#[tokio::test]
async fn an_oversized_frame_closes_the_link_and_blames_the_peer() {
    let mut bench = Bench::greeted().await;
    bench.wire.write_u32(MAX_FRAME as u32 + 1).await.unwrap();
    bench.ends_with(1).await;
}

#[tokio::test]
async fn a_malformed_frame_closes_the_link_and_blames_the_peer() {
    for garbage in [&[][..], &[NEWEST], &[NEWEST, 0x80], &[9, 0, 1, 2], &[NEWEST, 1, 0xff]] {
        let mut bench = Bench::greeted().await;
        bench.say_bytes(garbage).await;
        bench.ends_with(1).await;
    }
}

#[tokio::test]
async fn what_a_later_version_says_costs_neither_the_link_nor_the_blame() {
    let mut bench = Bench::greeted().await;
    bench.say_bytes(&[NEWEST, 99, 1, 2, 3]).await;
    let message = Message::Envelope(samples::envelope(Body::Attention));
    let said = Frame::Said { number: 1, settled: 1, hops: 1, age_ms: 0, message };
    let mut later = said.encode(NEWEST).unwrap().to_vec();
    *later.last_mut().unwrap() = 99;
    bench.say_bytes(&later).await;
    let answer = Frame::Answer { number: 1, outcome: Err(Failure::Refused) };
    let answered =
        async { while Frame::decode(NEWEST, &bench.frame().await) != Ok(answer.clone()) {} };
    timeout(Duration::from_secs(20), answered).await.expect("its sender hears of it");
    assert_eq!(bench.hub.counts(), crate::Counts::default());
}

#[tokio::test]
async fn a_peer_of_other_versions_is_refused() {
    let mut bench = Bench::new();
    bench.say(&hello(NEWEST + 1)).await;
    assert!(!bench.ends_with(1).await.was_up);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_says_nothing_is_not_waited_for() {
    let bench = Bench::new();
    let _open = bench.hub.clone();
    assert!(!bench.ends_with(0).await.was_up);
}

#[tokio::test]
async fn a_second_link_takes_the_place_of_the_first() {
    let bench = Bench::greeted().await;
    while bench.hub.linked() != [PEER] {
        tokio::task::yield_now().await;
    }
    let (ours, mut wire) = tokio::io::duplex(1 << 20);
    let second =
        tokio::spawn(run(bench.hub.clone(), PEER, ours, Arc::new(Greeting::new(Vec::new()))));
    let bytes = hello(NEWEST).encode().unwrap();
    wire.write_u32(bytes.len() as u32).await.unwrap();
    wire.write_all(&bytes).await.unwrap();
    assert!(timeout(GREETING, bench.link).await.unwrap().unwrap().was_up);
    assert_eq!(bench.hub.linked(), [PEER]);
    assert!(!second.is_finished());
}

#[tokio::test]
async fn a_gateway_of_version_1_is_understood() {
    let mut bench = Bench::new();
    bench.say(&hello(OLDEST)).await;
    assert_eq!(bench.frame().await[0], OLDEST, "a greeting is readable to the oldest");
    let lease = bench.frame().await;
    assert!(matches!(Frame::decode(OLDEST, &lease), Ok(Frame::Lease { .. })), "{lease:?}");
    bench.say_bytes(&Frame::Lease { seq: 1, ttl_ms: 1 }.encode(NEWEST).unwrap()).await;
    bench.ends_with(1).await;
}
