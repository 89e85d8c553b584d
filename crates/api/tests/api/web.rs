//! People who have only a browser: invited, signed in, and attacked.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::door::{Answer, Gateway};
use crate::people::Client;

pub(crate) const PASSWORD: &str = "a horse called Bob";

/// A browser at the gateway's own page.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) at: SocketAddr,
    /// The origin of the page.
    pub(crate) origin: String,
    pub(crate) cookie: String,
}

impl Browser {
    pub(crate) fn of(gateway: &Gateway) -> Self {
        let at = gateway.api.at[0];
        Self { at, origin: format!("http://{at}"), cookie: String::new() }
    }

    /// Asks as the gateway's page does, and keeps the cookie that it is given.
    pub(crate) async fn ask(&mut self, call: &str, body: Option<Value>) -> Answer {
        let answer = self.ask_from(&[("origin", &self.origin)], call, body).await;
        if let Some(given) = answer.headers.get("set-cookie") {
            let pair = given.to_str().unwrap().split(';').next().unwrap();
            self.cookie = if pair.ends_with('=') { String::new() } else { pair.to_owned() };
        }
        answer
    }

    /// Asks with headers that say which page does.
    pub(crate) async fn ask_from(
        &self,
        headers: &[(&str, &str)],
        call: &str,
        body: Option<Value>,
    ) -> Answer {
        let answer = self.begin(headers, call, body).await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body }
    }

    async fn begin(
        &self,
        headers: &[(&str, &str)],
        call: &str,
        body: Option<Value>,
    ) -> hyper::Response<hyper::body::Incoming> {
        let (method, path) = call.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("host", self.at.to_string());
        if !self.cookie.is_empty() {
            request = request.header("cookie", &self.cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let stream = TcpStream::connect(self.at).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap()
    }

    async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.ask("POST /web/session", Some(json!({"name": name, "password": password}))).await
    }

    pub(crate) async fn accept(&mut self, invite: &str, password: &str) -> Answer {
        let body = json!({"invite": invite, "password": password});
        self.ask("POST /web/account", Some(body)).await
    }

    /// The name that the browser is signed in as, or the problem.
    pub(crate) async fn who(&mut self) -> String {
        let own = self.ask("GET /v1/token", None).await;
        own.problem().unwrap_or_else(|| own.json()["who"].as_str().unwrap().to_owned())
    }
}

/// Invites somebody. Returns the secret of the invite.
pub(crate) async fn invite(gateway: &Gateway, who: &str) -> String {
    let made = gateway.call("", "POST /v1/invites", Some(json!({"who": who}))).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let link = made.json()["link"].as_str().unwrap().to_owned();
    let (page, secret) = link.split_once("#invite=").unwrap();
    assert_eq!(page, format!("http://{}/web/", gateway.api.at[0]));
    secret.to_owned()
}

/// A gateway at which Ann has an account, and her browser.
pub(crate) async fn ann() -> (Gateway, Browser) {
    let gateway = Gateway::start_listening().await;
    let secret = invite(&gateway, "ann@web").await;
    let mut browser = Browser::of(&gateway);
    let accepted = browser.accept(&secret, PASSWORD).await;
    assert_eq!(accepted.status.as_u16(), 201, "{accepted:?}");
    (gateway, browser)
}

#[tokio::test]
async fn an_invite_lets_one_person_in_once_and_the_password_after_that() {
    let gateway = Gateway::start_listening().await;
    let secret = invite(&gateway, "Ann@web").await;
    let mut browser = Browser::of(&gateway);
    let look = browser.ask("POST /web/invite", Some(json!({"invite": secret}))).await;
    assert_eq!(look.json(), json!({"who": "ann@web"}));
    for bad in ["short", "ann@web", "   ", &"x".repeat(257)] {
        let refused = browser.accept(&secret, bad).await;
        assert_eq!(refused.problem().as_deref(), Some("invalid"), "{bad}");
    }
    let accepted = browser.accept(&secret, PASSWORD).await;
    let cookie = accepted.headers["set-cookie"].to_str().unwrap().to_owned();
    let lines = "; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict";
    assert!(cookie.ends_with(lines), "{cookie}");
    assert!(!String::from_utf8_lossy(&accepted.body).contains("ct_"), "no script sees it");
    assert_eq!(browser.who().await, "ann@web");
    let scopes = browser.ask("GET /v1/token", None).await.json()["scopes"].clone();
    assert!(!scopes.as_array().unwrap().contains(&json!("operator")));

    let mut thief = Browser::of(&gateway);
    let again = thief.accept(&secret, "another password").await;
    assert_eq!(again.problem().as_deref(), Some("not-found"), "it was used");
    assert_eq!(thief.who().await, "token");
    let mut other = Browser::of(&gateway);
    for (name, password) in [("ann", "another password"), ("ben", PASSWORD), ("a b", PASSWORD)] {
        let refused = other.sign_in(name, password).await;
        assert_eq!((refused.status.as_u16(), refused.problem().as_deref()), (401, Some("sign-in")));
    }
    assert_eq!(other.sign_in(" Ann ", PASSWORD).await.status.as_u16(), 201);
    assert_eq!(other.who().await, "ann@web");
    let kept = std::fs::read(gateway.home.path().join("api.redb")).unwrap();
    for secret in [PASSWORD, &secret, browser.cookie.split_once('=').unwrap().1] {
        let is_there = kept.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(!is_there, "only hashes are on the disk");
    }
}

#[tokio::test]
async fn a_newer_invite_and_time_and_two_browsers_at_once_leave_one_way_in() {
    let gateway = Gateway::start_listening().await;
    let first = invite(&gateway, "ann@web").await;
    let second = invite(&gateway, "ann@web").await;
    let browser = Browser::of(&gateway);
    let look = browser.clone().ask("POST /web/invite", Some(json!({"invite": first}))).await;
    assert_eq!(look.problem().as_deref(), Some("not-found"), "the newer one counts");
    let (mut a, mut b) = (browser.clone(), browser.clone());
    let both = tokio::join!(a.accept(&second, PASSWORD), b.accept(&second, PASSWORD));
    let mut statuses = [both.0.status.as_u16(), both.1.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 404], "one of two who come at once");
    for (who, hours) in [("alice@aol", 1), ("a b", 1), ("ann@web", 0), ("ann@web", 169)] {
        let body = Some(json!({"who": who, "hours": hours}));
        let refused = gateway.call("", "POST /v1/invites", body).await;
        assert_eq!(refused.problem().as_deref(), Some("invalid"), "{who} {hours}");
    }
    let unreachable = Gateway::start().await;
    let nowhere = unreachable.call("", "POST /v1/invites", Some(json!({"who": "ann@web"}))).await;
    assert_eq!(nowhere.problem().as_deref(), Some("conflict"), "no browser gets there");
}

#[tokio::test]
async fn whoever_guesses_passwords_has_few_tries_also_for_names_that_are_nobodys() {
    let (gateway, mut browser) = ann().await;
    let mut thief = Browser::of(&gateway);
    for name in ["ann", "nobody"] {
        for _ in 0..10 {
            let refused = thief.sign_in(name, "password123").await;
            assert_eq!(refused.problem().as_deref(), Some("sign-in"), "{name}");
        }
        let refused = thief.sign_in(name, "password123").await;
        assert_eq!(refused.problem().as_deref(), Some("too-many"), "{name}");
        assert!(refused.headers.contains_key("retry-after"));
    }
    let right = thief.sign_in("ann", PASSWORD).await;
    assert_eq!(right.problem().as_deref(), Some("too-many"), "not even the right one");
    assert_eq!(browser.who().await, "ann@web", "who is in stays in");
}

#[tokio::test]
async fn another_page_in_the_same_browser_does_nothing_in_the_persons_name() {
    let (gateway, browser) = ann().await;
    let own = format!("http://{}", browser.at);
    let elsewhere = format!("http://{}:1", browser.at.ip());
    let say = Some(json!({"to": "alice@aol", "text": "hi"}));
    for headers in [
        &[][..],
        &[("origin", "http://evil.test")],
        &[("origin", "null")],
        &[("origin", &*elsewhere), ("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
    ] {
        for (call, body) in [
            ("POST /v1/messages", say.clone()),
            ("GET /v1/contacts", None),
            ("GET /v1/events?after=0", None),
            ("GET /v1/events/socket", None),
            ("PUT /v1/events/cursor", Some(json!({"after": 0}))),
            ("DELETE /web/session", None),
            ("POST /web/session", Some(json!({"name": "ann", "password": PASSWORD}))),
            ("POST /web/invite", Some(json!({"invite": "x"}))),
            ("POST /web/account", Some(json!({"invite": "x", "password": PASSWORD}))),
        ] {
            let refused = browser.ask_from(headers, call, body).await;
            let said = (refused.status.as_u16(), refused.problem());
            assert_eq!(said, (403, Some("origin".into())), "{call} {headers:?}");
            assert!(!refused.headers.contains_key("access-control-allow-origin"));
        }
    }
    for headers in [&[("origin", &*own)][..], &[("sec-fetch-site", "same-origin")]] {
        let listed = browser.ask_from(headers, "GET /v1/contacts", None).await;
        assert_eq!(listed.status.as_u16(), 200, "{headers:?}");
    }
    // What is no cookie of a session opens nothing either, nor does an operator's call.
    let made_up = Browser { cookie: format!("{}x", browser.cookie), ..browser.clone() };
    let refused = made_up.ask_from(&[("origin", &own)], "GET /v1/contacts", None).await;
    assert_eq!(refused.problem().as_deref(), Some("token"));
    let status = browser.ask_from(&[("origin", &own)], "GET /v1/status", None).await;
    assert_eq!(status.problem().as_deref(), Some("scope"));
    drop(gateway);
}

#[tokio::test]
async fn a_session_that_ended_opens_nothing_and_its_stream_ends() {
    let (gateway, mut browser) = ann().await;
    let mut other = Browser::of(&gateway);
    other.sign_in("ann", PASSWORD).await;
    let origin = format!("http://{}", browser.at);
    let stream = other.begin(&[("origin", &origin)], "GET /v1/events", None).await;
    assert_eq!(stream.status().as_u16(), 200);
    let listed = gateway.call("", "GET /v1/tokens", None).await.json();
    let sessions: Vec<_> =
        listed.as_array().unwrap().iter().filter(|t| t["expires_at"].is_u64()).collect();
    assert_eq!(sessions.len(), 2);
    let newest = sessions.iter().max_by_key(|token| token["made_at"].as_u64()).unwrap();
    let revoke = format!("DELETE /v1/tokens/{}", newest["id"].as_str().unwrap());
    assert_eq!(gateway.call("", &revoke, None).await.status.as_u16(), 204);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), stream.collect()).await;
    assert!(ended.is_ok(), "a stream of a session that was ended ends");
    assert_eq!(other.who().await, "token");
    assert_eq!(browser.who().await, "ann@web");
    assert_eq!(gateway.call("", &revoke, None).await.status.as_u16(), 404);

    // Signing out ends it at the gateway, and not only in the browser.
    let before = browser.clone();
    assert_eq!(browser.ask("DELETE /web/session", None).await.status.as_u16(), 204);
    assert_eq!(browser.cookie, "");
    assert_eq!(before.clone().who().await, "token");
}

#[tokio::test]
async fn a_new_invite_once_used_and_a_wipe_end_every_session_and_the_old_password() {
    let (gateway, mut browser) = ann().await;
    let secret = invite(&gateway, "ann@web").await;
    assert_eq!(browser.who().await, "ann@web", "an invite alone changes nothing");
    let mut new = Browser::of(&gateway);
    assert_eq!(new.accept(&secret, "a cow called Jane").await.status.as_u16(), 201);
    assert_eq!(browser.who().await, "token");
    assert_eq!(browser.sign_in("ann", PASSWORD).await.problem().as_deref(), Some("sign-in"));
    let open = invite(&gateway, "ann@web").await;
    gateway.call("", "POST /v1/wipe", Some(json!({"name": "ann@web"}))).await;
    assert_eq!(new.who().await, "token");
    assert_eq!(new.sign_in("ann", "a cow called Jane").await.problem().as_deref(), Some("sign-in"));
    assert_eq!(new.accept(&open, PASSWORD).await.problem().as_deref(), Some("not-found"));
}

#[tokio::test]
async fn the_ninth_browser_of_a_person_ends_the_first_ones_session_and_a_restart_ends_none() {
    let (gateway, mut first) = ann().await;
    let mut browsers = vec![];
    for _ in 0..8 {
        let mut browser = Browser::of(&gateway);
        assert_eq!(browser.sign_in("ann", PASSWORD).await.status.as_u16(), 201);
        browsers.push(browser);
    }
    assert_eq!(first.who().await, "token");
    let Gateway { home, api, overlay, router } = gateway;
    drop((api, router));
    overlay.shutdown().await;
    drop(overlay);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let gateway = Gateway::start_listening_in(home).await;
    let cookie = browsers[7].cookie.split_once('=').unwrap().1.to_owned();
    // Another port has another cookie, so that the browser asks with a new name for it.
    let name = format!("crosstalk-{}", gateway.api.at[0].port());
    let mut browser = Browser { cookie: format!("{name}={cookie}"), ..Browser::of(&gateway) };
    assert_eq!(browser.who().await, "ann@web");
}

#[tokio::test]
async fn somebody_with_a_browser_and_somebody_of_another_network_talk() {
    let (gateway, mut browser) = ann().await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let origin = format!("http://{}", browser.at);
    let stream = browser.begin(&[("origin", &origin)], "GET /v1/events?after=0", None).await;
    let say = json!({"to": "alice@aol", "text": "hello from a browser"});
    let said = browser.ask("POST /v1/messages", Some(say)).await;
    assert_eq!(said.json()["state"], json!("delivered"), "{said:?}");
    let (from, text, _) = alice.hears().await;
    assert_eq!((&*from.to_string(), text.text()), ("ann@web", "hello from a browser"));
    alice.text("ann@web", "hello Ann");
    let mut body = stream.into_body();
    let mut read = String::new();
    while !read.contains("hello Ann") {
        let frame = body.frame().await.unwrap().unwrap();
        read += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
    }
    assert!(read.contains("\"from\":\"alice@aol\""), "{read}");
}

#[tokio::test]
async fn the_page_runs_nothing_but_its_own_files_and_is_shown_in_no_frame() {
    let gateway = Gateway::start_listening().await;
    let browser = Browser::of(&gateway);
    let page = browser.ask_from(&[], "GET /web/", None).await;
    assert_eq!(page.status.as_u16(), 200);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(!text.contains("style=") && !text.contains("onclick") && !text.contains("<script>"));
    // Every file that a file names is there.
    let mut files = vec![text];
    let mut seen = std::collections::HashSet::new();
    while let Some(file) = files.pop() {
        let quoted =
            file.split(['"', '\'']).filter_map(|word| word.strip_prefix("./").or(Some(word)));
        let is_file = |name: &&str| {
            let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'.');
            plain && [".js", ".css", ".svg"].iter().any(|end| name.ends_with(end))
        };
        for name in quoted.filter(is_file) {
            if seen.insert(name.to_owned()) {
                let part = browser.ask_from(&[], &format!("GET /web/{name}"), None).await;
                assert_eq!(part.status.as_u16(), 200, "{name}");
                files.push(String::from_utf8(part.body.to_vec()).unwrap());
            }
        }
    }
    assert!(seen.len() >= 12, "{seen:?}");
    let beginning = browser.ask_from(&[], "GET /web", None).await;
    assert_eq!(beginning.headers["location"], "/web/");
    for nothing in ["GET /web/nothing.js", "GET /web/..%2fCargo.toml"] {
        let nothing = browser.ask_from(&[], nothing, None).await;
        assert_eq!(nothing.problem().as_deref(), Some("not-found"));
    }
}
