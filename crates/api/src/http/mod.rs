//! HTTP: connections, problems, and who asks.

pub(crate) mod body;
pub(crate) mod caller;
mod connection;
pub(crate) mod cookie;
pub(crate) mod origin;
pub(crate) mod problem;
pub(crate) mod server;
mod shares;
