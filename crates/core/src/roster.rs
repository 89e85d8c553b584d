//! A person's foreign contacts, in copies that merge.

mod edit;
mod entry;
mod settings;

use std::collections::BTreeMap;

use crate::address::Address;
use crate::contact::Contact;
use crate::time::UnixMillis;

pub use edit::RosterEdit;
use entry::Entry;
pub use entry::{Stamp, Stamps};
pub use settings::MAX_SETTINGS;

/// The most foreign contacts one person has, removed ones that are still remembered included.
pub const MAX_CONTACTS: usize = 2000;
/// Bytes that a contact takes where it is stored besides its names, labels and words, at the least.
const STORED: usize = 24;
/// The most bytes of names, labels and words in a person's list.
pub const MAX_LIST: usize = 1 << 20;

/// A person's foreign contacts.
///
/// Invariant: an entry stands at the address of its contact, and the sums are those of the entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    entries: BTreeMap<Address, Entry>,
    sums: Sums,
}

/// Sums over the entries of a roster that are asked for at every change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    /// The bytes of its contacts.
    weight: usize,
    /// The same with those that were removed and are remembered.
    whole: usize,
    newest: Stamp,
}

impl Sums {
    fn add(&mut self, entry: &Entry) {
        let weight = entry.contact.weight();
        self.whole += weight;
        self.weight += if entry.contact.is_empty() { 0 } else { weight };
        self.newest = self.newest.max(entry.stamps.newest());
    }

    fn take_away(&mut self, entry: &Entry) {
        let weight = entry.contact.weight();
        self.whole -= weight;
        self.weight -= if entry.contact.is_empty() { 0 } else { weight };
    }
}

impl Roster {
    fn of(entries: BTreeMap<Address, Entry>) -> Self {
        let mut sums = Sums::default();
        for entry in entries.values() {
            sums.add(entry);
        }
        Self { entries, sums }
    }

    /// The roster of these contacts, from a disk or another gateway, whatever the names and groups
    /// in them may be.
    pub fn of_entries(entries: impl IntoIterator<Item = (Contact, Stamps)>) -> Self {
        let entry = |(contact, stamps): (Contact, Stamps)| {
            (contact.address.clone(), Entry::written(contact, stamps))
        };
        Self::of(entries.into_iter().map(entry).collect())
    }

    /// Everything that [`Self::of_entries`] makes the same roster of, in order of address: also
    /// contacts that were removed and are remembered.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = (&Contact, &Stamps)> {
        self.entries.values().map(|entry| (&entry.contact, &entry.stamps))
    }

    /// Sums up anew what was changed in many places.
    fn sum_up(&mut self) {
        *self = Self::of(std::mem::take(&mut self.entries));
    }

    /// The contact at `address`.
    pub fn contact(&self, address: &Address) -> Option<&Contact> {
        self.entries.get(address).map(|e| &e.contact).filter(|c| !c.is_empty())
    }

    /// Whether there is a contact at `address`, or was one that was removed and is remembered.
    pub fn remembers(&self, address: &Address) -> bool {
        self.entries.contains_key(address)
    }

    /// Every contact, listed or not, in order of address.
    pub fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.entries.values().map(|e| &e.contact).filter(|c| !c.is_empty())
    }

    /// The contacts that stand in the buddy list.
    pub fn listed(&self) -> impl Iterator<Item = &Contact> {
        self.contacts().filter(|c| c.listed)
    }

    /// The newest stamp in the roster.
    pub const fn stamp(&self) -> Stamp {
        self.sums.newest
    }

    /// Whether one more contact fits.
    pub fn has_room_for(&self, address: &Address) -> bool {
        self.entries.contains_key(address) || self.entries.len() < MAX_CONTACTS
    }

    /// Roughly the bytes that it takes where it is stored, and no more than it does.
    pub fn stored_bytes(&self) -> usize {
        self.sums.whole + self.entries.len() * STORED
    }

    /// The bytes that its contacts take.
    pub const fn weight(&self) -> usize {
        self.sums.weight
    }

    /// Whether `contact` fits in place of what there is at its address.
    fn takes(&self, contact: &Contact) -> bool {
        let old = self.entries.get(&contact.address).map_or(0, |entry| entry.contact.weight());
        let (new, whole) = (contact.weight(), self.sums.whole);
        self.has_room_for(&contact.address) && (new <= old || whole - old + new <= MAX_LIST)
    }

    /// Writes what is new in `contact`, or forgets it where it [is empty](Contact::is_empty).
    /// Returns whether it was written: what makes a full roster fuller is not.
    ///
    /// A request does not overrule an answer that another copy has and this one had not.
    pub fn put(&mut self, contact: Contact, stamp: Stamp) -> bool {
        if !self.takes(&contact) {
            // Memories of removed contacts make room for a contact. Their price: a copy that was
            // away for long may bring one back.
            self.forget_removed();
            if !self.takes(&contact) {
                return false;
            }
        }
        let (address, wiped) = (contact.address.clone(), self.wiped());
        let entry = self.entries.entry(address.clone());
        let entry = entry.and_modify(|old| self.sums.take_away(old));
        let entry = entry.or_insert_with(|| Entry::unwritten(address));
        entry.write(contact, stamp, wiped);
        self.sums.add(entry);
        true
    }

    /// Forgets everything that was written up to `stamp`, here and in every roster that this one
    /// is merged with, so that no copy brings it back.
    pub fn wipe(&mut self, stamp: Stamp) {
        let mut wiped = Self::default();
        wiped.note_wipe(stamp);
        self.merge(wiped);
    }

    /// Stamp of the last wipe of the roster; the earliest stamp if there was none.
    fn wiped(&self) -> Stamp {
        self.entries.get(&wiping()).map(|entry| entry.stamps.newest()).unwrap_or_default()
    }

    /// Time of the last [wipe](Self::wipe), if there was one.
    pub fn wiped_at(&self) -> Option<UnixMillis> {
        self.entries.contains_key(&wiping()).then(|| UnixMillis(self.wiped().millis))
    }

    fn note_wipe(&mut self, stamp: Stamp) {
        let stamps = Stamps::of_all(stamp);
        self.entries.insert(wiping(), Entry { stamps, ..Entry::unwritten(wiping()) });
        self.sum_up();
    }

    /// Takes what is newer of every contact, part by part, and none that either has
    /// [wiped](Self::wipe). Returns whether this roster changed.
    pub fn merge(&mut self, mut other: Self) -> bool {
        let mut changed = false;
        if other.wiped() > self.wiped() {
            let wiped = other.wiped();
            self.entries.retain(|_, entry| entry.stamps.newest() > wiped);
            self.note_wipe(wiped);
            changed = true;
        }
        let wiped = self.wiped();
        // What either side has wiped stays away, also where the other still has it.
        other.entries.retain(|at, entry| *at != wiping() && entry.stamps.newest() > wiped);
        for (address, theirs) in other.entries {
            if theirs.is_news_to(&self.entries, &address) && self.has_room_for(&address) {
                match self.entries.get_mut(&address) {
                    Some(ours) => ours.merge(theirs),
                    None => drop(self.entries.insert(address, theirs)),
                }
                changed = true;
            }
        }
        if changed {
            self.sum_up();
        }
        changed
    }

    /// Drops what was written after `latest`. Returns whether there was anything.
    pub fn drop_after(&mut self, latest: UnixMillis) -> bool {
        let before = self.entries.len();
        self.entries.retain(|_, entry| entry.stamps.newest().millis <= latest.0);
        self.sum_up();
        self.entries.len() < before
    }

    /// The entries of which `other` lacks something or has it older: what merging this roster
    /// into it changes.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        let newer = |(at, entry): &(&Address, &Entry)| entry.is_news_to(&other.entries, at);
        let entries = self.entries.iter().filter(newer);
        Self::of(entries.map(|(a, e)| (a.clone(), e.clone())).collect())
    }

    /// The entries at these addresses, those of removed contacts included.
    #[must_use]
    pub fn part<'a>(&self, addresses: impl IntoIterator<Item = &'a Address>) -> Self {
        let entries = addresses.into_iter().filter_map(|a| self.entries.get_key_value(a));
        Self::of(entries.map(|(a, e)| (a.clone(), e.clone())).collect())
    }

    /// Cuts the roster in two that merge to it again, to carry it in smaller pieces.
    /// `None` where it has one entry or none.
    pub fn halves(&self) -> Option<(Self, Self)> {
        let middle = self.entries.keys().nth(self.entries.len() / 2)?;
        let mut low = self.entries.clone();
        let high = low.split_off(middle);
        (!low.is_empty()).then(|| (Self::of(low), Self::of(high)))
    }

    /// Whether nothing is remembered, removed contacts included.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Drops the oldest half of the memories of removed contacts.
    fn forget_removed(&mut self) {
        // The stamp of a wipe is no memory to forget: without it the wiped contacts would come
        // back. The settings are no memory at all.
        let kept = [wiping(), settings::place()];
        let kept = kept.map(|at| self.entries.remove_entry(&at));
        let removed = self.entries.values().filter(|e| e.contact.is_empty());
        let mut stamps: Vec<_> = removed.map(|e| e.stamps.newest()).collect();
        stamps.sort_unstable();
        if let Some(&middle) = stamps.get(stamps.len() / 2) {
            self.entries.retain(|_, e| !e.contact.is_empty() || e.stamps.newest() > middle);
        }
        self.entries.extend(kept.into_iter().flatten());
        self.sum_up();
    }
}

/// Reserved name under which the stamp of a wipe stands, among those of removed contacts.
fn wiping() -> Address {
    Address::nobody("wiped")
}

#[cfg(test)]
mod tests;
