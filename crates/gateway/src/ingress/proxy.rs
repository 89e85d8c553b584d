//! One port for every proxy protocol, told apart by the first byte.

use std::collections::BTreeMap;

use bytes::BytesMut;
use crosstalk_core::Redacted;
use subtle::ConstantTimeEq;
use tokio::net::TcpStream;

use super::{
    HandshakeError, MAX_OPENING, Opening, Parsed, Protocol, Request, http, proxy_header, socks4,
    socks5,
};

/// Names and passwords of those who may use a proxy; empty for everybody.
pub(super) type Users = BTreeMap<String, Redacted<String>>;

/// Listens to a client until it said where it wants to go. Whoever is turned away was told so in
/// its own protocol.
pub(crate) async fn greet(tcp: &mut TcpStream, users: &Users) -> Result<Request, HandshakeError> {
    let mut opening = Opening { tcp, read: BytesMut::with_capacity(512) };
    let first = opening.take(|read| match read.first() {
        Some(first) => Parsed::Whole(*first, 0),
        None => Parsed::More,
    });
    let (protocol, (target, user)) = match first.await? {
        5 => (Protocol::Socks5, socks5::negotiate(&mut opening, users).await?),
        4 => (Protocol::Socks4, (socks4::negotiate(&mut opening, users).await?, None)),
        b'A'..=b'Z' => (Protocol::Http, http::negotiate(&mut opening, users).await?),
        b'\r' => return Err(HandshakeError::Refused(proxy_header::UNASKED)),
        _ => return Err(HandshakeError::Refused("it speaks no proxy protocol")),
    };
    let mut early = opening.read;
    if early.is_empty() {
        early = BytesMut::new();
    }
    debug_assert!(early.len() <= 2 * MAX_OPENING);
    Ok(Request { target, user, protocol, early })
}

/// The user called `name`, who may come in with `password`; takes the same time however wrong
/// the password is.
pub(super) fn user(users: &Users, name: &[u8], password: &[u8]) -> Option<Box<str>> {
    let none = Redacted::default();
    let known = std::str::from_utf8(name).ok().and_then(|n| users.get_key_value(n));
    let own = known.map_or(&none, |(_, own)| own);
    let right = bool::from(own.expose().as_bytes().ct_eq(password));
    known.filter(|_| right).map(|(name, _)| name.as_str().into())
}
