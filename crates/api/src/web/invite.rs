//! Invites: made by an operator, for somebody who has only a browser.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use crosstalk_core::{Address, Names, Redacted, WEB_NETWORK};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PATH;
use crate::http::body;
use crate::http::caller::{Caller, Operating};
use crate::http::problem::{OfBody, Problem, Usual};
use crate::state::{State, unusable};

/// The hours that an invite lasts, where nothing else is said, and the most.
const HOURS: u64 = 24;
const MOST: u64 = 168;

/// An invite to be made.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct InviteWanted {
    /// The person, on the network `web`.
    #[schema(example = "ann@web")]
    pub who: String,
    /// The hours that it lasts: 1 to 168, and 24 without this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 168)]
    pub hours: Option<u64>,
}

/// An invite that was just made. Its link is shown this once.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct NewInvite {
    /// The person.
    #[schema(example = "ann@web")]
    pub who: String,
    /// The address to open in a browser. It works once.
    #[schema(value_type = String)]
    pub link: Redacted<String>,
    /// Time at which it ends, in milliseconds since 1970.
    pub expires_at: u64,
}

/// Invites somebody to the chat page. Whoever opens the link first chooses the password of that name; one
/// that was chosen before, and an earlier invite, are good for nothing then.
#[utoipa::path(
    post,
    path = "/v1/invites",
    tag = "operator",
    security(("token" = ["operator"])),
    request_body = InviteWanted,
    responses(
        (status = 201, description = "The invite with its link", body = NewInvite),
        (status = 409, description = "The gateway has no address that a browser could open, or \
            there are as many people as there may be", body = Problem,
            content_type = "application/problem+json"),
        Usual,
        OfBody
    )
)]
pub(super) async fn make(
    caller: Caller<Operating>,
    Shared(state): Shared<Arc<State>>,
    body::Json(InviteWanted { who, hours }): body::Json<InviteWanted>,
) -> Result<(StatusCode, Json<NewInvite>), Problem> {
    state.takes_calls()?;
    caller.still_stands()?;
    let who = name(&state.names, &who).ok_or_else(|| {
        Problem::invalid(
            "an invite is for a name such as ann@web: up to 32 letters and digits, with single \
             dots, hyphens and underscores between them",
        )
    })?;
    let hours = hours.unwrap_or(HOURS);
    if !(1..=MOST).contains(&hours) {
        return Err(Problem::invalid("an invite lasts 1 to 168 hours"));
    }
    let base = state.origins.first().ok_or_else(|| {
        Problem::conflict(
            "the gateway has no address that a browser could open: set `listen` under `[api]`",
        )
    })?;
    let made = state.accounts.invite(&who, Duration::from_hours(hours)).await;
    let made = made.map_err(|error| unusable(&error))?;
    let (secret, invite) = made.ok_or_else(|| {
        Problem::conflict("there are too many people: `crosstalk wipe` forgets those who are gone")
    })?;
    // Behind the #, where neither servers nor whoever previews links see it.
    let link = format!("{base}{PATH}#invite={}", secret.expose()).into();
    Ok((
        StatusCode::CREATED,
        Json(NewInvite { who: invite.who, link, expires_at: invite.expires_at }),
    ))
}

/// The person of a name on the network `web`, which need not be written.
pub(super) fn name(names: &Names, text: &str) -> Option<Address> {
    let text = text.trim();
    let full = if text.contains('@') { text.into() } else { format!("{text}@{WEB_NETWORK}") };
    names.person(&full).filter(|who| who.network().as_str() == WEB_NETWORK)
}
