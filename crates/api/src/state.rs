//! State that all calls share.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crosstalk_core::{Address, Names, Rate, UnixMillis};
use crosstalk_gateway::router::Router;
use crosstalk_overlay::Overlay;
use tokio::task::JoinError;

use crate::accounts::Accounts;
use crate::directory::Directory;
use crate::http::cookie::Cookie;
use crate::http::problem::Problem;
use crate::idempotency::Keys;
use crate::people::{People, Present};
use crate::scope::Scope;
use crate::secret::Hash;
use crate::store::{NewToken, Store, StoreError, Token};
use crate::tokens::Tokens;
use crate::uploads::Uploads;

/// The parts of a gateway that its API is about.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) overlay: Overlay,
    pub(crate) router: Router,
    pub(crate) names: Arc<Names>,
    pub(crate) people: Arc<People>,
    pub(crate) keys: Keys,
    /// People who have only a browser.
    pub(crate) accounts: Arc<Accounts>,
    /// The origins of the gateway's own pages, in which the addresses begin at which others get
    /// files. The first one is told; none where no door is open to others.
    pub(crate) origins: Vec<String>,
    /// The cookie of browsers.
    pub(crate) cookie: Cookie,
    /// Files that are being written.
    pub(crate) uploads: Uploads,
    pub(crate) directory: Directory,
    /// The tokens of programs.
    pub(crate) tokens: Tokens,
    /// Held while a token is made or revoked on disk and until `tokens` has it so.
    changing: tokio::sync::Mutex<()>,
    draining: AtomicBool,
}

impl State {
    /// The state at the start, with the tokens of the store.
    pub(crate) fn new(
        store: Store,
        overlay: Overlay,
        router: Router,
        names: Arc<Names>,
        tokens: Vec<(Hash, Token)>,
        accounts: Accounts,
        origins: Vec<String>,
    ) -> Self {
        let known = Tokens::default();
        known.set(tokens);
        let people = Arc::clone(&accounts.people);
        let (keys, draining) = (Keys::default(), AtomicBool::new(false));
        let (changing, uploads) = (tokio::sync::Mutex::default(), Uploads::default());
        let (accounts, cookie) = (Arc::new(accounts), Cookie::of(origins.first().map(|o| &**o)));
        Self {
            store,
            overlay,
            router,
            names,
            people,
            keys,
            accounts,
            origins,
            cookie,
            uploads,
            directory: Directory::default(),
            tokens: known,
            changing,
            draining,
        }
    }

    /// The token with that hash, of a program or of a browser's session.
    pub(crate) fn token(&self, hash: &Hash) -> Option<Arc<Token>> {
        let now = now();
        self.tokens.get(hash, now).or_else(|| self.accounts.sessions.get(hash, now))
    }

    /// Makes a token; none where there are very many. Like [`revoke_token`](Self::revoke_token), it
    /// goes on when the caller hangs up: what is on disk is what holds.
    pub(crate) async fn make_token(
        self: &Arc<Self>,
        who: Address,
        scopes: Vec<Scope>,
    ) -> Result<Option<NewToken>, Problem> {
        let state = Arc::clone(self);
        let made = tokio::spawn(async move {
            let _turn = state.changing.lock().await;
            let Some((hash, made)) = state.store.make_token(who, scopes, now()).await? else {
                return Ok(None);
            };
            state.tokens.insert(hash, made.token.clone());
            Ok(Some(made))
        });
        finished(made.await)
    }

    /// Revokes a token. Returns whether there was one.
    pub(crate) async fn revoke_token(self: &Arc<Self>, id: String) -> Result<bool, Problem> {
        let state = Arc::clone(self);
        let revoked = tokio::spawn(async move {
            let _turn = state.changing.lock().await;
            let Some(hash) = state.store.revoke_token(id).await? else { return Ok(false) };
            state.tokens.remove(&hash);
            state.people.tokens_changed();
            Ok(true)
        });
        finished(revoked.await)
    }

    /// Forgets somebody. It goes on when the caller hangs up.
    pub(crate) async fn wipe(self: &Arc<Self>, who: Address) -> Result<(), Problem> {
        let state = Arc::clone(self);
        let wiped = tokio::spawn(async move {
            // First, so that nobody who is signed in puts back what is forgotten.
            state.accounts.close(&who).await?;
            state.overlay.wipe(&who).await;
            state.people.forget(&who).await?;
            Ok(state.router.forget_archive(&who).await)
        });
        if finished(wiped.await)? { Ok(()) } else { Err(Problem::disk()) }
    }

    /// Signs somebody on in whose name something is done.
    pub(crate) async fn enter(&self, who: &Address) -> Result<Present, Problem> {
        self.takes_calls()?;
        self.people.enter(who).await.map_err(|error| unusable(&error))
    }

    /// Counts a request of a token. Returns for how long it has to wait, where there were too many.
    pub(crate) fn pace(&self, hash: Hash, now: Instant, pace: Rate) -> Option<Duration> {
        let wait = self.tokens.pace(&hash, now, pace);
        wait.or_else(|| self.accounts.sessions.pace(&hash, now, pace))
    }

    /// Takes nothing new from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.people.drain();
    }

    /// Whether the gateway is stopping.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Fails where the gateway is stopping.
    pub(crate) fn takes_calls(&self) -> Result<(), Problem> {
        if self.is_draining() { Err(Problem::draining()) } else { Ok(()) }
    }
}

/// The present.
pub(crate) fn now() -> UnixMillis {
    UnixMillis::from(SystemTime::now())
}

/// The result of a task that changes the store.
fn finished<T>(done: Result<Result<T, StoreError>, JoinError>) -> Result<T, Problem> {
    let done = done.unwrap_or_else(|error| Err(StoreError::File(io::Error::other(error))));
    done.map_err(|error| unusable(&error))
}

/// A problem of the store, which the operator reads more of in the log.
pub(crate) fn unusable(error: &StoreError) -> Problem {
    tracing::error!(%error, "the API cannot use its store");
    Problem::disk()
}
