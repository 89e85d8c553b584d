//! Members of the overlay: the networks that each may speak for, and the homes of a key.

use std::collections::BTreeMap;

use crosstalk_core::{HostPort, NetworkId, UnixMillis};

use super::key::head;
use crate::membership::{Admitted, Day, GatewayId, Key, Member, Membership};

/// Number of gateways that keep each record, where there are that many.
pub const REPLICAS: usize = 3;

/// The member list with this gateway in it: a fixed one, or that of a signed document.
#[derive(Debug)]
pub(crate) struct Members {
    own: GatewayId,
    replicas: usize,
    table: BTreeMap<GatewayId, Entry>,
    document: Option<Membership>,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    position: Key,
    addresses: Vec<HostPort>,
    networks: Vec<NetworkId>,
    until: Option<Day>,
    /// Its time as a member is not over. Where it is, it keeps its place among the homes until
    /// the next document, so that no clock decides where a record lives.
    belongs: bool,
    /// It may keep records of others.
    keeps: bool,
}

impl Members {
    /// The gateway `own`, which speaks for `networks`, and `others`; each record is kept by
    /// `replicas` of them.
    pub(crate) fn new(
        own: GatewayId,
        networks: Vec<NetworkId>,
        others: &[Member],
        replicas: usize,
    ) -> Self {
        let own_entry = Member { id: own, addresses: Vec::new(), networks };
        let all = others.iter().cloned().chain([own_entry]);
        let table = all.map(|m| (m.id, Entry::new(m, None, true))).collect();
        Self { own, replicas, table, document: None }
    }

    /// The gateway `own` among those of `document` at `now`. Where it is not among them, it is
    /// alone.
    pub(crate) fn of(
        own: GatewayId,
        document: Membership,
        now: UnixMillis,
        replicas: usize,
    ) -> Self {
        let entry = |admitted: Admitted| {
            let belongs = admitted.belongs(now);
            (admitted.member.id, Entry::new(admitted.member, admitted.until, belongs))
        };
        let mut table: BTreeMap<_, _> = document.members().map(entry).collect();
        // A gateway that nobody can call is not linked with others of its kind: what it kept,
        // they could not ask for.
        if table.values().any(Entry::is_callable) {
            for entry in table.values_mut() {
                entry.keeps = entry.is_callable();
            }
        }
        if table.get(&own).is_none_or(|entry| !entry.belongs) {
            let nobody = Member { id: own, addresses: Vec::new(), networks: Vec::new() };
            table = BTreeMap::from([(own, Entry::new(nobody, None, false))]);
        }
        Self { own, replicas, table, document: Some(document) }
    }

    /// The document; `None` for a fixed list.
    pub(crate) const fn document(&self) -> Option<&Membership> {
        self.document.as_ref()
    }

    /// The version of the document; 0 for a fixed list, which fits to all.
    pub(crate) fn era(&self) -> u64 {
        self.document.as_ref().map_or(0, Membership::version)
    }

    /// Whether `other` lists the same gateways with the same rights.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.document == other.document && self.table == other.table
    }

    /// Every other gateway that belongs.
    pub(crate) fn others(&self) -> impl Iterator<Item = Admitted> {
        let others = self.table.iter().filter(|(id, entry)| **id != self.own && entry.belongs);
        others.map(|(id, entry)| Admitted { member: entry.member(*id), until: entry.until })
    }

    /// This gateway as the list has it; `None` where it does not belong.
    pub(crate) fn own_entry(&self) -> Option<Admitted> {
        let entry = self.table.get(&self.own).filter(|entry| entry.belongs)?;
        Some(Admitted { member: entry.member(self.own), until: entry.until })
    }

    /// This gateway.
    pub(crate) const fn own(&self) -> GatewayId {
        self.own
    }

    /// Whether `id` belongs to the overlay.
    pub(crate) fn contains(&self, id: &GatewayId) -> bool {
        self.table.get(id).is_some_and(|entry| entry.belongs)
    }

    /// Members of `self` that, in `new`, are none or have other rights.
    pub(crate) fn changed_in(&self, new: &Self) -> Vec<GatewayId> {
        let kept = |id: &GatewayId, entry: &Entry| {
            new.table.get(id).is_some_and(|n| n.belongs && n.networks == entry.networks)
        };
        let others = self.table.iter().filter(|(id, entry)| **id != self.own && entry.belongs);
        others.filter(|(id, entry)| !kept(id, entry)).map(|(id, _)| *id).collect()
    }

    /// Whether `id` may speak for users of `network`. This gateway may for all: what it says
    /// to itself crosses no border.
    pub(crate) fn may_speak(&self, id: &GatewayId, network: &NetworkId) -> bool {
        let may = |entry: &Entry| entry.belongs && entry.networks.contains(network);
        *id == self.own || self.table.get(id).is_some_and(may)
    }

    /// Whether the list says where `id` can be called.
    pub(crate) fn is_callable(&self, id: &GatewayId) -> bool {
        self.table.get(id).is_some_and(Entry::is_callable)
    }

    /// The gateways that keep the records at `key`: those closest to it by XOR, of those that a
    /// document says can be called, if there are any.
    pub(crate) fn homes(&self, key: &Key) -> Vec<GatewayId> {
        let mut near: Vec<([u8; 32], GatewayId)> = Vec::with_capacity(self.replicas + 1);
        for (id, entry) in self.table.iter().filter(|(_, entry)| entry.keeps) {
            // Eight bytes tell most of those that are too far.
            let at_least = entry.position.head() ^ key.head();
            if near.get(self.replicas - 1).is_some_and(|(last, _)| head(last) < at_least) {
                continue;
            }
            let distance = entry.position.distance(key);
            let place = near.partition_point(|(other, _)| *other < distance);
            if place < self.replicas {
                near.truncate(self.replicas - 1);
                near.insert(place, (distance, *id));
            }
        }
        near.into_iter().map(|(_, id)| id).collect()
    }

    /// Whether `id` keeps the records at `key`.
    pub(crate) fn is_home(&self, id: &GatewayId, key: &Key) -> bool {
        let Some(entry) = self.table.get(id).filter(|entry| entry.keeps) else { return false };
        let distance = entry.position.distance(key);
        let is_closer = |e: &&Entry| e.keeps && e.position.distance(key) < distance;
        let closer = self.table.values().filter(is_closer);
        closer.take(self.replicas).count() < self.replicas
    }
}

impl Entry {
    fn new(member: Member, until: Option<Day>, belongs: bool) -> Self {
        let Member { id, addresses, networks } = member;
        let position = Key::of_gateway(&id);
        Self { position, addresses, networks, until, belongs, keeps: true }
    }

    fn is_callable(&self) -> bool {
        !self.addresses.is_empty()
    }

    fn member(&self, id: GatewayId) -> Member {
        Member { id, addresses: self.addresses.clone(), networks: self.networks.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> GatewayId {
        GatewayId::from_bytes([n; 32])
    }

    fn members(n: u8) -> Members {
        let aol = vec!["aol".parse().unwrap()];
        let others: Vec<_> = (1..n)
            .map(|i| Member { id: id(i), addresses: Vec::new(), networks: aol.clone() })
            .collect();
        Members::new(id(0), Vec::new(), &others, REPLICAS)
    }

    #[test]
    fn every_member_computes_the_same_homes() {
        let key = Key::of(&"alice@aol".parse().unwrap());
        let mut homes = members(20).homes(&key);
        assert_eq!(homes.len(), REPLICAS);
        homes.sort_unstable();
        let others: Vec<_> = (0..19)
            .map(|i| Member { id: id(i), addresses: Vec::new(), networks: Vec::new() })
            .collect();
        let mut theirs = Members::new(id(19), Vec::new(), &others, REPLICAS).homes(&key);
        theirs.sort_unstable();
        assert_eq!(homes, theirs);
        assert_eq!(members(1).homes(&key), [id(0)]);
        for n in 0..20 {
            assert_eq!(members(20).is_home(&id(n), &key), homes.contains(&id(n)));
        }
    }

    #[test]
    fn a_member_speaks_for_its_networks_only() {
        let (aol, yahoo) = ("aol".parse().unwrap(), "yahoo".parse().unwrap());
        let members = members(3);
        assert!(members.may_speak(&id(1), &aol) && !members.may_speak(&id(1), &yahoo));
        assert!(!members.may_speak(&id(9), &aol), "not a member");
    }
}
