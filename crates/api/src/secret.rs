//! Secrets of tokens: what a program shows, and the hash that is kept of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crosstalk_core::Redacted;
use ring::digest;

/// The beginning of every token, by which programs that look for leaked secrets know it.
const MARK: &str = "ct_";
/// Bytes of a secret: nobody guesses them, so that a plain hash keeps it safe.
const BYTES: usize = 32;

/// The hash of a token, which is all that is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hash(pub(crate) [u8; 32]);

impl Hash {
    /// The hash of a token as a program shows it; `None` where it is none.
    pub(crate) fn of(shown: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(shown.strip_prefix(MARK)?).ok()?;
        (bytes.len() == BYTES).then(|| Self(sha256(&[&bytes])))
    }
}

/// A new token and its hash.
pub(crate) fn make() -> (Redacted<String>, Hash) {
    let bytes: [u8; BYTES] = rand::random();
    let shown = format!("{MARK}{}", URL_SAFE_NO_PAD.encode(bytes));
    (shown.into(), Hash(sha256(&[&bytes])))
}

/// The hash of several parts, each with its length, so that no two lists of parts are the same.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_and_never_shown_by_accident() {
        let (token, hash) = make();
        assert_eq!(Hash::of(token.expose()), Some(hash));
        assert_ne!(make().1, hash);
        assert_eq!(format!("{token:?}"), "[private]");
        let shown = token.expose();
        for wrong in ["", "ct_", &shown[3..], &format!("{shown}x"), &shown[..20], "ct_\u{e4}"] {
            assert_eq!(Hash::of(wrong), None, "{wrong}");
        }
    }
}
