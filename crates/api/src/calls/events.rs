//! Calls by which events are heard: server-sent events, and WebSocket.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::content::Numbered;
use crate::http::body;
use crate::http::caller::{Caller, Reading};
use crate::http::problem::{OfBody, Problem, Usual};
use crate::people::{Item, Reader, Unread};
use crate::secret::Hash;
use crate::state::{State, unusable};

/// How often a stream on which nothing happens says that it is there.
const STILL_THERE: Duration = Duration::from_secs(15);
/// Time after which a program that has too many streams may try again.
const STREAM_PAUSE: Duration = Duration::from_secs(9);
/// The longest message of a client, in bytes: it only acknowledges.
const MAX_MESSAGE: usize = 1024;
/// The header in which a client of server-sent events says what it has.
const LAST: &str = "last-event-id";

/// The number of an event.
#[derive(Serialize, Deserialize, ToSchema, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Cursor {
    /// The number of the last event that the program has: those up to it are acknowledged, and need
    /// not come again.
    after: u64,
}

/// The number of the last event that the program has, if it says so.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The number of the last event that the program has: those up to it are acknowledged. Without
    /// it come those that were not acknowledged yet.
    #[serde(default)]
    after: Option<u64>,
}

/// Streams events as they happen (server-sent events). The header Last-Event-ID, with which such
/// clients reconnect, counts as `after`. A stream ends when 1,000 events on it are not
/// acknowledged; reconnecting acknowledges them.
#[utoipa::path(
    get,
    path = "/v1/events",
    tag = "events",
    security(("token" = ["read"])),
    params(From, ("Last-Event-ID" = Option<u64>, Header,
        description = "The number of the last event that the program has; `after` wins")),
    responses(
        (status = 200, description = "Events, each as JSON in `data`", body = Numbered,
            content_type = "text/event-stream"),
        (status = 409, description = "There was no such event yet", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn stream(
    caller: Caller<Reading>,
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body::Query(From { after }): body::Query<From>,
) -> Result<Response, Problem> {
    let (reader, hash) = begin(&state, &caller, goes_on(after, &headers)?).await?;
    let events = unfold((reader, state), move |(mut reader, state)| async move {
        let item = reader.next(|| stands(&state, hash)).await?;
        Some((Ok::<_, Infallible>(event(item)), (reader, state)))
    });
    Ok(streamed(events))
}

/// Streams events as they happen, by WebSocket: each is a text message of JSON. The program
/// acknowledges by messages such as `{"after": 17}`. A stream ends when 1,000 events on it are not
/// acknowledged.
#[utoipa::path(
    get,
    path = "/v1/events/socket",
    tag = "events",
    security(("token" = ["read"])),
    params(From),
    responses(
        (status = 101, description = "From now on it is a WebSocket (RFC 6455)"),
        (status = 409, description = "There was no such event yet", body = Problem,
            content_type = "application/problem+json"),
        (status = 426, description = "The request does not ask for a WebSocket", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn socket(
    caller: Caller<Reading>,
    Shared(state): Shared<Arc<State>>,
    body::Query(From { after }): body::Query<From>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| Problem::upgrade())?.max_message_size(MAX_MESSAGE);
    let (reader, hash) = begin(&state, &caller, after).await?;
    Ok(upgrade.on_upgrade(move |socket| talk(socket, reader, state, hash)))
}

/// Acknowledges events, so that they need not come again.
#[utoipa::path(
    put,
    path = "/v1/events/cursor",
    tag = "events",
    security(("token" = ["read"])),
    request_body = Cursor,
    responses(
        (status = 204, description = "Acknowledged"),
        (status = 409, description = "There was no such event yet", body = Problem,
            content_type = "application/problem+json"),
        Usual,
        OfBody
    )
)]
pub(super) async fn acknowledge(
    caller: Caller<Reading>,
    Shared(state): Shared<Arc<State>>,
    body::Json(Cursor { after }): body::Json<Cursor>,
) -> Result<StatusCode, Problem> {
    let present = state.enter(caller.who()?).await?;
    present.acknowledge(after).await.map_err(|unread| problem(&unread))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn begin(
    state: &State,
    caller: &Caller<Reading>,
    after: Option<u64>,
) -> Result<(Reader, Option<Hash>), Problem> {
    let present = state.enter(caller.who()?).await?;
    let reader = Reader::begin(present, after).await.map_err(|unread| problem(&unread))?;
    Ok((reader, caller.hash()))
}

/// Whether the token that began a stream was not revoked since.
fn stands(state: &State, hash: Option<Hash>) -> bool {
    hash.is_some_and(|hash| state.token(&hash).is_some())
}

/// The number after which a stream goes on: the one asked for, or that of the header Last-Event-ID.
pub(super) fn goes_on(after: Option<u64>, headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    if after.is_some() {
        return Ok(after);
    }
    let Some(last) = headers.get(LAST) else { return Ok(None) };
    let number = last.to_str().ok().and_then(|last| last.trim().parse().ok());
    let wrong = || Problem::syntax("the header Last-Event-ID has the number of an event");
    number.ok_or_else(wrong).map(Some)
}

/// An answer that goes on with each event, and shows in between that it does.
pub(super) fn streamed<S>(events: S) -> Response
where
    S: Stream<Item = Result<sse::Event, Infallible>> + Send + 'static,
{
    let keep_alive = KeepAlive::new().interval(STILL_THERE);
    Sse::new(events).keep_alive(keep_alive).into_response()
}

fn problem(unread: &Unread) -> Problem {
    match unread {
        Unread::Future => Problem::conflict("there was no event of that number yet"),
        Unread::TooMany => Problem::too_many(STREAM_PAUSE),
        Unread::Store(error) => unusable(error),
    }
}

fn event(item: Item) -> sse::Event {
    let event = sse::Event::default().event(item.kind).data(text(item.json));
    match item.id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}

/// JSON is UTF-8.
fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_default()
}

/// Tells a WebSocket events, and hears what it acknowledges.
async fn talk(mut socket: WebSocket, mut reader: Reader, state: Arc<State>, hash: Option<Hash>) {
    let first = tokio::time::Instant::now() + STILL_THERE;
    let mut ping = tokio::time::interval_at(first, STILL_THERE);
    loop {
        tokio::select! {
            item = reader.next(|| stands(&state, hash)) => {
                let Some(item) = item else { break };
                let sent = socket.send(Message::Text(Utf8Bytes::from(text(item.json)))).await;
                if sent.is_err() {
                    return;
                }
            }
            heard = socket.recv() => {
                let cursor = match heard {
                    Some(Ok(Message::Text(said))) => serde_json::from_str(said.as_str()).ok(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    _ => return,
                };
                // Whoever says something else, or acknowledges what never was, is cut off.
                let Some(Cursor { after }) = cursor else { break };
                if reader.acknowledge(after).await.is_err() {
                    break;
                }
            }
            _ = ping.tick() => {
                if socket.send(Message::Ping(axum::body::Bytes::new())).await.is_err() {
                    return;
                }
            }
        }
    }
    let _ = socket.send(Message::Close(None)).await;
}
