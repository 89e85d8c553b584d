//! Stories between people at real clients.
#![allow(clippy::unwrap_used, missing_docs)]

mod balancer;
mod base;
mod described;
mod directory;
mod failure;
mod kills;
mod liar;
mod msn;
mod resume;
mod sasl2;
#[path = "../stories/mod.rs"]
mod stories;
mod story;
mod terminals;
