//! News from outside for accounts.

use std::sync::Weak;

use crosstalk_router::Input;
use tokio::sync::mpsc;

use super::RouterState;
use crate::status::News;

/// Tells accounts what comes from outside, until the router is gone. Who signed off meanwhile is
/// told nothing.
pub(super) async fn listen(router: Weak<RouterState>, mut news: mpsc::Receiver<News>) {
    while let Some(News { user, change }) = news.recv().await {
        let Some(state) = router.upgrade() else { return };
        if let Some(slot) = state.accounts.get(&user) {
            state.apply(&slot, Input::Change(change));
        }
    }
}
