//! People who talk at a fixed pace, whatever the gateway does: a text's time runs from when it was
//! due, so that a gateway that stands still counts for every text that was due meanwhile.

use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use memchr::memmem;
use tokio::io::AsyncReadExt as _;
use tokio::net::tcp::OwnedReadHalf;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::figures::Took;
use crate::jabber::{Client, Route, Server, message};
use crate::world::FRIEND;

const PAIRS: u32 = 10;
/// Between two texts of one of them, who may say twenty a second.
const PACE: Duration = Duration::from_millis(100);
/// Longest wait for a text that is late.
const LATEST: Duration = Duration::from_secs(10);

/// All of them, and their server, on a thread of their own.
pub(super) struct People {
    said: Arc<Mutex<Vec<Text>>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Times at which a text was due, and at which it arrived.
#[derive(Clone, Copy)]
struct Text {
    due: Instant,
    came: Option<Instant>,
}

impl People {
    pub(super) async fn sign_on() -> Self {
        let (said, ended) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (ready, is_ready) = oneshot::channel();
        let thread = std::thread::spawn({
            let (said, ended) = (Arc::clone(&said), Arc::clone(&ended));
            move || {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(talk(said, ended, ready));
            }
        });
        is_ready.await.expect("people who signed on");
        Self { said, ended, thread: Some(thread) }
    }

    /// Latencies of the texts that were due in a range of time.
    pub(super) async fn took(&self, due: Range<Instant>) -> Took {
        let deadline = Instant::now() + LATEST;
        loop {
            let texts = self.said.lock().unwrap().clone();
            let texts = texts.into_iter().filter(|text| due.contains(&text.due));
            let texts: Vec<Text> = texts.collect();
            if texts.iter().all(|text| text.came.is_some()) || Instant::now() > deadline {
                let took = |text: &Text| text.came.map_or(LATEST, |came| came - text.due);
                return Took::new(texts.iter().map(took).collect());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for People {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn talk(said: Arc<Mutex<Vec<Text>>>, ended: Arc<AtomicBool>, ready: oneshot::Sender<()>) {
    let _server = Server::start(FRIEND);
    let mut tasks = JoinSet::new();
    let begin = Instant::now() + Duration::from_secs(1);
    for number in 0..PAIRS {
        let way = Route::to(FRIEND.0).from(Ipv4Addr::new(127, 0, 1, 1 + number as u8));
        let (mut from, mut to) = (Client::dial(way).await, Client::dial(way).await);
        from.signs_on(&format!("ann{number}"), FRIEND.0, "r").await;
        to.signs_on(&format!("ben{number}"), FRIEND.0, "r").await;
        let (listening, kept) = to.into_split();
        tasks.spawn(listen(listening, Arc::clone(&said)));
        // The pairs take turns.
        let begin = begin + PACE * number / PAIRS;
        tasks.spawn(say(from, number, begin, Arc::clone(&said), kept));
    }
    let _ = ready.send(());
    while !ended.load(Ordering::Relaxed) {
        sleep(PACE).await;
    }
}

/// Says a text whenever one is due, with its number in it.
async fn say(
    mut from: Client,
    pair: u32,
    begin: Instant,
    said: Arc<Mutex<Vec<Text>>>,
    _kept: impl Send,
) {
    for turn in 0_u32.. {
        let due = begin + PACE * turn;
        sleep_until(due).await;
        let number = {
            let mut said = said.lock().unwrap();
            said.push(Text { due, came: None });
            said.len() - 1
        };
        let text = message(&format!("ben{pair}%{}@jabber.xt", FRIEND.0), &format!("no {number}."));
        // A gateway that takes no more is late with everything that is due.
        if !from.tries(&text).await {
            return;
        }
    }
}

/// Notes what arrives.
async fn listen(mut read: OwnedReadHalf, said: Arc<Mutex<Vec<Text>>>) {
    const MARK: &[u8] = b"<body>no ";
    let mut text = Vec::new();
    while matches!(read.read_buf(&mut text).await, Ok(count) if count > 0) {
        let now = Instant::now();
        while let Some(at) = memmem::find(&text, MARK) {
            let Some(end) = memchr::memchr(b'.', &text[at..]) else { break };
            let number = std::str::from_utf8(&text[at + MARK.len()..at + end]).unwrap();
            said.lock().unwrap()[number.parse::<usize>().unwrap()].came = Some(now);
            text.drain(..at + end);
        }
    }
}
