//! Streams of events: numbers, acknowledgement, and what ends them.

use std::time::Duration;

use crosstalk_core::{Contact, Roster, Stamp};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::door::Gateway;
use crate::people::Client;

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_and_nothing_else() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["read"]).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let mut events = gateway.events(&token, None).await;
    for n in 1..=5 {
        alice.text("weather@apps", &n.to_string());
        assert_eq!(events.next("message").await["id"], json!(n));
    }
    drop(events);
    let mut events = gateway.events(&token, Some(2)).await;
    for n in 3..=5 {
        let event = events.next("message").await;
        assert_eq!((&event["id"], &event["text"]), (&json!(n), &json!(n.to_string())));
    }
    let cursor = |after: u64| Some(json!({"after": after}));
    let acknowledged = gateway.call(&token, "PUT /v1/events/cursor", cursor(4)).await;
    assert_eq!(acknowledged.status.as_u16(), 204);
    let future = gateway.call(&token, "PUT /v1/events/cursor", cursor(6)).await;
    assert_eq!(future.problem().as_deref(), Some("conflict"));
    let mut events = gateway.events(&token, None).await;
    assert_eq!(events.next("message").await["id"], json!(5));
    let wrong = [("last-event-id", "x")];
    let wrong = gateway.send(&token, "GET /v1/events", None, &wrong).await;
    assert_eq!(wrong.problem().as_deref(), Some("syntax"));
}

/// A WebSocket of events.
struct Socket(WebSocketStream<UnixStream>);

impl Socket {
    async fn open(gateway: &Gateway, token: &str) -> Self {
        let mut request = "ws://localhost/v1/events/socket".into_client_request().unwrap();
        let shown = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", shown);
        let stream = UnixStream::connect(gateway.socket()).await.unwrap();
        Self(tokio_tungstenite::client_async(request, stream).await.unwrap().0)
    }

    /// The next event of a kind; none where the socket ends.
    async fn next(&mut self, kind: &str) -> Option<Value> {
        loop {
            let heard = timeout(Duration::from_secs(30), self.0.next()).await;
            match heard.expect("an event in time")?.unwrap() {
                Message::Text(event) => {
                    let event: Value = serde_json::from_str(event.as_str()).unwrap();
                    if event["type"] == kind {
                        return Some(event);
                    }
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    async fn says(&mut self, words: &str) {
        self.0.send(Message::text(words)).await.unwrap();
    }
}

#[tokio::test]
async fn a_websocket_tells_how_things_stand_and_what_happens_and_hears_what_is_done() {
    let gateway = Gateway::start().await;
    let mut list = Roster::default();
    let mut bob = Contact::new("bob@yahoo".parse().unwrap(), "bob@yahoo.xt".into());
    bob.listed = true;
    list.put(bob, Stamp { millis: 1, ..Stamp::default() });
    gateway.overlay.save(&"weather@apps".parse().unwrap(), &list).await;
    let (token, _) = gateway.token("weather@apps", &["read"]).await;
    // The list is not known yet when it begins.
    let mut socket = Socket::open(&gateway, &token).await;
    assert_eq!(socket.next("contact").await.unwrap()["name"], "bob@yahoo");
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    for n in 1..=2 {
        alice.text("weather@apps", &n.to_string());
        assert_eq!(socket.next("message").await.unwrap()["id"], json!(n));
    }
    socket.says(r#"{"after": 1}"#).await;
    // Whoever acknowledges what never was is cut off.
    socket.says(r#"{"after": 3}"#).await;
    assert_eq!(socket.next("message").await, None);
    let mut socket = Socket::open(&gateway, &token).await;
    assert_eq!(socket.next("message").await.unwrap()["id"], json!(2));
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let gateway = Gateway::start().await;
    let (token, id) = gateway.token("weather@apps", &["read"]).await;
    let mut events = gateway.events(&token, None).await;
    let (other, _) = gateway.token("weather@apps", &["read"]).await;
    let mut others = gateway.events(&other, None).await;
    gateway.call("", &format!("DELETE /v1/tokens/{id}"), None).await;
    while events.any().await.is_some() {}
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    alice.text("weather@apps", "still there?");
    assert_eq!(others.next("message").await["text"], "still there?");
}

#[tokio::test]
async fn a_stream_that_acknowledges_nothing_ends_and_goes_on_from_there() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["read"]).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let mut events = gateway.events(&token, None).await;
    let mut last = 0;
    for n in 0..1200_u64 {
        alice.text("weather@apps", &n.to_string());
        match events.any().await {
            Some(event) => last = event["id"].as_u64().unwrap_or(last),
            None => break,
        }
    }
    assert!((1000..1200).contains(&last), "{last}");
    let mut events = gateway.events(&token, Some(last)).await;
    assert_eq!(events.next("message").await["id"], json!(last + 1));
}

#[tokio::test]
async fn a_stream_goes_on_whose_program_acknowledges_by_a_call_of_its_own() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["read", "send"]).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let mut events = gateway.events(&token, None).await;
    let answer = json!({"to": "alice@aol", "text": "sunny", "reply_to": 1}).to_string();
    let once = [("content-type", "application/json"), ("idempotency-key", "1")];
    let mut said = Value::Null;
    for n in 1..=2400_u64 {
        alice.text("weather@apps", &n.to_string());
        assert_eq!(events.next("message").await["id"], json!(n));
        if n == 1 {
            said = gateway.send(&token, "POST /v1/messages", Some(&answer), &once).await.json();
            assert_eq!(said["state"], "delivered");
        }
        if n % 600 == 0 {
            let cursor = Some(json!({"after": n}));
            let acknowledged = gateway.call(&token, "PUT /v1/events/cursor", cursor).await;
            assert_eq!(acknowledged.status.as_u16(), 204);
        }
    }
    // The first event is forgotten. What answered it is known by its key, and by nothing else.
    let again = gateway.send(&token, "POST /v1/messages", Some(&answer), &once).await;
    assert_eq!(again.json(), said);
    let unknown = gateway.send(&token, "POST /v1/messages", Some(&answer), &once[..1]).await;
    assert_eq!(unknown.problem().as_deref(), Some("invalid"));
    let long = json!({"to": "alice@aol", "text": "x".repeat(65_536), "reply_to": 2400});
    let long = gateway.call(&token, "POST /v1/messages", Some(long)).await;
    assert_eq!(long.problem().as_deref(), Some("invalid"), "a quote makes it too long");
}

#[tokio::test]
async fn a_person_has_so_many_streams() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["read"]).await;
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(gateway.events(&token, None).await);
    }
    let more = gateway.call(&token, "GET /v1/events", None).await;
    assert_eq!(more.problem().as_deref(), Some("too-many"));
    let (other, _) = gateway.token("clock@apps", &["read"]).await;
    gateway.events(&other, None).await;
    streams.pop();
    let mut tries = 0;
    while gateway.stream(&token, None).await.is_err() {
        tries += 1;
        assert!(tries < 500, "its place is free again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
