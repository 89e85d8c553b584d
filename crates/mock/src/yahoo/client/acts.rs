//! The person's acts, as packets.

use std::io;

use crosstalk_core::{RichText, Typing};
use crosstalk_networks::ymsg::messages::pieces;
use crosstalk_networks::ymsg::wire::service;

use super::Session;
use crate::Act;
use crate::client::answer_by_word;
use crate::yahoo::packet::{Packet, SEND};
use crate::yahoo::{BUZZ, markup};

/// The group that new buddies go to.
const GROUP: &str = "Friends";
/// The status of typing.
const NOTIFY: u32 = 0x16;

impl Session {
    pub(super) async fn act(&mut self, act: Act) -> io::Result<()> {
        match act {
            Act::Add(name) => self.add(&name).await,
            Act::Remove(name) => self.remove(&name).await,
            Act::Accept(name) => self.answer(&name, true).await,
            Act::Deny(name) => self.answer(&name, false).await,
            Act::Block(name) => self.ignore(&name, "1").await,
            Act::Unblock(name) => self.ignore(&name, "2").await,
            Act::Say { to, text } => self.say(&to, &text).await,
            Act::Type { to, typing } => self.show_typing(&to, typing).await,
            Act::Nudge(to) => self.send(&to, BUZZ).await,
            Act::Invite(name) => self.invite(&name).await,
            Act::Away(text) => self.status(&[(10, "99"), (97, "1"), (19, &text), (47, "1")]).await,
            Act::Back => self.status(&[(10, "0"), (19, "")]).await,
            Act::Idle(_) => self.status(&[(10, "999"), (47, "2")]).await,
            Act::Invisible(invisible) => self.hide(invisible).await,
            Act::SignOff => Ok(()),
        }
    }

    /// Sends the packets of a client that has just got its list.
    pub(super) async fn begin(&mut self) -> io::Result<()> {
        if self.version() > 9 {
            self.status(&[(10, "0"), (19, "")]).await?;
            self.out.send(Packet::new(service::KEEP_ALIVE, 0).with(0, self.user.as_str())).await?;
        }
        Ok(())
    }

    pub(super) async fn sign_off(&mut self) -> io::Result<()> {
        self.out.send(Packet::new(service::LOGOFF, 0)).await
    }

    fn packet(&self, service: u16) -> Packet {
        Packet::new(service, 0).with(1, self.user.as_str())
    }

    async fn add(&mut self, name: &str) -> io::Result<()> {
        let packet = if self.version() > 9 {
            let head =
                Packet::new(service::ADD_BUDDY, 0).with(14, "").with(65, GROUP).with(97, "1");
            let head = head.with(1, self.user.as_str()).with(302, "319").with(300, "319");
            let packet = head.with(7, name).with(334, "0");
            packet.with(301, "319").with(303, "319")
        } else {
            self.packet(service::ADD_BUDDY).with(7, name).with(65, GROUP)
        };
        self.out.send(packet).await
    }

    async fn remove(&mut self, name: &str) -> io::Result<()> {
        let group = self.groups.get(&name.to_lowercase()).map_or(GROUP, String::as_str);
        let packet = self.packet(service::REMOVE_BUDDY).with(7, name).with(65, group);
        self.out.send(packet).await
    }

    /// Answers one who asked. Before YMSG10 there is no yes: whoever does not
    /// say no to somebody of Yahoo has agreed.
    async fn answer(&mut self, name: &str, yes: bool) -> io::Result<()> {
        let packet = match (self.version(), yes) {
            (..10, true) if name.contains('@') => {
                let (control, word) = answer_by_word(name, yes);
                return self.say(&control, &word.into()).await;
            }
            (..10, true) => return Ok(()),
            (..10, false) => self.packet(service::REJECT_CONTACT).with(7, name).with(14, "no"),
            (_, true) => self.packet(service::AUTHORISE).with(5, name).with(13, "1").with(334, "0"),
            (_, false) => {
                let packet = self.packet(service::AUTHORISE).with(5, name).with(13, "2");
                packet.with(334, "0").with(97, "1").with(14, "no")
            }
        };
        self.out.send(packet).await
    }

    async fn ignore(&mut self, name: &str, what: &str) -> io::Result<()> {
        let packet = self.packet(service::IGNORE_CONTACT).with(7, name).with(13, what);
        self.out.send(packet).await
    }

    /// Says a text, in as many messages as it needs.
    async fn say(&mut self, to: &str, text: &RichText) -> io::Result<()> {
        let written = markup::write(text);
        let mut rest = written.as_str();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(room(rest));
            rest = after;
            self.send(to, piece).await?;
        }
        Ok(())
    }

    async fn send(&mut self, to: &str, text: &str) -> io::Result<()> {
        let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        let packet = Packet { status: SEND, ..self.packet(service::MESSAGE).with(5, to) };
        // The oldest clients write what they can in their own character set, and do not say so.
        let packet = match latin.filter(|_| self.version() < 10) {
            Some(latin) => packet.with(14, latin),
            None => packet.with(97, "1").with(14, text),
        };
        self.out.send(packet.with(63, ";0").with(64, "0").with(1002, "1").with(206, "0")).await
    }

    async fn show_typing(&mut self, to: &str, typing: Typing) -> io::Result<()> {
        let on = if typing == Typing::Active { "1" } else { "0" };
        let packet = Packet::new(service::NOTIFY, NOTIFY).with(49, "TYPING");
        let packet = packet.with(1, self.user.as_str()).with(14, " ").with(13, on);
        self.out.send(packet.with(5, to).with(1002, "1")).await
    }

    async fn invite(&mut self, name: &str) -> io::Result<()> {
        let me = self.user.as_str();
        let packet =
            self.packet(service::CONFERENCE_INVITE).with(50, me).with(57, format!("{me}-1"));
        let packet = packet.with(58, "Join my conference").with(97, "1").with(52, name);
        self.out.send(packet.with(13, "0")).await
    }

    async fn status(&mut self, pairs: &[(u32, &str)]) -> io::Result<()> {
        let available = pairs.contains(&(10, "0"));
        let service = match self.version() {
            10.. => service::STATUS_UPDATE,
            _ if available => service::IS_BACK,
            _ => service::IS_AWAY,
        };
        let pair = |packet: Packet, pair: &(u32, &str)| packet.with(pair.0, pair.1);
        let mut packet = pairs.iter().fold(Packet::new(service, 0), pair);
        if available && self.version() >= 15 {
            packet = packet.with(47, "0");
        }
        self.out.send(packet).await
    }

    async fn hide(&mut self, invisible: bool) -> io::Result<()> {
        match (self.version(), invisible) {
            (..10, true) => self.status(&[(10, "12")]).await,
            (..10, false) => self.status(&[(10, "0")]).await,
            (_, true) => self.out.send(Packet::new(service::VISIBLE_TOGGLE, 0).with(13, "2")).await,
            (_, false) => {
                self.status(&[(10, "0"), (19, "")]).await?;
                self.out.send(Packet::new(service::VISIBLE_TOGGLE, 0).with(13, "1")).await
            }
        }
    }
}

/// Length of the front of `text` that fits into one message, in bytes.
fn room(text: &str) -> usize {
    let end = text.char_indices().nth(pieces::MAX_CHARS).map_or(text.len(), |(at, _)| at);
    text.floor_char_boundary(end.min(pieces::MAX_BYTES))
}
