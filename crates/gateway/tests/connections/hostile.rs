use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{echo, exactly, gateway, rest, socks5, soon};

/// A small generator of the same numbers every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }

    /// Random bytes, most of which begin like a protocol of ours.
    fn opening(&mut self) -> Vec<u8> {
        let beginnings: [&[u8]; 8] = [
            b"\x05\x01\0\x05\x01\0\x03",
            b"\x05\x02\0\x02\x01",
            b"\x04\x01\x14\x46\0\0\0\x01",
            b"CONNECT ",
            b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n",
            b"\x05\x01\0\x05",
            b"\x16\x03\x01",
            b"",
        ];
        let mut opening = beginnings[self.roll(8)].to_vec();
        let more = self.roll(300);
        opening.extend((0..more).map(|_| self.roll(256) as u8));
        opening
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_random_openings_leave_the_gateway_as_it_was() {
    let echo = echo().await;
    let gateway = gateway(echo, |_| {});
    let mut other = socks5(gateway.proxies[0], echo).await;
    let mut dice = Dice(0x5eed);
    for _ in 0..100 {
        let openings: Vec<_> = (0..100).map(|_| dice.opening()).collect();
        let proxy = gateway.proxies[0];
        let clients = openings.into_iter().map(|opening| {
            tokio::spawn(async move {
                let mut tcp = TcpStream::connect(proxy).await.unwrap();
                let _ = tcp.write_all(&opening).await;
                let _ = tcp.shutdown().await;
                rest(&mut tcp).await
            })
        });
        for client in clients.collect::<Vec<_>>() {
            soon(client).await.unwrap();
        }
        other.write_all(b"still here").await.unwrap();
        assert_eq!(exactly(&mut other, 10).await, b"still here");
    }
}

#[tokio::test]
async fn a_client_that_never_finishes_its_opening_is_sent_away() {
    let gateway = gateway(echo().await, |config| {
        config.limits.handshake = Duration::from_millis(300);
    });
    let mut slow = TcpStream::connect(gateway.proxies[0]).await.unwrap();
    let drip = async {
        loop {
            if slow.write_all(b"C").await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(drip).await;
    let mut silent = TcpStream::connect(gateway.proxies[0]).await.unwrap();
    assert!(rest(&mut silent).await.is_empty());
}

#[tokio::test]
async fn an_endless_opening_is_cut_off() {
    let gateway = gateway(echo().await, |_| {});
    for opening in ["CONNECT ", "\x04\x01\x14\x46\x01\x01\x01\x01"] {
        let mut tcp = TcpStream::connect(gateway.proxies[0]).await.unwrap();
        let _ = tcp.write_all(opening.as_bytes()).await;
        let _ = tcp.write_all(&vec![b'x'; 100_000]).await;
        assert!(rest(&mut tcp).await.len() < 1000, "{opening}");
    }
}
