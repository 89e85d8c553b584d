//! SASL where a gateway stands in the channel that it is bound to.
//!
//! A server that lists `-PLUS` mechanisms binds sign-on to its TLS session, of which the client
//! knows another. Servers without XEP-0440 do not notice when the mechanisms are hidden; with
//! newer ones clients must be left alone, or be signed on by the gateway where the operator
//! allows that.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crosstalk_core::{Computed, Event, Fault, Redacted, Side, TlsFacts};
use sha2::{Digest, Sha256};

use super::scram::{Binding, Hash, Salted, Scram, ScramError};
use crate::xmpp::context::Cx;
use crate::xmpp::sign_on::SignOn;
use crate::xmpp::sign_on::stages::{Authenticating, Stage};
use crate::xmpp::wire::ns;
use crate::xmpp::wire::xml::Element;

/// Sign-on in the client's place.
#[derive(Default)]
pub(in crate::xmpp) enum Proxy {
    /// The client does it itself.
    #[default]
    Off,
    /// The client was offered nothing but PLAIN.
    Offered(Box<Offer>),
    /// An exchange with the server.
    Running(Box<Running>),
}

/// Offer of the server for that.
#[derive(Clone)]
pub(in crate::xmpp) struct Offer {
    hash: Hash,
    binding: Binding,
}

/// An exchange in the client's place, and what the client may try again if it fails.
pub(in crate::xmpp) struct Running {
    scram: Scram,
    offer: Box<Offer>,
    /// The key is being derived from the password.
    computing: bool,
}

impl Proxy {
    /// Whether the server's next words wait for a computation.
    pub(in crate::xmpp) const fn is_computing(&self) -> bool {
        matches!(self, Self::Running(running) if running.computing)
    }

    /// Makes an offer of mechanisms fit for a client behind both our TLS sessions.
    pub(in crate::xmpp) fn rewrite_offer(
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
        *self = Self::Offered(Box::new(Offer { hash, binding }));
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

impl SignOn {
    /// The client's `<auth/>`. True if it is not for the server.
    pub(in crate::xmpp) fn proxy_from_client(&mut self, auth: &Element, cx: &mut Cx<'_>) -> bool {
        let Proxy::Offered(offer) = &self.proxy else { return false };
        let offer = offer.clone();
        let (hash, binding) = (offer.hash, &offer.binding);
        cx.out.withhold();
        let plain = Redacted::new(BASE64.decode(auth.text().trim()).unwrap_or_default());
        let mut parts = plain.expose().split(|b| *b == 0).map(std::str::from_utf8);
        let (Some("PLAIN"), Some(Ok(authzid)), Some(Ok(user)), Some(Ok(password)), None) =
            (auth.attr("mechanism"), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            let failure = Element::new("failure", ns::SASL);
            let failure = failure.child(Element::new("malformed-request", ns::SASL));
            cx.out.insert(Side::Client, failure.to_xml());
            return true;
        };
        let nonce = nonce(binding, cx);
        let password = Redacted::new(password.to_owned());
        let (scram, first) = Scram::begin(hash, binding, (authzid, user), &password, nonce);
        let mechanism = match hash {
            Hash::Sha1 => "SCRAM-SHA-1-PLUS",
            Hash::Sha256 => "SCRAM-SHA-256-PLUS",
        };
        let first =
            Element::new("auth", ns::SASL).with("mechanism", mechanism).say(BASE64.encode(first));
        cx.out.insert(Side::Server, first.to_xml());
        let sasl = Authenticating::begin("PLAIN", &auth.text());
        self.stage = sasl.into();
        let running = Running { scram, offer, computing: false };
        self.proxy = Proxy::Running(Box::new(running));
        true
    }

    /// The server's part of SASL. True if it is not for the client as it is.
    pub(in crate::xmpp) fn proxy_from_server(
        &mut self,
        said: &Element,
        cx: &mut Cx<'_>,
    ) -> Result<bool, Fault> {
        let Proxy::Running(running) = &mut self.proxy else { return Ok(false) };
        let data = BASE64.decode(said.text().trim()).unwrap_or_default();
        match said.name() {
            "challenge" => {
                let work = running.scram.challenged(&data).map_err(dishonest)?;
                running.computing = true;
                cx.emit(Event::Compute(work));
            }
            "success" => {
                running.scram.verify(&data).map_err(dishonest)?;
                cx.out.insert(Side::Client, Element::new("success", ns::SASL).to_xml());
                if let Stage::Authenticating(sasl) = std::mem::take(&mut self.stage) {
                    self.stage = sasl.succeeded()?.into();
                }
                self.proxy = Proxy::Off;
            }
            // The client hears of it, and may try again in the same stream.
            _ => {
                self.proxy = Proxy::Offered(running.offer.clone());
                return Ok(false);
            }
        }
        cx.out.withhold();
        Ok(true)
    }

    /// The key that the server's challenge was about.
    pub(in crate::xmpp) fn computed(
        &mut self,
        result: Computed,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let Proxy::Running(running) = &mut self.proxy else { return Ok(()) };
        let Ok(salted) = result.downcast::<Salted>() else { return Ok(()) };
        running.computing = false;
        let answer = running.scram.answer(&salted).map_err(dishonest)?;
        let answer = Element::new("response", ns::SASL).say(BASE64.encode(answer));
        cx.out.insert(Side::Server, answer.to_xml());
        Ok(())
    }
}

/// A nonce nobody can guess, out of the channel's secret and an id never used before.
fn nonce(binding: &Binding, cx: &mut Cx<'_>) -> String {
    let id = cx.context.ids.next_id();
    let hash = Sha256::new().chain_update(binding.data.expose()).chain_update(id.0.to_be_bytes());
    BASE64.encode(hash.finalize())
}

fn dishonest(_: ScramError) -> Fault {
    Fault::server("it does not keep to SCRAM")
}
