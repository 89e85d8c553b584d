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
/// From how many empty places on a mailbox gives them back.
const SPARE: usize = 4;

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

#[derive(Debug, Default)]
struct State {
    mail: VecDeque<Box<Mail>>,
    /// Bytes that the mail takes.
    bytes: usize,
    /// Bytes that wait elsewhere for the session.
    aside: usize,
    charge: Option<Charge>,
    /// The session, where it waits for mail.
    reader: Option<Waker>,
    /// Waker of the account, if it waits for room.
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
    /// Puts `mail` in; gives it back where there is no room or no session any more.
    pub(crate) fn try_send(&self, mail: Box<Mail>) -> Result<(), Box<Mail>> {
        let weight = mail.weight();
        let mut state = lock(&self.0);
        if state.is_closed || !state.has_room() {
            return Err(mail);
        }
        state.mail.push_back(mail);
        state.bytes += weight;
        state.settle();
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// Whether there is room for one more piece. If not, `writer` is woken once there is.
    pub(crate) fn await_room(&self, writer: impl FnOnce() -> Waker) -> bool {
        let mut state = lock(&self.0);
        if state.is_closed || state.has_room() {
            return !state.is_closed;
        }
        state.writer = Some(writer());
        false
    }

    /// Whether such a piece waits.
    pub(crate) fn holds(&self, is_it: impl Fn(&Mail) -> bool) -> bool {
        lock(&self.0).mail.iter().any(|mail| is_it(mail))
    }

    /// Takes such a piece out.
    pub(crate) fn take_out(&self, is_it: impl Fn(&Mail) -> bool) -> Option<Box<Mail>> {
        let mut state = lock(&self.0);
        let at = state.mail.iter().position(|mail| is_it(mail))?;
        let mail = state.mail.remove(at)?;
        state.bytes -= mail.weight();
        state.settle();
        Some(mail)
    }

    /// Says how many bytes wait elsewhere for the session.
    pub(crate) fn set_aside(&self, bytes: usize) {
        let mut state = lock(&self.0);
        state.aside = bytes;
        state.settle();
    }
}

impl Mails {
    /// Bytes that the next piece takes, once there is one.
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

    /// Number of pieces that wait.
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
