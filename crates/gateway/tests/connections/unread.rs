//! Protocols that no engine reads, on their way to servers of our networks.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crosstalk_core::HostPort;
use crosstalk_gateway::config::{Config, Direct};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Running, gateway, rest, server, socks5};

/// A server that greets and keeps what it hears.
async fn listener(greeting: &'static [u8]) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let heard = Arc::<Mutex<Vec<u8>>>::default();
    let keeps = Arc::clone(&heard);
    let address = server(move |mut tcp| {
        let keeps = Arc::clone(&keeps);
        async move {
            let _ = tcp.write_all(greeting).await;
            let mut some = [0; 1024];
            while let Ok(n @ 1..) = tcp.read(&mut some).await {
                keeps.lock().unwrap().extend_from_slice(&some[..n]);
                let _ = tcp.write_all(b"heard").await;
            }
        }
    })
    .await;
    (address, heard)
}

/// A gateway whose usual networks have their servers on loopback, and `pass` of `network` set.
fn usual(server: SocketAddr, network: &str, pass: &[&str]) -> Running {
    gateway(server, |config| {
        let usual = Config::alone("/nonexistent".into());
        config.networks = usual.networks;
        let upstream = HostPort::new("127.0.0.1", server.port());
        let network = config.networks.get_mut(&network.parse().unwrap()).unwrap();
        network.hosts.push("127.0.0.1".parse().unwrap());
        let listen = "127.0.0.1:0".parse().unwrap();
        network.direct = vec![Direct { listen, upstream, advertise: None, behind: Vec::new() }];
        let named = network.protocol.unread().iter().map(|unread| unread.name);
        network.pass = named.filter(|name| pass.contains(name)).collect();
    })
}

const FLAP: &[u8] = b"*\x01\0\0\0\x04\0\0\0\x01";
const TOC: &[u8] = b"FLAPON\r\n\r\n";
const BOSH: &[u8] = b"POST /http-bind HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n<body";
const MSN: &[u8] = b"POST /gateway/gateway.dll?Action=open HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
const YAHOO: &[u8] = b"POST /notify HTTP/1.0\r\nContent-Length: 4\r\n\r\nYMSG";
/// A file for somebody of AIM, of three bytes.
const FILE: &[u8] = b"POST /notifyft HTTP/1.0\r\nContent-Length: 38\r\n\r\n\
    YMSG\0\x0a\0\0\0\x0f\0\x46\0\0\0\0\0\0\0\x075\xc0\x80bob@aol.xt\xc0\x80png";
const SOCKET: &[u8] =
    b"GET /xmpp-websocket HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: x\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n";

#[tokio::test]
async fn what_no_engine_reads_is_refused_in_its_own_words_and_reaches_no_server() {
    let forbidden = &b"HTTP/1.1 403 Forbidden\r\n"[..];
    for (network, greeting, first, told) in [
        ("aol", &b""[..], TOC, &FLAP[..2]),
        ("aol", FLAP, TOC, &FLAP[..2]),
        ("jabber", b"", BOSH, forbidden),
        ("jabber", b"", SOCKET, forbidden),
        ("msn", b"", MSN, forbidden),
        ("yahoo", b"", YAHOO, forbidden),
        ("yahoo", b"", FILE, forbidden),
    ] {
        let (server, heard) = listener(greeting).await;
        let gateway = usual(server, network, &[]);
        for direct in [false, true] {
            let mut client = if direct {
                TcpStream::connect(gateway.direct[0].1).await.unwrap()
            } else {
                socks5(gateway.proxies[0], server).await
            };
            client.write_all(first).await.unwrap();
            let got = rest(&mut client).await;
            let tail = got.strip_prefix(greeting).filter(|t| !t.is_empty()).unwrap_or(&got);
            assert!(tail.starts_with(told), "{network} {direct} {}", got.escape_ascii());
            if network == "aol" {
                let text = String::from_utf8_lossy(tail);
                assert!(text.contains("ERROR:989:This gateway does not carry TOC"), "{text}");
            }
        }
        assert_eq!(*heard.lock().unwrap(), b"", "{network}");
    }
}

#[tokio::test]
async fn a_stream_in_words_that_are_not_read_ends_with_an_error_of_streams() {
    let (server, heard) = listener(b"").await;
    let gateway = usual(server, "jabber", &[]);
    for first in [&b"<s:stream xmlns:s='http://etherx.jabber.org/streams'>"[..], b"\xff\xfe<\0"] {
        let mut client = socks5(gateway.proxies[0], server).await;
        client.write_all(first).await.unwrap();
        let got = String::from_utf8(rest(&mut client).await).unwrap();
        assert!(got.contains("<stream:error><bad-namespace-prefix "), "{got}");
    }
    assert_eq!(*heard.lock().unwrap(), b"");
}

#[tokio::test]
async fn what_the_operator_lets_pass_passes_unread() {
    for (network, name, first) in [
        ("aol", "toc", TOC),
        ("jabber", "bosh", BOSH),
        ("jabber", "websocket", SOCKET),
        ("msn", "http", MSN),
        ("yahoo", "http", YAHOO),
    ] {
        let (server, heard) = listener(b"").await;
        let gateway = usual(server, network, &[name]);
        let mut client = socks5(gateway.proxies[0], server).await;
        client.write_all(first).await.unwrap();
        let mut answer = [0; 5];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"heard", "{network}");
        assert_eq!(*heard.lock().unwrap(), first, "{network}");
    }
}

#[tokio::test]
async fn own_traffic_of_other_protocols_passes_and_is_looked_at_request_by_request() {
    let (server, heard) = listener(b"").await;
    let gateway = usual(server, "jabber", &[]);
    let upload = b"PUT /upload/a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
    let mut client = socks5(gateway.proxies[0], server).await;
    client.write_all(upload).await.unwrap();
    let mut answer = [0; 5];
    client.read_exact(&mut answer).await.unwrap();
    client.write_all(BOSH).await.unwrap();
    let got = rest(&mut client).await;
    assert!(got.ends_with(b"please.\r\n"), "{}", got.escape_ascii());
    assert_eq!(*heard.lock().unwrap(), upload);
    for first in [&b"\0\x10\x04\x4a\0\x02"[..], b"OFT2\x01\0rest"] {
        let (server, heard) = listener(b"").await;
        let gateway = usual(server, "aol", &[]);
        let mut client = socks5(gateway.proxies[0], server).await;
        client.write_all(first).await.unwrap();
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(*heard.lock().unwrap(), first);
    }
}
