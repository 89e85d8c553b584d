//! Who is here, and who here watches whom.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use crosstalk_core::Address;

use super::lock;
use super::person::Person;

/// A person's state and its lock.
pub(super) type Shared = Arc<Mutex<Person>>;

/// Two tables. Where locks are nested, the table's is taken before a person's.
#[derive(Default)]
pub(super) struct People {
    here: Mutex<HashMap<Address, Shared>>,
    watchers: Mutex<HashMap<Address, BTreeSet<Address>>>,
}

impl People {
    pub(super) fn get(&self, user: &Address) -> Option<Shared> {
        lock(&self.here).get(user).cloned()
    }

    pub(super) fn everybody(&self) -> Vec<Shared> {
        lock(&self.here).values().cloned().collect()
    }

    /// Lets `enter` change the person called `user`, who is put into the table if missing and
    /// cannot leave it meanwhile.
    pub(super) fn enter<R>(
        &self,
        user: &Address,
        enter: impl FnOnce(&Shared, &mut Person) -> R,
    ) -> R {
        let mut here = lock(&self.here);
        let person = here
            .entry(user.clone())
            .or_insert_with(|| Arc::new(Mutex::new(Person::new(user.clone()))))
            .clone();
        let mut locked = lock(&person);
        enter(&person, &mut locked)
    }

    /// Forgets the person if nothing keeps it here.
    pub(super) fn leave(&self, person: &Shared) {
        let mut here = lock(&self.here);
        let locked = lock(person);
        if locked.is_over() {
            here.remove(&locked.user);
        }
    }

    /// Who here watches `user`.
    pub(super) fn watchers(&self, user: &Address) -> Vec<Shared> {
        let watchers: Vec<_> =
            lock(&self.watchers).get(user).into_iter().flatten().cloned().collect();
        watchers.iter().filter_map(|w| self.get(w)).collect()
    }

    /// Whether anybody here watches `user`.
    pub(super) fn is_watched(&self, user: &Address) -> bool {
        lock(&self.watchers).contains_key(user)
    }

    /// Notes that `by` watches `users`. Returns those that nobody here watched before.
    pub(super) fn watch(&self, by: &Address, users: &[Address]) -> BTreeSet<Address> {
        let mut watchers = lock(&self.watchers);
        let mut first = BTreeSet::new();
        for user in users {
            let by_now = watchers.entry(user.clone()).or_default();
            if by_now.is_empty() {
                first.insert(user.clone());
            }
            by_now.insert(by.clone());
        }
        first
    }

    /// Notes that `by` no longer watches `users`. Returns those that nobody here watches now.
    pub(super) fn unwatch(&self, by: &Address, users: &[Address]) -> Vec<Address> {
        let mut watchers = lock(&self.watchers);
        let mut last = Vec::new();
        for user in users {
            let Some(by_now) = watchers.get_mut(user) else { continue };
            by_now.remove(by);
            if by_now.is_empty() {
                watchers.remove(user);
                last.push(user.clone());
            }
        }
        last
    }
}
