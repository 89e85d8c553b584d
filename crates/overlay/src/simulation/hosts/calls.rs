//! Performing what the accounts of a host want of its hub, as the gateway does it.

use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crosstalk_core::{Address, Roster};
use crosstalk_router::{self as accounts, Input};
use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use super::super::effects::fate;
use super::super::router::{Call, Reply, Request, SlotId, key_of};
use super::host::Host;
use crate::hub::answer::Answer;
use crate::wire::message::Message;

/// Longest time of a save that does not give up waiting for the disk.
const PATIENCE: Duration = Duration::from_secs(5);

type Told = Input<Reply<Answer>>;

impl Host {
    pub(super) fn call(self: &Rc<Self>, call: Call<Answer>) {
        match call {
            Call::Answer(answer, outcome) => answer.give(outcome),
            Call::Hurry(user) => self.hub.hurry(&user),
            Call::Of(slot, user, request) => {
                let what = format!("{:?}", std::mem::discriminant(&*request));
                self.shared.borrow_mut().trace((self.n, slot, what));
                self.request(slot, user, *request);
            }
        }
    }

    fn request(self: &Rc<Self>, slot: SlotId, user: Address, request: Request) {
        let host = self.clone();
        match request {
            Request::Post { ticket, envelope, may_keep } => self.begin(slot, async move {
                let id = envelope.id;
                let outcome = host.hub.post(Message::Envelope(envelope), may_keep).await;
                let mut ledger = host.shared.borrow_mut();
                ledger.trace((host.n, slot, format!("{outcome:?}")));
                ledger.record.is_settled(id, outcome);
                Input::Sent(ticket, outcome.map(fate))
            }),
            Request::Report { of, to, why } => self.spawn(async move {
                let report = Message::Report { of, from: user, to, why };
                let outcome = host.hub.post(report, true).await;
                host.shared.borrow_mut().record.report_is_kept(of, outcome);
            }),
            Request::Send { ticket, to, message } => self.begin(slot, async move {
                let outcome = host.hub.send(to, message).await;
                Input::Sent(ticket, outcome.map(|()| accounts::Fate::Delivered))
            }),
            Request::Locate(ticket, who) => self.begin(slot, async move {
                let at = host.hub.locate(&who).await;
                Input::Located(ticket, at.into_iter().map(key_of).collect())
            }),
            Request::Load => {
                self.begin(slot, async move { Input::Loaded(host.hub.load(&user).await) });
            }
            Request::Save(part) => self.spawn(host.save(slot, user, part)),
            Request::SignOn => self.begin(slot, async move {
                host.shared.borrow_mut().seats[host.n].here.insert(user.clone());
                host.hub.publish(|directory| directory.sign_on(&user)).await;
                Input::Published
            }),
            Request::SignOff(watched) => self.begin(slot, async move {
                host.shared.borrow_mut().seats[host.n].here.remove(&user);
                host.hub.publish(|directory| directory.sign_off(&user)).await;
                host.unwatch(&user, &watched).await;
                Input::Published
            }),
            Request::Watch { more, less } => self.begin(slot, async move {
                host.unwatch(&user, &less).await;
                let (first, known) = host.router.borrow_mut().watch(&user, more);
                host.hub.watch(&first).await;
                Input::Watched(known)
            }),
        }
    }

    /// Begins something at once, so that what is said first leaves first; what comes of it is told
    /// to an account.
    fn begin(self: &Rc<Self>, slot: SlotId, request: impl Future<Output = Told> + 'static) {
        let mut request: LocalBoxFuture<'static, Told> = Box::pin(request);
        let first = request.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let host = self.clone();
        self.spawn(async move {
            let input = match first {
                Poll::Ready(input) => input,
                Poll::Pending => request.await,
            };
            host.tell(slot, input);
        });
    }

    async fn save(self: Rc<Self>, slot: SlotId, owner: Address, part: Roster) {
        let began = Instant::now();
        let saved = self.hub.save(&owner, &part);
        self.tell(slot, Input::Merged);
        saved.await;
        if began.elapsed() < PATIENCE {
            self.shared.borrow_mut().record.is_saved(&owner, &part);
        }
        self.tell(slot, Input::Saved);
    }

    async fn unwatch(&self, by: &Address, users: &[Address]) {
        let mut last = self.router.borrow_mut().unwatch(by, users);
        self.hub.unwatch(&last).await;
        // Somebody may have begun to watch meanwhile, and the hub have heard that first.
        last.retain(|who| self.router.borrow().is_watched(who));
        self.hub.watch(&last).await;
    }
}
