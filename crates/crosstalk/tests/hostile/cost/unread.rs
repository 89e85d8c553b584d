//! Bounds on what waits for one person, and on what waits for all.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::case::{Case, cases};
use crate::chat::Chat;
use crate::gateway::{Gateway, MIB, Plan};
use crate::jabber::{Client, Route, SM, Server, message};
use crate::world::{EVIL, FRIEND};

/// Memory limit of the process.
const BUDGET: u64 = 192 * MIB;
const SETTINGS: &str = "[limits]\nmemory = \"192MiB\"\n";
const READERS: u32 = 40;
const WRITERS: u32 = 12;
/// A burst that each of them may say at once, and what they may say then.
const BURST: u32 = 50;
const PAUSE: Duration = Duration::from_millis(55);
const SINK: &str = "sink%evil.example@jabber.xt";

pub(crate) fn cases() -> Vec<Case> {
    cases![
        forty_sessions_that_read_nothing_stay_within_the_budget,
        what_sessions_that_are_gone_had_not_acknowledged_stays_within_the_budget,
    ]
    .into()
}

/// Somebody who writes as much as they may, as long as they may.
pub(crate) async fn flood(client: Client, to: &str) {
    let text = message(to, &"x".repeat(65_000));
    let (mut read, mut write) = client.into_split();
    let mut nowhere = tokio::io::sink();
    let reading = tokio::io::copy(&mut read, &mut nowhere);
    let saying = async {
        for said in 0_u32.. {
            if write.write_all(text.as_bytes()).await.is_err() {
                return;
            }
            if said > BURST {
                sleep(PAUSE).await;
            }
        }
    };
    tokio::select! {
        () = saying => {}
        _ = reading => {}
    }
}

/// Some of them.
async fn crowd() -> JoinSet<()> {
    let mut writing = JoinSet::new();
    for number in 0..WRITERS {
        let client = Client::sign_on(&format!("src{number}"), EVIL.0).await;
        writing.spawn(flood(client, SINK));
    }
    writing
}

/// Watches the process for a time, in which others go on talking.
async fn stays_within(gateway: &mut Gateway, chat: &mut Chat, time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        assert!(gateway.is_up(), "the gateway ended: {}", gateway.log());
        let peak = gateway.peak();
        assert!(peak < BUDGET, "it took {} MiB", peak / MIB);
        chat.once().await;
        sleep(Duration::from_millis(200)).await;
    }
}

async fn forty_sessions_that_read_nothing_stay_within_the_budget() {
    let (_evil, _friends) = (Server::start(EVIL), Server::start(FRIEND));
    let mut gateway = Plan::new().with(SETTINGS).start().await;
    let mut chat = Chat::begin(FRIEND.0).await;
    let mut readers = Vec::new();
    for number in 0..READERS {
        let mut reader = Client::dial(Route::to(EVIL.0)).await;
        reader.signs_on("sink", EVIL.0, &format!("r{number}")).await;
        readers.push(reader);
    }
    let _writing = crowd().await;
    stays_within(&mut gateway, &mut chat, Duration::from_secs(12)).await;
}

async fn what_sessions_that_are_gone_had_not_acknowledged_stays_within_the_budget() {
    let (_evil, _friends) = (Server::start(EVIL), Server::start(FRIEND));
    let mut gateway = Plan::new().with(SETTINGS).start().await;
    let mut chat = Chat::begin(FRIEND.0).await;
    let _writing = crowd().await;
    // They come, read for a while without acknowledging, go, and others come.
    for generation in 0..4 {
        let mut reading = JoinSet::new();
        for number in 0..10 {
            let mut reader = Client::dial(Route::to(EVIL.0)).await;
            reader.signs_on("sink", EVIL.0, &format!("g{generation}r{number}")).await;
            reader.send(&format!("<enable xmlns='{SM}' resume='true' max='3600'/>")).await;
            reading.spawn(async move {
                let (mut read, _write) = reader.into_split();
                let _ = tokio::io::copy(&mut read, &mut tokio::io::sink()).await;
            });
        }
        stays_within(&mut gateway, &mut chat, Duration::from_secs(4)).await;
    }
    stays_within(&mut gateway, &mut chat, Duration::from_secs(1)).await;
}
