//! Payers of entries, each with what is held at its cost.

use core::net::IpAddr;
use std::collections::HashMap;

use slab::Slab;

use super::Sum;

/// Payer of memory: an address, a user or a domain, all of whose entries together have a budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// The address that a client comes from; of IPv6, its /64 network.
    Address(IpAddr),
    /// A user of a proxy, wherever it comes from.
    User(Box<str>),
    /// A domain of a network in which anybody can have one.
    Domain(Box<str>),
}

/// The kind of a [`Payer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayerKind {
    /// [`Payer::Address`].
    Address,
    /// [`Payer::User`].
    User,
    /// [`Payer::Domain`].
    Domain,
}

impl Payer {
    const fn kind(&self) -> PayerKind {
        match self {
            Self::Address(_) => PayerKind::Address,
            Self::User(_) => PayerKind::User,
            Self::Domain(_) => PayerKind::Domain,
        }
    }
}

/// A payer's account.
#[derive(Debug)]
struct Account {
    payer: Payer,
    sum: Sum,
    /// Number of entries it pays for.
    entries: u32,
}

/// The accounts of all that pay for some entry, at places that stay.
#[derive(Debug, Default)]
pub(super) struct Payers {
    places: HashMap<Payer, u32>,
    accounts: Slab<Account>,
}

impl Payers {
    /// Makes `payer` pay for one more entry, and returns the payer's index.
    pub(super) fn engage(&mut self, payer: &Payer) -> u32 {
        if let Some(&place) = self.places.get(payer) {
            if let Some(account) = self.accounts.get_mut(place as usize) {
                account.entries += 1;
            }
            return place;
        }
        let account = Account { payer: payer.clone(), sum: Sum::default(), entries: 1 };
        let place = self.accounts.insert(account) as u32;
        self.places.insert(payer.clone(), place);
        place
    }

    /// The payer at `place` pays for one entry less, which is in its sum no more.
    pub(super) fn dismiss(&mut self, place: u32) {
        let Some(account) = self.accounts.get_mut(place as usize) else { return };
        account.entries -= 1;
        if account.entries == 0 {
            let account = self.accounts.remove(place as usize);
            self.places.remove(&account.payer);
        }
        if self.accounts.is_empty() {
            *self = Self::default();
        }
    }

    pub(super) fn kind(&self, place: u32) -> Option<PayerKind> {
        self.accounts.get(place as usize).map(|account| account.payer.kind())
    }

    pub(super) fn sum(&self, place: u32) -> Sum {
        self.accounts.get(place as usize).map_or(Sum::default(), |account| account.sum)
    }

    pub(super) fn sum_mut(&mut self, place: u32) -> Option<&mut Sum> {
        self.accounts.get_mut(place as usize).map(|account| &mut account.sum)
    }

    /// Every place with its sum and the number of entries in it.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, (Sum, u32))> {
        self.accounts.iter().map(|(place, a)| (place as u32, (a.sum, a.entries)))
    }
}
