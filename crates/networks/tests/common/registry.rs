//! The registry of connections, as the gateway has it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::Shared;
use crosstalk_core::{ConnectionId, Exchange, HostPort, Input, Registry};

/// The registry of all connections of a gateway.
#[derive(Clone, Default)]
pub struct SharedRegistry(Arc<Mutex<Registry>>);

impl SharedRegistry {
    pub fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn connect(&self) -> Registration {
        Registration { id: self.lock().connect(()), registry: self.clone() }
    }
}

/// Whether something that was left names `host` as an upstream.
pub fn expects(shared: &Shared, host: &HostPort) -> bool {
    shared.registry.lock().expects(Instant::now(), host)
}

/// Bytes of the handoffs that were left.
pub fn left_weight(shared: &Shared) -> usize {
    shared.registry.lock().weight()
}

/// A connection's place in it.
pub(super) struct Registration {
    pub(super) id: ConnectionId,
    registry: SharedRegistry,
}

impl Registration {
    pub(super) fn perform(&self, now: Instant, exchange: Exchange) -> Option<Input<'static>> {
        self.registry.lock().perform(now, self.id, exchange).answer
    }

    pub(super) fn hear(&self) -> Option<Input<'static>> {
        self.registry.lock().hear(self.id)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        drop(self.registry.lock().disconnect(self.id));
    }
}
