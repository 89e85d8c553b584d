//! What content may cost: for each input a small multiple of its size in memory, and time that
//! grows with it. Counted by an allocator of its own, so that no clock decides but between two runs.
#![allow(unreachable_pub, clippy::unwrap_used)]

mod counter;
mod html;

#[global_allocator]
static COUNTER: counter::Counter = counter::Counter;
