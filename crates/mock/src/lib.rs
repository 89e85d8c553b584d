//! Base servers and clients of our own, real enough that other people's software works with
//! them, and a runner for scenarios that read like a script.
//!
//! A network is a folder: a [`Server`] and clients that sign on to it. Whoever drives a client
//! sees only [`Act`] and [`Event`], so that demos, plays and benchmarks say the same things to
//! every network. [`NETWORKS`] is the one registry.

use std::net::SocketAddr;

use crosstalk_core::{Address, Names};
use futures_util::future::BoxFuture;

pub mod aim;
mod client;
pub mod delivery_audit;
mod dial;
mod http_answers;
mod incoming;
mod lastfm;
pub mod msn;
pub mod play;
mod protocol;
mod server;
mod translator;
mod web;
pub mod xmpp;
pub mod yahoo;

pub use client::{Account, Act, Client, Event, SignOnError};
pub use dial::{Route, Stream};
pub use lastfm::LastFm;
pub use server::{Listening, Record, Server};
pub use translator::Translator;
pub use web::Web;

/// A base network that this crate can play both ends of.
pub trait Network: Send + Sync + 'static {
    /// The id that the network usually has in a gateway's configuration, such as `aol`.
    fn id(&self) -> &'static str;

    /// Spelling of a foreign name as a user of this network types it.
    fn spell(&self, names: &Names, address: &Address) -> String;

    /// The local part of `name`'s address on this network, such as `alice` or
    /// `alice@jabber.test`.
    fn local(&self, name: &str) -> String;

    /// Starts a server for `users` at `addr`.
    fn serve<'a>(
        &'a self,
        addr: SocketAddr,
        users: &'a [Account],
    ) -> BoxFuture<'a, std::io::Result<Box<dyn Server>>>;

    /// Signs a client on.
    fn sign_on<'a>(
        &'a self,
        account: &'a Account,
        way: &'a Route,
    ) -> BoxFuture<'a, Result<Client, SignOnError>>;
}

/// Every network there is a mock of.
pub static NETWORKS: &[&dyn Network] = &[&aim::Aim, &xmpp::Xmpp, &msn::Msn, &yahoo::Yahoo];

/// The network whose usual id is `id`.
pub fn by_id(id: &str) -> Option<&'static dyn Network> {
    NETWORKS.iter().copied().find(|n| n.id() == id)
}
