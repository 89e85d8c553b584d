//! Effects of the simulated gateways' nodes.

use super::machine::{Write, number};
use super::world::{Event, MILLI, SECOND, Way, World};
use crate::node::Effect;
use crate::wire::message::Outcome;

impl World {
    pub(super) fn answer(&mut self, at: usize, answer: Way, outcome: Outcome) {
        let clock = self.clock(at);
        let Some(machine) = self.machine(at) else { return };
        match answer {
            Way::There(from, call) => machine.node.answer(clock, from, call, outcome),
            Way::Own(number, message) => {
                machine.node.answer_own(clock, number, &message, outcome);
            }
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
            Effect::Deliver { from, call, message, .. } => {
                self.hand_over(at, message, Way::There(from, call));
            }
            Effect::DeliverOwn(number, message) => {
                let answer = Way::Own(number, Box::new(message.clone()));
                self.hand_over(at, message, answer);
            }
            Effect::Record { fingerprint, message } => {
                machine.shown.push((fingerprint, now));
                let clock = self.clock(at);
                if let Some(machine) = self.machine(at) {
                    machine.node.recorded(clock, message);
                }
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
