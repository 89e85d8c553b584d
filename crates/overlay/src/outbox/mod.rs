//! Outbox: the messages of people, until they are shown to their receivers or reported back. Pure.
//!
//! Each conversation is a queue with at most one message under way, so that a later one waits
//! behind an earlier one that failed. What is not delivered at once goes to disk and waits for
//! its receiver to sign on. A gateway that may have shown a message without having said so is
//! asked before another one is sent it.

mod book;
mod entry;
mod record;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Failure};

#[cfg(test)]
use crate::common::fault_injection;
use crate::common::map::Map;
use crate::membership::GatewayId;
use crate::wire::message::{Fate, Message, Outcome};
use book::Book;
pub use book::Limits;
pub(crate) use entry::Post;
use entry::{Entry, Lane, Queue, Step};

/// Longest wait of a message for the disk before its sender is told that it was not taken.
const KEEP_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for a gateway that may have shown a message; then the message goes to where its
/// receiver is now: rather twice than never.
pub(crate) const DOUBT: Duration = Duration::from_mins(1);
/// The waits between tries, each between a half and the whole of twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_mins(5);

/// Work for the owner of an [`Outbox`].
#[derive(Debug)]
pub(crate) enum Do {
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

/// Answer of a gateway to a message, or its silence.
#[derive(Clone, Copy)]
enum Heard {
    Answer(Outcome),
    /// It was not even sent it, this time.
    NotSent(Failure),
    /// It will say nothing.
    Nothing,
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
    todo: VecDeque<Do>,
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
    pub(crate) fn next(&mut self) -> Option<Do> {
        self.todo.pop_front()
    }

    /// Takes a message. Returns its number; what becomes of it comes as [`Do::Settled`]. Only
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
                outbox.line_up(now, queue);
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

    /// Does what is due. To be called a few times a second.
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

    /// Forgets what `user` said and what was said to `user`, on disk too.
    pub(crate) fn wipe(&mut self, now: Instant, user: &Address) {
        let names = |queue: &Queue| queue.entries.iter().any(|e| e.message.names(user));
        let named = self.queues.iter().filter(|(_, queue)| names(queue));
        let lanes: Vec<_> = named.map(|(lane, _)| lane.clone()).collect();
        for lane in lanes {
            self.with(now, lane, |outbox, queue| {
                queue.step = Step::Idle;
                let entries = std::mem::take(&mut queue.entries).into_iter();
                let (wiped, rest): (Vec<_>, Vec<_>) = entries.partition(|e| e.message.names(user));
                queue.entries = rest.into();
                for mut entry in wiped {
                    outbox.tell(&mut entry, Err(Failure::Expired));
                    outbox.drop_entry(&entry);
                }
            });
        }
    }

    /// Number of messages on disk, or on the way there.
    pub(crate) fn kept_count(&self) -> usize {
        self.queues.values().flat_map(|q| &q.entries).filter(|e| e.revision > 0).count()
    }

    fn hurry(&mut self, now: Instant, lane: Lane) {
        self.with(now, lane, |_, queue| {
            queue.tries = 0;
            queue.at = queue.at.map(|_| now);
        });
    }

    /// Begins a try of the first message, if it is time.
    fn advance(&mut self, now: Instant, lane: &Lane, queue: &mut Queue) {
        while matches!(queue.step, Step::Idle) && queue.at.is_none_or(|at| at <= now) {
            queue.at = None;
            let living = &self.living;
            let Some(head) = queue.head_mut() else { return };
            let asked: BTreeSet<_> =
                head.doubts.keys().filter(|g| living.contains(*g)).copied().collect();
            if !asked.is_empty() {
                return self.send(now, queue, asked, true);
            }
            head.doubts.retain(|_, since| now < *since + DOUBT);
            if let Some(since) = head.doubts.values().min().copied() {
                queue.at = Some(since + DOUBT);
                return self.line_up(now, queue);
            }
            self.todo.push_back(Do::Locate(head.number, lane.to.clone()));
            queue.step = Step::Locating;
        }
    }

    fn send(&mut self, now: Instant, queue: &mut Queue, to: BTreeSet<GatewayId>, asking: bool) {
        let own = self.own;
        queue.step = Step::Idle;
        let Some(head) = queue.head_mut() else { return };
        head.tried.extend(to.iter().filter(|g| **g != own));
        for gateway in &to {
            let (number, message) = (head.number, head.message.clone());
            self.todo.push_back(Do::Send { number, to: *gateway, message, age: head.age(now) });
        }
        #[cfg(test)]
        let first = to.first().copied();
        queue.step = Step::Sending { waits: to, why: Failure::Offline, asking };
        #[cfg(test)]
        if let Some(first) =
            first.filter(|_| fault_injection::is(fault_injection::Fault::SkippedAck))
        {
            self.delivered(now, queue, first);
        }
    }

    /// Takes what is known of a try. One success is enough; a failure counts when there is nothing
    /// left to wait for.
    fn conclude(
        &mut self,
        now: Instant,
        queue: &mut Queue,
        number: u64,
        by: GatewayId,
        heard: Heard,
    ) {
        let Queue { step: Step::Sending { waits, why, asking }, entries, .. } = queue else {
            return;
        };
        let head = entries.iter_mut().find(|e| !e.muted).filter(|head| head.number == number);
        let Some(head) = head.filter(|_| waits.remove(&by)) else { return };
        match heard {
            Heard::Answer(Ok(())) => return self.delivered(now, queue, by),
            // A router that answers so dropped the message without a word.
            Heard::Answer(Err(failure @ Failure::Unreachable)) => {
                head.unsure.insert(by);
                *why = weightier(*why, failure);
            }
            Heard::Answer(Err(failure)) => {
                head.doubts.remove(&by);
                head.unsure.remove(&by);
                head.tried.remove(&by);
                *why = weightier(*why, failure);
            }
            Heard::NotSent(failure) => *why = weightier(*why, failure),
            Heard::Nothing => {
                head.doubts.entry(by).or_insert(now);
                head.unsure.insert(by);
                *why = weightier(*why, Failure::Unreachable);
            }
        }
        if !waits.is_empty() {
            return;
        }
        let (why, was_asked) = (*why, *asking && *why == Failure::Offline);
        queue.step = Step::Idle;
        match why {
            Failure::Refused | Failure::NoSuchUser => self.fail_head(now, queue, why),
            Failure::Blocked => self.mute(now, queue),
            // It was not shown there: on to where the receiver is now.
            _ if was_asked => {}
            _ => self.wait(now, queue, why),
        }
    }

    /// Leaves the first message for later, if it may wait.
    fn wait(&mut self, now: Instant, queue: &mut Queue, why: Failure) {
        if queue.head().is_some_and(|head| !head.may_keep) {
            return self.fail_head(now, queue, why);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << queue.tries.min(10)).min(LAST_WAIT);
        queue.tries += 1;
        queue.at = Some(now + self.jitter(wait));
        self.line_up(now, queue);
    }

    /// The queue waits: whatever is in it goes to disk, and the receiver is watched.
    fn line_up(&mut self, now: Instant, queue: &mut Queue) {
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
    fn tell_kept(&mut self, queue: &mut Queue) {
        let (waits, mut first) = (queue.at.is_some(), true);
        for entry in &mut queue.entries {
            if entry.is_durable() && (waits || entry.muted) {
                self.tell(entry, Ok(Fate::Kept { first }));
            }
            first &= entry.muted;
        }
    }

    /// Sends a message to disk. Says whether there is room for it.
    fn keep(&mut self, now: Instant, queue: &mut Queue, at: usize) -> bool {
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
    fn mute(&mut self, now: Instant, queue: &mut Queue) {
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

    /// Fails what waited too long for its receiver, and what does not come to disk. What is there
    /// already, and only waits for more to be written down, is not lost and not given up.
    fn expire(&mut self, now: Instant, queue: &mut Queue) {
        let mut at = 0;
        while let Some(entry) = queue.entries.get_mut(at) {
            let number = entry.number;
            let is_late = entry.asked.is_some_and(|at| at + KEEP_DEADLINE <= now);
            let unkept = is_late && !entry.told && !entry.is_durable();
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

    fn fail_head(&mut self, now: Instant, queue: &mut Queue, why: Failure) {
        if let Some(at) = queue.entries.iter().position(|e| !e.muted) {
            self.fail(now, queue, at, why);
        }
    }

    /// Ends a message that was not delivered. Who was told that it is kept gets a report, which
    /// takes its place on disk.
    fn fail(&mut self, now: Instant, queue: &mut Queue, at: usize, why: Failure) {
        let Some(mut entry) = queue.entries.remove(at) else { return };
        let why = entry.failure(why);
        let report = entry.report(why).filter(|_| entry.told);
        self.tell(&mut entry, Err(why));
        let Some(report) = report else { return self.drop_entry(&entry) };
        self.book.release(&entry.message, entry.size());
        let mut report = Entry::successor(&entry, report, now, self.book.limits.age);
        self.book.charge(&report.message, report.size());
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
    fn supersede(&mut self, queue: &mut Queue, by: &Message) {
        let busy = !matches!(queue.step, Step::Idle);
        let in_flight = queue.head().filter(|_| busy).map(|head| head.number);
        let mut at = 0;
        while let Some(entry) = queue.entries.get(at) {
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

    fn tell(&mut self, entry: &mut Entry, outcome: Result<Fate, Failure>) {
        if !std::mem::replace(&mut entry.told, true) {
            self.todo.push_back(Do::Settled(entry.number, outcome));
        }
    }

    /// Forgets a message that is over and out of its queue.
    fn drop_entry(&mut self, entry: &Entry) {
        self.lanes.remove(&entry.number);
        if entry.revision > 0 {
            self.book.release(&entry.message, entry.size());
            self.todo.push_back(Do::Forget(entry.number));
        }
    }

    fn watch(&mut self, queue: &mut Queue) {
        let Some(entry) = queue.entries.front() else { return };
        if !std::mem::replace(&mut queue.watching, true) {
            let to = entry.message.receiver();
            let count = self.awaited.entry(to.clone()).or_default();
            *count += 1;
            if *count == 1 {
                self.todo.push_back(Do::Watch(to.clone()));
            }
        }
    }

    fn unwatch(&mut self, to: &Address) {
        if let Some(count) = self.awaited.get_mut(to) {
            *count -= 1;
            if *count == 0 {
                self.awaited.remove(to);
                self.todo.push_back(Do::Unwatch(to.clone()));
            }
        }
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

    /// Between a half and the whole of `wait`.
    fn jitter(&mut self, wait: Duration) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        wait / 2 + (wait / 2).mul_f64(f64::from(self.random as u32) / f64::from(u32::MAX))
    }
}

/// Of two failures, the one that says more than that the person is not there.
fn weightier(one: Failure, other: Failure) -> Failure {
    let weight = |why: Failure| match why {
        Failure::Offline => 0,
        Failure::Unreachable | Failure::Unconfirmed | Failure::Busy | Failure::Expired => 1,
        Failure::NoSuchUser | Failure::Refused => 2,
        Failure::Blocked => 3,
    };
    if weight(other) > weight(one) { other } else { one }
}
