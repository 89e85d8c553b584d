//! Provenance of names: one that somebody wrote is another type than one that a server confirmed.

use crate::address::Address;

/// A name that a client wrote, or that somebody wrote whose words a server merely relays.
///
/// It can be compared with what the server confirms later, and signs nobody in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claimed(Address);

impl Claimed {
    /// Takes a name for a claim.
    pub const fn new(name: Address) -> Self {
        Self(name)
    }

    /// The name that is claimed.
    pub const fn name(&self) -> &Address {
        &self.0
    }
}

/// A name that the base server itself confirmed, on this connection, after it authenticated the
/// person. Nothing else signs in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Confirmed(Address);

impl Confirmed {
    /// Takes a name from the statement with which a server ends a sign-on.
    ///
    /// To be called where an engine reads that statement, in the one state in which the server
    /// owes it, and nowhere else: never with a name from a client's bytes, nor with one from a
    /// stanza or packet that the server passes on for somebody.
    pub const fn by_server(name: Address) -> Self {
        Self(name)
    }

    /// The name.
    pub const fn name(&self) -> &Address {
        &self.0
    }

    /// The name, for those who believe it.
    pub fn into_name(self) -> Address {
        self.0
    }
}

impl PartialEq<Claimed> for Confirmed {
    fn eq(&self, claim: &Claimed) -> bool {
        self.0 == claim.0
    }
}
