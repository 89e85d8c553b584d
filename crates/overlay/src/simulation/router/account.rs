//! Driving an account: its inputs one after the other, and its effects in their order.

use std::collections::{BTreeMap, VecDeque};

use crosstalk_core::{Address, Body};
use crosstalk_router::{
    self as accounts, Account, Effect, Effects, Input, Mail, SessionId, Ticket,
};

use super::super::Planted;
use super::{Call, Client, Cx, Reply, Request, Router, SlotId};
use crate::membership::GatewayId;
use crate::wire::message::Message;

/// An account with what its driver keeps for it.
pub(super) struct Slot<R> {
    pub(super) account: Account<Reply<R>>,
    pub(super) clients: BTreeMap<SessionId, Client>,
    /// Number of sessions ever opened.
    pub(super) opened: u32,
    /// Messages to people at this gateway.
    local: VecDeque<(Ticket, Message)>,
}

type Inputs<R> = VecDeque<Input<Reply<R>>>;

impl<R> Slot<R> {
    pub(super) const fn new(account: Account<Reply<R>>) -> Self {
        Self { account, clients: BTreeMap::new(), opened: 0, local: VecDeque::new() }
    }
}

/// The next message of an account here to people here.
pub(super) fn local<R>(slots: &mut BTreeMap<SlotId, Slot<R>>) -> Option<(SlotId, Ticket, Message)> {
    let (slot, next) = slots.iter_mut().find_map(|(n, s)| Some((*n, s.local.pop_front()?)))?;
    Some((slot, next.0, next.1))
}

impl<R> Router<R> {
    /// Tells an account something, and performs its effects.
    pub(super) fn handle(&mut self, cx: &mut Cx<'_>, id: SlotId, input: Input<Reply<R>>) {
        let Some(mut slot) = self.slots.remove(&id) else { return };
        let mut inputs = VecDeque::from([input]);
        let mut effects = Effects::default();
        while let Some(input) = inputs.pop_front() {
            slot.account.handle(cx.clock, input, &mut effects);
            while let Some(effect) = effects.next_effect() {
                self.perform(cx, (id, &mut slot), effect, &mut inputs);
            }
        }
        let user = slot.account.user();
        if slot.account.is_over() && slot.local.is_empty() && self.here.get(user) == Some(&id) {
            self.here.remove(user);
        }
        self.slots.insert(id, slot);
    }

    fn perform(
        &mut self,
        cx: &mut Cx<'_>,
        (id, slot): (SlotId, &mut Slot<R>),
        effect: Effect<Reply<R>>,
        inputs: &mut Inputs<R>,
    ) {
        match effect {
            Effect::Mail(session, mail) => put(cx, slot, session, mail, inputs),
            Effect::AwaitRoom(session) => {
                if slot.clients.get_mut(&session).is_some_and(Client::await_room) {
                    inputs.push_back(Input::Room(session));
                }
            }
            Effect::Withdraw { delivery, from } => withdraw(slot, delivery, &from, inputs),
            Effect::Answer(answer, result) => self.answer(answer, result),
            Effect::Send { ticket, to, message } if to == self.settings.here => {
                slot.local.push_back((ticket, of_overlay(message, slot.account.user())));
            }
            // Nobody here has anything outside.
            Effect::Outward(_) | Effect::Errand(..) | Effect::Reserve(..) | Effect::Count(_) => {}
            other => {
                let user = slot.account.user();
                self.calls.push_back(Call::Of(id, user.clone(), Box::new(request(other, user))));
            }
        }
    }

    /// Lets one client that has something to do act. Says whether there was one.
    pub(super) fn run_clients(&mut self, cx: &mut Cx<'_>) -> bool {
        let is_due = |client: &&mut Client| client.due().is_some_and(|at| at <= cx.now);
        let mut all = self.slots.iter_mut();
        let due = all.find_map(|(id, s)| Some((*id, s.clients.values_mut().find(is_due)?)));
        let Some((slot, client)) = due else { return false };
        let mut inputs = VecDeque::new();
        client.act(cx, &mut inputs);
        self.inputs.extend(inputs.into_iter().map(|input| (slot, input)));
        true
    }
}

/// Puts mail into the mailbox of a session; back to the account, where it has no room.
fn put<R>(cx: &Cx<'_>, slot: &mut Slot<R>, session: SessionId, mail: Mail, inputs: &mut Inputs<R>) {
    let settled = match &mail {
        Mail::Deliver(envelope, Some(delivery)) => {
            let is_report = matches!(envelope.body, Body::Undelivered { .. });
            let fault =
                if is_report { Planted::ForgottenReports } else { Planted::ConfirmedUnread };
            cx.record.is_planted(fault).then_some(*delivery)
        }
        _ => None,
    };
    let Some(client) = slot.clients.get_mut(&session) else {
        return inputs.push_back(Input::Returned(session, mail));
    };
    if let Some(mail) = client.put(mail) {
        return inputs.push_back(Input::Returned(session, mail));
    }
    inputs.extend(settled.map(|delivery| Input::Settled { session, delivery, shown: true }));
}

fn withdraw<R>(slot: &mut Slot<R>, delivery: Ticket, from: &[SessionId], inputs: &mut Inputs<R>) {
    let mut clients = from.iter().filter_map(|session| slot.clients.get(session));
    if !clients.all(|client| client.holds(delivery)) {
        // Some session has begun with it.
        return;
    }
    for session in from {
        let mail = slot.clients.get_mut(session).and_then(|client| client.take_out(delivery));
        inputs.extend(mail.map(|mail| Input::Returned(*session, mail)));
    }
}

/// The request that an effect is, which speaks for nobody but the account's own person.
fn request<R>(effect: Effect<Reply<R>>, user: &Address) -> Request {
    match effect {
        Effect::Post { ticket, envelope, may_keep } => {
            assert_eq!(envelope.from, *user, "an account posts in its person's name");
            Request::Post { ticket, envelope, may_keep }
        }
        Effect::Send { ticket, to, message } => {
            let (to, message) = (GatewayId::from_bytes(to.0), of_overlay(message, user));
            Request::Send { ticket, to, message }
        }
        Effect::Report { of, to, why } => Request::Report { of, to, why },
        Effect::Locate { ticket, user } => Request::Locate(ticket, user),
        Effect::Load => Request::Load,
        Effect::Save(roster) => Request::Save(roster),
        Effect::SignOn => Request::SignOn,
        Effect::SignOff { watched } => Request::SignOff(watched),
        Effect::Watch { more, less } => Request::Watch { more, less },
        Effect::Ask { .. } | Effect::Flow { .. } | Effect::Archive(_) | Effect::Records { .. } => {
            unreachable!("nobody here has a control contact to ask, or to set up flows with")
        }
        Effect::Mail(..)
        | Effect::AwaitRoom(_)
        | Effect::Withdraw { .. }
        | Effect::Reserve(..)
        | Effect::Answer(..)
        | Effect::Outward(_)
        | Effect::Errand(..)
        | Effect::Count(_) => unreachable!("performed at once"),
    }
}

fn of_overlay(message: accounts::Message, user: &Address) -> Message {
    let (by, message) = match message {
        accounts::Message::Envelope(envelope) => {
            (envelope.from.clone(), Message::Envelope(envelope))
        }
        accounts::Message::Presence { of, presence, to } => {
            (of.clone(), Message::Presence { of, presence, to })
        }
        accounts::Message::Question { .. } => {
            unreachable!("nobody here has a control contact to ask")
        }
        accounts::Message::Probe { of, by } => (by.clone(), Message::Probe { of, by: vec![by] }),
    };
    assert_eq!(by, *user, "an account speaks for its person");
    message
}
