//! The person's acts, as stanzas.

use std::io;
use std::time::{Duration, SystemTime};

use crosstalk_core::{Availability, Presence, RichText, Typing, UnixMillis};
use crosstalk_networks::xmpp::messages;
use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;

use super::Session;
use crate::{Act, Event};

impl Session {
    /// Performs an act. Returns whether the client stays signed on.
    pub(super) async fn act(&mut self, act: Act) -> io::Result<bool> {
        match act {
            Act::Add(name) => {
                self.edit_roster(&name, None).await?;
                self.subscription(&name, "subscribe").await?;
            }
            Act::Remove(name) => self.edit_roster(&name, Some("remove")).await?,
            Act::Accept(name) => self.subscription(&name, "subscribed").await?,
            Act::Deny(name) => self.subscription(&name, "unsubscribed").await?,
            Act::Block(name) => self.block("block", &name).await?,
            Act::Unblock(name) => self.block("unblock", &name).await?,
            Act::Say { to, text } => self.say(&to, &text).await?,
            Act::Type { to, typing } => self.show_typing(&to, typing).await?,
            Act::Nudge(to) => {
                let nudge = self.chat(&to).child(Element::new("attention", ns::ATTENTION));
                self.link.send(&nudge).await?;
            }
            Act::Invite(_) => self.tell(Event::Unable).await,
            Act::Away(text) => {
                self.presence.show = Availability::Away;
                self.presence.text = RichText::plain(text);
                self.show().await?;
            }
            Act::Back => {
                self.presence = Presence::available();
                self.show().await?;
            }
            Act::Idle(time) => {
                let now = UnixMillis::from(SystemTime::now());
                self.presence.idle_since = Some(now.minus(time)).filter(|_| !time.is_zero());
                self.show().await?;
            }
            Act::Invisible(true) => self.unavailable().await?,
            Act::Invisible(false) => self.show().await?,
            Act::SignOff => {
                self.unavailable().await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn edit_roster(&mut self, name: &str, subscription: Option<&str>) -> io::Result<()> {
        let item = Element::new("item", ns::ROSTER)
            .with("jid", name)
            .with_some("subscription", subscription);
        self.ask("set", Element::new("query", ns::ROSTER).child(item)).await?;
        Ok(())
    }

    async fn subscription(&mut self, name: &str, step: &str) -> io::Result<()> {
        let stanza = Element::new("presence", ns::CLIENT).with("to", name).with("type", step);
        self.link.send(&stanza).await
    }

    async fn block(&mut self, what: &str, name: &str) -> io::Result<()> {
        let item = Element::new("item", ns::BLOCKING).with("jid", name);
        self.ask("set", Element::new(what, ns::BLOCKING).child(item)).await?;
        Ok(())
    }

    async fn say(&mut self, to: &str, text: &RichText) -> io::Result<()> {
        let message = messages::with_text(self.chat(to), text)
            .child(Element::new("active", ns::CHAT_STATES))
            .child(Element::new("request", ns::RECEIPTS));
        self.link.send(&message).await
    }

    async fn show_typing(&mut self, to: &str, typing: Typing) -> io::Result<()> {
        let state = match typing {
            Typing::Active => "composing",
            Typing::Paused => "paused",
            Typing::Idle => "active",
        };
        let message = self.chat(to).child(Element::new(state, ns::CHAT_STATES));
        self.link.send(&message).await
    }

    fn chat(&mut self, to: &str) -> Element {
        let id = self.fresh_id();
        Element::new("message", ns::CLIENT).with("type", "chat").with("id", id).with("to", to)
    }

    /// Shows its presence.
    pub(super) async fn show(&mut self) -> io::Result<()> {
        let mut stanza = Element::new("presence", ns::CLIENT);
        if self.presence.show == Availability::Away {
            stanza.push(Element::new("show", ns::CLIENT).say("away"));
        }
        if !self.presence.text.is_empty() {
            stanza.push(Element::new("status", ns::CLIENT).say(self.presence.text.text()));
        }
        if let Some(since) = self.presence.idle_since {
            let since = SystemTime::UNIX_EPOCH + Duration::from_millis(since.0);
            let since = humantime::format_rfc3339_seconds(since).to_string();
            stanza.push(Element::new("idle", ns::IDLE).with("since", since));
        }
        self.link.send(&stanza).await
    }

    async fn unavailable(&mut self) -> io::Result<()> {
        self.link.send(&Element::new("presence", ns::CLIENT).with("type", "unavailable")).await
    }
}
