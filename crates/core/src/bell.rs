//! A waker between connections: one makes the engine of another run.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Wakes the engine it was made for, from wherever a clone of it was left.
///
/// Ringing often before the engine is woken is ringing once. Whoever rings leaves word of what
/// for where both engines look.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    rung: bool,
    /// Task that waits for the bell to be rung.
    waiting: Option<Waker>,
}

impl Bell {
    /// Makes the engine get [`crate::Input::Rung`] soon, if it is still there.
    pub fn ring(&self) {
        let waiting = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.rung = true;
            state.waiting.take()
        };
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }

    /// For the engine's caller: ready once each time the bell was rung.
    pub fn poll_rung(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut state.rung) {
            return Poll::Ready(());
        }
        match &mut state.waiting {
            Some(waiting) => waiting.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_rings_are_one_and_none_is_missed() {
        let (bell, cx) = (Bell::default(), Context::from_waker(Waker::noop()));
        assert!(bell.poll_rung(&cx).is_pending());
        let elsewhere = bell.clone();
        elsewhere.ring();
        elsewhere.ring();
        assert!(bell.poll_rung(&cx).is_ready());
        assert!(bell.poll_rung(&cx).is_pending());
    }
}
