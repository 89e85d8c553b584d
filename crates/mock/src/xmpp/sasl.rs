//! SASL (RFC 4422), both ends of two mechanisms: PLAIN (RFC 4616) and SCRAM-SHA-256 without
//! channel binding (RFC 5802, RFC 7677).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use crosstalk_core::Redacted;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The mechanism PLAIN.
pub(super) const PLAIN: &str = "PLAIN";
/// The mechanism SCRAM-SHA-256.
pub(super) const SCRAM: &str = "SCRAM-SHA-256";
/// Mechanisms that servers offer, the best first.
pub(super) const MECHANISMS: [&str; 2] = [SCRAM, PLAIN];

/// Few, since every sign-on of a demo or a test waits for them.
const ITERATIONS: u32 = 4096;

type Hash = [u8; 32];

/// Bytes as they stand in XML.
pub(super) fn encode(bytes: &[u8]) -> String {
    if bytes.is_empty() { "=".into() } else { BASE64_STANDARD.encode(bytes) }
}

/// Bytes out of XML; none where they make no sense.
pub(super) fn decode(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text.trim()).unwrap_or_default()
}

/// Initial response of PLAIN (RFC 4616).
pub(super) fn plain(local: &str, password: &str) -> Vec<u8> {
    format!("\0{local}\0{password}").into_bytes()
}

/// The user whom PLAIN proves.
pub(super) fn check_plain(
    said: &[u8],
    password: impl FnOnce(&str) -> Option<Redacted<String>>,
) -> Option<String> {
    let said = std::str::from_utf8(said).ok()?;
    let mut parts = said.split('\0');
    let (_authzid, local, given) = (parts.next()?, parts.next()?, parts.next()?);
    (password(local)?.expose() == given).then(|| local.to_owned())
}

/// A SCRAM client after its first message.
pub(super) struct ScramClient {
    bare: String,
    nonce: String,
}

impl ScramClient {
    /// A client for `local`, and its first message.
    pub(super) fn begin(local: &str) -> (Self, String) {
        let nonce = nonce();
        let local = local.replace('=', "=3D").replace(',', "=2C");
        let bare = format!("n={local},r={nonce}");
        let first = format!("n,,{bare}");
        (Self { bare, nonce }, first)
    }

    /// The answer to the server's `challenge`, and what the server must say at last.
    /// `None` where the challenge makes no sense.
    pub(super) fn answer(&self, challenge: &str, password: &str) -> Option<(String, String)> {
        let (nonce, salt) = (field(challenge, 'r')?, decode(field(challenge, 's')?));
        let iterations = field(challenge, 'i')?.parse().ok()?;
        if !nonce.starts_with(&self.nonce) {
            return None;
        }
        let without_proof = format!("c=biws,r={nonce}");
        let exchange = format!("{},{challenge},{without_proof}", self.bare);
        let keys = Keys::derive(password, &salt, iterations);
        let proof = encode(&keys.proof(&exchange));
        Some((format!("{without_proof},p={proof}"), keys.signature(&exchange)))
    }
}

/// A SCRAM server after its challenge.
pub(super) struct ScramServer {
    /// User that the client claims to be.
    pub(super) local: String,
    exchange: String,
    nonce: String,
    salt: [u8; 16],
}

impl ScramServer {
    /// A server for a client that began with `first`, and its challenge. `None` for a client
    /// that makes no sense or insists on channel binding.
    pub(super) fn begin(first: &[u8]) -> Option<(Self, String)> {
        let first = std::str::from_utf8(first).ok()?;
        let (binding, rest) = first.split_once(',')?;
        let (_authzid, bare) = rest.split_once(',')?;
        if !matches!(binding, "n" | "y") {
            return None;
        }
        let local = field(bare, 'n')?.replace("=2C", ",").replace("=3D", "=");
        let nonce = format!("{}{}", field(bare, 'r')?, nonce());
        let salt: [u8; 16] = std::array::from_fn(|_| fastrand::u8(..));
        let challenge = format!("r={nonce},s={},i={ITERATIONS}", encode(&salt));
        let exchange = format!("{bare},{challenge}");
        Some((Self { local, exchange, nonce, salt }, challenge))
    }

    /// Server's final message to a client whose `answer` proves that it knows `password` (RFC
    /// 5802).
    pub(super) fn check(&self, answer: &[u8], password: &str) -> Option<String> {
        let answer = std::str::from_utf8(answer).ok()?;
        let (without_proof, proof) = answer.rsplit_once(",p=")?;
        let exchange = format!("{},{without_proof}", self.exchange);
        let keys = Keys::derive(password, &self.salt, ITERATIONS);
        let right =
            field(without_proof, 'r')? == self.nonce && decode(proof) == keys.proof(&exchange);
        right.then(|| keys.signature(&exchange))
    }
}

/// Keys that both ends derive from a password.
struct Keys {
    client: Hash,
    server: Hash,
}

impl Keys {
    fn derive(password: &str, salt: &[u8], iterations: u32) -> Self {
        let salted: Hash =
            pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), salt, iterations);
        Self { client: hmac(&salted, b"Client Key"), server: hmac(&salted, b"Server Key") }
    }

    /// Proof that the client has its key, for this exchange.
    fn proof(&self, exchange: &str) -> Hash {
        let stored: Hash = Sha256::digest(self.client).into();
        let signature = hmac(&stored, exchange.as_bytes());
        std::array::from_fn(|i| self.client[i] ^ signature[i])
    }

    /// Proof that the server has its key, for this exchange.
    fn signature(&self, exchange: &str) -> String {
        format!("v={}", encode(&hmac(&self.server, exchange.as_bytes())))
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Hash {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    mac.chain_update(text).finalize().into_bytes().into()
}

/// The value of the field called `name`.
fn field(message: &str, name: char) -> Option<&str> {
    message.split(',').find_map(|f| f.strip_prefix(name)?.strip_prefix('='))
}

fn nonce() -> String {
    format!("{:032x}", fastrand::u128(..))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_standard_comes_out() {
        let client = ScramClient {
            bare: "n=user,r=rOprNGfwEbeRWgbNEkqO".into(),
            nonce: "rOprNGfwEbeRWgbNEkqO".into(),
        };
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (answer, last) = client.answer(challenge, "pencil").unwrap();
        assert!(answer.ends_with(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
        assert_eq!(last, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn both_ends_agree_on_the_password_or_not_at_all() {
        let (client, first) = ScramClient::begin("o=b,c");
        let (server, challenge) = ScramServer::begin(first.as_bytes()).unwrap();
        assert_eq!(server.local, "o=b,c");
        let (answer, last) = client.answer(&challenge, "secret").unwrap();
        assert_eq!(server.check(answer.as_bytes(), "secret"), Some(last));
        assert_eq!(server.check(answer.as_bytes(), "guess"), None);
    }
}
