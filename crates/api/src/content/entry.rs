//! Mappings of the directory.

use crosstalk_overlay::{Mapping, Page};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A value that is to be kept under a key, as its owner signed it.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct Said {
    /// The value.
    #[schema(max_length = 4096)]
    pub(crate) value: String,
    /// Number of this version: a larger one replaces a smaller.
    pub(crate) sequence: u64,
    /// Time at which it ends, in seconds since 1970: at most 30 days from now, and not before the end
    /// of the one that it replaces.
    pub(crate) expires_at: u64,
    /// The signature, as 128 hexadecimal digits.
    #[schema(pattern = "^[0-9a-f]{128}$")]
    pub(crate) signature: String,
}

/// The answer to what is kept.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct Kept {
    /// Number of gateways that have it by now; the others get it when they can be reached.
    pub(crate) copies: usize,
}

/// A mapping, as its owner signed it.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct Entry {
    /// The owner's ed25519 public key, as 64 hexadecimal digits.
    namespace: String,
    /// The key.
    key: String,
    /// The value; none where it was removed.
    value: Option<String>,
    /// Number of this version: a larger one replaces a smaller.
    sequence: u64,
    /// Time at which it ends, in seconds since 1970.
    expires_at: u64,
    /// The owner's signature, as 128 hexadecimal digits.
    signature: String,
}

/// A part of a namespace.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct Entries {
    /// The mappings.
    mappings: Vec<Entry>,
    /// Where there may be more: the key after which to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<Mapping> for Entry {
    fn from(mapping: Mapping) -> Self {
        let Mapping { namespace, key, value, sequence, expires_at, signature } = mapping;
        let digits = signature.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        let signature = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
        Self { namespace: namespace.to_string(), key, value, sequence, expires_at, signature }
    }
}

impl From<Page> for Entries {
    fn from(page: Page) -> Self {
        let mappings = page.mappings.into_iter().map(Entry::from).collect();
        Self { mappings, next: page.next }
    }
}
