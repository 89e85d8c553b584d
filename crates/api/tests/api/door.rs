//! A gateway with an API, and programs that call it.

use std::path::PathBuf;
use std::sync::Arc;

use crosstalk_api::{Api, Listen};
use crosstalk_core::{Names, Network, NetworkId};
use crosstalk_gateway::config::Config;
use crosstalk_gateway::router::{Options, Router};
use crosstalk_overlay::Overlay;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UnixStream;

/// A gateway of its own directory.
pub(crate) struct Gateway {
    pub(crate) home: TempDir,
    pub(crate) api: Api,
    pub(crate) overlay: Overlay,
    pub(crate) router: Router,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The kind of problem that it is, if it is one.
    pub(crate) fn problem(&self) -> Option<String> {
        let is_problem = self.headers.get("content-type")? == "application/problem+json";
        let kind = self.json()["type"].as_str()?.strip_prefix("urn:crosstalk:problem:")?.to_owned();
        is_problem.then_some(kind)
    }
}

/// The names of the usual networks.
pub(crate) fn names() -> Arc<Names> {
    let usual = Config::alone("/nonexistent".into()).networks;
    let usual: Vec<(NetworkId, &'static dyn Network)> =
        usual.into_iter().map(|(id, network)| (id, network.protocol)).collect();
    Arc::new(Names::new("xt", usual))
}

/// Events that a program reads.
pub(crate) struct Events {
    body: hyper::body::Incoming,
    read: String,
    _sender: http1::SendRequest<Full<Bytes>>,
}

impl Events {
    /// The next event, whatever it is; none where the stream ends.
    pub(crate) async fn any(&mut self) -> Option<Value> {
        loop {
            if let Some((event, _)) = self.read.split_once("\n\n") {
                let end = event.len() + 2;
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                let data: Option<Value> = data.map(|data| serde_json::from_str(data).unwrap());
                let id = event.lines().find_map(|line| line.strip_prefix("id: "));
                if let Some(data) = &data {
                    assert_eq!(id, data["id"].as_u64().map(|id| id.to_string()).as_deref());
                }
                self.read.drain(..end);
                if data.is_some() {
                    return data;
                }
                continue;
            }
            let frame = tokio::time::timeout(std::time::Duration::from_secs(30), self.body.frame());
            let frame = frame.await.expect("an event in time")?.unwrap();
            self.read += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
        }
    }

    /// The next event of a kind; others are passed over.
    pub(crate) async fn next(&mut self, kind: &str) -> Value {
        loop {
            let event = self.any().await.expect("the stream goes on");
            if event["type"] == kind {
                return event;
            }
        }
    }
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        Self::start_in(TempDir::new().unwrap()).await
    }

    /// One at which programs also come by TCP.
    pub(crate) async fn start_listening() -> Self {
        Self::start_listening_in(TempDir::new().unwrap()).await
    }

    /// One that listens so, in a directory that another one had.
    pub(crate) async fn start_listening_in(home: TempDir) -> Self {
        let at = vec!["127.0.0.1:0".parse().unwrap()];
        Self::start_at(home, Listen { at, tls: None }).await
    }

    pub(crate) async fn start_in(home: TempDir) -> Self {
        Self::start_at(home, Listen { at: Vec::new(), tls: None }).await
    }

    async fn start_at(home: TempDir, listen: Listen) -> Self {
        let (overlay, inbound) = Overlay::alone(home.path()).unwrap();
        let router = Router::new(overlay.clone(), inbound, names(), Options::default());
        let api = Api::start(home.path(), listen, overlay.clone(), router.clone(), names());
        let api = api.await.unwrap();
        Self { home, api, overlay, router }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        crosstalk_api::socket(self.home.path())
    }

    /// Makes a call with a token, or without.
    pub(crate) async fn call(&self, token: &str, call: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string());
        self.send(token, call, body.as_deref(), &[("content-type", "application/json")]).await
    }

    /// Sends a request as it is.
    pub(crate) async fn send(
        &self,
        token: &str,
        call: &str,
        body: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::copy_from_slice(body.unwrap_or_default().as_bytes()));
        let stream = UnixStream::connect(self.socket()).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection.with_upgrades());
        let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, body }
    }

    /// Reads somebody's events from a number on.
    pub(crate) async fn events(&self, token: &str, after: Option<u64>) -> Events {
        self.stream(token, after).await.unwrap()
    }

    /// Reads somebody's events from a number on, if that is allowed.
    pub(crate) async fn stream(
        &self,
        token: &str,
        after: Option<u64>,
    ) -> Result<Events, StatusCode> {
        let path = after.map_or("/v1/events".into(), |after| format!("/v1/events?after={after}"));
        let request = Request::builder().uri(path).header("host", "localhost");
        let request = request.header("authorization", format!("Bearer {token}"));
        let stream = UnixStream::connect(self.socket()).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = sender.send_request(request.body(Full::<Bytes>::default()).unwrap());
        let answer = answer.await.unwrap();
        if answer.status() != 200 {
            return Err(answer.status());
        }
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Ok(Events { body: answer.into_body(), read: String::new(), _sender: sender })
    }

    /// Makes a token with these scopes. Returns its secret and its id.
    pub(crate) async fn token(&self, who: &str, scopes: &[&str]) -> (String, String) {
        let made = self.call("", "POST /v1/tokens", Some(json!({"who": who, "scopes": scopes})));
        let made = made.await.json();
        (made["secret"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
    }
}
