//! Tests of the journal: what was shown is on file before its sender hears of it, and a slow disk
//! holds up nothing else.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Body, Envelope, EnvelopeId, Typing, UnixMillis};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::hub::Hub;
use crate::hub::answer::Answer;
use crate::hub::inbound::Inbound;
use crate::node::Recovered;
use crate::outbox::Limits;
use crate::storage::journal::Journal;
use crate::transport::link::Greeting;
use crate::transport::pair_tests::{self, PATIENCE, alice, bob, gateway, id};
use crate::wire::message::{Message, Outcome};

/// Long enough for an answer that nothing holds up.
const MOMENT: Duration = Duration::from_millis(200);

struct Gateway {
    hub: Arc<Hub>,
    inbound: mpsc::Receiver<Inbound>,
}

impl Gateway {
    fn new(n: u8, state: &Path) -> Self {
        let (journal, shown) = Journal::open(state, UnixMillis(1)).unwrap();
        let (hub, inbound) = gateway(n, state);
        hub.restore(Limits::default(), 1, journal, Recovered { shown, ..Recovered::default() });
        Self { hub, inbound }
    }

    /// Shows the next message to its receiver. Returns which it was, and the way to say so.
    async fn shows(&mut self) -> (u128, Answer) {
        let event = timeout(PATIENCE, self.inbound.recv()).await.expect("in time").unwrap();
        let Inbound::Message { message, answer, .. } = event else { panic!("{event:?}") };
        (number(&message), answer)
    }

    /// Ends without another word, as if it were killed.
    async fn dies(self, link: JoinHandle<()>) {
        link.abort();
        let _ = link.await;
        self.hub.store.close();
    }
}

fn number(message: &Message) -> u128 {
    match message {
        Message::Envelope(envelope) => envelope.id.0,
        other => panic!("{other:?}"),
    }
}

/// A call for attention, which must not be shown twice, or a typing state, for which that does not
/// matter.
fn message(n: u128, body: Body) -> Message {
    Message::Envelope(Envelope {
        id: EnvelopeId(n),
        from: alice(),
        to: bob(),
        sent_at: UnixMillis(1),
        body,
        details: None,
    })
}

async fn link(a: &Gateway, b: &Gateway) -> JoinHandle<()> {
    let greeting = || Arc::new(Greeting::new(Vec::new()));
    pair_tests::link([&a.hub, &b.hub], [greeting(), greeting()]).await
}

fn send(from: &Gateway, message: Message) -> JoinHandle<Outcome> {
    let hub = from.hub.clone();
    tokio::spawn(async move { hub.send(id(1), message).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_disk_holds_up_only_what_is_to_be_on_it() {
    let [near, far] = [0, 1].map(|_| tempfile::tempdir().unwrap());
    let (here, mut there) = (Gateway::new(0, near.path()), Gateway::new(1, far.path()));
    link(&here, &there).await;
    let mut shown = send(&here, message(1, Body::Attention));
    let (number, answer) = there.shows().await;
    assert_eq!(number, 1);
    let (go_on, may_go_on) = std::sync::mpsc::channel();
    let (stall, stalled) = oneshot::channel();
    let hub = there.hub.clone();
    let disk = std::thread::spawn(move || {
        let _stalled = hub.journal().unwrap().stalled();
        stall.send(()).unwrap();
        may_go_on.recv()
    });
    stalled.await.unwrap();
    let noting = std::thread::spawn(move || answer.give(Ok(())));
    for n in 2..50 {
        let typing = send(&here, message(n, Body::Typing(Typing::Active)));
        let (number, answer) = there.shows().await;
        assert_eq!(number, n);
        answer.give(Ok(()));
        assert_eq!(timeout(PATIENCE, typing).await.expect("it waits for no disk").unwrap(), Ok(()));
    }
    assert!(timeout(MOMENT, &mut shown).await.is_err(), "it is not on file");
    go_on.send(()).unwrap();
    disk.join().unwrap().unwrap();
    noting.join().unwrap();
    assert_eq!(timeout(PATIENCE, shown).await.unwrap().unwrap(), Ok(()));
}

#[tokio::test]
async fn a_gateway_that_dies_has_on_file_what_it_told_of_and_hears_the_rest_again() {
    let [near, far] = [0, 1].map(|_| tempfile::tempdir().unwrap());
    let (here, mut there) = (Gateway::new(0, near.path()), Gateway::new(1, far.path()));
    let links = link(&here, &there).await;
    let told = send(&here, message(1, Body::Attention));
    let (number, answer) = there.shows().await;
    assert_eq!(number, 1);
    answer.give(Ok(()));
    assert_eq!(told.await.unwrap(), Ok(()));
    let untold = send(&here, message(2, Body::Attention));
    let (number, untold_answer) = there.shows().await;
    assert_eq!(number, 2);
    there.dies(links).await;

    let mut again = Gateway::new(1, far.path());
    link(&here, &again).await;
    // As a sender that did not hear the answer does; it is answered from the file.
    assert_eq!(send(&here, message(1, Body::Attention)).await.unwrap(), Ok(()));
    assert!(!matches!(untold.await.unwrap(), Ok(())), "nobody said that it was shown");
    let repeated = send(&here, message(2, Body::Attention));
    let (number, answer) = again.shows().await;
    assert_eq!(number, 2, "it was not on file: rather twice than never");
    answer.give(Ok(()));
    assert_eq!(repeated.await.unwrap(), Ok(()));
    // Of a gateway that died, nobody hears it.
    drop(untold_answer);
}
