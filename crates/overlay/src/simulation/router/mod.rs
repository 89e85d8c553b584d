//! The router of a simulated gateway: the accounts of those who are signed in there, driven as
//! `crates/gateway/src/router` drives them, with clients that are models.
//!
//! It knows neither a node nor a hub: what accounts want of the overlay waits as [`Call`]s, and what
//! comes of these is told by [`Router::tell`].

mod account;
mod acts;
mod check;
mod client;
mod settings;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Address, Envelope, EnvelopeId, Failure, Now, Presence, Roster};
use crosstalk_router::{GatewayKey, Input, Settings, Ticket};

use super::Dice;
use super::machine::id;
use super::record::Record;
use crate::membership::GatewayId;
use crate::wire::message::Message;
use account::{Slot, local};
use client::Client;

/// Name of an account at a gateway: who signs on again after being forgotten has another one.
pub(super) type SlotId = u64;

/// The present at a gateway, and what a run has in common.
pub(super) struct Cx<'a> {
    /// Time of the simulation.
    pub(super) now: Duration,
    /// Time of the gateway's clocks.
    pub(super) clock: Now,
    pub(super) dice: &'a mut Dice,
    pub(super) record: &'a mut Record,
}

/// Reply channel of the answer to a message. `R` is that of the overlay.
#[derive(Debug)]
pub(super) enum Reply<R> {
    Overlay(R),
    /// To the account of somebody here, about what that one sent.
    Local(SlotId, Ticket),
}

/// Something that a router wants of the overlay.
#[derive(Debug)]
pub(super) enum Call<R> {
    Answer(R, Result<(), Failure>),
    Hurry(Address),
    /// An account wants it, in its person's name.
    Of(SlotId, Address, Box<Request>),
}

/// Something that an account wants of the overlay.
#[derive(Debug)]
pub(super) enum Request {
    Post { ticket: Ticket, envelope: Envelope, may_keep: bool },
    Send { ticket: Ticket, to: GatewayId, message: Message },
    Report { of: EnvelopeId, to: Address, why: Failure },
    Locate(Ticket, Address),
    Load,
    Save(Roster),
    SignOn,
    SignOff(Vec<Address>),
    Watch { more: Vec<Address>, less: Vec<Address> },
}

/// The accounts of a gateway that runs.
pub(super) struct Router<R> {
    n: usize,
    settings: Arc<Settings>,
    slots: BTreeMap<SlotId, Slot<R>>,
    here: BTreeMap<Address, SlotId>,
    watchers: BTreeMap<Address, BTreeSet<Address>>,
    /// Inputs of accounts that were not told yet.
    inputs: VecDeque<(SlotId, Input<Reply<R>>)>,
    calls: VecDeque<Call<R>>,
}

impl Cx<'_> {
    /// A name for an envelope that is no text.
    fn next_id(&mut self) -> EnvelopeId {
        EnvelopeId(u128::from(u64::MAX) << 64 | u128::from(self.record.next_name()))
    }
}

impl<R> Router<R> {
    /// The router of gateway `n`, where nobody is signed in.
    pub(super) fn new(n: usize) -> Self {
        Self {
            n,
            settings: settings::of(n),
            slots: BTreeMap::new(),
            here: BTreeMap::new(),
            watchers: BTreeMap::new(),
            inputs: VecDeque::new(),
            calls: VecDeque::new(),
        }
    }

    /// The next thing that is wanted of the overlay.
    pub(super) fn next_call(&mut self) -> Option<Call<R>> {
        self.calls.pop_front()
    }

    /// Tells an account what came of something that it wanted.
    pub(super) fn tell(&mut self, cx: &mut Cx<'_>, slot: SlotId, input: Input<Reply<R>>) {
        self.inputs.push_back((slot, input));
        self.work(cx);
    }

    /// Does everything that can be done now.
    pub(super) fn work(&mut self, cx: &mut Cx<'_>) {
        loop {
            if let Some((slot, input)) = self.inputs.pop_front() {
                self.handle(cx, slot, input);
            } else if !self.deliver_locally() && !self.run_clients(cx) {
                break;
            }
        }
    }

    /// Tells the accounts what time it is, and lets clients do what is due.
    pub(super) fn tick(&mut self, cx: &mut Cx<'_>) {
        for slot in self.here.values() {
            let deadline = self.slots[slot].account.deadline();
            if deadline.is_some_and(|at| at <= cx.clock.instant) {
                self.inputs.push_back((*slot, Input::Tick));
            }
        }
        self.work(cx);
    }

    /// The next time at which [`Self::tick`] has something to do.
    pub(super) fn due(&self, now: Duration, clock: Now) -> Option<Duration> {
        let slots = || self.here.values().map(|slot| &self.slots[slot]);
        let clients = slots().flat_map(|s| s.clients.values()).filter_map(Client::due);
        // A little late, since clocks do not run alike.
        let wait = |at: std::time::Instant| {
            let wait = at.saturating_duration_since(clock.instant);
            now + wait + wait / 50 + Duration::from_millis(1)
        };
        let deadlines = slots().filter_map(|s| s.account.deadline()).map(wait);
        clients.chain(deadlines).min()
    }

    /// Acts on what a gateway, which may be this one, says about people here.
    pub(super) fn receive(
        &mut self,
        cx: &mut Cx<'_>,
        from: GatewayId,
        message: Message,
        answer: Reply<R>,
    ) {
        self.take(from, message, answer);
        self.work(cx);
    }

    fn take(&mut self, from: GatewayId, message: Message, answer: Reply<R>) {
        let at = key_of(from);
        match message {
            Message::Envelope(envelope) => match self.here.get(&envelope.to) {
                Some(slot) => {
                    self.inputs.push_back((*slot, Input::Envelope { from: at, envelope, answer }));
                }
                None => self.answer(answer, Err(Failure::Offline)),
            },
            Message::Presence { of, presence, to } => {
                let result = self.show(at, &of, &presence, &to);
                self.answer(answer, result);
            }
            Message::Probe { of, by } => {
                let slot = self.here.get(&of).filter(|s| self.slots[s].account.is_here()).copied();
                let probe = slot.map(|slot| self.inputs.push_back((slot, Input::Probe { at, by })));
                self.answer(answer, probe.ok_or(Failure::Offline));
            }
            Message::Question { .. } => self.answer(answer, Err(Failure::Refused)),
            Message::Report { of, from: user, to, why } => match self.here.get(&user) {
                Some(slot) => {
                    let report = Input::Report { from: at, of, to, why, answer };
                    self.inputs.push_back((*slot, report));
                }
                None => self.answer(answer, Err(Failure::Offline)),
            },
        }
    }

    /// Shows people here a presence of somebody at a gateway.
    fn show(
        &mut self,
        at: GatewayKey,
        of: &Address,
        presence: &Presence,
        to: &[Address],
    ) -> Result<(), Failure> {
        if to.is_empty() {
            self.calls.push_back(Call::Hurry(of.clone()));
            return Ok(());
        }
        let mut anybody = Err(Failure::Offline);
        for slot in to.iter().filter_map(|watcher| self.here.get(watcher)) {
            if self.slots[slot].account.is_here() {
                anybody = Ok(());
                let (of, presence) = (of.clone(), presence.clone());
                self.inputs.push_back((*slot, Input::Presence { of, at, presence }));
            }
        }
        anybody
    }

    fn answer(&mut self, answer: Reply<R>, result: Result<(), Failure>) {
        match answer {
            Reply::Overlay(answer) => self.calls.push_back(Call::Answer(answer, result)),
            Reply::Local(slot, ticket) => {
                let result = result.map(|()| crosstalk_router::Fate::Delivered);
                self.inputs.push_back((slot, Input::Sent(ticket, result)));
            }
        }
    }

    /// Tells those who watch somebody of where that one signed on or off.
    pub(super) fn moved(&mut self, cx: &mut Cx<'_>, user: &Address, at: GatewayId, arrived: bool) {
        for watcher in self.watchers.get(user).into_iter().flatten() {
            let Some(slot) = self.here.get(watcher) else { continue };
            let (user, at) = (user.clone(), key_of(at));
            let input = if arrived { Input::Arrived(user, at) } else { Input::Left(user, at) };
            self.inputs.push_back((*slot, input));
        }
        self.work(cx);
    }

    /// A gateway is gone.
    pub(super) fn lost(&mut self, cx: &mut Cx<'_>, gateway: GatewayId) {
        for slot in self.here.values() {
            self.inputs.push_back((*slot, Input::Lost(key_of(gateway))));
        }
        self.work(cx);
    }

    /// The stored list of somebody here was changed at another gateway.
    pub(super) fn roster_changed(&mut self, cx: &mut Cx<'_>, user: &Address) {
        if let Some(slot) = self.here.get(user) {
            self.inputs.push_back((*slot, Input::RosterChanged));
        }
        self.work(cx);
    }

    /// Notes that `by` watches `users`. Returns those that nobody here watched before, and the
    /// others.
    pub(super) fn watch(
        &mut self,
        by: &Address,
        users: Vec<Address>,
    ) -> (Vec<Address>, Vec<Address>) {
        let is_first = |user: &Address| {
            let by_now = self.watchers.entry(user.clone()).or_default();
            let is_first = by_now.is_empty();
            by_now.insert(by.clone());
            is_first
        };
        users.into_iter().partition(is_first)
    }

    /// Notes that `by` no longer watches `users`. Returns those that nobody here watches now.
    pub(super) fn unwatch(&mut self, by: &Address, users: &[Address]) -> Vec<Address> {
        let mut last = Vec::new();
        for user in users {
            let Some(by_now) = self.watchers.get_mut(user) else { continue };
            by_now.remove(by);
            if by_now.is_empty() {
                self.watchers.remove(user);
                last.push(user.clone());
            }
        }
        last
    }

    pub(super) fn is_watched(&self, user: &Address) -> bool {
        self.watchers.contains_key(user)
    }

    /// Takes a message that an account here sends to people here.
    fn deliver_locally(&mut self) -> bool {
        let Some((slot, ticket, message)) = local(&mut self.slots) else { return false };
        self.take(id(self.n), message, Reply::Local(slot, ticket));
        true
    }
}

/// A gateway as accounts name it.
pub(super) fn key_of(gateway: GatewayId) -> GatewayKey {
    GatewayKey(*gateway.as_bytes())
}
