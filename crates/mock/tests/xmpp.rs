//! The XMPP client and server with each other: what a gateway must leave as it is.
#![allow(clippy::unwrap_used)]

mod common;

use crosstalk_core::{Availability, Typing};
use crosstalk_mock::{Account, Act, Client, Event, Route, Server as _, SignOnError, xmpp};
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use self::common::{SOON, sees};

const ALICE: &str = "alice@jabber.test";
const BOB: &str = "bob@jabber.test";

async fn server() -> xmpp::Server {
    let users = ["alice", "bob"].map(|name| Account::new(name, format!("{name}'s secret")));
    xmpp::Server::start(([127, 0, 0, 1], 0).into(), &users).await.unwrap()
}

async fn signed_on(server: &xmpp::Server, name: &str) -> Client {
    let account = Account::new(name, format!("{name}'s secret"));
    xmpp::sign_on(&account, &Route::Direct(server.addr())).await.unwrap()
}

async fn next_but_presence(client: &mut Client) -> Option<Event> {
    let other = |event: &Event| match event {
        Event::Presence { .. } => None,
        other => Some(other.clone()),
    };
    client.expect(SOON, other).await
}

/// `asker` sees `asked`, who said yes.
async fn befriend(asker: &mut Client, asked: &mut Client, asker_jid: &str, asked_jid: &str) {
    asker.act(Act::Add(asked_jid.into())).await;
    let question =
        asked.expect(SOON, |e| matches!(e, Event::Asked { .. }).then(|| e.clone())).await;
    assert_eq!(question, Some(Event::Asked { by: asker_jid.into(), text: "".into() }));
    asked.act(Act::Accept(asker_jid.into())).await;
    sees(asker, asked_jid, Availability::Available, "").await;
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let server = server().await;
    let refused =
        xmpp::sign_on(&Account::new("alice", "guess"), &Route::Direct(server.addr())).await;
    assert!(matches!(refused, Err(SignOnError::Refused(why)) if why == "not-authorized"));
}

#[tokio::test]
async fn presence_is_seen_by_those_who_were_accepted() {
    let server = server().await;
    let (mut alice, mut bob) = (signed_on(&server, "alice").await, signed_on(&server, "bob").await);
    befriend(&mut alice, &mut bob, ALICE, BOB).await;
    bob.act(Act::Away("обед & <more>".into())).await;
    sees(&mut alice, BOB, Availability::Away, "обед & <more>").await;
    bob.act(Act::Invisible(true)).await;
    sees(&mut alice, BOB, Availability::Offline, "").await;
    bob.act(Act::Back).await;
    sees(&mut alice, BOB, Availability::Available, "").await;
    bob.act(Act::SignOff).await;
    sees(&mut alice, BOB, Availability::Offline, "").await;
    alice.act(Act::Remove(BOB.into())).await;
    assert_eq!(next_but_presence(&mut alice).await, Some(Event::Unlisted(BOB.into())));
}

#[tokio::test]
async fn messages_and_typing_arrive_as_they_were_written() {
    let server = server().await;
    let (mut alice, mut bob) = (signed_on(&server, "alice").await, signed_on(&server, "bob").await);
    befriend(&mut alice, &mut bob, ALICE, BOB).await;
    assert_eq!(next_but_presence(&mut bob).await, Some(Event::Listed(ALICE.into())));
    for text in ["<b>&lt;tag&gt;</b>", "Привет \u{1f600}", &"long ".repeat(600)] {
        alice.act(Act::Type { to: BOB.into(), typing: Typing::Active }).await;
        alice.say(BOB, text).await;
        let typing = Event::Typing { from: ALICE.into(), typing: Typing::Active };
        assert_eq!(next_but_presence(&mut bob).await, Some(typing));
        let said = Event::Said { from: ALICE.into(), text: text.into(), auto: false };
        assert_eq!(next_but_presence(&mut bob).await, Some(said));
    }
}

#[tokio::test]
async fn a_message_to_nobody_comes_back() {
    let server = server().await;
    let mut alice = signed_on(&server, "alice").await;
    alice.say("nobody@jabber.test", "are you there?").await;
    let why = "service-unavailable".into();
    let undelivered = Event::Undelivered { to: "nobody@jabber.test".into(), why };
    assert_eq!(next_but_presence(&mut alice).await, Some(undelivered));
}

#[tokio::test]
async fn where_encryption_is_required_nobody_signs_on_without() {
    let key = rcgen::generate_simple_self_signed([xmpp::DOMAIN.to_owned()]).unwrap();
    let (certificate, secret) = (key.cert.der().clone(), key.signing_key.serialize_der());
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], PrivatePkcs8KeyDer::from(secret).into())
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trust = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let alice = Account::new("alice", "secret");
    let (anywhere, users) = (([127, 0, 0, 1], 0).into(), std::slice::from_ref(&alice));
    let server = xmpp::Server::start_encrypted(anywhere, users, tls.into()).await.unwrap();
    let way = Route::Direct(server.addr());

    assert!(matches!(xmpp::sign_on(&alice, &way).await, Err(SignOnError::Protocol(_))));
    let client = xmpp::sign_on_encrypted(&alice, &way, trust.into()).await;
    assert!(client.is_ok());
}
