//! Stanzas of either side that cannot be judged yet: kept in order, and bounded.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crosstalk_core::{Fault, MAX_PENDING, MAX_UNKNOWN, Now, Output, Side};

use super::Jabber;
use super::account::Foreign;
use super::wire::Frame;

/// Longest wait of a client's request for its roster for the foreign part.
const PATIENCE: Duration = Duration::from_secs(2);

/// The frames of one side.
#[derive(Default)]
pub(super) struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Queue {
    /// Keeps one behind the others.
    pub(super) fn push(&mut self, frame: Frame) {
        self.bytes += frame.bytes().len();
        self.frames.push_back(frame);
    }

    /// Keeps one before the others, from whose front it was taken.
    pub(super) fn put_back(&mut self, frame: Frame) {
        self.bytes += frame.bytes().len();
        self.frames.push_front(frame);
    }

    /// Takes the first.
    pub(super) fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.bytes().len();
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
        Some(frame)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn holds_words(&self) -> bool {
        self.frames.iter().any(|frame| !matches!(frame, Frame::Space(_)))
    }
}

/// Stanzas of both sides, and what they wait for besides the sign-on.
#[derive(Default)]
pub(super) struct HeldFrames {
    pub(super) client: Queue,
    pub(super) server: Queue,
    /// Time until which the client's stanzas wait for the person's list.
    pub(super) until: Option<Instant>,
}

impl HeldFrames {
    /// Bytes held.
    pub(super) const fn weight(&self) -> usize {
        self.client.bytes + self.server.bytes
    }

    /// Whether there is more than may wait for somebody, known or not.
    pub(super) const fn is_too_much(&self, known: bool) -> bool {
        self.weight() > if known { MAX_PENDING } else { MAX_UNKNOWN }
    }

    /// Whether anything is held besides white space.
    pub(super) fn holds_words(&self) -> bool {
        self.client.holds_words() || self.server.holds_words()
    }

    /// Whether nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.client.is_empty() && self.server.is_empty()
    }
}

impl Jabber {
    /// Whether what `side` says now has to wait.
    pub(super) fn waits(&self, side: Side) -> bool {
        let stage = &self.signon.stage;
        match side {
            Side::Client => !self.held.client.is_empty() || self.client_has_to_wait(),
            Side::Server => stage.awaits_gateway() || self.signon.proxy.is_computing(),
        }
    }

    /// Whether the client's next word cannot be judged, or is none any more.
    fn client_has_to_wait(&self) -> bool {
        self.opaque
            || self.held.until.is_some()
            || self.signon.awaits_first_word
            || self.signon.stage.awaits_server()
            || self.signon.expects_tls(Side::Client)
    }

    /// Keeps a frame in order behind others.
    pub(super) fn hold(
        &mut self,
        now: Now,
        side: Side,
        frame: Frame,
        out: &mut Output,
    ) -> Result<(), Fault> {
        match side {
            Side::Client => self.held.client.push(frame),
            Side::Server => self.held.server.push(frame),
        }
        let (known, waits) = (self.account.is_some(), self.held.until.is_some());
        if !self.held.is_too_much(known) {
            return Ok(());
        }
        // Past the bound the list is waited for no longer: people miss contacts rather than the
        // connection.
        if known && waits {
            self.stop_waiting();
            return self.release(now, out);
        }
        Err(Fault::new(side.blame(), "it says too much before it is answered"))
    }

    /// Lets the client's words go on without the list that they waited for.
    pub(super) fn stop_waiting(&mut self) {
        self.held.until = None;
        if let Some(account) = &mut self.account {
            account.foreign.give_up();
        }
    }

    /// Lets held frames go on, until they have to wait again.
    pub(super) fn release(&mut self, now: Now, out: &mut Output) -> Result<(), Fault> {
        // The server's first: its answers are what the client's stanzas wait for.
        while !self.opaque
            && !self.held.server.is_empty()
            && !self.waits(Side::Server)
            && let Some(frame) = self.held.server.pop()
        {
            self.frame(now, Side::Server, frame, out)?;
        }
        while !self.client_has_to_wait()
            && let Some(frame) = self.held.client.pop()
        {
            self.frame(now, Side::Client, frame, out)?;
        }
        while self.opaque
            && let Some(frame) = self.held.client.pop()
        {
            out.forward(Side::Server, frame.into_bytes());
        }
        while self.opaque
            && let Some(frame) = self.held.server.pop()
        {
            out.forward(Side::Client, frame.into_bytes());
        }
        Ok(())
    }

    /// Whether the client's request for its roster must wait; if so, it is kept.
    pub(super) fn waits_for_roster(&mut self, now: Now, raw: &Bytes) -> bool {
        let waits = self.account.as_ref().is_some_and(|p| p.foreign == Foreign::Awaited);
        if waits {
            self.held.client.put_back(Frame::Stanza(raw.clone()));
            self.held.until = Some(now.instant + PATIENCE);
        }
        waits
    }
}
