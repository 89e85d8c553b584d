//! One message in the outbox, and the queue that it waits in.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Consent, Envelope, Failure, RichText};

use super::Action;
use crate::membership::GatewayId;
use crate::wire::message::Message;

/// A message as it waits on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Post {
    pub(crate) message: Message,
    /// The gateways that it was sent to, or is about to be.
    pub(crate) tried: BTreeSet<GatewayId>,
    /// Its receiver blocks its sender.
    pub(crate) muted: bool,
}

/// A message in memory.
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) message: Message,
    /// Age of the message when it came here.
    age: Duration,
    since: Instant,
    /// Time at which it expires.
    pub(super) until: Instant,
    pub(super) may_keep: bool,
    /// The last revision sent to disk, none being 0, and the last that is there.
    pub(super) revision: u64,
    pub(super) durable: u64,
    /// Time at which it was last sent to disk ahead of something that waits for that.
    pub(super) asked: Option<Instant>,
    pub(super) tried: BTreeSet<GatewayId>,
    /// All that a revision on disk may name.
    pub(super) recorded: BTreeSet<GatewayId>,
    /// The gateways that may have shown it, and since when that is in doubt.
    pub(super) doubts: BTreeMap<GatewayId, Instant>,
    /// The gateways that got it and did not say what became of it, for as long as that is so.
    pub(super) unsure: BTreeSet<GatewayId>,
    /// Whether the one who posted it was told its fate, or that it is kept.
    pub(super) told: bool,
    pub(super) muted: bool,
}

impl Entry {
    pub(super) fn new(
        number: u64,
        message: Message,
        now: Instant,
        may_keep: bool,
        longest: Duration,
    ) -> Self {
        Self {
            number,
            message,
            age: Duration::ZERO,
            since: now,
            until: now + longest,
            may_keep,
            revision: 0,
            durable: 0,
            asked: None,
            tried: BTreeSet::new(),
            recorded: BTreeSet::new(),
            doubts: BTreeMap::new(),
            unsure: BTreeSet::new(),
            told: false,
            muted: false,
        }
    }

    /// One from disk, of the gateway `own`, which knows what it has shown itself.
    pub(super) fn restored(
        number: u64,
        post: Post,
        now: Instant,
        age: Duration,
        own: GatewayId,
        longest: Duration,
    ) -> Self {
        let tried = || post.tried.iter().copied().filter(|gateway| *gateway != own);
        let (doubts, unsure) = (tried().map(|g| (g, now)).collect(), tried().collect());
        Self {
            age,
            until: now + longest.saturating_sub(age),
            revision: 1,
            durable: 1,
            recorded: post.tried.clone(),
            tried: post.tried,
            doubts,
            unsure,
            told: true,
            muted: post.muted,
            ..Self::new(number, post.message, now, true, longest)
        }
    }

    /// A message in the place of `failed`.
    pub(super) fn successor(
        failed: &Self,
        message: Message,
        now: Instant,
        longest: Duration,
    ) -> Self {
        Self {
            revision: failed.revision,
            told: true,
            ..Self::new(failed.number, message, now, true, longest)
        }
    }

    /// Time since it was sent.
    pub(super) fn age(&self, now: Instant) -> Duration {
        self.age + now.saturating_duration_since(self.since)
    }

    /// The next revision for the disk.
    pub(super) fn keep(&mut self, now: Instant) -> Action {
        self.revision += 1;
        self.recorded.extend(&self.tried);
        let post =
            Post { message: self.message.clone(), tried: self.tried.clone(), muted: self.muted };
        Action::Keep { number: self.number, revision: self.revision, post, age: self.age(now) }
    }

    /// Reason of its failure, for its sender: what may have been shown somewhere is not called
    /// lost.
    pub(super) fn failure(&self, why: Failure) -> Failure {
        if self.unsure.is_empty() { why } else { Failure::Unconfirmed }
    }

    pub(super) fn is_durable(&self) -> bool {
        self.revision > 0 && self.durable == self.revision
    }

    /// Whether the disk knows what it should, or need not know of it at all.
    pub(super) fn is_recorded(&self) -> bool {
        self.revision == 0 || self.is_durable()
    }

    /// Roughly what it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        self.message.weight()
    }

    pub(super) fn is_words(&self) -> bool {
        matches!(&self.message, Message::Envelope(e) if matches!(e.body, Body::Text { .. }))
    }

    pub(super) const fn is_report(&self) -> bool {
        matches!(self.message, Message::Report { .. })
    }

    /// Forgets what it says.
    pub(super) fn mute(&mut self) {
        self.muted = true;
        if let Message::Envelope(envelope) = &mut self.message
            && let Body::Text { text, .. } = &mut envelope.body
        {
            *text = RichText::default();
            envelope.details = None;
        }
    }

    /// Report to its sender after it failed, if the message matters enough.
    pub(super) fn report(&self, why: Failure) -> Option<Message> {
        let Message::Envelope(envelope) = &self.message else { return None };
        let matters = match &envelope.body {
            Body::Text { .. } => true,
            Body::Contact(Consent::Request(_)) => {
                matches!(why, Failure::NoSuchUser | Failure::Refused)
            }
            _ => false,
        };
        let (from, to) = (envelope.from.clone(), envelope.to.clone());
        matters.then_some(Message::Report { of: envelope.id, from, to, why })
    }

    /// Whether a step of consent in the same direction says otherwise now, or the typing state is
    /// another one.
    pub(super) fn is_superseded(&self, by: &Message) -> bool {
        if is_typing(by) {
            return is_typing(&self.message);
        }
        match (step_of(&self.message), step_of(by)) {
            // Who granted an earlier request has to hear that it was taken back, or the new one
            // would seem to be granted already.
            (Some(Consent::Cancel), Some(Consent::Request(_))) | (None, _) | (_, None) => false,
            (Some(waiting), Some(by)) => {
                let asks = |step: &_| matches!(step, Consent::Request(_) | Consent::Cancel);
                asks(waiting) == asks(by)
            }
        }
    }
}

/// The step of consent that a message is.
const fn step_of(message: &Message) -> Option<&Consent> {
    match message {
        Message::Envelope(Envelope { body: Body::Contact(step), .. }) => Some(step),
        _ => None,
    }
}

fn is_typing(message: &Message) -> bool {
    matches!(message, Message::Envelope(Envelope { body: Body::Typing(_), .. }))
}

/// Sender, receiver and kind of a queue. Ordered by receiver first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Lane {
    pub(super) to: Address,
    kind: Kind,
    /// None of a report that the gateway itself makes.
    from: Option<Address>,
}

/// Kind of the messages of a queue, which wait for their own kind only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    /// Texts, and what must not overtake them: typing and calls for attention.
    Text,
    Consent,
    Report,
}

impl Lane {
    pub(super) fn of(message: &Message) -> Self {
        let to = message.receiver().clone();
        match message {
            Message::Envelope(envelope) => {
                let kind = match envelope.body {
                    Body::Contact(_) => Kind::Consent,
                    Body::Undelivered { .. } => Kind::Report,
                    _ => Kind::Text,
                };
                Self { to, kind, from: Some(envelope.from.clone()) }
            }
            _ => Self { to, kind: Kind::Report, from: None },
        }
    }

    /// Whether it is what `user` says.
    pub(super) fn is_from(&self, user: &Address) -> bool {
        self.from.as_ref() == Some(user)
    }

    /// Whether it is what the receiver is told of what failed.
    pub(super) fn is_of_reports(&self) -> bool {
        self.kind == Kind::Report
    }

    /// Before all lanes to `user`.
    pub(super) fn first_to(user: &Address) -> Self {
        Self { to: user.clone(), kind: Kind::Text, from: None }
    }
}

/// A conversation's messages, in order.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) entries: VecDeque<Entry>,
    pub(super) step: Step,
    /// Number of times that the first one was tried since there was hope.
    pub(super) tries: u32,
    /// Time of the next try; `None` if nothing failed.
    pub(super) at: Option<Instant>,
    pub(super) watching: bool,
    /// The queue's place in the agenda.
    pub(super) scheduled: Option<Instant>,
}

/// Stage of the first message that is not muted.
#[derive(Default)]
pub(super) enum Step {
    #[default]
    Idle,
    Locating,
    /// The gateways it goes to are written down first.
    Recording {
        to: BTreeSet<GatewayId>,
    },
    Sending {
        waits: BTreeSet<GatewayId>,
        why: Failure,
        /// It was not sent where the receiver is, but where it may have been shown.
        asking: bool,
    },
    /// It was shown; that is written down before the next one leaves.
    Closing,
}

impl Queue {
    pub(super) fn head(&self) -> Option<&Entry> {
        self.entries.iter().find(|e| !e.muted)
    }

    pub(super) fn head_mut(&mut self) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|e| !e.muted)
    }

    pub(super) fn take_head(&mut self) -> Option<Entry> {
        let at = self.entries.iter().position(|e| !e.muted)?;
        self.entries.remove(at)
    }

    /// Ends the search for the receiver of the first message, if that is `number` and it is under
    /// way.
    pub(super) fn ends_locating(&mut self, number: u64) -> bool {
        let is_meant = matches!(self.step, Step::Locating)
            && self.head().is_some_and(|head| head.number == number);
        if is_meant {
            self.step = Step::Idle;
        }
        is_meant
    }

    /// Whether the first message is not to be given up now: somebody may be about to show it, or
    /// has.
    pub(super) fn is_under_way(&self) -> bool {
        !matches!(self.step, Step::Idle | Step::Recording { .. })
    }

    /// Time at which something is to be done; `patience` is the longest wait for the disk.
    pub(super) fn next_deadline(&self, patience: Duration) -> Option<Instant> {
        let idle = matches!(self.step, Step::Idle);
        let skip = usize::from(self.is_under_way());
        let expires = self.entries.iter().skip(skip).map(|e| e.until).min();
        let unkept = self.entries.iter().skip(skip).filter(|e| !e.told && !e.is_durable());
        let disk = unkept.filter_map(|e| e.asked).map(|asked| asked + patience).min();
        let again = self.at.filter(|_| idle && self.head().is_some());
        [again, expires, disk].into_iter().flatten().min()
    }
}
