//! Tests of a gateway between AIM clients and servers, SNAC by SNAC.
#![allow(unreachable_pub, clippy::needless_pass_by_value, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod consent;
mod content;
mod costs;
mod cuts;
mod direct;
mod edits;
mod leaks;
mod merge;
mod names;
mod order;
mod presence;
mod recorded;
mod scene;
mod sign_on;
mod sizes;
mod talk;
