//! Bounds on what programs do with the directory, and those who watch it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crosstalk_core::{Bucket, Rate};
use crosstalk_overlay::{Changes, Mapping, Namespace};
use tokio::time::timeout;

use crate::http::problem::Problem;
use crate::lock::lock;
use crate::secret::Hash;
use crate::state::State;

/// The most mappings in one answer.
pub(crate) const MAX_LIST: usize = 100;
/// Mappings that one token may have kept: so many at once, and one each second over time.
const PACE: Rate = Rate::new(100, Duration::from_secs(1));
/// The most streams of one token.
const MAX_STREAMS: usize = 16;
/// Time after which a program that has too many streams may try again.
const STREAM_PAUSE: Duration = Duration::from_secs(9);
/// How often a stream on which nothing happens is looked at, whether it may go on.
const LOOK: Duration = Duration::from_secs(5);
/// The most tokens whose pace is remembered.
const MAX_PACED: usize = 4096;

/// Use that tokens make of the directory.
#[derive(Default)]
pub(crate) struct Directory {
    paces: Mutex<HashMap<Hash, Bucket>>,
    streams: Mutex<HashMap<Hash, usize>>,
}

/// A program that watches a namespace.
pub(crate) struct Reading {
    state: Arc<State>,
    hash: Hash,
    changes: Changes,
    /// Changes that are known and not told yet.
    next: VecDeque<(u64, Mapping)>,
    /// The number of the last change that was read.
    after: u64,
    _place: Place,
}

/// The place of a stream among those of its token.
struct Place(Arc<State>, Hash);

impl Directory {
    /// Counts a mapping of a token's. Returns for how long it has to wait, where there were too many.
    pub(crate) fn pace(&self, hash: Hash) -> Option<Duration> {
        let (mut paces, now) = (lock(&self.paces), Instant::now());
        if paces.len() >= MAX_PACED {
            // Those of tokens that are no more.
            paces.clear();
        }
        let used = paces.entry(hash).or_insert_with(|| Bucket::full(now));
        if used.take(now, PACE, 1) {
            return None;
        }
        // What was refused costs nothing, so this is the time until one more is let through.
        let mut asked = *used;
        asked.owe(now, PACE, 1)
    }
}

impl Place {
    fn take(state: &Arc<State>, hash: Hash) -> Option<Self> {
        let mut streams = lock(&state.directory.streams);
        let of_token = streams.entry(hash).or_default();
        if *of_token >= MAX_STREAMS {
            return None;
        }
        *of_token += 1;
        drop(streams);
        Some(Self(Arc::clone(state), hash))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut streams = lock(&self.0.directory.streams);
        if let Some(of_token) = streams.get_mut(&self.1) {
            *of_token -= 1;
            if *of_token == 0 {
                streams.remove(&self.1);
            }
        }
    }
}

impl Reading {
    /// Begins to watch behind the change of that number.
    pub(crate) fn begin(
        state: &Arc<State>,
        hash: Hash,
        namespace: Namespace,
        after: u64,
    ) -> Result<Self, Problem> {
        let too_many = || Problem::too_many(STREAM_PAUSE);
        let place = Place::take(state, hash).ok_or_else(too_many)?;
        let changes = state.overlay.watch_mappings(namespace).map_err(|_| too_many())?;
        let (state, next) = (Arc::clone(state), VecDeque::new());
        Ok(Self { state, hash, changes, next, after, _place: place })
    }

    /// The next change with its number; none where the stream is to end.
    pub(crate) async fn next(&mut self) -> Option<(u64, Mapping)> {
        loop {
            if self.state.is_draining() || self.state.token(&self.hash).is_none() {
                return None;
            }
            if let Some(next) = self.next.pop_front() {
                self.after = next.0;
                return Some(next);
            }
            if let Ok(news) = timeout(LOOK, self.changes.next(self.after)).await {
                self.next.extend(news);
            }
        }
    }
}
