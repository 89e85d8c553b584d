//! Files: offered by a program, got once by whoever has the link.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use crosstalk_core::Address;
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use utoipa::IntoParams;

use crate::content::File;
use crate::http::body;
use crate::http::caller::{Caller, Filing};
use crate::http::problem::{Problem, Usual};
use crate::secret::{self, Hash};
use crate::state::{State, now, unusable};
use crate::store::Offered;
use crate::uploads::MAX_FILE;

/// The most bytes of the files of one person, and of all.
const MAX_OWN: u64 = 128 << 20;
const MAX_ALL: u64 = 1 << 30;
/// For how long a file is offered.
const AGE: Duration = Duration::from_hours(24);
/// Longest time for a file to come.
const PATIENCE: Duration = Duration::from_mins(5);
/// The longest name of a file, in bytes.
const MAX_NAME: usize = 255;
/// Bytes that are read of a file at a time.
const PIECE: usize = 64 << 10;
/// Media types that a browser may show; everything else it stores.
const SHOWN: [&str; 5] = ["image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"];

/// The name of a file.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Name {
    /// The name under which it is stored.
    #[param(max_length = 255, example = "holiday.jpg")]
    name: String,
}

/// Offers a file: whoever has its link gets it once, within a day. The body is the file.
#[utoipa::path(
    post,
    path = "/v1/files",
    tag = "files",
    security(("token" = ["files"])),
    params(Name),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "The file with its link", body = File),
        (status = 409, description = "The gateway has no address at which others could get it, or \
            too many files wait", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The file is larger than 32 MiB", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The name is none that a file can have", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn offer(
    caller: Caller<Filing>,
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body::Query(Name { name }): body::Query<Name>,
    body: Body,
) -> Result<(StatusCode, Json<File>), Problem> {
    state.takes_calls()?;
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or("application/octet-stream").to_owned();
    let who = caller.who()?;
    let stands = || caller.still_stands();
    let (offered, link) = store(&state, who, (name, media_type), (body, MAX_FILE), stands).await?;
    Ok((StatusCode::CREATED, Json(File::of(offered, Some(link)))))
}

/// Stores a file of up to so many bytes and offers it, where `stands` says once it is whole that it
/// still may be. Returns its link.
pub(super) async fn store(
    state: &State,
    who: &Address,
    (name, media_type): (String, String),
    (body, most): (Body, u64),
    stands: impl Fn() -> Result<(), Problem>,
) -> Result<(Offered, String), Problem> {
    let is_plain = |name: &str| !name.contains(|c: char| c.is_control() || "/\\\"".contains(c));
    if name.trim().is_empty() || name.len() > MAX_NAME || !is_plain(&name) {
        return Err(Problem::invalid("a file's name is 1 to 255 bytes, without / \\ and \""));
    }
    let base = state.origins.first().ok_or_else(|| {
        Problem::conflict("the gateway has no address at which others could get it: see `[api]`")
    })?;
    let place = state.uploads.begin(who, most);
    let place = place.ok_or_else(|| Problem::too_many(Duration::ZERO))?;
    let now = now();
    state.store.sweep(now).await.map_err(|error| unusable(&error))?;
    // Read after the place was taken: a file that ends meanwhile is counted twice, and never not.
    let files = state.store.files(None).await.map_err(|error| unusable(&error))?;
    let room = room(&files, who, place.beside);
    if room == 0 {
        return Err(full());
    }
    let id = format!("{:032x}", rand::random::<u128>());
    let failed = |error: std::io::Error| {
        tracing::error!(%error, "a file cannot be stored");
        Problem::disk()
    };
    // Whoever hangs up takes what was written along, and the place too.
    let (file, partial) = state.store.create(&id).await.map_err(failed)?;
    let written = tokio::time::timeout(PATIENCE, write(file, body, room.min(most))).await;
    let size = match written {
        Ok(Ok(Written::Whole(size))) => size,
        Ok(Ok(Written::TooLarge)) if room >= most => return Err(Problem::too_large()),
        Ok(Ok(Written::TooLarge)) => return Err(full()),
        Ok(Err(error)) => return Err(failed(error)),
        Ok(Ok(Written::Broken)) | Err(_) => {
            return Err(Problem::syntax("the file did not come whole, within five minutes"));
        }
    };
    stands()?;
    let (secret, hash) = secret::make();
    let expires_at = now.0 + AGE.as_millis() as u64;
    let offered = Offered { id, who: who.to_string(), name, media_type, size, expires_at };
    state.store.offer(hash, &offered, partial).await.map_err(|error| unusable(&error))?;
    Ok((offered, format!("{base}/f/{}", secret.expose())))
}

/// Bytes that one more file of somebody's may have, beside those that are under way.
fn room(files: &[Offered], who: &Address, (own, all): (u64, u64)) -> u64 {
    let who = who.to_string();
    let stored =
        |files: &mut dyn Iterator<Item = &Offered>| files.map(|file| file.size).sum::<u64>();
    let own = own + stored(&mut files.iter().filter(|file| file.who == who));
    let all = all + stored(&mut files.iter());
    MAX_OWN.saturating_sub(own).min(MAX_ALL.saturating_sub(all))
}

fn full() -> Problem {
    Problem::conflict("too many files wait to be got: withdraw some")
}

/// Result of writing a file.
enum Written {
    /// It has so many bytes.
    Whole(u64),
    TooLarge,
    /// Its program hung up.
    Broken,
}

/// Writes a file as it comes.
async fn write(mut file: tokio::fs::File, body: Body, most: u64) -> std::io::Result<Written> {
    let (mut pieces, mut size) = (body.into_data_stream(), 0);
    while let Some(piece) = pieces.next().await {
        let Ok(piece) = piece else { return Ok(Written::Broken) };
        size += piece.len() as u64;
        if size > most {
            return Ok(Written::TooLarge);
        }
        file.write_all(&piece).await?;
    }
    file.sync_all().await?;
    Ok(Written::Whole(size))
}

/// Lists the files that one offers and that nobody has got yet.
#[utoipa::path(
    get,
    path = "/v1/files",
    tag = "files",
    security(("token" = ["files"])),
    responses((status = 200, description = "The files", body = [File]), Usual)
)]
pub(super) async fn list(
    caller: Caller<Filing>,
    Shared(state): Shared<Arc<State>>,
) -> Result<Json<Vec<File>>, Problem> {
    state.store.sweep(now()).await.map_err(|error| unusable(&error))?;
    let files = state.store.files(Some(caller.who()?)).await.map_err(|error| unusable(&error))?;
    Ok(Json(files.into_iter().map(|offered| File::of(offered, None)).collect()))
}

/// Withdraws a file.
#[utoipa::path(
    delete,
    path = "/v1/files/{id}",
    tag = "files",
    security(("token" = ["files"])),
    params(("id" = String, Path, description = "The name of the file")),
    responses(
        (status = 204, description = "Nobody can get it any more"),
        (status = 404, description = "There is no such file, or somebody has it", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn withdraw(
    caller: Caller<Filing>,
    Shared(state): Shared<Arc<State>>,
    body::Path(id): body::Path<String>,
) -> Result<StatusCode, Problem> {
    let withdrawn = state.store.withdraw(caller.who()?, &id).await;
    if withdrawn.map_err(|error| unusable(&error))? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("no file of yours has that name: see /v1/files"))
    }
}

/// Gives a file to the first one who comes with its link, and to nobody else.
pub(super) async fn get(
    Shared(state): Shared<Arc<State>>,
    body::Path(secret): body::Path<String>,
) -> Result<Response, Problem> {
    let hash = Hash::of(&secret).ok_or_else(gone)?;
    let claimed = state.store.claim(hash).await.map_err(|error| unusable(&error))?;
    let claimed = claimed.filter(|(offered, _)| offered.expires_at > now().0);
    let (offered, file) = claimed.ok_or_else(gone)?;
    let file = tokio::fs::File::from_std(file);
    let pieces = futures_util::stream::unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece).await {
            Ok(0) => None,
            Ok(n) => {
                piece.truncate(n);
                Some((Ok(piece), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    });
    let mut response = Body::from_stream(pieces).into_response();
    fill_in(response.headers_mut(), &offered);
    Ok(response)
}

/// Says what there is at a link, which stays good.
pub(super) async fn head(
    Shared(state): Shared<Arc<State>>,
    body::Path(secret): body::Path<String>,
) -> Result<Response, Problem> {
    let hash = Hash::of(&secret).ok_or_else(gone)?;
    let offered = state.store.look(hash).await.map_err(|error| unusable(&error))?;
    let offered = offered.filter(|offered| offered.expires_at > now().0).ok_or_else(gone)?;
    let mut response = StatusCode::OK.into_response();
    fill_in(response.headers_mut(), &offered);
    Ok(response)
}

fn gone() -> Problem {
    Problem::not_found("the file was got already, withdrawn, or has expired")
}

/// Says what a file is, so that no browser takes it for a page of the gateway's.
fn fill_in(headers: &mut HeaderMap, offered: &Offered) {
    let is_shown = SHOWN.contains(&offered.media_type.as_str());
    let media_type = if is_shown { &*offered.media_type } else { "application/octet-stream" };
    let disposition = if is_shown { "inline" } else { "attachment" };
    let name: String = offered.name.bytes().fold(String::new(), |name, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
            name + &char::from(byte).to_string()
        }
        byte => name + &format!("%{byte:02X}"),
    });
    let texts: [(HeaderName, String); 6] = [
        (header::CONTENT_TYPE, media_type.into()),
        (header::CONTENT_LENGTH, offered.size.to_string()),
        // RFC 6266, with the name in the form of RFC 8187.
        (header::CONTENT_DISPOSITION, format!("{disposition}; filename*=UTF-8''{name}")),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".into()),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".into()),
        (header::CACHE_CONTROL, "no-store".into()),
    ];
    for (header, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(header, value);
        }
    }
}
