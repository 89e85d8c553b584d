//! State of the person in the overlay's keeping: the list, the place, the watches.

use std::collections::BTreeSet;
use std::mem::take;

use crosstalk_core::{Address, Contact, Roster};

use crate::account::Account;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::presence::watches;
use crate::state_updates::{StateUpdate, asks};

/// The most versions of a list that wait for the disk.
const SAVING: u8 = 4;

/// Jobs to do, one after the other: first the list, then the place, so that nobody asks before the
/// list says who may.
#[derive(Default)]
pub(crate) struct Storage {
    /// The jobs below that are to be done.
    due: u8,
    /// Whether one is being done that others wait for.
    is_busy: bool,
    /// Number of saves that are not on disk.
    saving: u8,
    /// Whether the driver was told that the person is here.
    is_published: bool,
}

impl Storage {
    /// The last session ended. Whoever comes back arrives anew, so that all is as on arrival.
    pub(crate) const DEPART: u8 = 1;
    /// The list is to be loaded.
    pub(crate) const LOAD: u8 = 1 << 1;
    /// The first session began.
    pub(crate) const ARRIVE: u8 = 1 << 2;
    /// The watches may not be those that the list calls for.
    pub(crate) const WATCH: u8 = 1 << 3;
    /// The list may have changed elsewhere after it was loaded, and before it was known there
    /// that the person is here.
    const RELOAD: u8 = 1 << 4;
    /// The list is to be saved.
    pub(crate) const SAVE: u8 = 1 << 5;

    /// Has jobs done. Much of the same is done once.
    pub(crate) const fn want(&mut self, jobs: u8) {
        self.due |= jobs;
    }

    pub(crate) const fn done(&mut self) {
        self.is_busy = false;
    }

    pub(crate) const fn saved(&mut self) {
        self.saving = self.saving.saturating_sub(1);
    }

    pub(crate) const fn is_idle(&self) -> bool {
        self.due == 0 && !self.is_busy
    }

    /// The job to be done next.
    const fn next(&self) -> Option<u8> {
        match self.due {
            0 => None,
            due => Some(1 << due.trailing_zeros()),
        }
    }
}

/// A contact before and after a change.
struct Change {
    address: Address,
    before: Option<Contact>,
    after: Option<Contact>,
}

impl<A> Account<A> {
    /// Gives the driver the jobs that can be done now.
    pub(crate) fn next_jobs(&mut self, cx: &mut Cx<'_, A>) {
        while !self.storage.is_busy
            && let Some(job) = self.storage.next()
        {
            if job == Storage::SAVE && self.storage.saving >= SAVING {
                return;
            }
            self.storage.due &= !job;
            if let Some(effect) = self.begin_job(cx, job) {
                self.storage.is_busy = true;
                cx.push(effect);
            }
        }
    }

    fn begin_job(&mut self, cx: &mut Cx<'_, A>, job: u8) -> Option<Effect<A>> {
        let is_online = !self.sessions.is_empty();
        match job {
            Storage::DEPART if take(&mut self.storage.is_published) => {
                let watched = take(&mut self.watched).into_iter().collect();
                Some(Effect::SignOff { watched })
            }
            Storage::LOAD | Storage::RELOAD if is_online => Some(Effect::Load),
            Storage::ARRIVE if is_online => {
                self.storage.is_published = true;
                self.storage.want(Storage::WATCH | Storage::RELOAD);
                Some(Effect::SignOn)
            }
            Storage::WATCH if is_online => {
                let (more, less) = self.next_watched();
                self.forget_unwatched(cx, &more);
                let is_new = !more.is_empty() || !less.is_empty();
                is_new.then_some(Effect::Watch { more, less })
            }
            Storage::SAVE => {
                let unsaved = take(&mut self.if_pending()?.unsaved);
                self.storage.saving += 1;
                // What was changed and not the whole: a list can be long, and is changed often.
                Some(Effect::Save(self.roster.as_ref()?.part(&unsaved)))
            }
            _ => None,
        }
    }

    /// People who should be watched but are not, and those who are and should not be.
    fn next_watched(&mut self) -> (Vec<Address>, Vec<Address>) {
        let contacts = self.roster.iter().flat_map(Roster::contacts);
        let wanted: BTreeSet<_> =
            contacts.filter(|c| watches(c)).map(|c| c.address.clone()).collect();
        let more = wanted.difference(&self.watched).cloned().collect();
        let less = self.watched.difference(&wanted).cloned().collect();
        self.watched = wanted;
        (more, less)
    }

    /// Forgets what was heard of people while they were not watched: nobody says when they leave
    /// then. Those who are still there are asked when the watch finds them.
    fn forget_unwatched(&mut self, cx: &mut Cx<'_, A>, people: &[Address]) {
        for contact in people {
            if self.contact_presence.forget(contact) {
                self.update(cx, &StateUpdate::Presence(contact.clone()));
            }
        }
    }

    /// Merges what is stored into the list. Returns what is different then.
    fn merge(&mut self, stored: Roster) -> Vec<Change> {
        let Some(roster) = &mut self.roster else { return Vec::new() };
        // Most often nothing has changed since it was loaded, and no copy is made.
        if stored.beyond(roster).is_empty() {
            return Vec::new();
        }
        let before = roster.clone();
        roster.merge(stored);
        let both = before.contacts().chain(roster.contacts()).map(|c| &c.address);
        let changes = both.collect::<BTreeSet<_>>().into_iter().map(|address| Change {
            address: address.clone(),
            before: before.contact(address).cloned(),
            after: roster.contact(address).cloned(),
        });
        changes.filter(|change| change.before != change.after).collect()
    }

    /// Takes the stored list: for the first time, or because it changed elsewhere.
    pub(crate) fn loaded(&mut self, cx: &mut Cx<'_, A>, stored: Roster) {
        self.storage.done();
        self.look_outward();
        if self.roster.is_some() {
            for Change { address, before, after } in self.merge(stored) {
                self.follow_up(cx, &address, before.as_ref(), after.as_ref());
            }
            return;
        }
        for contact in stored.contacts().filter(|contact| asks(contact)) {
            self.requests().set(&contact.address, true);
        }
        self.roster = Some(stored);
        for at in 0..self.sessions.len() {
            // The list goes before everything that depends on it.
            self.welcome(cx, self.sessions[at].id);
        }
        self.take_unheard(cx);
    }
}
