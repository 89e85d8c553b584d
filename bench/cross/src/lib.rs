//! Parts that benchmarks of whole processes share.

#![allow(clippy::unwrap_used, reason = "a benchmark that fails has nothing to save")]

pub mod cost;
pub mod process;
