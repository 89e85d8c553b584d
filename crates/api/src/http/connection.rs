//! One connection: served until its client ends it, or asks for nothing any more.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

use super::caller::Door;

/// Longest wait for a request: for its head, for a body of JSON, and for the next one on a connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How often an HTTP/2 client that says nothing is asked whether it is there.
const PING: Duration = Duration::from_secs(20);
/// The most requests at once on one connection.
const STREAMS: u32 = 64;
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 16 << 10;

/// Serves one connection.
pub(super) async fn serve<S>(stream: S, router: Router, door: Door)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(MAX_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PATIENCE)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(MAX_HEAD as u32);
    let (requests, seen) = watch::channel(0);
    let counted = middleware::from_fn_with_state(requests, counted);
    let router = router.layer(counted).layer(axum::Extension(door));
    let service = TowerToHyperService::new(router);
    let mut connection =
        pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    tokio::select! {
        // How a client ends a connection is its own business.
        _ = connection.as_mut() => return,
        () = unused(seen) => connection.as_mut().graceful_shutdown(),
    }
    // A request that came this very moment is answered; whoever only pings is not waited for.
    let _ = timeout(PATIENCE, connection).await;
}

/// Answers a request, which is under way until its answer is written.
async fn counted(
    State(requests): State<watch::Sender<usize>>,
    request: Request,
    next: Next,
) -> Response {
    let under_way = UnderWay::begin(&requests);
    let answer = next.run(request).await;
    answer.map(|body| Body::new(Answer { body, _under_way: under_way }))
}

/// Resolves when no request has been under way on a connection for too long: neither the version of
/// HTTP that it speaks, nor pings, are a request.
async fn unused(mut requests: watch::Receiver<usize>) {
    loop {
        let is_used = *requests.borrow_and_update() > 0;
        let changed = requests.changed();
        let changed = if is_used { Ok(changed.await) } else { timeout(PATIENCE, changed).await };
        match changed {
            Ok(Ok(())) => {}
            // The connection is gone, and with it whoever waits here.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => return,
        }
    }
}

/// A request that is being answered.
struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    fn begin(requests: &watch::Sender<usize>) -> Self {
        requests.send_modify(|count| *count += 1);
        Self(requests.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The body of an answer; while there is one, its request is under way.
struct Answer {
    body: Body,
    _under_way: UnderWay,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::routing::{get, post};
    use futures_util::stream;
    use http_body_util::{BodyExt as _, Empty};
    use hyper::client::conn::http2;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{Instant, sleep};

    use super::super::body;
    use super::*;

    /// A client of a router that answers at once, and one by a piece each five seconds.
    fn client() -> DuplexStream {
        let slow = async || {
            Body::from_stream(stream::unfold(0, |n| async move {
                sleep(PATIENCE / 2).await;
                (n < 10).then_some((Ok::<_, Infallible>("piece\n"), n + 1))
            }))
        };
        let read = async |body::Json(()): body::Json<()>| "read";
        let router = Router::new().route("/", get(async || "here")).route("/slow", get(slow));
        let router = router.route("/body", post(read));
        let (client, server) = duplex(4096);
        tokio::spawn(serve(server, router, Door::Far));
        client
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_nothing_is_not_waited_for() {
        for said in ["", "GET", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nHost: x\r\n"] {
            let (mut client, began) = (client(), Instant::now());
            client.write_all(said.as_bytes()).await.unwrap();
            let mut heard = Vec::new();
            // What it is told, if anything, is not the answer.
            let _ = client.read_to_end(&mut heard).await;
            assert!(!String::from_utf8_lossy(&heard).contains("here"));
            let lasted = began.elapsed();
            assert!((PATIENCE..=2 * PATIENCE).contains(&lasted), "{said:?}: {lasted:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_half_a_body_is_not_waited_for() {
        let (mut client, began) = (client(), Instant::now());
        let head = "POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
        let said = format!("{head}content-length: 4\r\n\r\nnu");
        client.write_all(said.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let _ = client.read_to_end(&mut heard).await;
        let heard = String::from_utf8_lossy(&heard);
        assert!(heard.starts_with("HTTP/1.1 400 ") && heard.contains("took too long"), "{heard}");
        let lasted = began.elapsed();
        assert!((PATIENCE..=2 * PATIENCE).contains(&lasted), "{lasted:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_only_pings_is_not_waited_for_and_a_long_answer_is() {
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(client())).await.unwrap();
        let ended = tokio::spawn(async move {
            let _ = connection.await;
            Instant::now()
        });
        let request = Request::builder().uri("http://x/slow").body(Empty::<Bytes>::new()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(text, "piece\n".repeat(10), "it takes longer than anybody may be silent");
        // Its side of HTTP/2 answers pings for as long as it has the connection.
        let last = Instant::now();
        let ended = ended.await.unwrap() - last;
        assert!((PATIENCE..=2 * PATIENCE).contains(&ended), "{ended:?}");
        drop(sender);
    }

    #[tokio::test(start_paused = true)]
    async fn every_request_gives_a_connection_more_time() {
        let mut client = client();
        for _ in 0..5 {
            client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
            let mut heard = Vec::new();
            while !heard.ends_with(b"here") {
                assert!(client.read_buf(&mut heard).await.unwrap() > 0, "it was cut off");
            }
            assert!(String::from_utf8_lossy(&heard).contains("content-length: 4"));
            sleep(PATIENCE * 3 / 4).await;
        }
    }
}
