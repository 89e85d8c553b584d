//! Names that an account and its driver share.

use std::fmt;

/// A gateway, by the bytes of its public key. To an account it is no more than a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GatewayKey(pub [u8; 32]);

impl fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Enough to tell gateways apart in the output of a test.
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A session or a conversation of one account. Given out by the driver, and never twice for one
/// account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u32);

/// Something that an account asked for and waits for, or a delivery. Given out by the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Gives out the names of the sessions and conversations of one account.
#[derive(Debug, Default)]
pub struct SessionIds(u32);

impl SessionIds {
    /// A name for one more session or conversation.
    pub const fn next_id(&mut self) -> SessionId {
        self.0 += 1;
        SessionId(self.0)
    }
}
