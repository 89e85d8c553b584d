//! Tokens of programs, and sessions of browsers, as calls look them up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crosstalk_core::{Bucket, Rate, UnixMillis};

use crate::lock::lock;
use crate::secret::Hash;
use crate::store::Token;

/// A token, and how much it was used lately.
struct Known {
    token: Arc<Token>,
    used: Bucket,
}

impl Known {
    fn new(token: Token, now: Instant) -> Self {
        Self { token: Arc::new(token), used: Bucket::full(now) }
    }
}

/// The tokens that there are.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<Hash, Known>>);

impl Tokens {
    /// The token with that hash, unless it has ended.
    pub(crate) fn get(&self, hash: &Hash, now: UnixMillis) -> Option<Arc<Token>> {
        let tokens = lock(&self.0);
        let token = &tokens.get(hash)?.token;
        token.expires_at.is_none_or(|at| at > now.0).then(|| Arc::clone(token))
    }

    /// Every token, the oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<Token>> {
        let mut all: Vec<_> =
            lock(&self.0).values().map(|known| Arc::clone(&known.token)).collect();
        all.sort_by(|a, b| (a.made_at, &a.id).cmp(&(b.made_at, &b.id)));
        all
    }

    /// The hash of the token of that name.
    pub(crate) fn find(&self, id: &str) -> Option<Hash> {
        let tokens = lock(&self.0);
        tokens.iter().find(|(_, known)| known.token.id == id).map(|(hash, _)| *hash)
    }

    /// Takes in all tokens as they are in the store now.
    pub(crate) fn set(&self, tokens: Vec<(Hash, Token)>) {
        let now = Instant::now();
        let mut known = lock(&self.0);
        let mut before = std::mem::take(&mut *known);
        known.extend(tokens.into_iter().map(|(hash, token)| {
            let used = before.remove(&hash).map_or(Bucket::full(now), |known| known.used);
            (hash, Known { used, ..Known::new(token, now) })
        }));
    }

    /// Takes in a new one.
    pub(crate) fn insert(&self, hash: Hash, token: Token) {
        lock(&self.0).insert(hash, Known::new(token, Instant::now()));
    }

    /// Forgets one.
    pub(crate) fn remove(&self, hash: &Hash) {
        lock(&self.0).remove(hash);
    }

    /// Counts a request. Returns for how long it has to wait, where there were too many.
    pub(crate) fn pace(&self, hash: &Hash, now: Instant, pace: Rate) -> Option<Duration> {
        let mut tokens = lock(&self.0);
        let used = &mut tokens.get_mut(hash)?.used;
        if used.take(now, pace, 1) {
            return None;
        }
        // What was refused costs nothing, so this is the time until one more is let through.
        let mut asked = *used;
        asked.owe(now, pace, 1)
    }
}
