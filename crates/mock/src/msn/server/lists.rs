//! The lists: told by SYN before MSNP13, changed by ADD or ADC and REM, and since MSNP13 by ADL
//! and RML beside the address book.

use crosstalk_networks::msnp::wire::{Command, with_payload};
use crosstalk_networks::xmpp::wire::xml::{Element, Scope};

use super::Shared;
use super::notification::Session;
use crate::msn::{FORWARD, LISTS, bit, entry};

impl Session {
    /// SYN: the whole list.
    pub(super) fn list(&self, shared: &Shared, id: &str) {
        match self.version {
            ..8 => self.list_by_list(shared, id),
            _ => self.list_by_contact(shared, id),
        }
    }

    fn list_by_list(&self, shared: &Shared, id: &str) {
        let state = shared.state();
        let Some(user) = state.users.get(&self.user) else { return };
        self.say(&format!("SYN {id} 2\r\nGTC {id} 2 A\r\nBLP {id} 2 AL"));
        if self.version >= 7 {
            self.say(&format!("LSG {id} 2 1 1 0 Other%20Contacts 0"));
        }
        for (list, bit) in LISTS {
            let names: Vec<&String> =
                user.contacts.iter().filter(|(_, l)| **l & bit != 0).map(|(n, _)| n).collect();
            if names.is_empty() {
                self.say(&format!("LST {id} {list} 2 0 0"));
            }
            let group = if self.version >= 7 && bit == FORWARD { " 0" } else { "" };
            for (n, name) in (1..).zip(&names) {
                self.say(&format!("LST {id} {list} 2 {n} {} {name} {name}{group}", names.len()));
            }
        }
    }

    fn list_by_contact(&self, shared: &Shared, id: &str) {
        let state = shared.state();
        let Some(user) = state.users.get(&self.user) else { return };
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

    /// ADD, since MSNP10 ADC.
    pub(super) fn add(&self, shared: &Shared, command: &Command) {
        let (id, list) = (command.word(1), command.word(2));
        let who = command.word(3).trim_start_matches("N=").to_lowercase();
        let mut state = shared.state();
        if !state.users.contains_key(&who) {
            return self.say(&format!("205 {id}"));
        }
        self.say(&match (self.version, list) {
            (7..10, "FL") => format!("ADD {id} FL 2 {who} {who} 0"),
            (..10, _) => format!("ADD {id} {list} 2 {who} {who}"),
            (_, "FL") => format!("ADC {id} FL N={who} F={who} C=guid-{who}"),
            _ => format!("ADC {id} {list} N={who}"),
        });
        state.put(&self.user, &who, bit(list));
    }

    pub(super) fn remove(&self, shared: &Shared, command: &Command) {
        let (id, list) = (command.word(1), command.word(2));
        let who = command.word(3).trim_start_matches("guid-");
        shared.state().take(&self.user, who, bit(list));
        let version = if self.version < 10 { "2 " } else { "" };
        self.say(&format!("REM {id} {list} {version}{}", command.word(3)));
    }

    /// ADL and RML: people by domain, each with the lists it is about.
    pub(super) fn change_lists(&self, shared: &Shared, command: &Command) {
        let mut state = shared.state();
        for (who, lists) in people(command) {
            if command.verb() == "ADL" {
                state.put(&self.user, &who, lists);
            } else {
                state.take(&self.user, &who, lists);
            }
        }
        self.say(&format!("{} {} OK", command.verb(), command.word(1)));
    }

    /// FQY: who of these has a passport.
    pub(super) fn query(&self, shared: &Shared, command: &Command) {
        let state = shared.state();
        let known = people(command).into_iter().filter(|(who, _)| state.users.contains_key(who));
        let known: Vec<String> = known.map(|(who, _)| entry(&who, "t=\"1\"")).collect();
        let answer = format!("<ml>{}</ml>", known.concat());
        self.send(with_payload(&format!("FQY {}", command.word(1)), &answer));
    }
}

/// People in a payload, and their lists.
fn people(command: &Command) -> Vec<(String, u8)> {
    let Ok(list) = Element::parse(command.payload(), &Scope::default()) else {
        return Vec::new();
    };
    let of_domain = |domain: &Element| -> Vec<(String, u8)> {
        let at = domain.attr("n").unwrap_or_default().to_lowercase();
        let person = |c: &Element| {
            let name = c.attr("n").unwrap_or_default().to_lowercase();
            let lists = c.attr("l").and_then(|l| l.parse().ok()).unwrap_or(0);
            (format!("{name}@{at}"), lists)
        };
        domain.elements().map(person).collect()
    };
    list.elements().flat_map(of_domain).collect()
}
