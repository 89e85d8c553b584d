//! Conversations that have a connection of their own, as each has at MSN.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Envelope};

use crate::account::Account;
use crate::cx::Cx;
use crate::delivery::Settle;
use crate::effect::Count;
use crate::ids::{SessionId, Ticket};
use crate::input::Fate;
use crate::mail::{self, Mail};

/// The most conversations of one person; the oldest makes room, and its people are heard in the
/// main session again.
const MAX_CONVERSATIONS: usize = 512;
/// The most messages of one person that wait for conversations.
const MAX_DEFERRED: usize = 256;
/// Longest wait for a client to open a conversation; a little less than a delivery may take.
const PATIENCE: Duration = Duration::from_secs(7);
/// The same where nobody waits to hear of a failure.
const MUCH_PATIENCE: Duration = Duration::from_mins(1);

/// A conversation's connection, beside the session that it belongs to.
pub(crate) struct Conversation {
    pub(crate) id: SessionId,
    pub(crate) endpoint: Box<str>,
    /// The session whose messages it takes, while that lasts: where a network failed and the
    /// client signed on anew, its old connections seem to live on.
    pub(crate) session: Option<SessionId>,
    with: BTreeSet<Address>,
    /// The bytes that wait in the account for it.
    pub(crate) aside: usize,
}

/// A message that waits for a session's client to open a conversation with its sender.
pub(crate) struct Deferred {
    pub(crate) session: SessionId,
    pub(crate) until: Instant,
    envelope: Envelope,
    delivery: Option<Ticket>,
    /// Bytes that are reserved for it.
    bytes: usize,
}

impl<A> Account<A> {
    /// Adds a conversation, or replaces its people, and gives it what was deferred for it.
    pub(crate) fn converse(
        &mut self,
        cx: &mut Cx<'_, A>,
        id: SessionId,
        endpoint: Box<str>,
        with: Vec<Address>,
    ) {
        if !self.conversations.iter().any(|c| c.id == id) {
            if self.conversations.len() >= MAX_CONVERSATIONS {
                let oldest = self.conversations.remove(0);
                self.drop_deliveries(cx, oldest.id);
            }
            let session = self.sessions.iter().rev().find(|s| s.endpoint == endpoint);
            let (session, with) = (session.map(|s| s.id), BTreeSet::new());
            self.conversations.push(Conversation { id, endpoint, session, with, aside: 0 });
        }
        let Some(conversation) = self.conversations.iter_mut().find(|c| c.id == id) else { return };
        conversation.with = with.into_iter().collect();
        if conversation.session.is_some() {
            let (endpoint, with) = (conversation.endpoint.clone(), conversation.with.clone());
            self.give_deferred(cx, id, &endpoint, &with);
        }
    }

    fn give_deferred(
        &mut self,
        cx: &mut Cx<'_, A>,
        to: SessionId,
        endpoint: &str,
        with: &BTreeSet<Address>,
    ) {
        let sessions = self.sessions.iter().filter(|s| *s.endpoint == *endpoint);
        let sessions: Vec<_> = sessions.map(|s| s.id).collect();
        let Some(pending) = self.if_pending() else { return };
        let is_for_it = |deferred: &mut Deferred| {
            sessions.contains(&deferred.session) && with.contains(&deferred.envelope.from)
        };
        let deferred: Vec<_> = pending.deferred.extract_if(.., is_for_it).collect();
        // Two sessions of the same endpoint defer a message twice.
        let mut given = HashSet::new();
        for Deferred { session, envelope, delivery, bytes, .. } in deferred {
            self.release(cx, session, bytes);
            if given.insert(envelope.id) {
                self.hand_on(delivery, session, to);
                cx.mail(to, Mail::Deliver(envelope, delivery));
            } else if let Some(delivery) = delivery {
                self.settle(cx, delivery, session, Settle::Dropped);
            }
        }
    }

    /// Keeps a message for a conversation, or gives it to the one that there is by now.
    pub(crate) fn defer(
        &mut self,
        cx: &mut Cx<'_, A>,
        session: SessionId,
        envelope: Envelope,
        delivery: Option<Ticket>,
    ) {
        if let Some(to) = self.instead_of(session, &envelope) {
            self.hand_on(delivery, session, to);
            return cx.mail(to, Mail::Deliver(envelope, delivery));
        }
        let is_session = self.sessions.iter().any(|s| s.id == session);
        let waiting = self.pending_now().map_or(0, |pending| pending.deferred.len());
        let room = self.reserve(cx, session, mail::of_envelope(&envelope));
        let (true, Ok(bytes), ..MAX_DEFERRED) = (is_session, &room, waiting) else {
            self.release(cx, session, room.unwrap_or(0));
            if is_session {
                cx.count(Count::Mailbox);
            }
            if let Some(delivery) = delivery {
                self.settle(cx, delivery, session, Settle::Dropped);
            }
            return;
        };
        let is_awaited = delivery.is_some_and(|delivery| self.is_awaited(delivery));
        let until = cx.now.instant + if is_awaited { PATIENCE } else { MUCH_PATIENCE };
        // One that was held before has less time left.
        let until = delivery.and_then(|d| self.patience_left(d)).map_or(until, |by| until.min(by));
        let deferred = Deferred { session, until, envelope, delivery, bytes: *bytes };
        self.pending().deferred.push(deferred);
    }

    /// Session that is given a message at once which a session or conversation does not show.
    fn instead_of(&self, session: SessionId, envelope: &Envelope) -> Option<SessionId> {
        if let Some(own) = self.conversations.iter().find(|c| c.id == session) {
            // Its client is leaving, and has to open another one.
            return own.session;
        }
        let endpoint = &self.sessions.iter().find(|s| s.id == session)?.endpoint;
        let open = self.conversations_for(envelope).into_iter().find(|c| c.endpoint == *endpoint);
        open.map(|conversation| conversation.id)
    }

    /// Gives up what has waited for a conversation for long enough.
    pub(crate) fn expire_deferred(&mut self, cx: &mut Cx<'_, A>) {
        let now = cx.now.instant;
        let Some(pending) = self.if_pending() else { return };
        let expired: Vec<_> = pending.deferred.extract_if(.., |d| d.until <= now).collect();
        for Deferred { session, delivery, bytes, .. } in expired {
            self.release(cx, session, bytes);
            if let Some(delivery) = delivery {
                self.settle(cx, delivery, session, Settle::Dropped);
            }
        }
    }

    /// Bytes that wait for conversations of a session.
    pub(crate) fn deferred_bytes(&self, session: SessionId) -> usize {
        let deferred = self.pending_now().into_iter().flat_map(|pending| &pending.deferred);
        deferred.filter(|d| d.session == session).map(|d| d.bytes).sum()
    }

    /// The conversations that get `envelope` instead of the sessions they belong to: of each
    /// session the newest with its sender.
    pub(crate) fn conversations_for(&self, envelope: &Envelope) -> Vec<&Conversation> {
        let is_said = matches!(
            envelope.body,
            Body::Text { .. }
                | Body::Typing(_)
                | Body::Attention
                | Body::Receipt { .. }
                | Body::Undelivered { .. }
        );
        let mut seen = HashSet::new();
        let hears = |c: &&Conversation| c.session.is_some() && c.with.contains(&envelope.from);
        let hearing = self.conversations.iter().rev().filter(|c| is_said && hears(c));
        hearing.filter(|c| seen.insert(&c.endpoint)).collect()
    }

    /// Tells the conversation that said it that a message arrived, and the session that asks for it
    /// also whether it waits. Returns whether that session was told.
    pub(crate) fn confirm(
        &self,
        cx: &mut Cx<'_, A>,
        envelope: &Envelope,
        from_session: Option<SessionId>,
        fate: Fate,
    ) -> bool {
        if !self.is_asked_after(&envelope.body, from_session) {
            return false;
        }
        if let Some(session) = self.confirming(from_session) {
            cx.mail(session, Mail::Accepted(envelope.id, fate));
            return true;
        }
        let conversation = self.conversations.iter().find(|c| Some(c.id) == from_session);
        if let Some(conversation) = conversation {
            cx.mail(conversation.id, Mail::Delivered(envelope.id));
        }
        false
    }

    /// The endpoint of the session that a conversation belongs to.
    pub(crate) fn conversation_endpoint(&self, id: SessionId) -> Option<&str> {
        self.conversations.iter().find(|c| c.id == id).map(|c| &*c.endpoint)
    }
}
