//! Streams of events: numbers, acknowledgement, and what ends them.

use serde_json::json;

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
