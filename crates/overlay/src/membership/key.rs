//! The keys of records, from which their homes follow.

use std::fmt;

use crosstalk_core::Address;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::membership::GatewayId;

/// The place of a record among the gateways: `SHA-256("ct/<kind>/1\0" + network + "\0" + local)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// The key of everything about a person: locations, watches and the roster share their
    /// homes, so that a home knows where to tell of a change.
    pub(crate) fn of(user: &Address) -> Self {
        Self::hash("user", &[user.network().as_str().as_bytes(), b"\0", user.local().as_bytes()])
    }

    /// The key of everything in a namespace, so that one home can list it.
    pub(crate) fn of_namespace(owner: &[u8; 32]) -> Self {
        Self::hash("namespace", &[owner])
    }

    pub(super) fn of_gateway(id: &GatewayId) -> Self {
        Self::hash("gateway", &[id.as_bytes()])
    }

    fn hash(kind: &str, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new_with_prefix(format!("ct/{kind}/1\0"));
        for part in parts {
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The bytes, as they are stored.
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key whose stored bytes these are.
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) fn head(&self) -> u64 {
        head(&self.0)
    }

    pub(super) fn distance(&self, other: &Self) -> [u8; 32] {
        std::array::from_fn(|i| self.0[i] ^ other.0[i])
    }
}

pub(super) fn head(bytes: &[u8; 32]) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|i| bytes[i]))
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_hash_that_the_format_says() {
        let expected = Sha256::digest(b"ct/user/1\0aol\0alice");
        assert_eq!(Key::of(&"alice@aol".parse().unwrap()).as_bytes()[..], expected[..]);
        let expected = Sha256::digest([b"ct/namespace/1\0".as_slice(), &[7; 32]].concat());
        assert_eq!(Key::of_namespace(&[7; 32]).as_bytes()[..], expected[..]);
    }
}
