//! Events for the person, from the server's packets.

use std::io;
use std::time::{Duration, SystemTime};

use crosstalk_core::{Availability, Presence, RichText, Typing, UnixMillis};
use crosstalk_networks::ymsg::messages::pieces;
use crosstalk_networks::ymsg::wire::service;

use super::Session;
use crate::Event;
use crate::yahoo::packet::{Packet, read};
use crate::yahoo::{BUZZ, markup};

/// The status of a message that was stored until now.
const STORED: u32 = 5;
/// Phrases of the control contact about a message that was not delivered, or may not have been.
const UNDELIVERED: (&str, [&str; 2]) =
    ("A message to ", [" was not delivered: ", " may not have arrived: "]);

impl Session {
    pub(super) async fn take(&mut self, packet: &Packet) -> io::Result<()> {
        match packet.service {
            service::LIST => self.list(packet).await,
            service::LIST_15 => self.list_15(packet).await,
            service::NEW_CONTACT if packet.status == 3 => self.asked(&packet.text(3), packet).await,
            service::NEW_CONTACT
            | service::LOGON
            | service::LOGOFF
            | service::IS_AWAY
            | service::IS_BACK
            | service::STATUS_UPDATE
            | service::STATUS_15 => self.presences(packet).await,
            service::AUTHORISE if packet.status == 3 => self.asked(&packet.text(4), packet).await,
            service::ADD_BUDDY if packet.status == 1 => self.added(packet).await,
            service::REMOVE_BUDDY if packet.status == 1 => self.removed(packet).await,
            service::MESSAGE => return self.message(packet).await,
            service::NOTIFY => self.typing(packet).await,
            service::CONFERENCE_INVITE => {
                let by = packet.text(50).to_lowercase();
                self.tell(Event::Invited { by }).await;
            }
            _ => {}
        }
        Ok(())
    }

    /// `Group:name,name` in lines, which may be cut anywhere between packets: the last has the
    /// status 0.
    async fn list(&mut self, packet: &Packet) {
        let parts = packet.pairs.iter().filter(|(key, _)| *key == 87).map(|(_, value)| value);
        parts.for_each(|part| self.list.extend(part));
        if packet.status != 0 {
            return;
        }
        let list = read(&std::mem::take(&mut self.list));
        let groups = list.lines().filter_map(|line| line.split_once(':'));
        let buddies = groups.flat_map(|(group, names)| {
            let names = names.split(',').filter(|name| !name.is_empty());
            names.map(|name| (group.to_owned(), name.to_lowercase()))
        });
        self.listed(buddies.collect()).await;
    }

    /// Entries between 300 and 301: a group has 65, a buddy 7, one who is ignored 317.
    async fn list_15(&mut self, packet: &Packet) {
        let mut buddies = Vec::new();
        for (key, value) in &packet.pairs {
            match key {
                65 => self.group = read(value),
                7 => buddies.push((self.group.clone(), read(value).to_lowercase())),
                _ => {}
            }
        }
        self.listed(buddies).await;
    }

    /// Every buddy that a packet tells of: each begins with 7.
    async fn presences(&mut self, packet: &Packet) {
        let first = packet.pairs.iter().position(|(key, _)| *key == 7).unwrap_or(0);
        let mut rest = &packet.pairs[first..];
        while let [(7, name), after @ ..] = rest {
            let end = after.iter().position(|(key, _)| *key == 7).unwrap_or(after.len());
            let (told, left) = after.split_at(end);
            rest = left;
            let name = read(name).to_lowercase();
            let presence = presence(packet.service, told);
            let listed = self.groups.contains_key(&name);
            if listed || packet.service == service::NEW_CONTACT {
                self.presences.insert(name.clone(), presence.clone());
            }
            if listed {
                self.tell(Event::Presence { of: name, presence }).await;
            }
        }
    }

    async fn asked(&self, by: &str, packet: &Packet) {
        let text = RichText::plain(packet.text(14));
        self.tell(Event::Asked { by: by.to_lowercase(), text }).await;
    }

    async fn added(&mut self, packet: &Packet) {
        let name = packet.text(7).to_lowercase();
        if packet.text(66) != "0" {
            return;
        }
        self.groups.insert(name.clone(), packet.text(65));
        self.tell(Event::Listed(name.clone())).await;
        // What came before the answer to the request is shown now.
        if let Some(presence) = self.presences.get(&name).cloned() {
            self.tell(Event::Presence { of: name, presence }).await;
        }
    }

    async fn removed(&mut self, packet: &Packet) {
        let name = packet.text(7).to_lowercase();
        if packet.text(66) == "0" && self.groups.remove(&name).is_some() {
            self.presences.remove(&name);
            self.tell(Event::Unlisted(name)).await;
        }
    }

    async fn message(&mut self, packet: &Packet) -> io::Result<()> {
        let (from, said) = (packet.text(4).to_lowercase(), packet.text(14));
        if !matches!(packet.status, 0 | 1 | STORED) {
            return Ok(());
        }
        // What is longer than a client can send, it does not show either.
        if from.is_empty()
            || said.len() > pieces::MAX_BYTES
            || said.chars().count() > pieces::MAX_CHARS
        {
            return Ok(());
        }
        let by = from.clone();
        let (before, between) = UNDELIVERED;
        let failure = said.strip_prefix(before).and_then(|rest| {
            let (to, _) = between.iter().find_map(|between| rest.split_once(between))?;
            Some((to, rest[to.len()..].trim_start()))
        });
        self.tell(match failure {
            Some((to, why)) => Event::Undelivered { to: to.to_lowercase(), why: why.into() },
            None if said == BUZZ => Event::Nudged { by },
            None => Event::Said { from: by, text: markup::read(&said), auto: false },
        })
        .await;
        let id = packet.text(429);
        if id.is_empty() {
            return Ok(());
        }
        let ack = Packet::new(service::MESSAGE_ACK, 0).with(1, self.user.as_str()).with(5, from);
        let ack = ack.with(302, "430").with(430, id).with(303, "430").with(450, "0");
        self.out.send(ack).await
    }

    async fn typing(&self, packet: &Packet) {
        if packet.text(49) != "TYPING" {
            return;
        }
        let typing = if packet.text(13) == "1" { Typing::Active } else { Typing::Idle };
        self.tell(Event::Typing { from: packet.text(4).to_lowercase(), typing }).await;
    }
}

/// Presence in the pairs behind a name.
fn presence(service: u16, pairs: &[(u32, Vec<u8>)]) -> Presence {
    let value = |key| pairs.iter().find(|(k, _)| *k == key).map(|(_, value)| read(value));
    let gone = value(13).is_some_and(|v| v == "0");
    if service == service::LOGOFF || gone {
        return Presence::offline();
    }
    let code = value(10).unwrap_or_default();
    let away = value(47).unwrap_or_default();
    let seconds = value(137).and_then(|v| v.parse().ok()).unwrap_or(0);
    let idle = code == "999" || away == "2" || seconds > 0;
    let show = match code.as_str() {
        "12" => return Presence::offline(),
        "2" => Availability::Busy,
        "0" | "999" => Availability::Available,
        "99" if away != "1" => Availability::Available,
        _ => Availability::Away,
    };
    let since = UnixMillis::from(SystemTime::now()).minus(Duration::from_secs(seconds));
    let text = RichText::plain(value(19).unwrap_or_default());
    Presence { show, text, idle_since: idle.then_some(since), online_since: None }
}
