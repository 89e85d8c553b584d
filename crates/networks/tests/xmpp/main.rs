//! Tests of a gateway between Jabber clients and servers, stanza by stanza.
#![allow(unreachable_pub, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod acks;
mod consent;
mod content;
mod copies;
mod identity;
mod left_over;
mod messages;
mod order;
mod played;
mod privacy;
mod privacy_unknown;
mod refusal;
mod resumption;
mod roster;
mod scene;
mod sign_on;
