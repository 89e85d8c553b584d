//! A session's mailbox: bounded by number and by bytes, and charged to the session's connection.
//!
//! A queue of tokio's counts pieces only, and keeps several hundred bytes for each session on
//! which nothing happens.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Mail;
use crate::memory::{Charge, Entry};

/// The most mail that waits for one session; what comes on top fails as
/// [`Failure::Busy`](crosstalk_core::Failure::Busy).
pub const MAILBOX: usize = 256;
/// The same in bytes: with this much, a mailbox takes no more.
pub const MAILBOX_BYTES: usize = 256 << 10;
/// The most bytes that wait elsewhere for one session: what it says and is not on its way yet, and
/// what it holds back.
const MAX_ASIDE: usize = 1 << 20;
/// From how many empty places on a mailbox gives them back.
const SPARE: usize = 16;

/// Makes a mailbox, charged to `entry`.
pub(crate) fn mailbox(entry: Option<&Entry>) -> (Mailbox, Mails) {
    let state = State { charge: entry.map(Entry::charge), ..State::default() };
    let shared = Arc::new(Mutex::new(state));
    (Mailbox(Arc::clone(&shared)), Mails(shared))
}

/// The side of those who write. A cheap handle.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox(Arc<Mutex<State>>);

/// The session's side.
#[derive(Debug)]
pub struct Mails(Arc<Mutex<State>>);

/// Memory that is set aside for a session, as long as this is kept.
#[derive(Debug)]
pub(crate) struct Aside {
    mailbox: Mailbox,
    bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    mail: VecDeque<Box<Mail>>,
    /// What the mail takes.
    bytes: usize,
    aside: usize,
    charge: Option<Charge>,
    /// The session, where it waits for mail.
    reader: Option<Waker>,
    /// Who waits for room; one task at most does.
    writer: Option<Waker>,
    is_closed: bool,
}

impl State {
    fn has_room(&self) -> bool {
        self.mail.len() < MAILBOX && self.bytes < MAILBOX_BYTES
    }

    /// Has the session woken for the next piece.
    fn wait(&mut self, cx: &Context<'_>) {
        match &mut self.reader {
            Some(reader) => reader.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    fn settle(&mut self) {
        if let Some(charge) = &mut self.charge {
            charge.set(self.bytes + self.aside);
        }
    }
}

impl Mailbox {
    /// Puts `mail` in; false, and without it, where there is no room or no session any more.
    pub(crate) fn try_send(&self, mail: Mail) -> bool {
        let weight = mail.weight();
        let mut state = lock(&self.0);
        if state.is_closed || !state.has_room() {
            return false;
        }
        state.mail.push_back(Box::new(mail));
        state.bytes += weight;
        state.settle();
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }

    /// Whether there is room for one more piece.
    pub(crate) fn has_room(&self) -> bool {
        lock(&self.0).has_room()
    }

    /// Waits for room. False if the session is over.
    pub(crate) async fn room(&self) -> bool {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if state.is_closed || state.has_room() {
                return Poll::Ready(!state.is_closed);
            }
            state.writer = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Counts `bytes` that wait elsewhere for the session; `None` where so much waits already
    /// that there is no room.
    pub(crate) fn set_aside(&self, bytes: usize) -> Option<Aside> {
        let mut state = lock(&self.0);
        if state.aside >= MAX_ASIDE {
            return None;
        }
        state.aside += bytes;
        state.settle();
        Some(Aside { mailbox: self.clone(), bytes })
    }

    /// How many bytes wait elsewhere for the session, and whether that is much.
    pub(crate) fn aside(&self) -> (usize, bool) {
        let aside = lock(&self.0).aside;
        (aside, is_much(aside))
    }
}

/// Whether a session should say no more for now, with so many bytes aside.
pub(crate) const fn is_much(aside: usize) -> bool {
    aside >= MAX_ASIDE / 4
}

impl Aside {
    /// How many bytes.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let mut state = lock(&self.mailbox.0);
        state.aside -= self.bytes;
        state.settle();
    }
}

impl Mails {
    /// How much the next piece takes, in bytes, once there is one.
    pub(crate) fn poll_weight(&mut self, cx: &Context<'_>) -> Poll<usize> {
        let mut state = lock(&self.0);
        if let Some(mail) = state.mail.front() {
            return Poll::Ready(mail.weight());
        }
        state.wait(cx);
        Poll::Pending
    }

    /// The next piece.
    pub(crate) fn poll_recv(&mut self, cx: &Context<'_>) -> Poll<Box<Mail>> {
        let mut state = lock(&self.0);
        let Some(mail) = state.mail.pop_front() else {
            state.wait(cx);
            return Poll::Pending;
        };
        state.bytes -= mail.weight();
        if state.mail.is_empty() && state.mail.capacity() > SPARE {
            state.mail = VecDeque::new();
        }
        state.settle();
        let writer = if state.has_room() { state.writer.take() } else { None };
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        Poll::Ready(mail)
    }

    /// The next piece, whenever it comes; `None` where nobody is left to write any.
    pub async fn recv(&mut self) -> Option<Box<Mail>> {
        poll_fn(|cx| match self.poll_recv(cx) {
            Poll::Pending if Arc::strong_count(&self.0) == 1 => Poll::Ready(None),
            received => received.map(Some),
        })
        .await
    }

    /// How many pieces wait.
    pub fn len(&self) -> usize {
        lock(&self.0).mail.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Mails {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.is_closed = true;
        let (mail, writer) = (std::mem::take(&mut state.mail), state.writer.take());
        state.bytes = 0;
        state.settle();
        drop(state);
        // Deliveries that fail with their mail wake those who wait for them.
        drop(mail);
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing here can panic half-way.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
