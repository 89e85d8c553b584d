//! Where connections of one person meet: a bounded shelf of tickets that expire, and what all
//! connections of a network share.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::address::HostPort;

/// The most tickets kept at once; the one that expires first makes room.
pub const MAX_TICKETS: usize = 65_536;

/// What one connection leaves for another, such as the state behind an OSCAR cookie.
pub struct Ticket {
    /// The upstream that the next connection will want. While the ticket lasts, clients may
    /// dial it even if it is not configured, since a configured server named it.
    pub dial: Option<HostPort>,
    /// Whatever the two engines agreed on.
    pub note: Box<dyn Any + Send>,
    /// When it expires.
    pub until: Instant,
}

/// The shelf. One for each configured network.
#[derive(Default)]
pub struct Lobby {
    tickets: Mutex<HashMap<Vec<u8>, Ticket>>,
    common: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
}

impl Lobby {
    /// Leaves a ticket under `key`, replacing one that is there.
    pub fn leave(&self, now: Instant, key: impl Into<Vec<u8>>, ticket: Ticket) {
        let mut tickets = self.lock();
        if tickets.len() >= MAX_TICKETS {
            tickets.retain(|_, t| t.until > now);
        }
        if tickets.len() >= MAX_TICKETS
            && let Some(first) = tickets.iter().min_by_key(|(_, t)| t.until).map(|(k, _)| k.clone())
        {
            tickets.remove(&first);
        }
        tickets.insert(key.into(), ticket);
    }

    /// Takes the ticket under `key`, if it has not expired.
    pub fn take(&self, now: Instant, key: &[u8]) -> Option<Ticket> {
        self.lock().remove(key).filter(|t| t.until > now)
    }

    /// Whether a live ticket names `host` as an upstream.
    pub fn expects(&self, now: Instant, host: &HostPort) -> bool {
        self.lock().values().any(|t| t.until > now && t.dial.as_ref() == Some(host))
    }

    /// What all connections of the network have in common, such as an `Arc` with bounds of its
    /// own; made when it is first asked for, and there as long as the gateway.
    pub fn common<T: Clone + Default + Send + 'static>(&self) -> T {
        let mut common = self.common.lock().unwrap_or_else(PoisonError::into_inner);
        let common = common.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(T::default()));
        common.downcast_ref::<T>().cloned().unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Vec<u8>, Ticket>> {
        // A panic elsewhere cannot leave the map half-changed.
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ticket(until: Instant, port: u16) -> Ticket {
        Ticket { dial: Some(HostPort::new("bos", port)), note: Box::new(port), until }
    }

    #[test]
    fn a_ticket_is_taken_once_and_only_in_time() {
        let (lobby, now) = (Lobby::default(), Instant::now());
        let later = now + Duration::from_mins(1);
        lobby.leave(now, "cookie", ticket(later, 1));
        assert!(lobby.expects(now, &HostPort::new("bos", 1)));
        assert!(!lobby.expects(later, &HostPort::new("bos", 1)));
        let taken = lobby.take(now, b"cookie").unwrap();
        assert_eq!(taken.note.downcast_ref::<u16>(), Some(&1));
        assert!(lobby.take(now, b"cookie").is_none());
        lobby.leave(now, "cookie", ticket(later, 2));
        assert!(lobby.take(later, b"cookie").is_none());
    }

    #[test]
    fn what_is_common_is_the_same_for_all() {
        let lobby = Lobby::default();
        let count = || lobby.common::<std::sync::Arc<Mutex<u8>>>();
        *count().lock().unwrap() += 1;
        assert_eq!(*count().lock().unwrap(), 1);
    }

    #[test]
    fn a_full_shelf_drops_what_expires_first() {
        let (lobby, now) = (Lobby::default(), Instant::now());
        for i in 0..=MAX_TICKETS {
            let until = now + Duration::from_secs(60 + i as u64);
            lobby.leave(now, i.to_string(), ticket(until, 0));
        }
        assert!(lobby.take(now, b"0").is_none());
        assert!(lobby.take(now, b"1").is_some());
    }
}
