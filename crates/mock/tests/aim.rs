//! The AIM client and server with each other: what a gateway must leave as it is.
#![allow(clippy::unwrap_used)]

mod common;

use crosstalk_core::{Availability, Typing};
use crosstalk_mock::{Account, Act, Client, Event, Route, Server as _, SignOnError, aim};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::common::{SOON, sees};

async fn server() -> aim::Server {
    let users = ["Alice", "Bob TB"].map(|name| Account::new(name, format!("{name}'s secret")));
    aim::Server::start(([127, 0, 0, 1], 0).into(), &users).await.unwrap()
}

async fn signed_on(server: &aim::Server, name: &str) -> Client {
    let account = Account::new(name, format!("{name}'s secret"));
    aim::sign_on(&account, &Route::Direct(server.addr())).await.unwrap()
}

#[tokio::test]
async fn wrong_credentials_are_refused_with_the_reason() {
    let server = server().await;
    for (name, password, reason) in
        [("Alice", "guess", "the password is wrong"), ("Eve", "guess", "there is no such name")]
    {
        let refused =
            aim::sign_on(&Account::new(name, password), &Route::Direct(server.addr())).await;
        assert!(matches!(refused, Err(SignOnError::Refused(why)) if why == reason));
    }
}

#[tokio::test]
async fn buddies_see_each_other_come_go_and_be_away() {
    let server = server().await;
    let mut alice = signed_on(&server, "Alice").await;
    alice.act(Act::Add("bobtb".into())).await;
    let bob = signed_on(&server, "Bob TB").await;
    sees(&mut alice, "Bob TB", Availability::Available, "").await;
    bob.act(Act::Away("обед & more".into())).await;
    sees(&mut alice, "Bob TB", Availability::Away, "обед & more").await;
    bob.act(Act::Invisible(true)).await;
    sees(&mut alice, "Bob TB", Availability::Offline, "").await;
    bob.act(Act::Invisible(false)).await;
    bob.act(Act::Back).await;
    sees(&mut alice, "Bob TB", Availability::Available, "").await;
    bob.act(Act::SignOff).await;
    sees(&mut alice, "Bob TB", Availability::Offline, "").await;
}

#[tokio::test]
async fn messages_and_typing_arrive_as_they_were_written() {
    let server = server().await;
    let (alice, mut bob) = (signed_on(&server, "Alice").await, signed_on(&server, "Bob TB").await);
    for text in ["<b>&lt;tag&gt;</b>", "Привет \u{1f600}", &"long ".repeat(600)] {
        alice.act(Act::Type { to: "Bob TB".into(), typing: Typing::Active }).await;
        alice.say("Bob TB", text).await;
        let typing = Event::Typing { from: "Alice".into(), typing: Typing::Active };
        assert_eq!(bob.expect(SOON, |event| Some(event.clone())).await, Some(typing));
        let said = Event::Said { from: "Alice".into(), text: text.into(), auto: false };
        assert_eq!(bob.expect(SOON, |event| Some(event.clone())).await, Some(said));
    }
}

#[tokio::test]
async fn a_message_to_one_who_is_not_there_comes_back() {
    let server = server().await;
    let mut alice = signed_on(&server, "Alice").await;
    alice.say("Bob TB", "are you there?").await;
    let undelivered = alice.expect(SOON, |event| match event {
        Event::Undelivered { to, .. } => Some(to.clone()),
        _ => None,
    });
    assert_eq!(undelivered.await.as_deref(), Some("Bob TB"));
}

#[tokio::test]
async fn the_list_is_there_after_the_next_sign_on() {
    let server = server().await;
    let mut alice = signed_on(&server, "Alice").await;
    alice.act(Act::Add("Bob TB".into())).await;
    let is_listed = |event: &Event| matches!(event, Event::Listed(_)).then_some(());
    alice.expect(SOON, is_listed).await.unwrap();
    alice.act(Act::SignOff).await;
    let mut alice = signed_on(&server, "Alice").await;
    assert_eq!(alice.next_event().await, Some(Event::Listed("Bob TB".into())));
}

#[tokio::test]
async fn one_who_is_denied_neither_sees_nor_reaches_anybody() {
    let server = server().await;
    let (mut alice, bob) = (signed_on(&server, "Alice").await, signed_on(&server, "Bob TB").await);
    alice.act(Act::Add("Bob TB".into())).await;
    sees(&mut alice, "Bob TB", Availability::Available, "").await;
    bob.act(Act::Block("Alice".into())).await;
    sees(&mut alice, "Bob TB", Availability::Offline, "").await;
    bob.act(Act::Unblock("Alice".into())).await;
    sees(&mut alice, "Bob TB", Availability::Available, "").await;
}

/// Sign-on frames of an AIM 3 in a capture, with its password roasted.
const OLD_CLIENT: &[u8] = b"\x2a\x01\x12\x35\x00\x1b\x00\x00\x00\x01\
    \x00\x01\x00\x07CarolTB\x00\x02\x00\x08\x80\x43\xe2\xb6\x5c\xf2\x98\xa3";

#[tokio::test]
async fn old_clients_get_their_answer_in_one_frame() {
    for (password, wanted) in [("secretC1", "\0\x05\0"), ("other", "\0\x08\0\x02\0\x05")] {
        let carol = Account::new("carol tb", password);
        let server = aim::Server::start(([127, 0, 0, 1], 0).into(), &[carol]).await.unwrap();
        let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
        stream.write_all(OLD_CLIENT).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer[10..12], [0x2a, 0x04], "behind the greeting");
        let body = String::from_utf8_lossy(&answer[16 + 11..]).into_owned();
        assert!(body.starts_with(wanted), "{body:?}");
    }
}
