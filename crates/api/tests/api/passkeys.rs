//! Passkeys, with an authenticator that is a program.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::web::{Browser, PASSWORD, ann, invite};

/// The beginning of a public key of P-256 (`SubjectPublicKeyInfo`).
const P256: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An authenticator with one key.
pub(crate) struct Authenticator {
    pair: EcdsaKeyPair,
    id: [u8; 16],
}

impl Authenticator {
    pub(crate) fn new() -> Self {
        let chance = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::generate_pkcs8(kind, &chance).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(kind, key.as_ref(), &chance).unwrap();
        Self { pair, id: rand::random() }
    }

    fn client_data(deed: &str, asked: &Value, origin: &str) -> Vec<u8> {
        let said = json!({"type": deed, "challenge": asked["challenge"], "origin": origin});
        serde_json::to_vec(&said).unwrap()
    }

    fn data(&self, asked: &Value, flags: u8) -> Vec<u8> {
        let site = digest(&SHA256, asked["site"].as_str().unwrap().as_bytes());
        let key = [&[0; 16][..], &[0, 16], &self.id].concat();
        let key = if flags & 0x40 == 0 { &[][..] } else { &key };
        [site.as_ref(), &[flags, 0, 0, 0, 0], key].concat()
    }

    /// What a browser sends of a new key.
    pub(crate) fn makes(&self, asked: &Value, origin: &str) -> Value {
        let beginning = (0..P256.len()).step_by(2);
        let beginning = beginning.map(|at| u8::from_str_radix(&P256[at..at + 2], 16).unwrap());
        let key: Vec<u8> =
            beginning.chain(self.pair.public_key().as_ref().iter().copied()).collect();
        json!({
            "id": text(&self.id),
            "client_data": text(&Self::client_data("webauthn.create", asked, origin)),
            "authenticator_data": text(&self.data(asked, 0x45)),
            "proof": text(&key),
        })
    }

    /// What a browser sends of a key that is shown.
    pub(crate) fn shows(&self, asked: &Value, origin: &str, flags: u8) -> Value {
        let client_data = Self::client_data("webauthn.get", asked, origin);
        let data = self.data(asked, flags);
        let signed = [&data, digest(&SHA256, &client_data).as_ref()].concat();
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        json!({
            "id": text(&self.id),
            "client_data": text(&client_data),
            "authenticator_data": text(&data),
            "proof": text(signature.as_ref()),
        })
    }
}

/// A browser at the page's name for this machine: an address has no passkeys.
pub(crate) fn at_localhost(browser: &Browser) -> (Browser, String) {
    let origin = format!("http://localhost:{}", browser.at.port());
    (Browser { origin: origin.clone(), ..browser.clone() }, origin)
}

#[tokio::test]
async fn a_passkey_signs_in_whose_it_is_each_challenge_once() {
    let (gateway, browser) = ann().await;
    let (mut browser, origin) = at_localhost(&browser);
    let key = Authenticator::new();
    let asked = browser.ask("POST /web/passkeys/new", None).await.json();
    assert_eq!(asked["site"], json!("localhost"));
    let made = key.makes(&asked, &origin);
    assert_eq!(browser.ask("POST /web/passkeys", Some(made.clone())).await.status.as_u16(), 204);
    let again = browser.ask("POST /web/passkeys", Some(made)).await;
    assert_eq!(again.problem().as_deref(), Some("invalid"), "a challenge is good once");

    let (mut phone, _) = at_localhost(&Browser::of(&gateway));
    let asked = phone.ask("POST /web/passkeys/challenge", None).await.json();
    let elsewhere = key.shows(&asked, "https://evil.test", 0x05);
    let unknown = Authenticator::new().shows(&asked, &origin, 0x05);
    let unverified = key.shows(&asked, &origin, 0x01);
    let mut unsigned = key.shows(&asked, &origin, 0x05);
    unsigned["proof"] = json!(text(b"no signature"));
    let made_up = key.shows(&json!({"challenge": "AAAA", "site": "localhost"}), &origin, 0x05);
    let mut other = browser.ask("POST /web/passkeys/new", None).await.json();
    let for_adding = key.shows(&other.take(), &origin, 0x05);
    let broken = json!({"id": "!", "client_data": "", "authenticator_data": "", "proof": ""});
    for wrong in [elsewhere, unknown, unverified, unsigned, made_up, for_adding, broken] {
        let refused = phone.ask("POST /web/session/passkey", Some(wrong.clone())).await;
        assert_eq!(refused.problem().as_deref(), Some("sign-in"), "{wrong}");
    }
    let shown = key.shows(&asked, &origin, 0x05);
    let signed_in = phone.ask("POST /web/session/passkey", Some(shown.clone())).await;
    assert_eq!(signed_in.status.as_u16(), 201, "{signed_in:?}");
    assert_eq!(phone.who().await, "ann@web");
    let replayed = phone.ask("POST /web/session/passkey", Some(shown)).await;
    assert_eq!(replayed.problem().as_deref(), Some("sign-in"));

    let (mut lost, _) = at_localhost(&Browser::of(&gateway));
    let secret = invite(&gateway, "ann@web").await;
    assert_eq!(browser.accept(&secret, PASSWORD).await.status.as_u16(), 201);
    let asked = lost.ask("POST /web/passkeys/challenge", None).await.json();
    let gone = lost.ask("POST /web/session/passkey", Some(key.shows(&asked, &origin, 0x05))).await;
    assert_eq!(gone.problem().as_deref(), Some("sign-in"), "a new invite ends lost passkeys");
}

#[tokio::test]
async fn only_who_is_signed_in_at_the_page_adds_a_passkey_and_eight_at_most() {
    let (gateway, browser) = ann().await;
    let (mut browser, origin) = at_localhost(&browser);
    let (mut nobody, _) = at_localhost(&Browser::of(&gateway));
    for call in ["POST /web/passkeys/new", "POST /web/passkeys"] {
        let refused = nobody.ask(call, Some(json!({}))).await;
        assert_eq!(refused.problem().as_deref(), Some("token"), "{call}");
    }
    let (token, _) = gateway.token("ann@web", &["send"]).await;
    let headers = [("origin", &*origin), ("authorization", &format!("Bearer {token}"))];
    let program = nobody.ask_from(&headers, "POST /web/passkeys/new", None).await;
    assert_eq!(program.problem().as_deref(), Some("token"), "a program's token is no way in");
    for n in 1..=9 {
        let asked = browser.ask("POST /web/passkeys/new", None).await.json();
        let added =
            browser.ask("POST /web/passkeys", Some(Authenticator::new().makes(&asked, &origin)));
        assert_eq!(added.await.status.as_u16(), if n <= 8 { 204 } else { 422 }, "{n}");
    }
    let mut ben = Browser::of(&gateway);
    ben.accept(&invite(&gateway, "ben@web").await, PASSWORD).await;
    let (mut ben, _) = at_localhost(&ben);
    let asked = browser.ask("POST /web/passkeys/new", None).await.json();
    let stolen = ben.ask("POST /web/passkeys", Some(Authenticator::new().makes(&asked, &origin)));
    assert_eq!(stolen.await.problem().as_deref(), Some("invalid"), "it was made for Ann");
    let mut by_address = Browser { origin: format!("http://{}", ben.at), ..ben.clone() };
    let nameless = by_address.ask("POST /web/passkeys/challenge", None).await;
    assert_eq!(nameless.problem().as_deref(), Some("conflict"));
}
