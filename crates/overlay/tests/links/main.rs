//! Gateways linked over loopback.
#![allow(clippy::unwrap_used)]

mod mappings;
mod messages;
mod people;
mod rosters;

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
