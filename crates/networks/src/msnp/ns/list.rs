//! The server's list and the foreign one, merged as the client gets them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::{Address, Contact, Fault, MAX_PENDING, Side, Standing};
use sha1::{Digest, Sha1};

use super::super::desk::{Io, spelling};
use super::super::wire::{Command, decode, encode};
use super::Session;

/// How long the list waits for the foreign one, and for groups where it has none.
const PATIENCE: Duration = Duration::from_secs(3);
const SETTLED: Duration = Duration::from_millis(100);
/// The first of our numbers of groups: servers count from 0.
const FIRST_GROUP: u32 = 90;

/// Bits of the lists that hold a contact.
const FORWARD: u8 = 1;
const ALLOW: u8 = 2;
const BLOCK: u8 = 4;
const REVERSE: u8 = 8;

/// How far the list has come.
#[derive(Default)]
pub(super) enum Merge {
    /// Not asked for, or not answered.
    #[default]
    Before,
    /// The answer is held back until everything of ours can be put in.
    Held(Held),
    /// The client has it.
    Done,
}

/// The beginning of the server's list.
pub(super) struct Held {
    syn: Command,
    contacts: usize,
    groups: usize,
    /// What comes before our part, and behind it.
    before: Vec<Command>,
    after: Vec<Command>,
    bytes: usize,
    groups_left: usize,
    until: Instant,
}

impl Held {
    fn is_whole(&self) -> bool {
        if self.groups > 0 { self.groups_left == 0 } else { !self.after.is_empty() }
    }

    fn push(&mut self, command: Command) {
        self.bytes += command.raw.len();
        let neutral = matches!(command.verb(), "GTC" | "BLP" | "PRP" | "MSG" | "SBS" | "LSG");
        let early = if self.groups > 0 { self.groups_left > 0 } else { neutral };
        if command.verb() == "LSG" {
            self.groups_left = self.groups_left.saturating_sub(1);
        }
        let part = if self.after.is_empty() && early { &mut self.before } else { &mut self.after };
        part.push(command);
    }
}

impl Merge {
    pub(super) fn deadline(&self) -> Option<Instant> {
        if let Self::Held(held) = self { Some(held.until) } else { None }
    }

    /// Whether only the foreign list was missing.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self, Self::Held(held) if held.is_whole())
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

/// The groups of the client's list, by name.
pub(super) struct Groups {
    guids: bool,
    names: BTreeMap<String, String>,
    ours: BTreeMap<String, String>,
}

impl Groups {
    pub(super) const fn new(version: u32) -> Self {
        Self { guids: version >= 10, names: BTreeMap::new(), ours: BTreeMap::new() }
    }

    /// Notes a group that the server names: `LSG id name 0`, since MSNP10 `LSG name guid`.
    pub(super) fn learn(&mut self, command: &Command) {
        let (id, name) = if self.guids { (2, 1) } else { (1, 2) };
        self.note(decode(command.word(name)), command.word(id).to_owned());
    }

    pub(super) fn note(&mut self, name: String, id: String) {
        if self.names.len() < 1_000 {
            self.names.insert(name, id);
        }
    }

    /// The group called `id`.
    pub(super) fn name(&self, id: &str) -> Option<&String> {
        let all = self.names.iter().chain(&self.ours);
        all.into_iter().find(|(_, known)| *known == id).map(|(name, _)| name)
    }

    /// Whether the server knows nothing of the group called `id`.
    pub(super) fn is_ours(&self, id: &str) -> bool {
        self.ours.values().any(|own| own == id)
    }

    pub(super) fn forget(&mut self, id: &str) {
        self.ours.retain(|_, own| own != id);
    }

    /// The id of the group `name`, which becomes one of ours if the server has none.
    pub(super) fn id(&mut self, name: &str) -> String {
        if let Some(id) = self.names.get(name).or_else(|| self.ours.get(name)) {
            return id.clone();
        }
        let id = if self.guids {
            guid(&format!("group {name}"))
        } else {
            let taken = |id: &String| self.name(id).is_some();
            let mut ids = (FIRST_GROUP..).map(|n| n.to_string()).filter(|id| !taken(id));
            ids.next().unwrap_or_default()
        };
        self.ours.insert(name.to_owned(), id.clone());
        id
    }
}

/// A GUID that stands for `what`, the same each time.
pub(super) fn guid(what: &str) -> String {
    let hash = Sha1::digest(what.as_bytes());
    let (hash, _) = hash.split_first_chunk::<16>().map_or(([0; 16], &[][..]), |(h, r)| (*h, r));
    let hex = format!("{:032x}", u128::from_be_bytes(hash));
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

/// The GUID of a contact.
pub(super) fn contact_guid(address: &Address) -> String {
    guid(&address.to_string())
}

/// The lists that hold a contact.
fn lists(contact: &Contact) -> u8 {
    let consent = match contact.from {
        _ if contact.blocked => BLOCK,
        Standing::Granted => ALLOW | REVERSE,
        Standing::Asked(_) => REVERSE,
        Standing::None => 0,
    };
    consent | if contact.listed { FORWARD } else { 0 }
}

impl Session {
    /// SYN: a client that remembers a list would not be told ours. Returns whether the command is
    /// forwarded as it is.
    pub(super) fn ask_for_all(&mut self, command: &Command, io: &mut Io<'_>) -> bool {
        let remembers = command.words().iter().skip(2).any(|w| w != "0");
        if !remembers {
            return true;
        }
        let none = if self.has_guids() { "0 0" } else { "0" };
        io.out.withhold();
        io.out.insert(Side::Server, format!("SYN {} {none}\r\n", command.word(1)));
        false
    }

    /// Holds the list back as far as needed; gives back what is to be taken now.
    pub(super) fn merge_in(
        &mut self,
        command: Command,
        io: &mut Io<'_>,
    ) -> Result<Option<Command>, Fault> {
        match &mut self.merge {
            Merge::Held(held) => {
                held.push(command);
                if held.bytes > MAX_PENDING {
                    return Err(Fault::server("the list is too long"));
                }
                if self.contacts.is_some() && self.merge.is_ready() {
                    self.finish_list(io);
                }
                Ok(None)
            }
            Merge::Before if command.verb() == "SYN" => Ok(self.begin_list(command, io)),
            _ => Ok(Some(command)),
        }
    }

    fn begin_list(&mut self, syn: Command, io: &Io<'_>) -> Option<Command> {
        let first = if self.has_guids() { 4 } else { 3 };
        if !self.has_guids() {
            syn.word(2).clone_into(&mut self.list_version);
        }
        let counts = (syn.word(first).parse::<usize>(), syn.word(first + 1).parse::<usize>());
        let nothing = self.contacts.as_ref().is_some_and(BTreeMap::is_empty);
        let (Ok(contacts), Ok(groups), false) = (counts.0, counts.1, nothing) else {
            self.merge = Merge::Done;
            return Some(syn);
        };
        let patience = if self.contacts.is_some() && groups == 0 { SETTLED } else { PATIENCE };
        self.merge = Merge::Held(Held {
            syn,
            contacts,
            groups,
            before: Vec::new(),
            after: Vec::new(),
            bytes: 0,
            groups_left: groups,
            until: io.later(patience),
        });
        None
    }

    /// Lets the list go, with ours in it.
    pub(super) fn finish_list(&mut self, io: &mut Io<'_>) {
        let Merge::Held(held) = std::mem::replace(&mut self.merge, Merge::Done) else {
            return;
        };
        for group in held.before.iter().filter(|c| c.verb() == "LSG") {
            self.groups.learn(group);
        }
        let contacts: Vec<Contact> =
            self.contacts.iter().flat_map(|c| c.values().cloned()).collect();
        let lines: Vec<String> = contacts.iter().filter_map(|c| self.entry(c, io)).collect();
        let groups = self.groups.ours.clone();
        let first = if self.has_guids() { 4 } else { 3 };
        let total = (held.contacts + lines.len()).to_string();
        let syn = held.syn.with(first, &total);
        let total = (held.groups + groups.len()).to_string();
        io.out.insert(Side::Client, replace_last(&syn, &total));
        for command in &held.before {
            self.server(command, io);
        }
        for (name, id) in groups {
            let name = encode(&name);
            io.tell(if self.has_guids() {
                format!("LSG {name} {id}")
            } else {
                format!("LSG {id} {name} 0")
            });
        }
        for line in &lines {
            io.tell(line);
        }
        for command in &held.after {
            self.server(command, io);
        }
    }

    /// The LST of a contact, if it stands in any list.
    fn entry(&mut self, contact: &Contact, io: &Io<'_>) -> Option<String> {
        let lists = Some(lists(contact)).filter(|l| *l != 0)?;
        let name = spelling(Some(contact), &contact.address, &io.context.names)?;
        let nick = encode(contact.alias.as_deref().unwrap_or(&name));
        if matches!(contact.from, Standing::Asked(_)) {
            self.asked.insert(contact.address.clone());
        }
        let listed = lists & FORWARD != 0;
        let mut groups: Vec<String> = Vec::new();
        if listed {
            groups = contact.groups.iter().map(|g| self.groups.id(g)).collect();
        }
        if !self.has_guids() {
            if listed && groups.is_empty() {
                groups.push("0".into());
            }
            return Some(joined(format!("LST {name} {nick} {lists}"), &groups));
        }
        let guid =
            if listed { format!(" C={}", contact_guid(&contact.address)) } else { String::new() };
        let kind = if self.version >= 12 { " 1" } else { "" };
        Some(joined(format!("LST N={name} F={nick}{guid} {lists}{kind}"), &groups))
    }
}

fn joined(line: String, groups: &[String]) -> String {
    if groups.is_empty() { line } else { format!("{line} {}", groups.join(",")) }
}

/// A line with another last word.
fn replace_last(line: &Bytes, word: &str) -> String {
    let line = String::from_utf8_lossy(line);
    let front = line.trim_end().rsplit_once(' ').map_or("", |(front, _)| front);
    format!("{front} {word}\r\n")
}
