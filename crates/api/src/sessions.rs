//! Sessions of browsers, as calls look them up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crosstalk_core::{Bucket, Rate, UnixMillis};

use crate::lock::lock;
use crate::secret::Hash;
use crate::store::Token;

/// A session, and how much it was used lately.
struct Known {
    token: Arc<Token>,
    used: Bucket,
}

/// The sessions that there are.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<Hash, Known>>);

impl Sessions {
    /// The session with that hash, unless it has ended.
    pub(crate) fn get(&self, hash: &Hash, now: UnixMillis) -> Option<Arc<Token>> {
        let sessions = lock(&self.0);
        let token = &sessions.get(hash)?.token;
        token.expires_at.is_some_and(|at| at > now.0).then(|| Arc::clone(token))
    }

    /// Every session.
    pub(crate) fn all(&self) -> Vec<Arc<Token>> {
        lock(&self.0).values().map(|known| Arc::clone(&known.token)).collect()
    }

    /// The hash of the session of that name.
    pub(crate) fn find(&self, id: &str) -> Option<Hash> {
        let sessions = lock(&self.0);
        sessions.iter().find(|(_, known)| known.token.id == id).map(|(hash, _)| *hash)
    }

    /// Takes in the sessions as they are in the store now.
    pub(crate) fn set(&self, sessions: Vec<(Hash, Token)>) {
        let now = Instant::now();
        let mut known = lock(&self.0);
        let mut before = std::mem::take(&mut *known);
        known.extend(sessions.into_iter().map(|(hash, token)| {
            let used = before.remove(&hash).map_or(Bucket::full(now), |known| known.used);
            (hash, Known { token: Arc::new(token), used })
        }));
    }

    /// Counts a request. Returns for how long it has to wait, where there were too many.
    pub(crate) fn pace(&self, hash: &Hash, now: Instant, pace: Rate) -> Option<Duration> {
        let mut sessions = lock(&self.0);
        let used = &mut sessions.get_mut(hash)?.used;
        if used.take(now, pace, 1) {
            return None;
        }
        // What was refused costs nothing, so this is the time until one more is let through.
        let mut asked = *used;
        asked.owe(now, pace, 1)
    }
}
