//! SOCKS5 (RFC 1928) with its user names and passwords (RFC 1929): `CONNECT` only.
//!
//! Parsed here rather than by a library, since those for servers bring their own tasks or read a
//! few bytes at a time, and none takes SOCKS4a and CONNECT on the same port.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr};

use crosstalk_core::HostPort;

use super::proxy::{Users, user};
use super::{HandshakeError, Opening, Parsed};
use crate::dial::Failed;

const NO_AUTHENTICATION: u8 = 0;
const PASSWORD: u8 = 2;
const CONNECT: u8 = 1;

/// Goes through the negotiation up to the request: where to, and whose it is.
pub(super) async fn negotiate(
    opening: &mut Opening<'_>,
    users: &Users,
) -> Result<(HostPort, Option<Box<str>>), HandshakeError> {
    let offered = opening.take(parse_methods).await?;
    let method = if users.is_empty() { NO_AUTHENTICATION } else { PASSWORD };
    // Some clients offer only passwords and send whatever they were given.
    let method = match method {
        NO_AUTHENTICATION if !offered.contains(&NO_AUTHENTICATION) => PASSWORD,
        method => method,
    };
    if !offered.contains(&method) {
        opening.send(&[5, 0xff]).await?;
        return Err(HandshakeError::Refused(
            "it offers no SOCKS5 authentication that is taken here",
        ));
    }
    opening.send(&[5, method]).await?;
    let mut known = None;
    if method == PASSWORD {
        known = opening.take(|read| parse_password(read, |n, p| user(users, n, p))).await?;
        let allowed = known.is_some() || users.is_empty();
        opening.send(&[1, u8::from(!allowed)]).await?;
        if !allowed {
            return Err(HandshakeError::Refused("its proxy password is wrong"));
        }
    }
    match opening.take(parse_request).await? {
        Ok(target) => Ok((target, known)),
        Err(code) => {
            opening.send(&reply(code)).await?;
            Err(HandshakeError::Refused("it asks for more than SOCKS5 CONNECT to a host"))
        }
    }
}

/// Reply to the client's request (RFC 1928, section 6).
pub(super) fn answer(result: Result<(), &Failed>) -> [u8; 10] {
    reply(match result {
        Ok(()) => 0,
        Err(Failed::Refused(_)) => 2,
        Err(Failed::Unresolved(_)) => 4,
        Err(Failed::Timeout) => 6,
        Err(Failed::Connect(error)) => match error.kind() {
            ErrorKind::ConnectionRefused => 5,
            ErrorKind::NetworkUnreachable => 3,
            ErrorKind::HostUnreachable => 4,
            ErrorKind::TimedOut => 6,
            _ => 1,
        },
    })
}

/// A reply. The address bound is of no use to a client of CONNECT and not told.
const fn reply(code: u8) -> [u8; 10] {
    [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
}

pub(super) fn parse_methods(read: &[u8]) -> Parsed<Vec<u8>> {
    let [_, count, rest @ ..] = read else { return Parsed::More };
    match rest.get(..usize::from(*count)) {
        Some(methods) => Parsed::Whole(methods.to_vec(), 2 + methods.len()),
        None => Parsed::More,
    }
}

/// Parses a user name and password (RFC 1929) into the user that `whose` finds for them.
pub(super) fn parse_password<T>(read: &[u8], whose: impl Fn(&[u8], &[u8]) -> T) -> Parsed<T> {
    let [version, rest @ ..] = read else { return Parsed::More };
    if *version != 1 {
        return Parsed::Wrong("its SOCKS5 password message has the wrong version");
    }
    let Some((name, rest)) = counted(rest) else { return Parsed::More };
    let Some((password, rest)) = counted(rest) else { return Parsed::More };
    Parsed::Whole(whose(name, password), read.len() - rest.len())
}

/// The request's target, or the code to refuse it with.
pub(super) fn parse_request(read: &[u8]) -> Parsed<Result<HostPort, u8>> {
    let [version, command, _, kind, rest @ ..] = read else { return Parsed::More };
    if *version != 5 {
        return Parsed::Wrong("its SOCKS5 request has the wrong version");
    }
    let host = match kind {
        1 => rest.split_first_chunk().map(|(ip, rest)| (Ipv4Addr::from(*ip).to_string(), rest)),
        4 => {
            rest.split_first_chunk::<16>().map(|(ip, rest)| (Ipv6Addr::from(*ip).to_string(), rest))
        }
        3 => counted(rest).map(|(name, rest)| (text_of(name), rest)),
        _ => return Parsed::Whole(Err(8), read.len()),
    };
    let Some((host, [high, low, rest @ ..])) = host else { return Parsed::More };
    let target = match *command {
        CONNECT if host.is_empty() => Err(1),
        CONNECT => Ok(HostPort::new(host, u16::from_be_bytes([*high, *low]))),
        _ => Err(7),
    };
    Parsed::Whole(target, read.len() - rest.len())
}

/// A host as text; empty where it is none.
pub(super) fn text_of(name: &[u8]) -> String {
    let legal = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':');
    if name.iter().all(legal) { String::from_utf8_lossy(name).into_owned() } else { String::new() }
}

fn counted(read: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = read.split_first()?;
    rest.split_at_checked(usize::from(*count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(read: &[u8]) -> Parsed<Result<HostPort, u8>> {
        parse_request(read)
    }

    #[test]
    fn requests_name_hosts_in_three_ways() {
        let cases: [(&[u8], &str); 4] = [
            (b"\x05\x01\x00\x01\x01\x02\x03\x04\x14\x46", "1.2.3.4:5190"),
            (b"\x05\x01\x00\x03\x04host\x14\x46", "host:5190"),
            (b"\x05\x01\x00\x03\x07\x31.2.3.4\x14\x46", "1.2.3.4:5190"),
            (b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x14\x46", "[::1]:5190"),
        ];
        for (read, expected) in cases {
            assert_eq!(target(read), Parsed::Whole(Ok(expected.parse().unwrap()), read.len()));
            for cut in 0..read.len() {
                assert_eq!(target(&read[..cut]), Parsed::More, "{expected} cut at {cut}");
            }
        }
    }

    #[test]
    fn other_requests_are_refused_with_their_code() {
        assert_eq!(target(b"\x05\x02\x00\x01\x01\x02\x03\x04\x14\x46"), Parsed::Whole(Err(7), 10));
        assert_eq!(target(b"\x05\x01\x00\x05"), Parsed::Whole(Err(8), 4));
        assert_eq!(target(b"\x05\x01\x00\x03\x00\x00\x50"), Parsed::Whole(Err(1), 7));
        assert_eq!(target(b"\x05\x01\x00\x03\x03a b\x00\x50"), Parsed::Whole(Err(1), 10));
    }
}
