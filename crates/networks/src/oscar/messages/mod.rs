//! Texts and typing.

pub(super) mod icbm;
mod pieces;
