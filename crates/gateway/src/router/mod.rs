//! The road between people: who is signed in here, and how envelopes reach them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crosstalk_core::{Address, Body, Envelope, Event, Failure, Outgoing, UnixMillis};
use tokio::sync::mpsc;

use crate::mail::{Delivery, MAILBOX, Mail};

/// The table of everybody signed in at this gateway. A cheap handle.
#[derive(Clone, Default)]
pub struct Router {
    people: Arc<Mutex<HashMap<Address, Vec<Session>>>>,
}

struct Session {
    number: u64,
    mailbox: mpsc::Sender<Mail>,
}

/// One signed-in session of a person; dropping it signs the session out.
pub struct Member {
    router: Router,
    user: Address,
    number: u64,
}

impl Router {
    /// Signs a session of `user` in; `endpoint` names it to people. The base server must have
    /// accepted the user. Mail comes through the receiver. Never blocks.
    pub fn sign_in(&self, user: Address, endpoint: String) -> (Member, mpsc::Receiver<Mail>) {
        let (mailbox, mail) = mpsc::channel(MAILBOX);
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = people.entry(user.clone()).or_default();
        let number = sessions.last().map_or(0, |s| s.number + 1);
        sessions.push(Session { number, mailbox });
        drop(people);
        tracing::info!(%user, endpoint, "signed in");
        (Member { router: self.clone(), user, number }, mail)
    }

    fn deliver(&self, envelope: &Envelope) -> Option<Delivery> {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = people.get(&envelope.to)?;
        let delivery = Delivery::new();
        for session in sessions {
            let _ = session.mailbox.try_send(Mail::Deliver(envelope.clone(), delivery.handed()));
        }
        Some(delivery)
    }
}

impl Member {
    /// Takes what the session's engine emitted: `Presence`, `Send`, `Roster` and `Unshown`; the
    /// other events are the session's own business. Never blocks; what exceeds a bound fails
    /// towards the client.
    pub fn take(&self, event: Event) {
        let Event::Send(Outgoing { id, to, body }) = event else { return };
        let (router, from) = (self.router.clone(), self.user.clone());
        let sent_at = UnixMillis::from(SystemTime::now());
        tokio::spawn(async move {
            let envelope = Envelope { id, from, to, sent_at, body };
            let result = match router.deliver(&envelope) {
                Some(delivery) => delivery.outcome().await,
                None => Err(Failure::Offline),
            };
            if let (Err(why), Body::Text { auto: false, .. }) = (result, &envelope.body) {
                let Envelope { id: of, from, to, .. } = envelope;
                let body = Body::Undelivered { of, why };
                let _ = router.deliver(&Envelope { id: of, from: to, to: from, sent_at, body });
            }
        });
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut people = self.router.people.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sessions) = people.get_mut(&self.user) {
            sessions.retain(|s| s.number != self.number);
            if sessions.is_empty() {
                people.remove(&self.user);
            }
        }
    }
}
