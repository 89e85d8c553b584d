//! A person's foreign buddies, and the consent between the two sides.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::envelope::Consent;
use crate::rich::RichText;
use crate::time::UnixMillis;

/// The most foreign contacts one person has, removed ones that are still remembered included.
pub const MAX_CONTACTS: usize = 2000;
/// The longest alias or group name, in bytes.
pub const MAX_LABEL: usize = 512;
/// The most groups of one contact.
pub const MAX_GROUPS: usize = 32;

/// How far consent has gone, in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Never asked, refused or withdrawn.
    #[default]
    None,
    /// Asked with these words, and not answered.
    Asked(RichText),
    /// Granted.
    Granted,
}

/// One foreign person in somebody's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Who.
    pub address: Address,
    /// The spelling under which the owner added the contact: the only one the owner is shown.
    pub spelling: String,
    /// The owner's name for the contact.
    pub alias: Option<String>,
    /// The owner's groups that hold the contact.
    pub groups: Vec<String>,
    /// Whether the contact stands in the owner's buddy list. One that only asked, or is only
    /// blocked, does not.
    pub listed: bool,
    /// May the owner see the contact's presence?
    pub to: Standing,
    /// May the contact see the owner's presence?
    pub from: Standing,
    /// The owner wants to hear nothing of the contact and show nothing to it.
    pub blocked: bool,
}

impl Contact {
    /// A contact that is neither listed nor asked nor blocked.
    pub const fn new(address: Address, spelling: String) -> Self {
        Self {
            address,
            spelling,
            alias: None,
            groups: Vec::new(),
            listed: false,
            to: Standing::None,
            from: Standing::None,
            blocked: false,
        }
    }

    /// Applies a step of consent that the owner took. Returns whether anything changed.
    pub fn sent(&mut self, step: &Consent) -> bool {
        match step {
            Consent::Request(_) if self.to == Standing::Granted => false,
            Consent::Request(text) => replace(&mut self.to, Standing::Asked(text.clone())),
            Consent::Cancel => replace(&mut self.to, Standing::None),
            Consent::Grant => replace(&mut self.from, Standing::Granted),
            Consent::Revoke => replace(&mut self.from, Standing::None),
        }
    }

    /// Applies a step of consent that the contact took. Returns whether anything changed.
    ///
    /// A grant nobody asked for is remembered only for a listed contact, so that strangers
    /// cannot put themselves on a list.
    pub fn received(&mut self, step: &Consent) -> bool {
        match step {
            Consent::Request(_) if self.from == Standing::Granted => false,
            Consent::Request(text) => replace(&mut self.from, Standing::Asked(text.clone())),
            Consent::Cancel => replace(&mut self.from, Standing::None),
            Consent::Grant if self.listed || self.to != Standing::None => {
                replace(&mut self.to, Standing::Granted)
            }
            Consent::Grant => false,
            Consent::Revoke => replace(&mut self.to, Standing::None),
        }
    }

    /// Whether nothing worth remembering is left.
    pub fn is_blank(&self) -> bool {
        !self.listed && !self.blocked && self.to == Standing::None && self.from == Standing::None
    }
}

fn replace(standing: &mut Standing, with: Standing) -> bool {
    let changed = *standing != with;
    *standing = with;
    changed
}

/// What an owner changes in the own list. Consent is not among it: that is said to the
/// contact, in an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RosterEdit {
    /// Lists a contact, or renames or regroups a listed one.
    List {
        /// Who.
        address: Address,
        /// As the owner's client spells it.
        spelling: String,
        /// The owner's name for the contact.
        alias: Option<String>,
        /// The groups.
        groups: Vec<String>,
    },
    /// Takes a contact off the list; consent in both directions ends.
    Remove(Address),
    /// Blocks or unblocks.
    Block(Address, bool),
}

/// A hybrid logical clock reading: milliseconds pushed forward where the clock lags, and the
/// writer to break ties.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Stamp {
    /// Milliseconds since the epoch, never behind an earlier stamp that was seen.
    pub millis: u64,
    /// Who wrote.
    pub writer: u64,
}

impl Stamp {
    /// The stamp of a write at `wall` by `writer` that follows this one.
    #[must_use]
    pub fn next(self, wall: UnixMillis, writer: u64) -> Self {
        Self { millis: wall.0.max(self.millis + 1), writer }
    }
}

/// A contact with the times of the last writes to its parts. Contacts that are blank leave
/// their stamps behind, so that a merge after a partition loses neither adds nor removes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    contact: Contact,
    stamps: Stamps,
}

/// When the parts of a contact were written, each by itself: copies that were changed at two
/// gateways at once keep what was changed at either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stamps {
    /// Spelling, alias, groups, and whether it is listed.
    listing: Stamp,
    to: Stamp,
    from: Stamp,
    blocked: Stamp,
}

impl Stamps {
    const fn of_all(stamp: Stamp) -> Self {
        Self { listing: stamp, to: stamp, from: stamp, blocked: stamp }
    }

    const fn all(&self) -> [Stamp; 4] {
        [self.listing, self.to, self.from, self.blocked]
    }

    fn newest(&self) -> Stamp {
        self.all().into_iter().max().unwrap_or_default()
    }

    /// Whether any part is newer than in `other`.
    fn are_beyond(&self, other: &Self) -> bool {
        self.all().iter().zip(other.all()).any(|(ours, theirs)| *ours > theirs)
    }
}

impl Entry {
    /// What stands where nothing was written.
    fn unwritten(address: Address) -> Self {
        Self { contact: Contact::new(address, String::new()), stamps: Stamps::default() }
    }

    /// Writes the parts that differ. A decision is written at `stamp`; what decides nothing, a
    /// request or the spelling of who is not listed, follows directly on what it was written
    /// over or `wiped`, so that it gives way to every decision that was not known here.
    fn write(&mut self, contact: Contact, stamp: Stamp, wiped: Stamp) {
        let weak = |over: Stamp| over.max(wiped).next(UnixMillis(0), stamp.writer);
        let asked = |standing: &Standing| matches!(standing, Standing::Asked(_));
        let (old, stamps) = (&self.contact, &mut self.stamps);
        if listing(old) != listing(&contact) {
            let decides = contact.listed || old.listed;
            stamps.listing = if decides { stamp } else { weak(stamps.listing) };
        }
        for (old, new, at) in
            [(&old.to, &contact.to, &mut stamps.to), (&old.from, &contact.from, &mut stamps.from)]
        {
            if old != new {
                *at = if asked(new) { weak(*at) } else { stamp };
            }
        }
        if old.blocked != contact.blocked {
            stamps.blocked = stamp;
        }
        self.contact = contact;
    }

    /// Whether any part is newer than what stands at `address`, or nothing does.
    fn is_news_to(&self, entries: &BTreeMap<Address, Self>, address: &Address) -> bool {
        entries.get(address).is_none_or(|entry| self.stamps.are_beyond(&entry.stamps))
    }

    /// Takes the newer of every part.
    fn merge(&mut self, other: Self) {
        let (stamps, theirs) = (&mut self.stamps, other.stamps);
        let (ours, new) = (&mut self.contact, other.contact);
        if theirs.listing > stamps.listing {
            (ours.spelling, ours.alias) = (new.spelling, new.alias);
            (ours.groups, ours.listed) = (new.groups, new.listed);
            stamps.listing = theirs.listing;
        }
        if theirs.to > stamps.to {
            (ours.to, stamps.to) = (new.to, theirs.to);
        }
        if theirs.from > stamps.from {
            (ours.from, stamps.from) = (new.from, theirs.from);
        }
        if theirs.blocked > stamps.blocked {
            (ours.blocked, stamps.blocked) = (new.blocked, theirs.blocked);
        }
    }
}

fn listing(contact: &Contact) -> (bool, &str, Option<&str>, &[String]) {
    (contact.listed, &contact.spelling, contact.alias.as_deref(), &contact.groups)
}

/// A person's foreign contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    entries: BTreeMap<Address, Entry>,
}

impl Roster {
    /// The contact at `address`.
    pub fn contact(&self, address: &Address) -> Option<&Contact> {
        self.entries.get(address).map(|e| &e.contact).filter(|c| !c.is_blank())
    }

    /// Whether there is a contact at `address`, or was one that was removed and is remembered.
    pub fn remembers(&self, address: &Address) -> bool {
        self.entries.contains_key(address)
    }

    /// Every contact, listed or not, in order of address.
    pub fn contacts(&self) -> impl Iterator<Item = &Contact> {
        self.entries.values().map(|e| &e.contact).filter(|c| !c.is_blank())
    }

    /// The contacts that stand in the buddy list.
    pub fn listed(&self) -> impl Iterator<Item = &Contact> {
        self.contacts().filter(|c| c.listed)
    }

    /// The newest stamp in the roster.
    pub fn stamp(&self) -> Stamp {
        self.entries.values().map(|e| e.stamps.newest()).max().unwrap_or_default()
    }

    /// Whether one more contact fits.
    pub fn has_room_for(&self, address: &Address) -> bool {
        self.entries.contains_key(address) || self.entries.len() < MAX_CONTACTS
    }

    /// Writes what is new in `contact`, or forgets it where it [is blank](Contact::is_blank).
    /// Returns whether it was written: a new contact in a full roster is not.
    ///
    /// A request does not overrule an answer that another copy has and this one had not.
    pub fn put(&mut self, contact: Contact, stamp: Stamp) -> bool {
        if !self.has_room_for(&contact.address) {
            self.forget_removed();
            if !self.has_room_for(&contact.address) {
                return false;
            }
        }
        let (address, wiped) = (contact.address.clone(), self.wiped());
        let entry = self.entries.entry(address.clone());
        entry.or_insert_with(|| Entry::unwritten(address)).write(contact, stamp, wiped);
        true
    }

    /// Forgets everything that was written up to `stamp`, here and in every roster that this one
    /// is merged with, so that no copy brings it back.
    pub fn wipe(&mut self, stamp: Stamp) {
        let mut wiped = Self::default();
        wiped.note_wipe(stamp);
        self.merge(wiped);
    }

    /// When the roster was last wiped; the earliest stamp where it never was.
    fn wiped(&self) -> Stamp {
        self.entries.get(&wiping()).map(|entry| entry.stamps.newest()).unwrap_or_default()
    }

    fn note_wipe(&mut self, stamp: Stamp) {
        let stamps = Stamps::of_all(stamp);
        self.entries.insert(wiping(), Entry { stamps, ..Entry::unwritten(wiping()) });
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
        changed
    }

    /// The entries of which `other` lacks something or has it older: what merging this roster
    /// into it changes.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        let newer = |(at, entry): &(&Address, &Entry)| entry.is_news_to(&other.entries, at);
        let entries = self.entries.iter().filter(newer);
        Self { entries: entries.map(|(a, e)| (a.clone(), e.clone())).collect() }
    }

    /// Cuts the roster in two that merge to it again, to carry it in smaller pieces.
    /// `None` where it has one entry or none.
    pub fn halves(&self) -> Option<(Self, Self)> {
        let middle = self.entries.keys().nth(self.entries.len() / 2)?;
        let mut low = self.entries.clone();
        let high = low.split_off(middle);
        (!low.is_empty()).then_some((Self { entries: low }, Self { entries: high }))
    }

    /// Whether nothing is remembered, removed contacts included.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Drops the oldest half of the memories of removed contacts.
    fn forget_removed(&mut self) {
        let wiped = self.entries.remove(&wiping());
        let removed = self.entries.values().filter(|e| e.contact.is_blank());
        let mut stamps: Vec<_> = removed.map(|e| e.stamps.newest()).collect();
        stamps.sort_unstable();
        if let Some(&middle) = stamps.get(stamps.len() / 2) {
            self.entries.retain(|_, e| !e.contact.is_blank() || e.stamps.newest() > middle);
        }
        self.entries.extend(wiped.map(|entry| (wiping(), entry)));
    }
}

/// Where the stamp of a wipe stands, among those of removed contacts. Nobody has this name.
fn wiping() -> Address {
    Address::nobody("wiped")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(name: &str) -> Contact {
        let address: Address = name.parse().unwrap();
        Contact { listed: true, ..Contact::new(address, name.to_owned()) }
    }

    fn at(millis: u64) -> Stamp {
        Stamp { millis, writer: 1 }
    }

    #[test]
    fn consent_goes_from_asked_to_granted_to_none() {
        let (mut asker, mut asked) = (contact("bob@yahoo"), contact("alice@aol"));
        asked.listed = false;
        let request = Consent::Request(RichText::plain("hi"));
        assert!(asker.sent(&request) && asked.received(&request));
        assert_eq!(asked.from, Standing::Asked(RichText::plain("hi")));
        assert!(asked.sent(&Consent::Grant) && asker.received(&Consent::Grant));
        assert_eq!((&asker.to, &asked.from), (&Standing::Granted, &Standing::Granted));
        assert!(!asked.received(&request), "asking again changes nothing");
        assert!(asker.sent(&Consent::Cancel) && asked.received(&Consent::Cancel));
        assert!(asked.is_blank() && !asker.is_blank());
    }

    #[test]
    fn a_stranger_cannot_grant_himself_onto_a_list() {
        let mut stranger = Contact::new("eve@yahoo".parse().unwrap(), "eve@yahoo.xt".into());
        assert!(!stranger.received(&Consent::Grant));
        assert!(stranger.is_blank());
    }

    #[test]
    fn merge_keeps_adds_and_removes_of_both_sides() {
        let mut left = Roster::default();
        left.put(contact("a@aol"), at(1));
        left.put(contact("b@aol"), at(2));
        let mut right = left.clone();
        let mut gone = contact("a@aol");
        gone.listed = false;
        left.put(gone, at(3));
        right.put(contact("c@aol"), at(3));
        let (l, r) = (left.clone(), right.clone());
        assert!(left.merge(r) && right.merge(l));
        assert_eq!(left, right);
        let names: Vec<_> = left.listed().map(|c| c.address.to_string()).collect();
        assert_eq!(names, ["b@aol", "c@aol"]);
        assert!(!left.merge(right), "merging again changes nothing");
    }

    #[test]
    fn merge_keeps_what_was_changed_in_different_parts() {
        let mut left = Roster::default();
        left.put(contact("a@aol"), at(1));
        let mut right = left.clone();
        right.put(Contact { from: Standing::Granted, ..contact("a@aol") }, at(5));
        left.put(Contact { alias: Some("Al".into()), ..contact("a@aol") }, at(7));
        left.put(
            Contact { to: Standing::Granted, alias: Some("Al".into()), ..contact("a@aol") },
            at(9),
        );
        let (l, r) = (left.clone(), right.clone());
        assert!(left.merge(r) && right.merge(l));
        assert_eq!(left, right);
        let both = left.contact(&"a@aol".parse().unwrap()).unwrap();
        assert_eq!((&both.to, &both.from), (&Standing::Granted, &Standing::Granted));
        assert_eq!(both.alias.as_deref(), Some("Al"));
    }

    #[test]
    fn a_request_overrules_only_the_answers_it_follows() {
        let asked = Contact { from: Standing::Asked("hi".into()), ..contact("a@aol") };
        let granted = Contact { from: Standing::Granted, ..contact("a@aol") };
        let address = &"a@aol".parse().unwrap();
        let mut here = Roster::default();
        here.put(asked.clone(), at(1));
        let mut stale = here.clone();
        here.put(granted, at(100));
        let again = Contact { from: Standing::Asked("hello?".into()), ..asked.clone() };
        stale.put(again, at(200));
        assert!(stale.merge(here.clone()) && !here.merge(stale.clone()));
        assert_eq!(here.contact(address).unwrap().from, Standing::Granted);
        here.put(contact("a@aol"), at(300));
        here.put(asked.clone(), at(400));
        assert!(stale.merge(here.clone()));
        assert_eq!(stale.contact(address), Some(&asked), "taken back, and asked for again");
        here.wipe(here.stamp());
        here.put(asked.clone(), at(500));
        assert!(stale.merge(here) && stale.contact(address) == Some(&asked), "after a wipe");
    }

    #[test]
    fn halves_and_differences_merge_to_the_whole() {
        let mut whole = Roster::default();
        for i in 0..5 {
            whole.put(contact(&format!("u{i}@aol")), at(i));
        }
        let (mut low, high) = whole.halves().unwrap();
        assert_eq!(whole.beyond(&low), high);
        low.merge(high);
        assert_eq!(low, whole);
        assert!(whole.beyond(&low).is_empty() && Roster::default().halves().is_none());
    }

    #[test]
    fn a_full_roster_refuses_but_forgets_removed_ones_first() {
        let mut roster = Roster::default();
        for i in 0..MAX_CONTACTS {
            assert!(roster.put(contact(&format!("u{i}@aol")), at(i as u64)));
        }
        assert!(!roster.put(contact("late@aol"), at(9999)));
        let mut gone = contact("u0@aol");
        gone.listed = false;
        assert!(roster.put(gone, at(10_000)));
        assert!(roster.remembers(&"u0@aol".parse().unwrap()));
        assert!(roster.put(contact("late@aol"), at(10_001)));
    }

    #[test]
    fn what_was_wiped_comes_back_from_no_copy() {
        let mut here = Roster::default();
        for (name, millis) in [("a@aol", 1), ("b@aol", 5)] {
            here.put(contact(name), at(millis));
        }
        let (copy, mut late) = (here.clone(), here.clone());
        late.put(contact("c@aol"), at(9));
        here.wipe(here.stamp());
        assert_eq!((here.contacts().count(), here.stamp()), (0, at(5)));
        assert!(!here.merge(copy), "an old copy changes nothing");
        let mut there = late.clone();
        assert!(here.merge(late) && there.merge(here.clone()));
        assert_eq!(here, there);
        let names: Vec<_> = here.listed().map(|c| c.address.to_string()).collect();
        assert_eq!(names, ["c@aol"], "what was written later stays");
        let mut empty = Roster::default();
        assert!(empty.merge(here.clone()) && !empty.merge(here));
    }

    #[test]
    fn stamps_never_go_back() {
        let first = Stamp::default().next(UnixMillis(100), 1);
        let second = first.next(UnixMillis(50), 2);
        assert!(second > first);
    }
}
