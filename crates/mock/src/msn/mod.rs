//! MSN: a notification server and its switchboards, and clients for them.

use std::io;
use std::net::SocketAddr;

use crosstalk_core::{Address, Names};
use futures_util::future::{BoxFuture, FutureExt};
use md5::{Digest, Md5};

use crate::{Account, Client, SignOnError, Way};

mod client;
mod link;
mod server;

pub use client::sign_on;
pub use server::Server;

/// The domain of every passport of this crate.
const DOMAIN: &str = "msn.test";
/// What a client speaks whose user's name does not say otherwise.
const USUAL: u32 = 11;

/// The network.
#[derive(Clone, Copy, Debug)]
pub struct Msn;

impl crate::Network for Msn {
    fn id(&self) -> &'static str {
        "msn"
    }

    fn spell(&self, names: &Names, address: &Address) -> String {
        names.universal(address)
    }

    fn local(&self, name: &str) -> String {
        passport(name)
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

/// The passport of somebody called `name`.
fn passport(name: &str) -> String {
    let name = name.to_lowercase();
    if name.contains('@') { name } else { format!("{name}@{DOMAIN}") }
}

/// The version that the client of somebody called `name` speaks: the number that the name ends
/// with, as in `ann9`.
fn version(name: &str) -> u32 {
    let front = name.split('@').next().unwrap_or_default();
    let digits = front.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.parse().unwrap_or(USUAL)
}

/// The ticket that stands for a password, which real clients get over HTTPS.
fn ticket(password: &str) -> String {
    let hash: [u8; 16] = Md5::digest(password.as_bytes()).into();
    format!("{:032x}", u128::from_be_bytes(hash))
}
