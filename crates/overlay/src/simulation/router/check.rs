//! Facts about the clients of a gateway, for checks over all gateways.

use std::collections::{BTreeMap, BTreeSet};

use crosstalk_core::{Address, Availability, Contact, Presence, Roster};

use super::{Client, Router};

/// Something that a client shows of a contact.
pub(in super::super) struct Sight {
    /// Owner of the client.
    pub(in super::super) by: Address,
    pub(in super::super) of: Address,
    pub(in super::super) presence: Presence,
    /// Whether its list says that it may see the contact.
    pub(in super::super) may_see: bool,
}

impl<R> Router<R> {
    fn clients(&self) -> impl Iterator<Item = (&Address, &Client)> {
        let slots = self.here.values().map(|slot| &self.slots[slot]);
        slots.flat_map(|slot| slot.clients.values().map(|client| (slot.account.user(), client)))
    }

    /// The people who have a client here, and the most available that one of them announced.
    pub(in super::super) fn announced(&self) -> BTreeMap<Address, Availability> {
        let mut all = BTreeMap::new();
        for (user, client) in self.clients() {
            let most: &mut Availability = all.entry(user.clone()).or_default();
            *most = (*most).max(client.announced);
        }
        all
    }

    /// Everything that clients here show of other people's presence; or `only_present`, that of
    /// clients which have taken all their mail.
    pub(in super::super) fn sights(&self, only_present: bool) -> Vec<Sight> {
        let mut all = Vec::new();
        for (by, client) in self.clients().filter(|(_, c)| !only_present || !c.is_behind()) {
            let sees = client.sees();
            let of: BTreeSet<_> = sees.iter().copied().chain(client.seen.keys()).collect();
            all.extend(of.into_iter().map(|of| Sight {
                by: by.clone(),
                of: of.clone(),
                presence: client.seen.get(of).cloned().unwrap_or_default(),
                may_see: sees.contains(of),
            }));
        }
        all
    }

    /// The people here whose clients show another list than `stored` has.
    pub(in super::super) fn wrong_lists(
        &self,
        stored: impl Fn(&Address) -> Roster,
    ) -> Vec<(Address, String)> {
        let mut wrong = Vec::new();
        for (owner, client) in self.clients() {
            let roster = stored(owner);
            let contacts = roster.contacts().map(|c| (c.address.clone(), c.clone()));
            let stored: BTreeMap<Address, Contact> = contacts.collect();
            if client.list.as_ref() != Some(&stored) {
                wrong.push((owner.clone(), format!("{:?}, stored {stored:?}", client.list)));
            }
        }
        wrong
    }

    /// The people whom accounts here watch.
    pub(in super::super) fn watched(&self) -> impl Iterator<Item = &Address> {
        self.watchers.keys()
    }

    /// Whether every client has shown everything that it was told.
    pub(in super::super) fn is_quiet(&self) -> bool {
        self.clients().all(|(_, client)| !client.is_behind() && client.takes)
    }
}
