//! Passkeys (Web Authentication, level 2): what an authenticator says, checked as sections 7.1 and 7.2
//! ask. No attestation is asked for: which make of key somebody has is nobody's business.

use ring::digest::{SHA256, digest};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use serde::{Deserialize, Serialize};

/// The longest name of a passkey, in bytes (section 4).
pub(crate) const MAX_ID: usize = 1023;
/// Beginnings of a public key of each kind (`SubjectPublicKeyInfo`, RFC 5280): ECDSA with P-256, and RSA
/// with 2,048 bits, which older authenticators of Windows make. What follows is the key itself.
const P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const RSA: &[u8] = &[
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
];
/// Bytes of a point of P-256 (uncompressed), and of a key of 2,048 bits (`RSAPublicKey`).
const P256_LENGTH: usize = 65;
const RSA_LENGTH: usize = 270;

/// Flags of the authenticator's data (section 6.1): the person was there, was known by the
/// authenticator (by a finger, a face or a PIN), and a new key comes along.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;
/// Places in that data: flags behind the hash of the site, and the name of a new key.
const FLAGS: usize = 32;
const LEAST: usize = 37;
const ID_LENGTH: usize = 53;

/// The public key of a passkey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    kind: Kind,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Es256,
    Rs256,
}

/// What an authenticator has signed, or made a key with.
pub(crate) struct Statement<'a> {
    /// What the browser says of the page that asked (JSON).
    pub(crate) client_data: &'a [u8],
    /// What the authenticator says.
    pub(crate) authenticator_data: &'a [u8],
}

/// What is done with a passkey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// One is made.
    Create,
    /// It is shown.
    Get,
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    deed: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    is_cross_origin: bool,
}

impl Key {
    /// The key of a `SubjectPublicKeyInfo`, if it is of a kind that is taken.
    pub(crate) fn read(info: &[u8]) -> Option<Self> {
        let of = |beginning, length, kind| {
            let bytes = info.strip_prefix(beginning)?;
            (bytes.len() == length).then(|| Self { kind, bytes: bytes.to_vec() })
        };
        of(P256, P256_LENGTH, Kind::Es256).or_else(|| of(RSA, RSA_LENGTH, Kind::Rs256))
    }

    /// Whether a statement was signed with it.
    pub(crate) fn signed(&self, statement: &Statement<'_>, signature: &[u8]) -> bool {
        let algorithm: &'static dyn VerificationAlgorithm = match self.kind {
            Kind::Es256 => &ECDSA_P256_SHA256_ASN1,
            Kind::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        };
        let hash = digest(&SHA256, statement.client_data);
        let signed = [statement.authenticator_data, hash.as_ref()].concat();
        UnparsedPublicKey::new(algorithm, &self.bytes).verify(&signed, signature).is_ok()
    }
}

impl Statement<'_> {
    /// The challenge that it answers, where it is about this deed, at a page of one of these origins.
    pub(crate) fn challenge(&self, deed: Deed, origins: &[String]) -> Option<String> {
        let said: ClientData = serde_json::from_slice(self.client_data).ok()?;
        let wanted = match deed {
            Deed::Create => "webauthn.create",
            Deed::Get => "webauthn.get",
        };
        let is_ours = origins.contains(&said.origin) && !said.is_cross_origin;
        if said.deed != wanted || !is_ours {
            return None;
        }
        let site = digest(&SHA256, site(&said.origin)?.as_bytes());
        let (of, flags) =
            (self.authenticator_data.get(..FLAGS)?, *self.authenticator_data.get(FLAGS)?);
        let needed = PRESENT | VERIFIED | if deed == Deed::Create { ATTESTED } else { 0 };
        let is_whole = self.authenticator_data.len() >= LEAST;
        (is_whole && of == site.as_ref() && flags & needed == needed).then_some(said.challenge)
    }

    /// The name of the key that was made.
    pub(crate) fn made(&self) -> Option<&[u8]> {
        let rest = self.authenticator_data.get(ID_LENGTH..)?;
        let (length, rest) = rest.split_first_chunk()?;
        rest.get(..usize::from(u16::from_be_bytes(*length))).filter(|id| !id.is_empty())
    }
}

/// The site of an origin, which passkeys belong to: its host. An address has none.
pub(crate) fn site(origin: &str) -> Option<&str> {
    let (_, host) = origin.split_once("://")?;
    let host = host.split(':').next().filter(|host| !host.starts_with('['))?;
    host.parse::<std::net::IpAddr>().is_err().then_some(host)
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

    use super::*;

    const ORIGIN: &str = "https://gw.test:7443";

    fn client_data(deed: &str, origin: &str, cross: bool) -> Vec<u8> {
        let said = serde_json::json!({
            "type": deed, "challenge": "c", "origin": origin, "crossOrigin": cross
        });
        serde_json::to_vec(&said).unwrap()
    }

    fn data(site: &str, flags: u8, more: &[u8]) -> Vec<u8> {
        let hash = digest(&SHA256, site.as_bytes());
        [hash.as_ref(), &[flags, 0, 0, 0, 0], more].concat()
    }

    #[test]
    fn only_what_the_gateways_own_page_had_signed_by_a_known_person_counts() {
        let asked = |deed: &str, origin: &str, cross, site: &str, flags| {
            let (client_data, data) = (client_data(deed, origin, cross), data(site, flags, &[]));
            let said = Statement { client_data: &client_data, authenticator_data: &data };
            said.challenge(Deed::Get, &[ORIGIN.into()])
        };
        let get = "webauthn.get";
        assert_eq!(asked(get, ORIGIN, false, "gw.test", 0x05).as_deref(), Some("c"));
        for (deed, origin, cross, site, flags) in [
            ("webauthn.create", ORIGIN, false, "gw.test", 0x05),
            (get, "https://evil.test:7443", false, "gw.test", 0x05),
            (get, ORIGIN, true, "gw.test", 0x05),
            (get, ORIGIN, false, "evil.test", 0x05),
            (get, ORIGIN, false, "gw.test", 0x04),
            (get, ORIGIN, false, "gw.test", 0x01),
        ] {
            assert_eq!(asked(deed, origin, cross, site, flags), None, "{deed} {origin} {flags}");
        }
        let whole = data("gw.test", 0x05, &[]);
        for end in [0, 32, 33, 36] {
            let client_data = client_data(get, ORIGIN, false);
            let cut = Statement { client_data: &client_data, authenticator_data: &whole[..end] };
            assert_eq!(cut.challenge(Deed::Get, &[ORIGIN.into()]), None, "{end}");
        }
        let broken = Statement { client_data: b"{", authenticator_data: &whole };
        assert_eq!(broken.challenge(Deed::Get, &[ORIGIN.into()]), None);
    }

    #[test]
    fn a_key_knows_what_it_signed() {
        let chance = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &chance).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pair.as_ref(), &chance);
        let pair = pair.unwrap();
        let info = [P256, pair.public_key().as_ref()].concat();
        let key = Key::read(&info).unwrap();
        let said = Statement { client_data: b"{}", authenticator_data: b"data" };
        let signed = [b"data", digest(&SHA256, b"{}").as_ref()].concat();
        let signature = pair.sign(&chance, &signed).unwrap();
        assert!(key.signed(&said, signature.as_ref()));
        let other = Statement { client_data: b"{ }", authenticator_data: b"data" };
        assert!(!key.signed(&other, signature.as_ref()));
        assert!(!key.signed(&said, &[]));
        for wrong in [&info[1..], &info[..90], &[info.clone(), vec![0]].concat(), &[]] {
            assert_eq!(Key::read(wrong), None);
        }
    }

    #[test]
    fn the_name_of_a_new_key_is_read_and_never_past_the_end() {
        let with = |more: &[u8]| data("gw.test", 0x45, more);
        let name = |data: &[u8]| {
            let said = Statement { client_data: &[], authenticator_data: data };
            said.made().map(<[u8]>::to_vec)
        };
        let model = [0; 16];
        assert_eq!(
            name(&with(&[&model[..], &[0, 3], b"key", b"more"].concat())),
            Some(b"key".into())
        );
        for cut in [
            &[][..],
            &model,
            &[&model[..], &[0, 0]].concat(),
            &[&model[..], &[0, 4], b"key"].concat(),
        ] {
            assert_eq!(name(&with(cut)), None, "{cut:?}");
        }
        assert_eq!(site("https://gw.test:7443"), Some("gw.test"));
        for none in ["http://127.0.0.1:80", "http://[::1]:80", "http://[::1]", "gw.test"] {
            assert_eq!(site(none), None, "{none}");
        }
    }
}
