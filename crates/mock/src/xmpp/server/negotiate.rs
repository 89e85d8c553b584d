//! Negotiation, from the stream header to a signed-on user: STARTTLS and SASL.

use std::io;

use crosstalk_core::Redacted;
use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;
use tokio_rustls::TlsAcceptor;

use super::Shared;
use crate::Stream;
use crate::incoming::invalid;
use crate::xmpp::link::{Incoming, Link};
use crate::xmpp::{DOMAIN, sasl};

/// Tries at a password before the connection ends.
const TRIES: usize = 3;

/// The connection and the user's bare JID, once both are known; `None` for one who gave up.
pub(super) async fn run(shared: &Shared, mut link: Link) -> io::Result<Option<(Link, String)>> {
    let tls = shared.state().tls.clone();
    if let Some(tls) = &tls {
        let offer = Element::new("starttls", ns::TLS).child(Element::new("required", ns::TLS));
        if !open(&mut link, features().child(offer)).await? {
            return Ok(None);
        }
        if !link.element().await?.is("starttls", ns::TLS) {
            return Err(invalid("signing on needs STARTTLS first"));
        }
        link.send(&Element::new("proceed", ns::TLS)).await?;
        link = link.encrypt(|stream| accept(tls, stream)).await?;
    }
    let mechanisms = sasl::MECHANISMS
        .iter()
        .map(|name| Element::new("mechanism", ns::SASL).say(*name))
        .fold(Element::new("mechanisms", ns::SASL), Element::child);
    if !open(&mut link, features().child(mechanisms)).await? {
        return Ok(None);
    }
    for _ in 0..TRIES {
        let auth = link.element().await?;
        if let Some((user, last)) = authenticate(shared, &mut link, &auth).await? {
            link.send(&Element::new("success", ns::SASL).say(last)).await?;
            return Ok(Some((link, user)));
        }
        let refusal =
            Element::new("failure", ns::SASL).child(Element::new("not-authorized", ns::SASL));
        link.send(&refusal).await?;
    }
    Ok(None)
}

/// Answers a stream header with one of ours and `features`. Returns whether there was one.
pub(super) async fn open(link: &mut Link, features: Element) -> io::Result<bool> {
    match link.next().await? {
        Incoming::Open => {}
        Incoming::Element(_) => return Err(invalid("expected a stream header")),
        Incoming::Close => return Ok(false),
    }
    let id = fastrand::u64(..);
    let header = format!(
        "<?xml version='1.0'?><stream:stream xmlns='{}' xmlns:stream='{}' id='{id:x}' \
         from='{DOMAIN}' version='1.0' xml:lang='en'>",
        ns::CLIENT,
        ns::STREAMS,
    );
    link.write(&header).await?;
    link.send(&features).await?;
    Ok(true)
}

pub(super) fn features() -> Element {
    Element::new("features", ns::STREAMS)
}

async fn accept(tls: &TlsAcceptor, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(tls.accept(stream).await?))
}

/// The bare JID of the user whom the exchange that `auth` begins proves, and what to say with
/// the success.
async fn authenticate(
    shared: &Shared,
    link: &mut Link,
    auth: &Element,
) -> io::Result<Option<(String, String)>> {
    if !auth.is("auth", ns::SASL) {
        return Err(invalid("expected SASL"));
    }
    let initial = sasl::decode(&auth.text());
    match auth.attr("mechanism") {
        Some(sasl::PLAIN) => {
            let user = sasl::check_plain(&initial, |local| password(shared, local));
            Ok(user.map(|local| (jid(&local), String::new())))
        }
        Some(sasl::SCRAM) => scram(shared, link, &initial).await,
        _ => Ok(None),
    }
}

async fn scram(
    shared: &Shared,
    link: &mut Link,
    initial: &[u8],
) -> io::Result<Option<(String, String)>> {
    let Some((server, challenge)) = sasl::ScramServer::begin(initial) else { return Ok(None) };
    let challenge = sasl::encode(challenge.as_bytes());
    link.send(&Element::new("challenge", ns::SASL).say(challenge)).await?;
    let answer = sasl::decode(&link.element().await?.text());
    let last = password(shared, &server.local)
        .and_then(|password| server.check(&answer, password.expose()));
    Ok(last.map(|last| (jid(&server.local), sasl::encode(last.as_bytes()))))
}

fn password(shared: &Shared, local: &str) -> Option<Redacted<String>> {
    shared.state().users.get(&jid(local)).map(|user| user.password.clone())
}

fn jid(local: &str) -> String {
    format!("{}@{DOMAIN}", local.to_lowercase())
}
