//! Acts and events of a scripted client, whatever its network.

use std::time::Duration;

use crosstalk_core::{Presence, Redacted, RichText, Typing};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// The most acts or events that wait between a client and its driver.
const QUEUE: usize = 1024;

/// A user of a base server.
#[derive(Clone, Debug)]
pub struct Account {
    /// The name to sign on with, spelled as the user spells it.
    pub name: String,
    /// The password.
    pub password: Redacted<String>,
}

impl Account {
    /// An account.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self { name: name.into(), password: Redacted::new(password.into()) }
    }

    /// The version of the protocol that the user's client speaks, where the name ends with its
    /// number, as in `ann9`.
    pub(crate) fn version(&self) -> Option<u32> {
        let name = self.name.split('@').next().unwrap_or_default();
        name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().ok()
    }
}

/// Something a person does. Names are spelled as the client's network accepts them.
#[derive(Clone, Debug)]
pub enum Act {
    /// Puts a name on the buddy list and asks for its presence.
    Add(String),
    /// Takes a name off the buddy list.
    Remove(String),
    /// Answers yes to one who asked to see the person's presence.
    Accept(String),
    /// Answers no.
    Deny(String),
    /// Blocks a name.
    Block(String),
    /// Unblocks a name.
    Unblock(String),
    /// Sends a message.
    Say {
        /// Receiver.
        to: String,
        /// Text.
        text: RichText,
    },
    /// Shows a typing state.
    Type {
        /// Receiver.
        to: String,
        /// Which.
        typing: Typing,
    },
    /// Calls for attention: a nudge, a buzz.
    Nudge(String),
    /// Invites somebody of their own network to a conference.
    Invite(String),
    /// Goes away with a text.
    Away(String),
    /// Is back, neither away nor idle.
    Back,
    /// Has not touched the client for so long.
    Idle(Duration),
    /// Becomes invisible, or visible again.
    Invisible(bool),
    /// Signs off as the protocol wants it.
    SignOff,
}

/// Recipient and text of an answer to the control contact, yes or no, whatever the gateway's suffix
/// is. For clients that have no dialogue.
pub(crate) fn answer_by_word(name: &str, yes: bool) -> (String, String) {
    let suffix = name.rsplit_once('.').map_or("xt", |(_, suffix)| suffix);
    let word = if yes { "/accept" } else { "/deny" };
    (format!("crosstalk@gateway.{suffix}"), format!("{word} {name}"))
}

/// Something a person sees. Names are spelled as the client shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A name stands in the buddy list.
    Listed(String),
    /// A name no longer stands there.
    Unlisted(String),
    /// A buddy's presence.
    Presence {
        /// Person whose text it is.
        of: String,
        /// The whole of it.
        presence: Presence,
    },
    /// A message.
    Said {
        /// By whom.
        from: String,
        /// Text.
        text: RichText,
        /// Written by the sender's client on its own.
        auto: bool,
    },
    /// A buddy's typing state.
    Typing {
        /// Person whose message it is.
        from: String,
        /// Which.
        typing: Typing,
    },
    /// Somebody calls for attention.
    Nudged {
        /// Person who did it.
        by: String,
    },
    /// Somebody invites to a conference.
    Invited {
        /// Person who did it.
        by: String,
    },
    /// Somebody asks to see the person's presence.
    Asked {
        /// Person who did it.
        by: String,
        /// In these words.
        text: RichText,
    },
    /// A message was not delivered.
    Undelivered {
        /// Person it was sent to.
        to: String,
        /// The reason, as the protocol words it.
        why: String,
    },
    /// The client has no way to do what it was told.
    Unable,
    /// The connection ended.
    SignedOff,
}

/// Reason why a client is not signed on.
#[derive(Debug, thiserror::Error)]
pub enum SignOnError {
    /// The way to the server broke.
    #[error("the connection broke: {0}")]
    Connection(#[from] std::io::Error),
    /// The server said no.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The other end does not speak the protocol.
    #[error("not understood: {0}")]
    Protocol(&'static str),
}

/// A scripted client that is signed on. Dropping it cuts its connection.
#[derive(Debug)]
pub struct Client {
    acts: mpsc::Sender<Act>,
    events: mpsc::Receiver<Event>,
}

/// The other end of a [`Client`]: what a network's connection task holds.
pub(crate) struct Driver {
    pub(crate) acts: mpsc::Receiver<Act>,
    pub(crate) events: mpsc::Sender<Event>,
}

impl Client {
    pub(crate) fn new() -> (Self, Driver) {
        let (acts, acts_out) = mpsc::channel(QUEUE);
        let (events_in, events) = mpsc::channel(QUEUE);
        (Self { acts, events }, Driver { acts: acts_out, events: events_in })
    }

    /// Performs an act. Nothing happens once the client is signed off.
    pub async fn act(&self, act: Act) {
        let _ = self.acts.send(act).await;
    }

    /// Says `text` to `to`.
    pub async fn say(&self, to: &str, text: impl Into<RichText>) {
        self.act(Act::Say { to: to.into(), text: text.into() }).await;
    }

    /// The next thing the person sees; `None` after [`Event::SignedOff`].
    pub async fn next_event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Skips events until `wanted` finds something in one, or `within` has passed.
    pub async fn expect<T>(
        &mut self,
        within: Duration,
        mut wanted: impl FnMut(&Event) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + within;
        while let Ok(Some(event)) = timeout_at(deadline, self.next_event()).await {
            if let Some(found) = wanted(&event) {
                return Some(found);
            }
        }
        None
    }
}
