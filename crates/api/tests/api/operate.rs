//! An operator's calls.

use std::os::unix::fs::PermissionsExt as _;

use crosstalk_api::Asleep;
use crosstalk_core::{Contact, Roster, Stamp};
use futures_util::future::join_all;
use serde_json::json;

use crate::door::Gateway;
use crate::people::Client;

#[tokio::test]
async fn whoever_can_open_the_socket_operates_the_gateway_and_nobody_else_can() {
    let gateway = Gateway::start().await;
    let mode = std::fs::metadata(gateway.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let status = gateway.call("", "GET /v1/status", None).await;
    let said = status.json();
    assert_eq!((status.status.as_u16(), &said["is_running"]), (200, &json!(true)));
    assert_eq!(said["gateway"], json!(gateway.overlay.id().to_string()));
    gateway.api.drain();
    assert_eq!(gateway.call("", "GET /v1/status", None).await.json()["is_draining"], json!(true));
    let wipe = gateway.call("", "POST /v1/wipe", Some(json!({"name": "bob@yahoo"}))).await;
    assert_eq!((wipe.status.as_u16(), wipe.problem().as_deref()), (503, Some("draining")));
}

#[tokio::test]
async fn who_is_wiped_has_no_list_any_more() {
    let gateway = Gateway::start().await;
    let alice = "alice@aol".parse().unwrap();
    let mut list = Roster::default();
    let mut bob = Contact::new("bob@yahoo".parse().unwrap(), "bob@yahoo.xt".into());
    bob.listed = true;
    list.put(bob, Stamp { millis: 1, ..Stamp::default() });
    gateway.overlay.save(&alice, &list).await;
    assert_eq!(gateway.overlay.load(&alice).await.contacts().count(), 1);
    let wiped = gateway.call("", "POST /v1/wipe", Some(json!({"name": "Alice@aol.xt"}))).await;
    assert_eq!(wiped.json()["name"], json!("alice@aol"), "any spelling will do");
    assert_eq!(gateway.overlay.load(&alice).await.contacts().count(), 0);
    for nobody in ["alice", "a@nowhere", "crosstalk@gateway", ""] {
        let wiped = gateway.call("", "POST /v1/wipe", Some(json!({"name": nobody}))).await;
        assert_eq!(wiped.problem().as_deref(), Some("invalid"), "{nobody}");
    }
}

#[tokio::test]
async fn flows_are_drawn_for_their_owner_and_for_the_operator() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["contacts"]).await;
    let mut list = Roster::default();
    let flow = "flow/x=filter a&b | webhook https://h.example/k3y 0123456789abcdef".to_owned();
    list.put_settings(vec![flow], Stamp { millis: 1, ..Stamp::default() });
    gateway.overlay.save(&"weather@apps".parse().unwrap(), &list).await;
    for (token, call) in [(token.as_str(), "GET /v1/flows"), ("", "GET /v1/flows/weather@apps")] {
        let drawn = gateway.call(token, call, None).await;
        assert_eq!(drawn.status.as_u16(), 200, "{call}");
        assert_eq!(drawn.headers["content-type"], "image/svg+xml");
        assert_eq!(drawn.headers["content-security-policy"], "default-src 'none'");
        let svg = String::from_utf8(drawn.body.to_vec()).unwrap();
        assert!(svg.contains("filter a&amp;b") && svg.contains("webhook https://h.example<"));
        assert!(!svg.contains("k3y") && !svg.contains("0123456789abcdef"), "{svg}");
    }
    let nobody = gateway.call("", "GET /v1/flows/alice", None).await;
    assert_eq!(nobody.problem().as_deref(), Some("invalid"));
}

#[tokio::test]
async fn a_token_is_for_one_name_is_kept_as_a_hash_and_ends_when_it_is_revoked() {
    let gateway = Gateway::start().await;
    let (secret, id) = gateway.token("Weather@apps", &["send", "send"]).await;
    let own = gateway.call(&secret, "GET /v1/token", None).await.json();
    assert_eq!((&own["who"], &own["scopes"]), (&json!("weather@apps"), &json!(["send"])));
    assert_eq!(own["secret"], json!(null));
    let listed = gateway.call("", "GET /v1/tokens", None).await;
    assert_eq!(listed.json()[0]["id"], json!(id));
    assert!(!String::from_utf8_lossy(&listed.body).contains(&secret));
    let kept = gateway.home.path().join("api.redb");
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = std::fs::read(kept).unwrap();
    assert!(!kept.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()));

    for nobody in ["alice@aol", "weather", "a b@apps", "@apps", "crosstalk@gateway"] {
        let made = gateway.call("", "POST /v1/tokens", Some(json!({"who": nobody}))).await;
        assert_eq!(made.problem().as_deref(), Some("invalid"), "nobody poses as {nobody}");
    }
    let none = json!({"who": "weather@apps", "scopes": []});
    let none = gateway.call("", "POST /v1/tokens", Some(none)).await;
    assert_eq!(none.problem().as_deref(), Some("invalid"));

    let revoke = format!("DELETE /v1/tokens/{id}");
    assert_eq!(gateway.call("", &revoke, None).await.status.as_u16(), 204);
    assert_eq!(gateway.call("", &revoke, None).await.problem().as_deref(), Some("not-found"));
    let own = gateway.call(&secret, "GET /v1/token", None).await;
    assert_eq!((own.status.as_u16(), own.problem().as_deref()), (401, Some("token")));
}

#[tokio::test]
async fn tokens_outlive_the_gateway() {
    let gateway = Gateway::start().await;
    let (secret, _) = gateway.token("weather@apps", &["read"]).await;
    let Gateway { home, api, overlay, router } = gateway;
    drop((api, router));
    overlay.shutdown().await;
    drop(overlay);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let gateway = Gateway::start_in(home).await;
    assert_eq!(gateway.call(&secret, "GET /v1/token", None).await.status.as_u16(), 200);
}

#[tokio::test]
async fn who_is_wiped_is_forgotten_by_programs_and_programs_that_are_wiped_forget() {
    let gateway = Gateway::start().await;
    let [weather, clock] = ["weather@apps", "clock@apps"];
    let (token, _) = gateway.token(weather, &["read", "presence"]).await;
    let (other, _) = gateway.token(clock, &["read"]).await;
    let (mut events, mut others) =
        (gateway.events(&token, None).await, gateway.events(&other, None).await);
    let busy = Some(json!({"show": "busy", "text": "raining"}));
    gateway.call(&token, "PUT /v1/presence", busy).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let mut bob = Client::sign_on(&gateway, "bob@yahoo");
    for app in [weather, clock] {
        for client in [&mut alice, &mut bob] {
            client.text(app, "my secret");
            let stream = if app == weather { &mut events } else { &mut others };
            stream.next("message").await;
        }
    }
    gateway.call("", "POST /v1/wipe", Some(json!({"name": "alice@aol"}))).await;
    let first = gateway.events(&other, None).await.next("message").await;
    assert_eq!((&first["from"], &first["id"]), (&json!("bob@yahoo"), &json!(2)));

    gateway.call("", "POST /v1/wipe", Some(json!({"name": weather}))).await;
    let shown = gateway.call(&token, "GET /v1/presence", None).await.json();
    assert_eq!(shown, json!({"show": "available", "text": ""}));
    bob.text(weather, "again");
    let next = gateway.events(&token, None).await.next("message").await;
    assert_eq!((&next["text"], &next["id"]), (&json!("again"), &json!(3)));
    let cursor = |after: u64| Some(json!({"after": after}));
    for (after, status) in [(4, 409), (3, 204)] {
        let answer = gateway.call(&token, "PUT /v1/events/cursor", cursor(after)).await;
        assert_eq!(answer.status.as_u16(), status, "numbers go on");
    }
}

#[tokio::test]
async fn who_is_wiped_while_the_gateway_is_down_is_forgotten_by_programs() {
    let gateway = Gateway::start_listening().await;
    let (token, _) = gateway.token("weather@apps", &["read", "files"]).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let mut events = gateway.events(&token, None).await;
    alice.text("weather@apps", "my secret");
    events.next("message").await;
    gateway.call(&token, "POST /v1/files?name=x", Some(json!("my file"))).await;
    drop((alice, events));
    gateway.api.drain();
    let Gateway { home, api, overlay, router } = gateway;
    drop((api, router));
    overlay.shutdown().await;
    drop(overlay);
    let weather = "weather@apps".parse().unwrap();
    let mut tries = 0;
    while let Err(error) = async { Asleep::open(home.path())?.forget(&weather).await }.await {
        tries += 1;
        assert!(tries < 500, "{error}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(std::fs::read_dir(home.path().join("files")).unwrap().count(), 0);
    let gateway = Gateway::start_in(home).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let mut events = gateway.events(&token, None).await;
    alice.text("weather@apps", "hello");
    let next = events.next("message").await;
    assert_eq!((&next["text"], &next["id"]), (&json!("hello"), &json!(2)));
}

#[tokio::test]
async fn a_token_that_is_revoked_stays_so_while_others_are_made() {
    let gateway = Gateway::start().await;
    let mut tokens = Vec::new();
    for _ in 0..20 {
        tokens.push(gateway.token("weather@apps", &["read"]).await);
    }
    let revoked = tokens.iter().map(|(_, id)| {
        let call = format!("DELETE /v1/tokens/{id}");
        let gateway = &gateway;
        async move { gateway.call("", &call, None).await.status.as_u16() }
    });
    let made = tokens.iter().map(|_| gateway.token("weather@apps", &["read"]));
    let (revoked, made) = tokio::join!(join_all(revoked), join_all(made));
    assert_eq!(revoked, vec![204; 20]);
    for (secret, _) in &tokens {
        assert_eq!(gateway.call(secret, "GET /v1/token", None).await.status.as_u16(), 401);
    }
    for (secret, _) in &made {
        assert_eq!(gateway.call(secret, "GET /v1/token", None).await.status.as_u16(), 200);
    }
}
