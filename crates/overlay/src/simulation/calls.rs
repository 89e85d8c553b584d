//! Performing what the accounts of a simulated gateway want of its node and its lists.

use std::time::Duration;

use crosstalk_core::{Address, Roster};
use crosstalk_router::Input;

use super::machine::{Machine, Posted, id};
use super::router::{Call, Reply, Request, SlotId};
use super::world::{Event, Way, World};
use crate::membership::Key;
use crate::wire::frame::Frame;
use crate::wire::message::Message;

/// Longest time until an account hears that something is done.
const SOON: Duration = Duration::from_millis(20);
/// Time that the homes of a list have to answer.
const LOAD_DEADLINE: Duration = Duration::from_secs(2);

impl World {
    pub(super) fn call(&mut self, at: usize, call: Call<Way>) {
        let clock = self.clock(at);
        match call {
            Call::Answer(answer, outcome) => self.answer(at, answer, outcome),
            Call::Hurry(user) => {
                if let Some(machine) = self.machine(at) {
                    machine.node.hurry(clock, &user);
                }
            }
            Call::Of(slot, user, request) => self.request(at, slot, user, *request),
        }
    }

    fn request(&mut self, at: usize, slot: SlotId, user: Address, request: Request) {
        self.trace((at, slot, std::mem::discriminant(&request)));
        let clock = self.clock(at);
        let Some(machine) = self.machine(at) else { return };
        match request {
            Request::Post { ticket, envelope, may_keep } => {
                let posted = Posted::Envelope((slot, ticket), envelope.id);
                self.post(at, posted, Message::Envelope(envelope), may_keep);
            }
            Request::Report { of, to, why } => {
                let report = Message::Report { of, from: user, to, why };
                self.post(at, Posted::Report(of), report, true);
            }
            Request::Send { ticket, to, message } => {
                machine.node.send(clock, to, message, (slot, ticket));
            }
            Request::Locate(ticket, who) => machine.node.locate(clock, &who, (slot, ticket)),
            Request::Load => self.load(at, slot, user),
            Request::Save(part) => self.save(at, slot, &user, &part),
            Request::SignOn => {
                machine.here.insert(user.clone());
                machine.node.publish(clock, |directory| directory.sign_on(&user));
                self.tell_soon(at, slot, Input::Published);
            }
            Request::SignOff(watched) => {
                machine.here.remove(&user);
                machine.node.publish(clock, |directory| directory.sign_off(&user));
                self.unwatch(at, &user, &watched);
                self.tell_soon(at, slot, Input::Published);
            }
            Request::Watch { more, less } => {
                self.unwatch(at, &user, &less);
                let Some(machine) = self.machine(at) else { return };
                let (first, known) = machine.router.watch(&user, more);
                for who in &first {
                    machine.node.watch(clock, who);
                }
                self.tell_soon(at, slot, Input::Watched(known));
            }
        }
    }

    fn unwatch(&mut self, at: usize, by: &Address, users: &[Address]) {
        let clock = self.clock(at);
        let Some(machine) = self.machine(at) else { return };
        for who in machine.router.unwatch(by, users) {
            machine.believed.remove(&who);
            machine.node.unwatch(clock, &who);
        }
    }

    /// Tells an account in a moment what became of something.
    fn tell_soon(&mut self, at: usize, slot: SlotId, input: Input<Reply<Way>>) {
        let (epoch, wait) = (self.epoch(at), self.dice.within(Duration::ZERO, SOON));
        self.later(wait, Event::Told { at, epoch, slot, input: Box::new(input) });
    }

    fn load(&mut self, at: usize, slot: SlotId, owner: Address) {
        let Some(machine) = self.machine(at) else { return };
        let Machine { rosters, node, .. } = machine;
        let asked = rosters.ask(&owner, |home| node.link_of(home).is_some());
        let Some((ask, homes)) = asked else {
            let stored = machine.rosters.load(&owner);
            return self.tell_soon(at, slot, Input::Loaded(stored));
        };
        let get = Frame::RosterGet { ask, owner: owner.clone() };
        for home in homes {
            machine.node.queue(home, &get);
        }
        machine.loads.insert(ask, (slot, owner));
        let epoch = machine.epoch;
        self.later(LOAD_DEADLINE, Event::LoadTimeout { at, epoch, ask });
    }

    /// The homes of a list have answered, or have had the time to.
    pub(super) fn loaded(&mut self, at: usize, ask: u64) {
        let Some(machine) = self.machine(at) else { return };
        let Some((slot, owner)) = machine.loads.remove(&ask) else { return };
        machine.rosters.stop_asking(ask);
        let stored = machine.rosters.load(&owner);
        self.route(at, |router, cx| router.tell(cx, slot, Input::Loaded(stored)));
    }

    fn save(&mut self, at: usize, slot: SlotId, owner: &Address, part: &Roster) {
        let Some(machine) = self.machine(at) else { return };
        for (home, frame) in machine.rosters.save(owner, part) {
            machine.node.queue(home, &frame);
        }
        // The stand-in for the disk of lists has it at once.
        self.record.is_saved(owner, part);
        self.route(at, |router, cx| router.tell(cx, slot, Input::Merged));
        self.tell_soon(at, slot, Input::Saved);
    }

    /// Takes a frame, as the hub does.
    pub(super) fn received(&mut self, at: usize, from: usize, frame: Frame) {
        let (clock, peer) = (self.clock(at), id(from));
        let Some(machine) = self.machine(at) else { return };
        if !frame.is_of_rosters() {
            return machine.node.received(clock, peer, frame).unwrap();
        }
        let here = match &frame {
            Frame::RosterPut { owner, .. } => machine.node.is_here(owner),
            _ => false,
        };
        let follows = machine.rosters.received(peer, frame, here).unwrap();
        for reply in follows.replies {
            machine.node.queue(peer, &reply);
        }
        if let Some(change) = follows.changed {
            let others = machine.node.concerned(&Key::of(&change.owner), &peer);
            for (to, frame) in machine.rosters.pass_on(&change, others) {
                machine.node.queue(to, &frame);
            }
            if machine.node.is_here(&change.owner) {
                self.route(at, |router, cx| router.roster_changed(cx, &change.owner));
            }
        }
        if let Some(ask) = follows.answered {
            self.loaded(at, ask);
        }
    }
}

impl Machine {
    /// The receivers of what is on disk, but for those whom `excepted` names.
    pub(super) fn kept_for(&self, excepted: impl Fn(&Address) -> bool) -> Vec<Address> {
        let receivers = self.posts.values().map(|(post, _)| post.message.receiver().clone());
        receivers.filter(|to| !excepted(to)).collect()
    }
}
