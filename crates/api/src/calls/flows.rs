//! Calls about flows: what texts to somebody run through, as a picture.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use crosstalk_core::Address;

use super::operate::address;
use crate::http::body;
use crate::http::caller::{Caller, Listing, Operating};
use crate::http::problem::{Problem, Usual};
use crate::state::State;

/// Draws what texts to the caller run through.
#[utoipa::path(
    get,
    path = "/v1/flows",
    tag = "contacts",
    security(("token" = ["contacts"])),
    responses((status = 200, description = "A picture, without the secrets of webhooks",
        body = String, content_type = "image/svg+xml"), Usual)
)]
pub(super) async fn own(
    caller: Caller<Listing>,
    Shared(state): Shared<Arc<State>>,
) -> Result<Response, Problem> {
    let who = caller.who()?.clone();
    Ok(drawn(&state, &who).await)
}

/// Draws what texts to somebody run through.
#[utoipa::path(
    get,
    path = "/v1/flows/{name}",
    tag = "operator",
    security(("token" = ["operator"])),
    params(("name" = String, Path, description = "The name with its network", example = "alice@aol")),
    responses(
        (status = 200, description = "A picture, without the secrets of webhooks", body = String,
            content_type = "image/svg+xml"),
        (status = 422, description = "Nobody has that name", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn of_person(
    _: Caller<Operating>,
    Shared(state): Shared<Arc<State>>,
    body::Path(name): body::Path<String>,
) -> Result<Response, Problem> {
    let who = address(&state.names, &name)?;
    Ok(drawn(&state, &who).await)
}

async fn drawn(state: &State, who: &Address) -> Response {
    let list = state.overlay.load(who).await;
    let picture = state.router.picture_of_flows(list.settings());
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        // Whatever it shows, nothing in it is run or fetched.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    (headers, picture).into_response()
}
