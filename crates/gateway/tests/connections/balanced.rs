//! Connections through a load balancer, which says whose they are by the PROXY protocol.

use std::net::SocketAddr;

use crosstalk_gateway::config::Config;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, sleep};

use crate::support::{Running, echo, exactly, gateway, rest};

const HELLO: &[u8] = b"\x05\x01\0";
const WELCOME: &[u8] = b"\x05\0";

/// A gateway behind a balancer on loopback, with what `change` sets.
async fn balanced(change: impl FnOnce(&mut Config)) -> Running {
    let upstream = echo().await;
    gateway(upstream, |config| {
        config.proxies[0].behind = vec!["127.0.0.0/8".parse().unwrap()];
        let network = config.networks.values_mut().next().unwrap();
        network.direct[0].behind = vec!["127.0.0.0/8".parse().unwrap()];
        change(config);
    })
}

/// A header of version 1 for a client at this address.
fn line(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 10.0.0.7 56324 1080\r\n").into_bytes()
}

/// One of version 2.
fn block(command: u8, client: [u8; 4]) -> Vec<u8> {
    let head = [&b"\r\n\r\n\0\r\nQUIT\n"[..], &[command, 0x11, 0, 12 + 7]].concat();
    let addition = b"\x04\0\x04noop";
    [&head[..], &client, &[10, 0, 0, 7, 0xdc, 0x04, 0x04, 0x38], addition].concat()
}

async fn opens(at: SocketAddr, pieces: &[&[u8]]) -> TcpStream {
    let mut tcp = TcpStream::connect(at).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    for piece in pieces {
        tcp.write_all(piece).await.unwrap();
        sleep(Duration::from_millis(30)).await;
    }
    tcp
}

#[tokio::test]
async fn a_header_is_taken_off_and_nothing_else_however_it_arrives() {
    let gateway = balanced(|_| ()).await;
    for header in [line("203.0.113.7"), block(0x21, [203, 0, 113, 7]), block(0x20, [0; 4])] {
        let whole = [&header[..], HELLO].concat();
        let (front, back) = header.split_at(header.len() - 1);
        let cuts: [&[&[u8]]; 3] =
            [&[&whole], &[&header, HELLO], &[&front[..5], &front[5..], &[back, HELLO].concat()]];
        for pieces in cuts {
            let mut proxy = opens(gateway.proxies[0], pieces).await;
            assert_eq!(exactly(&mut proxy, 2).await, WELCOME);
            let mut direct = opens(gateway.direct[0].1, &[&header, b"said\n"]).await;
            assert_eq!(exactly(&mut direct, 5).await, b"said\n");
        }
    }
}

#[tokio::test]
async fn each_client_behind_a_balancer_has_limits_of_its_own() {
    let gateway = balanced(|config| config.limits.connections_per_client = 1).await;
    let proxy = gateway.proxies[0];
    let mut kept = Vec::new();
    for client in [[203, 0, 113, 7], [203, 0, 113, 8], [203, 0, 113, 9]] {
        let header = block(0x21, client);
        let mut first = opens(proxy, &[&header, HELLO]).await;
        assert_eq!(exactly(&mut first, 2).await, WELCOME, "{client:?}");
        kept.push(first);
    }
    let mut second = opens(proxy, &[&line("203.0.113.8")]).await;
    assert!(rest(&mut second).await.is_empty(), "that one has one already");
    let mut own = opens(proxy, &[b"PROXY UNKNOWN\r\n", HELLO]).await;
    assert_eq!(exactly(&mut own, 2).await, WELCOME, "the balancer has one itself");
    let mut another = opens(proxy, &[&block(0x20, [0; 4])]).await;
    assert!(rest(&mut another).await.is_empty());
    drop(kept);
    let begun = Instant::now();
    loop {
        let mut again = opens(proxy, &[&line("203.0.113.8")]).await;
        // Reset where it is still too soon.
        let _ = again.write_all(HELLO).await;
        let _ = again.shutdown().await;
        if rest(&mut again).await == WELCOME {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "its room does not come back");
    }
}

#[tokio::test]
async fn a_balancer_without_a_header_is_refused_and_one_that_is_silent_in_time() {
    let gateway = balanced(|config| config.limits.handshake = Duration::from_millis(300)).await;
    let half = &b"PROXY TCP4 203.0.113.7 "[..];
    for opening in [HELLO, b"CONNECT a.test:1 HTTP/1.1\r\n\r\n", b"", half] {
        for at in [gateway.proxies[0], gateway.direct[0].1] {
            let mut tcp = opens(at, &[opening]).await;
            assert!(rest(&mut tcp).await.is_empty(), "{}", opening.escape_ascii());
        }
    }
}

#[tokio::test]
async fn a_header_of_anybody_else_is_not_believed() {
    let gateway = balanced(|config| {
        config.limits.connections_per_client = 1;
        let other = || vec!["127.0.0.2/32".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        config.proxies[0].behind = other();
        config.networks.values_mut().next().unwrap().direct[0].behind = other();
    })
    .await;
    // At a direct listener it is what the client says, and gives it no room of another's.
    let text = line("203.0.113.7");
    let mut direct = opens(gateway.direct[0].1, &[&text]).await;
    assert_eq!(exactly(&mut direct, text.len()).await, text);
    for at in [gateway.direct[0].1, gateway.proxies[0]] {
        let mut more = TcpStream::connect(at).await.unwrap();
        assert!(rest(&mut more).await.is_empty(), "it has one already");
    }
}

#[tokio::test]
async fn who_sends_a_proxy_a_header_and_is_no_balancer_is_turned_away() {
    let gateway = balanced(|config| config.proxies[0].behind.clear()).await;
    let mut proxy = opens(gateway.proxies[0], &[&line("203.0.113.7")]).await;
    assert!(rest(&mut proxy).await.starts_with(b"HTTP/1.1 400 "));
    let mut proxy = opens(gateway.proxies[0], &[&block(0x21, [203, 0, 113, 7])]).await;
    assert!(rest(&mut proxy).await.is_empty());
}
