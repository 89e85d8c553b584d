//! AIM: an OSCAR server, and clients for it.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use crosstalk_networks::oscar::wire::Item;

use crate::protocol::Protocol;
use crate::{Account, Client, Route, SignOnError};

mod client;
mod link;
mod server;

pub use client::sign_on;
pub use server::Server;

/// The network.
#[derive(Clone, Copy, Debug)]
pub struct Aim;

impl Protocol for Aim {
    const ID: &'static str = "aol";
    type Server = Server;

    fn local(name: &str) -> String {
        plain(name.as_bytes())
    }

    async fn start(addr: SocketAddr, users: &[Account]) -> io::Result<Server> {
        Server::start(addr, users).await
    }

    async fn sign_on(account: &Account, way: &Route) -> Result<Client, SignOnError> {
        sign_on(account, way).await
    }
}

/// Last part of the input of the password digest.
const DIGEST_TAIL: &[u8] = b"AOL Instant Messenger (SM)";

/// A screen name as AIM compares it: lower case, without spaces.
fn plain(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_lowercase().replace(' ', "")
}

/// The items of an edit of the stored list, up to one that is cut short.
fn items(edit: &Bytes) -> Vec<Item> {
    Item::read_some(edit).0
}

/// The password digest of TLV 25. Newer clients hash the password once more beforehand, and
/// say so with TLV 4c.
fn digest(key: &[u8], password: &str, hashed: bool) -> [u8; 16] {
    use md5::{Digest, Md5};
    let secret = if hashed { Md5::digest(password).to_vec() } else { password.as_bytes().to_vec() };
    Md5::new().chain_update(key).chain_update(secret).chain_update(DIGEST_TAIL).finalize().into()
}

/// Roasting, which hides a password from the naked eye only, and its inverse.
fn roast(password: &[u8]) -> Vec<u8> {
    const PAD: [u8; 16] = [
        0xf3, 0x26, 0x81, 0xc4, 0x39, 0x86, 0xdb, 0x92, 0x71, 0xa3, 0xb9, 0xe6, 0x53, 0x7a, 0x95,
        0x7c,
    ];
    password.iter().zip(PAD.iter().cycle()).map(|(byte, pad)| byte ^ pad).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From captures of an old client with open-oscar-server.
    #[test]
    fn passwords_are_hidden_as_real_clients_hide_them() {
        let digest = digest(b"7b8c5775-5d50-45c1-af0e-ea667b89471d", "secretC1", false);
        assert_eq!(digest[..4], *b"\xb3\x36\x7b\x89");
        assert_eq!(roast(b"secretC1"), b"\x80\x43\xe2\xb6\x5c\xf2\x98\xa3");
    }

    #[test]
    fn roasting_twice_gives_the_password_back() {
        assert_eq!(
            roast(&roast(b"a longer password than sixteen")),
            b"a longer password than sixteen"
        );
    }
}
