//! MSN: a notification server and its switchboards, and clients for them.

use std::io;
use std::net::SocketAddr;

use md5::{Digest, Md5};

use crate::protocol::Protocol;
use crate::{Account, Client, Route, SignOnError};

mod book;
mod client;
mod http;
mod link;
mod server;

pub use client::sign_on;
pub use server::Server;

/// The domain of every passport of this crate.
const DOMAIN: &str = "msn.test";
/// Capabilities that a client states since MSNP16.
const CAPABILITIES: &str = "2416181284:00";
/// Version that a client speaks unless its user's name says otherwise.
const USUAL: u32 = 11;

/// Bits of the lists that hold a contact.
const FORWARD: u8 = 1;
const ALLOW: u8 = 2;
const BLOCK: u8 = 4;
const REVERSE: u8 = 8;
/// The lists in the order in which they are told before MSNP8.
const LISTS: [(&str, u8); 4] = [("FL", FORWARD), ("AL", ALLOW), ("BL", BLOCK), ("RL", REVERSE)];

/// The network.
#[derive(Clone, Copy, Debug)]
pub struct Msn;

impl Protocol for Msn {
    const ID: &'static str = "msn";
    type Server = Server;

    fn local(name: &str) -> String {
        passport(name)
    }

    async fn start(addr: SocketAddr, users: &[Account]) -> io::Result<Server> {
        Server::start(addr, users).await
    }

    async fn sign_on(account: &Account, way: &Route) -> Result<Client, SignOnError> {
        sign_on(account, way).await
    }
}

/// The passport of somebody called `name`.
fn passport(name: &str) -> String {
    let name = name.to_lowercase();
    if name.contains('@') { name } else { format!("{name}@{DOMAIN}") }
}

/// The ticket that stands for a password, which real clients get over HTTPS.
pub fn ticket(password: &str) -> String {
    digest(&format!("ticket for {password}"))
}

/// The MD5 of a text, in hexadecimal.
fn digest(text: &str) -> String {
    let hash: [u8; 16] = Md5::digest(text.as_bytes()).into();
    format!("{:032x}", u128::from_be_bytes(hash))
}

/// The bit of the list called `name`.
fn bit(name: &str) -> u8 {
    LISTS.iter().find(|(list, _)| *list == name).map_or(0, |(_, bit)| *bit)
}

/// One person in ADL, RML or FQY: `<d n="msn.test"><c n="ann" .../></d>`.
fn entry(who: &str, attributes: &str) -> String {
    let (name, domain) = who.split_once('@').unwrap_or((who, ""));
    format!("<d n=\"{domain}\"><c n=\"{name}\" {attributes}/></d>")
}
