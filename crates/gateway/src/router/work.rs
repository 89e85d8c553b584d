//! What has to wait: lanes of steps, each a task only while it has any.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem::take;
use std::sync::Arc;

use crosstalk_core::{Address, Envelope, Presence, Roster};
use crosstalk_overlay::GatewayId;

use super::people::Shared;
use super::person::Person;
use super::{Hub, lock, notes};
use crate::mail::Aside;

/// Three kinds of work that do not wait for each other. Within a lane, order is kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// What the person says.
    Speech,
    /// Whom the person sees, and who sees the person.
    Presence,
    /// What the overlay keeps: the list, the place, the watches.
    Keeping,
}

const LANES: [Lane; 3] = [Lane::Speech, Lane::Presence, Lane::Keeping];

/// What is to be done for a person. Flags and sets, so that much of the same is done once.
#[derive(Default)]
pub(super) struct Todo {
    pub(super) outbox: VecDeque<Outbound>,
    /// Who at which gateway is to be told of the person's presence.
    pub(super) tell: BTreeMap<GatewayId, BTreeSet<Address>>,
    /// Whom to ask for presence, and where.
    pub(super) probes: BTreeSet<(Address, GatewayId)>,
    /// The gateways to tell that the person now takes texts.
    pub(super) wake: BTreeSet<GatewayId>,
    /// Whom to find.
    pub(super) seek: BTreeSet<Address>,
    pub(super) chores: BTreeSet<Chore>,
    running: [bool; LANES.len()],
}

/// What the overlay is to be told or asked, in the order of doing it: first the list, then the
/// place, so that nobody asks before the list says who may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Chore {
    /// The last session ended. Whoever comes back arrives anew, so that all is as on arrival.
    Depart,
    /// The list is to be loaded.
    Load,
    /// The first session began.
    Arrive,
    /// The watches may not be those that the list calls for.
    Watch,
    /// The list may have changed elsewhere after it was loaded, and before it was known there
    /// that the person is here.
    Reload,
    /// The list is to be saved.
    Save,
}

impl Todo {
    /// Whether no lane has anything to do.
    pub(super) fn is_done(&self) -> bool {
        !self.running.contains(&true)
    }
}

/// An envelope on its way out.
pub(super) struct Outbound {
    pub(super) envelope: Envelope,
    /// Who said it; none for the gateway itself.
    pub(super) from_session: Option<u64>,
    pub(super) tries: u8,
    /// Charges it to the session that said it.
    pub(super) aside: Option<Aside>,
}

/// One thing to do without the person's lock.
pub(super) enum Step {
    Carry(Outbound),
    Tell(GatewayId, Presence, Vec<Address>),
    Ask(Address, GatewayId),
    Wake(GatewayId),
    Seek(Address),
    Load,
    Save(Roster),
    Arrive,
    Depart { watched: Vec<Address> },
    Watch { more: Vec<Address>, less: Vec<Address> },
}

impl Person {
    fn next_step(&mut self, lane: Lane) -> Option<Step> {
        match lane {
            Lane::Speech => self.todo.outbox.pop_front().map(Step::Carry),
            Lane::Presence => {
                if let Some((gateway, presence, to)) = self.next_told() {
                    return Some(Step::Tell(gateway, presence, to));
                }
                if let Some(gateway) = self.todo.wake.pop_first() {
                    return Some(Step::Wake(gateway));
                }
                if let Some((of, at)) = self.todo.probes.pop_first() {
                    return Some(Step::Ask(of, at));
                }
                self.todo.seek.pop_first().map(Step::Seek)
            }
            Lane::Keeping => self.next_kept(),
        }
    }

    fn next_kept(&mut self) -> Option<Step> {
        let online = !self.sessions.is_empty();
        while let Some(chore) = self.todo.chores.pop_first() {
            match chore {
                Chore::Depart if take(&mut self.published) => {
                    let watched = take(&mut self.watched).into_iter().collect();
                    return Some(Step::Depart { watched });
                }
                Chore::Load | Chore::Reload if online => return Some(Step::Load),
                Chore::Arrive if online => {
                    self.published = true;
                    self.todo.chores.extend([Chore::Watch, Chore::Reload]);
                    return Some(Step::Arrive);
                }
                Chore::Watch if online => {
                    let (more, less) = self.next_watched();
                    if !more.is_empty() || !less.is_empty() {
                        return Some(Step::Watch { more, less });
                    }
                }
                Chore::Save => return self.roster.clone().map(Step::Save),
                _ => {}
            }
        }
        None
    }
}

impl Hub {
    /// Changes a person, and sees to it that what follows is done.
    pub(super) fn with<R>(
        self: &Arc<Self>,
        person: &Shared,
        change: impl FnOnce(&mut Person) -> R,
    ) -> R {
        let mut locked = lock(person);
        let result = change(&mut locked);
        self.start(person, &mut locked);
        result
    }

    /// Starts the lanes that have work and do not run, and wakes sessions that are behind.
    pub(super) fn start(self: &Arc<Self>, person: &Shared, locked: &mut Person) {
        for lane in LANES {
            if !locked.todo.running[lane as usize]
                && let Some(first) = locked.next_step(lane)
            {
                locked.todo.running[lane as usize] = true;
                self.runtime.spawn(run(self.clone(), person.clone(), lane, first));
            }
        }
        for session in &mut locked.sessions {
            if !session.behind.is_empty() && !session.catching_up {
                session.catching_up = true;
                let (number, mailbox) = (session.number, session.mailbox.clone());
                let task = notes::catch_up(self.clone(), person.clone(), number, mailbox);
                self.runtime.spawn(task);
            }
        }
    }

    async fn perform(self: &Arc<Self>, person: &Shared, step: Step) {
        let user = || lock(person).user.clone();
        match step {
            Step::Carry(outbound) => self.carry(person, outbound).await,
            Step::Tell(gateway, presence, to) => self.tell(person, gateway, presence, to).await,
            Step::Ask(of, at) => self.ask(person, of, at).await,
            Step::Wake(gateway) => self.wake(person, gateway).await,
            Step::Seek(contact) => self.seek(person, contact).await,
            Step::Load => {
                let stored = self.overlay.load(&user()).await;
                self.with(person, |p| p.loaded(self, stored));
            }
            Step::Save(roster) => self.save(person, roster).await,
            Step::Arrive => self.overlay.sign_on(&user()).await,
            Step::Depart { watched } => {
                self.overlay.sign_off(&user()).await;
                self.unwatch(&user(), &watched).await;
            }
            Step::Watch { more, less } => {
                self.unwatch(&user(), &less).await;
                self.watch(person, more).await;
            }
        }
    }

    /// Begins to save the list: other gateways have it at once, the disk is waited for apart.
    async fn save(self: &Arc<Self>, person: &Shared, roster: Roster) {
        let (user, saving) = {
            let person = lock(person);
            (person.user.clone(), person.saving.clone())
        };
        let Ok(permit) = saving.acquire_owned().await else { return };
        let saved = self.overlay.save(&user, &roster);
        // What waits for the disk waits in the store, once.
        drop(roster);
        self.runtime.spawn(async move {
            saved.await;
            drop(permit);
        });
    }

    /// Watches `users` in the person's name. The overlay tells where those are that are new to
    /// it; the others are looked for.
    async fn watch(self: &Arc<Self>, person: &Shared, mut users: Vec<Address>) {
        let user = lock(person).user.clone();
        let first = self.people.watch(&user, &users);
        users.retain(|u| !first.contains(u));
        self.with(person, |p| p.todo.seek.extend(users));
        self.overlay.watch(&Vec::from_iter(first)).await;
    }

    /// Watches `users` no longer in the name of `user`.
    async fn unwatch(&self, user: &Address, users: &[Address]) {
        let mut last = self.people.unwatch(user, users);
        self.overlay.unwatch(&last).await;
        // Somebody may have begun to watch meanwhile, and the overlay have heard that first.
        last.retain(|l| self.people.is_watched(l));
        self.overlay.watch(&last).await;
    }
}

/// Runs a lane until it is empty.
async fn run(hub: Arc<Hub>, person: Shared, lane: Lane, first: Step) {
    let mut step = first;
    loop {
        hub.perform(&person, step).await;
        let mut locked = lock(&person);
        let Some(next) = locked.next_step(lane) else {
            locked.todo.running[lane as usize] = false;
            break;
        };
        step = next;
    }
    hub.people.leave(&person);
}
