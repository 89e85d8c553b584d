//! Conversations, each at a switchboard.

use std::sync::Arc;

use msnp11_sdk::{Client, Event, PlainText, Switchboard};
use serde_json::json;
use tokio::sync::watch;

use crate::events::Known;
use crate::{Outcome, emit, said};

/// One conversation.
pub(crate) struct Talk {
    board: Arc<Switchboard>,
    /// Whether anybody else is there.
    joined: watch::Sender<bool>,
}

impl Talk {
    /// Listens at `board`.
    pub(crate) fn begin(known: &Arc<Known>, board: Arc<Switchboard>) -> Arc<Self> {
        let talk = Arc::new(Self { board, joined: watch::Sender::new(false) });
        let (known, listener) = (Arc::clone(known), Arc::clone(&talk));
        talk.board.add_event_handler_closure(move |event| {
            listener.shows(&known, event);
            std::future::ready(())
        });
        talk
    }

    fn shows(self: &Arc<Self>, known: &Known, event: Event) {
        match event {
            Event::ParticipantInSwitchboard { email } => {
                known.notes().talks.insert(email, Arc::clone(self));
                known.joined.notify_one();
                self.joined.send_replace(true);
            }
            Event::ParticipantLeftSwitchboard { email } => {
                known.notes().talks.remove(&email);
                emit(&json!({ "event": "left", "name": email }));
            }
            Event::Disconnected => {
                known.notes().talks.retain(|_, talk| !Arc::ptr_eq(talk, self));
            }
            Event::TextMessage { email, message } => {
                let bold = if message.bold { "<b>" } else { "" };
                let text = message.text;
                emit(&json!({ "event": "im", "name": email, "text": text, "html": bold }));
            }
            Event::TypingNotification { email } => {
                emit(&json!({ "event": "typing", "name": email, "state": "typing" }));
            }
            Event::Nudge { email } => emit(&json!({ "event": "nudge", "name": email })),
            _ => {}
        }
    }
}

impl Known {
    /// The conversation with `name`, who has joined it; begun if there is none.
    async fn talk(self: &Arc<Self>, client: &Client, name: &str) -> Result<Arc<Talk>, String> {
        let open = self.notes().talks.get(name).cloned();
        if let Some(talk) = open {
            return Ok(talk);
        }
        let board = client.create_session(name).await.map_err(said)?;
        let talk = Talk::begin(self, Arc::new(board));
        talk.joined.subscribe().wait_for(|joined| *joined).await.map_err(said)?;
        Ok(talk)
    }

    pub(crate) async fn say(self: &Arc<Self>, client: &Client, name: &str, text: &str) -> Outcome {
        let (bold, text) = match text.strip_prefix("<b>").and_then(|t| t.strip_suffix("</b>")) {
            Some(text) => (true, text),
            None => (false, text),
        };
        let message = PlainText {
            bold,
            italic: false,
            underline: false,
            strikethrough: false,
            color: "0".into(),
            text: text.into(),
        };
        let talk = self.talk(client, name).await?;
        talk.board.send_text_message(&message).await.map_err(said)?;
        emit(&json!({ "event": "sent", "name": name }));
        Ok(())
    }

    pub(crate) async fn types(self: &Arc<Self>, client: &Client, name: &str, me: &str) -> Outcome {
        self.talk(client, name).await?.board.send_typing_user(me).await.map_err(said)
    }

    pub(crate) async fn nudge(self: &Arc<Self>, client: &Client, name: &str) -> Outcome {
        self.talk(client, name).await?.board.send_nudge().await.map_err(said)
    }

    /// Invites somebody to the conversation with `name`.
    pub(crate) async fn invite(&self, name: &str, whom: &str) -> Outcome {
        let talk = self.notes().talks.get(name).cloned().ok_or("no such conversation")?;
        talk.board.invite(whom).await.map_err(said)?;
        while !self.notes().talks.get(whom).is_some_and(|other| Arc::ptr_eq(other, &talk)) {
            self.joined.notified().await;
        }
        emit(&json!({ "event": "joined", "name": whom }));
        Ok(())
    }

    /// Closes the window of a conversation.
    pub(crate) async fn leave(&self, name: &str) -> Outcome {
        let talk = self.notes().talks.remove(name).ok_or("no such conversation")?;
        talk.board.disconnect().await.map_err(said)
    }
}
