//! What is sent through a proxy, and what that takes.

use std::time::{Duration, Instant};

use bench_processes::cost::Cost;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::proxies::{Proxy, To};

/// Figures of a round, in the order of the columns.
pub(crate) const FIGURES: [&str; 9] = [
    "p50 at 40/s, us",
    "CPU us a message at 40/s",
    "wakes a message at 40/s",
    "CPU us a message busy",
    "messages/s",
    "CPU s a GB, one stream",
    "GB/s",
    "CPU us a set-up",
    "set-ups/s",
];

/// A message, of no protocol that any of them knows.
const MESSAGE: [u8; 64] = [b'#'; 64];
/// Connections and messages at 40 a second.
const FEW: usize = 4;
const SLOW: u32 = 160;
/// Connections on which the next message follows the answer, and messages on each.
const MANY: usize = 50;
const EACH: usize = 400;
/// Bytes of a stream.
const BULK: u64 = 1 << 30;
/// Connections that are set up, and how many at a time.
const SET_UPS: usize = 2_000;
const AT_ONCE: usize = 32;

/// One round of everything.
pub(crate) async fn round(proxy: &Proxy) -> [f64; FIGURES.len()] {
    let (p50, slow) = at_pace(proxy).await;
    let (took, busy) = all_busy(proxy).await;
    let (streamed, bulk) = one_stream(proxy).await;
    let (set_up, opened) = set_ups(proxy).await;
    let micros = |cost: Cost, of: usize| cost.cpu.as_secs_f64() * 1e6 / of as f64;
    let gigabytes = BULK as f64 / 1e9;
    [
        p50.as_secs_f64() * 1e6,
        micros(slow, SLOW as usize),
        slow.wakes as f64 / f64::from(SLOW),
        micros(busy, MANY * EACH),
        (MANY * EACH) as f64 / took.as_secs_f64(),
        bulk.cpu.as_secs_f64() / gigabytes,
        gigabytes / streamed.as_secs_f64(),
        micros(opened, SET_UPS),
        SET_UPS as f64 / set_up.as_secs_f64(),
    ]
}

/// There and back, once.
async fn echo(tcp: &mut TcpStream) {
    let mut back = [0; MESSAGE.len()];
    tcp.write_all(&MESSAGE).await.unwrap();
    tcp.read_exact(&mut back).await.unwrap();
    assert_eq!(back, MESSAGE);
}

/// The middle of the times that messages took which follow each other at 40 a second.
async fn at_pace(proxy: &Proxy) -> (Duration, Cost) {
    let mut all = Vec::new();
    for _ in 0..FEW {
        let mut tcp = proxy.connect(To::Echo).await;
        echo(&mut tcp).await;
        all.push(tcp);
    }
    let mut pace = interval(Duration::from_millis(25));
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (before, mut took) = (Cost::of(&[proxy.process.id()]), Vec::new());
    for n in 0..SLOW as usize {
        pace.tick().await;
        let begun = Instant::now();
        echo(&mut all[n % FEW]).await;
        took.push(begun.elapsed());
    }
    let cost = Cost::of(&[proxy.process.id()]).since(before);
    took.sort_unstable();
    (took[took.len() / 2], cost)
}

/// Every connection says the next once it heard the last.
async fn all_busy(proxy: &Proxy) -> (Duration, Cost) {
    let mut all = Vec::new();
    for _ in 0..MANY {
        all.push(proxy.connect(To::Echo).await);
    }
    let (before, begun) = (Cost::of(&[proxy.process.id()]), Instant::now());
    let mut busy = JoinSet::new();
    for mut tcp in all {
        busy.spawn(async move {
            for _ in 0..EACH {
                echo(&mut tcp).await;
            }
        });
    }
    while let Some(done) = busy.join_next().await {
        done.unwrap();
    }
    (begun.elapsed(), Cost::of(&[proxy.process.id()]).since(before))
}

/// One stream of many bytes.
async fn one_stream(proxy: &Proxy) -> (Duration, Cost) {
    let mut tcp = proxy.connect(To::Bulk).await;
    let (before, begun) = (Cost::of(&[proxy.process.id()]), Instant::now());
    tcp.write_u64(BULK).await.unwrap();
    let (mut left, mut bytes) = (BULK, vec![0; 256 * 1024]);
    while left > 0 {
        let n = tcp.read(&mut bytes).await.unwrap();
        assert_ne!(n, 0, "{} ended a stream", proxy.name);
        left -= n as u64;
    }
    (begun.elapsed(), Cost::of(&[proxy.process.id()]).since(before))
}

/// Connections on which one message goes there and back.
async fn set_ups(proxy: &Proxy) -> (Duration, Cost) {
    let (before, begun) = (Cost::of(&[proxy.process.id()]), Instant::now());
    let open = async || {
        for _ in 0..SET_UPS / AT_ONCE {
            echo(&mut proxy.connect(To::Echo).await).await;
        }
    };
    let mut all: Vec<_> = (0..AT_ONCE).map(|_| Box::pin(open())).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|open| open.as_mut().poll(cx).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    (begun.elapsed(), Cost::of(&[proxy.process.id()]).since(before))
}
