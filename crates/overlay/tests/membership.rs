//! Gateways over loopback whose members an operator names.
#![allow(clippy::unwrap_used)]

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use crosstalk_core::{
    Address, Body, Contact, Envelope, EnvelopeId, Failure, HostPort, Roster, Stamp, UnixMillis,
};
use crosstalk_overlay::{
    Admitted, Config, Fate, GatewayId, Inbound, Member, Membership, Message, Operator, Overlay,
};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// Places for gateways, and the operator that says who belongs.
struct Mesh {
    states: Vec<TempDir>,
    listen: Vec<SocketAddr>,
    ids: Vec<GatewayId>,
    operator: Operator,
    _operators: TempDir,
}

struct Gateway {
    overlay: Overlay,
    inbound: Receiver<Inbound>,
}

impl Mesh {
    fn new(count: usize) -> Self {
        let states: Vec<_> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
        let sockets: Vec<_> =
            (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let operators = tempfile::tempdir().unwrap();
        Self {
            listen: sockets.iter().map(|s| s.local_addr().unwrap()).collect(),
            ids: states.iter().map(|s| Overlay::identify(s.path()).unwrap()).collect(),
            operator: Operator::load_or_make(operators.path()).unwrap(),
            states,
            _operators: operators,
        }
    }

    /// Gateway `n` as the operator knows it. The third cannot be called, like one behind NAT.
    fn admitted(&self, n: usize) -> Admitted {
        let at = self.listen[n];
        let addresses = vec![HostPort::new(at.ip().to_string(), at.port())];
        let member = Member {
            id: self.ids[n],
            addresses: if n == 2 { Vec::new() } else { addresses },
            networks: vec!["aol".parse().unwrap()],
        };
        Admitted { member, until: None }
    }

    fn document(&self, version: u64, members: &[usize]) -> Membership {
        let members: Vec<_> = members.iter().map(|n| self.admitted(*n)).collect();
        self.operator.sign(version, &members).unwrap()
    }

    /// Starts gateway `n`, which was given `document`.
    fn start(&self, n: usize, document: &Membership) -> Gateway {
        document.save(self.states[n].path()).unwrap();
        self.restart(n)
    }

    fn restart(&self, n: usize) -> Gateway {
        self.start_at(n, self.listen[n], Vec::new())
    }

    fn start_at(&self, n: usize, listen: SocketAddr, advertise: Vec<HostPort>) -> Gateway {
        let config = Config { listen: vec![listen], advertise, ..Config::default() };
        let (overlay, inbound) = Overlay::join(&config, self.states[n].path()).unwrap();
        Gateway { overlay, inbound }
    }
}

impl Gateway {
    async fn linked_to(&self, count: usize) {
        until("links", || self.overlay.linked().len() == count).await;
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what} in time"));
}

fn alice() -> Address {
    "alice@aol".parse().unwrap()
}

fn contact() -> Contact {
    Contact { listed: true, ..Contact::new("bob@yahoo".parse().unwrap(), "bob".into()) }
}

fn roster(millis: u64) -> Roster {
    let mut roster = Roster::default();
    roster.put(contact(), Stamp { millis, writer: 1 });
    roster
}

fn envelope(from: &str) -> Envelope {
    Envelope {
        id: EnvelopeId(1),
        from: from.parse().unwrap(),
        to: "bob@aol".parse().unwrap(),
        sent_at: UnixMillis(0),
        body: Body::Attention,
        details: None,
    }
}

fn nudge(from: &str) -> Message {
    Message::Envelope(envelope(from))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_admitted_and_revoked_without_a_restart() {
    let mesh = Mesh::new(3);
    let first = mesh.document(1, &[0, 1]);
    let [a, mut b] = [0, 1].map(|n| mesh.start(n, &first));
    a.linked_to(1).await;
    b.overlay.watch(&[alice()]).await;

    let second = mesh.document(2, &[0, 1, 2]);
    second.save(mesh.states[0].path()).unwrap();
    let c = mesh.start(2, &second);
    for gateway in [&a, &b, &c] {
        gateway.linked_to(2).await;
    }
    assert_eq!(Membership::load(mesh.states[1].path()).unwrap(), Some(second), "over the link");
    c.overlay.sign_on(&alice()).await;
    let arrived = timeout(PATIENCE, b.inbound.recv()).await.unwrap().unwrap();
    assert!(matches!(arrived, Inbound::Arrived { at, .. } if at == mesh.ids[2]), "{arrived:?}");

    mesh.document(3, &[0, 1]).save(mesh.states[0].path()).unwrap();
    let lost = timeout(PATIENCE, b.inbound.recv()).await.unwrap().unwrap();
    assert!(matches!(lost, Inbound::Lost(gateway) if gateway == mesh.ids[2]), "{lost:?}");
    assert!(b.overlay.locate(&alice()).await.is_empty());
    let to = mesh.ids[2];
    assert_eq!(b.overlay.send(&to, nudge("dan@aol")).await, Err(Failure::Unreachable));
    c.linked_to(0).await;
    let strangers = || a.overlay.counts().strangers + b.overlay.counts().strangers > 0;
    until("the revoked gateway is refused as a stranger", strangers).await;
    assert_eq!(a.overlay.linked(), [mesh.ids[1]], "the others stay together");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_was_away_gets_the_newer_document_when_it_is_back() {
    let mesh = Mesh::new(3);
    let (first, second) = (mesh.document(1, &[0, 1]), mesh.document(2, &[0, 1, 2]));
    let a = mesh.start(0, &second);
    let b = mesh.start(1, &first);
    let c = mesh.start(2, &second);
    for gateway in [&a, &b, &c] {
        gateway.linked_to(2).await;
    }
    b.overlay.shutdown().await;
    drop(b);
    mesh.restart(1).linked_to(2).await;
    assert_eq!(Membership::load(mesh.states[1].path()).unwrap(), Some(second), "kept on disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn rosters_move_to_a_new_home() {
    let mesh = Mesh::new(2);
    let alone = mesh.document(1, &[0]);
    let a = mesh.start(0, &alone);
    let roster = roster(1);
    a.overlay.save(&alice(), &roster).await;

    let both = mesh.document(2, &[0, 1]);
    both.save(mesh.states[0].path()).unwrap();
    let mut b = mesh.start(1, &both);
    b.overlay.sign_on(&alice()).await;
    loop {
        let event = timeout(PATIENCE, b.inbound.recv()).await.unwrap().unwrap();
        if matches!(event, Inbound::Roster(owner) if owner == alice()) {
            break;
        }
    }
    a.overlay.shutdown().await;
    drop(a);
    b.linked_to(0).await;
    assert_eq!(b.overlay.load(&alice()).await, roster, "the new home has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_forgotten_at_one_gateway_comes_back_from_none() {
    let mesh = Mesh::new(2);
    let document = mesh.document(1, &[0, 1]);
    let [a, b] = [0, 1].map(|n| mesh.start(n, &document));
    a.linked_to(1).await;
    b.linked_to(1).await;
    a.overlay.save(&alice(), &roster(1)).await;
    assert_eq!(b.overlay.load(&alice()).await, roster(1));
    b.overlay.shutdown().await;
    drop(b);
    a.linked_to(0).await;
    let kept = a.overlay.post(envelope("alice@aol"), true).await;
    assert!(matches!(kept, Ok(Fate::Kept { .. })), "{kept:?}");

    a.overlay.wipe(&alice()).await;
    assert_eq!(a.overlay.kept(), 0, "nothing waits any more");
    assert_eq!(a.overlay.load(&alice()).await.contacts().count(), 0);
    let b = mesh.restart(1);
    let forgotten = async {
        while b.overlay.load(&alice()).await.contacts().count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, forgotten).await.expect("the other home forgets too");
    assert_eq!(a.overlay.load(&alice()).await.contacts().count(), 0);
    let later = UnixMillis(u64::from(u32::MAX) * 1000);
    let mut again = a.overlay.load(&alice()).await;
    let stamp = again.stamp().next(later, 1);
    again.put(contact(), stamp);
    a.overlay.save(&alice(), &again).await;
    assert_eq!(b.overlay.load(&alice()).await.contacts().count(), 1, "and can begin anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_forgotten_while_a_gateway_is_away_is_forgotten_there_when_it_is_back() {
    let mesh = Mesh::new(3);
    let document = mesh.document(1, &[0, 1, 2]);
    let [a, b, c] = [0, 1, 2].map(|n| mesh.start(n, &document));
    for gateway in [&a, &b, &c] {
        gateway.linked_to(2).await;
    }
    let text = |id, from: &str, to: &str| Envelope {
        id: EnvelopeId(id),
        to: to.parse().unwrap(),
        body: Body::Text { text: "for later".into(), auto: false },
        ..envelope(from)
    };
    b.overlay.save(&alice(), &roster(1)).await;
    for said in [text(1, "alice@aol", "bob@aol"), text(2, "erin@aol", "alice@aol")] {
        let kept = b.overlay.post(said, true).await;
        assert!(matches!(kept, Ok(Fate::Kept { .. })), "{kept:?}");
    }
    b.overlay.shutdown().await;
    drop(b);
    for gateway in [&a, &c] {
        gateway.linked_to(1).await;
    }

    let wiped = a.overlay.wipe(&alice()).await;
    let away: Vec<_> = wiped.homes.iter().filter(|home| !home.is_reached).collect();
    assert_eq!((wiped.homes.len(), away[0].id, away.len()), (2, mesh.ids[1], 1));
    let b = mesh.restart(1);
    let waiting = async || {
        let waiting = b.overlay.records(&alice()).await.waiting;
        waiting.into_iter().map(|waiting| waiting.message).collect::<Vec<_>>()
    };
    // What alice said is reported to her; what erin said is erin's, and waits on.
    let is_forgotten = |waiting: &[Message]| {
        let reports = waiting.iter().filter(|waiting| matches!(waiting, Message::Report { .. }));
        waiting.len() == 2 && reports.count() == 1
    };
    let forgotten = async {
        while b.overlay.load(&alice()).await.contacts().count() > 0
            || !is_forgotten(&waiting().await)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let forgotten = timeout(PATIENCE, forgotten).await;
    let left = waiting().await;
    assert!(forgotten.is_ok(), "it is forgotten there too: {left:?}");
    let reported = left.iter().find_map(|left| match left {
        Message::Report { of, from, to, why } => {
            Some((*of, from.to_string(), to.to_string(), *why))
        }
        _ => None,
    });
    let (from, to) = ("alice@aol".to_owned(), "bob@aol".to_owned());
    assert_eq!(reported, Some((EnvelopeId(1), from, to, Failure::Expired)));
    assert!(left.contains(&Message::Envelope(text(2, "erin@aol", "alice@aol"))), "{left:?}");
    for gateway in [&a, &b, &c] {
        gateway.linked_to(2).await;
        assert_eq!(gateway.overlay.load(&alice()).await.contacts().count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_said_something_to_somebody_who_is_forgotten_hears_that_it_will_not_arrive() {
    let mesh = Mesh::new(1);
    let a = mesh.start(0, &mesh.document(1, &[0]));
    let text = |id, from: &str, to: &str| Envelope {
        id: EnvelopeId(id),
        to: to.parse().unwrap(),
        body: Body::Text { text: "for later".into(), auto: false },
        ..envelope(from)
    };
    let said = [
        text(1, "alice@aol", "bob@aol"),
        text(2, "alice@aol", "bob@aol"),
        text(3, "alice@aol", "dan@aol"),
        text(4, "erin@aol", "alice@aol"),
        text(5, "erin@aol", "bob@aol"),
    ];
    for said in said {
        let kept = a.overlay.post(said, true).await;
        assert!(matches!(kept, Ok(Fate::Kept { .. })), "{kept:?}");
    }
    assert_eq!(a.overlay.records(&alice()).await.waiting.len(), 4);
    let wiped = a.overlay.wipe(&alice()).await;
    let taken_back: Vec<_> = wiped.taken_back.iter().map(|(to, n)| (to.to_string(), *n)).collect();
    assert_eq!(taken_back, [("bob@aol".to_owned(), 2), ("dan@aol".to_owned(), 1)]);
    assert_eq!(a.overlay.records(&alice()).await.waiting, [], "nothing of alice waits");
    let erin = a.overlay.records(&"erin@aol".parse().unwrap()).await.waiting;
    let reports: Vec<_> = erin
        .iter()
        .filter_map(|waiting| match &waiting.message {
            Message::Report { of, why, .. } => Some((of.0, *why)),
            _ => None,
        })
        .collect();
    assert_eq!((reports, erin.len()), (vec![(4, Failure::Refused)], 2));
    assert_eq!(a.overlay.kept(), 2, "and what erin said to bob waits on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_time_is_over_is_none() {
    let mesh = Mesh::new(2);
    let mut over = mesh.admitted(1);
    over.until = Some("2020-02-02".parse().unwrap());
    let document = mesh.operator.sign(1, &[mesh.admitted(0), over]).unwrap();
    let [a, b] = [0, 1].map(|n| mesh.start(n, &document));
    a.overlay.sign_on(&alice()).await;
    assert_eq!(a.overlay.locate(&alice()).await, [mesh.ids[0]]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(a.overlay.linked().is_empty() && b.overlay.linked().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_that_moved_find_each_other_through_a_third() {
    let mesh = Mesh::new(3);
    let document = mesh.document(1, &[0, 1, 2]);
    let first = mesh.start(0, &document);
    let moved = [1, 2].map(|n| {
        document.save(mesh.states[n].path()).unwrap();
        // IPv6, where this machine has it.
        let socket = TcpListener::bind("[::1]:0").or_else(|_| TcpListener::bind("127.0.0.1:0"));
        let at = socket.unwrap().local_addr().unwrap();
        mesh.start_at(n, at, vec![HostPort::new(at.ip().to_string(), at.port())])
    });
    for gateway in &moved {
        gateway.linked_to(2).await;
    }
    first.linked_to(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_list_of_members() {
    let mesh = Mesh::new(2);
    mesh.document(1, &[0]).save(mesh.states[0].path()).unwrap();
    let config = Config { members: vec![mesh.admitted(1).member], ..Config::default() };
    let refused = Overlay::join(&config, mesh.states[0].path()).map(drop).unwrap_err();
    assert!(refused.to_string().contains("keep one of the two"), "{refused}");
}
