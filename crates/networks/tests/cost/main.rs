//! Bounds on the cost of content: for each input a small multiple of its size in memory, and time
//! that grows with it. Counted by an allocator of its own, so that no clock decides but between two
//! runs.
#![allow(unreachable_pub, clippy::unwrap_used)]

mod audiences;
#[path = "../common/mod.rs"]
mod common;
mod counter;
mod damaged;
mod html;
#[allow(dead_code, clippy::needless_pass_by_value)]
#[path = "../oscar/scene.rs"]
mod oscar_scene;
mod people;
mod talk;
#[allow(dead_code)]
#[path = "../ymsg/scene.rs"]
mod ymsg_scene;

#[global_allocator]
static COUNTER: counter::Counter = counter::Counter;
