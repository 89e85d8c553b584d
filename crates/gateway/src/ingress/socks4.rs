//! SOCKS4, and SOCKS4a with host names: `CONNECT` only.

use std::net::Ipv4Addr;

use crosstalk_core::HostPort;

use super::proxy::Users;
use super::socks5::text_of;
use super::{HandshakeError, Opening, Parsed};
use crate::dial::Failed;

const CONNECT: u8 = 1;
const GRANTED: u8 = 90;
const REJECTED: u8 = 91;

/// Reads the one message there is. It has no password, so that a proxy with users takes nobody
/// this way.
pub(super) async fn negotiate(
    opening: &mut Opening<'_>,
    users: &Users,
) -> Result<HostPort, HandshakeError> {
    let target = opening.take(parse).await?;
    let why = match target {
        Some(target) if users.is_empty() => return Ok(target),
        Some(_) => "SOCKS4 has no password, and this proxy wants one",
        None => "it asks for more than SOCKS4 CONNECT to a host",
    };
    opening.send(&reply(REJECTED)).await?;
    Err(HandshakeError::Refused(why))
}

/// Reply to the client's request (SOCKS4 CD field; the protocol has no reasons).
pub(super) const fn answer(result: Result<(), &Failed>) -> [u8; 8] {
    reply(if result.is_ok() { GRANTED } else { REJECTED })
}

const fn reply(code: u8) -> [u8; 8] {
    [0, code, 0, 0, 0, 0, 0, 0]
}

/// The target; `None` for a request that is not taken.
pub(super) fn parse(read: &[u8]) -> Parsed<Option<HostPort>> {
    let [_, command, p1, p2, a, b, c, d, rest @ ..] = read else { return Parsed::More };
    let Some((_, mut rest)) = terminated(rest) else { return Parsed::More };
    // 0.0.0.x announces a name behind the user.
    let host = if let (0, 0, 0, 1..) = (*a, *b, *c, *d) {
        let Some((name, behind)) = terminated(rest) else { return Parsed::More };
        rest = behind;
        if name.len() > 255 { String::new() } else { text_of(name) }
    } else {
        Ipv4Addr::new(*a, *b, *c, *d).to_string()
    };
    let target = HostPort::new(host, u16::from_be_bytes([*p1, *p2]));
    let legal = *command == CONNECT && !target.host.is_empty();
    Parsed::Whole(legal.then_some(target), read.len() - rest.len())
}

fn terminated(read: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = read.iter().position(|b| *b == 0)?;
    Some((read.get(..end)?, read.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_taken_and_the_rest_refused() {
        let ip = b"\x04\x01\x14\x46\x01\x02\x03\x04user\0";
        assert_eq!(parse(ip), Parsed::Whole(Some(HostPort::new("1.2.3.4", 5190)), ip.len()));
        let name = b"\x04\x01\x14\x46\0\0\0\x07\0host\0early";
        assert_eq!(parse(name), Parsed::Whole(Some(HostPort::new("host", 5190)), 14));
        for cut in 0..14 {
            assert_eq!(parse(&name[..cut]), Parsed::More);
        }
        assert_eq!(parse(b"\x04\x02\x14\x46\x01\x02\x03\x04\0"), Parsed::Whole(None, 9));
        assert_eq!(parse(b"\x04\x01\x14\x46\0\0\0\x07\0a b\0"), Parsed::Whole(None, 13));
    }
}
