//! The ends of messages: those that fail or expire, and those that later ones make needless.

use std::time::Instant;

use crosstalk_core::Failure;

use super::entry::{Entry, Lane, Queue, Step};
use super::{Action, KEEP_DEADLINE, Outbox};
use crate::wire::message::{Fate, Message};

impl Outbox {
    /// Fails what waited too long for its receiver, and what does not come to disk. What is there
    /// already, and only waits for more to be written down, is not lost and not given up.
    pub(super) fn expire(&mut self, now: Instant, queue: &mut Queue) {
        let mut at = 0;
        while let Some(entry) = queue.entries.get_mut(at) {
            let number = entry.number;
            let is_late = entry.asked.is_some_and(|at| at + KEEP_DEADLINE <= now);
            // Of a report there is nobody who could be told that it was not taken: it waits here for
            // its receiver, and for the disk.
            let unkept = is_late && !entry.told && !entry.is_durable() && !entry.is_report();
            let expired = (entry.until <= now).then_some(Failure::Expired);
            let why = expired.or((unkept && entry.durable == 0).then_some(Failure::Busy));
            if unkept && why.is_none() {
                self.tell(entry, Ok(Fate::Kept { first: false }));
            }
            let is_head = queue.head().is_some_and(|head| head.number == number);
            if let Some(why) = why.filter(|_| !(is_head && queue.is_under_way())) {
                if is_head {
                    queue.step = Step::Idle;
                }
                self.fail(now, queue, at, why);
            }
            at += usize::from(queue.entries.get(at).is_some_and(|e| e.number == number));
        }
    }

    pub(super) fn fail_head(&mut self, now: Instant, queue: &mut Queue, why: Failure) {
        if let Some(at) = queue.entries.iter().position(|e| !e.muted) {
            self.fail(now, queue, at, why);
        }
    }

    /// Ends a message that was not delivered. Who was told that it is kept gets a report, which
    /// takes its place on disk.
    pub(super) fn fail(&mut self, now: Instant, queue: &mut Queue, at: usize, why: Failure) {
        let Some(mut entry) = queue.entries.remove(at) else { return };
        let why = entry.failure(why);
        let report = entry.report(why).filter(|_| entry.told);
        self.tell(&mut entry, Err(why));
        let Some(report) = report else { return self.drop_entry(&entry) };
        self.book.release(&entry.message, entry.size());
        let mut report = Entry::successor(&entry, report, now, self.book.limits.age);
        self.book.charge(&report.message, report.size());
        // The report takes the number of the message that failed, so that one write puts it in its
        // place on disk: a crash leaves the one or the other.
        self.todo.push_back(report.keep(now));
        let lane = Lane::of(&report.message);
        self.lanes.insert(report.number, lane.clone());
        self.with(now, lane, |outbox, queue| {
            queue.entries.push_back(report);
            outbox.watch(queue);
        });
    }

    /// A step of consent takes the place of an earlier one in the same direction that still waits,
    /// and a typing state that of any earlier one.
    pub(super) fn supersede(&mut self, queue: &mut Queue, by: &Message) {
        let busy = !matches!(queue.step, Step::Idle);
        let in_flight = queue.head().filter(|_| busy).map(|head| head.number);
        let mut at = 0;
        while let Some(entry) = queue.entries.get(at) {
            // What is under way may be shown already, and cannot be taken back.
            if in_flight != Some(entry.number) && entry.is_superseded(by) {
                if let Some(mut entry) = queue.entries.remove(at) {
                    self.tell(&mut entry, Ok(Fate::Kept { first: false }));
                    self.drop_entry(&entry);
                }
            } else {
                at += 1;
            }
        }
    }

    pub(super) fn tell(&mut self, entry: &mut Entry, outcome: Result<Fate, Failure>) {
        if !std::mem::replace(&mut entry.told, true) {
            self.todo.push_back(Action::Settled(entry.number, outcome));
        }
    }

    /// Forgets a message that is over and out of its queue.
    pub(super) fn drop_entry(&mut self, entry: &Entry) {
        self.lanes.remove(&entry.number);
        if entry.revision > 0 {
            self.book.release(&entry.message, entry.size());
            self.todo.push_back(Action::Forget(entry.number));
        }
    }
}
