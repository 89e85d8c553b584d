//! Table of the accounts here, and of the people here who watch others.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use crosstalk_core::Address;
use crosstalk_overlay as overlay;
use crosstalk_router::{Account, Message, SessionId, SessionIds, Ticket};

use super::{RouterState, lock};
use crate::mail::Mailbox;

/// The place of one account, and its lock.
pub(super) struct Slot {
    pub(super) router: Weak<RouterState>,
    inner: Mutex<Inner>,
}

/// An account with what its driver keeps for it.
pub(super) struct Inner {
    pub(super) account: Account<Answer>,
    /// One for each session and conversation.
    pub(super) mailboxes: Vec<Place>,
    pub(super) session_ids: SessionIds,
    /// Messages to people at this gateway, whose locks cannot be waited for under this one.
    pub(super) local: VecDeque<(Ticket, Message)>,
    /// Whether a task works these off.
    pub(super) delivers_locally: bool,
    /// Time at which the account is to be told that time has passed.
    pub(super) armed: Option<Instant>,
    /// Nobody finds this account any more.
    pub(super) has_left: bool,
}

/// Place of a session or conversation at the router.
pub(super) struct Place {
    pub(super) id: SessionId,
    pub(super) mailbox: Mailbox,
    /// Address that its client connects from, where it has one.
    pub(super) client: Option<IpAddr>,
}

/// Reply channel of the answer to a message.
pub(super) enum Answer {
    /// To the overlay.
    Overlay(overlay::Answer),
    /// To the account of somebody here, about what that one sent.
    Local(Arc<Slot>, Ticket),
}

impl Slot {
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Inner {
    pub(super) fn mailbox(&self, session: SessionId) -> Option<&Mailbox> {
        self.place(session).map(|place| &place.mailbox)
    }

    /// Address that a session's client connects from.
    pub(super) fn client(&self, session: SessionId) -> Option<IpAddr> {
        self.place(session)?.client
    }

    fn place(&self, session: SessionId) -> Option<&Place> {
        self.mailboxes.iter().find(|place| place.id == session)
    }

    /// Whether nothing keeps the account here.
    fn is_over(&self) -> bool {
        self.account.is_over() && self.local.is_empty() && !self.delivers_locally
    }
}

/// Two tables. No account's lock is waited for under the lock of a table: while somebody's list is
/// copied, others sign on and are found.
#[derive(Default)]
pub(super) struct Accounts {
    here: Mutex<HashMap<Address, Arc<Slot>>>,
    watchers: Mutex<HashMap<Address, BTreeSet<Address>>>,
}

impl Accounts {
    pub(super) fn get(&self, user: &Address) -> Option<Arc<Slot>> {
        lock(&self.here).get(user).cloned()
    }

    pub(super) fn everybody(&self) -> Vec<Arc<Slot>> {
        lock(&self.here).values().cloned().collect()
    }

    /// Lets `enter` change the account of `user`, which is put into the table if missing, made by
    /// `make`, and cannot leave it meanwhile.
    pub(super) fn enter<R>(
        &self,
        user: &Address,
        make: impl Fn() -> (Weak<RouterState>, Account<Answer>),
        enter: impl FnOnce(&Arc<Slot>, &mut Inner) -> R,
    ) -> R {
        loop {
            let made = || {
                let (router, account) = make();
                let inner = Inner {
                    account,
                    mailboxes: Vec::new(),
                    session_ids: SessionIds::default(),
                    local: VecDeque::new(),
                    delivers_locally: false,
                    armed: None,
                    has_left: false,
                };
                Arc::new(Slot { router, inner: Mutex::new(inner) })
            };
            let slot = lock(&self.here).entry(user.clone()).or_insert_with(made).clone();
            let mut inner = slot.lock();
            if !inner.has_left {
                return enter(&slot, &mut inner);
            }
            // It was forgotten in between: the next one is new.
            drop(inner);
            self.remove(user, &slot);
        }
    }

    /// Forgets an account if nothing keeps it here.
    pub(super) fn leave(&self, slot: &Arc<Slot>) {
        let mut inner = slot.lock();
        if inner.is_over() && !inner.has_left {
            inner.has_left = true;
            let user = inner.account.user().clone();
            // The table is not waited for under the account's lock: `enter` does it the other way.
            drop(inner);
            self.remove(&user, slot);
        }
    }

    /// Takes this account, and no later one of the same name, out of the table.
    fn remove(&self, user: &Address, slot: &Arc<Slot>) {
        let mut here = lock(&self.here);
        if here.get(user).is_some_and(|now| Arc::ptr_eq(now, slot)) {
            here.remove(user);
        }
    }

    /// Accounts here that watch `user`.
    pub(super) fn watchers(&self, user: &Address) -> Vec<Arc<Slot>> {
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

    use crosstalk_core::Names;
    use crosstalk_router::{GatewayKey, Settings};

    use super::*;

    fn address(name: &str) -> Address {
        name.parse().unwrap()
    }

    fn enter<R>(accounts: &Accounts, name: &str, f: impl FnOnce(&Arc<Slot>, &mut Inner) -> R) -> R {
        let settings = Arc::new(Settings::new(Arc::new(Names::new("xt", [])), GatewayKey([0; 32])));
        let make = || (Weak::new(), Account::new(address(name), settings.clone(), 1));
        accounts.enter(&address(name), make, f)
    }

    #[test]
    fn who_is_busy_holds_up_nobody_else() {
        let accounts = Arc::new(Accounts::default());
        enter(&accounts, "alice@aol", |_, _| ());
        let alice = accounts.get(&address("alice@aol")).unwrap();
        let busy = alice.lock();
        let (tell, told) = mpsc::channel();
        let sign_on = |name: &'static str| {
            let (accounts, tell) = (accounts.clone(), tell.clone());
            std::thread::spawn(move || {
                enter(&accounts, name, |_, _| ());
                tell.send(name).unwrap();
            })
        };
        let second = sign_on("alice@aol");
        let leaving = {
            let (accounts, alice) = (accounts.clone(), alice.clone());
            std::thread::spawn(move || accounts.leave(&alice))
        };
        std::thread::sleep(Duration::from_millis(50));
        let other = sign_on("bob@yahoo");
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok("bob@yahoo"));
        assert!(accounts.get(&address("bob@yahoo")).is_some());
        drop(busy);
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok("alice@aol"));
        for thread in [second, leaving, other] {
            thread.join().unwrap();
        }
    }

    #[test]
    fn who_comes_back_while_being_forgotten_is_found() {
        let accounts = Accounts::default();
        for _ in 0..1000 {
            let here = std::thread::scope(|scope| {
                let old = enter(&accounts, "alice@aol", |slot, _| slot.clone());
                let (accounts, leaver) = (&accounts, old);
                scope.spawn(move || accounts.leave(&leaver));
                let again = || enter(accounts, "alice@aol", |_, inner| inner.mailboxes.len());
                scope.spawn(again).join().unwrap();
                accounts.everybody().len()
            });
            assert!(here <= 1);
            let kept = enter(&accounts, "alice@aol", |slot, inner| {
                assert!(!inner.has_left);
                slot.clone()
            });
            assert!(Arc::ptr_eq(&kept, &accounts.get(&address("alice@aol")).unwrap()));
        }
    }
}
