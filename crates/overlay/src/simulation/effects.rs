//! Effects of the simulated gateways' nodes.

use super::machine::{Write, number};
use super::world::{Event, MILLI, SECOND, Way, World};
use crate::node::Effect;
use crate::wire::message::Outcome;

impl World {
    pub(super) fn answer(&mut self, at: usize, answer: Way, outcome: Outcome) {
        let clock = self.clock(at);
        let now = self.now;
        let Some(machine) = self.machine(at) else { return };
        let (Way::There(_, _, shown) | Way::Own(_, shown)) = answer;
        machine.shown.extend(shown.filter(|_| outcome.is_ok()).map(|shown| (shown, now)));
        match answer {
            Way::There(from, call, _) => machine.node.answer(clock, from, call, outcome),
            Way::Own(number, shown) => machine.node.answer_own(clock, number, shown, outcome),
        }
        self.settle(at);
    }

    /// Performs the effects of a gateway's node.
    pub(super) fn settle(&mut self, at: usize) {
        while let Some(effect) = self.machine(at).and_then(|m| m.node.next_effect()) {
            self.act(at, effect);
        }
    }

    pub(super) fn act(&mut self, at: usize, effect: Effect<(), ()>) {
        let now = self.now;
        self.trace((at, std::mem::discriminant(&effect)));
        let Some(machine) = self.seats[at].running.as_mut() else { return };
        match effect {
            Effect::Deliver { from, call, message, shown, .. } => {
                self.hand_over(at, message, Way::There(from, call, shown));
            }
            Effect::DeliverOwn(number, message, shown) => {
                self.hand_over(at, message, Way::Own(number, shown));
            }
            Effect::Keep { number, revision, post, age } => {
                let said = now.saturating_sub(age);
                let post = Box::new(post);
                machine.unwritten.push(Write::Keep { number, revision, post, said });
                self.write(at);
            }
            Effect::Forget(number) => {
                machine.unwritten.push(Write::Forget(number));
                self.write(at);
            }
            Effect::Settled(number, outcome) => self.is_settled(at, number, outcome),
            Effect::Arrived(user, place) => {
                let new = machine.believed.entry(user).or_default().insert(place);
                assert!(new, "nobody arrives twice");
            }
            Effect::Left(user, place) => {
                let was = machine.believed.entry(user).or_default().remove(&place);
                assert!(was, "nobody leaves who was not there");
            }
            Effect::Lost(gateway) => {
                for places in machine.believed.values_mut() {
                    places.remove(&gateway);
                }
                if machine.node.link_of(&gateway).is_none() {
                    self.cut(at, number(&gateway));
                }
            }
            Effect::Wake(peer) => self.send(at, number(&peer)),
            Effect::Close(peer, _) => self.cut(at, number(&peer)),
            Effect::Compare(peer) => {
                for frame in machine.rosters.linked(&peer) {
                    machine.node.queue(peer, &frame);
                }
            }
            _ => {}
        }
    }

    /// The disk is to write something; it takes its time, and sometimes a long time.
    pub(super) fn write(&mut self, at: usize) {
        let Some(machine) = self.seats[at].running.as_mut() else { return };
        if !std::mem::replace(&mut machine.writing, true) {
            let (slow, epoch) = (self.dice.chance(2), self.epoch(at));
            let longest = if slow { 8 * SECOND } else { 20 * MILLI };
            let wait = self.dice.within(MILLI, longest);
            self.later(wait, Event::Commit { at, epoch });
        }
    }
}
