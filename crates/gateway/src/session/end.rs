//! End of a session.

use crosstalk_core::Fault;

/// Reason why a session is over.
#[derive(Debug)]
pub(crate) enum End {
    /// Both sides are done.
    Closed,
    /// There is nothing to interpret; with a fault, because somebody broke the protocol before
    /// either stream was altered.
    Opaque(Option<Fault>),
    /// The streams cannot go on as they are.
    Fault(Fault),
    /// The client never said enough to know its server.
    Silent,
}
