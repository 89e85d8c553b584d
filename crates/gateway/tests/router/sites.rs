//! Sites outside for the tests of statuses: HTTP servers that answer as they are told, and note what
//! they were asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::PATIENCE;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    head: String,
    pub(crate) body: String,
}

/// Answers a request with a status and a body; with none it is never answered.
type Answers = dyn Fn(&Asked, usize) -> Option<(u16, String)> + Send + Sync;

/// A site.
pub(crate) struct TestSite {
    pub(crate) at: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(n, _)| n.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl TestSite {
    /// A site that answers so; it is given the number of requests with the same first line before.
    pub(crate) async fn new(
        answers: impl Fn(&Asked, usize) -> Option<(u16, String)> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let answers: Arc<Answers> = Arc::new(answers);
        let noted = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, Arc::clone(&noted), Arc::clone(&answers)));
            }
        });
        Self { at, asked }
    }

    /// A server of Mastodon that knows Ann's token and answers posts so.
    pub(crate) async fn mastodon(
        posts: impl Fn(&Asked, usize) -> Option<(u16, String)> + Send + Sync + 'static,
    ) -> Self {
        Self::new(move |asked, before| {
            if asked.line.contains("verify_credentials") {
                return Some((200, r#"{"id":"1","username":"ann"}"#.into()));
            }
            posts(asked, before)
        })
        .await
    }

    /// Everything whose first line has this in it.
    pub(crate) fn all(&self, what: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.line.contains(what)).cloned().collect()
    }

    /// The same, as soon as there are so many.
    pub(crate) async fn gets(&self, what: &str, count: usize) -> Vec<Asked> {
        let begun = tokio::time::Instant::now();
        while self.all(what).len() < count {
            assert!(begun.elapsed() < PATIENCE, "{what}: {:?}", self.all(""));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.all(what)
    }
}

async fn serve(mut client: TcpStream, noted: Arc<Mutex<Vec<Asked>>>, answers: Arc<Answers>) {
    let mut read = Vec::new();
    let asked = loop {
        let mut part = [0; 4096];
        let Ok(length @ 1..) = client.read(&mut part).await else { return };
        read.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let (line, head) = head.split_once("\r\n").unwrap();
        let asked = Asked { line: line.into(), head: head.into(), body: body.into() };
        let length = asked.header("content-length").map_or(0, |n| n.parse().unwrap());
        if asked.body.len() >= length {
            break asked;
        }
    };
    let before = {
        let mut noted = noted.lock().unwrap();
        let before = noted.iter().filter(|other| other.line == asked.line).count();
        noted.push(asked.clone());
        before
    };
    let Some((status, body)) = answers(&asked, before) else {
        return std::future::pending().await;
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} It is so\r\nContent-Length: {length}\r\n\r\n");
    let _ = client.write_all(format!("{head}{body}").as_bytes()).await;
}

/// The answer to a post that was taken.
#[expect(clippy::unnecessary_wraps, reason = "so sites answer")]
pub(crate) fn taken() -> Option<(u16, String)> {
    Some((200, r#"{"id":"109"}"#.into()))
}
