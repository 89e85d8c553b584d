//! A place where connections of one person meet: tickets that expire, and what all connections of
//! a network share.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::address::HostPort;
use crate::handoffs::{Handoff as Ticket, Handoffs as Tickets};

/// The tickets of a network behind a lock, and what its connections share. One for each
/// configured network.
#[derive(Default)]
pub struct Lobby {
    tickets: Mutex<Tickets>,
    common: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

impl Lobby {
    /// A lobby whose tickets take at most `budget` bytes, together with their notes.
    pub fn with_budget(budget: usize) -> Self {
        Self { tickets: Mutex::new(Tickets::new(budget)), common: Mutex::default() }
    }

    /// Leaves a ticket under `key`, replacing one that is there.
    pub fn leave(&self, now: Instant, key: impl AsRef<[u8]>, ticket: Ticket) {
        let gone = self.lock().leave(now, key.as_ref(), ticket);
        // A note may take locks of its own when it is dropped.
        drop(gone);
    }

    /// Takes the ticket under `key`, if it has not expired. For keys that nobody but the ticket's
    /// owner can know; else [`Self::take_if`].
    pub fn take(&self, now: Instant, key: &[u8]) -> Option<Ticket> {
        self.take_if(now, key, |_| true)
    }

    /// Takes the ticket under `key` if it has not expired and `claim` accepts it; one that the
    /// claimant has no right to stays for whoever has.
    pub fn take_if(
        &self,
        now: Instant,
        key: &[u8],
        claim: impl FnOnce(&Ticket) -> bool,
    ) -> Option<Ticket> {
        self.lock().take_if(now, key, claim)
    }

    /// Reads the ticket under `key`, which stays where it is, if it has not expired.
    pub fn look<T>(
        &self,
        now: Instant,
        key: &[u8],
        read: impl FnOnce(&Ticket) -> Option<T>,
    ) -> Option<T> {
        self.lock().look(now, key).and_then(read)
    }

    /// Whether a ticket that has not expired names `host` as an upstream.
    pub fn expects(&self, now: Instant, host: &HostPort) -> bool {
        self.lock().expects(now, host)
    }

    /// Drops what has expired, and more where all tickets take more than `budget` bytes: each time
    /// the first to expire of whoever holds most. Returns how many bytes are left.
    pub fn shed(&self, now: Instant, budget: usize) -> usize {
        let mut tickets = self.lock();
        let expired = tickets.expire(now);
        let heavy = tickets.shed(budget);
        let left = tickets.weight();
        drop(tickets);
        drop((expired, heavy));
        left
    }

    /// Bytes taken by the tickets, with their notes.
    pub fn weight(&self) -> usize {
        self.lock().weight()
    }

    /// The value of this type that all connections of the network share, such as an `Arc` with
    /// bounds of its own; made when it is first asked for, and kept as long as the gateway runs.
    pub fn common<T: Clone + Default + Send + 'static>(&self) -> T {
        let mut common = self.common.lock().unwrap_or_else(PoisonError::into_inner);
        let common = common.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(T::default()));
        common.downcast_ref::<T>().cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Tickets> {
        // No method of the tickets can panic half-way.
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_ticket_is_taken_once_and_only_in_time() {
        let (lobby, now) = (Lobby::default(), Instant::now());
        let later = now + Duration::from_mins(1);
        let ticket = |port: u16| Ticket::new(port, later).to(HostPort::new("bos", port));
        lobby.leave(now, "cookie", ticket(1));
        assert!(lobby.expects(now, &HostPort::new("bos", 1)));
        assert!(!lobby.expects(later, &HostPort::new("bos", 1)));
        let taken = lobby.take(now, b"cookie").unwrap();
        assert_eq!(taken.note.downcast_ref::<u16>(), Some(&1));
        assert!(lobby.take(now, b"cookie").is_none());
        lobby.leave(now, "cookie", ticket(2));
        assert!(lobby.take(later, b"cookie").is_none());
    }

    #[test]
    fn shedding_leaves_what_fits() {
        let (lobby, now) = (Lobby::with_budget(1 << 20), Instant::now());
        for key in 0..100_u8 {
            lobby.leave(now, [key], Ticket::new(key, now + Duration::from_mins(1)));
        }
        let half = lobby.weight() / 2;
        assert!(lobby.shed(now, half) <= half);
        assert!(lobby.look(now, &[99], |t| t.note.downcast_ref::<u8>().copied()) == Some(99));
        assert_eq!(lobby.shed(now + Duration::from_mins(1), usize::MAX), 0);
    }

    #[test]
    fn what_is_common_is_the_same_for_all() {
        let lobby = Lobby::default();
        let count = || lobby.common::<std::sync::Arc<Mutex<u8>>>();
        *count().lock().unwrap() += 1;
        assert_eq!(*count().lock().unwrap(), 1);
    }
}
