//! The client's edits of its lists, as far as they are about foreign people.

use crosstalk_core::{Address, NameClass};

use crate::msnp::context::Cx;
use crate::msnp::groups::{contact_guid, read_guid};
use crate::msnp::notification::Session;
use crate::msnp::wire::{Command, decode, encode};

/// The error of a list that is full.
const FULL: &str = "210";

/// Person that an edit is about.
struct Target {
    address: Address,
    /// Name as the client spells it, where it does.
    name: Option<String>,
}

impl Session {
    /// The error of a name that nobody can have.
    pub(in crate::msnp) const fn no_such_name(&self) -> &'static str {
        if self.has_guids() { "208" } else { "205" }
    }

    /// Person that a command names by name or GUID. `Err` where it is withheld whatever it asks
    /// for.
    fn target(&self, name: &str, guid: &str, cx: &Cx<'_>) -> Result<Option<Target>, ()> {
        if !name.is_empty() {
            return match cx.classify(name) {
                NameClass::Own => Ok(None),
                NameClass::Foreign(address) => {
                    Ok(Some(Target { address, name: Some(name.to_owned()) }))
                }
                NameClass::Nowhere => Err(()),
            };
        }
        let Some(id) = read_guid(guid) else { return Ok(None) };
        let address = self.list.called(id..=id).cloned();
        Ok(address.map(|address| Target { address, name: None }))
    }

    /// ADD and, since MSNP10, ADC. Returns whether the server is to have the command.
    pub(in crate::msnp) fn add(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        let field = |key: &str| {
            let mut fields = command.words().skip(3);
            fields.find_map(|w| w.strip_prefix(key)).unwrap_or_default().to_owned()
        };
        let (name, nick, guid) = if command.verb() == "ADC" {
            (field("N="), field("F="), field("C="))
        } else {
            (command.word(3).to_owned(), command.word(4).to_owned(), String::new())
        };
        let Target { address, name } = match self.taken(command, &name, &guid, cx) {
            Ok(target) => target,
            Err(forward) => return forward,
        };
        if !self.list.has_room_for(&address) {
            cx.show(format!("{FULL} {}", command.word(1)));
            return false;
        }
        match command.word(2) {
            "FL" => {
                let last = command.words().next_back().unwrap_or_default();
                let group = self.list.groups.name(last).cloned();
                self.list(&address, name.as_deref(), &decode(&nick), group, cx);
            }
            "AL" => self.allow(&address, name.as_deref(), cx),
            "BL" => self.block(&address, name.as_deref(), true, cx),
            _ => {}
        }
        let shown = name.unwrap_or_default();
        if command.verb() == "ADD" {
            let nick = encoded(&nick, &shown);
            let (id, list, version) = (command.word(1), command.word(2), &self.list_version);
            let group = Some(command.word(5)).filter(|g| !g.is_empty());
            let group = group.map(|g| format!(" {g}")).unwrap_or_default();
            cx.show(format!("ADD {id} {list} {version} {shown} {nick}{group}"));
        } else if command.word(2) == "FL" && !shown.is_empty() {
            let nick = if nick.is_empty() { encode(&shown) } else { encoded(&nick, &shown) };
            let guid = contact_guid(&address);
            cx.show(format!("ADC {} FL N={shown} F={nick} C={guid}", command.word(1)));
        } else {
            cx.show(command.from(0));
        }
        self.show_presence(&address, Some(command.transaction()), cx);
        false
    }

    /// REM. Returns whether the server is to have the command.
    pub(in crate::msnp) fn remove(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        let (name, guid) = name_or_guid(command.word(3));
        let Target { address, name } = match self.taken(command, name, guid, cx) {
            Ok(target) => target,
            Err(forward) => return forward,
        };
        match command.word(2) {
            "FL" => match self.list.groups.name(command.word(4)).cloned() {
                Some(group) => self.ungroup(&address, &group, cx),
                None => self.unlist(&address, cx),
            },
            "BL" => self.block(&address, name.as_deref(), false, cx),
            _ => {}
        }
        if self.has_guids() {
            cx.show(command.from(0));
        } else {
            let (id, list, version) = (command.word(1), command.word(2), &self.list_version);
            let rest = command.from(3);
            cx.show(format!("REM {id} {list} {version} {rest}"));
        }
        false
    }

    /// REA of MSNP8 and 9, which clients also send to note what a contact calls itself, and SBP
    /// since MSNP10. Returns whether the server is to have the command.
    pub(in crate::msnp) fn rename(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        let (name, guid) = name_or_guid(command.word(2));
        let Target { address, name } = match self.taken(command, name, guid, cx) {
            Ok(target) => target,
            Err(forward) => return forward,
        };
        let nick = command.words().next_back().unwrap_or_default();
        let is_nick = command.verb() == "REA" || command.word(3) == "MFN";
        if is_nick && self.contact(&address).is_some_and(|c| c.listed) {
            self.list(&address, None, &decode(nick), None, cx);
        }
        if command.verb() == "SBP" {
            cx.show(command.from(0));
        } else {
            let (id, version) = (command.word(1), &self.list_version);
            let name = name.unwrap_or_default();
            cx.show(format!("REA {id} {version} {name} {}", encoded(nick, &name)));
        }
        false
    }

    /// RMG and REG of a group that only foreign people are in. Returns whether the server is to
    /// have the command.
    pub(in crate::msnp) fn edit_group(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        let id = command.word(2).to_owned();
        if self.list.groups.name(&id).is_none() {
            return true;
        }
        let (is_ours, renames) = (self.list.groups.is_ours(&id), command.verb() == "REG");
        self.regroup(&id, renames.then(|| decode(command.word(3))), cx);
        if !is_ours {
            return true;
        }
        cx.out.withhold();
        let version = if self.has_guids() { "" } else { &self.list_version };
        let version = if version.is_empty() { String::new() } else { format!("{version} ") };
        let rest = command.from(2);
        cx.show(format!("{} {} {version}{rest}", command.verb(), command.word(1)));
        false
    }

    /// Person that an edit is about, and where it is about nobody foreign, whether the server is to
    /// have it. An edit about a name that nobody can have is refused.
    fn taken(
        &self,
        command: &Command,
        name: &str,
        guid: &str,
        cx: &mut Cx<'_>,
    ) -> Result<Target, bool> {
        let target = self.target(name, guid, cx);
        if !matches!(target, Ok(None)) {
            cx.out.withhold();
        }
        let Ok(target) = target else {
            cx.show(format!("{} {}", self.no_such_name(), command.word(1)));
            return Err(false);
        };
        target.ok_or(true)
    }
}

/// A word that is either a name or, of contacts since MSNP10, a GUID. Some clients name by name
/// whom they know the GUID of.
fn name_or_guid(word: &str) -> (&str, &str) {
    if read_guid(word).is_some() { ("", word) } else { (word, "") }
}

/// A nick as it comes back to a client: without a `%` that would be taken for an escape. Clients
/// that know no nick give the name for one, as it is.
fn encoded(nick: &str, name: &str) -> String {
    if nick == name {
        return encode(nick);
    }
    let mut parts = nick.split('%');
    let mut word = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_escape = part.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        word.push_str(if is_escape { "%" } else { "%25" });
        word.push_str(part);
    }
    word
}

/// A letter or a page that the server is to send somebody, to praise MSN. Returns whether it is to
/// have the command.
pub(in crate::msnp) fn invite(command: &Command, cx: &mut Cx<'_>) -> bool {
    if matches!(cx.classify(command.word(2)), NameClass::Own) {
        return true;
    }
    cx.out.withhold();
    cx.show(format!("{} {} OK", command.verb(), command.word(1)));
    false
}
