//! State that all calls share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crosstalk_core::{Bucket, Names, Rate, UnixMillis};
use crosstalk_gateway::router::Router;
use crosstalk_overlay::Overlay;

use crate::http::problem::Problem;
use crate::secret::Hash;
use crate::store::{Store, Token};

/// The parts of a gateway that its API is about.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) overlay: Overlay,
    pub(crate) router: Router,
    pub(crate) names: Arc<Names>,
    tokens: Mutex<HashMap<Hash, Known>>,
    draining: AtomicBool,
}

/// A token, and how much it was used lately.
struct Known {
    token: Arc<Token>,
    used: Bucket,
}

impl State {
    /// The state at the start, with the tokens of the store.
    pub(crate) fn new(
        store: Store,
        overlay: Overlay,
        router: Router,
        names: Arc<Names>,
        tokens: Vec<(Hash, Token)>,
    ) -> Self {
        let now = Instant::now();
        let known =
            |(hash, token)| (hash, Known { token: Arc::new(token), used: Bucket::full(now) });
        let tokens = Mutex::new(tokens.into_iter().map(known).collect());
        Self { store, overlay, router, names, tokens, draining: AtomicBool::new(false) }
    }

    /// The token with that hash.
    pub(crate) fn token(&self, hash: &Hash) -> Option<Arc<Token>> {
        lock(&self.tokens).get(hash).map(|known| Arc::clone(&known.token))
    }

    /// Every token, the oldest first.
    pub(crate) fn tokens(&self) -> Vec<Arc<Token>> {
        let mut all: Vec<_> =
            lock(&self.tokens).values().map(|known| Arc::clone(&known.token)).collect();
        all.sort_by(|a, b| (a.made_at, &a.id).cmp(&(b.made_at, &b.id)));
        all
    }

    /// Takes in the tokens as they are in the store now.
    pub(crate) fn set_tokens(&self, tokens: Vec<(Hash, Token)>) {
        let mut known = lock(&self.tokens);
        let now = Instant::now();
        let mut before = std::mem::take(&mut *known);
        known.extend(tokens.into_iter().map(|(hash, token)| {
            let used = before.remove(&hash).map_or(Bucket::full(now), |known| known.used);
            (hash, Known { token: Arc::new(token), used })
        }));
    }

    /// Counts a request of a token. Returns for how long it has to wait, where there were too many.
    pub(crate) fn pace(&self, hash: Hash, now: Instant, pace: Rate) -> Option<Duration> {
        let mut tokens = lock(&self.tokens);
        let used = &mut tokens.get_mut(&hash)?.used;
        if used.take(now, pace, 1) {
            return None;
        }
        // What was refused costs nothing, so this is the time until one more is let through.
        let mut asked = *used;
        asked.owe(now, pace, 1)
    }

    /// Takes nothing new from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
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

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere must not take everybody's calls along.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
