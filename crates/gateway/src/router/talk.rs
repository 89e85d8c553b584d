//! Conversations that have a connection of their own.

use std::collections::{BTreeSet, HashSet};

use crosstalk_core::{Address, Body, Envelope};
use tokio::sync::mpsc;

use super::person::Person;
use crate::mail::Mail;

/// The most conversations of one person; the oldest makes room, and its people are heard in the
/// main session again.
const MAX_TALKS: usize = 512;

/// A conversation's connection, beside the session that it belongs to.
pub(super) struct Talk {
    pub(super) number: u64,
    pub(super) mailbox: mpsc::Sender<Box<Mail>>,
    pub(super) endpoint: Box<str>,
    with: BTreeSet<Address>,
}

impl Person {
    /// Adds a conversation and returns its number.
    pub(super) fn open_talk(
        &mut self,
        endpoint: &str,
        with: Vec<Address>,
        mailbox: mpsc::Sender<Box<Mail>>,
    ) -> u64 {
        let number = self.next_number();
        if self.talks.len() >= MAX_TALKS {
            self.talks.remove(0);
        }
        let (endpoint, with) = (endpoint.into(), with.into_iter().collect());
        self.talks.push(Talk { number, mailbox, endpoint, with });
        number
    }

    /// Replaces the people of a conversation.
    pub(super) fn talk_with(&mut self, number: u64, with: Vec<Address>) {
        if let Some(talk) = self.talks.iter_mut().find(|t| t.number == number) {
            talk.with = with.into_iter().collect();
        }
    }

    /// The conversations that get `envelope` instead of the sessions they belong to: of each
    /// session the newest with its sender.
    pub(super) fn talks_for(&self, envelope: &Envelope) -> Vec<&Talk> {
        let said = matches!(
            envelope.body,
            Body::Text { .. }
                | Body::Typing(_)
                | Body::Attention
                | Body::Receipt { .. }
                | Body::Undelivered { .. }
        );
        let mut seen = HashSet::new();
        let talks = self.talks.iter().rev().filter(|t| said && t.with.contains(&envelope.from));
        talks.filter(|t| seen.insert(&t.endpoint)).collect()
    }

    /// Where a session or conversation gets its mail.
    pub(super) fn mailbox(&self, number: u64) -> Option<&mpsc::Sender<Box<Mail>>> {
        let sessions = self.sessions.iter().map(|s| (s.number, &s.mailbox));
        let mut all = sessions.chain(self.talks.iter().map(|t| (t.number, &t.mailbox)));
        all.find(|(n, _)| *n == number).map(|(_, mailbox)| mailbox)
    }

    /// The session that a conversation belongs to.
    pub(super) fn talk_endpoint(&self, number: u64) -> Option<&str> {
        self.talks.iter().find(|t| t.number == number).map(|t| &*t.endpoint)
    }
}
