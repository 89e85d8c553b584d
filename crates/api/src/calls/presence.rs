//! Calls about the own presence.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;

use crate::content::Presence;
use crate::http::body;
use crate::http::caller::{Caller, Showing};
use crate::http::problem::{OfBody, Problem, Usual};
use crate::state::{State, unusable};

/// The longest status text, in bytes.
const MAX_STATUS: usize = 4096;

/// Says which presence others see while a program hears events.
#[utoipa::path(
    get,
    path = "/v1/presence",
    tag = "presence",
    security(("token" = ["presence"])),
    responses((status = 200, description = "The presence that is set", body = Presence), Usual)
)]
pub(super) async fn presence(
    caller: Caller<Showing>,
    Shared(state): Shared<Arc<State>>,
) -> Result<Json<Presence>, Problem> {
    Ok(Json(state.enter(caller.who()?).await?.profile()))
}

/// Sets the presence that others see while a program hears events; without one, nobody is there.
#[utoipa::path(
    put,
    path = "/v1/presence",
    tag = "presence",
    security(("token" = ["presence"])),
    request_body = Presence,
    responses((status = 200, description = "The presence as it is now", body = Presence), Usual,
        OfBody)
)]
pub(super) async fn set(
    caller: Caller<Showing>,
    Shared(state): Shared<Arc<State>>,
    body::Json(presence): body::Json<Presence>,
) -> Result<Json<Presence>, Problem> {
    if presence.text.len() > MAX_STATUS {
        return Err(Problem::invalid("the longest status text is 4,096 bytes"));
    }
    let who = caller.who()?;
    let present = state.enter(who).await?;
    state.store.set_profile(who, &presence).await.map_err(|error| unusable(&error))?;
    present.set_profile(&presence);
    Ok(Json(present.profile()))
}
