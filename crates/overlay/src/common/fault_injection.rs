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
    static INJECTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Plants a fault in this thread, or none.
pub(crate) fn inject(fault: Option<Fault>) {
    INJECTED.set(fault);
}

/// Whether that fault is planted.
pub(crate) fn is(fault: Fault) -> bool {
    INJECTED.get() == Some(fault)
}
