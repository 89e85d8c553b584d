//! Jabber: an XMPP server, and clients for it.

use std::io;
use std::net::SocketAddr;

use crosstalk_core::{Address, Names};
use futures_util::future::{BoxFuture, FutureExt};

use crate::{Account, Client, SignOnError, Way};

mod client;
mod link;
mod sasl;
mod server;

pub use client::{sign_on, sign_on_encrypted};
pub use server::Server;

/// The domain that every server of this crate serves.
pub const DOMAIN: &str = "jabber.test";

/// The network.
#[derive(Clone, Copy, Debug)]
pub struct Xmpp;

impl crate::Network for Xmpp {
    fn id(&self) -> &'static str {
        "jabber"
    }

    fn spell(&self, names: &Names, address: &Address) -> String {
        // A short name is a JID as it is, unless its local part holds what a JID's may not.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if address.local().chars().all(plain) && !address.is_control() {
            address.to_string()
        } else {
            names.universal(address)
        }
    }

    fn local(&self, name: &str) -> String {
        format!("{}@{DOMAIN}", name.to_lowercase())
    }

    fn serve<'a>(
        &'a self,
        addr: SocketAddr,
        users: &'a [Account],
    ) -> BoxFuture<'a, io::Result<Box<dyn crate::Server>>> {
        async move { Ok(Box::new(Server::start(addr, users).await?) as Box<dyn crate::Server>) }
            .boxed()
    }

    fn sign_on<'a>(
        &'a self,
        account: &'a Account,
        way: &'a Way,
    ) -> BoxFuture<'a, Result<Client, SignOnError>> {
        sign_on(account, way).boxed()
    }
}

/// A JID without its resource, in lower case.
fn bare(jid: &str) -> String {
    jid.split_once('/').map_or(jid, |(bare, _)| bare).to_lowercase()
}
