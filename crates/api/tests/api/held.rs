//! Requests whose body is held open, while who asks loses what let the head in.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::passkeys::{Authenticator, at_localhost};
use crate::web::{Browser, PASSWORD, ann, invite};

/// A request of which the gateway has taken the head and half the body.
struct Held {
    stream: TcpStream,
    rest: String,
}

impl Held {
    async fn begin(browser: &Browser, shown: &str, call: &str, body: &Value) -> Self {
        let body = body.to_string();
        let (half, rest) = body.split_at(body.len() / 2);
        let mut stream = TcpStream::connect(browser.at).await.unwrap();
        let head = format!(
            "{call} HTTP/1.1\r\nhost: {}\r\norigin: {}\r\n{shown}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
            browser.at,
            browser.origin,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // It is said when the body is waited for: the head was let in.
        let mut said = [0; 25];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(std::str::from_utf8(&said).unwrap(), "HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(half.as_bytes()).await.unwrap();
        Self { stream, rest: rest.to_owned() }
    }

    /// Sends the rest. Returns the status of the answer.
    async fn end(mut self) -> u16 {
        self.stream.write_all(self.rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

#[tokio::test]
async fn a_session_that_ends_while_a_body_is_held_open_leaves_no_passkey() {
    let (gateway, browser) = ann().await;
    let (mut thief, origin) = at_localhost(&browser);
    for way in ["invite", "wipe"] {
        let key = Authenticator::new();
        let asked = thief.ask("POST /web/passkeys/new", None).await.json();
        let made = key.makes(&asked, &origin);
        let cookie = format!("cookie: {}", thief.cookie);
        let held = Held::begin(&thief, &cookie, "POST /web/passkeys", &made).await;
        if way == "invite" {
            let secret = invite(&gateway, "ann@web").await;
            let mut new = Browser::of(&gateway);
            assert_eq!(new.accept(&secret, PASSWORD).await.status.as_u16(), 201);
            thief.cookie = new.cookie;
        } else {
            gateway.call("", "POST /v1/wipe", Some(json!({"name": "ann@web"}))).await;
        }
        assert_eq!(held.end().await, 422, "{way}");
        let (mut nobody, _) = at_localhost(&Browser::of(&gateway));
        let asked = nobody.ask("POST /web/passkeys/challenge", None).await.json();
        let shown = key.shows(&asked, &origin, 0x05);
        let refused = nobody.ask("POST /web/session/passkey", Some(shown)).await;
        assert_eq!(refused.problem().as_deref(), Some("sign-in"), "{way}");
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_while_a_body_is_held_open_does_nothing() {
    let (gateway, mut ann) = ann().await;
    for (call, body) in [
        ("POST /v1/invites", json!({"who": "ben@web"})),
        ("POST /v1/tokens", json!({"who": "weather@apps"})),
        ("POST /v1/wipe", json!({"name": "ann@web"})),
    ] {
        let (token, id) = gateway.token("weather@apps", &["operator"]).await;
        let shown = format!("authorization: Bearer {token}");
        let held = Held::begin(&ann, &shown, call, &body).await;
        gateway.call("", &format!("DELETE /v1/tokens/{id}"), None).await;
        assert_eq!(held.end().await, 401, "{call}");
        let (token, _) = gateway.token("weather@apps", &["operator"]).await;
        let shown = format!("authorization: Bearer {token}");
        let held = Held::begin(&ann, &shown, call, &body).await;
        let is_wipe = call == "POST /v1/wipe";
        if is_wipe {
            assert_eq!(ann.who().await, "ann@web", "nobody was forgotten");
        }
        assert_eq!(held.end().await, if is_wipe { 200 } else { 201 }, "{call}");
    }
}

#[tokio::test]
async fn who_is_revoked_while_a_body_is_held_open_does_nothing_in_a_name() {
    let (gateway, ann) = ann().await;
    for (scope, call, body) in [
        ("send", "POST /v1/messages", json!({"to": "ann@web", "text": "hello"})),
        ("presence", "PUT /v1/presence", json!({"show": "busy", "text": "raining"})),
        ("contacts", "PUT /v1/contacts/ann@web", json!({"alias": null, "groups": []})),
        ("read", "PUT /v1/events/cursor", json!({"after": 0})),
        ("files", "POST /v1/files?name=x", json!("my file")),
    ] {
        for is_revoked in [true, false] {
            let (token, id) = gateway.token("weather@apps", &[scope]).await;
            let shown = format!("authorization: Bearer {token}");
            let held = Held::begin(&ann, &shown, call, &body).await;
            if is_revoked {
                gateway.call("", &format!("DELETE /v1/tokens/{id}"), None).await;
            }
            let status = held.end().await;
            assert_eq!(status == 401, is_revoked, "{call}: {status}");
            assert!(is_revoked || (200..300).contains(&status), "{call}: {status}");
        }
    }
    let (token, _) = gateway.token("weather@apps", &["files"]).await;
    let files = gateway.call(&token, "GET /v1/files", None).await.json();
    assert_eq!(files.as_array().unwrap().len(), 1, "{files}");
}
