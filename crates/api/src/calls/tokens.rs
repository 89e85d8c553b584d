//! Calls about tokens.

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use crosstalk_core::{Address, OWN_NETWORKS};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::body;
use crate::http::caller::{Anything, Caller, Operating};
use crate::http::problem::{OfBody, Problem, Usual};
use crate::scope::Scope;
use crate::state::{State, unusable};
use crate::store::{NewToken, Token};

/// A token to be made.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct TokenWanted {
    /// The one that it is to speak for, on one of the gateway's own networks.
    #[schema(example = "weather@apps")]
    pub who: String,
    /// What it may be used for; without this, everything but what the operator does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<Scope>>,
}

/// Lists the tokens, without their secrets, and behind them the sessions of browsers.
#[utoipa::path(
    get,
    path = "/v1/tokens",
    tag = "operator",
    security(("token" = ["operator"])),
    responses((status = 200, description = "The tokens, the oldest first, and the sessions", body = [Token]), Usual)
)]
pub(super) async fn list(
    _: Caller<Operating>,
    Shared(state): Shared<Arc<State>>,
) -> Json<Vec<Token>> {
    let (tokens, sessions) = (state.tokens.all(), state.accounts.sessions.all());
    Json(tokens.iter().chain(&sessions).map(|token| Token::clone(token)).collect())
}

/// Makes a token. Its secret is shown this once, and only its hash is kept.
#[utoipa::path(
    post,
    path = "/v1/tokens",
    tag = "operator",
    security(("token" = ["operator"])),
    request_body = TokenWanted,
    responses(
        (status = 201, description = "The token with its secret", body = NewToken),
        (status = 409, description = "There are as many tokens as there may be", body = Problem,
            content_type = "application/problem+json"),
        Usual,
        OfBody
    )
)]
pub(super) async fn make(
    caller: Caller<Operating>,
    Shared(state): Shared<Arc<State>>,
    body::Json(wanted): body::Json<TokenWanted>,
) -> Result<(StatusCode, Json<NewToken>), Problem> {
    state.takes_calls()?;
    caller.still_stands()?;
    let who = own_name(&state, &wanted.who)?;
    let scopes = wanted.scopes.unwrap_or_else(|| Scope::of_applications().collect());
    if scopes.is_empty() {
        return Err(Problem::invalid("a token without scopes opens nothing"));
    }
    let made = state
        .make_token(who, scopes)
        .await?
        .ok_or_else(|| Problem::conflict("there are too many tokens: revoke some"))?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Revokes a token, or ends the session of a browser.
#[utoipa::path(
    delete,
    path = "/v1/tokens/{id}",
    tag = "operator",
    security(("token" = ["operator"])),
    params(("id" = String, Path, description = "The name of the token")),
    responses(
        (status = 204, description = "Nobody can use it any more"),
        (status = 404, description = "There is no such token", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn revoke(
    _: Caller<Operating>,
    Shared(state): Shared<Arc<State>>,
    body::Path(id): body::Path<String>,
) -> Result<StatusCode, Problem> {
    state.takes_calls()?;
    if let Some(session) = state.accounts.sessions.find(&id) {
        state.accounts.end(session).await.map_err(|e| unusable(&e))?;
        return Ok(StatusCode::NO_CONTENT);
    }
    if state.revoke_token(id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("see /v1/tokens"))
    }
}

/// Tells a program about its own token.
#[utoipa::path(
    get,
    path = "/v1/token",
    tag = "tokens",
    security(("token" = [])),
    responses((status = 200, description = "The token that was shown", body = Token), Usual)
)]
pub(super) async fn own(caller: Caller<Anything>) -> Result<Json<Token>, Problem> {
    caller.who()?;
    caller.token().cloned().map(Json).ok_or_else(|| Problem::token("show a token"))
}

/// Name on one of the gateway's own networks.
fn own_name(state: &State, text: &str) -> Result<Address, Problem> {
    let is_own = |who: &Address| OWN_NETWORKS.contains(&who.network().as_str());
    state.names.person(text).filter(is_own).ok_or_else(|| {
        let detail = "a token is for a name such as weather@apps: up to 32 letters and digits, \
                      with single dots, hyphens and underscores between them";
        Problem::invalid(detail)
    })
}
