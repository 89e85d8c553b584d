use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{echo, gateway, rest, socks5, soon};

async fn says(proxy: std::net::SocketAddr, opening: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(proxy).await.unwrap();
    tcp.write_all(opening).await.unwrap();
    tcp.shutdown().await.unwrap();
    rest(&mut tcp).await
}

#[tokio::test]
async fn one_port_takes_every_proxy_protocol() {
    let echo = echo().await;
    let gateway = gateway(echo, |_| {});
    let port = echo.port().to_be_bytes();
    let socks4 = [&b"\x04\x01"[..], &port, b"\x7f\0\0\x01me\0hello"].concat();
    let socks4a = [&b"\x04\x01"[..], &port, b"\0\0\0\x01\0lines.test\0hello"].concat();
    let socks5_name = [&b"\x05\x01\0\x05\x01\0\x03\x0alines.test"[..], &port, b"hello"].concat();
    let socks5_text = [&b"\x05\x01\0\x05\x01\0\x03\x09127.0.0.1"[..], &port, b"hello"].concat();
    let connect = format!("CONNECT {echo} HTTP/1.1\r\nHost: {echo}\r\n\r\nhello").into_bytes();
    let granted4 = &b"\0\x5a\0\0\0\0\0\0hello"[..];
    let granted5 = &b"\x05\0\x05\0\0\x01\0\0\0\0\0\0hello"[..];
    let cases = [
        (socks4, granted4),
        (socks4a, granted4),
        (socks5_name, granted5),
        (socks5_text, granted5),
        (connect, b"HTTP/1.1 200 Connection established\r\n\r\nhello"),
    ];
    for (opening, expected) in cases {
        let said = says(gateway.proxies[0], &opening).await;
        assert_eq!(said.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
}

#[tokio::test]
async fn refusals_are_said_in_the_protocol_of_the_client() {
    let nobody = "127.0.0.1:1".parse().unwrap();
    let gateway = gateway(nobody, |_| {});
    let proxy = gateway.proxies[0];
    let socks5 = |code: u8| vec![5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    let refused = says(proxy, b"\x05\x01\0\x05\x01\0\x01\x7f\0\0\x01\0\x01").await;
    assert_eq!(refused, socks5(5), "connection refused");
    let forbidden = says(proxy, b"\x05\x01\0\x05\x01\0\x01\x08\x08\x08\x08\0\x19").await;
    assert_eq!(forbidden, socks5(2), "not allowed by the rules");
    let own_name = says(proxy, b"\x05\x01\0\x05\x01\0\x03\x08yahoo.xt\x13\xba").await;
    assert_eq!(own_name, socks5(2), "a person's name is no host");
    let bind = says(proxy, b"\x05\x01\0\x05\x02\0\x01\x7f\0\0\x01\0\x01").await;
    assert_eq!(bind, socks5(7), "not CONNECT");
    assert_eq!(says(proxy, b"\x04\x01\0\x19\x08\x08\x08\x08\0").await, [0, 91, 0, 0, 0, 0, 0, 0]);
    let page = String::from_utf8(says(proxy, b"GET / HTTP/1.1\r\n\r\n").await).unwrap();
    assert!(page.starts_with("HTTP/1.1 405 ") && page.contains("CrossTalk proxy"), "{page}");
    let connect = says(proxy, b"CONNECT 8.8.8.8:25 HTTP/1.1\r\n\r\n").await;
    assert!(connect.starts_with(b"HTTP/1.1 403 Forbidden\r\n"));
    let connect = says(proxy, b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n").await;
    assert!(connect.starts_with(b"HTTP/1.1 502 Bad Gateway\r\n"));
}

#[tokio::test]
async fn a_proxy_with_users_wants_the_right_password() {
    let echo = echo().await;
    let gateway = gateway(echo, |config| {
        config.proxies[0].users = [("ann".to_owned(), "secret".to_owned().into())].into();
    });
    let proxy = gateway.proxies[0];
    assert_eq!(says(proxy, b"\x05\x01\0").await, [5, 0xff]);
    assert_eq!(says(proxy, b"\x05\x01\x02\x01\x03ann\x05wrong").await, [5, 2, 1, 1]);
    assert_eq!(says(proxy, b"\x05\x01\x02\x01\x03bob\x06secret").await, [5, 2, 1, 1]);
    assert_eq!(says(proxy, b"\x05\x02\0\x02\x01\x03ann\x06secret").await, [5, 2, 1, 0]);
    assert_eq!(says(proxy, b"\x04\x01\0\x19\x7f\0\0\x01\0").await[1], 91, "no password in SOCKS4");
    let connect = says(proxy, b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n").await;
    assert!(connect.starts_with(b"HTTP/1.1 407 "));
}

#[tokio::test]
async fn the_gateway_does_not_dial_itself_even_where_loopback_is_open() {
    let gateway = gateway(echo().await, |_| {});
    let port = gateway.proxies[0].port().to_be_bytes();
    let opening = [&b"\x05\x01\0\x05\x01\0\x01\x7f\0\0\x01"[..], &port].concat();
    assert_eq!(says(gateway.proxies[0], &opening).await[3], 2);
}

#[tokio::test]
async fn more_connections_than_allowed_are_turned_away_and_room_comes_back() {
    let echo = echo().await;
    let gateway = gateway(echo, |config| config.limits.connections_per_client = 1);
    let first = socks5(gateway.proxies[0], echo).await;
    let mut second = TcpStream::connect(gateway.proxies[0]).await.unwrap();
    assert!(rest(&mut second).await.is_empty());
    drop(first);
    soon(async {
        let is_served = async || {
            let mut third = TcpStream::connect(gateway.proxies[0]).await?;
            third.write_all(b"\x05\x01\0").await?;
            third.read_u8().await
        };
        while is_served().await.is_err() {}
    })
    .await;
}

#[tokio::test]
async fn a_shut_down_gateway_accepts_nobody_and_ends_what_runs() {
    let echo = echo().await;
    let gateway =
        gateway(echo, |config| config.limits.drain = std::time::Duration::from_millis(50));
    let proxy = gateway.proxies[0];
    let mut running = socks5(proxy, echo).await;
    gateway.gateway.shutdown().await;
    assert!(TcpStream::connect(proxy).await.is_err());
    assert!(rest(&mut running).await.is_empty());
}
