//! SASL where a gateway stands in the channel that it is bound to.
//!
//! A server that lists `-PLUS` mechanisms binds sign-on to its TLS session, of which the client
//! knows another. Servers without XEP-0440 do not notice when the mechanisms are hidden; with
//! newer ones clients must be left alone, or be signed on by the gateway where the operator
//! allows that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crosstalk_core::{Fault, Output, Private, Side, TlsFacts};
use sha2::{Digest, Sha256};

use super::engine::Jabber;
use super::ns;
use super::scram::{Binding, Hash, Scram};
use super::xml::Element;

/// Sign-on in the client's place.
#[derive(Default)]
pub(super) enum Proxy {
    /// The client does it itself.
    #[default]
    Off,
    /// The client was offered nothing but PLAIN.
    Offered(Hash, Binding),
    /// An exchange with the server.
    Running(Box<Scram>),
}

impl Proxy {
    /// Makes an offer of mechanisms fit for a client behind both our TLS sessions.
    pub(super) fn rewrite_offer(
        &mut self,
        features: &mut Element,
        facts: &TlsFacts,
        allowed: bool,
    ) {
        let types = features.get("sasl-channel-binding", ns::CHANNEL_BINDING).map(|list| {
            list.elements().filter_map(|e| e.attr("type").map(str::to_owned)).collect::<Vec<_>>()
        });
        let Some(mechanisms) = features.get_mut("mechanisms", ns::SASL) else { return };
        let names: Vec<String> = mechanisms.elements().map(Element::text).collect();
        let Some(types) = types else {
            mechanisms.retain(|m| !m.text().ends_with("-PLUS"));
            return;
        };
        let hash = match |name: &str| names.iter().any(|n| n == name) {
            has if has("SCRAM-SHA-256-PLUS") => Hash::Sha256,
            has if has("SCRAM-SHA-1-PLUS") => Hash::Sha1,
            _ => return,
        };
        let Some(binding) = binding(&types, facts).filter(|_| allowed) else { return };
        mechanisms.retain(|_| false);
        mechanisms.push(Element::new("mechanism", ns::SASL).say("PLAIN"));
        features.retain(|f| !f.is("sasl-channel-binding", ns::CHANNEL_BINDING));
        *self = Self::Offered(hash, binding);
    }
}

/// The best binding that both the server and we know.
fn binding(types: &[String], facts: &TlsFacts) -> Option<Binding> {
    let exporter = facts.exporter.as_ref().map(|e| e.expose().to_vec());
    [("tls-exporter", exporter), ("tls-server-end-point", facts.server_end_point.clone())]
        .into_iter()
        .find(|(kind, data)| data.is_some() && types.iter().any(|t| t == kind))
        .and_then(|(kind, data)| Some(Binding { kind, data: data?.into() }))
}

impl Jabber {
    /// The client's part of SASL. True if it is not for the server.
    pub(super) fn proxy_from_client(
        &mut self,
        raw: &[u8],
        out: &mut Output,
    ) -> Result<bool, Fault> {
        let Proxy::Offered(hash, binding) = &self.signon.proxy else {
            return Ok(matches!(self.signon.proxy, Proxy::Running(_)));
        };
        let (hash, binding) = (*hash, binding.clone());
        let auth = self.parse(Side::Client, raw)?;
        out.withhold();
        let plain = Private::new(BASE64.decode(auth.text().trim()).unwrap_or_default());
        let mut parts = plain.expose().split(|b| *b == 0).map(std::str::from_utf8);
        let (Some("PLAIN"), Some(Ok(authzid)), Some(Ok(user)), Some(Ok(password)), None) =
            (auth.attr("mechanism"), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            let failure = Element::new("failure", ns::SASL);
            let failure = failure.child(Element::new("malformed-request", ns::SASL));
            out.insert(Side::Client, failure.to_xml());
            return Ok(true);
        };
        let nonce = self.nonce(&binding);
        let password = Private::new(password.to_owned());
        let (scram, first) = Scram::begin(hash, &binding, (authzid, user), &password, nonce);
        let mechanism = match hash {
            Hash::Sha1 => "SCRAM-SHA-1-PLUS",
            Hash::Sha256 => "SCRAM-SHA-256-PLUS",
        };
        let first =
            Element::new("auth", ns::SASL).with("mechanism", mechanism).say(BASE64.encode(first));
        out.insert(Side::Server, first.to_xml());
        self.signon.proxy = Proxy::Running(Box::new(scram));
        Ok(true)
    }

    /// The server's part of SASL. True if it is not for the client.
    pub(super) fn proxy_from_server(
        &mut self,
        raw: &[u8],
        out: &mut Output,
    ) -> Result<bool, Fault> {
        const DISHONEST: &str = "it does not keep to SCRAM";
        let said = self.parse(Side::Server, raw)?;
        let Proxy::Running(scram) = &mut self.signon.proxy else { return Ok(false) };
        let data = BASE64.decode(said.text().trim()).unwrap_or_default();
        match said.name() {
            "challenge" => {
                let answer = scram.answer(&data).map_err(|_| Fault::server(DISHONEST))?;
                let answer = Element::new("response", ns::SASL).say(BASE64.encode(answer));
                out.insert(Side::Server, answer.to_xml());
            }
            "success" => {
                scram.verify(&data).map_err(|_| Fault::server(DISHONEST))?;
                out.insert(Side::Client, Element::new("success", ns::SASL).to_xml());
                self.signon.proxy = Proxy::Off;
            }
            // After a failure the client may try again in the same stream.
            _ => {
                self.signon.proxy = Proxy::Off;
                return Ok(false);
            }
        }
        out.withhold();
        Ok(true)
    }

    /// A nonce nobody can guess, out of the channel's secret and an id never used before.
    fn nonce(&mut self, binding: &Binding) -> String {
        let id = self.context.ids.next_id();
        let hash =
            Sha256::new().chain_update(binding.data.expose()).chain_update(id.0.to_be_bytes());
        BASE64.encode(hash.finalize())
    }
}
