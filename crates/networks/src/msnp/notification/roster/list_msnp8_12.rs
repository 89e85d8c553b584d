//! The server's list and the foreign one, merged as the client gets them since MSNP8.

use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::{Address, Contact, Fault, MAX_PENDING, Side, Subscription};

use super::list_msnp2_7::Early;
use crate::common::frame_queue::{FrameQueue, Weigh};
use crate::msnp::context::Cx;
use crate::msnp::foreign_names::spelling;
use crate::msnp::groups::contact_guid;
use crate::msnp::notification::Session;
use crate::msnp::wire::{Command, encode};

/// Longest wait of the list for the foreign one, and for groups where it has none.
const PATIENCE: Duration = Duration::from_secs(3);
const SETTLED: Duration = Duration::from_millis(100);

/// Bits of the lists that hold a contact.
pub(in crate::msnp) const FORWARD: u8 = 1;
pub(in crate::msnp) const ALLOW: u8 = 2;
pub(in crate::msnp) const BLOCK: u8 = 4;
pub(in crate::msnp) const REVERSE: u8 = 8;

/// Progress of the list.
#[derive(Default)]
pub(in crate::msnp) enum Merge {
    /// Not asked for, or not answered.
    #[default]
    Before,
    /// The answer is held back until everything of ours can be put in.
    Held(Held),
    /// The same, in the words of MSNP2 to 7.
    Early(Early),
    /// The client has it.
    Done,
}

/// The beginning of the server's list.
pub(in crate::msnp) struct Held {
    syn: Command,
    contacts: usize,
    groups: usize,
    /// Commands before our part, and behind it.
    before: FrameQueue<Command>,
    after: FrameQueue<Command>,
    groups_left: usize,
    until: Instant,
}

impl Weigh for Command {
    fn weight(&self) -> usize {
        Self::weight(self) - size_of::<Self>()
    }
}

impl Held {
    fn is_whole(&self) -> bool {
        if self.groups > 0 { self.groups_left == 0 } else { !self.after.is_empty() }
    }

    fn push(&mut self, command: Command) -> Result<(), Fault> {
        let neutral = matches!(command.verb(), "GTC" | "BLP" | "PRP" | "MSG" | "SBS" | "LSG");
        let early = if self.groups > 0 { self.groups_left > 0 } else { neutral };
        if command.verb() == "LSG" {
            self.groups_left = self.groups_left.saturating_sub(1);
        }
        let is_before = self.after.is_empty() && early;
        let (part, other) = if is_before {
            (&mut self.before, &self.after)
        } else {
            (&mut self.after, &self.before)
        };
        part.push_of_list(command, MAX_PENDING.saturating_sub(other.weight()))
    }

    /// Bytes held back.
    fn weight(&self) -> usize {
        self.before.weight() + self.after.weight()
    }
}

impl Merge {
    pub(in crate::msnp) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Held(held) => Some(held.until),
            Self::Early(early) => early.until(),
            Self::Before | Self::Done => None,
        }
    }

    /// Bytes held back.
    pub(in crate::msnp) fn weight(&self) -> usize {
        match self {
            Self::Held(held) => held.weight(),
            Self::Early(early) => early.weight(),
            Self::Before | Self::Done => 0,
        }
    }

    /// Whether only the foreign list was missing.
    pub(in crate::msnp) fn is_ready(&self) -> bool {
        match self {
            Self::Held(held) => held.is_whole(),
            Self::Early(early) => early.until().is_some(),
            Self::Before | Self::Done => false,
        }
    }

    /// The foreign list is there. Of a list without groups only what is on its way may follow.
    pub(in crate::msnp) fn settle(&mut self, cx: &Cx<'_>) {
        if let Self::Held(held) = self
            && held.groups == 0
        {
            held.until = held.until.min(cx.later(SETTLED));
        }
    }

    pub(in crate::msnp) const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

/// The lists that hold a contact.
pub(in crate::msnp) fn lists(contact: &Contact) -> u8 {
    let consent = match contact.from {
        _ if contact.blocked => BLOCK,
        Subscription::Granted => ALLOW | REVERSE,
        Subscription::Asked(_) => REVERSE,
        Subscription::None => 0,
    };
    consent | if contact.listed { FORWARD } else { 0 }
}

impl Session {
    /// SYN: a client that remembers a list would not be told ours. Returns whether the command is
    /// forwarded as it is.
    pub(in crate::msnp) fn ask_for_all(&mut self, command: &Command, cx: &mut Cx<'_>) -> bool {
        let remembers = command.words().skip(2).any(|w| w != "0");
        if !remembers {
            return true;
        }
        let none = if self.has_guids() { "0 0" } else { "0" };
        cx.out.withhold();
        // A client that remembers its list gets none from the server, into which ours could be
        // merged: all of it is asked for.
        cx.out.insert(Side::Server, format!("SYN {} {none}\r\n", command.word(1)));
        false
    }

    /// Holds the list back as far as needed; gives back what is to be taken now.
    pub(in crate::msnp) fn merge_in(
        &mut self,
        command: Command,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Command>, Fault> {
        match &mut self.merge {
            Merge::Early(early) => Ok(early.hold(command)?),
            Merge::Held(held) => {
                held.push(command)?;
                if self.knows_contacts() && self.merge.is_ready() {
                    self.finish_list(cx)?;
                }
                Ok(None)
            }
            Merge::Before if command.verb() == "SYN" && self.version < 8 => {
                Ok(self.begin_early(command, cx))
            }
            Merge::Before if command.verb() == "SYN" => Ok(self.begin_list(command, cx)),
            _ => Ok(Some(command)),
        }
    }

    fn begin_list(&mut self, syn: Command, cx: &Cx<'_>) -> Option<Command> {
        let first = if self.has_guids() { 4 } else { 3 };
        if !self.has_guids() {
            syn.word(2).clone_into(&mut self.list_version);
        }
        let counts = (syn.word(first).parse::<usize>(), syn.word(first + 1).parse::<usize>());
        let nothing = self.knows_contacts() && self.list.contacts().next().is_none();
        let (Ok(contacts), Ok(groups), false) = (counts.0, counts.1, nothing) else {
            self.merge = Merge::Done;
            return Some(syn);
        };
        let patience = if self.knows_contacts() && groups == 0 { SETTLED } else { PATIENCE };
        self.merge = Merge::Held(Held {
            syn,
            contacts,
            groups,
            before: FrameQueue::default(),
            after: FrameQueue::default(),
            groups_left: groups,
            until: cx.later(patience),
        });
        None
    }

    /// Lets the list go, with ours in it.
    pub(in crate::msnp) fn finish_list(&mut self, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let held = match std::mem::replace(&mut self.merge, Merge::Done) {
            Merge::Held(held) => held,
            Merge::Early(early) => return self.release_early(early, cx),
            Merge::Before | Merge::Done => return Ok(()),
        };
        // The server's groups first, so that ours get ids that none of them has.
        for group in held.before.iter().filter(|c| c.verb() == "LSG") {
            self.list_mut().groups.learn(group);
        }
        self.list_mut().know_groups();
        let mut asked = Vec::new();
        let contacts = self.list.contacts();
        let lines: Vec<String> = contacts.filter_map(|c| self.entry(c, &mut asked, cx)).collect();
        self.asked.extend(asked);
        let groups = self.list.groups.ours();
        let first = if self.has_guids() { 4 } else { 3 };
        // Clients count the lines: what SYN announces has ours in it.
        let total = held.contacts.saturating_add(lines.len()).to_string();
        let syn = held.syn.with(first, &total);
        let total = held.groups.saturating_add(groups.len()).to_string();
        cx.out.insert(Side::Client, replace_last(&syn, &total));
        for command in held.before.iter() {
            self.server(command, cx)?;
        }
        // The client may have gone online between the lines of its list.
        let is_late = self.own.is_shown();
        for (name, id) in groups {
            let name = encode(&name);
            cx.show(if self.has_guids() {
                format!("LSG {name} {id}")
            } else {
                format!("LSG {id} {name} 0")
            });
        }
        for line in &lines {
            cx.show(line);
        }
        if is_late {
            self.show_again(cx);
        }
        for command in held.after.iter() {
            self.server(command, cx)?;
        }
        Ok(())
    }

    /// The LST of a contact, if it stands in any list. Who is shown as asking is added to `asked`.
    fn entry(&self, contact: &Contact, asked: &mut Vec<Address>, cx: &Cx<'_>) -> Option<String> {
        let lists = Some(lists(contact)).filter(|l| *l != 0)?;
        let name = spelling(Some(contact), &contact.address, &cx.context.names)?;
        let nick = encode(contact.alias.as_deref().unwrap_or(&name));
        if matches!(contact.from, Subscription::Asked(_)) {
            asked.push(contact.address.clone());
        }
        let listed = lists & FORWARD != 0;
        let mut groups: Vec<&str> = Vec::new();
        if listed {
            let known = |group: &String| self.list.groups.known_id(group);
            groups = contact.groups.iter().filter_map(known).collect();
        }
        if !self.has_guids() {
            if listed && groups.is_empty() {
                groups.push("0");
            }
            return Some(joined(format!("LST {name} {nick} {lists}"), &groups));
        }
        let guid =
            if listed { format!(" C={}", contact_guid(&contact.address)) } else { String::new() };
        let kind = if self.version >= 12 { " 1" } else { "" };
        Some(joined(format!("LST N={name} F={nick}{guid} {lists}{kind}"), &groups))
    }
}

fn joined(line: String, groups: &[&str]) -> String {
    if groups.is_empty() { line } else { format!("{line} {}", groups.join(",")) }
}

/// A line with another last word.
fn replace_last(line: &Bytes, word: &str) -> String {
    let line = String::from_utf8_lossy(line);
    let front = line.trim_end().rsplit_once(' ').map_or("", |(front, _)| front);
    format!("{front} {word}\r\n")
}
