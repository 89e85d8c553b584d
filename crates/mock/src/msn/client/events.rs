//! Events for the person, from the notification server's commands.

use std::io;

use crosstalk_core::{Availability, Presence, RichText, UnixMillis};
use crosstalk_networks::msnp::wire::Command;

use super::Session;
use super::talks::Talk;
use crate::Event;

impl Session {
    pub(super) async fn notified(&mut self, command: &Command) -> io::Result<()> {
        match command.verb() {
            "ILN" => self.seen(command.word(3), command.word(2)).await,
            "NLN" => self.seen(bare(command.word(2)), command.word(1)).await,
            "FLN" => self.seen(bare(command.word(1)), "FLN").await,
            "UBX" if bare(command.word(1)) != self.user => {
                let payload = String::from_utf8_lossy(command.payload());
                let inside = payload.split_once("<PSM>").and_then(|(_, r)| r.split_once("</PSM>"));
                let text = crosstalk_networks::html::read(inside.map_or("", |(inside, _)| inside));
                let name = bare(command.word(1)).to_lowercase();
                let presence = self.presences.entry(name.clone()).or_default();
                presence.text = text;
                let presence = presence.clone();
                self.tell(Event::Presence { of: name, presence }).await;
            }
            "ADD" | "ADC" => self.added(command).await,
            "ADL" if command.transaction() == 0 => self.listed_back().await?,
            "REM" if command.word(2) == "FL" => {
                if let Some(name) = self.asked.remove(&command.transaction()) {
                    self.tell(Event::Unlisted(name)).await;
                }
            }
            "XFR" => {
                let Some((to, waiting)) = self.opening.remove(&command.transaction()) else {
                    return Ok(());
                };
                let first = format!("USR 1 {} {}", self.seat, command.word(5));
                self.open(command.word(3), first, Talk::calling(to, waiting)).await?;
            }
            "RNG" => {
                let (session, key) = (command.word(1), command.word(4));
                let first = format!("ANS 1 {} {key} {session}", self.seat);
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
        if let Some(guid) = command.words().find_map(|w| w.strip_prefix("C=")) {
            self.guids.insert(name.to_lowercase(), guid.to_owned());
        }
        self.tell(Event::Listed(name)).await;
    }

    async fn seen(&mut self, name: &str, status: &str) {
        let name = name.to_lowercase();
        let show = match status {
            "FLN" => Availability::Offline,
            "BSY" | "PHN" => Availability::Busy,
            "AWY" | "BRB" | "LUN" => Availability::Away,
            _ => Availability::Available,
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

/// A name without the network that is put in front of it since MSNP18.
fn bare(name: &str) -> &str {
    name.strip_prefix("1:").unwrap_or(name)
}
