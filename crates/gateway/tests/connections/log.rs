//! Lines in the log about connections that ended.

use std::fmt::{Debug, Write as _};
use std::sync::{Mutex, Once, PoisonError};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, sleep};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::{echo, gateway, line, rest};

static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps every event as a line.
struct Kept;

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("crosstalk_gateway")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        LINES.lock().unwrap_or_else(PoisonError::into_inner).push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Begins to keep what is logged, once for all tests.
fn keeps_lines() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| tracing::subscriber::set_global_default(Kept).unwrap());
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

#[tokio::test]
async fn the_log_names_who_was_signed_on_however_the_connection_ended() {
    keeps_lines();
    let gateway = gateway(echo().await, |_| {});
    for (user, end) in
        [("left@lines", "bye\n"), ("signed-out@lines", "!signout\n"), ("failed@lines", "!fault\n")]
    {
        let mut client = TcpStream::connect(gateway.direct[0].1).await.unwrap();
        client.write_all(format!("!signin {user}\n!answer ready\n").as_bytes()).await.unwrap();
        assert_eq!(line(&mut client).await, "ready");
        client.write_all(end.as_bytes()).await.unwrap();
        client.shutdown().await.unwrap();
        rest(&mut client).await;
        let is_it = |line: &String| {
            line.contains("connection ended") && line.contains(&format!("user=\"{user}\""))
        };
        logs(is_it, user).await;
    }
}

#[tokio::test]
async fn the_log_names_the_client_behind_a_load_balancer() {
    keeps_lines();
    let gateway = gateway(echo().await, |config| {
        config.proxies[0].behind = vec!["127.0.0.1/32".parse().unwrap()];
    });
    for (opening, peer, what) in [
        (
            "PROXY TCP4 203.0.113.77 10.0.0.7 56324 1080\r\n\u{1}",
            "203.0.113.77:56324",
            "no proxy protocol",
        ),
        ("CONNECT a.test:1 HTTP/1.1\r\n\r\n", "127.0.0.1:", "began with no PROXY header"),
    ] {
        let mut client = TcpStream::connect(gateway.proxies[0]).await.unwrap();
        client.write_all(opening.as_bytes()).await.unwrap();
        rest(&mut client).await;
        let is_it = |line: &String| {
            line.contains("connection ended")
                && line.contains(&format!("peer={peer}"))
                && line.contains(what)
        };
        logs(is_it, peer).await;
    }
}

/// Waits for a line in the log about `whom`.
async fn logs(is_it: impl Fn(&String) -> bool, whom: &str) {
    let logged = || LINES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let begun = Instant::now();
    while !logged().iter().any(&is_it) {
        assert!(begun.elapsed() < Duration::from_secs(20), "{whom} is not named");
        sleep(Duration::from_millis(10)).await;
    }
}
