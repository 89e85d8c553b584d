//! The buddy list: the one that the server stores, and those that old clients keep themselves.
//!
//! [`acks`], [`buddies`], [`feedbag`], [`list_hold`], [`permit_deny`] and [`transaction`] have what the
//! account keeps; the other files are its handlers alone.

pub(super) mod acks;
pub(super) mod buddies;
pub(super) mod feedbag;
mod feedbag_edits;
pub(super) mod list_hold;
mod merge;
pub(super) mod permit_deny;
mod push;
mod roster_edits;
pub(super) mod transaction;
