//! Shares of the people of a gateway.

use std::sync::Mutex;
use std::time::Instant;

use crosstalk_core::Address;
use crosstalk_overlay::{self as overlay, Overlay};
use crosstalk_router::{Deed, Full, GatewayKey, Shares, Strangers};

use super::lock;

/// Limits of strangers together, and the room that the store has for lists.
pub(super) struct GatewayShares {
    overlay: Overlay,
    strangers: Mutex<Strangers>,
}

impl GatewayShares {
    pub(super) fn new(overlay: Overlay) -> Self {
        Self { overlay, strangers: Mutex::default() }
    }
}

impl Shares for GatewayShares {
    fn may(&self, now: Instant, who: &Address, at: GatewayKey, deed: Deed) -> bool {
        lock(&self.strangers).may(now, who, at, deed)
    }

    fn room_for(&self, owner: &Address, bytes: usize) -> Result<(), Full> {
        self.overlay.room_for(owner, bytes).map_err(|full| match full {
            overlay::Full::Domain => Full::Domain,
            overlay::Full::Disk => Full::Disk,
        })
    }
}
