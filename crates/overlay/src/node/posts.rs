//! The outbox among the other parts of a node: who carries out what it wants done.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crosstalk_core::Address;

use super::{Effect, Node, ShownRecord, Ticket};
use crate::delivery::dedup::Fingerprint;
use crate::membership::GatewayId;
use crate::outbox::{Action, Limits, Outbox, Post, Waiting};
use crate::wire::message::{Message, Outcome};

/// State that a gateway brings over from its last boot.
#[derive(Default)]
pub(crate) struct Recovered {
    /// The messages that were kept, by number, with their age.
    pub(crate) posts: Vec<(u64, Post, Duration)>,
    /// Fingerprints of the messages that were shown, oldest first, with the time since.
    pub(crate) shown: Vec<(Fingerprint, Duration)>,
}

impl<T, L> Node<T, L> {
    /// Begins with what was kept over a restart. `seed` is for the jitter of tries.
    pub(crate) fn restore(
        &mut self,
        now: Instant,
        limits: Limits,
        seed: u64,
        recovered: Recovered,
    ) {
        self.outbox = Outbox::new(self.members.own(), limits, seed);
        let shown = &mut self.delivery.shown;
        shown.restore(now, recovered.shown);
        let is_shown =
            |post: &Post| Fingerprint::of(&post.message).is_some_and(|p| shown.contains(&p));
        // Shown here just before the end, too late to be taken off the disk.
        let (over, open): (Vec<_>, _) =
            recovered.posts.into_iter().partition(|(_, post, _)| is_shown(post));
        self.effects.extend(over.iter().map(|(number, ..)| Effect::Forget(*number)));
        self.outbox.restore(now, open);
        self.work_off(now);
    }

    /// Takes a message that is to reach its receiver wherever that is, now or, where it may be
    /// kept, later. Returns its number; its fate comes as [`Effect::Settled`].
    pub(crate) fn post(&mut self, now: Instant, message: Message, may_keep: bool) -> u64 {
        let number = self.outbox.post(now, message, may_keep);
        self.work_off(now);
        number
    }

    /// A posted message was given time enough to be delivered at once.
    pub(crate) fn keep_meanwhile(&mut self, now: Instant, number: u64) {
        self.outbox.keep_meanwhile(now, number);
        self.work_off(now);
    }

    /// A revision of a posted message is on disk.
    pub(crate) fn kept(&mut self, now: Instant, number: u64, revision: u64) {
        self.outbox.kept(now, number, revision);
        self.work_off(now);
    }

    /// Nothing comes to disk at the moment.
    pub(crate) fn disk_failed(&mut self, now: Instant) {
        self.outbox.disk_failed(now);
        self.work_off(now);
    }

    /// Forgets the posted messages of `user`, and ends those to `user`. Returns how many texts were
    /// kept for each receiver.
    pub(crate) fn wipe_posts(&mut self, now: Instant, user: &Address) -> BTreeMap<Address, usize> {
        let taken_back = self.outbox.wipe(now, user);
        self.work_off(now);
        taken_back
    }

    /// Ends the messages of `user`, who was forgotten at another gateway so long ago.
    pub(crate) fn take_back_posts(&mut self, now: Instant, user: &Address, since: Duration) {
        self.outbox.take_back(now, user, since);
        self.work_off(now);
    }

    /// The messages by and for `user` that are kept.
    pub(crate) fn waiting(&self, now: Instant, user: &Address) -> Vec<Waiting> {
        self.outbox.waiting(now, user)
    }

    /// Number of posted messages that are on disk, or on the way there.
    pub(crate) fn kept_count(&self) -> usize {
        self.outbox.kept_count()
    }

    /// The router answered a message that [`Effect::DeliverOwn`] handed to it. That it was shown is
    /// on file.
    pub(crate) fn answer_own(
        &mut self,
        now: Instant,
        number: u64,
        shown: ShownRecord,
        outcome: Outcome,
    ) {
        if let (Some(fingerprint), Ok(())) = (shown, outcome) {
            self.delivery.shown.insert(now, fingerprint);
        }
        self.outbox.answered(now, number, self.members.own(), outcome);
        self.work_off(now);
    }

    /// Tries at once what waits for `user`.
    pub(crate) fn hurry(&mut self, now: Instant, user: &Address) {
        self.outbox.arrived(now, user);
        self.work_off(now);
    }

    /// The router wants to know where `user` signs on, and is now.
    pub(crate) fn watch(&mut self, now: Instant, user: &Address) {
        let Some(by_router) = self.awaited.get_mut(user) else {
            return self.publish(now, |directory| directory.watch(user));
        };
        if !std::mem::replace(by_router, true) {
            let at = self.directory.watched(user).unwrap_or_default().into_iter();
            self.effects.extend(at.map(|at| Effect::Arrived(user.clone(), at)));
        }
    }

    /// It no longer does.
    pub(crate) fn unwatch(&mut self, now: Instant, user: &Address) {
        match self.awaited.get_mut(user) {
            Some(by_router) => *by_router = false,
            None => self.publish(now, |directory| directory.unwatch(user)),
        }
    }

    /// Performs the outbox's requests.
    pub(super) fn work_off(&mut self, now: Instant) {
        while let Some(next) = self.outbox.next() {
            match next {
                Action::Locate(number, user) => self.find(now, &user, Ticket::Post(number)),
                Action::Send { number, to, message, age } if to != self.members.own() => {
                    self.dispatch(now, to, message, age, Ticket::Post(number));
                }
                Action::Send { number, to, message, .. } => {
                    let shown = Fingerprint::of(&message);
                    if shown.is_some_and(|shown| self.delivery.shown.contains(&shown)) {
                        self.outbox.answered(now, number, to, Ok(()));
                    } else {
                        self.effects.push_back(Effect::DeliverOwn(number, message, shown));
                    }
                }
                Action::Keep { number, revision, post, age } => {
                    self.effects.push_back(Effect::Keep { number, revision, post, age });
                }
                Action::Forget(number) => self.effects.push_back(Effect::Forget(number)),
                Action::Settled(number, outcome) => {
                    self.effects.push_back(Effect::Settled(number, outcome));
                }
                Action::Watch(user) => {
                    let by_router = self.directory.watched(&user).is_some();
                    self.awaited.insert(user.clone(), by_router);
                    if !by_router {
                        self.publish(now, |directory| directory.watch(&user));
                    }
                }
                Action::Unwatch(user) => {
                    if self.awaited.remove(&user) == Some(false) {
                        self.publish(now, |directory| directory.unwatch(&user));
                    }
                }
            }
        }
    }

    /// Whether only the outbox wants to know where `user` is.
    pub(super) fn is_private(&self, user: &Address) -> bool {
        self.awaited.get(user) == Some(&false)
    }

    /// A watched person signed on at a gateway.
    pub(super) fn arrived(&mut self, now: Instant, user: Address, at: GatewayId) {
        self.outbox.arrived(now, &user);
        if !self.is_private(&user) {
            self.effects.push_back(Effect::Arrived(user, at));
        }
    }
}
