//! Everything that is stored about a person: written down, and forgotten.

mod content;
mod lines;

use std::io;
use std::sync::Arc;

use crosstalk_core::Address;

use crosstalk_overlay::Wiped;

use crate::http::problem::Problem;
use crate::state::{State, unusable};
use crate::store::StoreError;

pub(crate) use content::Export;
pub(crate) use lines::part;

/// Forgets everything about somebody at every gateway, but the tokens. It goes on when the caller
/// hangs up.
pub(crate) async fn forget_everything(state: &Arc<State>, who: &Address) -> Result<Wiped, Problem> {
    let (state, who) = (Arc::clone(state), who.clone());
    let forgotten = tokio::spawn(async move {
        let wiped = state.overlay.wipe(&who).await;
        forget(&state, &who).await.map_err(|error| unusable(&error))?;
        let is_in_no_archive = state.router.forget_archive(&who).await;
        if is_in_no_archive { Ok(wiped) } else { Err(Problem::disk()) }
    });
    forgotten.await.unwrap_or_else(|_| Err(Problem::disk()))
}

/// Forgets what the API keeps for somebody but the tokens, and how that one signs in. What others'
/// programs were told is theirs. It goes on when the caller hangs up.
pub(crate) async fn forget(state: &Arc<State>, who: &Address) -> Result<(), StoreError> {
    let (state, who) = (Arc::clone(state), who.clone());
    let forgotten = tokio::spawn(async move {
        // First, so that nobody comes in by a session while the rest goes.
        state.accounts.close(&who).await?;
        state.people.forget_own(&who).await
    });
    forgotten.await.unwrap_or_else(|error| Err(StoreError::File(io::Error::other(error))))
}
