//! Gateways linked over loopback.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant, SystemTime};

use crosstalk_core::{
    Address, Body, Contact, Envelope, EnvelopeId, Failure, HostPort, NetworkId, Presence, RichText,
    Roster, Stamp, UnixMillis,
};
use crosstalk_overlay::{Config, GatewayId, Inbound, Member, Message, Overlay};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// Longer than anything here takes, lease times included.
const PATIENCE: Duration = Duration::from_secs(20);

struct Gateway {
    overlay: Overlay,
    inbound: Receiver<Inbound>,
}

/// The places of gateways that know each other: state, address and the shared member list.
struct Mesh {
    states: Vec<TempDir>,
    listen: Vec<SocketAddr>,
    members: Vec<Member>,
}

impl Mesh {
    /// Places for gateways that speak for these networks.
    fn new(networks: &[&str]) -> Self {
        Self::at("127.0.0.1:0", networks)
    }

    fn at(address: &str, networks: &[&str]) -> Self {
        let states: Vec<_> = networks.iter().map(|_| tempfile::tempdir().unwrap()).collect();
        let sockets: Vec<_> =
            networks.iter().map(|_| TcpListener::bind(address).unwrap()).collect();
        let listen: Vec<_> = sockets.iter().map(|s| s.local_addr().unwrap()).collect();
        let members =
            networks.iter().zip(&states).zip(&listen).map(|((network, state), at)| Member {
                id: Overlay::identify(state.path()).unwrap(),
                addresses: vec![HostPort::new(at.ip().to_string(), at.port())],
                networks: vec![network.parse().unwrap()],
            });
        let members = members.collect();
        Self { states, listen, members }
    }

    fn start(&self, n: usize) -> Gateway {
        self.start_as(n, self.members[n].networks.clone(), self.members.clone())
    }

    fn start_as(&self, n: usize, networks: Vec<NetworkId>, members: Vec<Member>) -> Gateway {
        let listen = vec![self.listen[n]];
        let config = Config { listen, networks, members, ..Config::default() };
        let (overlay, inbound) = Overlay::join(&config, self.states[n].path()).unwrap();
        Gateway { overlay, inbound }
    }

    /// Starts all, and waits until all are linked.
    async fn start_all(&self) -> Vec<Gateway> {
        let all: Vec<_> = (0..self.members.len()).map(|n| self.start(n)).collect();
        for gateway in &all {
            gateway.linked_to(all.len() - 1).await;
        }
        all
    }
}

impl Gateway {
    fn id(&self) -> GatewayId {
        self.overlay.id()
    }

    async fn linked_to(&self, count: usize) {
        let linked = async {
            while self.overlay.linked().len() != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, linked).await.expect("links in time");
    }

    async fn next(&mut self) -> Inbound {
        timeout(PATIENCE, self.inbound.recv()).await.expect("an event in time").unwrap()
    }

    async fn arrival(&mut self) -> (Address, GatewayId) {
        match self.next().await {
            Inbound::Arrived { user, at } => (user, at),
            other => panic!("{other:?}"),
        }
    }

    async fn loss(&mut self) -> GatewayId {
        match self.next().await {
            Inbound::Lost(gateway) => gateway,
            other => panic!("{other:?}"),
        }
    }

    /// Answers every message with `outcome`, and returns what they were.
    fn answering(self, outcome: Result<(), Failure>) -> Receiver<(GatewayId, Message)> {
        let (tell, told) = tokio::sync::mpsc::channel(10_000);
        let Self { overlay, mut inbound } = self;
        tokio::spawn(async move {
            let _running = overlay;
            while let Some(event) = inbound.recv().await {
                if let Inbound::Message { from, message, answer } = event {
                    answer.give(outcome);
                    tell.send((from, message)).await.unwrap();
                }
            }
        });
        told
    }
}

fn alice() -> Address {
    "alice@aol".parse().unwrap()
}

fn bob() -> Address {
    "bob@yahoo".parse().unwrap()
}

fn text(from: Address, id: u128) -> Message {
    Message::Envelope(Envelope {
        id: EnvelopeId(id),
        from,
        to: bob(),
        sent_at: UnixMillis(0),
        body: Body::Text { text: RichText::plain("hello"), auto: false },
        details: None,
    })
}

fn roster(of: &str, millis: u64) -> Roster {
    let mut roster = Roster::default();
    let contact = Contact::new(of.parse().unwrap(), of.to_owned());
    roster.put(Contact { listed: true, ..contact }, Stamp { millis, writer: 1 });
    roster
}

fn names(roster: &Roster) -> Vec<String> {
    roster.listed().map(|contact| contact.address.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_hears_of_a_sign_on_at_another_gateway() {
    let mesh = Mesh::new(&["aol", "yahoo", "msn"]);
    let mut all = mesh.start_all().await;
    let at = all[0].id();
    all[1].overlay.watch(&[alice()]).await;
    all[0].overlay.sign_on(&alice()).await;
    assert_eq!(all[1].arrival().await, (alice(), at));
    assert_eq!(all[1].overlay.locate(&alice()).await, [at]);
    all[2].overlay.watch(&[alice()]).await;
    assert_eq!(all[2].arrival().await, (alice(), at), "who watches late hears it too");
    all[0].overlay.sign_off(&alice()).await;
    assert!(matches!(all[1].next().await, Inbound::Left { user, .. } if user == alice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_found_wherever_the_records_live() {
    let mesh = Mesh::new(&["aol"; 5]);
    let all = mesh.start_all().await;
    for n in 0..10 {
        let user: Address = format!("user{n}@aol").parse().unwrap();
        all[0].overlay.sign_on(&user).await;
        for seeker in &all {
            let found = async {
                while seeker.overlay.locate(&user).await != [all[0].id()] {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(PATIENCE, found).await.expect("found everywhere");
        }
    }
    assert!(all[3].overlay.locate(&bob()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_arrive_in_order_and_are_answered() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let mut heard = there.answering(Ok(()));
    let sends = (0..500).map(|n| here.overlay.send(&to, text(alice(), n)));
    assert!(futures::future::join_all(sends).await.iter().all(Result::is_ok));
    for n in 0..500 {
        let (from, mut message) = heard.recv().await.unwrap();
        if let Message::Envelope(envelope) = &mut message {
            assert!(envelope.sent_at > UnixMillis(0), "the time is by the clock of the receiver");
            envelope.sent_at = UnixMillis(0);
        }
        assert_eq!((from, message), (here.id(), text(alice(), n)));
    }
    let presence =
        Message::Presence { of: alice(), presence: Presence::available(), to: vec![bob()] };
    let probe = Message::Probe { of: bob(), by: vec![alice()] };
    for message in [presence, probe] {
        assert_eq!(here.overlay.send(&to, message.clone()).await, Ok(()));
        assert_eq!(heard.recv().await.unwrap().1, message);
    }
    assert_eq!(here.overlay.send(&to, text(alice(), 3)).await, Ok(()), "a repeat is answered");
    assert!(heard.try_recv().is_err(), "and not handed on");
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_link_over_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        return eprintln!("this machine has no IPv6");
    }
    let mesh = Mesh::at("[::1]:0", &["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let _heard = there.answering(Ok(()));
    assert_eq!(here.overlay.send(&to, text(alice(), 1)).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_was_said_does_not_depend_on_the_clock_of_the_sender() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let mut heard = there.answering(Ok(()));
    let before = UnixMillis::from(SystemTime::now());
    let ahead = UnixMillis(before.0 + 600_000);
    for (id, sent_at) in [(1, ahead), (2, UnixMillis(before.0 - 600_000))] {
        let Message::Envelope(envelope) = text(alice(), id) else { panic!("an envelope") };
        let said = Message::Envelope(Envelope { sent_at, ..envelope });
        assert_eq!(here.overlay.send(&to, said).await, Ok(()));
        let Some((_, Message::Envelope(came))) = heard.recv().await else { panic!("it comes") };
        assert!(before <= came.sent_at && came.sent_at < ahead, "{:?}", came.sent_at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_the_other_routers() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let _heard = there.answering(Err(Failure::Refused));
    assert_eq!(here.overlay.send(&to, text(alice(), 1)).await, Err(Failure::Refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_for_a_network_that_is_not_his() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (mut there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let mallory: Address = "mallory@msn".parse().unwrap();
    let sent = here.overlay.send(&there.id(), text(mallory.clone(), 1)).await;
    assert_eq!(sent, Err(Failure::Refused));
    assert_eq!(there.overlay.counts().refused, 1);
    there.overlay.watch(&[mallory.clone(), alice()]).await;
    here.overlay.sign_on(&mallory).await;
    here.overlay.sign_on(&alice()).await;
    assert_eq!(there.arrival().await, (alice(), here.id()), "mallory is not believed to be there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_is_lost_and_back_when_it_restarts() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (mut there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let stopped = here.id();
    there.overlay.watch(&[alice()]).await;
    here.overlay.sign_on(&alice()).await;
    assert_eq!(there.arrival().await, (alice(), stopped));
    here.overlay.shutdown().await;
    drop(here);
    assert_eq!(there.loss().await, stopped);
    assert!(there.overlay.locate(&alice()).await.is_empty());
    let start = Instant::now();
    let sent = there.overlay.send(&stopped, text(bob(), 1)).await;
    assert_eq!(sent, Err(Failure::Unreachable));
    assert!(start.elapsed() < Duration::from_secs(1), "known to be gone");

    let here = mesh.start(0);
    here.linked_to(1).await;
    here.overlay.sign_on(&alice()).await;
    assert_eq!(there.arrival().await, (alice(), stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn either_of_a_pair_can_restart_at_any_time() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    for n in [0, 1, 1, 0] {
        let old = all.remove(n);
        old.overlay.shutdown().await;
        drop(old);
        all.insert(n, mesh.start(n));
        let (fresh, other) = (&all[n], &all[1 - n]);
        fresh.linked_to(1).await;
        other.linked_to(1).await;
        fresh.overlay.sign_on(&alice()).await;
        let seen = async {
            while !other.overlay.locate(&alice()).await.contains(&fresh.id()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if n == 0 {
            timeout(PATIENCE, seen).await.expect("seen after the restart");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_under_way_fails_when_its_gateway_dies() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (mut there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let start = Instant::now();
    let (sent, ()) = tokio::join!(here.overlay.send(&to, text(alice(), 1)), async {
        let unanswered = there.next().await;
        there.overlay.shutdown().await;
        drop(unanswered);
    });
    assert_eq!(sent, Err(Failure::Unconfirmed), "it was given to the router there");
    assert!(start.elapsed() < Duration::from_secs(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_is_the_same_everywhere_and_survives_a_home_that_was_down() {
    let mesh = Mesh::new(&["aol", "aol"]);
    let mut all = mesh.start_all().await;
    all[0].overlay.save(&alice(), &roster("bob@yahoo", 1)).await;
    assert_eq!(names(&all[1].overlay.load(&alice()).await), ["bob@yahoo"]);
    let stopped = all.pop().unwrap();
    stopped.overlay.shutdown().await;
    drop(stopped);
    all[0].overlay.save(&alice(), &roster("carol@msn", 2)).await;
    assert_eq!(names(&all[0].overlay.load(&alice()).await), ["bob@yahoo", "carol@msn"]);
    all.push(mesh.start(1));
    all[1].overlay.save(&alice(), &roster("dave@jabber", 3)).await;
    let expected = ["bob@yahoo", "carol@msn", "dave@jabber"];
    for gateway in &all {
        let merged = async {
            while names(&gateway.overlay.load(&alice()).await) != expected {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, merged).await.expect("both sides merge");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_reaches_the_other_gateway_at_which_the_owner_is() {
    let mesh = Mesh::new(&["aol", "aol"]);
    let mut all = mesh.start_all().await;
    all[0].overlay.sign_on(&alice()).await;
    all[1].overlay.save(&alice(), &roster("bob@yahoo", 1)).await;
    assert!(matches!(all[0].next().await, Inbound::Roster(owner) if owner == alice()));
    assert_eq!(names(&all[0].overlay.load(&alice()).await), ["bob@yahoo"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_roster_travels_in_parts() {
    let mesh = Mesh::new(&["aol", "aol"]);
    let all = mesh.start_all().await;
    let mut large = Roster::default();
    for n in 0..1000 {
        let name = format!("user{n}@yahoo");
        let contact = Contact::new(name.parse().unwrap(), name);
        let groups = vec!["g".repeat(500)];
        large.put(Contact { listed: true, groups, ..contact }, Stamp { millis: n, writer: 1 });
    }
    all[0].overlay.save(&alice(), &large).await;
    assert_eq!(all[1].overlay.load(&alice()).await, large);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_garbage_disturb_nobody() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    for garbage in
        [&[0u8; 5000][..], b"GET / HTTP/1.1\r\n\r\n", b"\x13/multistream/1.0.0\n\xff\xff"]
    {
        let mut socket = TcpStream::connect(mesh.listen[1]).await.unwrap();
        socket.write_all(garbage).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("closed");
    }
    let elsewhere = Mesh::new(&["aol"]);
    let stranger = elsewhere.start_as(0, Vec::new(), mesh.members.clone());
    let counted = async {
        while there.overlay.counts().strangers < 4 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, counted).await.expect("strangers are counted");
    assert!(stranger.overlay.linked().is_empty());
    let (to, expected) = (there.id(), HashSet::from([here.id()]));
    assert_eq!(there.overlay.linked().into_iter().collect::<HashSet<_>>(), expected);
    let _heard = there.answering(Ok(()));
    assert_eq!(here.overlay.send(&to, text(alice(), 1)).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_reads_nothing_is_busy_and_the_link_stays() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let sends = (0..9000).map(|n| here.overlay.send(&to, text(alice(), n)));
    let sends = futures::future::join_all(sends);
    let outcomes = timeout(PATIENCE, sends).await.expect("nothing waits for ever");
    assert!(outcomes.contains(&Err(Failure::Busy)), "more than are allowed to wait");
    assert!(outcomes.contains(&Err(Failure::Unconfirmed)), "nobody answered in time");
    assert_eq!(there.overlay.linked(), [here.id()]);
}
