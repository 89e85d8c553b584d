//! Yahoo Messenger: a YMSG server, and clients for it.

use std::io;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::protocol::Protocol;
use crate::{Account, Client, Route, SignOnError};

mod client;
mod markup;
mod packet;
mod server;

pub use client::sign_on;
pub use server::Server;

/// Version that a client speaks unless its user's name says otherwise.
const USUAL: u16 = 16;
/// The text that is shown as a buzz.
const BUZZ: &str = "<ding>";

/// The network.
#[derive(Clone, Copy, Debug)]
pub struct Yahoo;

impl Protocol for Yahoo {
    const ID: &'static str = "yahoo";
    type Server = Server;

    fn local(name: &str) -> String {
        name.to_lowercase()
    }

    async fn start(addr: SocketAddr, users: &[Account]) -> io::Result<Server> {
        Server::start(addr, users).await
    }

    async fn sign_on(account: &Account, way: &Route) -> Result<Client, SignOnError> {
        sign_on(account, way).await
    }
}

/// The MD5 of `bytes` in Yahoo's alphabet of Base64.
fn hash(bytes: &[u8]) -> String {
    let text = STANDARD.encode(Md5::digest(bytes));
    text.chars()
        .map(|c| {
            [('+', '.'), ('/', '_'), ('=', '-')]
                .iter()
                .find(|(from, _)| *from == c)
                .map_or(c, |(_, to)| *to)
        })
        .collect()
}

/// Key 6 of 0x54, up to YMSG14: what shows that the client knows the password. `None` where the
/// challenge is not one.
fn response(name: &str, password: &str, challenge: &str) -> Option<String> {
    let seed = challenge.as_bytes();
    let at = |index: usize| seed.get(index).copied();
    let order = at(15)? % 8 % 5;
    let which = [7, 9, 15, 1, 3].get(usize::from(order)).copied()?;
    let check = char::from(at(usize::from(at(which)? % 16))?);
    let hidden = hash(password.as_bytes());
    Some(hash(
        match order {
            0 => format!("{check}{hidden}{name}{challenge}"),
            1 => format!("{check}{name}{challenge}{hidden}"),
            2 => format!("{check}{challenge}{hidden}{name}"),
            3 => format!("{check}{name}{hidden}{challenge}"),
            _ => format!("{check}{hidden}{challenge}{name}"),
        }
        .as_bytes(),
    ))
}

/// Key 307 of 0x54 since YMSG15. The crumb, which real clients get for the password over HTTPS, is
/// made from the password here.
pub fn proof(password: &str, challenge: &str) -> String {
    hash(format!("{}{challenge}", crumb(password)).as_bytes())
}

fn crumb(password: &str) -> String {
    hash(format!("the crumb for {password}").as_bytes()).chars().take(11).collect()
}

/// The cookies `Y` and `T`, which are keys 277 and 278 of 0x54 since YMSG15.
pub fn cookies(name: &str, password: &str) -> [String; 2] {
    let secret = hash(format!("the cookie for {password}").as_bytes());
    [format!("v=1&n=x&l={name}/o&p=x"), format!("z={secret}&a=x")]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From captures of libpurple with Escargot.
    #[test]
    fn passwords_are_proven_as_real_clients_prove_them() {
        for (name, password, challenge, answer) in [
            ("yalice", "pw-yalice1", "gF50cZ.7RomWGd1XdL5.IA--", "TwDMnD.DEFiTZnHtUoCJRQ--"),
            ("ybob", "pw-ybob1", "L2RdYwACQIWAFShGa6ZJFQ--", "pqPsqw_glxgorz53dcAa1g--"),
        ] {
            assert_eq!(response(name, password, challenge).as_deref(), Some(answer));
        }
        assert_eq!(response("yalice", "pw-yalice1", "short"), None);
        let crumbed = hash(b"HO6snQBPxz403cf175bccc1a5d4bc05850c554637f4");
        assert_eq!(crumbed, "jtAdZlMCuAZVtu50tQ.y7Q--");
    }
}
