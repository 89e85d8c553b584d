//! Sockets and tasks: ways in, sessions and the router.

pub mod config;
pub mod mail;
pub mod router;
