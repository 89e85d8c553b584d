//! A contact and the times of its writes: what copies of a roster are merged by.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::clean::label;
use crate::contact::{Contact, Subscription};
use crate::time::UnixMillis;

/// A hybrid logical clock reading: milliseconds pushed forward where the clock lags, and the
/// writer to break ties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Milliseconds since the epoch, never behind an earlier stamp that was seen.
    pub millis: u64,
    /// Number of the writer.
    pub writer: u64,
}

impl Stamp {
    /// The stamp of a write at `wall` by `writer` that follows this one.
    #[must_use]
    pub fn next(self, wall: UnixMillis, writer: u64) -> Self {
        Self { millis: wall.0.max(self.millis.saturating_add(1)), writer }
    }
}

/// A contact with the times of the last writes to its parts. Contacts that are blank leave
/// their stamps behind, so that a merge after a partition loses neither adds nor removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) contact: Contact,
    pub(super) stamps: Stamps,
}

/// Stamps of the parts of a contact, each by itself: copies that were changed at two gateways at
/// once keep what was changed at either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// Spelling, alias, groups, and whether it is listed.
    pub listing: Stamp,
    /// Whether the owner may see the contact's presence.
    pub to: Stamp,
    /// Whether the contact may see the owner's presence.
    pub from: Stamp,
    /// Whether the owner blocks the contact.
    pub blocked: Stamp,
}

impl Stamps {
    pub(super) const fn of_all(stamp: Stamp) -> Self {
        Self { listing: stamp, to: stamp, from: stamp, blocked: stamp }
    }

    const fn all(&self) -> [Stamp; 4] {
        [self.listing, self.to, self.from, self.blocked]
    }

    pub(super) fn newest(&self) -> Stamp {
        self.all().into_iter().max().unwrap_or_default()
    }

    /// Whether any part is newer than in `other`.
    fn are_beyond(&self, other: &Self) -> bool {
        self.all().iter().zip(other.all()).any(|(ours, theirs)| *ours > theirs)
    }
}

impl Entry {
    /// An entry as it was written somewhere else or before.
    pub(super) fn written(contact: Contact, stamps: Stamps) -> Self {
        Self { contact: with_labels(contact), stamps }
    }

    /// An entry whose parts were never written.
    pub(super) fn unwritten(address: Address) -> Self {
        Self { contact: Contact::new(address, String::new()), stamps: Stamps::default() }
    }

    /// Writes the parts that differ. A decision is written at `stamp`; what decides nothing, a
    /// request or the spelling of who is not listed, follows directly on what it was written
    /// over or `wiped`, so that it gives way to every decision that was not known here.
    pub(super) fn write(&mut self, contact: Contact, stamp: Stamp, wiped: Stamp) {
        let weak = |over: Stamp| over.max(wiped).next(UnixMillis(0), stamp.writer);
        let asked = |standing: &Subscription| matches!(standing, Subscription::Asked(_));
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
    pub(super) fn is_news_to(&self, entries: &BTreeMap<Address, Self>, address: &Address) -> bool {
        entries.get(address).is_none_or(|entry| self.stamps.are_beyond(&entry.stamps))
    }

    /// Takes the newer of every part.
    pub(super) fn merge(&mut self, other: Self) {
        let (stamps, theirs) = (&mut self.stamps, other.stamps);
        let (ours, new) = (&mut self.contact, other.contact);
        // Strictly newer: a stamp names one write of one writer, so that equal stamps hold the
        // same.
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

/// A contact with its name and groups as all have them, where an earlier version or another gateway
/// wrote them.
fn with_labels(contact: Contact) -> Contact {
    let groups = contact.groups.into_iter().map(label).collect();
    Contact { alias: contact.alias.map(label), groups, ..contact }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_never_go_back() {
        let first = Stamp::default().next(UnixMillis(100), 1);
        let second = first.next(UnixMillis(50), 2);
        assert!(second > first);
    }
}
