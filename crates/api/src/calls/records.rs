//! Calls about everything that is stored about the caller.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::body;
use crate::http::caller::{Caller, Keeping};
use crate::http::problem::{OfBody, Problem, Usual};
use crate::records::{self, Export};
use crate::state::{State, unusable};

/// Tells everything that is stored about the caller: contacts and consent, what was set, messages
/// that wait at this gateway, and what the API keeps. Of secrets it tells that they exist.
#[utoipa::path(
    get,
    path = "/v1/export",
    tag = "records",
    security(("token" = ["records"])),
    responses((status = 200, description = "Everything", body = Export), Usual)
)]
pub(super) async fn export(
    caller: Caller<Keeping>,
    Shared(state): Shared<Arc<State>>,
) -> Result<Json<Export>, Problem> {
    let who = caller.who()?;
    let records = state.overlay.records(who).await;
    let export = Export::gather(&state, who, records).await;
    Ok(Json(export.map_err(|error| unusable(&error))?))
}

/// How much is to be forgotten.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Forget {
    /// The word `everything`, so that nothing is forgotten by mistake.
    #[schema(example = "everything")]
    what: String,
}

/// Consequences of being forgotten.
#[derive(Serialize, ToSchema)]
pub(super) struct Forgotten {
    /// Who was forgotten.
    name: String,
    /// Texts that had not arrived and will not, by their receivers.
    taken_back: Vec<TakenBack>,
    /// Number of other gateways that kept the list.
    elsewhere: usize,
    /// Number of those that cannot be reached now, and forget it when they can.
    away: usize,
}

/// Texts to somebody that were taken back.
#[derive(Serialize, ToSchema)]
pub(super) struct TakenBack {
    /// The receiver.
    to: String,
    /// Number of texts.
    texts: usize,
}

/// Forgets everything that is stored about the caller, at every gateway: contacts and consent, what
/// was set, messages that wait, events, files, and how the caller signs in to the chat page. Tokens
/// of programs stay: an operator revokes them. Nothing brings it back.
#[utoipa::path(
    post,
    path = "/v1/forget",
    tag = "records",
    security(("token" = ["records"])),
    request_body = Forget,
    responses((status = 200, description = "Forgotten", body = Forgotten), Usual, OfBody)
)]
pub(super) async fn forget(
    caller: Caller<Keeping>,
    Shared(state): Shared<Arc<State>>,
    body::Json(Forget { what }): body::Json<Forget>,
) -> Result<Json<Forgotten>, Problem> {
    if what != "everything" {
        return Err(Problem::invalid("`what` is the word everything: nothing brings it back"));
    }
    state.takes_calls()?;
    let who = caller.who()?;
    let wiped = records::forget_everything(&state, who).await?;
    let here = state.overlay.id();
    let others = || wiped.homes.iter().filter(|home| home.id != here);
    let taken_back = wiped.taken_back.iter();
    Ok(Json(Forgotten {
        name: who.to_string(),
        taken_back: taken_back
            .map(|(to, texts)| TakenBack { to: to.to_string(), texts: *texts })
            .collect(),
        elsewhere: others().count(),
        away: others().filter(|home| !home.is_reached).count(),
    }))
}
