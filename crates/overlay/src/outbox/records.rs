//! Everything in an outbox that is about one person: told, and forgotten.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Failure};

use super::Outbox;
use super::entry::{Entry, Lane, Queue, Step};
use crate::wire::message::Message;

/// A message that waits, with its age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The message.
    pub message: Message,
    /// Time since it was said.
    pub age: Duration,
}

/// Place of a person in a conversation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The person says it.
    Says,
    /// The person is told what became of something.
    IsTold,
    /// Somebody else says it to the person.
    Hears,
}

impl Outbox {
    /// The messages by and for `user` that are kept, and the reports for `user`. What a block has
    /// ended is not among them: nothing of it is left.
    pub(crate) fn waiting(&self, now: Instant, user: &Address) -> Vec<Waiting> {
        let of_user = self.queues.iter().filter(|(lane, _)| part(lane, user).is_some());
        let kept = of_user.flat_map(|(_, queue)| &queue.entries);
        let kept = kept.filter(|entry| entry.revision > 0 && !entry.muted);
        kept.map(|entry| Waiting { message: entry.message.clone(), age: entry.age(now) }).collect()
    }

    /// Forgets what `user` said and the reports for `user`, on disk too. What others said to `user`
    /// is theirs, and ends with a report to them. Returns how many texts of `user` were kept for
    /// each receiver and will not arrive.
    pub(crate) fn wipe(&mut self, now: Instant, user: &Address) -> BTreeMap<Address, usize> {
        let mut taken_back = BTreeMap::new();
        for (lane, part) in self.lanes_of(user) {
            let to = lane.to.clone();
            self.with(now, lane, |outbox, queue| {
                if part == Part::Hears {
                    return outbox.end(now, queue, Duration::ZERO, Failure::Refused);
                }
                let step = std::mem::take(&mut queue.step);
                let mut leaves = matches!(step, Step::Sending { .. } | Step::Closing);
                for mut entry in std::mem::take(&mut queue.entries) {
                    // Of the others it is not known that they will not arrive.
                    let has_left = !entry.muted && std::mem::take(&mut leaves);
                    let stays = !has_left && entry.unsure.is_empty();
                    if entry.is_words() && entry.revision > 0 && stays {
                        *taken_back.entry(to.clone()).or_default() += 1;
                    }
                    outbox.tell(&mut entry, Err(Failure::Expired));
                    outbox.drop_entry(&entry);
                }
            });
        }
        taken_back
    }

    /// Ends what `user`, who was forgotten at another gateway, had said here up to then: so long ago
    /// at the least. Nobody there can say what this was, so `user` gets reports.
    pub(crate) fn take_back(&mut self, now: Instant, user: &Address, since: Duration) {
        let mut lanes = self.lanes_of(user);
        lanes.retain(|(_, part)| *part != Part::Hears);
        for (lane, part) in lanes {
            self.with(now, lane, |outbox, queue| {
                if part == Part::Says {
                    return outbox.end(now, queue, since, Failure::Expired);
                }
                let old = |entry: &Entry| entry.age(now) >= since;
                let head_is_old = queue.head().is_some_and(old);
                let (over, rest): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut queue.entries).into_iter().partition(old);
                queue.entries = rest.into();
                if head_is_old {
                    queue.step = Step::Idle;
                }
                for entry in &over {
                    outbox.drop_entry(entry);
                }
            });
        }
    }

    /// Fails what is at least so old in a queue. What may be shown at this moment expires as soon as it
    /// is known that it was not.
    fn end(&mut self, now: Instant, queue: &mut Queue, least: Duration, why: Failure) {
        let mut at = 0;
        while let Some(entry) = queue.entries.get(at) {
            let is_head = queue.head().is_some_and(|head| head.number == entry.number);
            if entry.age(now) < least {
                at += 1;
            } else if is_head && queue.is_under_way() {
                queue.entries[at].until = now;
                at += 1;
            } else {
                if is_head {
                    queue.step = Step::Idle;
                }
                self.fail(now, queue, at, why);
            }
        }
    }

    /// The queues with something of `user` in them.
    fn lanes_of(&self, user: &Address) -> Vec<(Lane, Part)> {
        let lanes = self.queues.keys();
        lanes.filter_map(|lane| Some((lane.clone(), part(lane, user)?))).collect()
    }
}

/// The part that `user` has in a queue. Reports to others about `user` are theirs alone.
fn part(lane: &Lane, user: &Address) -> Option<Part> {
    if lane.is_from(user) {
        return Some(Part::Says);
    }
    let is_told = if lane.is_of_reports() { Part::IsTold } else { Part::Hears };
    (lane.to == *user).then_some(is_told)
}
