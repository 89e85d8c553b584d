//! Who is here, and who here watches whom.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use crosstalk_core::Address;

use super::lock;
use super::person::Person;

/// A person's state and its lock.
pub(super) type Shared = Arc<Mutex<Person>>;

/// Two tables. No person's lock is waited for under the lock of a table: while somebody's list is
/// copied, others sign on and are found.
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
        loop {
            let person = lock(&self.here)
                .entry(user.clone())
                .or_insert_with(|| Arc::new(Mutex::new(Person::new(user.clone()))))
                .clone();
            let mut locked = lock(&person);
            if !locked.has_left {
                return enter(&person, &mut locked);
            }
            // It was forgotten in between: the next one is new.
            drop(locked);
            self.remove(user, &person);
        }
    }

    /// Forgets the person if nothing keeps it here.
    pub(super) fn leave(&self, person: &Shared) {
        let mut locked = lock(person);
        if locked.is_over() {
            locked.has_left = true;
            let user = locked.user.clone();
            drop(locked);
            self.remove(&user, person);
        }
    }

    /// Takes this person, and no later one of the same name, out of the table.
    fn remove(&self, user: &Address, person: &Shared) {
        let mut here = lock(&self.here);
        if here.get(user).is_some_and(|now| Arc::ptr_eq(now, person)) {
            here.remove(user);
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn address(name: &str) -> Address {
        name.parse().unwrap()
    }

    #[test]
    fn who_is_busy_holds_up_nobody_else() {
        let people = Arc::new(People::default());
        people.enter(&address("alice@aol"), |_, _| ());
        let alice = people.get(&address("alice@aol")).unwrap();
        let busy = lock(&alice);
        let (tell, told) = mpsc::channel();
        let sign_on = |name: &'static str| {
            let (people, tell) = (people.clone(), tell.clone());
            std::thread::spawn(move || {
                people.enter(&address(name), |_, _| ());
                tell.send(name).unwrap();
            })
        };
        let second = sign_on("alice@aol");
        let leaving = {
            let (people, alice) = (people.clone(), alice.clone());
            std::thread::spawn(move || people.leave(&alice))
        };
        std::thread::sleep(Duration::from_millis(50));
        let other = sign_on("bob@yahoo");
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok("bob@yahoo"));
        assert!(people.get(&address("bob@yahoo")).is_some());
        drop(busy);
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok("alice@aol"));
        for thread in [second, leaving, other] {
            thread.join().unwrap();
        }
    }

    #[test]
    fn who_comes_back_while_being_forgotten_is_found() {
        let people = People::default();
        for _ in 0..1000 {
            let here = std::thread::scope(|scope| {
                let old = people.enter(&address("alice@aol"), |person, _| person.clone());
                let (people, leaver) = (&people, old);
                scope.spawn(move || people.leave(&leaver));
                let enter = || people.enter(&address("alice@aol"), |_, p| p.doubted.len());
                scope.spawn(enter).join().unwrap();
                people.everybody().len()
            });
            assert!(here <= 1);
            let kept = people.enter(&address("alice@aol"), |person, locked| {
                assert!(!locked.has_left);
                person.clone()
            });
            assert!(Arc::ptr_eq(&kept, &people.get(&address("alice@aol")).unwrap()));
        }
    }
}
