//! What Jabber clients and servers see of a gateway between them, stanza by stanza.
#![allow(unreachable_pub, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod acks;
mod content;
mod identity;
mod messages;
mod order;
mod played;
mod privacy;
mod refusal;
mod resumption;
mod roster;
mod scene;
mod sign_on;
