//! Effects of accounts that take longer, or need other locks than their own.

use std::net::IpAddr;
use std::sync::Arc;

use crosstalk_core::{Address, EnvelopeId, Failure, Question, Roster};
use crosstalk_router::{Fate, Input, Ticket};

use super::accounts::{Answer, Slot};
use super::driver::After;
use super::eager::Eager;
use super::{RouterState, key_of};

/// A report of a message that was not delivered.
pub(super) struct Report {
    pub(super) of: EnvelopeId,
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) why: Failure,
}

/// A question about the person, to be answered from outside.
pub(super) struct Ask {
    pub(super) ticket: Ticket,
    pub(super) question: Question,
    /// What the person has set for it.
    pub(super) value: Box<str>,
    /// Address that the person's client connects from.
    pub(super) client: Option<IpAddr>,
}

impl RouterState {
    /// Does one thing that an account wants, or begins to: what it comes to is an input.
    pub(super) fn finish(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        what: After,
    ) -> Option<Eager<Input<Answer>>> {
        // Whoever drops a session may do so outside.
        let _in_runtime = self.runtime.enter();
        let (state, slot) = (self.clone(), slot.clone());
        match what {
            After::Await(under_way) => return Some(under_way),
            After::Load => {
                return Some(Eager::new(async move {
                    Input::Loaded(state.overlay.load(&user_of(&slot)).await)
                }));
            }
            After::Flow(flow) => return Some(state.flow(flow)),
            After::SignOn => {
                return Some(Eager::new(async move {
                    state.overlay.sign_on(&user_of(&slot)).await;
                    Input::Published
                }));
            }
            After::SignOff(watched) => {
                return Some(Eager::new(async move {
                    let user = user_of(&slot);
                    state.overlay.sign_off(&user).await;
                    state.unwatch(&user, &watched).await;
                    Input::Published
                }));
            }
            After::Watch { more, less } => {
                return Some(Eager::new(async move {
                    let user = user_of(&slot);
                    state.unwatch(&user, &less).await;
                    state.watch(&user, more).await
                }));
            }
            After::Answer(answer, result) => self.answer(answer, result),
            After::DeliverLocally => drop(self.runtime.spawn(state.deliver_locally(slot))),
            After::Report(report) => drop(self.runtime.spawn(state.report(report))),
            After::Locate(ticket, user) => drop(self.runtime.spawn(async move {
                let at = state.overlay.locate(&user).await.into_iter().map(key_of).collect();
                state.apply(&slot, Input::Located(ticket, at));
            })),
            After::Ask(Ask { ticket, question, value, client }) => {
                drop(self.runtime.spawn(async move {
                    let text = state.sources.answer(&question, &value, client).await;
                    state.apply(&slot, Input::Answered(ticket, text));
                }));
            }
            After::Records(ticket, request, newest) => drop(self.runtime.spawn(async move {
                let said = state.records(&user_of(&slot), request, newest).await;
                state.apply(&slot, Input::Records(ticket, said));
            })),
            After::Save(roster) => drop(self.runtime.spawn(state.save(slot, roster))),
        }
        None
    }

    /// Says what became of a message.
    pub(super) fn answer(self: &Arc<Self>, answer: Answer, result: Result<(), Failure>) {
        match answer {
            Answer::Overlay(answer) => answer.give(result),
            Answer::Local(slot, ticket) => {
                self.apply(&slot, Input::Sent(ticket, result.map(|()| Fate::Delivered)));
            }
        }
    }

    async fn report(self: Arc<Self>, Report { of, from, to, why }: Report) {
        if let Err(failed) = self.overlay.report(of, from, to, why).await {
            tracing::warn!(%failed, "nobody is told of a message that was not delivered");
        }
    }

    /// Saves what has changed: other gateways have it at once, the disk is waited for apart.
    async fn save(self: Arc<Self>, slot: Arc<Slot>, changed: Roster) {
        let saved = self.overlay.save(&user_of(&slot), &changed);
        // What waits for the disk waits in the store, once.
        drop(changed);
        self.apply(&slot, Input::Merged);
        saved.await;
        self.apply(&slot, Input::Saved);
    }

    /// Watches `users` in the name of `user`. The overlay tells where those are that are new to
    /// it; the others are looked for.
    async fn watch(&self, user: &Address, mut users: Vec<Address>) -> Input<Answer> {
        let first = self.accounts.watch(user, &users);
        users.retain(|u| !first.contains(u));
        self.overlay.watch(&Vec::from_iter(first)).await;
        Input::Watched(users)
    }

    /// Watches `users` no longer in the name of `user`.
    async fn unwatch(&self, user: &Address, users: &[Address]) {
        let mut last = self.accounts.unwatch(user, users);
        self.overlay.unwatch(&last).await;
        // Somebody may have begun to watch meanwhile, and the overlay have heard that first.
        last.retain(|l| self.accounts.is_watched(l));
        self.overlay.watch(&last).await;
    }
}

fn user_of(slot: &Slot) -> Address {
    slot.lock().account.user().clone()
}
