//! Outbox: the messages of people, until they are shown to their receivers or reported back. Pure.
//!
//! Each conversation is a queue with at most one message under way, so that a later one waits
//! behind an earlier one that failed. What is not delivered at once goes to disk and waits for
//! its receiver to sign on. A gateway that may have shown a message without having said so is
//! asked before another one is sent it.

mod attempt;
mod book;
mod ending;
mod entry;
mod keeping;
mod record;
mod records;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Failure};

use crate::common::map::Map;
use crate::membership::GatewayId;
use crate::wire::message::{Fate, Message, Outcome};
use attempt::Heard;
use book::Book;
pub use book::Limits;
pub(crate) use entry::Post;
use entry::{Entry, Lane, Queue, Step};
pub use records::Waiting;

/// Longest wait of a message for the disk before its sender is told that it was not taken.
const KEEP_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for a gateway that may have shown a message; then the message goes to where its
/// receiver is now: rather twice than never.
pub(crate) const UNCERTAIN_TIMEOUT: Duration = Duration::from_mins(1);

/// Work for the owner of an [`Outbox`].
#[derive(Debug)]
pub(crate) enum Action {
    /// Find the receiver of a message; the answer goes to [`Outbox::located`].
    Locate(u64, Address),
    /// Send it; the answer goes to [`Outbox::answered`] or [`Outbox::doubted`].
    Send { number: u64, to: GatewayId, message: Message, age: Duration },
    /// Put it on disk in place of an older revision; then call [`Outbox::kept`].
    Keep { number: u64, revision: u64, post: Post, age: Duration },
    /// Take it off the disk.
    Forget(u64),
    /// Tell who posted it. Comes once for each post.
    Settled(u64, Result<Fate, Failure>),
    /// Tell of where this person signs on, by [`Outbox::arrived`].
    Watch(Address),
    /// No longer.
    Unwatch(Address),
}

/// The messages that people at this gateway have said and that are not settled.
pub(crate) struct Outbox {
    own: GatewayId,
    book: Book,
    last: u64,
    queues: BTreeMap<Lane, Queue>,
    lanes: Map<u64, Lane>,
    /// Number of queues that wait for each receiver.
    awaited: BTreeMap<Address, usize>,
    /// The gateways that live.
    living: BTreeSet<GatewayId>,
    /// The last write to disk failed.
    disk_fails: bool,
    /// Times at which queues are to be looked at.
    agenda: BTreeSet<(Instant, Lane)>,
    /// State of the jitter.
    random: u64,
    todo: VecDeque<Action>,
}

impl Outbox {
    /// An empty outbox of the gateway `own`; `seed` is for the jitter.
    pub(crate) fn new(own: GatewayId, limits: Limits, seed: u64) -> Self {
        Self {
            own,
            book: Book::new(limits),
            last: 0,
            queues: BTreeMap::new(),
            lanes: Map::default(),
            awaited: BTreeMap::new(),
            living: BTreeSet::new(),
            disk_fails: false,
            agenda: BTreeSet::new(),
            random: seed | 1,
            todo: VecDeque::new(),
        }
    }

    /// Takes back what was on disk, with its age. Which gateways have shown it is in doubt.
    pub(crate) fn restore(&mut self, now: Instant, posts: Vec<(u64, Post, Duration)>) {
        for (number, post, age) in posts {
            self.last = self.last.max(number);
            let entry = Entry::restored(number, post, now, age, self.own, self.book.limits.age);
            self.book.charge(&entry.message, entry.size());
            let lane = Lane::of(&entry.message);
            self.lanes.insert(number, lane.clone());
            self.with(now, lane, |outbox, queue| {
                queue.entries.push_back(entry);
                outbox.watch(queue);
                queue.at = Some(now);
            });
        }
    }

    /// The next thing to do.
    pub(crate) fn next(&mut self) -> Option<Action> {
        self.todo.pop_front()
    }

    /// Takes a message. Returns its number; what becomes of it comes as [`Action::Settled`]. Only
    /// one that may be kept waits for a receiver who is not there.
    pub(crate) fn post(&mut self, now: Instant, message: Message, may_keep: bool) -> u64 {
        self.last += 1;
        let number = self.last;
        let limits = &self.book.limits;
        let entry = Entry::new(number, message, now, may_keep && limits.messages > 0, limits.age);
        let lane = Lane::of(&entry.message);
        self.lanes.insert(number, lane.clone());
        self.with(now, lane, |outbox, queue| {
            outbox.supersede(queue, &entry.message);
            queue.entries.push_back(entry);
            if queue.at.is_some() {
                outbox.persist_queue(now, queue);
            }
        });
        number
    }

    /// A message is not delivered yet although it could be by now: it goes to disk beside.
    pub(crate) fn keep_meanwhile(&mut self, now: Instant, number: u64) {
        self.with_entry(now, number, |outbox, queue, at| {
            if queue.entries[at].revision == 0 && queue.entries[at].may_keep {
                outbox.keep(now, queue, at);
            }
        });
    }

    /// Takes the gateways at which the receiver of a message was found.
    pub(crate) fn located(&mut self, now: Instant, number: u64, at: &[GatewayId]) {
        self.with_entry(now, number, |outbox, queue, _| {
            if !queue.ends_locating(number) {
                return;
            }
            let to: BTreeSet<_> = at.iter().copied().collect();
            if to.is_empty() {
                return outbox.wait(now, queue, Failure::Offline);
            }
            // A message that is on disk is sent only when the disk knows where to: after a crash
            // those gateways are asked, and it is not sent anew.
            outbox.record(now, queue, &to);
            queue.step = Step::Recording { to };
            outbox.go_on(now, queue);
        });
    }

    /// The receiver of a message is where nothing from here can get. Words that nobody was told
    /// wait are not kept for that.
    pub(crate) fn out_of_reach(&mut self, now: Instant, number: u64) {
        self.with_entry(now, number, |outbox, queue, at| {
            if !queue.ends_locating(number) {
                return;
            }
            if queue.entries[at].told || !queue.entries[at].is_words() {
                outbox.wait(now, queue, Failure::Unreachable);
            } else {
                outbox.fail(now, queue, at, Failure::Unreachable);
            }
        });
    }

    /// A gateway said what became of a message there.
    pub(crate) fn answered(&mut self, now: Instant, number: u64, by: GatewayId, outcome: Outcome) {
        self.with_entry(now, number, |outbox, queue, _| {
            outbox.conclude(now, queue, number, by, Heard::Answer(outcome));
        });
    }

    /// A message could not be sent to a gateway after all.
    pub(crate) fn unsent(&mut self, now: Instant, number: u64, to: GatewayId, why: Failure) {
        self.with_entry(now, number, |outbox, queue, _| {
            outbox.conclude(now, queue, number, to, Heard::NotSent(why));
        });
    }

    /// A gateway will say nothing of a message that it may have shown.
    pub(crate) fn doubted(&mut self, now: Instant, number: u64, by: GatewayId) {
        self.with_entry(now, number, |outbox, queue, _| {
            outbox.conclude(now, queue, number, by, Heard::Nothing);
        });
    }

    /// Somebody who was waited for signed on.
    pub(crate) fn arrived(&mut self, now: Instant, user: &Address) {
        for lane in self.lanes_to(user) {
            self.hurry(now, lane);
        }
    }

    /// A gateway can be reached: what it may have shown is asked there.
    pub(crate) fn linked(&mut self, now: Instant, gateway: GatewayId) {
        self.living.insert(gateway);
        let doubtful =
            |queue: &Queue| queue.head().is_some_and(|h| h.doubts.contains_key(&gateway));
        let lanes: Vec<_> =
            self.queues.iter().filter(|(_, q)| doubtful(q)).map(|(lane, _)| lane.clone()).collect();
        for lane in lanes {
            self.hurry(now, lane);
        }
    }

    /// A gateway is gone.
    pub(crate) fn lost(&mut self, gateway: &GatewayId) {
        self.living.remove(gateway);
    }

    /// Performs what is due. To be called a few times a second.
    pub(crate) fn tick(&mut self, now: Instant) {
        let due: Vec<_> = self
            .agenda
            .iter()
            .take_while(|(at, _)| *at <= now)
            .map(|(_, lane)| lane.clone())
            .collect();
        for lane in due {
            self.with(now, lane, |outbox, queue| outbox.expire(now, queue));
        }
    }

    /// Number of messages on disk, or on the way there.
    pub(crate) fn kept_count(&self) -> usize {
        self.queues.values().flat_map(|q| &q.entries).filter(|e| e.revision > 0).count()
    }

    fn lanes_to(&self, user: &Address) -> Vec<Lane> {
        let lanes = self.queues.range(Lane::first_to(user)..).map(|(lane, _)| lane);
        lanes.take_while(|lane| lane.to == *user).cloned().collect()
    }

    fn with_entry(
        &mut self,
        now: Instant,
        number: u64,
        act: impl FnOnce(&mut Self, &mut Queue, usize),
    ) {
        let Some(lane) = self.lanes.get(&number).cloned() else { return };
        self.with(now, lane, |outbox, queue| {
            if let Some(at) = queue.entries.iter().position(|e| e.number == number) {
                act(outbox, queue, at);
            }
        });
    }

    /// Changes a queue, and goes on with it.
    fn with(&mut self, now: Instant, lane: Lane, act: impl FnOnce(&mut Self, &mut Queue)) {
        // Taken out of the map while it changes, so that the outbox is free for what follows from
        // it, such as a report in another queue.
        let mut queue = self.queues.remove(&lane).unwrap_or_default();
        act(self, &mut queue);
        self.advance(now, &lane, &mut queue);
        if let Some(at) = queue.scheduled {
            self.agenda.remove(&(at, lane.clone()));
        }
        if queue.entries.is_empty() {
            if queue.watching {
                self.unwatch(&lane.to);
            }
            return;
        }
        queue.scheduled = queue.next_deadline(KEEP_DEADLINE);
        if let Some(at) = queue.scheduled {
            self.agenda.insert((at, lane.clone()));
        }
        self.queues.insert(lane, queue);
    }
}
