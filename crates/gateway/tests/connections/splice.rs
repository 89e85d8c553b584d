use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crosstalk_gateway::config::Memory;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use crate::support::{echo, exactly, gateway, rest, server, socks5, socks5_on};

/// Bytes that show where they were.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64)
        .flat_map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .take(len)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_recognises_passes_untouched_in_any_amount() {
    let echo = echo().await;
    let gateway = gateway(echo, |_| {});
    for len in [1, 100, 16 * 1024, 64 * 1024 + 1, 20_000_000] {
        let (mut read, mut write) = socks5(gateway.proxies[0], echo).await.into_split();
        let sent = pattern(len);
        let expected = sent.clone();
        let writer = tokio::spawn(async move {
            write.write_all(&sent).await.unwrap();
            write.shutdown().await.unwrap();
        });
        let echoed = rest(&mut read).await;
        assert!(echoed == expected, "{len} bytes went out, {} came back", echoed.len());
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn the_end_of_one_direction_is_passed_on_and_the_other_goes_on() {
    let server = server(|mut tcp| async move {
        let all = rest(&mut tcp).await;
        sleep(Duration::from_millis(300)).await;
        tcp.write_all(format!("{} bytes\n", all.len()).as_bytes()).await.unwrap();
    })
    .await;
    let gateway = gateway(server, |_| {});
    let mut client = socks5(gateway.proxies[0], server).await;
    client.write_all(&pattern(300_000)).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await, b"300000 bytes\n");
}

#[tokio::test]
async fn a_server_that_speaks_first_is_heard_at_once() {
    let server = server(|mut tcp| async move {
        tcp.write_all(b"220 hello\r\n").await.unwrap();
        let _ = tcp.read_u8().await;
    })
    .await;
    let gateway = gateway(server, |_| {});
    let mut client = socks5(gateway.proxies[0], server).await;
    let mut hello = [0; 11];
    client.read_exact(&mut hello).await.unwrap();
    assert_eq!(&hello, b"220 hello\r\n");
}

#[tokio::test]
async fn a_server_that_breaks_off_ends_the_client_too() {
    let server = server(|tcp| async move {
        tcp.set_zero_linger().unwrap();
    })
    .await;
    let gateway = gateway(server, |_| {});
    let mut client = socks5(gateway.proxies[0], server).await;
    assert!(rest(&mut client).await.is_empty());
    drop(TcpStream::connect(gateway.proxies[0]).await.unwrap());
}

#[tokio::test]
async fn what_passes_goes_on_while_a_gateway_waits_for_its_end_and_no_longer() {
    const DRAIN: Duration = Duration::from_secs(2);
    let echo = echo().await;
    let gateway = gateway(echo, |config| config.limits.drain = DRAIN);
    let proxy = gateway.proxies[0];
    let (mut soon, mut late) = (socks5(proxy, echo).await, socks5(proxy, echo).await);
    for tcp in [&mut soon, &mut late] {
        tcp.write_all(b"220 hello\r\n").await.unwrap();
        assert_eq!(exactly(tcp, 11).await, b"220 hello\r\n");
    }
    let begun = Instant::now();
    let shutdown = tokio::spawn(gateway.gateway.shutdown());
    while TcpStream::connect(proxy).await.is_ok() {
        sleep(Duration::from_millis(10)).await;
    }
    soon.write_all(b"still here").await.unwrap();
    assert_eq!(exactly(&mut soon, 10).await, b"still here");
    soon.shutdown().await.unwrap();
    assert!(rest(&mut soon).await.is_empty() && begun.elapsed() < DRAIN);
    assert!(rest(&mut late).await.is_empty() && begun.elapsed() >= DRAIN);
    shutdown.await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_is_dropped_ends_what_passes() {
    let echo = echo().await;
    let gateway = gateway(echo, |_| {});
    let mut client = socks5(gateway.proxies[0], echo).await;
    client.write_all(b"220 hello\r\n").await.unwrap();
    assert_eq!(exactly(&mut client, 11).await, b"220 hello\r\n");
    drop(gateway);
    assert!(rest(&mut client).await.is_empty());
}

#[tokio::test]
async fn a_side_that_reads_nothing_stops_its_own_other_side_and_nobody_else() {
    const LOT: usize = 64 << 20;
    let pouring = server(|mut tcp| async move {
        exactly(&mut tcp, 10).await;
        let _ = tcp.write_all(&vec![b'x'; LOT]).await;
    })
    .await;
    let gateway = gateway(pouring, |_| {});
    let mut deaf = Vec::new();
    for _ in 0..4 {
        let mut tcp = socks5(gateway.proxies[0], pouring).await;
        tcp.write_all(b"220 pour\r\n").await.unwrap();
        deaf.push(tcp);
    }
    sleep(Duration::from_millis(300)).await;
    assert!(
        gateway.router.snapshot().memory.used < 4 << 20,
        "what is not read stays in the kernel"
    );
    let mut client = socks5(gateway.proxies[0], pouring).await;
    client.write_all(b"220 pour\r\n").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await.len(), LOT);
    // And whoever reads at last gets all.
    let mut late = deaf.pop().unwrap();
    late.shutdown().await.unwrap();
    assert_eq!(rest(&mut late).await.len(), LOT);
}

/// Longest silence of a connection in the tests below.
const PATIENCE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_connection_on_which_both_sides_are_silent_ends_until_both_have_spoken() {
    let echo = echo().await;
    let deaf = server(|mut tcp| async move {
        let _ = tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await;
        std::future::pending::<()>().await;
    })
    .await;
    let gateway = gateway(echo, |config| config.limits.handshake = PATIENCE);
    let mut nothing = socks5(gateway.proxies[0], echo).await;
    assert!(rest(&mut nothing).await.is_empty(), "nobody said anything");
    let mut unanswered = socks5(gateway.proxies[0], deaf).await;
    unanswered.write_all(b"220 is anybody there?\r\n").await.unwrap();
    assert!(rest(&mut unanswered).await.is_empty(), "one side said nothing");
    let mut idle = socks5(gateway.proxies[0], echo).await;
    for _ in 0..2 {
        idle.write_all(b"220 hello\r\n").await.unwrap();
        assert_eq!(exactly(&mut idle, 11).await, b"220 hello\r\n");
        sleep(3 * PATIENCE).await;
    }
}

#[tokio::test]
async fn what_one_side_has_left_ends_soon_after_the_last_word_of_the_other() {
    let slow = server(|mut tcp| async move {
        rest(&mut tcp).await;
        for _ in 0..6 {
            tcp.write_all(b"more\n").await.unwrap();
            sleep(PATIENCE / 2).await;
        }
        std::future::pending::<()>().await;
    })
    .await;
    let gateway = gateway(slow, |config| config.limits.handshake = PATIENCE);
    let mut client = socks5(gateway.proxies[0], slow).await;
    client.write_all(b"220 tell me\r\n").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await, b"more\n".repeat(6), "what goes on is not cut off");
}

#[tokio::test]
async fn the_last_word_is_heard_after_any_silence() {
    let server = server(|mut tcp| async move {
        let heard = exactly(&mut tcp, 11).await;
        tcp.write_all(&heard).await.unwrap();
        rest(&mut tcp).await;
        sleep(PATIENCE / 2).await;
        tcp.write_all(b"bye").await.unwrap();
    })
    .await;
    let gateway = gateway(server, |config| config.limits.handshake = PATIENCE);
    let mut client = socks5(gateway.proxies[0], server).await;
    client.write_all(b"220 hello\r\n").await.unwrap();
    assert_eq!(exactly(&mut client, 11).await, b"220 hello\r\n");
    sleep(3 * PATIENCE).await;
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut client).await, b"bye");
}

/// A connection to `to` on which both sides said something, from this address.
async fn passing(from: [u8; 4], proxy: SocketAddr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut tcp = socks5_on(socket.connect(proxy).await.unwrap(), to).await;
    tcp.write_all(b"220 hello\r\n").await.unwrap();
    assert_eq!(exactly(&mut tcp, 11).await, b"220 hello\r\n");
    tcp
}

#[tokio::test]
async fn what_passes_makes_room_for_somebody_who_has_less() {
    let echo = echo().await;
    let gateway = gateway(echo, |config| config.limits.connections = 2);
    let proxy = gateway.proxies[0];
    let (greedy, other) = ([127, 0, 0, 1], [127, 0, 0, 2]);
    let (mut first, mut second) =
        (passing(greedy, proxy, echo).await, passing(greedy, proxy, echo).await);
    let mut third = passing(other, proxy, echo).await;
    assert!(rest(&mut first).await.is_empty(), "the oldest ends");
    for tcp in [&mut second, &mut third] {
        tcp.write_all(b"still here").await.unwrap();
        assert_eq!(exactly(tcp, 10).await, b"still here");
    }
}

#[tokio::test]
async fn what_passes_ends_where_too_much_of_it_waits_and_others_go_on() {
    let pouring = server(|mut tcp| async move {
        exactly(&mut tcp, 10).await;
        let _ = tcp.write_all(&vec![b'x'; 16 << 20]).await;
    })
    .await;
    let gateway = gateway(pouring, |config| config.limits.memory = Memory::LEAST);
    let mut deaf = Vec::new();
    let begun = Instant::now();
    while gateway.router.snapshot().memory.ended.unknown == 0 {
        let mut tcp = socks5(gateway.proxies[0], pouring).await;
        tcp.write_all(b"220 pour\r\n").await.unwrap();
        deaf.push(tcp);
        assert!(begun.elapsed() < Duration::from_secs(20), "{} hold nothing", deaf.len());
    }
    drop(deaf);
    let mut reader = socks5(gateway.proxies[0], pouring).await;
    reader.write_all(b"220 pour\r\n").await.unwrap();
    reader.shutdown().await.unwrap();
    assert_eq!(rest(&mut reader).await.len(), 16 << 20);
}
