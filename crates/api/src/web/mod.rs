//! The chat page for people who have only a browser, and how they sign in there. Everything else the
//! page does by the calls that programs have.

mod invite;
mod pages;
mod passkeys;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::State;

pub use invite::{InviteWanted, NewInvite};

/// The path of the page.
const PATH: &str = "/web/";

/// The calls of operators about people with a browser, with their description.
pub(crate) fn calls() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(invite::make))
}

/// The page, and how a browser signs in: by an invite, a password or a passkey, and no token.
pub(crate) fn pages() -> Router<Arc<State>> {
    Router::new()
        .route("/web", get(async || Redirect::permanent(PATH)))
        .route(PATH, get(pages::index))
        .route("/web/{file}", get(pages::file))
        .route("/web/invite", post(sign_in::invited))
        .route("/web/account", post(sign_in::accept))
        .route("/web/session", post(sign_in::sign_in).delete(sign_in::sign_out))
        .route("/web/session/passkey", post(passkeys::sign_in))
        .route("/web/passkeys", post(passkeys::add))
        .route("/web/passkeys/new", post(passkeys::begin))
        .route("/web/passkeys/challenge", post(passkeys::ask))
}
