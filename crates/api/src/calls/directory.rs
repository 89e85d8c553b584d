//! Calls about the directory: what applications have kept for others to read, each under a key pair
//! of its own.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse;
use crosstalk_overlay::{Mapping, Namespace, Unkept, Unread};
use futures_util::stream::unfold;
use serde::Deserialize;
use utoipa::IntoParams;

use super::events::{goes_on, streamed};
use crate::content::{Entries, Entry, Kept, Said};
use crate::directory::{MAX_LIST, Reading};
use crate::http::body;
use crate::http::caller::{Caller, DirectoryReading, DirectoryWriting};
use crate::http::problem::{OfBody, Problem, Usual};
use crate::state::State;

/// The number, the end and the signature of a removal.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Removal {
    /// A number larger than that of the mapping.
    sequence: u64,
    /// Time until which it is remembered that the mapping was removed, in seconds since 1970: not
    /// before that of the mapping, and at most 30 days from now.
    expires_at: u64,
    /// The signature, as 128 hexadecimal digits.
    #[param(pattern = "^[0-9a-f]{128}$")]
    signature: String,
}

/// A part of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// The key after which to go on.
    #[serde(default)]
    #[param(max_length = 256)]
    after: Option<String>,
    /// The most mappings in the answer.
    #[serde(default)]
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
}

/// The number of the last change that the program has.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The number of the last change that the program has. Without it come all mappings that hold.
    #[serde(default)]
    after: Option<u64>,
}

/// Keeps a mapping that its owner signed, at up to three gateways, until its time is over.
#[utoipa::path(
    put,
    path = "/v1/directory/{namespace}/{key}",
    tag = "directory",
    security(("token" = ["directory:write"])),
    params(
        ("namespace" = String, Path, description = "The owner's ed25519 public key, as 64 hexadecimal digits"),
        ("key" = String, Path, description = "The key, of 256 bytes at most", example = "city")
    ),
    request_body = Said,
    responses(
        (status = 200, description = "It is kept", body = Kept),
        (status = 409, description = "There is a later one, or no room", body = Problem,
            content_type = "application/problem+json"),
        Usual,
        OfBody
    )
)]
pub(super) async fn put(
    caller: Caller<DirectoryWriting>,
    Shared(state): Shared<Arc<State>>,
    body::Path((namespace, key)): body::Path<(String, String)>,
    body::Json(Said { value, sequence, expires_at, signature }): body::Json<Said>,
) -> Result<Json<Kept>, Problem> {
    let namespace = owner(&namespace)?;
    let signature = signature_of(&signature)?;
    let value = Some(value);
    keep(&state, &caller, Mapping { namespace, key, value, sequence, expires_at, signature }).await
}

/// Removes a mapping, as its owner signed that.
#[utoipa::path(
    delete,
    path = "/v1/directory/{namespace}/{key}",
    tag = "directory",
    security(("token" = ["directory:write"])),
    params(
        ("namespace" = String, Path, description = "The owner's ed25519 public key, as 64 hexadecimal digits"),
        ("key" = String, Path, description = "The key, of 256 bytes at most", example = "city"),
        Removal
    ),
    responses(
        (status = 200, description = "It is removed, and that is kept until its time is over",
            body = Kept),
        (status = 409, description = "There is a later one, or no room", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The removal is none that the owner signed", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn remove(
    caller: Caller<DirectoryWriting>,
    Shared(state): Shared<Arc<State>>,
    body::Path((namespace, key)): body::Path<(String, String)>,
    body::Query(Removal { sequence, expires_at, signature }): body::Query<Removal>,
) -> Result<Json<Kept>, Problem> {
    let namespace = owner(&namespace)?;
    let signature = signature_of(&signature)?;
    let value = None;
    keep(&state, &caller, Mapping { namespace, key, value, sequence, expires_at, signature }).await
}

/// Reads a mapping. The gateway has checked the owner's signature; a program can check it again.
#[utoipa::path(
    get,
    path = "/v1/directory/{namespace}/{key}",
    tag = "directory",
    security(("token" = ["directory:read"])),
    params(
        ("namespace" = String, Path, description = "The owner's ed25519 public key, as 64 hexadecimal digits"),
        ("key" = String, Path, description = "The key, of 256 bytes at most", example = "city")
    ),
    responses(
        (status = 200, description = "The mapping", body = Entry),
        (status = 404, description = "There is none that holds", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "There can be no such namespace", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn get(
    _: Caller<DirectoryReading>,
    Shared(state): Shared<Arc<State>>,
    body::Path((namespace, key)): body::Path<(String, String)>,
) -> Result<Json<Entry>, Problem> {
    let namespace = owner(&namespace)?;
    let none = || Problem::not_found("the namespace has no mapping under this key that holds");
    if key.len() > Mapping::MAX_KEY {
        return Err(none());
    }
    let page = state.overlay.mappings(namespace, &key, 1).await.map_err(unread)?;
    let found = page.mappings.into_iter().find(|mapping| mapping.key == key);
    found.map(|mapping| Json(mapping.into())).ok_or_else(none)
}

/// Lists the mappings of a namespace. Where there may be more, `next` is the `after` of the next
/// call.
#[utoipa::path(
    get,
    path = "/v1/directory/{namespace}",
    tag = "directory",
    security(("token" = ["directory:read"])),
    params(
        ("namespace" = String, Path, description = "The owner's ed25519 public key, as 64 hexadecimal digits"),
        Part
    ),
    responses(
        (status = 200, description = "The mappings, in the order of the bytes of their keys",
            body = Entries),
        (status = 422, description = "There can be no such namespace or part", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn list(
    _: Caller<DirectoryReading>,
    Shared(state): Shared<Arc<State>>,
    body::Path(namespace): body::Path<String>,
    body::Query(Part { after, limit }): body::Query<Part>,
) -> Result<Json<Entries>, Problem> {
    let namespace = owner(&namespace)?;
    let limit = limit.unwrap_or(MAX_LIST);
    let after = after.unwrap_or_default();
    if limit == 0 || limit > MAX_LIST || after.len() > Mapping::MAX_KEY {
        return Err(Problem::invalid("`limit` is 1 to 100, and `after` a key"));
    }
    // No key has a zero byte, so that this is the first one behind it.
    let from = if after.is_empty() { after } else { after + "\0" };
    let page = state.overlay.mappings(namespace, &from, limit).await.map_err(unread)?;
    Ok(Json(page.into()))
}

/// Streams the mappings of a namespace, and then each change (server-sent events). A change that was
/// overtaken by a later one of the same key may be left out. The header Last-Event-ID, with which such
/// clients reconnect, counts as `after`.
#[utoipa::path(
    get,
    path = "/v1/watch/{namespace}",
    tag = "directory",
    security(("token" = ["directory:read"])),
    params(
        ("namespace" = String, Path, description = "The owner's ed25519 public key, as 64 hexadecimal digits"),
        From,
        ("Last-Event-ID" = Option<u64>, Header,
            description = "The number of the last change that the program has; `after` wins")
    ),
    responses(
        (status = 200, description = "Mappings, each as JSON in `data`; one that was removed has no \
            value", body = Entry, content_type = "text/event-stream"),
        (status = 422, description = "There can be no such namespace", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn watch(
    caller: Caller<DirectoryReading>,
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body::Path(namespace): body::Path<String>,
    body::Query(From { after }): body::Query<From>,
) -> Result<Response, Problem> {
    state.takes_calls()?;
    let namespace = owner(&namespace)?;
    let after = goes_on(after, &headers)?;
    let hash = caller.hash().ok_or_else(|| Problem::token("show a token"))?;
    let reading = Reading::begin(&state, hash, namespace, after.unwrap_or_default())?;
    let events = unfold(reading, async |mut reading| {
        let (number, mapping) = reading.next().await?;
        let data = serde_json::to_string(&Entry::from(mapping)).unwrap_or_default();
        let event = sse::Event::default().event("mapping").id(number.to_string()).data(data);
        Some((Ok::<_, Infallible>(event), reading))
    });
    Ok(streamed(events))
}

async fn keep(
    state: &State,
    caller: &Caller<DirectoryWriting>,
    mapping: Mapping,
) -> Result<Json<Kept>, Problem> {
    state.takes_calls()?;
    caller.still_stands()?;
    if let Some(wait) = caller.hash().and_then(|hash| state.directory.pace(hash)) {
        return Err(Problem::too_many(wait));
    }
    let kept = state.overlay.put_mapping(mapping).await;
    kept.map(|copies| Json(Kept { copies })).map_err(|why| match why {
        Unkept::Bad(_) | Unkept::Time => Problem::invalid(why.to_string()),
        Unkept::Stale | Unkept::Outlived | Unkept::Full => Problem::conflict(why.to_string()),
        Unkept::Disk => Problem::disk(),
    })
}

fn owner(text: &str) -> Result<Namespace, Problem> {
    text.parse().map_err(|why: crosstalk_overlay::BadNamespace| Problem::invalid(why.to_string()))
}

fn signature_of(text: &str) -> Result<Vec<u8>, Problem> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok();
    let bytes: Option<Vec<_>> = text.as_bytes().chunks_exact(2).map(byte).collect();
    let wrong = || Problem::invalid("a signature is 128 hexadecimal digits");
    bytes.filter(|_| text.len() == 128).ok_or_else(wrong)
}

fn unread(why: Unread) -> Problem {
    match why {
        Unread::Unreachable => Problem::unreachable(why.to_string()),
        Unread::Busy => Problem::too_many(std::time::Duration::ZERO),
    }
}
