//! Messages from one gateway to another.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn messages_arrive_in_order_and_are_answered() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let mut heard = there.answering(Ok(()));
    let sends = (0..500).map(|n| here.overlay.send(&to, text(alice(), n)));
    assert!(futures::future::join_all(sends).await.iter().all(Result::is_ok));
    for n in 0..500 {
        let (from, mut message) = heard.recv().await.unwrap();
        if let Message::Envelope(envelope) = &mut message {
            assert!(envelope.sent_at > UnixMillis(0), "the time is by the clock of the receiver");
            envelope.sent_at = UnixMillis(0);
        }
        assert_eq!((from, message), (here.id(), text(alice(), n)));
    }
    let presence =
        Message::Presence { of: alice(), presence: Presence::available(), to: vec![bob()] };
    let probe = Message::Probe { of: bob(), by: vec![alice()] };
    for message in [presence, probe] {
        assert_eq!(here.overlay.send(&to, message.clone()).await, Ok(()));
        assert_eq!(heard.recv().await.unwrap().1, message);
    }
    assert_eq!(here.overlay.send(&to, text(alice(), 3)).await, Ok(()), "a repeat is answered");
    assert!(heard.try_recv().is_err(), "and not handed on");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_was_said_does_not_depend_on_the_clock_of_the_sender() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let mut heard = there.answering(Ok(()));
    let before = UnixMillis::from(SystemTime::now());
    let ahead = UnixMillis(before.0 + 600_000);
    for (id, sent_at) in [(1, ahead), (2, UnixMillis(before.0 - 600_000))] {
        let Message::Envelope(envelope) = text(alice(), id) else { panic!("an envelope") };
        let said = Message::Envelope(Envelope { sent_at, ..envelope });
        assert_eq!(here.overlay.send(&to, said).await, Ok(()));
        let Some((_, Message::Envelope(came))) = heard.recv().await else { panic!("it comes") };
        assert!(before <= came.sent_at && came.sent_at < ahead, "{:?}", came.sent_at);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_is_the_other_routers() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let _heard = there.answering(Err(Failure::Refused));
    assert_eq!(here.overlay.send(&to, text(alice(), 1)).await, Err(Failure::Refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_for_a_network_that_is_not_his() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (mut there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let mallory: Address = "mallory@msn".parse().unwrap();
    let sent = here.overlay.send(&there.id(), text(mallory.clone(), 1)).await;
    assert_eq!(sent, Err(Failure::Refused));
    assert_eq!(there.overlay.counts().refused, 1);
    there.overlay.watch(&[mallory.clone(), alice()]).await;
    here.overlay.sign_on(&mallory).await;
    here.overlay.sign_on(&alice()).await;
    assert_eq!(there.arrival().await, (alice(), here.id()), "mallory is not believed to be there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_under_way_fails_when_its_gateway_dies() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (mut there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let start = Instant::now();
    let (sent, ()) = tokio::join!(here.overlay.send(&to, text(alice(), 1)), async {
        let unanswered = there.next().await;
        there.overlay.shutdown().await;
        drop(unanswered);
    });
    assert_eq!(sent, Err(Failure::Unconfirmed), "it was given to the router there");
    assert!(start.elapsed() < Duration::from_secs(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_reads_nothing_is_busy_and_the_link_stays() {
    let mesh = Mesh::new(&["aol", "yahoo"]);
    let mut all = mesh.start_all().await;
    let (there, here) = (all.pop().unwrap(), all.pop().unwrap());
    let to = there.id();
    let sends = (0..9000).map(|n| here.overlay.send(&to, text(alice(), n)));
    let sends = futures::future::join_all(sends);
    let outcomes = timeout(PATIENCE, sends).await.expect("nothing waits for ever");
    assert!(outcomes.contains(&Err(Failure::Busy)), "more than are allowed to wait");
    assert!(outcomes.contains(&Err(Failure::Unconfirmed)), "nobody answered in time");
    assert_eq!(there.overlay.linked(), [here.id()]);
}
