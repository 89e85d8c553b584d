//! The person's acts, as requests to the address book.

use std::io;

use crosstalk_core::Typing;
use crosstalk_networks::msnp::content;
use tokio::io::AsyncWriteExt;

use super::Session;
use crate::{Act, Event};

impl Session {
    pub(super) async fn act(&mut self, act: Act) -> io::Result<()> {
        match act {
            Act::Add(name) => self.add("FL", &name).await,
            Act::Remove(name) => self.remove("FL", &name).await,
            Act::Accept(name) if self.version >= 13 => self.answer(&name, true).await,
            Act::Deny(name) if self.version >= 13 => self.answer(&name, false).await,
            Act::Block(name) if self.version >= 13 => self.judge(&name, false).await,
            Act::Unblock(name) if self.version >= 13 => self.judge(&name, true).await,
            Act::Accept(name) => self.add("AL", &name).await,
            Act::Deny(name) => self.add("BL", &name).await,
            Act::Block(name) => {
                self.remove("AL", &name).await?;
                self.add("BL", &name).await
            }
            Act::Unblock(name) => {
                self.remove("BL", &name).await?;
                self.add("AL", &name).await
            }
            Act::Say { to, text } => {
                for payload in content::texts(&text) {
                    self.say_to(&to, payload).await?;
                }
                Ok(())
            }
            Act::Type { to, typing: Typing::Active } => {
                let payload = content::typing(&self.user);
                self.say_to(&to, payload).await
            }
            Act::Nudge(to) => self.say_to(&to, content::nudge()).await,
            Act::Invite(name) => {
                if !self.invite(&name).await? {
                    self.tell(Event::Unable).await;
                }
                Ok(())
            }
            Act::Away(text) => self.status("AWY", text).await,
            Act::Back | Act::Invisible(false) => self.status("NLN", String::new()).await,
            Act::Idle(_) => self.status("IDL", String::new()).await,
            Act::Invisible(true) => self.status("HDN", String::new()).await,
            Act::Type { .. } | Act::SignOff => Ok(()),
        }
    }

    async fn status(&mut self, status: &str, text: String) -> io::Result<()> {
        self.change(status).await?;
        if self.version < 11 || self.away == text {
            return Ok(());
        }
        let shown = crosstalk_networks::html::escape(&text);
        let data = format!("<Data><PSM>{shown}</PSM><CurrentMedia></CurrentMedia></Data>");
        self.ask("UUX", &data.len().to_string()).await?;
        self.write.write_all(data.as_bytes()).await?;
        self.away = text;
        Ok(())
    }

    /// CHG: another status.
    pub(super) async fn change(&mut self, status: &str) -> io::Result<()> {
        let more = match self.version {
            ..8 => "",
            8..16 => " 0",
            16.. => " 2416181284:00 0",
        };
        self.ask("CHG", &format!("{status}{more}")).await.map(drop)
    }

    async fn add(&mut self, list: &str, name: &str) -> io::Result<()> {
        let id = match (self.version, list) {
            (13.., _) => return self.add_to_book(name).await,
            (..7, "FL") => self.ask("ADD", &format!("FL {name} {name}")).await?,
            (..10, "FL") => self.ask("ADD", &format!("FL {name} {name} 0")).await?,
            (..10, _) => self.ask("ADD", &format!("{list} {name} {name}")).await?,
            (_, "FL") => self.ask("ADC", &format!("FL N={name} F={name}")).await?,
            _ => self.ask("ADC", &format!("{list} N={name}")).await?,
        };
        self.asked.insert(id, name.to_owned());
        Ok(())
    }

    async fn remove(&mut self, list: &str, name: &str) -> io::Result<()> {
        if self.version >= 13 {
            return self.remove_from_book(name).await;
        }
        let guid = self.guids.get(&name.to_lowercase()).filter(|_| list == "FL");
        let who = guid.cloned().unwrap_or_else(|| name.to_owned());
        let id = self.ask("REM", &format!("{list} {who}")).await?;
        self.asked.insert(id, name.to_owned());
        Ok(())
    }
}
