//! Gateways of different versions of the frame set, side by side.

use std::sync::Arc;

use crosstalk_core::{
    Body, Contact, Envelope, EnvelopeId, Failure, Presence, Question, Roster, Stamp, UnixMillis,
};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::hub::Hub;
use crate::hub::inbound::Inbound;

use crate::transport::link::Greeting;
use crate::transport::pair_tests::{self, PATIENCE, alice, bob, gateway, id};
use crate::wire::frame::{FIELDS, NEWEST, OLDEST};
use crate::wire::message::Message;

struct Gateway {
    hub: Arc<Hub>,
    inbound: mpsc::Receiver<Inbound>,
    greeting: Arc<Greeting>,
    _state: tempfile::TempDir,
}

fn roster() -> Roster {
    let mut roster = Roster::default();
    let contact = Contact::new(bob(), "bob".into());
    roster.put(Contact { listed: true, ..contact }, Stamp { millis: 1, writer: 1 });
    roster
}

impl Gateway {
    /// Gateway `n` of 0 and 1, which speaks the versions from the oldest to `newest`.
    fn new(n: u8, newest: u8) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (hub, inbound) = gateway(n, state.path());
        let greeting = Arc::new(Greeting { versions: (OLDEST, newest), addresses: Vec::new() });
        Self { hub, inbound, greeting, _state: state }
    }

    async fn next(&mut self) -> Inbound {
        timeout(PATIENCE, self.inbound.recv()).await.expect("in time").unwrap()
    }

    async fn answers(&mut self, outcome: Result<(), Failure>) -> Message {
        match self.next().await {
            Inbound::Message { message, answer, .. } => {
                answer.give(outcome);
                message
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn link(a: &Gateway, b: &Gateway) {
    let greetings = [a.greeting.clone(), b.greeting.clone()];
    pair_tests::link([&a.hub, &b.hub], greetings).await;
}

#[tokio::test]
async fn everything_of_version_1_works_with_gateways_of_any_version() {
    for (ours, theirs) in [(NEWEST, OLDEST), (OLDEST, NEWEST), (NEWEST, NEWEST)] {
        let (mut here, mut there) = (Gateway::new(0, ours), Gateway::new(1, theirs));
        here.hub.save(&alice(), &roster()).await;
        link(&here, &there).await;

        there.hub.publish(|directory| directory.watch(&alice())).await;
        here.hub.publish(|directory| directory.sign_on(&alice())).await;
        let arrived = there.next().await;
        assert!(matches!(arrived, Inbound::Arrived { at, .. } if at == id(0)), "{arrived:?}");
        assert_eq!(there.hub.locate(&alice()).await, [id(0)]);
        assert_eq!(there.hub.load(&alice()).await, roster());

        let envelope = Message::Envelope(Envelope {
            id: EnvelopeId(1),
            from: alice(),
            to: bob(),
            sent_at: UnixMillis(1_000),
            body: Body::Attention,
            details: None,
        });
        let presence =
            Message::Presence { of: alice(), presence: Presence::available(), to: vec![bob()] };
        let probe = Message::Probe { of: bob(), by: vec![alice()] };
        for (message, outcome) in
            [(envelope, Ok(())), (presence, Ok(())), (probe, Err(Failure::Offline))]
        {
            let send = here.hub.send(id(1), message.clone());
            let (sent, heard) = tokio::join!(send, there.answers(outcome));
            assert_eq!(sent, outcome);
            assert_eq!(std::mem::discriminant(&heard), std::mem::discriminant(&message));
        }
        let send = there.hub.send(id(0), Message::Probe { of: alice(), by: vec![bob()] });
        let (sent, _) = tokio::join!(send, here.answers(Ok(())));
        assert_eq!(sent, Ok(()));
        assert_eq!(here.hub.counts(), there.hub.counts(), "nothing was refused");
    }
}

#[tokio::test]
async fn a_question_is_not_said_to_a_gateway_of_before_and_its_sender_hears_so() {
    let question = || {
        let question = Question::new("music", "").unwrap();
        Message::Question { of: bob(), by: alice(), question }
    };
    for theirs in [OLDEST, FIELDS - 1] {
        let (here, there) = (Gateway::new(0, NEWEST), Gateway::new(1, theirs));
        link(&here, &there).await;
        assert_eq!(here.hub.send(id(1), question()).await, Err(Failure::Refused), "{theirs}");
    }
    let (here, mut there) = (Gateway::new(0, NEWEST), Gateway::new(1, NEWEST));
    link(&here, &there).await;
    let (sent, heard) = tokio::join!(here.hub.send(id(1), question()), there.answers(Ok(())));
    assert_eq!((sent, heard), (Ok(()), question()));
}
