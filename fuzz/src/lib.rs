//! Fuzz targets: whatever comes in, nobody is taken for somebody else, and nothing costs more than
//! it is worth.
//!
//! [`targets::TARGETS`] are plain functions of bytes. `cargo xtask fuzz` runs them for hours under
//! cargo-fuzz, and `tests/bounded.rs` for seconds, on the stable toolchain, over the checked-in
//! seeds and changes of them. Both begin with what is in `seeds`; what a target once found lies
//! there too.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod connection;
mod mail;
pub mod meter;
pub mod mutate;
pub mod oracles;
pub mod script;
pub mod seeds;
mod stage;
pub mod targets;
mod wire;
