//! Gateways whose membership changes, document by document, while people come and go.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, UnixMillis};
use libp2p_identity::Keypair;

use crate::directory::lease::LinkId;
use crate::membership::identity;
use crate::membership::{
    Admitted, GatewayId, Key, Member, Members, Membership, Operator, REPLICAS,
};
use crate::node::{Effect, Node};
use crate::wire::frame::{Frame, NEWEST};

const USERS: usize = 40;

/// Gateways that are all linked, and a wire between each two that keeps frames in order.
struct Mesh {
    operator: Operator,
    _state: tempfile::TempDir,
    ids: Vec<GatewayId>,
    nodes: Vec<Node<u128, ()>>,
    links: BTreeSet<(usize, usize)>,
    wires: BTreeMap<(usize, usize), Vec<Frame>>,
    now: Instant,
    /// Gateways at which each gateway believes the people it watches to be.
    believed: Vec<HashMap<Address, BTreeSet<GatewayId>>>,
    moves: usize,
    dice: u64,
}

fn user(n: usize) -> Address {
    format!("user{n}@aol").parse().unwrap()
}

impl Mesh {
    /// `count` gateways, of which the first `members` belong.
    fn new(count: usize, members: usize, seed: u64) -> Self {
        let state = tempfile::tempdir().unwrap();
        let operator = Operator::load_or_make(state.path()).unwrap();
        let id = |n: usize| {
            let key = Keypair::ed25519_from_bytes([n as u8 + 1; 32]).unwrap();
            identity::gateway_id(&key).unwrap()
        };
        let mut mesh = Self {
            operator,
            _state: state,
            ids: (0..count).map(id).collect(),
            nodes: Vec::new(),
            links: BTreeSet::new(),
            wires: BTreeMap::new(),
            now: Instant::now(),
            believed: vec![HashMap::new(); count],
            moves: 0,
            dice: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        };
        let first = mesh.document(1, &(0..members).collect::<Vec<_>>(), "aol");
        for n in 0..count {
            let members = Arc::new(mesh.members(n, &first));
            mesh.nodes.push(Node::new(members, 1));
        }
        for b in 0..members {
            (0..b).for_each(|a| mesh.link(a, b));
        }
        mesh.settle();
        mesh
    }

    fn roll(&mut self, below: usize) -> usize {
        self.dice ^= self.dice >> 12;
        self.dice ^= self.dice << 25;
        self.dice ^= self.dice >> 27;
        (self.dice.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below
    }

    /// A document in which these gateways may speak for `network`.
    fn document(&self, version: u64, members: &[usize], network: &str) -> Membership {
        let admitted = |n: &usize| Admitted {
            member: Member {
                id: self.ids[*n],
                addresses: Vec::new(),
                networks: vec![network.parse().unwrap()],
            },
            until: None,
        };
        let members: Vec<_> = members.iter().map(admitted).collect();
        self.operator.sign(version, &members).unwrap()
    }

    fn members(&self, n: usize, document: &Membership) -> Members {
        Members::of(self.ids[n], document.clone(), UnixMillis(0), REPLICAS)
    }

    fn link(&mut self, a: usize, b: usize) {
        for (own, peer) in [(a, b), (b, a)] {
            self.links.insert((own, peer));
            let link = LinkId::try_from(peer).unwrap();
            self.nodes[own].linked(self.now, self.ids[peer], link, 1, NEWEST);
        }
        self.drain(a);
        self.drain(b);
    }

    fn adopt(&mut self, n: usize, document: &Membership) {
        let members = Arc::new(self.members(n, document));
        self.nodes[n].set_members(self.now, members);
        self.drain(n);
    }

    fn at(&mut self, n: usize, act: impl FnOnce(&mut Node<u128, ()>, Instant)) {
        act(&mut self.nodes[n], self.now);
        self.drain(n);
    }

    fn place(&self, id: &GatewayId) -> usize {
        self.ids.iter().position(|i| i == id).unwrap()
    }

    fn drain(&mut self, n: usize) {
        while let Some(effect) = self.nodes[n].next_effect() {
            match effect {
                Effect::Arrived(user, at) => {
                    self.moves += 1;
                    assert!(self.believed[n].entry(user).or_default().insert(at), "twice");
                }
                Effect::Left(user, at) => {
                    self.moves += 1;
                    assert!(self.believed[n].entry(user).or_default().remove(&at), "not there");
                }
                Effect::Lost(gateway) => {
                    for at in self.believed[n].values_mut() {
                        at.remove(&gateway);
                    }
                }
                Effect::Close(peer, _) => self.cut(n, self.place(&peer)),
                _ => {}
            }
        }
        for peer in 0..self.nodes.len() {
            if self.links.contains(&(n, peer)) {
                let mut frames = Vec::new();
                let link = LinkId::try_from(peer).unwrap();
                self.nodes[n].dequeue(&self.ids[peer], link, usize::MAX, &mut frames);
                let frames = frames.iter().map(|bytes| Frame::decode(NEWEST, bytes).unwrap());
                self.wires.entry((n, peer)).or_default().extend(frames);
            }
        }
    }

    fn cut(&mut self, a: usize, b: usize) {
        for (own, peer) in [(a, b), (b, a)] {
            self.wires.remove(&(own, peer));
            if self.links.remove(&(own, peer)) {
                let link = LinkId::try_from(peer).unwrap();
                self.nodes[own].unlinked(self.now, self.ids[peer], link);
            }
        }
    }

    /// One frame arrives, on any wire. Returns false where there is none.
    fn step(&mut self) -> bool {
        let busy: Vec<_> =
            self.wires.iter().filter(|(_, w)| !w.is_empty()).map(|(at, _)| *at).collect();
        if busy.is_empty() {
            return false;
        }
        let (from, to) = busy[self.roll(busy.len())];
        self.deliver(from, to);
        true
    }

    /// The next frame from one to another arrives.
    fn deliver(&mut self, from: usize, to: usize) {
        let frame = self.wires.get_mut(&(from, to)).unwrap().remove(0);
        if let Frame::Membership(signed) = frame {
            let document = Membership::verify(signed).unwrap();
            self.adopt(to, &document);
        } else {
            self.nodes[to].received(self.now, self.ids[from], frame).unwrap();
            self.drain(to);
        }
    }

    /// Up to `most` frames arrive.
    fn some_steps(&mut self, most: usize) {
        for _ in 0..self.roll(most) {
            self.step();
        }
    }

    fn settle(&mut self) {
        while self.step() {}
    }

    /// Everybody believes that everybody of `at` is there and nowhere else.
    fn check(&self, members: &[usize], at: &HashMap<usize, usize>) {
        for watcher in members {
            for n in 0..USERS {
                let truth = at.get(&n).map(|at| self.ids[*at]);
                let believed = self.believed[*watcher].get(&user(n)).cloned().unwrap_or_default();
                assert!(believed.iter().eq(&truth), "{watcher} of {n}: {believed:?}");
                let key = Key::of(&user(n));
                let homes = self.nodes[*watcher].home_locations(&key);
                assert!(homes.is_none_or(|at| at.iter().eq(&truth)), "home {watcher} of {n}");
            }
        }
    }
}

#[test]
fn records_move_to_their_new_homes_and_nobody_seems_to_come_or_go() {
    for seed in 0..10 {
        let mut mesh = Mesh::new(7, 4, seed);
        let mut at = HashMap::new();
        for n in 0..USERS {
            at.insert(n, n % 4);
            mesh.at(n % 4, |node, now| node.publish(now, |d| d.sign_on(&user(n))));
            (0..4).for_each(|w| mesh.at(w, |node, now| node.watch(now, &user(n))));
        }
        mesh.settle();
        mesh.check(&[0, 1, 2, 3], &at);
        let (moves, all) = (mesh.moves, [0, 1, 2, 3, 4, 5, 6]);
        let second = mesh.document(2, &all, "aol");
        mesh.adopt(0, &second);
        for fresh in 4..7 {
            mesh.adopt(fresh, &second);
            (0..fresh).filter(|a| *a == 0 || *a > 3).for_each(|a| mesh.link(a, fresh));
            mesh.some_steps(40);
        }
        mesh.settle();
        for fresh in 4..7 {
            (1..4).for_each(|a| mesh.link(a, fresh));
        }
        mesh.settle();
        assert_eq!(mesh.moves, moves, "seed {seed}: nobody came or went");
        mesh.at(5, |node, now| node.publish(now, |d| d.sign_on(&user(99))));
        mesh.at(1, |node, now| node.watch(now, &user(99)));
        mesh.settle();
        assert_eq!(mesh.believed[1][&user(99)], BTreeSet::from([mesh.ids[5]]));
        mesh.check(&[0, 1, 2, 3], &at);
    }
}

#[test]
fn people_come_and_go_while_the_membership_changes() {
    for seed in 0..12 {
        let mut mesh = Mesh::new(6, 6, seed);
        let mut at = HashMap::new();
        for n in 0..USERS {
            (0..6).for_each(|w| mesh.at(w, |node, now| node.watch(now, &user(n))));
        }
        let members = [0, 1, 2, 3, 4];
        let documents: Vec<_> =
            (2..5).map(|version| mesh.document(version, &members, "aol")).collect();
        for document in &documents {
            let n = mesh.roll(5);
            mesh.adopt(n, document);
            for _ in 0..30 {
                let (n, to) = (mesh.roll(USERS), mesh.roll(5));
                if let Some(from) = at.insert(n, to).filter(|from| *from != to) {
                    mesh.at(from, |node, now| node.publish(now, |d| d.sign_off(&user(n))));
                }
                mesh.at(to, |node, now| node.publish(now, |d| d.sign_on(&user(n))));
                mesh.some_steps(10);
            }
        }
        mesh.settle();
        // An overtaken document may leave one behind who is asked again with the next lease.
        for _ in 0..8 {
            mesh.now += Duration::from_secs(5);
            for n in members {
                let now = mesh.now;
                mesh.at(n, |node, _| node.tick(now));
            }
            mesh.settle();
        }
        mesh.check(&members, &at);
    }
}

#[test]
fn who_has_an_older_membership_is_not_listened_to_until_it_has_the_new_one() {
    let mut mesh = Mesh::new(3, 3, 1);
    let second = mesh.document(2, &[0, 1, 2], "aol");
    mesh.adopt(0, &second);
    mesh.at(1, |node, now| node.publish(now, |d| d.sign_on(&user(1))));
    while !mesh.wires[&(1, 0)].is_empty() {
        mesh.deliver(1, 0);
    }
    let known = |mesh: &Mesh| mesh.nodes[0].home_locations(&Key::of(&user(1)));
    assert_eq!(known(&mesh), Some(BTreeSet::new()), "homes may differ");
    mesh.settle();
    assert_eq!(known(&mesh), Some(BTreeSet::from([mesh.ids[1]])), "said again");
}

#[test]
fn a_home_forgets_whom_it_is_home_for_no_longer() {
    let mut mesh = Mesh::new(7, 4, 1);
    let second = mesh.document(2, &[0, 1, 2, 3, 4, 5, 6], "aol");
    let is_home = |mesh: &Mesh, n| mesh.nodes[0].home_locations(&Key::of(&user(n))).is_some();
    let mut moved: Vec<_> = (0..USERS).filter(|n| is_home(&mesh, *n)).collect();
    for n in &moved {
        mesh.at(0, |node, now| node.publish(now, |d| d.sign_on(&user(*n))));
    }
    mesh.settle();
    mesh.adopt(0, &second);
    mesh.settle();
    moved.retain(|n| !is_home(&mesh, *n));
    assert!(!moved.is_empty());
    for n in moved {
        mesh.at(0, |node, now| node.publish(now, |d| d.sign_off(&user(n))));
        assert!(
            mesh.nodes[0].locate_here(&user(n)).is_empty(),
            "{n} is gone, and so is the record"
        );
    }
}

#[test]
fn a_revoked_gateway_is_cut_off_and_what_it_said_is_void() {
    let mut mesh = Mesh::new(3, 3, 1);
    mesh.at(2, |node, now| node.publish(now, |d| d.sign_on(&user(1))));
    mesh.at(0, |node, now| node.publish(now, |d| d.watch(&user(1))));
    mesh.at(2, |node, now| node.publish(now, |d| d.watch(&user(2))));
    mesh.settle();
    assert_eq!(mesh.believed[0][&user(1)].len(), 1);
    let second = mesh.document(2, &[0, 1], "aol");
    mesh.adopt(0, &second);
    mesh.settle();
    for n in 0..2 {
        assert_eq!(mesh.nodes[n].link_of(&mesh.ids[2]), None, "the other took up the document");
        assert_eq!(mesh.nodes[n].home_locations(&Key::of(&user(1))), Some(BTreeSet::new()));
        assert!(mesh.nodes[n].locate_here(&user(1)).is_empty());
    }
    assert!(mesh.believed[0][&user(1)].is_empty());
    assert!(mesh.nodes[2].link_of(&mesh.ids[0]).is_none());
}

#[test]
fn who_may_no_longer_speak_for_a_network_has_nobody_there() {
    let mut mesh = Mesh::new(2, 2, 1);
    mesh.at(1, |node, now| node.publish(now, |d| d.sign_on(&user(1))));
    mesh.at(0, |node, now| node.publish(now, |d| d.watch(&user(1))));
    mesh.settle();
    assert_eq!(mesh.believed[0][&user(1)].len(), 1);
    let second = mesh.document(2, &[0, 1], "msn");
    mesh.adopt(0, &second);
    mesh.settle();
    assert!(mesh.believed[0][&user(1)].is_empty() && mesh.nodes[0].link_of(&mesh.ids[1]).is_some());
    let third = mesh.document(3, &[0, 1], "aol");
    mesh.adopt(0, &third);
    mesh.settle();
    assert_eq!(mesh.believed[0][&user(1)].len(), 1, "and has again");
}
