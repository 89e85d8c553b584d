#![allow(clippy::unwrap_used)]
//! The API as programs meet it.

mod door;
mod operate;
mod scopes;
