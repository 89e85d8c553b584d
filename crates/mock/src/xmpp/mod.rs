//! Jabber: an XMPP server, and clients for it.

use std::io;
use std::net::SocketAddr;

use crosstalk_core::{Address, Names};

use crate::protocol::Protocol;
use crate::{Account, Client, Route, SignOnError};

mod client;
mod link;
mod sasl;
mod server;

pub use client::{sign_on, sign_on_encrypted};
pub use crosstalk_networks::xmpp::jid::unescape;
pub use server::Server;

/// The domain that every server of this crate serves.
pub const DOMAIN: &str = "jabber.test";

/// The network.
#[derive(Clone, Copy, Debug)]
pub struct Xmpp;

impl Protocol for Xmpp {
    const ID: &'static str = "jabber";
    type Server = Server;

    fn spell(names: &Names, address: &Address) -> String {
        // A short name is a JID as it is, unless its local part holds what a JID's may not.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if address.local().chars().all(plain) && !address.is_control() {
            address.to_string()
        } else {
            names.universal(address)
        }
    }

    fn local(name: &str) -> String {
        format!("{}@{DOMAIN}", name.to_lowercase())
    }

    async fn start(addr: SocketAddr, users: &[Account]) -> io::Result<Server> {
        Server::start(addr, users).await
    }

    async fn sign_on(account: &Account, way: &Route) -> Result<Client, SignOnError> {
        sign_on(account, way).await
    }
}

/// A JID without its resource, in lower case.
fn bare(jid: &str) -> String {
    jid.split_once('/').map_or(jid, |(bare, _)| bare).to_lowercase()
}
