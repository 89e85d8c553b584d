//! MSN: a notification server and its switchboards, and clients for them.

use std::io;
use std::net::SocketAddr;

use md5::{Digest, Md5};

use crate::protocol::Protocol;
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

impl Protocol for Msn {
    const ID: &'static str = "msn";
    type Server = Server;

    fn local(name: &str) -> String {
        passport(name)
    }

    fn start(
        addr: SocketAddr,
        users: &[Account],
    ) -> impl Future<Output = io::Result<Server>> + Send {
        Server::start(addr, users)
    }

    fn sign_on(
        account: &Account,
        way: &Way,
    ) -> impl Future<Output = Result<Client, SignOnError>> + Send {
        sign_on(account, way)
    }
}

/// The passport of somebody called `name`.
fn passport(name: &str) -> String {
    let name = name.to_lowercase();
    if name.contains('@') { name } else { format!("{name}@{DOMAIN}") }
}

/// The ticket that stands for a password, which real clients get over HTTPS.
fn ticket(password: &str) -> String {
    let hash: [u8; 16] = Md5::digest(password.as_bytes()).into();
    format!("{:032x}", u128::from_be_bytes(hash))
}
