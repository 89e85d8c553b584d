//! Real sockets through a running gateway.
#![allow(clippy::unwrap_used)]

mod balanced;
mod hostile;
mod ingress;
mod log;
mod memory;
mod session;
mod splice;
mod support;
mod tls;
mod unread;
