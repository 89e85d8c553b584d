//! A thread that serves spliced connections.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token, Waker};

use super::SpliceLimits;
use super::connection::{Outcome, Spliced};
use super::flow::Stopped;

/// Token of the inbox; a connection's are above it.
const INBOX: Token = Token(usize::MAX);
/// The most events taken from the system at once.
const EVENTS: usize = 256;
/// Bytes read at once.
const BUFFER: usize = 64 * 1024;
/// Pause before a connection that may not take memory now asks again.
const PAUSE: Duration = Duration::from_millis(10);

/// Name of a spliced connection among those of its thread; never used again.
type Id = usize;

/// Requests to a thread.
#[derive(Debug)]
pub(super) struct Inbox {
    requests: Mutex<Requests>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Requests {
    waiting: Vec<Request>,
    /// Number of connections that were ever given.
    given: Id,
    closed: bool,
}

#[derive(Debug)]
enum Request {
    Splice(Id, Box<Spliced>),
    Abort(Id),
}

impl Inbox {
    /// Gives the thread a connection, and returns two handles that end it; drops it and returns
    /// `None` if the thread was stopped.
    pub(super) fn splice(self: &Arc<Self>, spliced: Box<Spliced>) -> Option<[AbortSplice; 2]> {
        let mut requests = self.lock();
        if requests.closed {
            // Its owner takes other locks when it is dropped.
            drop(requests);
            return None;
        }
        let id = requests.given;
        // Two tokens each; the last of all is the inbox's.
        requests.given = id.wrapping_add(1) % (INBOX.0 / 2);
        self.push(requests, Request::Splice(id, spliced));
        Some([(); 2].map(|()| AbortSplice { inbox: Arc::clone(self), id }))
    }

    /// Stops the thread. It takes nothing more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake();
    }

    fn push(&self, mut requests: MutexGuard<'_, Requests>, request: Request) {
        let first = requests.waiting.is_empty();
        requests.waiting.push(request);
        drop(requests);
        if first {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "cannot wake the thread of connections that pass through");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Handle that ends a spliced connection.
#[derive(Debug)]
pub(crate) struct AbortSplice {
    inbox: Arc<Inbox>,
    id: Id,
}

impl AbortSplice {
    /// Ends the connection soon. Of no effect on one that is over.
    pub(crate) fn abort(&self) {
        self.inbox.push(self.inbox.lock(), Request::Abort(self.id));
    }
}

/// The state of a thread.
pub(super) struct Thread {
    poll: Poll,
    inbox: Arc<Inbox>,
    limits: SpliceLimits,
    connections: HashMap<Id, Box<Spliced>>,
    /// Connections that used their turn up, or have to wait for memory.
    again: Vec<Id>,
    /// Whether some of them wait for memory.
    is_short: bool,
    /// Times at which a connection that may not be silent for ever may have been so for too long.
    checks: BinaryHeap<Reverse<(Instant, Id)>>,
    buffer: Box<[u8]>,
}

impl Thread {
    pub(super) fn new(limits: SpliceLimits) -> io::Result<(Self, Arc<Inbox>)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), INBOX)?;
        let inbox = Arc::new(Inbox { requests: Mutex::default(), waker });
        let thread = Self {
            poll,
            inbox: Arc::clone(&inbox),
            limits,
            connections: HashMap::new(),
            again: Vec::new(),
            is_short: false,
            checks: BinaryHeap::new(),
            buffer: vec![0; BUFFER].into(),
        };
        Ok((thread, inbox))
    }

    /// Serves until the inbox is closed; then ends every connection.
    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            match self.poll.poll(&mut events, self.wait()) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!(%error, "connections that pass through are ended");
                    self.inbox.lock().closed = true;
                    break;
                }
            }
            self.is_short = false;
            for id in take(&mut self.again) {
                self.turn(id);
            }
            let mut asked = false;
            for event in &events {
                if event.token() == INBOX {
                    asked = true;
                } else {
                    self.heard(event);
                }
            }
            if asked && !self.asked() {
                break;
            }
            self.check();
        }
        // Requests that came too late hold connections too.
        let late = take(&mut self.inbox.lock().waiting);
        drop(late);
        for spliced in take(&mut self.connections).into_values() {
            spliced.end();
        }
    }

    /// How long nothing has to be done unless something happens.
    fn wait(&self) -> Option<Duration> {
        if !self.again.is_empty() {
            return Some(if self.is_short { PAUSE } else { Duration::ZERO });
        }
        let Reverse((check, _)) = self.checks.peek()?;
        Some(check.saturating_duration_since(Instant::now()))
    }

    /// Does what was asked for; false if the thread is to stop.
    fn asked(&mut self) -> bool {
        let requests = {
            let mut requests = self.inbox.lock();
            if requests.closed {
                return false;
            }
            take(&mut requests.waiting)
        };
        for request in requests {
            match request {
                Request::Splice(id, mut spliced) => {
                    if let Err(error) = spliced.register(self.poll.registry(), id) {
                        tracing::warn!(%error, "a connection cannot pass through");
                        spliced.end();
                        continue;
                    }
                    self.connections.insert(id, spliced);
                    self.turn(id);
                }
                Request::Abort(id) => self.end(id),
            }
        }
        true
    }

    /// Takes what the selector says of a side.
    fn heard(&mut self, event: &Event) {
        let (id, is_server) = (event.token().0 / 2, event.token().0 % 2 == 1);
        let Some(spliced) = self.connections.get_mut(&id) else { return };
        spliced.heard(is_server, event);
        // One that had more to move has just had its turn.
        if !spliced.is_next {
            self.turn(id);
        }
    }

    /// Moves what can be moved on a connection.
    fn turn(&mut self, id: Id) {
        let Some(spliced) = self.connections.get_mut(&id) else { return };
        spliced.is_next = false;
        match spliced.turn(&mut self.buffer, self.limits.pipes) {
            Outcome::Waits => {
                if let Some(check) = spliced.needs_check(self.limits.patience) {
                    self.checks.push(Reverse((check, id)));
                }
            }
            Outcome::Again(stopped) => {
                self.is_short |= stopped == Stopped::NoMemory;
                spliced.is_next = true;
                self.again.push(id);
            }
            Outcome::Over => self.end(id),
        }
    }

    /// Ends the connections that were silent for too long.
    fn check(&mut self) {
        if self.checks.is_empty() {
            return;
        }
        let now = Instant::now();
        while let Some(Reverse((at, id))) = self.checks.peek().copied()
            && at <= now
        {
            self.checks.pop();
            let Some(spliced) = self.connections.get_mut(&id) else { continue };
            match spliced.checked(self.limits.patience) {
                Some(later) if later <= now => self.end(id),
                Some(later) => self.checks.push(Reverse((later, id))),
                None => {}
            }
        }
    }

    fn end(&mut self, id: Id) {
        if let Some(spliced) = self.connections.remove(&id) {
            spliced.end();
        }
        if self.connections.is_empty() {
            // What many connections took at once is given back when the last has left.
            self.connections.shrink_to_fit();
            self.checks.shrink_to(EVENTS);
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // However it ended, nothing is given to it any more.
        self.inbox.lock().closed = true;
    }
}
