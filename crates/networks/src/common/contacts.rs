//! Foreign contacts of a person, as an engine keeps them, and the names under which clients see them.

use std::collections::BTreeMap;

use crosstalk_core::{Address, Contact, MAX_CONTACTS, Names};

/// The foreign contacts; unknown before the gateway told them.
#[derive(Clone, Default)]
pub(crate) struct Contacts(Option<BTreeMap<Address, Contact>>);

impl Contacts {
    /// Takes all of them.
    pub(crate) fn fill<'a>(&mut self, contacts: impl Iterator<Item = &'a Contact>) {
        self.0 = Some(contacts.map(|c| (c.address.clone(), c.clone())).collect());
    }

    /// Whether the gateway told them.
    pub(crate) const fn are_known(&self) -> bool {
        self.0.is_some()
    }

    /// Writes a contact, or forgets one that is empty. Does nothing before all of them are known:
    /// they come with this one among them. Returns whether it did.
    pub(crate) fn put(&mut self, contact: &Contact) -> bool {
        let Some(known) = &mut self.0 else { return false };
        if contact.is_empty() {
            known.remove(&contact.address);
        } else {
            known.insert(contact.address.clone(), contact.clone());
        }
        true
    }

    /// A contact.
    pub(crate) fn get(&self, address: &Address) -> Option<&Contact> {
        self.0.as_ref()?.get(address)
    }

    /// Every contact that is known.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Contact> {
        self.0.iter().flat_map(BTreeMap::values)
    }

    /// Whether the list has room for a contact, or has it.
    pub(crate) fn have_room_for(&self, address: &Address) -> bool {
        let fits = |c: &BTreeMap<_, _>| c.len() < MAX_CONTACTS || c.contains_key(address);
        self.0.as_ref().is_none_or(fits)
    }
}

/// The name under which a client is shown `address`: as its owner spells it where clients take
/// that, or else the universal spelling. `None` where they take neither.
pub(crate) fn spelling(
    contact: Option<&Contact>,
    address: &Address,
    names: &Names,
    is_taken: impl Fn(&str) -> bool,
) -> Option<String> {
    let own = contact.map(|contact| contact.spelling.clone());
    let is_taken = |name: &String| is_taken(name);
    own.filter(is_taken).or_else(|| Some(names.universal(address)).filter(is_taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(address: &str) -> Contact {
        let contact = Contact::new(address.parse().unwrap(), String::new());
        Contact { listed: true, ..contact }
    }

    #[test]
    fn an_empty_contact_is_forgotten_and_none_is_written_before_all_are_known() {
        let (alice, mut contacts) = (contact("alice@aol"), Contacts::default());
        assert!(!contacts.put(&alice) && contacts.have_room_for(&alice.address));
        contacts.fill([contact("bob@aol")].iter());
        assert!(contacts.put(&alice) && contacts.iter().count() == 2);
        let gone = Contact::new(alice.address.clone(), String::new());
        assert!(contacts.put(&gone) && contacts.get(&alice.address).is_none());
    }

    #[test]
    fn a_full_list_has_room_for_those_in_it_alone() {
        let all: Vec<_> = (0..MAX_CONTACTS).map(|n| contact(&format!("c{n}@aol"))).collect();
        let mut contacts = Contacts::default();
        contacts.fill(all.iter());
        assert!(contacts.have_room_for(&all[0].address));
        assert!(!contacts.have_room_for(&"new@aol".parse().unwrap()));
    }
}
