//! Challenges that passkeys sign: each is good for one purpose, some minutes, and once.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crosstalk_core::UnixMillis;
use ring::hmac;

use crate::lock::lock;

/// For how long one is good: people look for their keys.
const AGE: Duration = Duration::from_mins(5);
/// Bytes of chance in one, and of the time at which it ends.
const CHANCE: usize = 16;
const TIME: usize = 8;
/// The most that are remembered to be used up.
const MOST: usize = 10_000;

/// Maker of challenges. It remembers none but those that were used, so that whoever asks for many
/// costs nothing.
pub(crate) struct Challenges {
    key: hmac::Key,
    used: Mutex<VecDeque<(u64, [u8; CHANCE])>>,
}

impl Default for Challenges {
    fn default() -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &rand::random::<[u8; 32]>());
        Self { key, used: Mutex::default() }
    }
}

impl Challenges {
    /// A new one for a purpose.
    pub(crate) fn make(&self, purpose: &str, now: UnixMillis) -> String {
        let mut bytes = rand::random::<[u8; CHANCE]>().to_vec();
        bytes.extend((now.0 + AGE.as_millis() as u64).to_be_bytes());
        let mac = hmac::sign(&self.key, &[purpose.as_bytes(), &bytes].concat());
        bytes.extend(mac.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether one was made for a purpose, and may still be used.
    pub(crate) fn is_good(&self, purpose: &str, challenge: &str, now: UnixMillis) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(challenge) else { return false };
        let Some((said, mac)) = bytes.split_at_checked(CHANCE + TIME) else { return false };
        let signed = [purpose.as_bytes(), said].concat();
        hmac::verify(&self.key, &signed, mac).is_ok()
            && read(said).is_some_and(|(ends, _)| ends > now.0)
    }

    /// Uses up one that is good. Returns whether it was not used before.
    pub(crate) fn use_up(&self, challenge: &str, now: UnixMillis) -> bool {
        let bytes = URL_SAFE_NO_PAD.decode(challenge).unwrap_or_default();
        let Some((ends, chance)) = read(&bytes) else { return false };
        let mut used = lock(&self.used);
        while used.front().is_some_and(|(ends, _)| *ends <= now.0) || used.len() >= MOST {
            used.pop_front();
        }
        let is_new = !used.iter().any(|(_, other)| *other == chance);
        if is_new {
            used.push_back((ends, chance));
        }
        is_new
    }
}

/// The time at which a challenge ends, and its chance.
fn read(bytes: &[u8]) -> Option<(u64, [u8; CHANCE])> {
    let (chance, rest) = bytes.split_first_chunk()?;
    Some((u64::from_be_bytes(*rest.first_chunk()?), *chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_for_one_purpose_a_while_and_once() {
        let (challenges, now) = (Challenges::default(), UnixMillis(1_000_000));
        let made = challenges.make("sign in", now);
        assert!(challenges.is_good("sign in", &made, now));
        assert!(!challenges.is_good("add ann@web", &made, now));
        assert!(!challenges.is_good("sign in", &made, UnixMillis(now.0 + AGE.as_millis() as u64)));
        assert!(!Challenges::default().is_good("sign in", &made, now), "another gateway's");
        for wrong in ["", "x", &made[1..], &format!("{made}AAAA")] {
            assert!(!challenges.is_good("sign in", wrong, now), "{wrong}");
        }
        assert!(challenges.use_up(&made, now));
        assert!(!challenges.use_up(&made, now));
        assert!(challenges.use_up(&challenges.make("sign in", now), now));
    }
}
