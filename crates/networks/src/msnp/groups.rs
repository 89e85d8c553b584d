//! The groups of a client's list.

use std::collections::BTreeMap;

use crosstalk_core::Address;
use sha1::{Digest, Sha1};

use super::wire::{Command, decode};

/// The first of our numbers of groups: servers count from 0.
const FIRST_GROUP: u32 = 90;
/// The most groups of a list.
const MAX_GROUPS: usize = 1_000;

/// The groups of the client's list, by name.
pub(super) struct Groups {
    guids: bool,
    names: BTreeMap<String, String>,
    ours: BTreeMap<String, String>,
}

impl Default for Groups {
    /// The groups of an address book.
    fn default() -> Self {
        Self::new(13)
    }
}

impl Groups {
    /// The groups of a list in the words of `version`.
    pub(super) const fn new(version: u32) -> Self {
        Self { guids: version >= 10, names: BTreeMap::new(), ours: BTreeMap::new() }
    }

    /// Notes a group that the server names: `LSG id name 0`, since MSNP10 `LSG name guid`.
    pub(super) fn learn(&mut self, command: &Command) {
        let (id, name) = if self.guids { (2, 1) } else { (1, 2) };
        self.note(decode(command.word(name)), command.word(id).to_owned());
    }

    /// Notes a group that the client made: `ADG n version name id 0`, since MSNP10
    /// `ADG n name guid`.
    pub(super) fn learn_new(&mut self, command: &Command) {
        let (id, name) = if self.guids { (3, 2) } else { (4, 3) };
        self.note(decode(command.word(name)), command.word(id).to_owned());
    }

    /// Notes a group of the server.
    pub(super) fn note(&mut self, name: String, id: String) {
        if self.names.len() < MAX_GROUPS {
            self.names.insert(name, id);
        }
    }

    /// The group called `id`.
    pub(super) fn name(&self, id: &str) -> Option<&String> {
        let all = self.names.iter().chain(&self.ours);
        all.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(id)).map(|(name, _)| name)
    }

    /// Whether the server knows nothing of the group called `id`.
    pub(super) fn is_ours(&self, id: &str) -> bool {
        self.ours.values().any(|own| own.eq_ignore_ascii_case(id))
    }

    /// Forgets a group of ours.
    pub(super) fn forget(&mut self, id: &str) {
        self.ours.retain(|_, own| !own.eq_ignore_ascii_case(id));
    }

    /// Gives a group of ours another name.
    pub(super) fn rename(&mut self, id: &str, name: String) {
        self.forget(id);
        self.ours.insert(name, id.to_owned());
    }

    /// The groups that the server knows nothing of: name and id.
    pub(super) fn ours(&self) -> Vec<(String, String)> {
        self.ours.iter().map(|(name, id)| (name.clone(), id.clone())).collect()
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
