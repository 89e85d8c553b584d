//! SCRAM with channel binding (RFC 5802, RFC 7677), the client's side.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crosstalk_core::{Computation, Redacted};
use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The most iterations a server may ask for: RFC 7677 names 4096, Prosody uses 10,000; this many
/// take a tenth of a second.
const MAX_ITERATIONS: u32 = 100_000;
/// The longest salt, in bytes; servers use 16 or so.
const MAX_SALT: usize = 256;
/// The longest first message of a server, in bytes.
const MAX_CHALLENGE: usize = 4096;

/// The two hashes in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::xmpp) enum Hash {
    Sha1,
    Sha256,
}

/// A channel binding: its type's name and its data.
#[derive(Clone, Debug)]
pub(in crate::xmpp) struct Binding {
    pub(in crate::xmpp) kind: &'static str,
    pub(in crate::xmpp) data: Redacted<Vec<u8>>,
}

/// One exchange, after the first message.
pub(in crate::xmpp) struct Scram {
    hash: Hash,
    password: Redacted<String>,
    /// The header and the channel's data, as the final message repeats them.
    bound: Redacted<Vec<u8>>,
    nonce: String,
    first_bare: String,
    /// Challenge of the server, while the key for the answer is derived.
    challenge: Option<String>,
    /// Proof that the server must give.
    proof: Option<Proof>,
}

/// The key that an honest server signs with, and what it signs.
struct Proof {
    key: Redacted<Vec<u8>>,
    transcript: String,
}

/// The key derived from a password, which takes long.
pub(in crate::xmpp) struct Salted(Redacted<Vec<u8>>);

/// The server does not keep to SCRAM, or does not know the password.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::xmpp) struct ScramError;

impl Scram {
    /// Begins an exchange. Returns it with the first message.
    pub(in crate::xmpp) fn begin(
        hash: Hash,
        binding: &Binding,
        (authzid, user): (&str, &str),
        password: &Redacted<String>,
        nonce: String,
    ) -> (Self, Vec<u8>) {
        let user = prepared(user);
        let authzid =
            if authzid.is_empty() { String::new() } else { format!("a={}", escape(authzid)) };
        let header = format!("p={},{authzid},", binding.kind);
        let first_bare = format!("n={},r={nonce}", escape(&user));
        let first = format!("{header}{first_bare}").into_bytes();
        let bound = [header.as_bytes(), binding.data.expose()].concat().into();
        let password = Redacted::new(prepared(password.expose()));
        (Self { hash, password, bound, nonce, first_bare, challenge: None, proof: None }, first)
    }

    /// The server's first message: what has to be computed to answer it.
    pub(in crate::xmpp) fn challenged(
        &mut self,
        challenge: &[u8],
    ) -> Result<Computation, ScramError> {
        let short = (self.challenge.is_none() && self.proof.is_none()).then_some(challenge);
        let short = short.filter(|challenge| challenge.len() <= MAX_CHALLENGE).ok_or(ScramError)?;
        let challenge = std::str::from_utf8(short).map_err(|_| ScramError)?;
        let salt = field(challenge, 's').and_then(|s| BASE64.decode(s).ok());
        let rounds = field(challenge, 'i').and_then(|i| i.parse().ok());
        let (Some(salt), Some(rounds @ 1..=MAX_ITERATIONS)) = (salt, rounds) else {
            return Err(ScramError);
        };
        if salt.is_empty() || salt.len() > MAX_SALT {
            return Err(ScramError);
        }
        self.nonce_of(challenge)?;
        self.challenge = Some(challenge.to_owned());
        let (hash, password) = (self.hash, self.password.clone());
        Ok(Computation::new(move || Salted(hash.salted(password.expose(), &salt, rounds).into())))
    }

    /// The final message, once the key is there.
    pub(in crate::xmpp) fn answer(
        &mut self,
        Salted(salted): &Salted,
    ) -> Result<Vec<u8>, ScramError> {
        let challenge = self.challenge.take().ok_or(ScramError)?;
        let nonce = self.nonce_of(&challenge)?;
        let without_proof = format!("c={},r={nonce}", BASE64.encode(self.bound.expose()));
        let transcript = format!("{},{challenge},{without_proof}", self.first_bare);
        let client_key = self.hash.mac(salted.expose(), b"Client Key");
        let signature = self.hash.mac(&self.hash.digest(&client_key), transcript.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(k, s)| k ^ s).collect();
        let key = self.hash.mac(salted.expose(), b"Server Key").into();
        self.proof = Some(Proof { key, transcript });
        Ok(format!("{without_proof},p={}", BASE64.encode(proof)).into_bytes())
    }

    /// Checks that the server knew the password too.
    pub(in crate::xmpp) fn verify(&self, outcome: &[u8]) -> Result<(), ScramError> {
        let claimed = std::str::from_utf8(outcome).ok().and_then(|o| field(o, 'v'));
        let claimed = claimed.and_then(|v| BASE64.decode(v).ok()).ok_or(ScramError)?;
        let Proof { key, transcript } = self.proof.as_ref().ok_or(ScramError)?;
        self.hash.check(key.expose(), transcript.as_bytes(), &claimed)
    }

    /// The nonce in the server's first message, which begins with ours.
    fn nonce_of<'a>(&self, challenge: &'a str) -> Result<&'a str, ScramError> {
        let nonce = field(challenge, 'r');
        let nonce = nonce.filter(|r| r.starts_with(&self.nonce) && *r != self.nonce);
        nonce.ok_or(ScramError)
    }
}

impl Hash {
    fn salted(self, password: &str, salt: &[u8], rounds: u32) -> Vec<u8> {
        let mut out = vec![0; if self == Self::Sha1 { 20 } else { 32 }];
        match self {
            Self::Sha1 => pbkdf2_hmac::<Sha1>(password.as_bytes(), salt, rounds, &mut out),
            Self::Sha256 => pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, rounds, &mut out),
        }
        out
    }

    fn digest(self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(data).to_vec(),
            Self::Sha256 => Sha256::digest(data).to_vec(),
        }
    }

    fn mac(self, key: &[u8], data: &[u8]) -> Vec<u8> {
        fn of<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
            let mac = keyed::<M>(key, data);
            mac.map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
        }
        match self {
            Self::Sha1 => of::<Hmac<Sha1>>(key, data),
            Self::Sha256 => of::<Hmac<Sha256>>(key, data),
        }
    }

    /// Whether `claimed` is the MAC, in a time that does not depend on how far it is.
    fn check(self, key: &[u8], data: &[u8], claimed: &[u8]) -> Result<(), ScramError> {
        fn of<M: Mac + KeyInit>(key: &[u8], data: &[u8], claimed: &[u8]) -> Result<(), ScramError> {
            let mac = keyed::<M>(key, data).ok_or(ScramError)?;
            mac.verify_slice(claimed).map_err(|_| ScramError)
        }
        match self {
            Self::Sha1 => of::<Hmac<Sha1>>(key, data, claimed),
            Self::Sha256 => of::<Hmac<Sha256>>(key, data, claimed),
        }
    }
}

fn keyed<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Option<M> {
    Some(<M as KeyInit>::new_from_slice(key).ok()?.chain_update(data))
}

/// `SASLprep` (RFC 4013); what it refuses is the server's to refuse.
fn prepared(text: &str) -> String {
    stringprep::saslprep(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

fn escape(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// The value of a field in a comma-separated message.
fn field(message: &str, name: char) -> Option<&str> {
    message.split(',').find_map(|f| f.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer to a server's first message, with the computation done at once.
    fn answered(scram: &mut Scram, challenge: &[u8]) -> Result<Vec<u8>, ScramError> {
        let salted = scram.challenged(challenge)?.run().downcast::<Salted>();
        scram.answer(&*salted.map_err(|_| ScramError)?)
    }

    /// The exchange of RFC 7677, section 3, with its header in the place of a binding.
    #[test]
    fn the_exchange_of_the_specification() {
        let (mut scram, _) = Scram::begin(
            Hash::Sha256,
            &Binding { kind: "x", data: Vec::new().into() },
            ("", "user"),
            &Redacted::new("pencil".into()),
            "rOprNGfwEbeRWgbNEkqO".into(),
        );
        scram.bound = b"n,,".to_vec().into();
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let answer = answered(&mut scram, challenge.as_bytes()).unwrap();
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(String::from_utf8(answer).unwrap(), expected);
        assert_eq!(scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
        assert_eq!(
            scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="),
            Err(ScramError)
        );
    }

    #[test]
    fn a_dishonest_server_is_noticed() {
        let binding = Binding { kind: "tls-exporter", data: vec![1].into() };
        let begin = || {
            Scram::begin(
                Hash::Sha1,
                &binding,
                ("", "a,b"),
                &Redacted::new("x".into()),
                "abc".into(),
            )
        };
        assert_eq!(begin().1, b"p=tls-exporter,,n=a=2Cb,r=abc");
        let (long, heavy) = ("A".repeat(400), "x".repeat(5000));
        for bad in [
            "r=abc,s=AA==,i=1",
            "r=xyz,s=AA==,i=1",
            "r=abcd,s=AA==,i=0",
            "r=abcd,s=AA==,i=100001",
            "r=abcd,s=AA==,i=4294967296",
            "r=abcd,s=,i=1",
            &format!("r=abcd,s={long},i=1"),
            &format!("r=abcd,s=AA==,i=1,x={heavy}"),
            "\u{0}",
        ] {
            assert!(begin().0.challenged(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(begin().0.verify(b"v="), Err(ScramError));
        let mut scram = begin().0;
        assert!(scram.challenged(b"r=abcd,s=AA==,i=100000").is_ok());
        assert!(scram.challenged(b"r=abcd,s=AA==,i=1").is_err(), "it asks twice");
    }
}
