//! The registry of each network's connections behind a lock, and what wakes their sessions.
//!
//! The lock is held for one step of [`crosstalk_core::Registry`] and never while an engine runs. It
//! comes before the lock of a [`Signal`], and no other is taken under either.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crosstalk_core::{ConnectionId, Exchange, HostPort, Input, Outcome};

/// The connections of one network.
#[derive(Default)]
pub(crate) struct Registry(Mutex<crosstalk_core::Registry<Signal>>);

impl Registry {
    /// Makes a registry whose handoffs may take `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self(Mutex::new(crosstalk_core::Registry::new(budget)))
    }

    /// Takes a new connection in.
    pub(crate) fn connect(self: &Arc<Self>) -> Registration {
        let signal = Signal::default();
        let id = self.lock().connect(signal.clone());
        Registration { id, registry: Arc::clone(self), signal }
    }

    /// Whether a handoff that has not expired names `host` as an upstream.
    pub(crate) fn expects(&self, now: Instant, host: &HostPort) -> bool {
        self.lock().expects(now, host)
    }

    fn lock(&self) -> MutexGuard<'_, crosstalk_core::Registry<Signal>> {
        // No method of the registry can panic half-way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place in the registry, as long as it lives.
pub(crate) struct Registration {
    id: ConnectionId,
    registry: Arc<Registry>,
    signal: Signal,
}

impl Registration {
    /// The connection, to its engine.
    pub(crate) const fn id(&self) -> ConnectionId {
        self.id
    }

    /// Does what the connection's engine asked; returns the engine's next input, if it is to have an
    /// answer.
    pub(crate) fn perform(&self, now: Instant, exchange: Exchange) -> Option<Input<'static>> {
        let Outcome { answer, told, gone } = self.registry.lock().perform(now, self.id, exchange);
        // A large note takes a while to drop; the lock is free by now.
        drop(gone);
        if let Some(told) = told {
            told.raise();
        }
        answer
    }

    /// Waits for something that the engine has to hear.
    ///
    /// The registry's lock is taken only where the signal was raised: a session polls this with each
    /// of its wakes, and most have nothing to hear.
    pub(crate) fn poll_hear(&self, cx: &Context<'_>) -> Poll<Input<'static>> {
        if self.signal.poll(cx).is_pending() {
            return Poll::Pending;
        }
        let Some(heard) = self.registry.lock().hear(self.id) else { return self.poll_hear(cx) };
        // There may be more, of which no other signal comes.
        self.signal.raise();
        Poll::Ready(heard)
    }

    /// Bytes of the messages that wait for the engine.
    pub(crate) fn weight(&self) -> usize {
        if self.signal.is_raised() { self.registry.lock().weight_of(self.id) } else { 0 }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let told = self.registry.lock().disconnect(self.id);
        told.iter().for_each(Signal::raise);
    }
}

/// Says that a connection has something to hear. Raised often before it is looked at, it says so
/// once.
#[derive(Clone, Debug, Default)]
struct Signal(Arc<Mutex<Raised>>);

#[derive(Debug, Default)]
struct Raised {
    raised: bool,
    waiting: Option<Waker>,
}

impl Signal {
    fn raise(&self) {
        let waiting = {
            let mut state = self.lock();
            state.raised = true;
            state.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    fn is_raised(&self) -> bool {
        self.lock().raised
    }

    /// Ready once each time it was raised.
    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if std::mem::take(&mut state.raised) {
            return Poll::Ready(());
        }
        match &mut state.waiting {
            Some(waiting) => waiting.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Raised> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{Message, Recipient};

    #[test]
    fn what_is_told_is_heard_in_order_and_none_is_missed() {
        let registry = Arc::new(Registry::default());
        let (ann, bob) = (registry.connect(), registry.connect());
        let cx = Context::from_waker(Waker::noop());
        assert!(ann.poll_hear(&cx).is_pending());
        for number in 0..2_u8 {
            let to = Recipient::Connection(ann.id());
            let exchange = Exchange::Tell(to, Message::new(number, 0));
            assert!(bob.perform(Instant::now(), exchange).is_some());
        }
        assert!(ann.weight() > 0);
        for number in 0..2_u8 {
            let Poll::Ready(Input::Heard(from, message)) = ann.poll_hear(&cx) else { panic!() };
            assert_eq!((from, message.downcast::<u8>().unwrap()), (bob.id(), number));
        }
        assert!(ann.poll_hear(&cx).is_pending() && ann.weight() == 0);
        let left = ann.id();
        drop(ann);
        let Poll::Ready(Input::Left(id)) = bob.poll_hear(&cx) else { panic!() };
        assert_eq!(id, left);
    }
}
