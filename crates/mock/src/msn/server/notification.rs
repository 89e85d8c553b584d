//! The notification server: sign-on, the list, presence, and keys to switchboards.

use crosstalk_networks::msnp::wire::Command;

use super::world::{FORWARD, Online, REVERSE};
use super::{Line, Shared};

/// The versions it speaks.
const SPOKEN: std::ops::RangeInclusive<u32> = 8..=12;

/// A client's notification connection.
pub(super) struct Session {
    line: Line,
    version: u32,
    user: String,
    signed_on: bool,
}

impl Session {
    pub(super) const fn new(line: Line) -> Self {
        Self { line, version: 0, user: String::new(), signed_on: false }
    }

    fn say(&self, line: &str) {
        let _ = self.line.try_send(format!("{line}\r\n"));
    }

    /// Returns whether the connection goes on.
    pub(super) fn handle(&mut self, shared: &Shared, command: &Command) -> bool {
        let id = command.word(1);
        match command.verb() {
            "VER" => return self.choose(command),
            "CVR" => self.say(&format!("CVR {id} 1.0 1.0 1.0 http://x.test http://x.test")),
            "USR" => return self.sign_on(shared, command),
            "OUT" => return false,
            _ if !self.signed_on => return false,
            "SYN" => self.list(shared, id),
            "CHG" => self.change(shared, command),
            "UUX" => {
                let message = String::from_utf8_lossy(command.payload()).into_owned();
                if let Some(online) = self.online(&mut shared.world()) {
                    online.message = message;
                }
                self.say(&format!("UUX {id} 0"));
                shared.world().show_all(&self.user);
            }
            "ADD" | "ADC" => self.add(shared, command),
            "REM" => self.remove(shared, command),
            "XFR" => {
                let mut world = shared.world();
                let board = world.open_board();
                let key = world.key(&self.user, board);
                self.say(&format!("XFR {id} SB {} CKI {key}", shared.addr));
            }
            "PNG" => self.say("QNG 60"),
            "GCF" => {
                let config = "<config></config>";
                let head = format!("{} {}", command.words().join(" "), config.len());
                let _ = self.line.try_send(format!("{head}\r\n{config}"));
            }
            "GTC" | "BLP" | "PRP" | "SBP" => self.say(&command.words().join(" ")),
            _ => {}
        }
        true
    }

    fn choose(&mut self, command: &Command) -> bool {
        let best = choose(command);
        self.version = best.unwrap_or(0);
        self.say(&format!("VER {} MSNP{}", command.word(1), self.version));
        best.is_some()
    }

    fn sign_on(&mut self, shared: &Shared, command: &Command) -> bool {
        let (id, word) = (command.word(1), command.word(4));
        if command.word(3) == "I" {
            self.user = word.to_lowercase();
            self.say(&format!("USR {id} TWN S lc=1033,id=507"));
            return true;
        }
        let mut world = shared.world();
        let Some(user) = world.users.get_mut(&self.user).filter(|u| u.ticket == word) else {
            self.say(&format!("911 {id}"));
            return false;
        };
        if let Some(before) = user.online.take() {
            let _ = before.line.try_send("OUT OTH\r\n".into());
        }
        let (line, version) = (self.line.clone(), self.version);
        user.online = Some(Online { line, version, status: "HDN".into(), message: String::new() });
        self.signed_on = true;
        self.say(&format!("USR {id} OK {0} {0} 1 0", self.user));
        true
    }

    fn online<'a>(&self, world: &'a mut super::World) -> Option<&'a mut Online> {
        world.users.get_mut(&self.user)?.online.as_mut()
    }

    fn list(&self, shared: &Shared, id: &str) {
        let world = shared.world();
        let Some(user) = world.users.get(&self.user) else { return };
        let count = user.contacts.len();
        if self.version < 10 {
            self.say(&format!("SYN {id} 1 {count} 1"));
            self.say("GTC A\r\nBLP AL\r\nLSG 0 Other%20Contacts 0");
        } else {
            self.say(&format!("SYN {id} 2000-01-01T00 2000-01-01T00 {count} 0"));
            self.say(&format!("GTC A\r\nBLP AL\r\nPRP MFN {}", self.user));
        }
        for (name, lists) in &user.contacts {
            let forward = lists & FORWARD != 0;
            self.say(&match self.version {
                ..10 => format!("LST {name} {name} {lists}{}", if forward { " 0" } else { "" }),
                version => {
                    let guid = if forward { format!(" C=guid-{name}") } else { String::new() };
                    let kind = if version >= 12 { " 1" } else { "" };
                    format!("LST N={name} F={name}{guid} {lists}{kind}")
                }
            });
        }
    }

    fn change(&self, shared: &Shared, command: &Command) {
        let mut world = shared.world();
        let Some(online) = self.online(&mut world) else { return };
        let first = std::mem::replace(&mut online.status, command.word(2).to_owned()) == "HDN";
        self.say(&command.words().join(" "));
        if first {
            let people: Vec<String> = world.users.keys().cloned().collect();
            for of in people {
                world.show(&of, &self.user, Some(command.transaction()));
            }
        }
        world.show_all(&self.user);
    }

    fn add(&self, shared: &Shared, command: &Command) {
        let (id, list) = (command.word(1), command.word(2));
        let who = command.word(3).trim_start_matches("N=").to_lowercase();
        let mut world = shared.world();
        if !world.users.contains_key(&who) {
            return self.say(&format!("205 {id}"));
        }
        if let Some(user) = world.users.get_mut(&self.user) {
            *user.contacts.entry(who.clone()).or_default() |= bit(list);
        }
        self.say(&match (self.version, list) {
            (..10, "FL") => format!("ADD {id} FL 2 {who} {who} 0"),
            (..10, _) => format!("ADD {id} {list} 2 {who} {who}"),
            (_, "FL") => format!("ADC {id} FL N={who} F={who} C=guid-{who}"),
            _ => format!("ADC {id} {list} N={who}"),
        });
        if list == "FL" {
            if let Some(other) = world.users.get_mut(&who) {
                *other.contacts.entry(self.user.clone()).or_default() |= REVERSE;
            }
            let me = &self.user;
            match world.online(&who).map(|o| o.version) {
                Some(..10) => world.tell(&who, &format!("ADD 0 RL 2 {me} {me}")),
                Some(_) => world.tell(&who, &format!("ADC 0 RL N={me} F={me}")),
                None => {}
            }
            world.show(&who, me, None);
        }
    }

    fn remove(&self, shared: &Shared, command: &Command) {
        let (id, list) = (command.word(1), command.word(2));
        let who = command.word(3).trim_start_matches("guid-");
        if let Some(user) = shared.world().users.get_mut(&self.user)
            && let Some(lists) = user.contacts.get_mut(who)
        {
            *lists &= !bit(list);
        }
        let version = if self.version < 10 { "2 " } else { "" };
        self.say(&format!("REM {id} {list} {version}{}", command.word(3)));
    }

    pub(super) fn leave(self, shared: &Shared) {
        let mut world = shared.world();
        if let Some(user) = world.users.get_mut(&self.user)
            && user.online.as_ref().is_some_and(|o| o.line.same_channel(&self.line))
        {
            user.online = None;
            world.show_all(&self.user);
        }
    }
}

/// The highest version on offer that is spoken here.
pub(super) fn choose(offer: &Command) -> Option<u32> {
    let versions = offer.words().iter().filter_map(|w| w.strip_prefix("MSNP")?.parse().ok());
    versions.filter(|v| SPOKEN.contains(v)).max()
}

/// The bit of the list called `name`.
fn bit(name: &str) -> u8 {
    match name {
        "FL" => FORWARD,
        "AL" => 2,
        "BL" => 4,
        _ => REVERSE,
    }
}
