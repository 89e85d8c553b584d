//! Calls of an operator: how the gateway is, and forgetting people.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use crosstalk_core::{Address, Names};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::body;
use crate::http::caller::{Caller, Operating};
use crate::http::problem::{OfBody, Problem, Usual};
use crate::state::State;
use crate::status::Status;

/// How the gateway and its links to others are.
#[utoipa::path(
    get,
    path = "/v1/status",
    tag = "operator",
    security(("token" = ["operator"])),
    responses((status = 200, description = "The gateway as it is now", body = Status), Usual)
)]
pub(super) async fn status(
    _: Caller<Operating>,
    Shared(state): Shared<Arc<State>>,
) -> Json<Status> {
    let mut status = Status::of(&state.overlay.status(), &state.router.snapshot());
    status.is_draining = state.is_draining();
    Json(status)
}

/// Somebody who is meant.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// The name with its network, in any spelling.
    #[schema(example = "alice@aol")]
    pub name: String,
}

/// Forgets what is stored about somebody: here the list, messages from and to that one that wait,
/// what programs were told, have set and offer, and how that one signs in to the chat page; at the
/// other gateways the list. Tokens stay: revoke them.
#[utoipa::path(
    post,
    path = "/v1/wipe",
    tag = "operator",
    security(("token" = ["operator"])),
    request_body = Person,
    responses((status = 200, description = "Forgotten", body = Person), Usual, OfBody)
)]
pub(super) async fn wipe(
    caller: Caller<Operating>,
    Shared(state): Shared<Arc<State>>,
    body::Json(Person { name }): body::Json<Person>,
) -> Result<Json<Person>, Problem> {
    state.takes_calls()?;
    caller.still_stands()?;
    let user = address(&state.names, &name)?;
    let name = user.to_string();
    state.wipe(user).await?;
    Ok(Json(Person { name }))
}

/// The person of a name, in the form of an address or any other spelling.
pub(super) fn address(names: &Names, text: &str) -> Result<Address, Problem> {
    names.person(text).ok_or_else(|| {
        let example = names.networks().next().map_or("aol", |network| network.as_str());
        Problem::invalid(format!("nobody has that name: write name@network, such as ann@{example}"))
    })
}
