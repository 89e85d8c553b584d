//! Key by which tokens of people are encrypted where they are stored.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use crosstalk_core::{Address, Redacted};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::hex;

/// Length of the key in bytes; the file has two hexadecimal digits for each.
const LENGTH: usize = 32;

/// A key for tokens: ChaCha20-Poly1305 (RFC 8439).
pub(super) struct Key(LessSafeKey);

impl Key {
    /// Reads the key in a file. Where there is none and `makes` says so, it is made.
    pub(super) fn read(path: &Path, makes: bool) -> Result<Self, String> {
        let text = match fs::read_to_string(path) {
            Err(error) if makes && error.kind() == ErrorKind::NotFound => make(path)?,
            text => text.map_err(|error| error.to_string())?,
        };
        let mode = fs::metadata(path).map_err(|error| error.to_string())?.mode();
        if mode & 0o007 != 0 {
            return Err("everybody on this machine can read it: chmod 600 it".to_owned());
        }
        let bytes = read(text.trim()).ok_or(
            "this is no key: 64 hexadecimal digits, such as `openssl rand -hex 32` prints",
        )?;
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8; LENGTH]) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, bytes);
        // The length is that of the algorithm's keys, the only thing that can be wrong.
        Self(LessSafeKey::new(key.expect("a key of 32 bytes")))
    }

    /// Encrypts a token of `user` for an account at a site, and for no other.
    pub(super) fn seal(&self, user: &Address, account: &str, token: &Redacted<String>) -> String {
        // Of 2^32 random nonces under one key hardly two are the same, and each takes a person's
        // command.
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = token.expose().clone().into_bytes();
        let aad = bound_to(user, account);
        let tag = self.0.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            aad,
            &mut sealed,
        );
        let tag = tag.expect("a token is shorter than 256 GiB");
        BASE64.encode([&nonce[..], &sealed, tag.as_ref()].concat())
    }

    /// The token; none where it was encrypted with another key, or for another person or account.
    pub(super) fn open(
        &self,
        user: &Address,
        account: &str,
        sealed: &str,
    ) -> Option<Redacted<String>> {
        let mut sealed = BASE64.decode(sealed).ok()?;
        let (nonce, token) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let token = self.0.open_in_place(nonce, bound_to(user, account), token).ok()?;
        String::from_utf8(token.to_vec()).ok().map(Redacted::new)
    }
}

/// What a token is good for: who could change the settings of a person, at another home of the
/// list, could else have it sent to another host.
fn bound_to(user: &Address, account: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("crosstalk services 1\n{user}\n{account}").into_bytes())
}

/// Makes a key that only its owner can read.
fn make(path: &Path) -> Result<String, String> {
    let bytes: [u8; LENGTH] = rand::random();
    let text = hex(&bytes);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        // Tokens that are sealed with it could not be opened after a loss of power.
        file.sync_all()
    });
    written.map_err(|error| error.to_string())?;
    Ok(text)
}

fn read(text: &str) -> Option<[u8; LENGTH]> {
    if text.len() != 2 * LENGTH || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
    let bytes: Vec<u8> = (0..LENGTH).map_while(byte).collect();
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn token() -> Redacted<String> {
        "t0ken".to_owned().into()
    }

    #[test]
    fn a_token_is_opened_with_its_key_for_its_owner_and_account_only() {
        let (key, other) = (Key::of(&[1; LENGTH]), Key::of(&[2; LENGTH]));
        let (ann, bob): (Address, Address) =
            ("ann@aol".parse().unwrap(), "bob@aol".parse().unwrap());
        let sealed = key.seal(&ann, "a.test", &token());
        assert!(!sealed.contains("t0ken"));
        assert_ne!(sealed, key.seal(&ann, "a.test", &token()), "each has a nonce of its own");
        assert_eq!(key.open(&ann, "a.test", &sealed), Some(token()));
        assert_eq!(key.open(&bob, "a.test", &sealed), None);
        assert_eq!(key.open(&ann, "evil.test", &sealed), None);
        assert_eq!(other.open(&ann, "a.test", &sealed), None);
        let mut bytes = BASE64.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(key.open(&ann, "a.test", &BASE64.encode(&bytes)), None, "byte {at}");
            bytes[at] ^= 1;
        }
        for broken in ["", "AAAA", "no base64!", &sealed[..20]] {
            assert_eq!(key.open(&ann, "a.test", broken), None, "{broken}");
        }
    }

    #[test]
    fn a_key_is_made_for_its_owner_only_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("services.key");
        assert!(Key::read(&path, false).is_err());
        let key = Key::read(&path, true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let ann = "ann@aol".parse().unwrap();
        let sealed = key.seal(&ann, "a.test", &token());
        let again = Key::read(&path, true).unwrap();
        assert_eq!(again.open(&ann, "a.test", &sealed), Some(token()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Key::read(&path, true).err().unwrap().contains("chmod 600"));
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(63), &"\u{e9}".repeat(32)] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let error = Key::read(&path, true).err().unwrap();
            assert!(error.contains("openssl rand -hex 32"), "{text:?}: {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
