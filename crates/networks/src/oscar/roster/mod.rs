//! The buddy list: the one that the server stores, and those that old clients keep themselves.
//!
//! The state stands apart from the handlers: [`acks`], [`feedbag`], [`list_hold`], [`permit_deny`],
//! [`transaction`] and [`watched`] are kept by the account, whose handlers are in the other files.

pub(super) mod acks;
mod answers;
mod buddies;
pub(super) mod feedbag;
mod feedbag_edits;
pub(super) mod list_hold;
mod merge;
pub(super) mod permit_deny;
mod push;
mod roster_edits;
pub(super) mod transaction;
pub(super) mod watched;
