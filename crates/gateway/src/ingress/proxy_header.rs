//! Headers of the PROXY protocol (`proxy-protocol.txt` of `HAProxy`, versions 1 and 2), by which a
//! load balancer says whose connection it passes on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::{HandshakeError, MAX_OPENING, Parsed};

/// Beginning of version 1.
pub(super) const TEXT: &[u8] = b"PROXY ";
/// The longest line of version 1 with its end, in bytes.
const MAX_LINE: usize = 107;
/// Beginning of version 2.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of version 2 in front of the addresses: the signature, version and command, family and
/// transport, and the length of what follows.
const FIXED: usize = 16;
/// Bytes looked at together. Nearly every header is shorter.
const STEP: usize = 256;

/// Reason to turn away who sends a header and is no load balancer.
pub(super) const UNASKED: &str =
    "it sent a PROXY header, and its address is not in `behind` of this listener";
const NONE: &str = "it is a load balancer and began with no PROXY header";
const WRONG: &str = "its PROXY header breaks the rules";
const TOO_LONG: &str = "its PROXY header is too long";

/// The client that a load balancer speaks for; `None` where it speaks for itself, or does not say.
pub(super) type Client = Option<SocketAddr>;

/// Reads the header, and nothing of what follows it. [`parse`] bounds how long it may be.
pub(crate) async fn read(tcp: &mut TcpStream) -> Result<Client, HandshakeError> {
    let mut header = Vec::new();
    loop {
        let before = header.len();
        header.resize(before + STEP, 0);
        // Only looked at first: what is behind the header belongs to whoever serves the client.
        let seen = tcp.peek(&mut header[before..]).await?;
        if seen == 0 {
            return Err(HandshakeError::Gone);
        }
        header.truncate(before + seen);
        let parsed = parse(&header);
        let end = match &parsed {
            Parsed::Whole(_, end) => *end,
            Parsed::Wrong(why) => return Err(HandshakeError::Refused(why)),
            Parsed::More => header.len(),
        };
        // A header that was whole before would have been taken then.
        let Some(new) = header.get_mut(before..end) else {
            return Err(HandshakeError::Refused(WRONG));
        };
        tcp.read_exact(new).await?;
        if let Parsed::Whole(client, _) = parsed {
            return Ok(client);
        }
    }
}

pub(super) fn parse(read: &[u8]) -> Parsed<Client> {
    let begins = |with: &[u8]| read.starts_with(&with[..with.len().min(read.len())]);
    if begins(TEXT) {
        parse_text(read)
    } else if begins(SIGNATURE) {
        parse_binary(read)
    } else {
        Parsed::Wrong(NONE)
    }
}

/// Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`.
fn parse_text(read: &[u8]) -> Parsed<Client> {
    let part = &read[..read.len().min(MAX_LINE)];
    let Some(end) = part.iter().position(|byte| *byte == b'\n') else {
        return if part.len() < MAX_LINE { Parsed::More } else { Parsed::Wrong(TOO_LONG) };
    };
    let line = part[..end].strip_suffix(b"\r").and_then(|line| line.strip_prefix(TEXT));
    match line.and_then(|line| std::str::from_utf8(line).ok()).and_then(client_of) {
        Some(client) => Parsed::Whole(client, end + 1),
        None => Parsed::Wrong(WRONG),
    }
}

/// Client in a line of version 1 without its beginning and end.
fn client_of(line: &str) -> Option<Client> {
    let mut words = line.split(' ');
    let family = words.next()?;
    if family == "UNKNOWN" {
        // Whatever else the line says is to be ignored.
        return Some(None);
    }
    let words: Vec<_> = words.collect();
    let [source, destination, source_port, destination_port] = words[..] else { return None };
    let source = match family {
        "TCP4" => pair::<Ipv4Addr>(source, destination)?,
        "TCP6" => pair::<Ipv6Addr>(source, destination)?,
        _ => return None,
    };
    port(destination_port)?;
    Some(Some(SocketAddr::new(source, port(source_port)?)))
}

/// The first of two addresses of one family.
fn pair<T: FromStr + Into<IpAddr>>(source: &str, destination: &str) -> Option<IpAddr> {
    destination.parse::<T>().ok()?;
    source.parse::<T>().ok().map(Into::into)
}

/// A port in decimal digits, without zeros in front.
fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = digits && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

/// Version 2, of which the additions behind the addresses are passed over.
fn parse_binary(read: &[u8]) -> Parsed<Client> {
    let Some(&[command, family, high, low]) = read.get(SIGNATURE.len()..FIXED) else {
        return Parsed::More;
    };
    let end = FIXED + usize::from(u16::from_be_bytes([high, low]));
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        _ => return Parsed::Wrong(WRONG),
    };
    if end > MAX_OPENING {
        return Parsed::Wrong(TOO_LONG);
    }
    let Some(block) = read.get(FIXED..end) else { return Parsed::More };
    if is_local {
        // Its own connection, such as a check whether the gateway is there; what it says of
        // addresses is to be ignored.
        return Parsed::Whole(None, end);
    }
    // Source, destination, and the port of each, in the order of the network.
    let client = match family {
        0x11 | 0x12 => address::<4, 12>(block).map(Some),
        0x21 | 0x22 => address::<16, 36>(block).map(Some),
        // A Unix socket's two paths, which say nothing of where the client is.
        0x31 | 0x32 => block.get(..216).map(|_| None),
        0x00 => Some(None),
        _ => None,
    };
    client.map_or(Parsed::Wrong(WRONG), |client| Parsed::Whole(client, end))
}

/// The source in a block of addresses of `N` bytes, `ALL` with the ports.
fn address<const N: usize, const ALL: usize>(block: &[u8]) -> Option<SocketAddr>
where
    [u8; N]: Into<IpAddr>,
{
    let block: &[u8; ALL] = block.first_chunk()?;
    let port = block.get(2 * N..2 * N + 2)?.try_into().ok()?;
    Some(SocketAddr::new((*block.first_chunk::<N>()?).into(), u16::from_be_bytes(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(header: &[u8]) -> Client {
        for cut in 0..header.len() {
            assert_eq!(parse(&header[..cut]), Parsed::More, "{cut} of {}", header.escape_ascii());
        }
        let longer = [header, b"\x05\x01\0\r\n"].concat();
        let Parsed::Whole(client, end) = parse(&longer) else {
            panic!("{}", header.escape_ascii())
        };
        assert_eq!(end, header.len());
        client
    }

    fn is_wrong(header: &[u8]) -> bool {
        matches!(parse(header), Parsed::Wrong(_))
    }

    fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
        let length = u16::try_from(block.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, block].concat()
    }

    /// Lines of the specification, section 2.1: its examples, and the longest of each family.
    #[test]
    fn a_line_names_the_client() {
        for (line, client) in [
            ("TCP4 255.255.255.255 255.255.255.255 65535 65535", Some("255.255.255.255:65535")),
            ("TCP4 192.168.0.1 192.168.0.11 56324 443", Some("192.168.0.1:56324")),
            ("TCP4 203.0.113.7 198.51.100.1 0 5190", Some("203.0.113.7:0")),
            (
                "TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
                 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
                Some("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"),
            ),
            ("TCP6 2001:db8::7 ::1 1025 5222", Some("[2001:db8::7]:1025")),
            ("UNKNOWN", None),
            (
                "UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff \
                 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
                None,
            ),
        ] {
            let expected = client.map(|client| client.parse().unwrap());
            assert_eq!(whole(format!("PROXY {line}\r\n").as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn a_line_that_breaks_the_rules_is_none() {
        for line in [
            "TCP4 192.168.0.1 192.168.0.11 56324\r\n",
            "TCP4 192.168.0.1 192.168.0.11 56324 443 \r\n",
            "TCP4  192.168.0.1 192.168.0.11 56324 443\r\n",
            "TCP4 192.168.0.01 192.168.0.11 56324 443\r\n",
            "TCP4 192.168.0.1 192.168.0.11 056324 443\r\n",
            "TCP4 192.168.0.1 192.168.0.11 +5632 443\r\n",
            "TCP4 192.168.0.1 192.168.0.11 65536 443\r\n",
            "TCP4 192.168.0.1 ::1 56324 443\r\n",
            "TCP4 ::1 192.168.0.11 56324 443\r\n",
            "TCP6 192.168.0.1 192.168.0.11 56324 443\r\n",
            "UDP4 192.168.0.1 192.168.0.11 56324 443\r\n",
            "TCP4 192.168.0.1 192.168.0.11 56324 443\n",
            "TCP4 192.168.0.1 192.168.0.\u{661} 56324 443\r\n",
            "\r\n",
        ] {
            assert!(is_wrong(format!("PROXY {line}").as_bytes()), "{line:?}");
        }
        let long = [b"PROXY UNKNOWN ", &[b'x'; 92][..], b"\r\n"].concat();
        assert_eq!((long.len(), is_wrong(&long)), (108, true));
        assert!(is_wrong(&[b"PROXY UNKNOWN ", &[b'x'; 93][..]].concat()), "no end in sight");
        assert_eq!(whole(&[b"PROXY UNKNOWN ", &[b'x'; 91][..], b"\r\n"].concat()), None);
    }

    /// Blocks of the specification, section 2.2, with additions of types that it names.
    #[test]
    fn a_block_names_the_client_and_additions_are_passed_over() {
        let v4 = [203, 0, 113, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x14, 0x46];
        let client = Some("203.0.113.7:56324".parse().unwrap());
        assert_eq!(whole(&binary(0x21, 0x11, &v4)), client);
        assert_eq!(whole(&binary(0x21, 0x12, &v4)), client);
        // PP2_TYPE_ALPN, PP2_TYPE_CRC32C with a wrong sum, and PP2_TYPE_NOOP.
        let more = b"\x01\0\x02h2\x03\0\x04\0\0\0\0\x04\0\x03\0\0\0";
        assert_eq!(whole(&binary(0x21, 0x11, &[&v4[..], more].concat())), client);
        let large = [&v4[..], b"\x05\x08\0", &[7; 2048][..]].concat();
        assert_eq!(parse(&binary(0x21, 0x11, &large)), Parsed::Whole(client, 16 + large.len()));
        let ip: Ipv6Addr = "2001:db8::7".parse().unwrap();
        let v6 = [&ip.octets()[..], &[0; 16], &[0x04, 0x01], &[0x14, 0x66]].concat();
        let client = Some("[2001:db8::7]:1025".parse().unwrap());
        assert_eq!(whole(&binary(0x21, 0x21, &v6)), client);
        let mapped =
            [&[0; 10][..], &[0xff, 0xff, 203, 0, 113, 7], &[0; 16], &[0, 1, 0, 2]].concat();
        let client = whole(&binary(0x21, 0x21, &mapped)).unwrap();
        assert_eq!(client.ip().to_canonical(), IpAddr::from([203, 0, 113, 7]));
        assert_eq!(whole(&binary(0x21, 0x31, &[b'/'; 216])), None);
        assert_eq!(whole(&binary(0x21, 0x00, b"")), None);
        assert_eq!(whole(&binary(0x21, 0x00, b"anything")), None);
    }

    #[test]
    fn a_balancer_that_speaks_for_itself_names_nobody() {
        assert_eq!(whole(&binary(0x20, 0x00, b"")), None);
        let v4 = [203, 0, 113, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x14, 0x46];
        assert_eq!(whole(&binary(0x20, 0x11, &v4)), None);
        assert_eq!(whole(&binary(0x20, 0xff, b"\0")), None);
    }

    #[test]
    fn a_block_that_breaks_the_rules_is_none() {
        let v4 = [203, 0, 113, 7, 198, 51, 100, 1, 0xdc, 0x04, 0x14, 0x46];
        for (command, family) in
            [(0x11, 0x11), (0x31, 0x11), (0x22, 0x11), (0x21, 0x10), (0x21, 0x13), (0x21, 0x41)]
        {
            assert!(is_wrong(&binary(command, family, &v4)), "{command:x} {family:x}");
        }
        for (family, length) in [(0x11, 11), (0x21, 35), (0x31, 215)] {
            assert!(is_wrong(&binary(0x21, family, &vec![0; length])), "{family:x} {length}");
        }
        assert!(is_wrong(&binary(0x21, 0x11, &[0; MAX_OPENING])));
        for other in [&b"\x05\x01\0"[..], b"GET / HTTP/1.1", b"\r\n\r\n\0\r\nQUIT\r", b"PROXy "] {
            assert!(is_wrong(other), "{}", other.escape_ascii());
        }
        assert_eq!(parse(b""), Parsed::More);
    }
}
