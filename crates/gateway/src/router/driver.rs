//! Driving an account: its inputs one after the other, and its effects in their order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

use crosstalk_core::{Address, Envelope, Failure, Roster, Stamp};
use crosstalk_overlay as overlay;
use crosstalk_router::{
    Account, Effect, Effects, Fate, GatewayKey, Input, Message, RecordsRequest, SessionId, Ticket,
};

use super::accounts::{Answer, Inner, Slot};
use super::eager::Eager;
use super::flows::Flow;
use super::overlay_calls::Ask;
use super::{RouterState, gateway_of, now, overlay_calls};
use crate::mail::{DeliveryReceipt, Mail, Settle};

/// Work to do when the account's lock is free again.
pub(super) enum After {
    /// Locks of the overlay, or of another account.
    Answer(Answer, Result<(), Failure>),
    Report(overlay_calls::Report),
    Locate(Ticket, Address),
    Load,
    Save(Roster),
    SignOn,
    SignOff(Vec<Address>),
    Watch {
        more: Vec<Address>,
        less: Vec<Address>,
    },
    /// It is begun, and ends with an input.
    Await(Eager<Input<Answer>>),
    DeliverLocally,
    Ask(Ask),
    Flow(Flow),
    Records(Ticket, RecordsRequest, Stamp),
}

impl RouterState {
    /// Tells an account something, and does what follows.
    pub(super) fn apply(self: &Arc<Self>, slot: &Arc<Slot>, input: Input<Answer>) {
        let (after, is_over) = self.tell(slot, input);
        self.follow(slot, after, is_over);
    }

    /// Tells an account something. Returns what is left to do, and whether the account is over.
    fn tell(self: &Arc<Self>, slot: &Arc<Slot>, input: Input<Answer>) -> (Vec<After>, bool) {
        let mut inner = slot.lock();
        let after = self.handle(slot, &mut inner, input);
        (after, inner.account.is_over())
    }

    /// Does what is left to do without the lock.
    pub(super) fn follow(self: &Arc<Self>, slot: &Arc<Slot>, after: Vec<After>, mut is_over: bool) {
        let mut left = VecDeque::from(after);
        while let Some(what) = left.pop_front() {
            match self.finish(slot, what) {
                None => {}
                // A loop, since one that ended at once lets the next begin, and so on.
                Some(Eager::Ended(input)) => {
                    let (more, over) = self.tell(slot, input);
                    left.extend(more);
                    is_over = over;
                }
                Some(Eager::UnderWay(input)) => {
                    let (router, slot) = (self.clone(), slot.clone());
                    self.runtime.spawn(async move {
                        let input = input.await;
                        router.apply(&slot, input);
                    });
                }
            }
        }
        if is_over {
            self.accounts.leave(slot);
        }
    }

    /// Tells an account something under its lock. Mail and messages leave here, in their order.
    pub(super) fn handle(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        inner: &mut Inner,
        input: Input<Answer>,
    ) -> Vec<After> {
        let (mut effects, mut after) = (Effects::default(), Vec::new());
        let mut inputs = VecDeque::new();
        inner.account.handle(now(), input, &mut effects);
        loop {
            while let Some(effect) = effects.next_effect() {
                self.perform(slot, inner, effect, &mut inputs, &mut after);
            }
            let Some(next) = inputs.pop_front() else { break };
            inner.account.handle(now(), next, &mut effects);
        }
        if !inner.local.is_empty() && !std::mem::replace(&mut inner.delivers_locally, true) {
            after.push(After::DeliverLocally);
        }
        self.arm(slot, inner);
        after
    }

    /// Does one thing, or leaves it for when the lock is free.
    fn perform(
        &self,
        slot: &Arc<Slot>,
        inner: &mut Inner,
        effect: Effect<Answer>,
        inputs: &mut VecDeque<Input<Answer>>,
        after: &mut Vec<After>,
    ) {
        match effect {
            Effect::Mail(session, mail) => put(slot, inner, (session, mail), inputs),
            Effect::AwaitRoom(session) => {
                if await_room(slot, inner, session) {
                    inputs.push_back(Input::Room(session));
                }
            }
            Effect::Withdraw { delivery, from } => withdraw(inner, delivery, &from, inputs),
            Effect::Reserve(session, bytes) => {
                if let Some(mailbox) = inner.mailbox(session) {
                    mailbox.set_aside(bytes);
                }
            }
            Effect::Post { ticket, envelope, may_keep } => {
                after.push(After::Await(self.begin_post(ticket, envelope, may_keep)));
            }
            Effect::Send { ticket, to, message } if to == self.settings.here => {
                inner.local.push_back((ticket, message));
            }
            Effect::Send { ticket, to, message } => {
                after.push(After::Await(self.begin_send(ticket, to, message)));
            }
            Effect::Answer(answer, result) => after.push(After::Answer(answer, result)),
            Effect::Report { of, to, why } => {
                let from = inner.account.user().clone();
                after.push(After::Report(overlay_calls::Report { of, from, to, why }));
            }
            Effect::Locate { ticket, user } => after.push(After::Locate(ticket, user)),
            Effect::Load => after.push(After::Load),
            Effect::Save(roster) => after.push(After::Save(roster)),
            Effect::SignOn => after.push(After::SignOn),
            Effect::SignOff { watched } => after.push(After::SignOff(watched)),
            Effect::Watch { more, less } => after.push(After::Watch { more, less }),
            Effect::Ask { ticket, session, question, value } => {
                let client = inner.client(session);
                after.push(After::Ask(Ask { ticket, question, value, client }));
            }
            Effect::Flow { ticket, envelope, lines } => {
                after.push(After::Flow(Flow { ticket, envelope, lines }));
            }
            Effect::Archive(record) => self.archive(inner.account.user(), record),
            Effect::Records { ticket, request, newest } => {
                after.push(After::Records(ticket, request, newest));
            }
            // Under the account's lock, so that the last state is the one that counts.
            Effect::Outward(outward) => self.status.look(inner.account.user(), outward),
            Effect::Errand(id, words) => self.status.errand(inner.account.user(), id, &words),
            Effect::Count(what) => self.counters.count(what),
        }
    }

    /// Begins to post: under the account's lock, so that what is said first leaves first.
    fn begin_post(
        &self,
        ticket: Ticket,
        envelope: Envelope,
        may_keep: bool,
    ) -> Eager<Input<Answer>> {
        let overlay = self.overlay.clone();
        Eager::new(async move {
            let result = overlay.post(envelope, may_keep).await.map(|fate| match fate {
                overlay::Fate::Delivered => Fate::Delivered,
                overlay::Fate::Kept { first } => Fate::Kept { first },
            });
            Input::Sent(ticket, result)
        })
    }

    fn begin_send(&self, ticket: Ticket, to: GatewayKey, message: Message) -> Eager<Input<Answer>> {
        let (overlay, to) = (self.overlay.clone(), gateway_of(to));
        let message = match message {
            Message::Envelope(envelope) => overlay::Message::Envelope(envelope),
            Message::Presence { of, presence, to } => {
                overlay::Message::Presence { of, presence, to }
            }
            Message::Probe { of, by } => overlay::Message::Probe { of, by: vec![by] },
            Message::Question { of, by, question } => {
                overlay::Message::Question { of, by, question }
            }
        };
        Eager::new(async move {
            let result = overlay.send(&to, message).await;
            Input::Sent(ticket, result.map(|()| Fate::Delivered))
        })
    }

    /// Has the account told when its deadline has passed.
    fn arm(&self, slot: &Arc<Slot>, inner: &mut Inner) {
        if let Some(at) = inner.account.deadline()
            // One that is armed for earlier may fire in vain: cheaper than moving it each time.
            && inner.armed.is_none_or(|armed| at < armed)
        {
            inner.armed = Some(at);
            self.timers.add(at, Arc::downgrade(slot));
        }
    }

    /// Tells an account that it is `at`, if that is what it waits for.
    pub(super) fn time_has_come(self: &Arc<Self>, slot: &Arc<Slot>, at: Instant) {
        {
            let mut inner = slot.lock();
            if inner.armed != Some(at) {
                // It was armed anew for earlier.
                return;
            }
            inner.armed = None;
            if inner.account.deadline().is_none_or(|deadline| deadline > Instant::now()) {
                return self.arm(slot, &mut inner);
            }
        }
        self.apply(slot, Input::Tick);
    }

    /// An account that did not exist before.
    pub(super) fn new_account(&self, user: &Address) -> Account<Answer> {
        Account::new(user.clone(), Arc::clone(&self.settings), rand::random())
    }
}

/// Puts mail into the mailbox of a session; back to the account, where it has no room.
fn put(
    slot: &Arc<Slot>,
    inner: &Inner,
    (session, mail): (SessionId, crosstalk_router::Mail),
    inputs: &mut VecDeque<Input<Answer>>,
) {
    let receipt = |delivery: Option<Ticket>| match delivery {
        Some(delivery) => DeliveryReceipt::new(slot.clone(), session, delivery),
        None => DeliveryReceipt::default(),
    };
    let Some(mailbox) = inner.mailbox(session) else {
        return inputs.push_back(Input::Returned(session, mail));
    };
    if let Err(mail) = mailbox.try_send(Box::new(mail.map(receipt))) {
        inputs.push_back(Input::Returned(session, take_back(*mail)));
    }
}

/// Mail as the account named it. Its receipt must not be dropped under the account's lock, which it
/// would take.
fn take_back(mail: Mail) -> crosstalk_router::Mail {
    mail.map(DeliveryReceipt::into_delivery)
}

/// Whether a session's mailbox has room; if not, the account is told when it has.
fn await_room(slot: &Arc<Slot>, inner: &Inner, session: SessionId) -> bool {
    let room = || Waker::from(Arc::new(Room { slot: slot.clone(), session }));
    inner.mailbox(session).is_some_and(|mailbox| mailbox.await_room(room))
}

fn withdraw(
    inner: &Inner,
    delivery: Ticket,
    from: &[SessionId],
    inputs: &mut VecDeque<Input<Answer>>,
) {
    let mailboxes = || from.iter().map(|session| (*session, inner.mailbox(*session)));
    let is_it = |mail: &Mail| matches!(mail, Mail::Deliver(_, r) if r.delivery() == Some(delivery));
    let mut lies = mailboxes().filter_map(|(_, mailbox)| mailbox).map(|m| m.holds(is_it));
    if !lies.all(|lies| lies) {
        // Some session has begun with it.
        return;
    }
    for (session, mailbox) in mailboxes() {
        if let Some(mail) = mailbox.and_then(|mailbox| mailbox.take_out(is_it)) {
            inputs.push_back(Input::Returned(session, take_back(*mail)));
        }
    }
}

/// Tells an account that a mailbox has room.
struct Room {
    slot: Arc<Slot>,
    session: SessionId,
}

impl Wake for Room {
    fn wake(self: Arc<Self>) {
        if let Some(router) = self.slot.router.upgrade() {
            router.apply(&self.slot, Input::Room(self.session));
        }
    }
}

impl Settle for Slot {
    fn settle(self: Arc<Self>, session: SessionId, delivery: Ticket, shown: bool) {
        if let Some(router) = self.router.upgrade() {
            router.apply(&self, Input::Settled { session, delivery, shown });
        }
    }
}
