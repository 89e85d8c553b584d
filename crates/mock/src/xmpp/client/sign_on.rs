//! Sign-on: from an account to a bound stream.

use std::io;
use std::sync::Arc;

use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Session, condition};
use crate::incoming::invalid;
use crate::xmpp::link::{Incoming, Link};
use crate::xmpp::{DOMAIN, sasl};
use crate::{Account, Client, Route, SignOnError, Stream};

/// The resource that clients ask for.
const RESOURCE: &str = "mock";

/// Signs `account` on without encryption. The client has its whole roster when this returns.
pub async fn sign_on(account: &Account, way: &Route) -> Result<Client, SignOnError> {
    begin(account, Link::new(way.dial().await?, None)).await
}

/// As [`sign_on`], after STARTTLS with a server that `tls` trusts.
pub async fn sign_on_encrypted(
    account: &Account,
    way: &Route,
    tls: Arc<ClientConfig>,
) -> Result<Client, SignOnError> {
    let mut link = Link::new(way.dial().await?, None);
    if open(&mut link).await?.get("starttls", ns::TLS).is_none() {
        return Err(SignOnError::Protocol("the server does not offer STARTTLS"));
    }
    link.send(&Element::new("starttls", ns::TLS)).await?;
    if !link.element().await?.is("proceed", ns::TLS) {
        return Err(SignOnError::Refused("STARTTLS".into()));
    }
    begin(account, link.encrypt(|stream| encrypt(tls, stream)).await?).await
}

async fn encrypt(tls: Arc<ClientConfig>, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
    let domain = ServerName::try_from(DOMAIN).map_err(invalid)?;
    Ok(Box::new(TlsConnector::from(tls).connect(domain, stream).await?))
}

/// Signs on, from the first stream header that offers SASL to a client that is there.
async fn begin(account: &Account, mut link: Link) -> Result<Client, SignOnError> {
    authenticate(account, &mut link).await?;
    let features = open(&mut link).await?;
    let jid = bind(&mut link).await?;
    let (client, driver) = Client::new();
    let mut session = Session::new(link, driver, jid);
    if features.get("sm", ns::SM).is_some() {
        session.link.send(&Element::new("enable", ns::SM)).await?;
    }
    session.set_up().await?;
    tokio::spawn(session.run());
    Ok(client)
}

/// Sends a stream header; returns the features that the server answers with.
async fn open(link: &mut Link) -> Result<Element, SignOnError> {
    let header = format!(
        "<?xml version='1.0'?><stream:stream xmlns='{}' xmlns:stream='{}' to='{DOMAIN}' \
         version='1.0'>",
        ns::CLIENT,
        ns::STREAMS,
    );
    link.write(&header).await?;
    if !matches!(link.next().await?, Incoming::Open) {
        return Err(SignOnError::Protocol("the server did not open a stream"));
    }
    let features = link.element().await?;
    if features.is("error", ns::STREAMS) {
        return Err(SignOnError::Refused(condition(&features)));
    }
    Ok(features)
}

async fn authenticate(account: &Account, link: &mut Link) -> Result<(), SignOnError> {
    let features = open(link).await?;
    let mechanisms = features
        .get("mechanisms", ns::SASL)
        .ok_or(SignOnError::Protocol("the server offers no SASL"))?;
    let offers = |name| mechanisms.elements().any(|m| m.text() == name);
    let answer = if offers(sasl::SCRAM) {
        scram(account, link).await?
    } else if offers(sasl::PLAIN) {
        let initial = sasl::plain(&account.name, account.password.expose());
        exchange(link, auth(sasl::PLAIN, &initial)).await?
    } else {
        return Err(SignOnError::Protocol("the server offers no mechanism of ours"));
    };
    if answer.is("success", ns::SASL) {
        Ok(())
    } else {
        Err(SignOnError::Refused(condition(&answer)))
    }
}

/// Returns the server's last word, once it proved that it knows the password too.
async fn scram(account: &Account, link: &mut Link) -> Result<Element, SignOnError> {
    const SENSELESS: SignOnError = SignOnError::Protocol("the server's SCRAM makes no sense");
    let (client, first) = sasl::ScramClient::begin(&account.name);
    let challenge = exchange(link, auth(sasl::SCRAM, first.as_bytes())).await?;
    if !challenge.is("challenge", ns::SASL) {
        return Ok(challenge);
    }
    let text = String::from_utf8(sasl::decode(&challenge.text())).map_err(|_| SENSELESS)?;
    let (answer, last) = client.answer(&text, account.password.expose()).ok_or(SENSELESS)?;
    let response = Element::new("response", ns::SASL).say(sasl::encode(answer.as_bytes()));
    let answer = exchange(link, response).await?;
    if answer.is("success", ns::SASL) && sasl::decode(&answer.text()) != last.into_bytes() {
        return Err(SENSELESS);
    }
    Ok(answer)
}

fn auth(mechanism: &str, initial: &[u8]) -> Element {
    Element::new("auth", ns::SASL).with("mechanism", mechanism).say(sasl::encode(initial))
}

async fn exchange(link: &mut Link, element: Element) -> io::Result<Element> {
    link.send(&element).await?;
    link.element().await
}

async fn bind(link: &mut Link) -> Result<String, SignOnError> {
    // Sessions of one account need resources of their own.
    let resource = format!("{RESOURCE}-{:08x}", fastrand::u32(..));
    let bind =
        Element::new("bind", ns::BIND).child(Element::new("resource", ns::BIND).say(resource));
    let iq = Element::new("iq", ns::CLIENT).with("type", "set").with("id", "bind").child(bind);
    link.send(&iq).await?;
    let answer = link.element().await?;
    answer
        .get("bind", ns::BIND)
        .and_then(|bind| bind.text_of("jid"))
        .ok_or_else(|| SignOnError::Refused(condition(&answer)))
}
