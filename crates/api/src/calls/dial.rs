//! Calls that one can talk by: an invitation that every client shows, and that the other can act on.

use std::sync::Arc;

use axum::Json;
use axum::body::Body as Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use crosstalk_core::{Body, Detail, Details, EnvelopeId, MAX_LINK, RichText, Style};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::files;
use super::messages::{Sent, answer};
use super::operate::address;
use crate::http::body;
use crate::http::caller::{Caller, Dialling};
use crate::http::problem::{OfBody, Problem, Usual};
use crate::state::State;

/// The beginnings of addresses by which clients can call.
const SCHEMES: [&str; 5] = ["https:", "sip:", "sips:", "tel:", "xmpp:"];
/// The longest description of a session, in bytes.
const MAX_SDP: usize = 64 << 10;

/// An invitation to a call.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Invitation {
    /// Who is invited.
    #[schema(example = "alice@aol")]
    to: String,
    /// The address that whoever wants to answer opens: https, sip, sips, tel or xmpp.
    #[serde(default)]
    #[schema(max_length = 2048, example = "https://meet.example.org/room")]
    link: Option<String>,
    /// The description of a session (SDP, RFC 8866), in place of `link`: the other gets it once.
    #[serde(default)]
    #[schema(max_length = 65536)]
    sdp: Option<String>,
}

/// Invites somebody to a call. The other's client shows the address as something to open.
#[utoipa::path(
    post,
    path = "/v1/calls",
    tag = "calls",
    security(("token" = ["calls"])),
    request_body = Invitation,
    responses(
        (status = 200, description = "It is known what became of it", body = Sent),
        (status = 202, description = "It is under way", body = Sent),
        (status = 409, description = "The gateway has no address at which others could get the \
            description", body = Problem, content_type = "application/problem+json"),
        Usual,
        OfBody
    )
)]
pub(super) async fn dial(
    caller: Caller<Dialling>,
    Shared(state): Shared<Arc<State>>,
    body::Json(invitation): body::Json<Invitation>,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let who = caller.who()?;
    let to = address(&state.names, &invitation.to)?;
    let link = match (invitation.link, invitation.sdp) {
        (Some(link), None) => checked(link)?,
        (None, Some(sdp)) => {
            if !sdp.starts_with("v=0") || sdp.len() > MAX_SDP {
                let detail = "a description begins with v=0, and has 64 KiB at most (RFC 8866)";
                return Err(Problem::invalid(detail));
            }
            let named = ("call.sdp".to_owned(), "application/sdp".to_owned());
            let (body, stands) = (Bytes::from(sdp), || caller.still_stands());
            files::store(&state, who, named, (body, MAX_SDP as u64), stands).await?.1
        }
        _ => return Err(Problem::invalid("give `link` or `sdp`, and not both")),
    };
    let present = state.enter(who).await?;
    if let Some(wait) = present.pause() {
        return Err(Problem::too_many(wait));
    }
    let id = EnvelopeId(rand::random());
    let details = Details { message_id: Detail::new(&id.to_string()), ..Details::default() };
    let body = Body::Text { text: invited(&link), auto: false };
    Ok(answer(id, present.say(id, to, body, details.boxed()).await))
}

/// An address that nobody can be harmed by who sees it whole.
fn checked(link: String) -> Result<String, Problem> {
    let lower = link.to_ascii_lowercase();
    let known = SCHEMES.iter().any(|scheme| lower.starts_with(scheme));
    let plain = link.bytes().all(|b| b.is_ascii_graphic());
    if known && plain && link.len() <= MAX_LINK {
        Ok(link)
    } else {
        Err(Problem::invalid(
            "a link begins with https:, sip:, sips:, tel: or xmpp:, without blanks",
        ))
    }
}

/// Words that every client shows, with the address whole: what a client does not make a link of can
/// be copied.
fn invited(link: &str) -> RichText {
    let mut text = RichText::plain("I am calling you. To answer, open ");
    text.push(link, [&Style::Link(link.to_owned())]);
    text
}
