//! Layouts: how addresses, texts, envelopes and buddy lists are written, on links and on disk.
//!
//! A layout is a type of its own for each type of [`crosstalk_core`] that travels or is stored, so
//! that those may change without what was written before being lost. It borrows: from the value
//! that is written, or from the bytes that are read. What is read becomes a value by `TryFrom`,
//! which holds the rules that a peer or a damaged disk may have broken.
//!
//! The form is postcard's, in which a value has neither names nor lengths. So nothing that is here
//! changes, ever: what comes later stands in [fields](super::fields) behind a value, or in frames
//! of its own. `tests/layouts` has the bytes.

mod body;
mod frame;
mod message;
pub(crate) mod roster;
mod text;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use frame::{Frame, SAID};
pub(crate) use message::{Message, Said};
pub(crate) use text::Address;

/// Reason why bytes are not a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// They name a variant that this version does not have: whoever wrote them knows more.
    Unknown,
    /// They are no value of any version.
    Malformed,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "a later version wrote it",
            Self::Malformed => "it is damaged",
        })
    }
}

/// Reads a value off the front of `bytes`, and returns what follows.
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Unreadable> {
    postcard::take_from_bytes(bytes).map_err(|error| match error {
        // Layouts have no rules of their own, so the one thing that serde itself finds wrong is the
        // number of a variant. A test says so.
        postcard::Error::SerdeDeCustom => Unreadable::Unknown,
        _ => Unreadable::Malformed,
    })
}

/// Length of a value, in bytes.
pub(crate) fn size<T: Serialize>(value: &T) -> usize {
    postcard::experimental::serialized_size(value).unwrap_or(usize::MAX)
}

/// The bytes of a value.
pub(crate) fn write<T: Serialize>(value: &T) -> Vec<u8> {
    // Fails for no type that is here: all have known lengths.
    postcard::to_stdvec(value).unwrap_or_default()
}
