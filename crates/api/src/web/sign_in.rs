//! Signing in at the chat page: by an invite once, and by a password after that.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, State as Shared};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use crosstalk_core::{Address, Redacted};
use serde::{Deserialize, Serialize};

use super::invite::name;
use crate::accounts::{Refused, SESSION_AGE, SignedIn};
use crate::http::body;
use crate::http::caller::Client;
use crate::http::origin;
use crate::http::problem::Problem;
use crate::password;
use crate::secret::Hash;
use crate::state::{State, unusable};

/// A page of the gateway's own that asks: nobody else's page signs a browser in or out.
pub(super) struct Page {
    client: IpAddr,
    /// Its origin, which browsers name when something is to be changed.
    pub(super) origin: Option<String>,
}

impl FromRequestParts<Arc<State>> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Problem> {
        if !origin::is_own(&parts.headers, &state.origins) {
            return Err(Problem::origin());
        }
        state.takes_calls()?;
        let client = parts.extensions.get::<Client>();
        let client = client.map_or(Ipv4Addr::LOCALHOST.into(), |client| client.0);
        let origin = parts.headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        Ok(Self { client, origin: origin.map(str::to_owned) })
    }
}

/// The secret of an invite.
#[derive(Deserialize)]
pub(super) struct Shown {
    invite: Redacted<String>,
}

/// The person that an invite is for.
#[derive(Serialize)]
pub(super) struct Invited {
    who: String,
}

/// Says whom an invite is for, and leaves it as it is.
pub(super) async fn invited(
    _: Page,
    Shared(state): Shared<Arc<State>>,
    body::Json(Shown { invite }): body::Json<Shown>,
) -> Result<Json<Invited>, Problem> {
    let invited = state.accounts.invited(invite.expose()).await;
    invited.map(|invite| Json(Invited { who: invite.who })).map_err(no_invite)
}

/// An invite, and the password that its person wants to have.
#[derive(Deserialize)]
pub(super) struct Accepted {
    invite: Redacted<String>,
    password: Redacted<String>,
}

/// Uses an invite up, sets the password, and signs the browser in.
pub(super) async fn accept(
    _: Page,
    Shared(state): Shared<Arc<State>>,
    body::Json(Accepted { invite, password }): body::Json<Accepted>,
) -> Result<Response, Problem> {
    let signed_in = state.accounts.accept(invite.expose(), password).await.map_err(no_invite)?;
    Ok(let_in(&state, signed_in))
}

/// The name and password of somebody.
#[derive(Deserialize)]
pub(super) struct Known {
    name: String,
    password: Redacted<String>,
}

/// Signs a browser in by a password.
pub(super) async fn sign_in(
    page: Page,
    Shared(state): Shared<Arc<State>>,
    body::Json(Known { name: typed, password }): body::Json<Known>,
) -> Result<Response, Problem> {
    let who: Address = name(&state.names, &typed).ok_or_else(Problem::sign_in)?;
    let signed_in = state.accounts.sign_in(page.client, &who, password).await;
    let signed_in = signed_in.map_err(|refused| problem(refused, Problem::sign_in))?;
    Ok(let_in(&state, signed_in))
}

/// Signs a browser out.
pub(super) async fn sign_out(
    _: Page,
    Shared(state): Shared<Arc<State>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(hash) = state.cookie.read(&headers).and_then(Hash::of) {
        state.accounts.end(hash).await.map_err(|error| unusable(&error))?;
    }
    let taken = state.cookie.give("", Duration::ZERO);
    Ok((StatusCode::NO_CONTENT, taken.map(|line| [(header::SET_COOKIE, line)]), ()).into_response())
}

pub(super) fn let_in(state: &State, SignedIn { secret, token }: SignedIn) -> Response {
    let given = state.cookie.give(secret.expose(), SESSION_AGE);
    (StatusCode::CREATED, given.map(|line| [(header::SET_COOKIE, line)]), Json(token))
        .into_response()
}

fn no_invite(refused: Refused) -> Problem {
    problem(refused, || {
        Problem::not_found(
            "this invite was used already, or is too old: ask whoever sent it for a new one",
        )
    })
}

pub(super) fn problem(refused: Refused, wrong: impl FnOnce() -> Problem) -> Problem {
    match refused {
        Refused::Wrong => wrong(),
        Refused::Wait(wait) => Problem::too_many(wait),
        Refused::Password => Problem::invalid(format!(
            "a password has {} characters at least and {} bytes at most, and is not the name",
            password::LEAST,
            password::MOST
        )),
        Refused::Store(error) => unusable(&error),
    }
}
