//! The person behind a session's client at the router.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use crosstalk_core::{Address, Body, Envelope, Event, Input, Presence, Side};

use super::{End, Session};
use crate::mail::{DeliveryReceipt, Mails};
use crate::router::SessionHandle;

/// The person behind the client, once the base server accepted it.
pub(super) struct Person {
    pub(super) handle: SessionHandle,
    pub(super) mail: Mails,
    /// Whether the router knows that the client takes what people say.
    pub(super) takes_texts: bool,
    /// The server is gone.
    pub(super) is_leaving: bool,
    /// Deliveries that are done when that many bytes were written to the client.
    pub(super) unconfirmed: VecDeque<(u64, DeliveryReceipt)>,
}

impl Person {
    pub(super) fn new(handle: SessionHandle, mail: Mails) -> Self {
        Self { handle, mail, takes_texts: false, is_leaving: false, unconfirmed: VecDeque::new() }
    }

    /// Tells the router what the client takes, if that has changed.
    pub(super) fn takes(&mut self, texts: bool) {
        let takes = texts && !self.is_leaving;
        if self.takes_texts != takes {
            self.takes_texts = takes;
            self.handle.takes_texts(takes);
        }
    }
}

impl Session {
    /// A side is gone for good. A client that is gone is not told anything more; one whose server
    /// is gone can say its last words, and is offline to others.
    pub(super) fn leave(&mut self, gone: Side) {
        match (gone, &mut self.person) {
            (Side::Client, _) => self.person = None,
            (Side::Server, Some(person)) => {
                person.handle.take(Event::Presence(Presence::offline()));
                person.is_leaving = true;
                person.takes(false);
            }
            (Side::Server, None) => {}
        }
    }

    /// Gives the engine something to deliver. It is done when the client has taken what became
    /// of it.
    pub(super) fn deliver(
        &mut self,
        envelope: Envelope,
        handed: DeliveryReceipt,
    ) -> Result<(), End> {
        // It may have come while the client still took it.
        let is_said = matches!(envelope.body, Body::Text { .. } | Body::Attention);
        let takes = self.person.as_ref().is_some_and(|person| person.takes_texts);
        if is_said && handed.is_awaited() && !takes {
            return Ok(());
        }
        self.tell(Input::Deliver(envelope))?;
        let held = self.out.take_deferred();
        let queued: usize = self.out.queue(Side::Client).iter().map(Bytes::len).sum();
        let outbox = &self.client.outbox;
        let until = outbox.written() + (outbox.waiting() + queued) as u64;
        let Some(person) = &mut self.person else { return Ok(()) };
        match held {
            Some(held) => person.handle.defer(held, handed),
            None => person.unconfirmed.push_back((until, handed)),
        }
        Ok(())
    }

    /// Tells the engine a contact's presence, in which the person is named as whoever reads it.
    pub(super) fn presence(&mut self, of: Address, mut presence: Presence) -> Result<(), End> {
        if let Some(user) = &self.user {
            presence.fill_in(user);
        }
        self.tell(Input::Presence { of, presence })
    }

    /// Reads no more of the client for as long as the router wants.
    pub(super) fn pause(&mut self) {
        let pause = self.person.as_ref().and_then(|person| person.handle.pause());
        self.paused = pause.map(|pause| Instant::now() + pause);
    }

    pub(super) async fn sign_in(&mut self, user: Address, endpoint: String) -> Result<(), End> {
        self.check(&user).await?;
        let client = self.peer.origin.address;
        let router = &self.shared.router;
        let (handle, mail) = router.sign_in_at(self.charge.entry(), &user, &endpoint, client);
        self.person = Some(Person::new(handle, mail));
        self.user = Some(user);
        Ok(())
    }

    pub(super) async fn converse(
        &mut self,
        user: Address,
        endpoint: String,
        with: Vec<Address>,
    ) -> Result<(), End> {
        self.check(&user).await?;
        if let Some(person) = &self.person {
            person.handle.converse_with(with);
            return Ok(());
        }
        let (handle, mail) =
            self.shared.router.converse_at(self.charge.entry(), &user, &endpoint, with);
        self.person = Some(Person::new(handle, mail));
        self.user = Some(user);
        Ok(())
    }
}
