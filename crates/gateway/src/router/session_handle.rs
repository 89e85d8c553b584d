//! A session's place at the router.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Envelope, Event};
use crosstalk_router::{Input, SessionId};

use super::RouterState;
use super::accounts::{Place, Slot};
use crate::mail::{DeliveryReceipt, Mails, mailbox};
use crate::memory::Entry;

/// One signed-in session of a person, or one conversation beside it; dropping it signs the session
/// out.
pub struct SessionHandle {
    router: Arc<RouterState>,
    slot: Arc<Slot>,
    id: SessionId,
}

impl SessionHandle {
    pub(super) fn sign_in(
        router: &Arc<RouterState>,
        user: &Address,
        endpoint: &str,
        client: Option<(&Entry, IpAddr)>,
    ) -> (Self, Mails) {
        tracing::info!(%user, endpoint, "signed in");
        let opened = |session| Input::Opened { session, endpoint: endpoint.into() };
        let (slot, id, mails) = enter(router, user, client.unzip(), opened);
        (Self { router: router.clone(), slot, id }, mails)
    }

    pub(super) fn converse(
        router: &Arc<RouterState>,
        user: &Address,
        endpoint: &str,
        with: Vec<Address>,
        entry: Option<&Entry>,
    ) -> (Self, Mails) {
        let converses = |session| Input::Converses { session, endpoint: endpoint.into(), with };
        let (slot, id, mails) = enter(router, user, (entry, None), converses);
        (Self { router: router.clone(), slot, id }, mails)
    }

    /// Replaces the people of a conversation.
    pub fn converse_with(&self, with: Vec<Address>) {
        let (session, endpoint) = (self.id, Box::default());
        self.router.apply(&self.slot, Input::Converses { session, endpoint, with });
    }

    /// Says whether the session's client [takes](crosstalk_core::Engine::takes_texts) what people
    /// say. At first it does not; a conversation always does.
    pub fn takes_texts(&self, takes: bool) {
        self.router.apply(&self.slot, Input::Takes(self.id, takes));
    }

    /// Has the session told what becomes of everything that it says, by
    /// [`Mail::Accepted`](crate::mail::Mail::Accepted) where it does not fail.
    pub fn confirms(&self) {
        self.router.apply(&self.slot, Input::Confirms(self.id));
    }

    /// Keeps a delivery that the session's engine [defers](crosstalk_core::Output::defer).
    pub fn defer(&self, envelope: Envelope, handed: DeliveryReceipt) {
        let (session, delivery) = (self.id, handed.into_delivery());
        self.router.apply(&self.slot, Input::Deferred { session, envelope, delivery });
    }

    /// Takes what the session's engine emitted: `Presence`, `Send`, `Roster` and `Unshown`; the
    /// other events are the session's own business. Never blocks; what exceeds a bound fails
    /// towards the client.
    pub fn take(&self, event: Event) {
        self.router.apply(&self.slot, Input::Event(self.id, event));
    }

    /// For how long no more of what the client says is to be read, since the person has said so
    /// much. To be asked again then.
    pub fn pause(&self) -> Option<Duration> {
        self.slot.lock().account.pause(Instant::now(), self.id)
    }
}

/// Opens a mailbox for one more session or conversation of `user`.
fn enter(
    router: &Arc<RouterState>,
    user: &Address,
    (entry, client): (Option<&Entry>, Option<IpAddr>),
    input: impl FnOnce(SessionId) -> Input<super::accounts::Answer>,
) -> (Arc<Slot>, SessionId, Mails) {
    let (mailbox, mails) = mailbox(entry);
    let make = || (Arc::downgrade(router), router.new_account(user));
    let (slot, id, after) = router.accounts.enter(user, make, |slot, inner| {
        let id = inner.session_ids.next_id();
        // Most people have one session, and a growing vector begins with room for four.
        inner.mailboxes.reserve_exact(1);
        inner.mailboxes.push(Place { id, mailbox, client });
        let after = router.handle(slot, inner, input(id));
        (slot.clone(), id, after)
    });
    router.follow(&slot, after, false);
    (slot, id, mails)
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        let closed = {
            let mut inner = self.slot.lock();
            if let Some(endpoint) = inner.account.endpoint(self.id) {
                tracing::info!(user = %inner.account.user(), endpoint, "signed out");
            }
            let after = self.router.handle(&self.slot, &mut inner, Input::Closed(self.id));
            inner.mailboxes.retain(|place| place.id != self.id);
            (after, inner.account.is_over())
        };
        self.router.follow(&self.slot, closed.0, closed.1);
    }
}
