//! Parts that the folder of a network provides.

use std::io;
use std::net::SocketAddr;

use crosstalk_core::{Address, Names};
use futures_util::future::{BoxFuture, FutureExt};

use crate::{Account, Client, Network, Route, Server, SignOnError};

/// A network as its folder says it; [`Network`] follows from it.
pub(crate) trait Protocol: Send + Sync + 'static {
    /// The id that the network usually has in a gateway's configuration.
    const ID: &'static str;
    /// Its server.
    type Server: Server + 'static;

    /// Spelling of a foreign name as a user of this network types it.
    fn spell(names: &Names, address: &Address) -> String {
        names.universal(address)
    }

    /// The local part of `name`'s address on this network.
    fn local(name: &str) -> String;

    /// Starts a server for `users` at `addr`.
    fn start(
        addr: SocketAddr,
        users: &[Account],
    ) -> impl Future<Output = io::Result<Self::Server>> + Send;

    /// Signs a client on.
    fn sign_on(
        account: &Account,
        way: &Route,
    ) -> impl Future<Output = Result<Client, SignOnError>> + Send;
}

impl<P: Protocol> Network for P {
    fn id(&self) -> &'static str {
        P::ID
    }

    fn spell(&self, names: &Names, address: &Address) -> String {
        P::spell(names, address)
    }

    fn local(&self, name: &str) -> String {
        P::local(name)
    }

    fn serve<'a>(
        &'a self,
        addr: SocketAddr,
        users: &'a [Account],
    ) -> BoxFuture<'a, io::Result<Box<dyn Server>>> {
        async move { Ok(Box::new(P::start(addr, users).await?) as Box<dyn Server>) }.boxed()
    }

    fn sign_on<'a>(
        &'a self,
        account: &'a Account,
        way: &'a Route,
    ) -> BoxFuture<'a, Result<Client, SignOnError>> {
        P::sign_on(account, way).boxed()
    }
}
