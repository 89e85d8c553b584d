//! Tests of a gateway between Yahoo clients and servers, packet by packet.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod book;
mod consent;
mod content;
mod costs;
mod cuts;
mod edits;
mod lists;
mod lookup;
mod presence;
mod scene;
mod sign_on;
mod talk;
mod upload;
