//! Conversations, each a connection to a switchboard.

use std::collections::BTreeSet;
use std::io;

use crosstalk_core::Typing;
use crosstalk_networks::msnp::content::Content;
use crosstalk_networks::msnp::wire::{Command, with_payload};
use tokio::io::AsyncWriteExt;

use super::{Session, Write, say};
use crate::Event;

/// One conversation.
pub(super) struct Talk {
    pub(super) write: Option<Write>,
    /// The first of the others, and who was invited later.
    with: Vec<String>,
    /// Whether to call the first when the connection is open.
    calls: bool,
    here: BTreeSet<String>,
    /// Texts to send, each to a person, once that one has joined.
    waiting: Vec<(String, String)>,
    transaction: u32,
}

impl Talk {
    /// One that the client begins.
    pub(super) fn calling(with: String, waiting: Vec<String>) -> Self {
        let waiting = waiting.into_iter().map(|payload| (with.clone(), payload)).collect();
        Self { calls: true, waiting, ..Self::answering(with) }
    }

    /// One that the client was rung for.
    pub(super) fn answering(with: String) -> Self {
        Self {
            write: None,
            with: vec![with],
            calls: false,
            here: BTreeSet::new(),
            waiting: Vec::new(),
            transaction: 1,
        }
    }

    async fn ask(&mut self, verb: &str, rest: &str) -> io::Result<()> {
        self.transaction += 1;
        let Some(write) = &mut self.write else { return Ok(()) };
        say(write, &format!("{verb} {} {rest}", self.transaction)).await
    }

    async fn call_first(&mut self) -> io::Result<()> {
        self.calls = false;
        let first = self.with.first().cloned().unwrap_or_default();
        self.ask("CAL", &first).await
    }

    async fn message(&mut self, payload: &str) -> io::Result<()> {
        self.transaction += 1;
        let Some(write) = &mut self.write else { return Ok(()) };
        let message = with_payload(&format!("MSG {} N", self.transaction), payload);
        write.write_all(message.as_bytes()).await
    }
}

impl Session {
    /// Says something in the conversation with `to`, which is opened if there is none.
    pub(super) async fn say_to(&mut self, to: &str, payload: String) -> io::Result<()> {
        let to = to.to_lowercase();
        if let Some(talk) = self.talks.values_mut().rev().find(|t| t.with.contains(&to)) {
            if talk.here.contains(&to) {
                return talk.message(&payload).await;
            }
            talk.waiting.push((to, payload));
            return Ok(());
        }
        if let Some((_, waiting)) = self.opening.values_mut().find(|(with, _)| *with == to) {
            waiting.push(payload);
            return Ok(());
        }
        let id = self.ask("XFR", "SB").await?;
        self.opening.insert(id, (to, vec![payload]));
        Ok(())
    }

    /// Invites somebody to the last conversation. Returns whether there is one.
    pub(super) async fn invite(&mut self, whom: &str) -> io::Result<bool> {
        let whom = whom.to_lowercase();
        let Some(talk) = self.talks.values_mut().next_back() else { return Ok(false) };
        talk.ask("CAL", &whom).await?;
        talk.with.push(whom);
        Ok(true)
    }

    /// Handles a command from a switchboard.
    pub(super) async fn talked(&mut self, number: u32, command: &Command) -> io::Result<()> {
        let Some(talk) = self.talks.get_mut(&number) else { return Ok(()) };
        match command.verb() {
            // Since MSNP16 clients call themselves first, and nobody before they are there.
            "USR" if talk.calls && self.version >= 16 => talk.ask("CAL", &self.user).await?,
            "USR" if talk.calls => talk.call_first().await?,
            "JOI" if person(command.word(1)) == self.user && talk.calls => {
                talk.call_first().await?;
            }
            "JOI" if person(command.word(1)) == self.user => {}
            "JOI" | "IRO" => {
                let at = if command.verb() == "JOI" { 1 } else { 4 };
                talk.here.insert(person(command.word(at)));
                for (to, payload) in std::mem::take(&mut talk.waiting) {
                    if talk.here.contains(&to) {
                        talk.message(&payload).await?;
                    } else {
                        talk.waiting.push((to, payload));
                    }
                }
            }
            "BYE" => {
                talk.here.remove(&person(command.word(1)));
                if talk.here.is_empty() {
                    self.talks.remove(&number);
                }
            }
            "MSG" => self.said(person(command.word(1)), command.payload()).await,
            "NAK" => {
                let to = talk.with.first().cloned().unwrap_or_default();
                self.tell(Event::Undelivered { to, why: "not delivered".into() }).await;
            }
            error if error.parse::<u16>().is_ok() => {
                if talk.waiting.is_empty() {
                    let to = talk.with.last().cloned().unwrap_or_default();
                    self.tell(Event::Undelivered { to, why: format!("error {error}") }).await;
                }
                self.hang_up(number, &format!("error {error}")).await;
            }
            _ => {}
        }
        Ok(())
    }

    async fn said(&self, from: String, payload: &[u8]) {
        match Content::read(payload) {
            Content::Text(text) => self.hear(&from, text).await,
            Content::Typing => self.tell(Event::Typing { from, typing: Typing::Active }).await,
            Content::Nudge => self.tell(Event::Nudged { by: from }).await,
            _ => {}
        }
    }

    /// Ends a conversation. What was not said yet is not delivered.
    pub(super) async fn hang_up(&mut self, number: u32, why: &str) {
        let waiting = self.talks.remove(&number).map(|talk| talk.waiting).unwrap_or_default();
        for (to, _) in waiting {
            self.tell(Event::Undelivered { to, why: why.into() }).await;
        }
    }
}

/// A name without the client that is put behind it since MSNP16.
fn person(name: &str) -> String {
    name.split(';').next().unwrap_or_default().to_lowercase()
}
