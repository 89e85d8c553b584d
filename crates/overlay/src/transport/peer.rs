//! A gateway to which a link is kept: where it is tried, and when next.

use std::time::Duration;

use crosstalk_core::HostPort;
use tokio::time::Instant;

use crate::membership::GatewayId;

/// The wait after a failed attempt; it doubles with each further one.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait.
pub(super) const LAST_WAIT: Duration = Duration::from_secs(10);

/// A gateway of the mesh, as the transport knows it.
pub(super) struct Peer {
    pub(super) id: GatewayId,
    /// Addresses at which it listens, by configuration and by its own greeting.
    pub(super) configured: Vec<HostPort>,
    pub(super) told: Vec<HostPort>,
    pub(super) streams: usize,
    pub(super) failures: u32,
    /// Number of times that it broke the rules since a link lasted.
    pub(super) faults: u32,
    pub(super) try_at: Option<Instant>,
    /// It broke the rules: until then it is not linked, whoever calls.
    pub(super) barred: Option<Instant>,
}

impl Peer {
    pub(super) fn new(id: GatewayId, configured: Vec<HostPort>) -> Self {
        let told = Vec::new();
        Self {
            id,
            configured,
            told,
            streams: 0,
            failures: 0,
            faults: 0,
            try_at: None,
            barred: None,
        }
    }

    pub(super) fn is_barred(&self) -> bool {
        self.barred.is_some_and(|until| Instant::now() < until)
    }
}

/// Time to wait after one more failure than so many.
pub(super) fn wait(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.min(8)).min(LAST_WAIT)
}

/// Between a half and the whole of `wait`.
pub(super) fn jitter(wait: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    wait / 2 + (wait / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}
