//! Messages between two gateways, beside the same messages over TCP with rustls.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crosstalk_core::{Body, Envelope, EnvelopeId, RichText, UnixMillis};
use crosstalk_overlay::{Fate, GatewayId, Inbound, Message, Overlay};
use futures::StreamExt as _;
use futures::stream;
use tokio::time::sleep;

use crate::mesh::{self, user};
use crate::plain::Plain;
use crate::shared::Shared;
use crate::stats::{Samples, median};

/// Slices of either kind, in turns.
const SLICES: usize = 9;
/// Messages of a slice one after the other.
const SINGLY: u128 = 2_000;
/// Messages of a slice with [`WINDOW`] of them unanswered.
const BUSY: u128 = 50_000;
pub(crate) const WINDOW: usize = 512;

/// Measures round trips and throughput.
pub(crate) async fn run() {
    let mut gateways = mesh::start(2).await;
    let (to, overlay) = (gateways[1].id(), gateways[0].overlay.clone());
    let mut there = gateways.pop().unwrap();
    there.overlay.sign_on(&user("bob")).await;
    there_is(&overlay, to).await;
    tokio::spawn(async move {
        while let Some(event) = there.inbound.recv().await {
            if let Inbound::Message { answer, .. } = event {
                answer.give(Ok(()));
            }
        }
        drop(there.overlay);
    });
    let kept = Cell::new(0);
    let posted = async |message| {
        let Message::Envelope(envelope) = message else { unreachable!("only texts are said") };
        if overlay.post(envelope, true).await.unwrap() != Fate::Delivered {
            kept.set(kept.get() + 1);
        }
    };
    let sent = async |message| overlay.send(&to, message).await.unwrap();
    let shared = Shared::connect().await;
    let shared = async |message| shared.send(message).await;
    let mut plain = Plain::connect().await;
    let [mut said, mut ours, mut theirs, mut least] = <[Row; 4]>::default();
    let mut id = 0;
    for slice in 0..=SLICES {
        let texts = (singly(&posted, &mut id).await, busily(&posted, &mut id).await);
        let between = (singly(&sent, &mut id).await, busily(&sent, &mut id).await);
        let tasks = (singly(&shared, &mut id).await, busily(&shared, &mut id).await);
        let place = (plain.singly(&mut id, SINGLY).await, plain.busily(&mut id, BUSY).await);
        // The first warms up.
        if slice > 0 {
            said.add(texts);
            ours.add(between);
            theirs.add(tasks);
            least.add(place);
        }
    }
    println!(
        "| two gateways, answered messages of 150 characters | round trip p50 / p99 us | messages a second, {WINDOW} on the way |"
    );
    println!("|---|---|---|");
    let (mine, peer) = (ours.figures(), theirs.figures());
    println!(
        "| texts to people, one conversation each | {} | {:.0} |",
        said.round_trips.show(),
        said.figures().1
    );
    println!("| between gateways | {} | {:.0} |", ours.round_trips.show(), mine.1);
    println!("| TCP with rustls, from any task | {} | {:.0} |", theirs.round_trips.show(), peer.1);
    println!(
        "| TCP with rustls, in place | {} | {:.0} |",
        least.round_trips.show(),
        least.figures().1
    );
    println!("| gateways to TCP from any task | {:.2} | {:.2} |", mine.0 / peer.0, mine.1 / peer.1);
    println!("\n{} of the texts were not answered at once and were put on disk.", kept.get());
}

/// Waits until Bob is known to be at that gateway.
async fn there_is(overlay: &Overlay, at: GatewayId) {
    while overlay.locate(&user("bob")).await != [at] {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Measurements of one of them.
#[derive(Default)]
struct Row {
    round_trips: Samples,
    rates: Vec<f64>,
}

impl Row {
    fn add(&mut self, (singly, busily): (Vec<Duration>, Duration)) {
        self.round_trips.extend(singly);
        self.rates.push(BUSY as f64 / busily.as_secs_f64());
    }

    /// The median round trip in microseconds, and messages a second.
    fn figures(&mut self) -> (f64, f64) {
        (self.round_trips.quantile(0.5), median(self.rates.clone()))
    }
}

async fn singly(send: &impl AsyncFn(Message), id: &mut u128) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..SINGLY {
        let message = message(id);
        let start = Instant::now();
        send(message).await;
        took.push(start.elapsed());
    }
    took
}

async fn busily(send: &impl AsyncFn(Message), id: &mut u128) -> Duration {
    let start = Instant::now();
    let sent = stream::iter((0..BUSY).map(|_| message(id))).map(|message| send(message));
    sent.buffer_unordered(WINDOW).for_each(|()| async {}).await;
    start.elapsed()
}

/// A message of ordinary length, in one of as many conversations as messages are on the way.
pub(crate) fn message(id: &mut u128) -> Message {
    *id += 1;
    let from = user(*id % WINDOW as u128);
    let text = RichText::plain("0123456789".repeat(15));
    Message::Envelope(Envelope {
        id: EnvelopeId(*id),
        from,
        to: user("bob"),
        sent_at: UnixMillis(0),
        body: Body::Text { text, auto: false },
        details: None,
    })
}
