//! The chat page in a browser, Jabber clients with windows, and the servers and clients of Debian's next release, all of which
//! `cargo xtask test --long` installs; and what is fetched from a registry.
#![allow(clippy::unwrap_used, missing_docs)]

mod next;
mod page;
mod places;
#[path = "../stories/mod.rs"]
mod stories;
mod windows;
