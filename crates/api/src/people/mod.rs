//! People who come by the API: signed on while their programs are there.

mod actor;
mod person;
mod reader;
mod saying;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use crosstalk_core::Address;
use crosstalk_gateway::router::Router;

use crate::content::Presence;
use crate::lock::lock;
use crate::store::{Store, StoreError};
pub(crate) use person::Person;
pub(crate) use reader::{Item, Reader, Unread};
pub(crate) use saying::Said;

/// The table of those who are signed on.
pub(crate) struct People {
    router: Router,
    store: Store,
    here: Mutex<HashMap<Address, Arc<Person>>>,
    /// Signing on reads the disk: one at a time, so that nobody is signed on twice.
    entering: tokio::sync::Mutex<()>,
    draining: AtomicBool,
}

/// Somebody who stays signed on as long as this is held.
pub(crate) struct Present(Arc<Person>);

impl People {
    pub(crate) fn new(router: Router, store: Store) -> Self {
        let (here, entering) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { router, store, here, entering, draining: AtomicBool::new(false) }
    }

    /// Signs somebody on, or finds who is.
    pub(crate) async fn enter(self: &Arc<Self>, who: &Address) -> Result<Present, StoreError> {
        if let Some(present) = self.find(who) {
            return Ok(present);
        }
        let _turn = self.entering.lock().await;
        if let Some(present) = self.find(who) {
            return Ok(present);
        }
        let (log, profile) = (self.store.log(who).await?, self.store.profile(who).await?);
        let (handle, mails) = self.router.sign_in(who, "api");
        handle.confirms();
        let person = Arc::new(Person::new(who.clone(), handle, self.store.clone(), log, &profile));
        let present = Present::of(&person);
        lock(&self.here).insert(who.clone(), Arc::clone(&person));
        tokio::spawn(actor::run(person, mails, Arc::downgrade(self)));
        Ok(present)
    }

    /// Somebody who is signed on.
    pub(crate) fn find(&self, who: &Address) -> Option<Present> {
        // Counted under the lock under which `release` looks, so that nobody is let go who was
        // just found.
        lock(&self.here).get(who).map(Present::of)
    }

    /// Lets somebody go whom nobody uses any more. Returns whether that is so.
    fn release(&self, person: &Arc<Person>, now: Instant) -> bool {
        let mut here = lock(&self.here);
        let may_go = person.may_go(now, self.is_draining());
        if may_go {
            here.remove(person.who());
        }
        may_go
    }

    /// Forgets what is kept of somebody: by that one's own programs, and in what those of others
    /// were told. Whoever asks for it waits until it is done.
    pub(crate) async fn forget(&self, who: &Address) -> Result<(), StoreError> {
        // Who comes meanwhile reads the disk as it is afterwards.
        let _turn = self.entering.lock().await;
        let owners = self.store.forget(who).await?;
        self.forgotten(who, &owners).await
    }

    /// Forgets what is kept by somebody's own programs. Whoever asks for it waits until it is done.
    pub(crate) async fn forget_own(&self, who: &Address) -> Result<(), StoreError> {
        let _turn = self.entering.lock().await;
        let owners = self.store.forget_own(who).await?;
        self.forgotten(who, &owners).await
    }

    /// Has those who are signed on follow what was forgotten on the disk.
    async fn forgotten(&self, who: &Address, owners: &[Address]) -> Result<(), StoreError> {
        if let Some(present) = self.find(who) {
            present.set_profile(&Presence::default());
        }
        for owner in owners {
            if let Some(present) = self.find(owner) {
                present.reload().await?;
            }
        }
        Ok(())
    }

    /// Signs everybody off as soon as their calls are answered: the gateway is stopping.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        for person in lock(&self.here).values() {
            person.end();
        }
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Has everybody's streams look whether their tokens still stand.
    pub(crate) fn tokens_changed(&self) {
        for person in lock(&self.here).values() {
            person.tokens_changed();
        }
    }
}

impl Present {
    fn of(person: &Arc<Person>) -> Self {
        person.take_up();
        Self(Arc::clone(person))
    }
}

impl Deref for Present {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.0
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.put_down(Instant::now());
    }
}

/// Whether the gateway is stopping, or gone.
fn is_over(people: &Weak<People>) -> bool {
    people.upgrade().is_none_or(|people| people.is_draining())
}
