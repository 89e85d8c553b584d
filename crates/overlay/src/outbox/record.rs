//! Records that have to be on disk before a conversation goes on, so that a restart shows nothing
//! twice and nothing out of order.

use std::collections::BTreeSet;
use std::time::Instant;

use super::Outbox;
use super::entry::{Entry, Queue, Step};
use crate::membership::GatewayId;
use crate::wire::message::Fate;

impl Outbox {
    /// A revision of a message is on disk.
    pub(crate) fn kept(&mut self, now: Instant, number: u64, revision: u64) {
        self.disk_fails = false;
        self.with_entry(now, number, |outbox, queue, at| {
            let entry = &mut queue.entries[at];
            entry.durable = entry.durable.max(revision);
            outbox.tell_kept(queue);
            outbox.go_on(now, queue);
        });
    }

    /// Nothing comes to disk: what can be delivered does not wait for it.
    pub(crate) fn disk_failed(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.disk_fails, true) {
            for lane in self.queues.keys().cloned().collect::<Vec<_>>() {
                self.with(now, lane, |outbox, queue| outbox.go_on(now, queue));
            }
        }
    }

    /// Writes down where messages of this queue that are on disk are about to be sent.
    pub(super) fn record(&mut self, now: Instant, queue: &mut Queue, to: &BTreeSet<GatewayId>) {
        let others: BTreeSet<_> = to.iter().copied().filter(|g| *g != self.own).collect();
        for entry in &mut queue.entries {
            if entry.revision > 0 && !entry.muted && !others.is_subset(&entry.tried) {
                entry.tried.extend(&others);
                entry.asked = Some(now);
                self.todo.push_back(entry.keep(now));
            }
        }
    }

    /// Goes on with what was waiting to be written down, once that is done. A disk that is slow is
    /// waited for: what is on it already loses nothing by that.
    pub(super) fn go_on(&mut self, now: Instant, queue: &mut Queue) {
        let is_ready = self.disk_fails || queue.head().is_none_or(Entry::is_recorded);
        match &queue.step {
            Step::Recording { to } if is_ready => {
                let to = to.clone();
                self.send(now, queue, to, false);
            }
            Step::Closing if is_ready => self.close(queue),
            _ => {}
        }
    }

    /// The first message was shown by the gateway `by`. Where others were tried too, they are
    /// crossed out on disk before the next one leaves: asked after a restart, they would show
    /// this one behind it.
    pub(super) fn delivered(&mut self, now: Instant, queue: &mut Queue, by: GatewayId) {
        queue.step = Step::Idle;
        queue.tries = 0;
        let Some(head) = queue.head_mut() else { return };
        self.tell(head, Ok(Fate::Delivered));
        let others = head.recorded.iter().any(|gateway| *gateway != by);
        // What was shown here a restart knows anyway.
        if !others || self.disk_fails || by == self.own {
            return self.close(queue);
        }
        head.tried = BTreeSet::from([by]);
        self.todo.push_back(head.keep(now));
        queue.step = Step::Closing;
    }

    fn close(&mut self, queue: &mut Queue) {
        queue.step = Step::Idle;
        if let Some(entry) = queue.take_head() {
            self.drop_entry(&entry);
        }
    }
}
