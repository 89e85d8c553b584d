//! Sockets and tasks: ways in, sessions and the router.

pub mod mail;
pub mod router;
