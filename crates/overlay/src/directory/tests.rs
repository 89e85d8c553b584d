use super::*;
use crate::membership::{Member, REPLICAS};
use crosstalk_core::NetworkId;

const NETWORK: &str = "aol";

fn id(n: u8) -> GatewayId {
    GatewayId::from_bytes([n; 32])
}

fn alice() -> Address {
    "alice@aol".parse().unwrap()
}

/// Gateways 0 to `count - 1`, all linked to each other, with instant links.
struct Mesh(Vec<Directory>);

impl Mesh {
    fn new(count: u8, replicas: usize) -> Self {
        let mesh = (0..count).map(|own| {
            let networks: Vec<NetworkId> = vec![NETWORK.parse().unwrap()];
            let others: Vec<_> = (0..count)
                .filter(|n| *n != own)
                .map(|n| Member { id: id(n), addresses: Vec::new(), networks: networks.clone() })
                .collect();
            Directory::new(Arc::new(Members::new(id(own), networks, &others, replicas)), 1)
        });
        let mut mesh = Self(mesh.collect());
        for a in 0..count {
            for b in 0..count {
                if a != b {
                    mesh.link(a, b, 1);
                }
            }
        }
        mesh
    }

    /// `a` gets a link to `b`, and pushes its records to it.
    fn link(&mut self, a: u8, b: u8, epoch: u64) -> Vec<Move> {
        let (records, version) = self.0[a as usize].linked(id(b), epoch);
        for record in records {
            self.0[b as usize].take(id(a), record).unwrap();
        }
        self.0[b as usize].synced(id(a), version);
        self.settle()
    }

    /// Carries records until there are none; returns what the gateways are told.
    fn settle(&mut self) -> Vec<Move> {
        let mut told = Vec::new();
        loop {
            let mut quiet = true;
            for from in 0..self.0.len() {
                for news in self.0[from].take_news() {
                    quiet = false;
                    match news {
                        News::Tell(to, record) => {
                            let to = to.as_bytes()[0] as usize;
                            self.0[to].take(id(from as u8), record).unwrap();
                        }
                        News::Move(moved) => told.push(moved),
                    }
                }
            }
            if quiet {
                return told;
            }
        }
    }

    fn on(&mut self, gateway: u8, act: impl FnOnce(&mut Directory)) -> Vec<Move> {
        act(&mut self.0[gateway as usize]);
        self.settle()
    }
}

#[test]
fn watchers_hear_of_arrivals_and_departures_once() {
    for (count, replicas) in [(1, 1), (2, 3), (5, 1), (5, REPLICAS)] {
        let mut mesh = Mesh::new(count, replicas);
        let (home, away) = (0, count - 1);
        assert!(mesh.on(home, |d| d.watch(&alice())).is_empty());
        let arrived = mesh.on(away, |d| d.sign_on(&alice()));
        assert_eq!(arrived, [Move::Arrived(alice(), id(away))], "{count} gateways");
        assert_eq!(mesh.0[home as usize].locate(&alice()), [id(away)]);
        let left = mesh.on(away, |d| d.sign_off(&alice()));
        assert_eq!(left, [Move::Left(alice(), id(away))]);
    }
}

#[test]
fn who_watches_late_hears_where_somebody_is() {
    let mut mesh = Mesh::new(4, REPLICAS);
    mesh.on(1, |d| d.sign_on(&alice()));
    assert_eq!(mesh.on(2, |d| d.watch(&alice())), [Move::Arrived(alice(), id(1))]);
    mesh.on(2, |d| d.unwatch(&alice()));
    assert!(mesh.on(1, |d| d.sign_off(&alice())).is_empty());
}

#[test]
fn somebody_is_nowhere_while_the_gateway_is_lost_and_back_with_it() {
    let mut mesh = Mesh::new(3, REPLICAS);
    mesh.on(0, |d| d.watch(&alice()));
    mesh.on(1, |d| d.sign_on(&alice()));
    mesh.0[0].lost(&id(1));
    assert!(mesh.0[0].locate(&alice()).is_empty());
    mesh.link(1, 0, 1);
    assert_eq!(mesh.link(0, 1, 1), [Move::Arrived(alice(), id(1))]);
}

#[test]
fn a_new_boot_voids_what_the_old_one_said() {
    let mut mesh = Mesh::new(2, REPLICAS);
    mesh.on(0, |d| d.watch(&alice()));
    mesh.on(1, |d| d.sign_on(&alice()));
    mesh.0[0].lost(&id(1));
    mesh.0[1] = Directory::new(mesh.0[1].members.clone(), 2);
    assert!(mesh.link(0, 1, 2).is_empty());
    assert!(mesh.link(1, 0, 1).is_empty());
    assert!(mesh.0[0].locate(&alice()).is_empty());
    assert_eq!(mesh.on(1, |d| d.sign_on(&alice())), [Move::Arrived(alice(), id(1))]);
}

#[test]
fn a_sign_off_that_the_home_missed_is_told_after_the_break() {
    let mut mesh = Mesh::new(2, REPLICAS);
    mesh.on(0, |d| d.watch(&alice()));
    mesh.on(1, |d| d.sign_on(&alice()));
    mesh.0[1].sign_off(&alice());
    mesh.0[1].take_news();
    assert_eq!(mesh.link(0, 1, 1), []);
    assert_eq!(mesh.link(1, 0, 1), [Move::Left(alice(), id(1))]);
}

#[test]
fn who_signs_off_and_on_again_during_a_break_has_left_and_come() {
    let mut mesh = Mesh::new(2, REPLICAS);
    mesh.on(0, |d| d.watch(&alice()));
    mesh.on(1, |d| d.sign_on(&alice()));
    mesh.0[1].sign_off(&alice());
    mesh.0[1].sign_on(&alice());
    mesh.0[1].take_news();
    let moves = [Move::Left(alice(), id(1)), Move::Arrived(alice(), id(1))];
    assert_eq!(mesh.link(0, 1, 1), moves);
    assert_eq!(mesh.link(1, 0, 1), [], "it is said once, by whichever home is first");
    assert_eq!(mesh.0[0].locate(&alice()), [id(1)]);
}

#[test]
fn a_gateway_that_may_not_speak_for_a_network_has_nobody_there() {
    let mut mesh = Mesh::new(2, REPLICAS);
    let eve: Address = "eve@yahoo".parse().unwrap();
    mesh.on(0, |d| d.watch(&eve));
    assert!(mesh.on(1, |d| d.sign_on(&eve)).is_empty());
    assert!(mesh.0[0].locate(&eve).is_empty());
}
