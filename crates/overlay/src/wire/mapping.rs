//! Mappings: values that applications have kept, each under the signature of its owner.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use libp2p_identity::{Keypair, PublicKey, ed25519};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::membership::{GatewayId, Key};

/// Prefix of the bytes that an owner signs.
const PURPOSE: &[u8] = b"ct/mapping/1\0";
/// Prefix of the bytes that a gateway signs.
const VOUCHED: &[u8] = b"ct/vouched/1\0";
/// Length of a signature, in bytes.
const SIGNATURE: usize = 64;
/// Bytes that a mapping takes besides its key and its value: two signatures, two ids, two numbers,
/// and the row on disk.
const OVERHEAD: usize = 320;

/// The owner of mappings: an ed25519 public key (RFC 8032), written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Namespace([u8; 32]);

/// The text is not the public key of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a namespace is an ed25519 public key in 64 hexadecimal digits, in lower case")]
pub struct BadNamespace;

/// A value under a key, as its owner signed it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// The owner.
    pub namespace: Namespace,
    /// The key.
    pub key: String,
    /// The value; none where the owner removed it.
    pub value: Option<String>,
    /// Number of this version: a larger one replaces a smaller.
    pub sequence: u64,
    /// Time at which it ends, in seconds since 1970.
    pub expires_at: u64,
    /// The owner's signature of [`Self::signed_bytes`].
    pub signature: Vec<u8>,
}

/// Reason why a mapping is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMapping {
    /// The key is empty, too long or has control characters.
    #[error("a key has 1 to 256 bytes of UTF-8 and no control characters")]
    Key,
    /// The value is too long.
    #[error("a value has 4,096 bytes of UTF-8 at most")]
    Value,
    /// The signature is not the owner's.
    #[error("the signature is not one of these bytes by the key that the namespace is")]
    Signature,
}

/// A mapping, with the gateway that took it from a program and answers for the room it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Vouched {
    pub(crate) mapping: Mapping,
    /// The gateway.
    pub(crate) by: GatewayId,
    /// Its signature.
    signature: Vec<u8>,
}

/// Result of offering a mapping to a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Offered {
    /// It is kept there.
    Kept,
    /// There is a later one, or another one of the same number.
    Stale,
    /// There is one that would outlive it.
    Outlived,
    /// There is no room for it.
    Full,
    /// It is none, or its time is over or too long.
    Refused,
}

impl Namespace {
    /// The namespace of a public key.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The public key.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its place among the gateways.
    pub(crate) fn place(&self) -> Key {
        Key::of_namespace(&self.0)
    }
}

impl FromStr for Namespace {
    type Err = BadNamespace;

    fn from_str(text: &str) -> Result<Self, BadNamespace> {
        let digit = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(BadNamespace),
        };
        let digits: &[u8; 64] = text.as_bytes().try_into().map_err(|_| BadNamespace)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Mapping {
    /// Without the key and the value, which are nobody's business in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mapping {} of {} until {}", self.sequence, self.namespace, self.expires_at)
    }
}

impl Mapping {
    /// The longest key, in bytes.
    pub const MAX_KEY: usize = 256;
    /// The longest value, in bytes.
    pub const MAX_VALUE: usize = 4096;

    /// The bytes that the owner signs; numbers are big-endian.
    ///
    /// They are `ct/mapping/1` and a zero byte; 32 bytes of the public key; 8 of `sequence`; 8 of
    /// `expires_at`; one, which is 1 with a value and 0 where it was removed; 2 with the length of
    /// the key; the key; 2 with the length of the value; the value.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let value = self.value.as_deref().unwrap_or_default();
        // Longer ones are refused before anything is done with these bytes.
        let length = |text: &str| u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes();
        let mut bytes = Vec::with_capacity(PURPOSE.len() + 53 + self.key.len() + value.len());
        bytes.extend_from_slice(PURPOSE);
        bytes.extend_from_slice(&self.namespace.0);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.expires_at.to_be_bytes());
        bytes.push(self.value.is_some().into());
        for text in [&self.key, value] {
            bytes.extend_from_slice(&length(text));
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }

    /// Whether its owner signed it, and it is what a mapping may be.
    pub fn verify(&self) -> Result<(), BadMapping> {
        let is_long = |text: &str, most| text.len() > most;
        let has_control = self.key.contains(char::is_control);
        if self.key.is_empty() || is_long(&self.key, Self::MAX_KEY) || has_control {
            return Err(BadMapping::Key);
        }
        if self.value.as_deref().is_some_and(|value| is_long(value, Self::MAX_VALUE)) {
            return Err(BadMapping::Value);
        }
        let owner = ed25519::PublicKey::try_from_bytes(&self.namespace.0);
        let is_signed = self.signature.len() == SIGNATURE
            && owner.is_ok_and(|owner| owner.verify(&self.signed_bytes(), &self.signature));
        if is_signed { Ok(()) } else { Err(BadMapping::Signature) }
    }

    /// Whether it holds at a time, in seconds since 1970.
    pub const fn holds_at(&self, now: u64) -> bool {
        now < self.expires_at
    }

    /// Order among the versions of one key. Of two that have the same number every gateway chooses
    /// the same one, by the bytes that were signed.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let by_number = self.sequence.cmp(&other.sequence);
        by_number.then_with(|| self.signed_bytes().cmp(&other.signed_bytes()))
    }

    /// Bytes that it counts in quotas.
    pub(crate) fn weight(&self) -> usize {
        OVERHEAD + self.key.len() + self.value.as_deref().map_or(0, str::len)
    }

    /// Eight bytes of the SHA-256 of what is signed, by which copies are compared.
    pub(crate) fn digest(&self) -> u64 {
        let hash: [u8; 32] = Sha256::digest(self.signed_bytes()).into();
        u64::from_le_bytes(std::array::from_fn(|i| hash[i]))
    }
}

impl Vouched {
    /// Vouches for a mapping as the gateway `by`, whose key is `key`.
    pub(crate) fn sign(key: &Keypair, by: GatewayId, mapping: Mapping) -> Option<Self> {
        let signature = key.sign(&Self::bytes(&mapping)).ok()?;
        Some(Self { mapping, by, signature })
    }

    /// Whether the gateway that it names vouched for it.
    pub(crate) fn is_vouched(&self) -> bool {
        let by = ed25519::PublicKey::try_from_bytes(self.by.as_bytes());
        let bytes = Self::bytes(&self.mapping);
        by.is_ok_and(|by| PublicKey::from(by).verify(&bytes, &self.signature))
    }

    fn bytes(mapping: &Mapping) -> Vec<u8> {
        [VOUCHED, &mapping.signed_bytes()].concat()
    }
}

#[cfg(test)]
#[path = "mapping_tests.rs"]
pub(crate) mod tests;
