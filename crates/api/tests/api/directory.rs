//! The directory, as applications use it: what they sign is kept, read, watched and removed.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tokio::net::UnixStream;

use crate::door::{Answer, Gateway};

const BOTH: &[&str] = &["directory:read", "directory:write"];

/// An application with a key pair.
struct Owner(Ed25519KeyPair);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn soon() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3600
}

impl Owner {
    fn new(n: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[n; 32]).unwrap())
    }

    fn namespace(&self) -> String {
        hex(self.0.public_key().as_ref())
    }

    fn path(&self, key: &str) -> String {
        format!("/v1/directory/{}/{key}", self.namespace())
    }

    /// Signs as the manual says.
    fn sign(&self, key: &str, value: Option<&str>, sequence: u64, ends: u64) -> String {
        let mut bytes = b"ct/mapping/1\0".to_vec();
        bytes.extend_from_slice(self.0.public_key().as_ref());
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend_from_slice(&ends.to_be_bytes());
        bytes.push(value.is_some().into());
        for text in [key, value.unwrap_or_default()] {
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        hex(self.0.sign(&bytes).as_ref())
    }

    fn body(&self, key: &str, value: &str, sequence: u64, ends: u64) -> Value {
        let signature = self.sign(key, Some(value), sequence, ends);
        json!({"value": value, "sequence": sequence, "expires_at": ends, "signature": signature})
    }

    async fn put(
        &self,
        (gateway, token): (&Gateway, &str),
        (key, value): (&str, &str),
        sequence: u64,
        ends: u64,
    ) -> Answer {
        let body = self.body(key, value, sequence, ends);
        gateway.call(token, &format!("PUT {}", self.path(key)), Some(body)).await
    }

    async fn remove(&self, gateway: &Gateway, token: &str, key: &str, sequence: u64) -> Answer {
        let ends = soon() + 60;
        let signature = self.sign(key, None, sequence, ends);
        let query = format!("sequence={sequence}&expires_at={ends}&signature={signature}");
        gateway.call(token, &format!("DELETE {}?{query}", self.path(key)), None).await
    }

    async fn get(&self, gateway: &Gateway, token: &str, key: &str) -> Answer {
        gateway.call(token, &format!("GET {}", self.path(key)), None).await
    }
}

fn is(answer: &Answer, status: u16, problem: Option<&str>) {
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_deref()),
        (status, problem),
        "{answer:?}"
    );
}

/// The gateway after a restart.
async fn again(gateway: Gateway) -> Gateway {
    let Gateway { home, api, overlay, router } = gateway;
    drop((api, router));
    overlay.shutdown().await;
    drop(overlay);
    tokio::time::sleep(Duration::from_millis(200)).await;
    Gateway::start_in(home).await
}

#[tokio::test]
async fn what_an_application_signs_is_kept_replaced_and_removed() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", BOTH).await;
    let (owner, ends) = (Owner::new(1), soon());
    is(&owner.get(&gateway, &token, "city").await, 404, Some("not-found"));
    let kept = owner.put((&gateway, &token), ("city", "Oslo"), 1, ends).await;
    is(&kept, 200, None);
    assert_eq!(kept.json(), json!({"copies": 1}));
    let mut expected = owner.body("city", "Oslo", 1, ends);
    expected["namespace"] = json!(owner.namespace());
    expected["key"] = json!("city");
    assert_eq!(owner.get(&gateway, &token, "city").await.json(), expected);
    is(&owner.put((&gateway, &token), ("city", "Oslo"), 1, ends).await, 200, None);
    is(&owner.put((&gateway, &token), ("city", "Bergen"), 1, ends).await, 409, Some("conflict"));
    is(
        &owner.put((&gateway, &token), ("city", "Bergen"), 2, ends - 9).await,
        409,
        Some("conflict"),
    );
    is(&owner.put((&gateway, &token), ("city", "Bergen"), 2, ends).await, 200, None);
    let gateway = again(gateway).await;
    let found = owner.get(&gateway, &token, "city").await.json();
    assert_eq!(found["value"], "Bergen", "over a restart");
    is(&owner.remove(&gateway, &token, "city", 2).await, 409, Some("conflict"));
    is(&owner.remove(&gateway, &token, "city", 3).await, 200, None);
    is(&owner.get(&gateway, &token, "city").await, 404, Some("not-found"));
    is(&owner.put((&gateway, &token), ("city", "Bergen"), 2, ends).await, 409, Some("conflict"));
}

#[tokio::test]
async fn nobody_puts_anything_in_the_name_of_another() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", BOTH).await;
    let (owner, other, ends) = (Owner::new(1), Owner::new(2), soon());
    let path = format!("PUT {}", owner.path("city"));
    let good = owner.body("city", "Oslo", 1, ends);
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let long = "v".repeat(4097);
    for body in [
        other.body("city", "Oslo", 1, ends),
        owner.body("town", "Oslo", 1, ends),
        with("value", json!("Atlantis")),
        with("sequence", json!(2)),
        with("expires_at", json!(ends + 1)),
        with("signature", json!("00")),
        with("signature", json!("g".repeat(128))),
        with("signature", json!("\u{e9}".repeat(64))),
        owner.body("city", &long, 1, ends),
        owner.body("city", "Oslo", 1, 1_000_000_000),
        owner.body("city", "Oslo", 1, ends + 40 * 24 * 60 * 60),
    ] {
        is(&gateway.call(&token, &path, Some(body)).await, 422, Some("invalid"));
    }
    for path in ["PUT /v1/directory/weather/city", "PUT /v1/directory/00/city"] {
        is(&gateway.call(&token, path, Some(good.clone())).await, 422, Some("invalid"));
    }
    let signed = owner.sign("city", Some("Oslo"), 2, ends);
    let query = format!("sequence=2&expires_at={ends}&signature={signed}");
    let remove = format!("DELETE {}?{query}", owner.path("city"));
    is(&gateway.call(&token, &path, Some(good.clone())).await, 200, None);
    is(&gateway.call(&token, &remove, None).await, 422, Some("invalid"));
    assert_eq!(owner.get(&gateway, &token, "city").await.json()["value"], "Oslo");
}

#[tokio::test]
async fn a_namespace_is_listed_in_parts() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", BOTH).await;
    let (owner, ends) = (Owner::new(1), soon());
    let keys = ["a%2Fb", "city", "w%C3%B6rk", "z"];
    let plain = ["a/b", "city", "w\u{f6}rk", "z"];
    for (path, key) in keys.iter().zip(plain) {
        let body = owner.body(key, "value", 1, ends);
        let put = gateway.call(&token, &format!("PUT {}", owner.path(path)), Some(body)).await;
        is(&put, 200, None);
        assert_eq!(owner.get(&gateway, &token, path).await.json()["key"], key);
    }
    let list = async |query: &str| {
        let path = format!("GET /v1/directory/{}{query}", owner.namespace());
        let answer = gateway.call(&token, &path, None).await.json();
        let mappings = answer["mappings"].as_array().unwrap().iter();
        let keys: Vec<_> = mappings.map(|one| one["key"].as_str().unwrap().to_owned()).collect();
        (keys, answer["next"].as_str().map(str::to_owned))
    };
    assert_eq!(list("").await, (plain.map(str::to_owned).to_vec(), None));
    let (first, next) = list("?limit=3").await;
    assert_eq!((first.len(), next.as_deref()), (3, Some("w\u{f6}rk")));
    assert_eq!(list("?limit=3&after=w%C3%B6rk").await, (vec!["z".to_owned()], None));
    for query in ["?limit=0", "?limit=101", &format!("?after={}", "a".repeat(257))] {
        let path = format!("GET /v1/directory/{}{query}", owner.namespace());
        is(&gateway.call(&token, &path, None).await, 422, Some("invalid"));
    }
}

#[tokio::test]
async fn one_scope_is_for_reading_and_another_for_writing() {
    let gateway = Gateway::start().await;
    let (reader, _) = gateway.token("weather@apps", &BOTH[..1]).await;
    let (writer, _) = gateway.token("weather@apps", &BOTH[1..]).await;
    let (owner, ends) = (Owner::new(1), soon());
    is(&owner.put((&gateway, &reader), ("city", "Oslo"), 1, ends).await, 403, Some("scope"));
    is(&owner.remove(&gateway, &reader, "city", 1).await, 403, Some("scope"));
    is(&owner.put((&gateway, &writer), ("city", "Oslo"), 1, ends).await, 200, None);
    is(&owner.get(&gateway, &writer, "city").await, 403, Some("scope"));
    for path in ["directory", "watch"] {
        let call = format!("GET /v1/{path}/{}", owner.namespace());
        is(&gateway.call(&writer, &call, None).await, 403, Some("scope"));
    }
    is(&owner.get(&gateway, &reader, "city").await, 200, None);
}

#[tokio::test]
async fn a_token_writes_no_faster_than_it_may() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", BOTH).await;
    let (other, _) = gateway.token("weather@apps", BOTH).await;
    let (owner, ends) = (Owner::new(1), soon());
    let mut written = 0;
    let refused = loop {
        let answer = owner.put((&gateway, &token), ("city", "Oslo"), written + 1, ends).await;
        if answer.status.as_u16() != 200 {
            break answer;
        }
        written += 1;
        assert!(written < 190, "nobody may write for ever");
    };
    is(&refused, 429, Some("too-many"));
    assert!(written >= 100, "{written}");
    assert!(refused.headers.contains_key("retry-after"));
    is(&owner.put((&gateway, &other), ("city", "Oslo"), written + 1, ends).await, 200, None);
}

/// A stream of changes.
struct Watch {
    body: hyper::body::Incoming,
    read: String,
    _sender: http1::SendRequest<Full<Bytes>>,
}

impl Watch {
    async fn begin(gateway: &Gateway, token: &str, owner: &Owner, last: Option<u64>) -> Self {
        Self::try_begin(gateway, token, owner, last).await.unwrap()
    }

    async fn try_begin(
        gateway: &Gateway,
        token: &str,
        owner: &Owner,
        last: Option<u64>,
    ) -> Result<Self, hyper::StatusCode> {
        let path = format!("/v1/watch/{}", owner.namespace());
        let mut request = Request::builder().uri(path).header("host", "localhost");
        request = request.header("authorization", format!("Bearer {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let stream = UnixStream::connect(gateway.socket()).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = sender.send_request(request.body(Full::default()).unwrap()).await.unwrap();
        if answer.status() != 200 {
            return Err(answer.status());
        }
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Ok(Self { body: answer.into_body(), read: String::new(), _sender: sender })
    }

    /// The number, the key and the value of the next change; none where the stream ends.
    async fn next(&mut self) -> Option<(u64, String, Value)> {
        loop {
            if let Some((event, _)) = self.read.split_once("\n\n") {
                let end = event.len() + 2;
                let line = |name| event.lines().find_map(|line| line.strip_prefix(name));
                let found = line("data: ").map(|data| {
                    let data: Value = serde_json::from_str(data).unwrap();
                    let key = data["key"].as_str().unwrap().to_owned();
                    (line("id: ").unwrap().parse().unwrap(), key, data["value"].clone())
                });
                self.read.drain(..end);
                if found.is_some() {
                    return found;
                }
                continue;
            }
            let frame = self.body.frame().await?.unwrap();
            self.read += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
        }
    }

    async fn change(&mut self) -> (u64, String, Value) {
        let next = tokio::time::timeout(Duration::from_secs(30), self.next());
        next.await.expect("a change in time").expect("the stream goes on")
    }
}

#[tokio::test]
async fn a_watcher_hears_what_changes_and_goes_on_by_its_cursor() {
    let gateway = Gateway::start().await;
    let (token, id) = gateway.token("weather@apps", BOTH).await;
    let (owner, ends) = (Owner::new(1), soon());
    let door = (&gateway, &*token);
    is(&owner.put(door, ("city", "Oslo"), 1, ends).await, 200, None);
    let mut watch = Watch::begin(&gateway, &token, &owner, None).await;
    let (first, key, value) = watch.change().await;
    assert_eq!((&*key, value), ("city", json!("Oslo")));
    is(&owner.put(door, ("city", "Bergen"), 2, ends).await, 200, None);
    let (second, key, value) = watch.change().await;
    assert_eq!((&*key, value), ("city", json!("Bergen")));
    assert!(second > first);
    drop(watch);
    is(&owner.put(door, ("name", "weather"), 1, ends).await, 200, None);
    is(&owner.remove(&gateway, &token, "city", 3).await, 200, None);
    let gateway = again(gateway).await;
    let mut watch = Watch::begin(&gateway, &token, &owner, Some(second)).await;
    let [name, city] = [watch.change().await, watch.change().await];
    assert_eq!((&*name.1, name.2), ("name", json!("weather")), "over a restart");
    assert_eq!((&*city.1, city.2), ("city", Value::Null));
    let kept = owner.put((&gateway, &token), ("city", "Oslo"), 4, ends + 120).await;
    is(&kept, 200, None);
    assert_eq!(watch.change().await.2, json!("Oslo"), "and nothing twice");
    gateway.call("", &format!("DELETE /v1/tokens/{id}"), None).await;
    let end = tokio::time::timeout(Duration::from_secs(30), watch.next());
    assert_eq!(end.await.expect("it ends"), None, "nobody watches with a token that is revoked");
}

#[tokio::test]
async fn a_token_has_so_many_streams() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", BOTH).await;
    let owner = Owner::new(1);
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(Watch::begin(&gateway, &token, &owner, None).await);
    }
    let path = format!("GET /v1/watch/{}", owner.namespace());
    is(&gateway.call(&token, &path, None).await, 429, Some("too-many"));
    streams.pop();
    // The gateway learns that a stream has ended when its connection does.
    let freed = async {
        while Watch::try_begin(&gateway, &token, &owner, None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), freed).await.expect("room for another");
}
