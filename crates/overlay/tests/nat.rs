//! Gateways that nobody can call, and gateways that move: none of them listens where the others
//! were told.
#![allow(clippy::unwrap_used)]

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crosstalk_core::{
    Address, Body, Consent, Contact, Envelope, EnvelopeId, Failure, HostPort, Roster, Stamp,
    UnixMillis,
};
use crosstalk_overlay::{
    Admitted, Config, Fate, GatewayId, Inbound, Member, Membership, Message, Operator, Overlay,
};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// Gateways of one membership: those first in it have an address, the others none.
struct Mesh {
    states: Vec<TempDir>,
    ids: Vec<GatewayId>,
    listen: Vec<SocketAddr>,
    document: Membership,
}

struct Gateway {
    overlay: Overlay,
    inbound: Receiver<Inbound>,
}

impl Mesh {
    fn new(callable: usize, others: usize) -> Self {
        let states: Vec<_> = (0..callable + others).map(|_| TempDir::new().unwrap()).collect();
        let ids: Vec<_> = states.iter().map(|s| Overlay::identify(s.path()).unwrap()).collect();
        let listen: Vec<_> = (0..callable).map(|_| free()).collect();
        let admitted = |(n, id): (usize, &GatewayId)| {
            let addresses = listen.get(n).map(host_port).into_iter().collect();
            let networks = vec!["aol".parse().unwrap()];
            Admitted { member: Member { id: *id, addresses, networks }, until: None }
        };
        let members: Vec<_> = ids.iter().enumerate().map(admitted).collect();
        let operator = Operator::load_or_make(states[0].path()).unwrap();
        Self { document: operator.sign(1, &members).unwrap(), states, ids, listen }
    }

    fn start(&self, n: usize) -> Gateway {
        self.start_at(n, self.listen.get(n).copied(), Vec::new())
    }

    fn start_at(&self, n: usize, at: Option<SocketAddr>, advertise: Vec<HostPort>) -> Gateway {
        self.document.save(self.states[n].path()).unwrap();
        let config = Config { listen: Vec::from_iter(at), advertise, ..Config::default() };
        let (overlay, inbound) = Overlay::join(&config, self.states[n].path()).unwrap();
        Gateway { overlay, inbound }
    }

    /// Starts all, and waits until all are linked that can be.
    async fn start_all(&self) -> Vec<Gateway> {
        let all: Vec<_> = (0..self.ids.len()).map(|n| self.start(n)).collect();
        for (n, gateway) in all.iter().enumerate() {
            let callable = self.listen.len();
            gateway.linked_to(if n < callable { all.len() - 1 } else { callable }).await;
        }
        all
    }
}

impl Gateway {
    async fn linked_to(&self, count: usize) {
        until(async || self.overlay.linked().len() == count).await;
    }

    /// Answers everything, and hands out what came.
    fn answering(mut self) -> Receiver<Message> {
        let (tell, told) = tokio::sync::mpsc::channel(100);
        tokio::spawn(async move {
            let _running = self.overlay;
            while let Some(event) = self.inbound.recv().await {
                if let Inbound::Message { message, answer, .. } = event {
                    answer.give(Ok(()));
                    tell.send(message).await.unwrap();
                }
            }
        });
        told
    }
}

async fn until(is_so: impl AsyncFn() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("in time");
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn host_port(at: &SocketAddr) -> HostPort {
    HostPort::new(at.ip().to_string(), at.port())
}

fn user(name: &str) -> Address {
    format!("{name}@aol").parse().unwrap()
}

fn says(id: u128, body: Body) -> Envelope {
    let (from, to) = (user("alice"), user("bob"));
    Envelope { id: EnvelopeId(id), from, to, sent_at: UnixMillis(0), body, details: None }
}

fn hello(id: u128) -> Envelope {
    says(id, Body::Text { text: "hello".into(), auto: false })
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_from_behind_nat_wherever_they_can_be_reached() {
    let mesh = Mesh::new(1, 4);
    let all = mesh.start_all().await;
    let (open, behind) = all.split_first().unwrap();
    for n in 0..8 {
        let there = user(&format!("there{n}"));
        open.overlay.sign_on(&there).await;
        for gateway in behind {
            until(async || gateway.overlay.locate(&there).await == [open.overlay.id()]).await;
        }
    }
    for gateway in behind {
        let name = user(&format!("at-{}", gateway.overlay.id()).to_lowercase());
        gateway.overlay.sign_on(&name).await;
        until(async || open.overlay.locate(&name).await == [gateway.overlay.id()]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_made_behind_nat_is_there_behind_another() {
    let mesh = Mesh::new(1, 4);
    let all = mesh.start_all().await;
    let mut list = Roster::default();
    let bob = Contact { listed: true, ..Contact::new(user("bob"), "bob".into()) };
    list.put(bob, Stamp { millis: 1, writer: 1 });
    for gateway in &all[1..] {
        let owner = user(&format!("of-{}", gateway.overlay.id()).to_lowercase());
        gateway.overlay.save(&owner, &list).await;
        for other in &all {
            until(async || other.overlay.load(&owner).await == list).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_cannot_call_each_other_say_so_at_once() {
    let mesh = Mesh::new(1, 2);
    let [open, one, other] = mesh.start_all().await.try_into().ok().unwrap();
    other.overlay.sign_on(&user("bob")).await;
    until(async || open.overlay.locate(&user("bob")).await == [mesh.ids[2]]).await;
    let start = Instant::now();
    assert_eq!(one.overlay.post(hello(1), true).await, Err(Failure::Unreachable));
    assert!(start.elapsed() < Duration::from_secs(5));
    let status = one.overlay.status();
    let can_link = status.peers.iter().map(|peer| (peer.admitted.member.id, peer.can_link));
    let mut expected = [(mesh.ids[0], true), (mesh.ids[2], false)];
    expected.sort_unstable();
    assert_eq!(can_link.collect::<Vec<_>>(), expected);

    let request = says(2, Body::Contact(Consent::Request("hi".into())));
    let kept = one.overlay.post(request.clone(), true).await;
    assert!(matches!(kept, Ok(Fate::Kept { .. })), "it may be of use yet: {kept:?}");
    open.overlay.sign_on(&user("bob")).await;
    let mut heard = open.answering();
    let came = timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
    assert!(matches!(came, Message::Envelope(e) if e.body == request.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_moves_is_found_by_those_it_cannot_call() {
    let mesh = Mesh::new(2, 1);
    let mut all = mesh.start_all().await;
    let moving = all.remove(1);
    moving.overlay.shutdown().await;
    drop(moving);
    let at = free();
    assert_ne!(at, mesh.listen[1]);
    let moved = mesh.start_at(1, Some(at), vec![host_port(&at)]);
    moved.linked_to(2).await;
    all[1].linked_to(2).await;
}
