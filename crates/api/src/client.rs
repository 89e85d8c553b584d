//! Calls of a command on the same machine, through the gateway's own door.

use std::io;
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::http::problem::Problem;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer, in bytes.
const MAX_ANSWER: usize = 16 << 20;

/// Reason why there is no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// No gateway runs with that data directory.
    NotRunning,
    /// The gateway is stopping.
    Draining,
    /// The gateway has nothing of that name.
    NoSuchThing,
    /// The gateway could not do it, or not answer.
    Failed(String),
}

/// Asks the gateway whose socket is at `socket` for something that is there.
pub async fn get<T: DeserializeOwned>(socket: &Path, path: &str) -> Result<T, Unanswered> {
    read(&call(socket, Method::GET, path, Bytes::new()).await?)
}

/// Has the gateway whose socket is at `socket` do something.
pub async fn post<T: DeserializeOwned>(
    socket: &Path,
    path: &str,
    body: &impl Serialize,
) -> Result<T, Unanswered> {
    let body = serde_json::to_vec(body).map_err(failed)?;
    read(&call(socket, Method::POST, path, body.into()).await?)
}

/// Has the gateway whose socket is at `socket` take something away.
pub async fn delete(socket: &Path, path: &str) -> Result<(), Unanswered> {
    call(socket, Method::DELETE, path, Bytes::new()).await.map(drop)
}

fn read<T: DeserializeOwned>(answer: &[u8]) -> Result<T, Unanswered> {
    serde_json::from_slice(answer)
        .map_err(|e| failed(format!("the running gateway answers differently: is it older? {e}")))
}

async fn call(socket: &Path, method: Method, path: &str, body: Bytes) -> Result<Bytes, Unanswered> {
    let answered = tokio::time::timeout(PATIENCE, ask(socket, method, path, body)).await;
    answered.unwrap_or_else(|_| Err(failed("the gateway does not answer")))
}

async fn ask(socket: &Path, method: Method, path: &str, body: Bytes) -> Result<Bytes, Unanswered> {
    let unanswered =
        |e: &dyn std::fmt::Display| failed(format!("the gateway does not answer: {e}"));
    let stream = UnixStream::connect(socket).await.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Unanswered::NotRunning,
        _ => unanswered(&e),
    })?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|e| unanswered(&e))?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "localhost")
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(failed)?;
    let asked = async {
        let answer = sender.send_request(request).await.map_err(|e| unanswered(&e))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        Ok((status, body.map_err(|e| unanswered(&e))?.to_bytes()))
    };
    // The connection moves the bytes of both; what becomes of it the answer tells.
    let connection = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    let (status, body) = tokio::select! {
        answered = asked => answered?,
        () = connection => return Err(failed("the gateway does not answer")),
    };
    if status.is_success() {
        return Ok(body);
    }
    let problem = serde_json::from_slice::<Problem>(&body);
    Err(match problem {
        Ok(problem) if problem.kind == Problem::draining().kind => Unanswered::Draining,
        Ok(_) if status == StatusCode::NOT_FOUND => Unanswered::NoSuchThing,
        Ok(problem) => Unanswered::Failed(problem.detail),
        Err(_) => failed(format!("the gateway answers {status}")),
    })
}

fn failed(why: impl std::fmt::Display) -> Unanswered {
    Unanswered::Failed(why.to_string())
}
