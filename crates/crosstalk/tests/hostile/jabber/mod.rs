//! Jabber: a server and clients that do what a trial needs and no library would.

pub(crate) mod client;
pub(crate) mod cut;
pub(crate) mod server;

pub(crate) use client::{BIND, Client, PATIENCE, Route, SM, message};
pub(crate) use server::Server;
