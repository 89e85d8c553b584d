//! The groups of a client's list.

use std::collections::BTreeMap;

use crosstalk_core::{Address, MAX_LABEL};
use sha1::{Digest, Sha1};

use crate::msnp::wire::{Command, decode};

/// The first of our numbers of groups: servers count from 0.
const FIRST_GROUP: u32 = 90;
/// The most groups of a server's list that are told apart, and the longest id of one, in bytes.
const MAX_GROUPS: usize = 1_000;
const MAX_ID: usize = 64;

/// The groups of the client's list.
#[derive(Clone)]
pub(super) struct Groups {
    guids: bool,
    /// Ids by name.
    names: BTreeMap<String, String>,
    /// Names by id, in small letters.
    ids: BTreeMap<String, Named>,
    /// Number of them that the server knows.
    servers: usize,
    /// The next of our numbers.
    next: u32,
    bytes: usize,
}

/// Group with its name.
#[derive(Clone)]
struct Named {
    name: String,
    /// The server knows nothing of it.
    ours: bool,
}

impl Groups {
    /// The groups of a list in the words of `version`.
    pub(super) const fn new(version: u32) -> Self {
        Self {
            guids: version >= 10,
            names: BTreeMap::new(),
            ids: BTreeMap::new(),
            servers: 0,
            next: FIRST_GROUP,
            bytes: 0,
        }
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
        let known = self.ids.contains_key(&id.to_ascii_lowercase());
        if (known || self.servers < MAX_GROUPS) && is_kept(&name, &id) {
            self.put(name, id, false);
        }
    }

    /// The group called `id`.
    pub(super) fn name(&self, id: &str) -> Option<&String> {
        self.ids.get(&id.to_ascii_lowercase()).map(|named| &named.name)
    }

    /// Whether the server knows nothing of the group called `id`.
    pub(super) fn is_ours(&self, id: &str) -> bool {
        self.ids.get(&id.to_ascii_lowercase()).is_some_and(|named| named.ours)
    }

    /// Forgets a group of ours.
    pub(super) fn forget(&mut self, id: &str) {
        if self.is_ours(id) {
            self.remove(&id.to_ascii_lowercase());
        }
    }

    /// Gives a group of ours another name.
    pub(super) fn rename(&mut self, id: &str, name: String) {
        self.put(name, id.to_owned(), true);
    }

    /// The groups that the server knows nothing of: name and id.
    pub(super) fn ours(&self) -> Vec<(String, String)> {
        let is_ours = |(_, id): &(&String, &String)| self.is_ours(id);
        self.names.iter().filter(is_ours).map(|(name, id)| (name.clone(), id.clone())).collect()
    }

    /// The id of the group `name`, which becomes one of ours if the server has none.
    pub(super) fn id(&mut self, name: &str) -> String {
        if let Some(id) = self.names.get(name) {
            return id.clone();
        }
        let id = if self.guids { guid(id_of(&format!("group {name}"))) } else { self.number() };
        self.put(name.to_owned(), id.clone(), true);
        id
    }

    /// The id of the group `name`, if it has one.
    pub(super) fn known_id(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(String::as_str)
    }

    /// Bytes that the groups take.
    pub(super) const fn weight(&self) -> usize {
        self.bytes
    }

    /// A number that no group has.
    fn number(&mut self) -> String {
        loop {
            let id = self.next.to_string();
            self.next = self.next.wrapping_add(1);
            if !self.ids.contains_key(&id) {
                return id;
            }
        }
    }

    fn put(&mut self, name: String, id: String, ours: bool) {
        let key = id.to_ascii_lowercase();
        self.remove(&key);
        if let Some(before) = self.names.insert(name.clone(), id) {
            self.remove_id(&before.to_ascii_lowercase(), &name);
        }
        self.bytes += cost(&name, &key);
        self.servers += usize::from(!ours);
        self.ids.insert(key, Named { name, ours });
    }

    fn remove(&mut self, key: &str) {
        let Some(name) = self.ids.get(key).map(|named| named.name.clone()) else { return };
        self.names.remove(&name);
        self.remove_id(key, &name);
    }

    fn remove_id(&mut self, key: &str, name: &str) {
        if let Some(named) = self.ids.remove(key) {
            self.servers -= usize::from(!named.ours);
            self.bytes -= cost(name, key);
        }
    }
}

/// Whether a group of the server's is told apart from others.
fn is_kept(name: &str, id: &str) -> bool {
    id.len() <= MAX_ID && name.len() <= MAX_LABEL
}

/// The first of the groups that a server names, as many as are told apart.
pub(super) fn kept(groups: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    groups.filter(|(name, id)| is_kept(name, id)).take(MAX_GROUPS).collect()
}

/// Bytes that a group takes, roughly.
const fn cost(name: &str, id: &str) -> usize {
    128 + 2 * (name.len() + id.len())
}

/// A number that stands for `what`, the same each time.
fn id_of(what: &str) -> u128 {
    let hash = Sha1::digest(what.as_bytes());
    hash.first_chunk::<16>().map_or(0, |front| u128::from_be_bytes(*front))
}

/// The number that stands for a contact.
pub(super) fn contact_id(address: &Address) -> u128 {
    id_of(&address.to_string())
}

/// A number as a GUID.
pub(super) fn guid(id: u128) -> String {
    let hex = format!("{id:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}

/// The number in a GUID, in whatever case.
pub(super) fn read_guid(text: &str) -> Option<u128> {
    let parts: Vec<&str> = text.split('-').take(6).collect();
    let whole = parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]);
    let hex = text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    (whole && hex).then(|| u128::from_str_radix(&parts.concat(), 16).ok()).flatten()
}

/// The GUID of a contact.
pub(super) fn contact_guid(address: &Address) -> String {
    guid(contact_id(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_read_as_they_are_written() {
        let id = contact_id(&"bob@aol".parse().unwrap());
        assert_eq!(read_guid(&guid(id)), Some(id));
        assert_eq!(read_guid(&guid(id).to_uppercase()), Some(id));
        for bad in
            ["", "-", "12345678-1234-1234-1234-12345678901", "+2345678-1234-1234-1234-123456789012"]
        {
            assert_eq!(read_guid(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_group_has_one_name_and_a_name_one_group() {
        let mut groups = Groups::new(11);
        groups.note("Work".into(), "A-1".into());
        groups.note("Office".into(), "a-1".into());
        assert_eq!(groups.name("A-1").unwrap(), "Office");
        assert_ne!(groups.id("Work"), "A-1", "the old name is nobody's");
        let work = groups.id("Work");
        assert!(groups.is_ours(&work));
        groups.note("Work".into(), "B-2".into());
        assert!(groups.name(&work).is_none() && groups.id("Work") == "B-2");
        groups.forget("B-2");
        assert_eq!(groups.name("b-2").unwrap(), "Work", "the server's is not ours to forget");
    }

    #[test]
    fn many_groups_cost_no_more_than_their_names() {
        let mut groups = Groups::new(9);
        let begun = std::time::Instant::now();
        let ids: Vec<String> = (0..20_000).map(|n| groups.id(&n.to_string())).collect();
        assert_eq!((ids[0].as_str(), ids[19_999].as_str()), ("90", "20089"));
        // Before, each was looked for among all: 400,000,000 steps and more.
        assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
        for n in 0..5_000 {
            groups.note("x".repeat(n), format!("s{n}"));
        }
        assert_eq!(groups.servers, MAX_LABEL + 1);
        groups.ids.keys().cloned().collect::<Vec<_>>().iter().for_each(|id| groups.remove(id));
        assert_eq!((groups.weight(), groups.servers, groups.names.len()), (0, 0, 0));
    }
}
