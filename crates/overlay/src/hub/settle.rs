//! Doing what the node wants done.

use std::sync::Arc;

use crosstalk_core::Failure;
use tokio::sync::oneshot;

use super::{Hub, LinkHandle, State};
use crate::common::clock;
use crate::delivery::NO_WAY;
use crate::hub::answer::{Answer, Way};
use crate::hub::inbound::Inbound;
use crate::membership::GatewayId;
use crate::node::Effect;
use crate::wire::message::{Fate, Message, Outcome};

/// Work to do once the lock is released: whoever is told by it may want the lock at once.
pub(super) enum Follows {
    Outcome(oneshot::Sender<Outcome>, Outcome),
    Found(oneshot::Sender<Vec<GatewayId>>, Vec<GatewayId>),
    Settled(oneshot::Sender<Result<Fate, Failure>>, Result<Fate, Failure>),
    Wake(Arc<LinkHandle>),
    Compare(GatewayId),
}

impl Hub {
    pub(super) fn follow(self: &Arc<Self>, next: Follows) {
        match next {
            Follows::Outcome(ticket, outcome) => drop(ticket.send(outcome)),
            Follows::Found(ticket, found) => drop(ticket.send(found)),
            Follows::Settled(ticket, fate) => drop(ticket.send(fate)),
            Follows::Wake(handle) => handle.wake.notify_one(),
            Follows::Compare(peer) => {
                self.compare(peer);
                self.compare_mappings(peer);
            }
        }
    }

    /// Performs the node's effects, but for those that it returns.
    pub(super) fn settle(self: &Arc<Self>, state: &mut State) -> Vec<Follows> {
        let mut follows = Vec::new();
        while let Some(effect) = state.node.next_effect() {
            match effect {
                Effect::Deliver { from, call, mut message, age, shown } => {
                    if let Message::Envelope(envelope) = &mut message {
                        // By the clock here, whatever the clock there says.
                        envelope.sent_at = self.wall.read().minus(age);
                    }
                    let way = Way::There { hub: Arc::downgrade(self), from, call, shown };
                    // Only messages of others are refused here: they have a sender who keeps them.
                    // Everything else goes behind the backlog, which its callers bound by waiting
                    // for room.
                    if state.backlog.has_room() {
                        let answer = Answer(Some(way));
                        self.push(state, Inbound::Message { from, message, answer });
                    } else {
                        state.node.answer(clock::now(), from, call, Err(Failure::Busy));
                    }
                }
                Effect::DeliverOwn(number, message, shown) => {
                    let hub = Arc::downgrade(self);
                    let answer = Answer(Some(Way::Own { hub, number, shown }));
                    let from = self.own;
                    self.push(state, Inbound::Message { from, message, answer });
                }
                Effect::Keep { number, revision, post, age } => {
                    self.store.keep(number, revision, self.wall.read().minus(age), &post);
                }
                Effect::Forget(number) => self.store.forget(number),
                Effect::Settled(number, fate) => {
                    let ticket = state.posts.remove(&number);
                    follows.extend(ticket.map(|ticket| Follows::Settled(ticket, fate)));
                }
                Effect::Outcome(ticket, outcome) => {
                    follows.push(Follows::Outcome(ticket, outcome));
                }
                Effect::Found(ticket, found) => follows.push(Follows::Found(ticket, found)),
                Effect::Arrived(user, at) => self.push(state, Inbound::Arrived { user, at }),
                Effect::Left(user, at) => self.push(state, Inbound::Left { user, at }),
                Effect::Lost(gateway) => {
                    if let Some(handle) = state.links.get(&gateway)
                        && state.node.link_of(&gateway) != Some(handle.link)
                    {
                        handle.closing.cancel();
                    }
                    self.push(state, Inbound::Lost(gateway));
                }
                Effect::Wake(peer) => {
                    follows.extend(state.links.get(&peer).cloned().map(Follows::Wake));
                }
                Effect::Compare(peer) => follows.push(Follows::Compare(peer)),
                Effect::Close(peer, link) => {
                    if let Some(handle) =
                        state.links.get(&peer).filter(|handle| handle.link == link)
                    {
                        handle.closing.cancel();
                    }
                }
            }
        }
        follows
    }
}

/// Answers an event that nobody will ever take. Its [`Answer`] must not do so by itself: it
/// would wait for the lock that is held here.
pub(super) fn refuse(state: &mut State, event: Inbound) {
    let Inbound::Message { mut answer, .. } = event else { return };
    let now = clock::now();
    match answer.0.take() {
        Some(Way::There { from, call, .. }) => state.node.answer(now, from, call, Err(NO_WAY)),
        Some(Way::Own { number, shown, .. }) => {
            state.node.answer_own(now, number, shown, Err(NO_WAY));
        }
        Some(Way::Here(ticket)) => drop(ticket.send(Err(NO_WAY))),
        None => {}
    }
}
