//! Calls about contacts: the list, and consent.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use crosstalk_core::{
    Address, Body, Consent, EnvelopeId, Event, MAX_GROUPS, MAX_LABEL, Outgoing, RichText,
    RosterEdit,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operate::address;
use crate::content::Contact;
use crate::http::body;
use crate::http::caller::{Caller, Listing};
use crate::http::problem::{OfBody, Problem, Usual};
use crate::people::Present;
use crate::state::State;

/// Longest wait for a list to change, which is done at once where it is.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for a step of consent to change something: one that changes nothing is told to
/// nobody.
const SHORT: Duration = Duration::from_millis(500);

/// Lists the contacts: those in the list, those who ask, and those who are blocked.
#[utoipa::path(
    get,
    path = "/v1/contacts",
    tag = "contacts",
    security(("token" = ["contacts"])),
    responses((status = 200, description = "The contacts, in order of name", body = [Contact]),
        Usual)
)]
pub(super) async fn list(
    caller: Caller<Listing>,
    Shared(state): Shared<Arc<State>>,
) -> Result<Json<Vec<Contact>>, Problem> {
    let present = enter(&state, &caller).await?;
    Ok(Json(present.contacts()))
}

/// A contact to be listed.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Listed {
    /// The own name for the contact.
    #[serde(default)]
    #[schema(max_length = 512)]
    alias: Option<String>,
    /// The groups.
    #[serde(default)]
    #[schema(max_items = 32)]
    groups: Vec<String>,
}

/// Puts somebody into the list, or renames or regroups a contact.
#[utoipa::path(
    put,
    path = "/v1/contacts/{name}",
    tag = "contacts",
    security(("token" = ["contacts"])),
    params(("name" = String, Path, description = "The name with its network", example = "alice@aol")),
    request_body = Listed,
    responses(
        (status = 200, description = "The contact as it is now", body = Contact),
        (status = 409, description = "The list is full, or was changed too often", body = Problem,
            content_type = "application/problem+json"),
        Usual,
        OfBody
    )
)]
pub(super) async fn put(
    caller: Caller<Listing>,
    Shared(state): Shared<Arc<State>>,
    body::Path(name): body::Path<String>,
    body::Json(Listed { alias, groups }): body::Json<Listed>,
) -> Result<Json<Contact>, Problem> {
    let contact = other(&state, &caller, &name)?;
    let labels = alias.iter().chain(&groups);
    if groups.len() > MAX_GROUPS || labels.clone().any(|label| label.len() > MAX_LABEL) {
        return Err(Problem::invalid("a name or group is at most 512 bytes long, of 32 groups"));
    }
    let spelling = state.names.universal(&contact);
    let edit = RosterEdit::List { address: contact.clone(), spelling, alias, groups };
    let listed = changed(&state, &caller, &contact, edit).await?.filter(|contact| contact.listed);
    listed.ok_or_else(not_changed).map(Json)
}

/// Takes somebody off the list; consent in both directions ends.
#[utoipa::path(
    delete,
    path = "/v1/contacts/{name}",
    tag = "contacts",
    security(("token" = ["contacts"])),
    params(("name" = String, Path, description = "The name with its network", example = "alice@aol")),
    responses(
        (status = 204, description = "The contact is not in the list"),
        (status = 409, description = "The list was changed too often", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "Nobody has that name", body = Problem,
            content_type = "application/problem+json"),
        Usual
    )
)]
pub(super) async fn remove(
    caller: Caller<Listing>,
    Shared(state): Shared<Arc<State>>,
    body::Path(name): body::Path<String>,
) -> Result<StatusCode, Problem> {
    let contact = other(&state, &caller, &name)?;
    match changed(&state, &caller, &contact, RosterEdit::Remove(contact.clone())).await? {
        Some(contact) if contact.listed => {
            Err(Problem::conflict("the list was not changed: it was changed too often"))
        }
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// Whether somebody is blocked.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Blocked {
    /// Nothing is heard of who is blocked, and nothing shown to that one.
    blocked: bool,
}

/// Blocks somebody, or no longer.
#[utoipa::path(
    put,
    path = "/v1/contacts/{name}/blocked",
    tag = "contacts",
    security(("token" = ["contacts"])),
    params(("name" = String, Path, description = "The name with its network", example = "alice@aol")),
    request_body = Blocked,
    responses(
        (status = 200, description = "As it is now", body = Blocked),
        (status = 409, description = "The list is full, or was changed too often", body = Problem,
            content_type = "application/problem+json"),
        Usual,
        OfBody
    )
)]
pub(super) async fn block(
    caller: Caller<Listing>,
    Shared(state): Shared<Arc<State>>,
    body::Path(name): body::Path<String>,
    body::Json(wanted): body::Json<Blocked>,
) -> Result<Json<Blocked>, Problem> {
    let contact = other(&state, &caller, &name)?;
    let edit = RosterEdit::Block(contact.clone(), wanted.blocked);
    let now = changed(&state, &caller, &contact, edit).await?;
    let blocked = now.is_some_and(|contact| contact.blocked);
    if blocked == wanted.blocked { Ok(Json(Blocked { blocked })) } else { Err(not_changed()) }
}

/// A step of consent.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Step {
    /// Which.
    step: StepKind,
    /// Words to somebody who is asked.
    #[serde(default)]
    #[schema(max_length = 4096)]
    words: String,
}

/// A kind of step.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum StepKind {
    /// May I see your presence?
    Request,
    /// You may see mine.
    Grant,
    /// You may not, or no longer, see mine.
    Revoke,
    /// I no longer want to see yours.
    Cancel,
}

/// Asks somebody for consent, gives it, takes it back, or gives it up.
#[utoipa::path(
    post,
    path = "/v1/contacts/{name}/consent",
    tag = "contacts",
    security(("token" = ["contacts"])),
    params(("name" = String, Path, description = "The name with its network", example = "alice@aol")),
    request_body = Step,
    responses(
        (status = 200, description = "The contact as it is now", body = Contact),
        (status = 204, description = "Done, and nothing is left to remember of that one"),
        Usual,
        OfBody
    )
)]
pub(super) async fn consent(
    caller: Caller<Listing>,
    Shared(state): Shared<Arc<State>>,
    body::Path(name): body::Path<String>,
    body::Json(Step { step, words }): body::Json<Step>,
) -> Result<Response, Problem> {
    const MAX_WORDS: usize = 4096;
    let contact = other(&state, &caller, &name)?;
    if words.len() > MAX_WORDS {
        return Err(Problem::invalid("the longest request is 4,096 bytes"));
    }
    let step = match step {
        StepKind::Request => Consent::Request(RichText::plain(words)),
        StepKind::Grant => Consent::Grant,
        StepKind::Revoke => Consent::Revoke,
        StepKind::Cancel => Consent::Cancel,
    };
    let present = enter(&state, &caller).await?;
    if let Some(wait) = present.pause() {
        return Err(Problem::too_many(wait));
    }
    let (id, body) = (EnvelopeId(rand::random()), Body::Contact(step));
    let said = Event::Send(Outgoing { id, to: contact.clone(), body, details: None });
    present.change(&contact, SHORT, said).await;
    Ok(match present.contact(&contact) {
        Some(contact) => Json(contact).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// The one that is meant, who is not the caller.
fn other(state: &State, caller: &Caller<Listing>, name: &str) -> Result<Address, Problem> {
    let contact = address(&state.names, name)?;
    if caller.who()? == &contact {
        return Err(Problem::invalid("nobody is a contact of his own"));
    }
    Ok(contact)
}

/// Signs the caller on, and waits for the list.
async fn enter(state: &State, caller: &Caller<Listing>) -> Result<Present, Problem> {
    let present = state.enter(caller.who()?).await?;
    if present.loaded().await { Ok(present) } else { Err(Problem::disk()) }
}

/// Changes the caller's list, and returns what it then has of `contact`.
async fn changed(
    state: &State,
    caller: &Caller<Listing>,
    contact: &Address,
    edit: RosterEdit,
) -> Result<Option<Contact>, Problem> {
    let present = enter(state, caller).await?;
    present.change(contact, PATIENCE, Event::Roster(edit)).await;
    Ok(present.contact(contact))
}

fn not_changed() -> Problem {
    Problem::conflict("the list was not changed: it is full, or changed too often")
}
