#![allow(clippy::unwrap_used)]
//! The API as programs meet it.

mod directory;
mod door;
mod events;
mod far;
mod files;
mod held;
mod operate;
mod passkeys;
mod people;
mod records;
mod scopes;
mod web;
