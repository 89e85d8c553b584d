//! Passkeys at the chat page: made by who is signed in, and shown to sign in (Web Authentication).

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::sign_in::{Page, let_in, problem};
use crate::accounts::Shown;
use crate::http::body;
use crate::http::caller::{Anything, Caller};
use crate::http::problem::Problem;
use crate::passkey::{Statement, site};
use crate::secret::{Hash, sha256};
use crate::state::{State, unusable};
use crate::store::Token;

/// What an authenticator is asked.
#[derive(Serialize)]
pub(super) struct Asked {
    challenge: String,
    /// The site that passkeys belong to.
    site: String,
    /// The person as authenticators know that one, who need not know the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

/// What a browser got from an authenticator: bytes in base64url.
#[derive(Deserialize)]
pub(super) struct Answer {
    id: String,
    client_data: String,
    authenticator_data: String,
    /// The public key of a new passkey, or the signature of one that is known.
    proof: String,
}

impl Answer {
    /// The parts as bytes.
    fn read(&self) -> Option<[Vec<u8>; 4]> {
        let Self { id, client_data, authenticator_data, proof } = self;
        let parts = [id, client_data, authenticator_data, proof].map(|p| URL_SAFE_NO_PAD.decode(p));
        let [Ok(id), Ok(client_data), Ok(authenticator_data), Ok(proof)] = parts else {
            return None;
        };
        Some([id, client_data, authenticator_data, proof])
    }
}

fn shown([id, client_data, authenticator_data, proof]: &[Vec<u8>; 4]) -> Shown<'_> {
    Shown { id, statement: Statement { client_data, authenticator_data }, proof }
}

/// Asks for a new passkey.
pub(super) async fn begin(
    page: Page,
    caller: Caller<Anything>,
    Shared(state): Shared<Arc<State>>,
) -> Result<Json<Asked>, Problem> {
    let who = &session(&caller)?.1.who;
    let challenge = state.accounts.challenge_of(who);
    let user = Some(URL_SAFE_NO_PAD.encode(sha256(&[b"passkeys", who.as_bytes()])));
    Ok(Json(Asked { challenge, site: page.site(&state)?, user }))
}

/// Keeps a new passkey of whoever is signed in.
pub(super) async fn add(
    _: Page,
    caller: Caller<Anything>,
    Shared(state): Shared<Arc<State>>,
    body::Json(answer): body::Json<Answer>,
) -> Result<StatusCode, Problem> {
    let (hash, session) = session(&caller)?;
    let no = || {
        Problem::invalid(
            "this passkey cannot be added: it is of a kind that is not known, \
                                  there are eight already, it took too long, or the session has ended",
        )
    };
    let parts = answer.read().ok_or_else(no)?;
    let session = (hash, &*session.who);
    let added = state.accounts.add_passkey(session, &state.origins, &shown(&parts)).await;
    if added.map_err(|error| unusable(&error))? { Ok(StatusCode::NO_CONTENT) } else { Err(no()) }
}

/// Asks for a passkey that is known.
pub(super) async fn ask(
    page: Page,
    Shared(state): Shared<Arc<State>>,
) -> Result<Json<Asked>, Problem> {
    let challenge = state.accounts.challenge();
    Ok(Json(Asked { challenge, site: page.site(&state)?, user: None }))
}

/// Signs a browser in by a passkey.
pub(super) async fn sign_in(
    _: Page,
    Shared(state): Shared<Arc<State>>,
    body::Json(answer): body::Json<Answer>,
) -> Result<Response, Problem> {
    let parts = answer.read().ok_or_else(Problem::passkey)?;
    let signed_in = state.accounts.sign_in_by_passkey(&state.origins, &shown(&parts)).await;
    let signed_in = signed_in.map_err(|refused| problem(refused, Problem::passkey))?;
    Ok(let_in(&state, signed_in))
}

impl Page {
    /// The site of the page. One at an address has none, as Web Authentication has it.
    fn site(&self, state: &State) -> Result<String, Problem> {
        let origin = self.origin.as_deref().or(state.origins.first().map(|origin| &**origin));
        origin.and_then(site).map(str::to_owned).ok_or_else(|| {
            Problem::conflict("passkeys need a name in the page's address, and not a number")
        })
    }
}

/// The session of a browser. A program's token is none, and makes no way in for people.
fn session(caller: &Caller<Anything>) -> Result<(Hash, &Token), Problem> {
    let session = caller.token().filter(|token| token.expires_at.is_some());
    caller.hash().zip(session).ok_or_else(|| Problem::token("sign in at the chat page"))
}
