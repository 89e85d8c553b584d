//! One of the cast: a client, and everything that it showed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Address, NameClass, Names, Presence, Typing};
use tokio::time::{Instant, timeout_at};

use crate::xmpp::unescape;
use crate::{Act, Client, Event};

/// Time for which nothing must come until that counts as silence.
pub(super) const SILENCE: Duration = Duration::from_millis(400);

/// Somebody who is signed on.
pub(super) struct Person {
    client: Option<Client>,
    names: Arc<Names>,
    /// Events that wait for a line that expects them: messages, questions and failures.
    pub(super) unheard: VecDeque<Event>,
    presences: BTreeMap<String, Presence>,
    typing: BTreeMap<String, Typing>,
    pub(super) listed: BTreeSet<String>,
    /// Everybody who was ever seen present.
    pub(super) seen: BTreeSet<String>,
    signed_off: bool,
}

/// A name so that spellings that mean the same are equal.
pub(super) fn key(names: &Names, name: &str) -> String {
    match names.classify(&unescape(name)) {
        NameClass::Foreign(address) => address.to_string(),
        NameClass::Own | NameClass::Nowhere => name.to_lowercase().replace(' ', ""),
    }
}

impl Person {
    pub(super) fn new(client: Client, names: Arc<Names>) -> Self {
        Self {
            client: Some(client),
            names,
            unheard: VecDeque::new(),
            presences: BTreeMap::new(),
            typing: BTreeMap::new(),
            listed: BTreeSet::new(),
            seen: BTreeSet::new(),
            signed_off: false,
        }
    }

    /// Waits until `wanted` finds something in what was shown so far.
    pub(super) async fn until<T>(
        &mut self,
        deadline: Instant,
        mut wanted: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<T> {
        loop {
            if let Some(found) = wanted(self) {
                return Some(found);
            }
            let client = self.client.as_mut()?;
            match timeout_at(deadline, client.next_event()).await {
                Ok(Some(event)) => self.note(event),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// Takes in what was shown until `deadline`.
    pub(super) async fn watch(&mut self, deadline: Instant) {
        self.until(deadline, |_| None::<()>).await;
    }

    /// `name` so that spellings that mean the same are equal.
    pub(super) fn key(&self, name: &str) -> String {
        key(&self.names, name)
    }

    pub(super) async fn act(&self, act: Act) {
        if let Some(client) = &self.client {
            client.act(act).await;
        }
    }

    pub(super) fn lose_connection(&mut self) {
        self.client = None;
    }

    /// Whether everything that people said was expected by some line.
    pub(super) fn nothing_unexpected(&self) -> Result<(), String> {
        let unexpected = self.unheard.iter().find_map(|event| match event {
            Event::Said { from, text, .. } if !self.is_control(from) => {
                Some(format!("also heard {:?} from {from}", text.text()))
            }
            Event::Undelivered { to, why } => Some(format!("was told of {to}: {why}")),
            Event::Nudged { by } => Some(format!("was also nudged by {by}")),
            Event::Unable => Some("had no way to do something".into()),
            _ => None,
        });
        unexpected.map_or(Ok(()), Err)
    }

    /// Whether `name` is the control contact's.
    pub(super) fn is_control(&self, name: &str) -> bool {
        self.key(name) == Address::control().to_string()
    }

    /// The presence of the one with this key: offline where none was shown.
    pub(super) fn presence(&self, key: &str) -> Presence {
        self.presences.get(key).cloned().unwrap_or_default()
    }

    pub(super) fn typing(&self, key: &str) -> Typing {
        self.typing.get(key).copied().unwrap_or(Typing::Idle)
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Listed(name) => {
                let name = self.key(&name);
                self.listed.insert(name);
            }
            Event::Unlisted(name) => {
                let name = self.key(&name);
                self.listed.remove(&name);
            }
            Event::Presence { of, presence } => {
                let of = self.key(&of);
                if presence.is_online() {
                    self.seen.insert(of.clone());
                }
                self.presences.insert(of, presence);
            }
            Event::Typing { from, typing } => {
                let from = self.key(&from);
                self.typing.insert(from, typing);
            }
            Event::SignedOff => self.signed_off = true,
            Event::Said { ref from, .. } => {
                // A message ends typing, in every client.
                let from = self.key(from);
                self.typing.remove(&from);
                self.unheard.push_back(event);
            }
            waiting @ (Event::Asked { .. }
            | Event::Undelivered { .. }
            | Event::Nudged { .. }
            | Event::Invited { .. }
            | Event::Unable) => {
                self.unheard.push_back(waiting);
            }
        }
    }

    /// All of it in words, for one who expected something else.
    pub(super) fn story(&self) -> String {
        let mut story = String::new();
        let _ = write!(story, "the list holds {:?}", self.listed);
        for (name, presence) in &self.presences {
            let idle = if presence.idle_since.is_some() { ", idle" } else { "" };
            let (show, text) = (presence.show, presence.text.text());
            let _ = write!(story, "; {name} is {show:?} {text:?}{idle}");
        }
        for event in &self.unheard {
            let _ = match event {
                Event::Said { from, text, .. } => write!(story, "; {from} said {:?}", text.text()),
                Event::Asked { by, .. } => write!(story, "; {by} asked"),
                Event::Nudged { by } => write!(story, "; {by} nudged"),
                Event::Unable => write!(story, "; the client had no way to"),
                Event::Undelivered { to, why } => write!(story, "; {to} was not reached: {why}"),
                _ => Ok(()),
            };
        }
        if self.signed_off {
            story.push_str("; the connection ended");
        }
        story
    }
}
