//! SCRAM with channel binding (RFC 5802, RFC 7677), the client's side.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crosstalk_core::Private;
use hmac::{Hmac, KeyInit, Mac};
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The most iterations a server may ask for.
const MAX_ITERATIONS: u32 = 500_000;

/// The two hashes in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

/// A channel binding: its type's name and its data.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub(super) kind: &'static str,
    pub(super) data: Private<Vec<u8>>,
}

/// One exchange, after the first message.
pub(super) struct Scram {
    hash: Hash,
    password: Private<String>,
    /// The header and the channel's data, as the final message repeats them.
    bound: Private<Vec<u8>>,
    nonce: String,
    first_bare: String,
    /// What the server must prove to know.
    server_signature: Option<Private<Vec<u8>>>,
}

/// The server does not keep to SCRAM, or does not know the password.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dishonest;

impl Scram {
    /// Begins an exchange. Returns it with the first message.
    pub(super) fn begin(
        hash: Hash,
        binding: &Binding,
        (authzid, user): (&str, &str),
        password: &Private<String>,
        nonce: String,
    ) -> (Self, Vec<u8>) {
        let user = prepared(user);
        let authzid =
            if authzid.is_empty() { String::new() } else { format!("a={}", escape(authzid)) };
        let header = format!("p={},{authzid},", binding.kind);
        let first_bare = format!("n={},r={nonce}", escape(&user));
        let first = format!("{header}{first_bare}").into_bytes();
        let bound = [header.as_bytes(), binding.data.expose()].concat().into();
        let password = Private::new(prepared(password.expose()));
        (Self { hash, password, bound, nonce, first_bare, server_signature: None }, first)
    }

    /// The final message, for the server's first.
    pub(super) fn answer(&mut self, challenge: &[u8]) -> Result<Vec<u8>, Dishonest> {
        let challenge = std::str::from_utf8(challenge).map_err(|_| Dishonest)?;
        let nonce =
            field(challenge, 'r').filter(|r| r.starts_with(&self.nonce) && *r != self.nonce);
        let salt = field(challenge, 's').and_then(|s| BASE64.decode(s).ok());
        let rounds = field(challenge, 'i').and_then(|i| i.parse().ok());
        let (Some(nonce), Some(salt), Some(rounds @ 1..=MAX_ITERATIONS)) = (nonce, salt, rounds)
        else {
            return Err(Dishonest);
        };
        let salted = self.hash.salted(self.password.expose(), &salt, rounds);
        let without_proof = format!("c={},r={nonce}", BASE64.encode(self.bound.expose()));
        let transcript = format!("{},{challenge},{without_proof}", self.first_bare);
        let client_key = self.hash.mac(&salted, b"Client Key");
        let signature = self.hash.mac(&self.hash.digest(&client_key), transcript.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(k, s)| k ^ s).collect();
        let server_key = self.hash.mac(&salted, b"Server Key");
        self.server_signature = Some(self.hash.mac(&server_key, transcript.as_bytes()).into());
        Ok(format!("{without_proof},p={}", BASE64.encode(proof)).into_bytes())
    }

    /// Checks that the server knew the password too.
    pub(super) fn verify(&self, outcome: &[u8]) -> Result<(), Dishonest> {
        let claimed = std::str::from_utf8(outcome).ok().and_then(|o| field(o, 'v'));
        let claimed = claimed.and_then(|v| BASE64.decode(v).ok());
        match (&self.server_signature, claimed) {
            (Some(expected), Some(claimed)) if *expected.expose() == claimed => Ok(()),
            _ => Err(Dishonest),
        }
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
        fn keyed<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
            let mac = <M as KeyInit>::new_from_slice(key);
            mac.map(|mac| mac.chain_update(data).finalize().into_bytes().to_vec())
                .unwrap_or_default()
        }
        match self {
            Self::Sha1 => keyed::<Hmac<Sha1>>(key, data),
            Self::Sha256 => keyed::<Hmac<Sha256>>(key, data),
        }
    }
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

    /// The exchange of RFC 7677, section 3, with its header in the place of a binding.
    #[test]
    fn the_exchange_of_the_specification() {
        let (mut scram, _) = Scram::begin(
            Hash::Sha256,
            &Binding { kind: "x", data: Vec::new().into() },
            ("", "user"),
            &Private::new("pencil".into()),
            "rOprNGfwEbeRWgbNEkqO".into(),
        );
        scram.bound = b"n,,".to_vec().into();
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let answer = scram.answer(challenge.as_bytes()).unwrap();
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(String::from_utf8(answer).unwrap(), expected);
        assert_eq!(scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
        assert_eq!(scram.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="), Err(Dishonest));
    }

    #[test]
    fn a_dishonest_server_is_noticed() {
        let binding = Binding { kind: "tls-exporter", data: vec![1].into() };
        let begin = || {
            Scram::begin(Hash::Sha1, &binding, ("", "a,b"), &Private::new("x".into()), "abc".into())
        };
        assert_eq!(begin().1, b"p=tls-exporter,,n=a=2Cb,r=abc");
        for bad in [
            "r=abc,s=AA==,i=1",
            "r=xyz,s=AA==,i=1",
            "r=abcd,s=AA==,i=0",
            "r=abcd,s=AA==,i=999999999",
            "\u{0}",
        ] {
            assert_eq!(begin().0.answer(bad.as_bytes()), Err(Dishonest), "{bad}");
        }
        assert_eq!(begin().0.verify(b"v="), Err(Dishonest));
    }
}
