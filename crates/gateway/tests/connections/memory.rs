//! The sum of what waits, while many want too much of it.

use std::net::SocketAddr;
use std::time::Duration;

use crosstalk_gateway::Usage;
use crosstalk_gateway::config::{Config, Memory};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::support::{Running, echo, gateway, line, server, soon};

/// The least memory there can be.
fn little(config: &mut Config) {
    config.limits.memory = Memory::LEAST;
}

/// Looks every few milliseconds how much waits.
struct Watching {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Usage>,
}

impl Watching {
    fn begin(gateway: &Running) -> Self {
        let router = gateway.router.clone();
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut most = Usage::default();
            while stopped.try_recv().is_err() {
                let usage = router.snapshot().memory;
                assert!(usage.used <= usage.budget, "{usage:?}");
                most.unknown = most.unknown.max(usage.unknown);
                most.budget = usage.budget;
                sleep(Duration::from_millis(2)).await;
            }
            most
        });
        Self { stop, task }
    }

    /// The most that there was.
    async fn end(self) -> Usage {
        self.stop.send(()).unwrap();
        soon(self.task).await.unwrap()
    }
}

/// Two people who talk to each other.
struct Chat {
    ann: TcpStream,
    bob: TcpStream,
    said: usize,
}

impl Chat {
    async fn begin(at: SocketAddr) -> Self {
        let mut both = Vec::new();
        for name in ["ann", "bob"] {
            let mut tcp = TcpStream::connect(at).await.unwrap();
            tcp.write_all(format!("!signin {name}@lines\nready\n").as_bytes()).await.unwrap();
            assert_eq!(line(&mut tcp).await, "ready");
            both.push(tcp);
        }
        let (bob, ann) = (both.pop().unwrap(), both.pop().unwrap());
        Self { ann, bob, said: 0 }
    }

    /// Says something and waits until it arrived; as often as a person may.
    async fn say(&mut self) {
        self.said += 1;
        sleep(Duration::from_millis(50)).await;
        let said = format!("!send bob@lines message {}\n", self.said);
        self.ann.write_all(said.as_bytes()).await.unwrap();
        assert_eq!(line(&mut self.bob).await, format!("ann@lines: message {}", self.said));
    }
}

/// Reads whatever comes.
async fn until_the_end(mut tcp: TcpStream) {
    let _ = tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await;
}

/// Says `opening` and then `bytes` that never become a line, and holds on.
async fn unfinished(at: SocketAddr, opening: &str, bytes: usize) -> TcpStream {
    let mut tcp = TcpStream::connect(at).await.unwrap();
    let _ = tcp.write_all(opening.as_bytes()).await;
    let _ = timeout(Duration::from_secs(1), tcp.write_all(&vec![b'x'; bytes])).await;
    tcp
}

#[tokio::test]
async fn before_anybody_signed_on_both_sides_together_have_64_kib_waiting_and_then_a_megabyte() {
    let unfinished_too = server(|mut tcp| async move {
        let mut first = [0; 5];
        let _ = tcp.read_exact(&mut first).await;
        let _ = tcp.write_all(&first).await;
        let _ = tcp.write_all(&vec![b'y'; 40_000]).await;
        let _ = tcp.write_all(b"\n").await;
        until_the_end(tcp).await;
    })
    .await;
    let gateway = gateway(unfinished_too, |_| {});
    let begin = async |order: &str, bytes: usize| {
        unfinished(gateway.direct[0].1, &format!("{order}\nline\n"), bytes).await
    };
    let mut fits = begin("!nothing", 20_000).await;
    let mut too_much = begin("!nothing", 66_000).await;
    let _ = soon(too_much.read_to_end(&mut Vec::new())).await;
    let mut signed_on = begin("!signin ann@lines", 1_000_000).await;
    for tcp in [&mut fits, &mut signed_on] {
        assert_eq!(line(tcp).await, "line");
        assert_eq!(line(tcp).await.len(), 40_000);
    }
    signed_on.write_all(b"\n!answer here\n").await.unwrap();
    assert_eq!(line(&mut signed_on).await, "here");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_keeps_a_worker_too_long_is_counted() {
    let gateway = gateway(echo().await, |_| {});
    let mut tcp = TcpStream::connect(gateway.direct[0].1).await.unwrap();
    tcp.write_all(b"!work 1\nquick\n").await.unwrap();
    assert_eq!(line(&mut tcp).await, "quick");
    assert_eq!(gateway.router.snapshot().slow, 0);
    tcp.write_all(b"!work 120\nslow\n").await.unwrap();
    assert_eq!(line(&mut tcp).await, "slow");
    assert_eq!(gateway.router.snapshot().slow, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_megabyte_on_both_sides_of_500_connections_takes_nothing_from_a_chat() {
    let unfinished_too = server(|mut tcp| async move {
        let mut first = vec![0; 6];
        let _ = tcp.read_exact(&mut first).await;
        let is_hostile = first.starts_with(b"evil");
        let _ = tcp.write_all(if is_hostile { b"line\n" } else { &first }).await;
        if is_hostile {
            let _ = tcp.write_all(&vec![b'y'; 1 << 20]).await;
        }
        until_the_end(tcp).await;
    })
    .await;
    let gateway = gateway(unfinished_too, little);
    let mut chat = Chat::begin(gateway.direct[0].1).await;
    let watching = Watching::begin(&gateway);
    let at = gateway.direct[0].1;
    // Every second one was altered, so that it cannot just pass.
    let hostile = (0..500).map(|n| {
        let opening = if n % 2 == 0 { "!nothing\nevil line\n" } else { "evil line\n" };
        tokio::spawn(unfinished(at, opening, 1 << 20))
    });
    let mut hostile: Vec<_> = hostile.collect();
    let mut held = Vec::new();
    while let Some(connection) = hostile.pop() {
        chat.say().await;
        held.push(soon(connection).await.unwrap());
        while let Some(finished) = hostile.pop_if(|connection| connection.is_finished()) {
            held.push(finished.await.unwrap());
        }
    }
    let most = watching.end().await;
    assert!(most.unknown <= most.budget / 2, "{most:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_have_not_signed_on_are_ended_before_anybody_else() {
    let gateway = gateway(echo().await, little);
    let at = gateway.direct[0].1;
    let mut chat = Chat::begin(at).await;
    let watching = Watching::begin(&gateway);
    // Each keeps just within what one may hold.
    let hostile = (0..200).map(|_| tokio::spawn(unfinished(at, "!nothing\n", 60_000)));
    let hostile: Vec<_> = hostile.collect();
    let mut held = Vec::new();
    for (n, connection) in hostile.into_iter().enumerate() {
        held.push(soon(connection).await.unwrap());
        if n % 10 == 0 {
            chat.say().await;
        }
    }
    let Usage { budget, unknown, ended, is_strained, .. } = gateway.router.snapshot().memory;
    assert!(unknown <= budget / 4 && is_strained && ended.unknown > 100, "{ended:?}");
    assert_eq!((ended.whole, ended.payer), (0, 0));
    let mut over = 0;
    // On a busy machine some are told later that it ended.
    for _ in 0..20 {
        over = 0;
        for tcp in &mut held {
            let gone = timeout(Duration::from_millis(2), tcp.read_u8()).await;
            over += u64::from(matches!(gone, Ok(Err(_))));
        }
        if over >= ended.unknown {
            break;
        }
    }
    assert_eq!(over, ended.unknown, "the ends that were counted, and no others");
    watching.end().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_holds_too_much_loses_its_own_sessions_only() {
    let flood = server(|mut tcp| async move {
        let mut order = [0; 6];
        let _ = tcp.read_exact(&mut order).await;
        let _ = tcp.write_all(&order).await;
        let lines = [vec![b'x'; 60_000], b"\n".to_vec()].concat();
        while order == *b"flood\n" && tcp.write_all(&lines).await.is_ok() {}
        until_the_end(tcp).await;
    })
    .await;
    let gateway = gateway(flood, little);
    let mut chat = Chat::begin(gateway.direct[0].1).await;
    let watching = Watching::begin(&gateway);
    let mut stalled = Vec::new();
    for n in 0..30 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut eve = socket.connect(gateway.direct[0].1).await.unwrap();
        eve.write_all(format!("!signin eve{n}@lines\nflood\n").as_bytes()).await.unwrap();
        assert_eq!(line(&mut eve).await, "flood");
        stalled.push(eve);
        chat.say().await;
    }
    soon(async {
        while gateway.router.snapshot().memory.ended.payer == 0 {
            chat.say().await;
        }
    })
    .await;
    let Usage { ended, .. } = gateway.router.snapshot().memory;
    assert_eq!((ended.whole, ended.unknown), (0, 0));
    chat.say().await;
    watching.end().await;
}
