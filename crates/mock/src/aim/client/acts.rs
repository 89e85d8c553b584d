//! The person's acts, as SNACs.

use std::io;

use bytes::Bytes;
use crosstalk_core::{RichText, Typing};
use crosstalk_networks::html;
use crosstalk_networks::oscar::wire::message::{self, Head};
use crosstalk_networks::oscar::wire::{Channel, Snac, Writer, user};

use super::Session;
use crate::aim::plain;
use crate::client::answer_by_word;
use crate::{Act, Event};

/// The most messages remembered in case the server says that one was not delivered.
const REMEMBERED: usize = 256;

impl Session {
    /// Performs an act. Returns whether the client stays signed on.
    pub(super) async fn act(&mut self, act: Act) -> io::Result<bool> {
        match act {
            Act::Add(name) => {
                let edits = self.buddies.add(&name);
                self.edit(edits).await?;
            }
            Act::Remove(name) => {
                let edits = self.buddies.remove(&name);
                self.edit(edits).await?;
            }
            Act::Block(name) => {
                let edits = self.buddies.deny(&name, true);
                self.edit(edits).await?;
            }
            Act::Unblock(name) => {
                let edits = self.buddies.deny(&name, false);
                self.edit(edits).await?;
            }
            Act::Accept(name) => self.answer(&name, true).await?,
            Act::Deny(name) => self.answer(&name, false).await?,
            Act::Say { to, text } => self.say(&to, &text).await?,
            Act::Type { to, typing } => self.show_typing(&to, typing).await?,
            Act::Nudge(_) | Act::Invite(_) => self.tell(Event::Unable).await,
            Act::Away(text) => self.away(&text).await?,
            Act::Back => {
                self.away("").await?;
                self.idle(0).await?;
            }
            Act::Idle(time) => {
                self.idle(u32::try_from(time.as_secs()).unwrap_or(u32::MAX)).await?;
            }
            Act::Invisible(invisible) => self.status(if invisible { 0x0100 } else { 0 }).await?,
            Act::SignOff => {
                self.outgoing.frame(Channel::SignOff, &[]).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Queues edits of the stored list.
    async fn edit(&mut self, edits: Vec<Snac>) -> io::Result<()> {
        self.edits.extend(edits);
        self.send_edits().await
    }

    /// Sends queued edits up to the first that is to be acknowledged.
    pub(super) async fn send_edits(&mut self) -> io::Result<()> {
        while self.editing.is_none()
            && let Some(edit) = self.edits.pop_front()
        {
            self.send(edit.family, edit.subtype, edit.body.clone()).await?;
            self.editing = Some(edit).filter(|edit| matches!(edit.subtype, 0x08..=0x0a));
        }
        Ok(())
    }

    /// Answers one who asked: in kind, or through the control contact.
    async fn answer(&mut self, name: &str, yes: bool) -> io::Result<()> {
        let asker =
            self.askers.iter().position(|a| plain(a.shown.as_bytes()) == plain(name.as_bytes()));
        if let Some(position) = asker {
            let asker = self.askers.remove(position);
            let body = Writer::new().short(asker.answer_to).u8(yes.into()).long("").u16(0).bytes();
            self.send(0x13, 0x1a, body).await?;
            return Ok(());
        }
        let (control, word) = answer_by_word(name, yes);
        self.say(&control, &word.into()).await
    }

    async fn say(&mut self, to: &str, text: &RichText) -> io::Result<()> {
        let name = plain(to.as_bytes());
        let head = Head { cookie: cookie(), channel: 1, name: name.as_bytes() };
        let body = head
            .write(Writer::new())
            .tlv(message::TEXT, message::encode(&html::aim(text)))
            .tlv(message::ACK, [])
            .bytes();
        let request = self.send(0x04, 0x06, body).await?;
        if self.sent.len() == REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back((request, to.to_owned()));
        Ok(())
    }

    async fn show_typing(&mut self, to: &str, typing: Typing) -> io::Result<()> {
        let code = match typing {
            Typing::Idle => 0,
            Typing::Paused => 1,
            Typing::Active => 2,
        };
        let name = plain(to.as_bytes());
        let head = Head { cookie: [0; 8], channel: 1, name: name.as_bytes() };
        self.send(0x04, 0x14, head.write(Writer::new()).u16(code).bytes()).await?;
        Ok(())
    }

    /// An empty text means back.
    async fn away(&mut self, text: &str) -> io::Result<()> {
        let body = if text.is_empty() {
            Writer::new().tlv(0x04, []).bytes()
        } else {
            let (kind, text) = message::encode_mime(&html::aim(&RichText::plain(text)));
            Writer::new().tlv(0x03, kind).tlv(0x04, text).bytes()
        };
        self.send(0x02, 0x04, body).await?;
        Ok(())
    }

    async fn idle(&mut self, seconds: u32) -> io::Result<()> {
        self.send(0x01, 0x11, Writer::new().u32(seconds).bytes()).await?;
        Ok(())
    }

    async fn status(&mut self, bits: u32) -> io::Result<()> {
        let body: Bytes = Writer::new().tlv(user::STATUS, bits.to_be_bytes()).bytes();
        self.send(0x01, 0x1e, body).await?;
        Ok(())
    }
}

/// Names a message to both ends: digits, as libpurple chooses them.
fn cookie() -> [u8; 8] {
    std::array::from_fn(|_| fastrand::u8(b'0'..=b'9'))
}
