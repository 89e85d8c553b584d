//! Passwords: hashed by Argon2id, one at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use crosstalk_core::Redacted;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The fewest characters of a password (NIST SP 800-63B asks for 8), and the most bytes.
pub(crate) const LEAST: usize = 10;
pub(crate) const MOST: usize = 256;
/// Longest wait for one's turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of the salt of each password.
const SALT: usize = 16;

/// The place where passwords are hashed. Each takes 19 MiB and some hundredths of a second (the
/// parameters that OWASP recommends, which are the library's usual ones), so it is one at a time.
pub(crate) struct Hashing(Arc<Semaphore>);

/// The turn of somebody whose password is hashed. It lasts as long as the hashing does, which nothing
/// stops that has begun, also where nobody waits for it any more.
pub(crate) struct Turn(Arc<OwnedSemaphorePermit>);

impl Default for Hashing {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Hashing {
    /// Waits for one's turn; none where too many wait.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.0).acquire_owned()).await;
        turn.ok().and_then(Result::ok).map(|turn| Turn(Arc::new(turn)))
    }
}

impl Turn {
    /// The hash of a password, with its salt, as a PHC string.
    pub(crate) async fn hash(&self, password: Redacted<String>) -> Option<String> {
        self.away(move || hashed(password.expose())).await.flatten()
    }

    /// Whether a password is the one that was hashed so. It takes as long where there is none, so that
    /// nobody learns who is known.
    pub(crate) async fn is_it(&self, password: Redacted<String>, hash: Option<String>) -> bool {
        let is_it = move || {
            if let Some(Ok(hash)) = hash.as_deref().map(PasswordHash::new) {
                let password = password.expose().as_bytes();
                Argon2::default().verify_password(password, &hash).is_ok()
            } else {
                let _ = hashed(password.expose());
                false
            }
        };
        self.away(is_it).await.unwrap_or_default()
    }

    /// Does what takes long on a thread for that, which holds the turn.
    async fn away<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let turn = Arc::clone(&self.0);
        let work = move || {
            let done = work();
            drop(turn);
            done
        };
        tokio::task::spawn_blocking(work).await.ok()
    }
}

fn hashed(password: &str) -> Option<String> {
    let salt: [u8; SALT] = rand::random();
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.ok().map(|hash| hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_same_password_is_it() {
        let hashing = Hashing::default();
        let turn = hashing.turn().await.unwrap();
        let words = |words: &str| Redacted::new(words.to_owned());
        let hash = turn.hash(words("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(turn.hash(words("correct horse")).await.unwrap(), hash, "each has its salt");
        assert!(turn.is_it(words("correct horse"), Some(hash.clone())).await);
        assert!(!turn.is_it(words("correct hors"), Some(hash)).await);
        for broken in [None, Some(String::new()), Some("$argon2id$v=19$m=1".into())] {
            assert!(!turn.is_it(words(""), broken).await);
        }
    }

    #[tokio::test]
    async fn whoever_gives_up_keeps_the_turn_until_the_hash_is_made() {
        let hashing = Hashing::default();
        let turn = hashing.turn().await.unwrap();
        let mut is_it = Box::pin(turn.is_it(Redacted::new("correct horse".into()), None));
        assert!(futures_util::poll!(&mut is_it).is_pending());
        let held = Arc::downgrade(&turn.0);
        drop(is_it);
        drop(turn);
        assert_eq!(hashing.0.available_permits(), 0, "the hash is being made");
        assert!(hashing.turn().await.is_some());
        assert!(held.upgrade().is_none());
    }
}
