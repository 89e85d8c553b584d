//! Faults that a test plants, to see that the simulation finds them.

use std::cell::Cell;

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A message counts as shown once it was sent.
    SkippedAck,
    /// Gateways that meet again do not compare their rosters.
    DroppedAntiEntropy,
    /// A gateway that restarts counts its boot like the one before.
    ReusedEpoch,
}

thread_local! {
    static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Plants a fault in this thread, or none.
pub(crate) fn plant(fault: Option<Fault>) {
    PLANTED.set(fault);
}

/// Whether that fault is planted.
pub(crate) fn is(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}
