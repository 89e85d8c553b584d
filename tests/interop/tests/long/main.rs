//! Jabber clients with windows, which `cargo xtask test --long` installs.

mod windows;
