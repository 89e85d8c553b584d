//! Cache of recent look-ups.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hashlink::LruCache;

use super::Unresolved;

/// The most names kept; the one that was not asked for the longest makes room.
const NAMES: usize = 4096;
/// The least time for which an answer holds, also that there is none: whoever asks for a name
/// again and again asks its servers no more often.
const LEAST: Duration = Duration::from_secs(5);
/// The most time for which addresses hold.
const MOST: Duration = Duration::from_hours(1);
/// The most time for which it holds that there are none.
const MOST_NONE: Duration = Duration::from_mins(1);

/// The records of names, or why there are none, for as long as their owner says and within
/// bounds.
pub(super) struct Cache<T> {
    names: Mutex<LruCache<String, Entry<T>>>,
}

struct Entry<T> {
    records: Result<Arc<[T]>, Unresolved>,
    until: Instant,
}

impl<T> Cache<T> {
    pub(super) fn new() -> Self {
        Self { names: Mutex::new(LruCache::new(NAMES)) }
    }

    /// The answer for `name` that is cached and has not expired.
    pub(super) fn get(&self, name: &str) -> Option<Result<Arc<[T]>, Unresolved>> {
        let mut names = self.lock();
        let entry = names.get(name)?;
        if entry.until > Instant::now() {
            return Some(entry.records.clone());
        }
        names.remove(name);
        None
    }

    /// Keeps what was found until then, not less and not more than the bounds say.
    pub(super) fn put(&self, name: String, records: Result<Arc<[T]>, Unresolved>, until: Instant) {
        let most = if records.is_ok() { MOST } else { MOST_NONE };
        let now = Instant::now();
        let until = until.clamp(now + LEAST, now + most);
        self.lock().insert(name, Entry { records, until });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<String, Entry<T>>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_cache_forgets_the_name_that_was_not_asked_for_the_longest() {
        let cache = Cache::new();
        let later = Instant::now() + MOST;
        for i in 0..NAMES {
            cache.put(i.to_string(), Ok([i].into()), later);
        }
        assert!(cache.get("0").is_some());
        cache.put("one more".to_owned(), Err(Unresolved::Unknown), later);
        assert!(cache.get("0").is_some() && cache.get("1").is_none());
        assert_eq!(cache.get("one more"), Some(Err(Unresolved::Unknown)));
        assert_eq!(cache.lock().len(), NAMES);
    }

    #[test]
    fn answers_hold_neither_for_ever_nor_for_no_time() {
        let cache = Cache::<u8>::new();
        let (now, far) = (Instant::now(), Instant::now() + Duration::from_hours(999));
        for (name, records, until, least, most) in [
            ("short", Ok([1].into()), now, LEAST, LEAST),
            ("long", Ok([1].into()), far, MOST, MOST),
            ("none", Err(Unresolved::Unknown), far, MOST_NONE, MOST_NONE),
            ("dead", Err(Unresolved::Silent), now, LEAST, LEAST),
        ] {
            cache.put(name.to_owned(), records, until);
            let names = cache.lock();
            let held = names.peek(name).unwrap().until - now;
            assert!(held >= least && held < most + Duration::from_secs(1), "{name}: {held:?}");
        }
    }
}
