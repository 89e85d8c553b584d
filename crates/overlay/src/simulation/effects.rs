//! Effects of the simulated gateways' nodes.

use super::machine::{Posted, Write, number};
use super::router::Reply;
use super::world::{Event, MILLI, SECOND, Way, World};
use crate::node::Effect;
use crate::wire::message::{Fate, Message, Outcome};
use crosstalk_core::Failure;
use crosstalk_router::{self as accounts, Input};

use super::machine::{Asker, id};

impl World {
    /// Performs the effects of a gateway's node, and what its router wants.
    pub(super) fn settle(&mut self, at: usize) {
        loop {
            let Some(machine) = self.machine(at) else { return };
            if let Some(effect) = machine.node.next_effect() {
                self.perform(at, effect);
            } else if let Some(call) = machine.router.next_call() {
                self.call(at, call);
            } else {
                break;
            }
        }
        self.arm(at);
    }

    fn perform(&mut self, at: usize, effect: Effect<Asker, Asker>) {
        let now = self.now;
        self.trace((at, std::mem::discriminant(&effect)));
        let Some(machine) = self.seats[at].running.as_mut() else { return };
        match effect {
            Effect::Deliver { from, call, message, shown, .. } => {
                let answer = Reply::Overlay(Way::There(from, call, shown));
                self.route(at, |router, cx| router.receive(cx, from, message, answer));
            }
            Effect::DeliverOwn(number, message, shown) => {
                let answer = Reply::Overlay(Way::Own(number, shown));
                self.route(at, |router, cx| router.receive(cx, id(at), message, answer));
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
            Effect::Outcome((slot, ticket), outcome) => {
                let result = outcome.map(|()| accounts::Fate::Delivered);
                self.route(at, |router, cx| router.tell(cx, slot, Input::Sent(ticket, result)));
            }
            Effect::Found((slot, ticket), at_all) => {
                let keys = at_all.into_iter().map(super::router::key_of).collect();
                self.route(at, |router, cx| router.tell(cx, slot, Input::Located(ticket, keys)));
            }
            Effect::Arrived(user, place) => {
                let new = machine.believed.entry(user.clone()).or_default().insert(place);
                assert!(new, "nobody arrives twice");
                self.route(at, |router, cx| router.moved(cx, &user, place, true));
            }
            Effect::Left(user, place) => {
                let was = machine.believed.entry(user.clone()).or_default().remove(&place);
                assert!(was, "nobody leaves who was not there");
                self.route(at, |router, cx| router.moved(cx, &user, place, false));
            }
            Effect::Lost(gateway) => {
                for places in machine.believed.values_mut() {
                    places.remove(&gateway);
                }
                if machine.node.link_of(&gateway).is_none() {
                    self.cut(at, number(&gateway));
                }
                self.route(at, |router, cx| router.lost(cx, gateway));
            }
            Effect::Wake(peer) => self.send(at, number(&peer)),
            Effect::Close(peer, _) => self.cut(at, number(&peer)),
            Effect::Compare(peer) => {
                for frame in machine.rosters.linked(&peer, &machine.node.here_of(&peer)) {
                    machine.node.queue(peer, &frame);
                }
            }
        }
    }

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
    }

    /// Posts a message for an account.
    pub(super) fn post(&mut self, at: usize, posted: Posted, message: Message, may_keep: bool) {
        let clock = self.clock(at);
        let Some(machine) = self.machine(at) else { return };
        let (number, epoch) = (machine.node.post(clock, message, may_keep), machine.epoch);
        machine.posted.insert(number, posted);
        self.later(5 * MILLI, Event::KeepMeanwhile { at, epoch, number });
    }

    fn is_settled(&mut self, at: usize, number: u64, outcome: Result<Fate, Failure>) {
        let posted = self.machine(at).and_then(|machine| machine.posted.remove(&number));
        match posted {
            None => {}
            Some(Posted::Report(of)) => self.record.report_is_kept(of, outcome),
            Some(Posted::Envelope((slot, ticket), envelope)) => {
                self.record.is_settled(envelope, outcome);
                let result = outcome.map(fate);
                self.route(at, |router, cx| router.tell(cx, slot, Input::Sent(ticket, result)));
            }
        }
    }

    /// The disk is to write something; it takes its time, and sometimes a long time.
    fn write(&mut self, at: usize) {
        let Some(machine) = self.seats[at].running.as_mut() else { return };
        if !std::mem::replace(&mut machine.writing, true) {
            let (slow, epoch) = (self.dice.chance(2), self.epoch(at));
            let longest = if slow { 8 * SECOND } else { 20 * MILLI };
            let wait = self.dice.within(MILLI, longest);
            self.later(wait, Event::Commit { at, epoch });
        }
    }
}

/// A fate as accounts name it.
pub(super) const fn fate(fate: Fate) -> accounts::Fate {
    match fate {
        Fate::Delivered => accounts::Fate::Delivered,
        Fate::Kept { first } => accounts::Fate::Kept { first },
    }
}
