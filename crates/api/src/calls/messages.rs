//! Calls by which something is said.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use crosstalk_core::{Address, Body, Detail, Details, EnvelopeId, MAX_TEXT, RichText};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operate::address;
use crate::content::{Event, Text, Typing, reason};
use crate::http::body;
use crate::http::caller::{Caller, Sending};
use crate::http::problem::{OfBody, Problem, Usual};
use crate::idempotency::{Turn, envelope_id};
use crate::people::Said;
use crate::secret::sha256;
use crate::state::{State, unusable};

/// The header with a key of the program's own, by which something is said once.
const KEY: &str = "idempotency-key";
/// The longest key, in bytes.
const MAX_KEY: usize = 255;
/// The most characters of a message that is answered which are quoted.
const QUOTED: usize = 200;

/// A message to be sent.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Message {
    /// The receiver.
    #[schema(example = "alice@aol")]
    to: String,
    /// The text.
    #[serde(flatten)]
    text: Text,
    /// Said by the program on its own, so that no other program answers it.
    #[serde(default)]
    auto: bool,
    /// The number of the event that it answers, which is quoted before it.
    #[serde(default)]
    reply_to: Option<u64>,
    /// The name of an earlier message of the same sender that it takes the place of. Clients that
    /// cannot correct what they show show it as a message of its own.
    #[serde(default)]
    #[schema(max_length = 1023)]
    replaces: Option<String>,
}

/// What became of a message.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Sent {
    /// The name of the message.
    message: String,
    /// What became of it.
    state: SentState,
    /// The kind of reason why it was not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The reason in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// The fate of a message.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SentState {
    /// A client of its receiver has it.
    Delivered,
    /// It is on this gateway's disk until its receiver signs on, and is reported if that takes too
    /// long.
    Kept,
    /// It was not delivered.
    Undelivered,
    /// It is under way. If it fails, an event says so.
    Pending,
}

/// Sends a message, and says what became of it.
#[utoipa::path(
    post,
    path = "/v1/messages",
    tag = "messages",
    security(("token" = ["send"])),
    params(("Idempotency-Key" = Option<String>, Header,
        description = "A key of the program's own, 1 to 255 bytes long: a message that is sent \
            again with the same key is said once")),
    request_body = Message,
    responses(
        (status = 200, description = "It is known what became of it", body = Sent),
        (status = 202, description = "It is under way", body = Sent),
        Usual,
        OfBody
    )
)]
pub(super) async fn send(
    caller: Caller<Sending>,
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
    body::Json(message): body::Json<Message>,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let who = caller.who()?;
    let key = key(&headers)?;
    let to = address(&state.names, &message.to)?;
    let text = message.text.read().map_err(|e| Problem::invalid(e.to_string()))?;
    let replaces = message.replaces.as_deref().map(|id| {
        Detail::new(id).ok_or_else(|| Problem::invalid("no message is called so: see `replaces`"))
    });
    let replaces = replaces.transpose()?;
    let asked = sha256(&[&serde_json::to_vec(&message).unwrap_or_default()]);
    let present = state.enter(who).await?;
    if let Some(wait) = present.pause() {
        return Err(Problem::too_many(wait));
    }
    let id = key.map_or_else(|| EnvelopeId(rand::random()), |key| envelope_id(who, key, asked));
    let tell = loop {
        match key.map(|key| state.keys.take(Instant::now(), who, key, asked)) {
            None => break None,
            Some(Turn::First(tell)) => break Some(tell),
            Some(Turn::Again(mut said)) => {
                if let Ok(known) = said.wait_for(Option::is_some).await {
                    return Ok(answer(id, known.unwrap_or(Said::Pending)));
                }
                // The other one was refused, or its program hung up: nothing was said yet.
            }
            Some(Turn::Other) => {
                return Err(Problem::invalid(
                    "this Idempotency-Key was used for another message: make a new one for each",
                ));
            }
        }
    };
    // Not looked for where it was said already: what it answers may be forgotten by then.
    let text = match message.reply_to {
        Some(number) => quoted(&state, who, number, &to, &text).await?,
        None => text,
    };
    let message_id = Detail::new(&id.to_string());
    let details = Details { message_id, replaces, ..Details::default() }.boxed();
    let body = Body::Text { text, auto: message.auto };
    let said = match tell {
        None => present.say(id, to, body, details).await,
        Some(tell) => {
            // It goes on when the program hangs up, which then asks again.
            let saying = tokio::spawn(async move {
                let said = present.say(id, to, body, details).await;
                tell.send_replace(Some(said));
                said
            });
            saying.await.unwrap_or(Said::Pending)
        }
    };
    Ok(answer(id, said))
}

pub(super) fn answer(id: EnvelopeId, said: Said) -> (StatusCode, Json<Sent>) {
    let sent = |state| Sent { message: id.to_string(), state, reason: None, detail: None };
    let sent = match said {
        Said::Delivered => sent(SentState::Delivered),
        Said::Kept => sent(SentState::Kept),
        Said::Pending => return (StatusCode::ACCEPTED, Json(sent(SentState::Pending))),
        Said::Undelivered(why) => Sent {
            reason: Some(reason(why).into()),
            detail: Some(why.to_string()),
            ..sent(SentState::Undelivered)
        },
    };
    (StatusCode::OK, Json(sent))
}

fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get(KEY) else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=MAX_KEY).contains(&key.len()));
    let wrong = || Problem::syntax("an Idempotency-Key is 1 to 255 bytes of ASCII");
    key.ok_or_else(wrong).map(Some)
}

/// A text behind the beginning of the message that it answers, as every client shows it.
async fn quoted(
    state: &State,
    who: &Address,
    number: u64,
    to: &Address,
    text: &RichText,
) -> Result<RichText, Problem> {
    let unknown = || Problem::invalid("no message of the receiver has that number any more");
    let before = number.checked_sub(1).ok_or_else(unknown)?;
    let events = state.store.events(who, before, 1).await.map_err(|error| unusable(&error))?;
    let answered = events.iter().find(|(id, _)| *id == number);
    let answered = answered.and_then(|(_, json)| serde_json::from_slice(json).ok());
    let said = match answered {
        Some(Event::Message { from, text, .. }) if from == to.to_string() => text.text,
        _ => return Err(unknown()),
    };
    let end = said.char_indices().nth(QUOTED).map_or(said.len(), |(at, _)| at);
    let mut quoted = RichText::default();
    for line in said[..end].lines() {
        quoted.push(&format!("> {line}\n"), []);
    }
    if quoted.text().len() + text.text().len() > MAX_TEXT {
        let detail = "with what it answers, the text is longer than 65,536 bytes: shorten it";
        return Err(Problem::invalid(detail));
    }
    for (run, styles) in text.runs() {
        quoted.push(run, styles);
    }
    Ok(quoted)
}

/// A typing state to be shown.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct TypingTo {
    /// To whom.
    #[schema(example = "alice@aol")]
    to: String,
    /// Which.
    state: Typing,
}

/// Shows somebody that one types, or no longer.
#[utoipa::path(
    put,
    path = "/v1/typing",
    tag = "messages",
    security(("token" = ["send"])),
    request_body = TypingTo,
    responses((status = 204, description = "Shown, if the receiver is there"), Usual, OfBody)
)]
pub(super) async fn typing(
    caller: Caller<Sending>,
    Shared(state): Shared<Arc<State>>,
    body::Json(typing): body::Json<TypingTo>,
) -> Result<StatusCode, Problem> {
    let to = address(&state.names, &typing.to)?;
    let present = state.enter(caller.who()?).await?;
    present.tell(EnvelopeId(rand::random()), to, Body::Typing(typing.state.into()));
    Ok(StatusCode::NO_CONTENT)
}
