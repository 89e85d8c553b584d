//! One gateway, no network: the whole interface on the local store.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use crosstalk_core::{
    Address, Body, Contact, Envelope, EnvelopeId, Failure, Roster, Stamp, UnixMillis,
};
use crosstalk_overlay::{Config, Inbound, Limits, Lists, Message, Overlay};

fn alice() -> Address {
    "alice@aol".parse().unwrap()
}

fn nudge() -> Message {
    Message::Envelope(Envelope {
        id: EnvelopeId(1),
        from: alice(),
        to: "bob@yahoo".parse().unwrap(),
        sent_at: UnixMillis(0),
        body: Body::Attention,
        details: None,
    })
}

#[tokio::test]
async fn a_watcher_sees_a_local_user_come_and_go() {
    let state = tempfile::tempdir().unwrap();
    let (overlay, mut inbound) = Overlay::alone(state.path()).unwrap();
    overlay.watch(&[alice()]).await;
    overlay.sign_on(&alice()).await;
    assert_eq!(overlay.locate(&alice()).await, [overlay.id()]);
    let Some(Inbound::Arrived { user, at }) = inbound.recv().await else { panic!("no arrival") };
    assert_eq!((user, at), (alice(), overlay.id()));
    overlay.sign_off(&alice()).await;
    assert!(matches!(inbound.recv().await, Some(Inbound::Left { .. })));
    assert!(overlay.locate(&alice()).await.is_empty());
}

#[tokio::test]
async fn a_message_to_oneself_takes_the_same_road() {
    let state = tempfile::tempdir().unwrap();
    let (overlay, mut inbound) = Overlay::alone(state.path()).unwrap();
    let id = overlay.id();
    let (sent, ()) = tokio::join!(overlay.send(&id, nudge()), async {
        let Some(Inbound::Message { from, message, answer }) = inbound.recv().await else {
            panic!("no message")
        };
        assert_eq!((from, message), (id, nudge()));
        answer.give(Err(Failure::Offline));
    });
    assert_eq!(sent, Err(Failure::Offline));
    drop(inbound);
    assert_eq!(overlay.send(&id, nudge()).await, Err(Failure::Unreachable));
}

#[tokio::test]
async fn a_roster_survives_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let mut roster = Roster::default();
    let contact = Contact::new("bob@yahoo".parse().unwrap(), "bob@yahoo.xt".into());
    roster.put(Contact { listed: true, ..contact }, Stamp { millis: 1, writer: 1 });
    let (overlay, _inbound) = Overlay::alone(state.path()).unwrap();
    let id = overlay.id();
    assert_eq!(overlay.load(&alice()).await, Roster::default());
    overlay.save(&alice(), &roster).await;
    overlay.shutdown().await;
    let (overlay, _inbound) = Overlay::alone(state.path()).unwrap();
    assert_eq!(overlay.load(&alice()).await, roster);
    assert_eq!(overlay.id(), id);
}

#[tokio::test]
async fn a_router_that_lags_misses_no_arrival_and_holds_sign_ons_back() {
    let state = tempfile::tempdir().unwrap();
    let (overlay, mut inbound) = Overlay::alone(state.path()).unwrap();
    let users: Vec<Address> = (0..8000).map(|n| format!("u{n}@aol").parse().unwrap()).collect();
    overlay.watch(&users).await;
    let (signing, all) = (overlay.clone(), users.clone());
    let signing = tokio::spawn(async move {
        for user in &all {
            signing.sign_on(user).await;
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!signing.is_finished(), "somebody has to read");
    for expected in users {
        let Some(Inbound::Arrived { user, .. }) = inbound.recv().await else { panic!("a gap") };
        assert_eq!(user, expected);
    }
    signing.await.unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_named_with_the_reason() {
    let state = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = vec![taken.local_addr().unwrap()];
    let config = Config { listen, ..Config::default() };
    let error = Overlay::join(&config, state.path()).err().unwrap();
    let said = error.to_string();
    assert!(said.contains("127.0.0.1:") && said.contains("in use"), "{said}");
}

#[tokio::test]
async fn the_list_of_who_does_not_sign_on_expires_and_that_of_who_is_there_does_not() {
    let state = tempfile::tempdir().unwrap();
    let lists = Lists { age: Duration::from_secs(2), ..Lists::default() };
    let limits = Limits { lists, ..Limits::default() };
    let (overlay, _inbound) = Overlay::alone_keeping(state.path(), limits).unwrap();
    let mut roster = Roster::default();
    let contact = Contact::new("bob@yahoo".parse().unwrap(), "bob@yahoo.xt".into());
    roster.put(Contact { listed: true, ..contact }, Stamp { millis: 1, writer: 1 });
    let away: Address = "away@aol".parse().unwrap();
    overlay.sign_on(&alice()).await;
    for owner in [&alice(), &away] {
        overlay.save(owner, &roster).await;
    }
    while overlay.expired() == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((overlay.expired(), overlay.load(&away).await.is_empty()), (1, true));
    assert_eq!(overlay.load(&alice()).await, roster);
    overlay.shutdown().await;
}
