//! The API as the router asks it, for people who tell their clients.

use std::sync::{Arc, Weak};

use axum::body::Body;
use crosstalk_core::Address;
use crosstalk_gateway::router::{Doing, Exported, Keeper};
use crosstalk_overlay as overlay;

use super::files;
use crate::http::problem::Problem;
use crate::records::{self, Export};
use crate::state::{State, unusable};

/// The API, as the router asks it for what it keeps of people.
pub(crate) struct OfApi(Weak<State>);

impl OfApi {
    /// The API with that state, which holds the router itself.
    pub(crate) fn of(state: &Arc<State>) -> Arc<dyn Keeper> {
        Arc::new(Self(Arc::downgrade(state)))
    }
}

impl Keeper for OfApi {
    fn forget<'a>(&'a self, who: &'a Address) -> Doing<'a, bool> {
        Box::pin(async move {
            let Some(state) = self.0.upgrade() else { return false };
            let forgotten = records::forget(&state, who).await;
            forgotten.inspect_err(|error| drop(unusable(error))).is_ok()
        })
    }

    fn export<'a>(
        &'a self,
        who: &'a Address,
        stored: overlay::Records,
        part: Option<usize>,
    ) -> Doing<'a, Option<Exported>> {
        Box::pin(async move {
            let state = self.0.upgrade()?;
            let export = Export::gather(&state, who, stored).await;
            let export = export.inspect_err(|error| drop(unusable(error))).ok()?;
            // Without an address for others, or with too many files there, messages will do.
            if part.is_none() && !state.origins.is_empty() {
                let json = serde_json::to_vec_pretty(&export).unwrap_or_default();
                if let Ok(link) = offer(&state, who, json).await {
                    return Some(Exported::Link(link));
                }
            }
            Some(records::part(&export, part.unwrap_or(1)))
        })
    }
}

/// Offers an export of somebody as a file. Returns its link.
async fn offer(state: &State, who: &Address, json: Vec<u8>) -> Result<String, Problem> {
    let named = ("crosstalk-export.json".to_owned(), "application/json".to_owned());
    let size = json.len() as u64;
    Ok(files::store(state, who, named, (Body::from(json), size), || Ok(())).await?.1)
}
