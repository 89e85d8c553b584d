//! Sockets and tasks: ways in, sessions and the router.
//!
//! The path of a connection: [`Gateway::start`] binds listeners; `listen` accepts; `ingress`
//! hears where the client wants to go; `dial` connects it as `policy` allows; `sniff` recognises
//! what is spoken, under `tls` where that ends here; `session` drives the network's engine
//! between the two streams and the [`router`]; `splice` carries what is not interpreted.

mod abort;
mod admission;
mod client_origin;
pub mod config;
mod connection;
mod connection_permits;
pub mod descriptors;
mod dial;
mod dns;
mod fair;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod http_client;
mod ingress;
mod listen;
pub mod mail;
mod memory;
mod policy;
mod registry;
pub mod router;
mod running;
mod session;
mod shared;
mod sniff;
pub mod sources;
mod splice;
pub mod status;
mod stream;
pub mod tls;
mod watchdog;

pub use client_origin::subscriber;
pub use memory::Usage;
pub use running::{Gateway, StartError};
