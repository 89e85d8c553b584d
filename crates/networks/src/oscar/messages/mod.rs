//! Texts and typing.

pub(super) mod conversations;
mod icbm;
mod pieces;
