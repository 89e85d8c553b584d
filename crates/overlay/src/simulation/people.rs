//! Actions of people, wherever they are: the same in both simulations.

use std::time::Duration;

use crosstalk_core::{Address, Roster};

use super::Dice;
use super::record::{Record, user};
use super::router::{Cx, Router};

/// The least time between two moves of somebody: longer than a message can be under way to where
/// the person was before.
const DWELL: Duration = Duration::from_secs(15);

/// Gateways that can be driven by people, and looked at.
pub(super) trait Simulation {
    /// Reply channel of the overlay's messages.
    type Reply;

    fn now(&self) -> Duration;

    fn gateways(&self) -> usize;

    /// Whether a gateway does what people want of it now.
    fn is_awake(&self, at: usize) -> bool;

    fn draw<T>(&mut self, draw: impl FnOnce(&mut Dice, &mut Record) -> T) -> T;

    /// Has people do something at a gateway that is awake.
    fn act(&mut self, at: usize, act: impl FnOnce(&mut Router<Self::Reply>, &mut Cx<'_>) + 'static);

    /// Looks at the router of a gateway that runs.
    fn look<T>(&self, at: usize, look: impl FnOnce(&Router<Self::Reply>) -> T) -> Option<T>;

    /// The list of `owner` as it is stored at a gateway that runs.
    fn stored(&self, at: usize, owner: &Address) -> Roster;

    /// Homes of the list of `owner`.
    fn homes(&self, owner: &Address) -> Vec<usize>;

    /// Whether nothing has got from one to the other for longer than that.
    fn is_parted(&self, a: usize, b: usize, longer_than: Duration) -> bool;

    /// Whether a gateway is down for longer than that.
    fn is_dead(&self, at: usize, longer_than: Duration) -> bool;

    /// Somebody moves, comes or goes.
    fn someone_moves(&mut self) {
        let n = self.some_person();
        let person = self.draw(|_, record| record.people[n].clone());
        if self.now() < person.moved + DWELL {
            return;
        }
        if let Some(both) = person.both {
            for at in both {
                self.sign_on(n, at);
            }
            return;
        }
        if !person.at.iter().all(|at| self.is_awake(*at)) {
            return;
        }
        person.at.into_iter().for_each(|at| self.sign_off(n, at));
        if self.draw(|dice, _| dice.chance(70)) {
            let at = self.some_gateway();
            self.sign_on(n, at);
        }
        let now = self.now();
        self.draw(|_, record| record.people[n].moved = now);
    }

    fn sign_on(&mut self, n: usize, at: usize) {
        if self.is_awake(at) {
            self.draw(|_, record| record.is_at(n, at));
            self.act(at, move |router, cx| {
                if !router.is_here(&user(n)) {
                    router.open(cx, &user(n));
                }
            });
        }
    }

    fn sign_off(&mut self, n: usize, at: usize) {
        self.draw(|_, record| record.people[n].at.remove(&at));
        self.act(at, move |router, cx| router.close_all(cx, &user(n)));
    }

    /// Somebody begins to use one more client, or one is cut off.
    fn someone_is_cut(&mut self) {
        let Some((n, at)) = self.someone_there() else { return };
        let (more, again) = self.draw(|dice, _| (dice.chance(40), dice.chance(70)));
        self.act(at, move |router, cx| {
            if more {
                return router.open(cx, &user(n));
            }
            router.cut(cx, &user(n));
            if again || cx.record.people[n].both.is_some() {
                router.open(cx, &user(n));
            } else if !router.is_here(&user(n)) {
                cx.record.people[n].at.remove(&at);
                cx.record.people[n].moved = cx.now;
            }
        });
    }

    /// Somebody who is signed on somewhere says something to somebody else.
    fn someone_speaks(&mut self) {
        let (there, to) = (self.someone_there(), self.some_person());
        let Some((n, at)) = there.filter(|(n, _)| *n != to) else { return };
        self.act(at, move |router, cx| router.speak(cx, &user(n), &user(to)));
    }

    /// Somebody asks to see somebody else, or ends that.
    fn someone_asks(&mut self) {
        let (there, to) = (self.someone_there(), self.some_person());
        let Some((n, at)) = there.filter(|(n, _)| *n != to) else { return };
        self.act(at, move |router, cx| router.ask(cx, &user(n), &user(to)));
    }

    /// Somebody adds a contact, or changes how to be seen.
    fn someone_lists(&mut self) {
        let Some((n, at)) = self.someone_there() else { return };
        let changes = self.draw(|dice, _| dice.chance(30));
        self.act(at, move |router, cx| {
            if changes {
                router.change(cx, &user(n));
            } else {
                router.list(cx, &user(n));
            }
        });
    }

    /// Everybody who does not leave for good signs on, and clients show what they are given.
    fn bring_back(&mut self) {
        let people = self.draw(|_, record| {
            record.is_calm = true;
            record.people.clone()
        });
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

    fn some_gateway(&mut self) -> usize {
        let count = self.gateways() as u64;
        self.draw(|dice, _| dice.roll(count)) as usize
    }

    fn some_person(&mut self) -> usize {
        self.draw(|dice, record| dice.roll(record.people.len() as u64)) as usize
    }

    /// Somebody, and a gateway at which that one is.
    fn someone_there(&mut self) -> Option<(usize, usize)> {
        let n = self.some_person();
        let at = self.draw(|dice, record| {
            let all = &record.people[n].at;
            all.iter().nth(dice.roll(all.len() as u64) as usize).copied()
        })?;
        self.is_awake(at).then_some((n, at))
    }
}
