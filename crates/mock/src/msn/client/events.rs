//! What the notification server says, in events.

use std::io;

use crosstalk_core::{Presence, RichText, Show, UnixMillis};
use crosstalk_networks::msnp::wire::Command;

use super::talks::Talk;
use super::{Read, Session};
use crate::{Event, SignOnError};

impl Session {
    /// Reads as many groups and contacts as `syn` promises.
    pub(super) async fn read_list(
        &mut self,
        read: &mut Read,
        syn: &Command,
    ) -> Result<(), SignOnError> {
        let first = if self.version >= 10 { 4 } else { 3 };
        let count = |at: usize| syn.word(at).parse::<usize>();
        let (Ok(mut contacts), Ok(mut groups)) = (count(first), count(first + 1)) else {
            return Err(SignOnError::Protocol("a list without counts"));
        };
        while contacts + groups > 0 {
            let command = read.next().await?;
            let command = command.ok_or(SignOnError::Protocol("the list is cut short"))?;
            let left = match command.verb() {
                "LSG" => &mut groups,
                "LST" => {
                    self.listed(&command).await;
                    &mut contacts
                }
                _ => continue,
            };
            *left = left.checked_sub(1).ok_or(SignOnError::Protocol("more than was promised"))?;
        }
        Ok(())
    }

    /// LST: a contact and the lists that hold it.
    async fn listed(&mut self, command: &Command) {
        let name = command.word(1).trim_start_matches("N=").to_lowercase();
        let guid = command.words().iter().find_map(|w| w.strip_prefix("C="));
        if let Some(guid) = guid {
            self.guids.insert(name.clone(), guid.to_owned());
        }
        let lists = command.word(if guid.is_some() { 4 } else { 3 }).parse::<u8>().unwrap_or(0);
        if lists & 1 != 0 {
            self.tell(Event::Listed(name.clone())).await;
        }
        if lists & 8 != 0 && lists & 6 == 0 {
            self.tell(Event::Asked { by: name, text: RichText::default() }).await;
        }
    }

    pub(super) async fn notified(&mut self, command: &Command) -> io::Result<()> {
        match command.verb() {
            "ILN" => self.seen(command.word(3), command.word(2)).await,
            "NLN" => self.seen(command.word(2), command.word(1)).await,
            "FLN" => self.seen(command.word(1), "FLN").await,
            "UBX" => {
                let payload = String::from_utf8_lossy(command.payload());
                let inside = payload.split_once("<PSM>").and_then(|(_, r)| r.split_once("</PSM>"));
                let text = crosstalk_networks::html::read(inside.map_or("", |(inside, _)| inside));
                let name = command.word(1).to_lowercase();
                let presence = self.presences.entry(name.clone()).or_default();
                presence.text = text;
                let presence = presence.clone();
                self.tell(Event::Presence { of: name, presence }).await;
            }
            "ADD" | "ADC" => self.added(command).await,
            "REM" if command.word(2) == "FL" => {
                if let Some(name) = self.asked.remove(&command.transaction()) {
                    self.tell(Event::Unlisted(name)).await;
                }
            }
            "XFR" => {
                let Some((to, waiting)) = self.opening.remove(&command.transaction()) else {
                    return Ok(());
                };
                let first = format!("USR 1 {} {}", self.user, command.word(5));
                self.open(command.word(3), first, Talk::calling(to, waiting)).await?;
            }
            "RNG" => {
                let (session, key) = (command.word(1), command.word(4));
                let first = format!("ANS 1 {} {key} {session}", self.user);
                let who = command.word(5).to_lowercase();
                self.open(command.word(2), first, Talk::answering(who)).await?;
            }
            _ => {}
        }
        Ok(())
    }

    async fn added(&mut self, command: &Command) {
        let (id, list) = (command.transaction(), command.word(2));
        if id == 0 && list == "RL" {
            let at = if command.verb() == "ADD" { 4 } else { 3 };
            let by = command.word(at).trim_start_matches("N=").to_lowercase();
            return self.tell(Event::Asked { by, text: RichText::default() }).await;
        }
        let Some(name) = self.asked.remove(&id).filter(|_| list == "FL") else { return };
        if let Some(guid) = command.words().iter().find_map(|w| w.strip_prefix("C=")) {
            self.guids.insert(name.to_lowercase(), guid.to_owned());
        }
        self.tell(Event::Listed(name)).await;
    }

    async fn seen(&mut self, name: &str, status: &str) {
        let name = name.to_lowercase();
        let show = match status {
            "FLN" => Show::Offline,
            "BSY" | "PHN" => Show::Busy,
            "AWY" | "BRB" | "LUN" => Show::Away,
            _ => Show::Available,
        };
        let idle_since = (status == "IDL").then_some(UnixMillis(1));
        let before = self.presences.remove(&name).unwrap_or_default();
        let presence = Presence { show, idle_since, ..before };
        if presence.is_online() {
            self.presences.insert(name.clone(), presence.clone());
        }
        self.tell(Event::Presence { of: name, presence }).await;
    }
}
