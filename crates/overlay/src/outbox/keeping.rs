//! Messages on disk: what goes there, and what is told when it has come there.

use std::time::Instant;

use crosstalk_core::{Address, Failure};

use super::entry::Queue;
use super::{Action, Outbox};
use crate::wire::message::Fate;

impl Outbox {
    /// The queue waits: whatever is in it goes to disk, and the receiver is watched.
    pub(super) fn persist_queue(&mut self, now: Instant, queue: &mut Queue) {
        let mut at = 0;
        while let Some(entry) = queue.entries.get(at) {
            let (number, may_keep, revision) = (entry.number, entry.may_keep, entry.revision);
            if !may_keep {
                self.fail(now, queue, at, Failure::Offline);
            } else if revision == 0 && !self.keep(now, queue, at) {
                self.fail(now, queue, at, Failure::Busy);
            }
            at += usize::from(queue.entries.get(at).is_some_and(|e| e.number == number));
        }
        self.watch(queue);
        self.tell_kept(queue);
    }

    /// Tells of what is on disk and waits. Of what is under way at the same time, more will be
    /// known in a moment.
    pub(super) fn tell_kept(&mut self, queue: &mut Queue) {
        let (waits, mut first) = (queue.at.is_some(), true);
        for entry in &mut queue.entries {
            if entry.is_durable() && (waits || entry.muted) {
                self.tell(entry, Ok(Fate::Kept { first }));
            }
            first &= entry.muted;
        }
    }

    /// Sends a message to disk. Says whether there is room for it.
    pub(super) fn keep(&mut self, now: Instant, queue: &mut Queue, at: usize) -> bool {
        let Some(entry) = queue.entries.get_mut(at) else { return false };
        if !self.book.has_room(&entry.message, entry.size()) {
            return false;
        }
        self.book.charge(&entry.message, entry.size());
        entry.asked = Some(now);
        self.todo.push_back(entry.keep(now));
        true
    }

    /// The receiver blocks the sender, which is not for the sender to know: the message ends as
    /// if the receiver never signed on, but what it says is forgotten at once.
    pub(super) fn mute(&mut self, now: Instant, queue: &mut Queue) {
        let Some(at) = queue.entries.iter().position(|e| !e.muted) else { return };
        if !queue.entries[at].may_keep {
            return self.fail(now, queue, at, Failure::Offline);
        }
        if queue.entries[at].revision == 0 && !self.keep(now, queue, at) {
            return self.fail(now, queue, at, Failure::Busy);
        }
        let size = queue.entries[at].size();
        self.book.release(&queue.entries[at].message, size);
        queue.entries[at].mute();
        let size = queue.entries[at].size();
        self.book.charge(&queue.entries[at].message, size);
        self.todo.push_back(queue.entries[at].keep(now));
    }

    pub(super) fn watch(&mut self, queue: &mut Queue) {
        let Some(entry) = queue.entries.front() else { return };
        if !std::mem::replace(&mut queue.watching, true) {
            let to = entry.message.receiver();
            let count = self.awaited.entry(to.clone()).or_default();
            *count += 1;
            if *count == 1 {
                self.todo.push_back(Action::Watch(to.clone()));
            }
        }
    }

    pub(super) fn unwatch(&mut self, to: &Address) {
        if let Some(count) = self.awaited.get_mut(to) {
            *count -= 1;
            if *count == 0 {
                self.awaited.remove(to);
                self.todo.push_back(Action::Unwatch(to.clone()));
            }
        }
    }
}
