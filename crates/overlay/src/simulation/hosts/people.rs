//! Actions of people at the hosts.

use std::time::Duration;

use crosstalk_core::{Address, Body, Contact, Envelope, EnvelopeId};
use tokio::time::Instant;

use super::super::people::{Said, user};
use super::world::World;
use crate::wire::message::Message;

/// The least time between two moves of somebody: longer than a message can be under way to where
/// the person was before.
const DWELL: Duration = Duration::from_secs(15);
/// Longest time of a save that does not give up waiting for the disk.
const PATIENCE: Duration = Duration::from_secs(5);

impl World {
    /// Somebody moves, comes or goes.
    pub(super) fn someone_moves(&mut self) {
        let n = self.some_person();
        let person = self.ledger().people[n].clone();
        if self.now() < person.moved + DWELL {
            return;
        }
        if let Some(both) = person.both {
            for at in both {
                self.sign_on(n, at);
            }
            return;
        }
        for at in person.at {
            self.sign_off(n, at);
        }
        if self.chance(70) {
            let at = self.some_gateway();
            self.sign_on(n, at);
        }
        let now = self.now();
        self.ledger().people[n].moved = now;
    }

    pub(super) fn sign_on(&mut self, n: usize, at: usize) {
        let Some(host) = self.ledger().host(at) else { return };
        self.ledger().people[n].at.insert(at);
        host.act(move |host| async move {
            host.shared.borrow_mut().seats[at].here.insert(user(n));
            host.hub.publish(|directory| directory.sign_on(&user(n))).await;
        });
    }

    pub(super) fn sign_off(&mut self, n: usize, at: usize) {
        self.ledger().people[n].at.remove(&at);
        let Some(host) = self.ledger().host(at) else { return };
        host.act(move |host| async move {
            host.shared.borrow_mut().seats[at].here.remove(&user(n));
            host.hub.publish(|directory| directory.sign_off(&user(n))).await;
        });
    }

    pub(super) fn someone_watches(&mut self) {
        let (at, who, watch) = (self.some_gateway(), user(self.some_person()), self.chance(80));
        let Some(host) = self.ledger().host(at) else { return };
        host.act(move |host| async move {
            if watch {
                host.shared.borrow_mut().seats[at].watching.insert(who.clone());
                host.hub.watch(&[who]).await;
            } else {
                host.shared.borrow_mut().seats[at].watching.remove(&who);
                host.shared.borrow_mut().seats[at].believed.remove(&who);
                host.hub.unwatch(&[who]).await;
            }
        });
    }

    /// Somebody who is signed on somewhere says something to somebody else.
    pub(super) fn someone_speaks(&mut self) {
        let (n, to) = (self.some_person(), self.some_person());
        let at = self.ledger().people[n].at.first().copied();
        if let Some(at) = at.filter(|_| n != to) {
            for _ in 0..=self.roll(3) {
                self.say(at, user(n), user(to));
            }
        }
    }

    fn say(&mut self, at: usize, from: Address, to: Address) {
        let may_keep = self.chance(90);
        let Some(host) = self.ledger().host(at) else { return };
        let id = self.ledger().said.len();
        self.ledger().totals.said += 1;
        self.ledger().said.push(Said {
            from: from.clone(),
            to: to.clone(),
            by: at,
            outcome: None,
            orphaned: false,
            shown: Vec::new(),
            reported: Vec::new(),
        });
        host.act(move |host| async move {
            let body = Body::Text { text: "hello".into(), auto: false };
            let sent_at = host.wall.read();
            let envelope =
                Envelope { id: EnvelopeId(id as u128), from, to, sent_at, body, details: None };
            let outcome = host.hub.post(Message::Envelope(envelope), may_keep).await;
            host.shared.borrow_mut().is_settled(id, outcome);
        });
    }

    /// Somebody adds a contact at a gateway, by its clock.
    pub(super) fn someone_adds(&mut self) {
        let (at, owner) = (self.some_gateway(), user(self.some_person()));
        let Some(host) = self.ledger().host(at) else { return };
        self.next_friend += 1;
        let friend: Address = format!("friend{}@aol", self.next_friend).parse().unwrap();
        self.ledger().added.entry(owner.clone()).or_default().insert(friend.clone());
        host.act(move |host| async move {
            let mut roster = host.hub.load(&owner).await;
            let stamp = roster.stamp().next(host.wall.read(), host.hub.epoch);
            let contact = Contact::new(friend.clone(), friend.to_string());
            roster.put(Contact { listed: true, ..contact }, stamp);
            let began = Instant::now();
            host.hub.save(&owner, &roster).await;
            if began.elapsed() < PATIENCE {
                let sure = &mut host.shared.borrow_mut().surely_added;
                sure.entry(owner).or_default().insert(friend);
            }
        });
    }

    /// Everybody who does not leave for good signs on.
    pub(super) fn bring_back(&mut self) {
        let people = self.ledger().people.clone();
        for (n, person) in people.into_iter().enumerate() {
            match person.both {
                _ if person.leaves => person.at.into_iter().for_each(|at| self.sign_off(n, at)),
                Some(both) => both.into_iter().for_each(|at| self.sign_on(n, at)),
                None if person.at.is_empty() => {
                    let at = self.some_gateway();
                    self.sign_on(n, at);
                }
                None => {}
            }
        }
    }

    pub(super) fn some_gateway(&mut self) -> usize {
        let count = self.ledger().seats.len();
        self.roll(count as u64) as usize
    }

    fn some_person(&mut self) -> usize {
        let count = self.ledger().people.len();
        self.roll(count as u64) as usize
    }
}
