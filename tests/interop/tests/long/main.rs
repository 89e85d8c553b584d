//! The chat page in a browser, Jabber clients with windows, and the servers and clients of Debian's next release, all of which
//! `cargo xtask test --long` installs.
#![allow(clippy::unwrap_used, missing_docs)]

mod next;
mod page;
#[path = "../stories/mod.rs"]
mod stories;
mod windows;
