//! The list in the words of MSNP2 to 7: each list by itself, with a line for each contact that
//! says how many there are, and since MSNP7 a line for each group before them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Contact, Fault, MAX_PENDING, Side, Subscription};

use super::list_msnp8_12::{ALLOW, BLOCK, FORWARD, Merge, REVERSE, lists};
use crate::common::frame_queue::FrameQueue;
use crate::msnp::context::Cx;
use crate::msnp::foreign_names::spelling;
use crate::msnp::notification::Session;
use crate::msnp::wire::{Command, decode, encode};

/// Longest wait of the list for the foreign one.
const PATIENCE: Duration = Duration::from_secs(3);
/// The most groups that are waited for.
const MAX_GROUPS: usize = 1_000;

/// A list on its way to the client.
pub(in crate::msnp) struct Early {
    /// Commands held back until the foreign list is there; `None` from then on.
    held: Option<(FrameQueue<Command>, Instant)>,
    /// The groups so far, and how many bytes they are.
    groups: Vec<Command>,
    bytes: usize,
}

impl Early {
    pub(in crate::msnp) fn until(&self) -> Option<Instant> {
        self.held.as_ref().map(|(_, until)| *until)
    }

    /// Bytes held back.
    pub(in crate::msnp) fn weight(&self) -> usize {
        self.bytes + self.held.as_ref().map_or(0, |(held, _)| held.weight())
    }

    /// Keeps a command back where nothing can be told yet.
    pub(in crate::msnp) fn hold(&mut self, command: Command) -> Result<Option<Command>, Fault> {
        let Some((held, _)) = &mut self.held else { return Ok(Some(command)) };
        held.push_of_list(command, MAX_PENDING).map(|()| None)
    }
}

/// Position of a line among those of its kind: `0 0` alone, or its number and their count.
fn place(command: &Command, at: usize) -> Option<(usize, usize)> {
    let number = |at| command.word(at).parse::<u16>().ok().map(usize::from);
    Some((number(at)?, number(at + 1)?))
}

impl Session {
    /// `SYN n version`: lists follow. Gives it back where it can be told at once.
    pub(in crate::msnp) fn begin_early(&mut self, syn: Command, cx: &Cx<'_>) -> Option<Command> {
        syn.word(2).clone_into(&mut self.list_version);
        let known = self.knows_contacts();
        let (held, given) = if known {
            (None, Some(syn))
        } else {
            let mut held = FrameQueue::default();
            held.push(syn);
            (Some((held, cx.later(PATIENCE))), None)
        };
        self.merge = Merge::Early(Early { held, groups: Vec::new(), bytes: 0 });
        given
    }

    /// Tells what was held back.
    pub(in crate::msnp) fn release_early(
        &mut self,
        mut early: Early,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let held = early.held.take();
        self.merge = Merge::Early(early);
        for command in held.iter().flat_map(|(held, _)| held.iter()) {
            self.server(command, cx)?;
        }
        Ok(())
    }

    /// A line of a list.
    pub(in crate::msnp) fn early_line(&mut self, command: &Command, cx: &mut Cx<'_>) {
        match command.verb() {
            "LSG" => self.early_group(command, cx),
            _ => self.early_contact(command, cx),
        }
    }

    /// `LSG n version place total id name 0`. Ours follow the last of them.
    fn early_group(&mut self, command: &Command, cx: &mut Cx<'_>) {
        let (Some((at, total)), Merge::Early(early)) = (place(command, 3), &mut self.merge) else {
            return cx.out.forward(Side::Client, command.raw.clone());
        };
        let groups = &mut Arc::make_mut(&mut self.list).groups;
        groups.note(decode(command.word(6)), command.word(5).to_owned());
        early.bytes += command.weight();
        early.groups.push(command.clone());
        if at < total && early.groups.len() < MAX_GROUPS && early.bytes < MAX_PENDING {
            return;
        }
        early.bytes = 0;
        let told = std::mem::take(&mut early.groups);
        self.list_mut().know_groups();
        let ours = self.list.groups.ours();
        let total = (total + ours.len()).to_string();
        for group in &told {
            pass(group, &[(4, &total)], ours.is_empty(), cx);
        }
        for (n, (name, id)) in ours.iter().enumerate() {
            let (trid, version) = (command.word(1), command.word(2));
            let n = told.len() + n + 1;
            cx.show(format!("LSG {trid} {version} {n} {total} {id} {} 0", encode(name)));
        }
    }

    /// `LST n list version place total name nick`, in the forward list of MSNP7 with groups
    /// behind it. Ours come before the first, since settings of a contact follow its line.
    fn early_contact(&mut self, command: &Command, cx: &mut Cx<'_>) {
        let list = match command.word(2) {
            "FL" => FORWARD,
            "AL" => ALLOW,
            "BL" => BLOCK,
            "RL" => REVERSE,
            _ => return cx.out.forward(Side::Client, command.raw.clone()),
        };
        let Some((at, total)) = place(command, 4) else {
            return cx.out.forward(Side::Client, command.raw.clone());
        };
        let mut alone = false;
        if at <= 1 {
            if list == FORWARD && self.version >= 7 {
                self.list_mut().know_groups();
            }
            let mut asked = Vec::new();
            let contacts = self.list.contacts();
            let entries: Vec<String> =
                contacts.filter_map(|c| self.early_entry(c, list, &mut asked, cx)).collect();
            self.asked.extend(asked);
            self.early_ours = entries.len();
            alone = at == 0 && !entries.is_empty();
            let front = command.words().take(4).collect::<Vec<_>>().join(" ");
            let all = total + entries.len();
            for (n, entry) in entries.iter().enumerate() {
                cx.show(format!("{front} {} {all} {entry}", n + 1));
            }
        }
        if alone {
            cx.out.withhold();
        } else {
            let ours = self.early_ours;
            let (n, all) = ((at + ours).to_string(), (total + ours).to_string());
            pass(command, &[(4, &n), (5, &all)], ours == 0, cx);
        }
        if at >= total && list == REVERSE {
            self.merge = Merge::Done;
            self.show_again(cx);
        }
    }

    /// Name, nick and groups of a contact, if `list` holds it. Who is shown as asking is added to
    /// `asked`.
    fn early_entry(
        &self,
        contact: &Contact,
        list: u8,
        asked: &mut Vec<Address>,
        cx: &Cx<'_>,
    ) -> Option<String> {
        if lists(contact) & list == 0 {
            return None;
        }
        let name = spelling(Some(contact), &contact.address, &cx.context.names)?;
        let nick = encode(contact.alias.as_deref().unwrap_or(&name));
        if list == REVERSE && matches!(contact.from, Subscription::Asked(_)) {
            asked.push(contact.address.clone());
        }
        if list != FORWARD || self.version < 7 {
            return Some(format!("{name} {nick}"));
        }
        let groups: Vec<&str> =
            contact.groups.iter().filter_map(|group| self.list.groups.known_id(group)).collect();
        let groups = if groups.is_empty() { "0".to_owned() } else { groups.join(",") };
        Some(format!("{name} {nick} {groups}"))
    }
}

/// Passes a line on, with words replaced unless it stays `as_it_is`.
fn pass(line: &Command, words: &[(usize, &str)], as_it_is: bool, cx: &mut Cx<'_>) {
    if as_it_is {
        return cx.out.forward(Side::Client, line.raw.clone());
    }
    let mut changed: Vec<&str> = line.words().collect();
    for (at, word) in words {
        if let Some(old) = changed.get_mut(*at) {
            *old = word;
        }
    }
    cx.out.withhold();
    cx.show(changed.join(" "));
}
