//! The buddy list: the one that the server stores, and those that old clients keep themselves.

pub(super) mod acks;
pub(super) mod buddies;
pub(super) mod edits;
pub(super) mod feedbag;
pub(super) mod merge;
mod publish;
pub(super) mod push;
