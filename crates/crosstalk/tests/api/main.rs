#![allow(clippy::unwrap_used)]
#![cfg(unix)]
//! Programs at the API of a gateway process: those of the manual, and one that outlives kills.

mod calls;
mod door;
mod examples;
mod kills;
mod networks;
mod records;
