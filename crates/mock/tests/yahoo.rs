//! The Yahoo client and server with each other: what a gateway must leave as it is.
#![allow(clippy::unwrap_used)]

mod common;

use crosstalk_core::{Availability, RichText, Style, Typing};
use crosstalk_mock::{Account, Act, Client, Event, Route, Server as _, SignOnError, yahoo};

use self::common::{SOON, sees};

/// One for each form that the protocol has had: the number is the version.
const NAMES: [&str; 5] = ["ann9", "ann10", "ann13", "ann15", "ann16"];

async fn server() -> yahoo::Server {
    let users = NAMES.map(|name| Account::new(name, format!("{name}'s secret")));
    yahoo::Server::start(([127, 0, 0, 1], 0).into(), &users).await.unwrap()
}

async fn signed_on(server: &yahoo::Server, name: &str) -> Client {
    let account = Account::new(name, format!("{name}'s secret"));
    yahoo::sign_on(&account, &Route::Direct(server.addr())).await.unwrap()
}

async fn shows(client: &mut Client, wanted: Event) {
    let shown = client.expect(SOON, |event| (*event == wanted).then_some(())).await;
    assert!(shown.is_some(), "{wanted:?} was not shown");
}

#[tokio::test]
async fn wrong_credentials_are_refused_with_the_reason() {
    let server = server().await;
    let way = Route::Direct(server.addr());
    for (name, reason) in [
        ("ann9", "the password is wrong"),
        ("ann16", "the password is wrong"),
        ("eve", "there is no such name"),
    ] {
        let refused = yahoo::sign_on(&Account::new(name, "guess"), &way).await;
        assert!(matches!(refused, Err(SignOnError::Refused(why)) if why == reason), "{name}");
    }
}

#[tokio::test]
async fn buddies_of_every_version_see_each_other() {
    for name in NAMES {
        let server = server().await;
        let other = if name == "ann10" { "ann16" } else { "ann10" };
        let mut watcher = signed_on(&server, name).await;
        let mut watched = signed_on(&server, other).await;
        watcher.act(Act::Add(other.into())).await;
        shows(&mut watcher, Event::Listed(other.into())).await;
        sees(&mut watcher, other, Availability::Available, "").await;
        shows(&mut watched, Event::Asked { by: name.into(), text: "".into() }).await;
        watched.act(Act::Away("обед & more".into())).await;
        sees(&mut watcher, other, Availability::Away, "обед & more").await;
        watched.act(Act::Invisible(true)).await;
        sees(&mut watcher, other, Availability::Offline, "").await;
        watched.act(Act::Invisible(false)).await;
        sees(&mut watcher, other, Availability::Available, "").await;
        watched.act(Act::SignOff).await;
        sees(&mut watcher, other, Availability::Offline, "").await;
        watcher.act(Act::Remove(other.into())).await;
        shows(&mut watcher, Event::Unlisted(other.into())).await;
    }
}

#[tokio::test]
async fn the_whole_list_is_there_after_the_next_sign_on() {
    for name in NAMES {
        let server = server().await;
        let ann = signed_on(&server, name).await;
        let others: Vec<&str> = NAMES.into_iter().filter(|other| *other != name).collect();
        for other in &others {
            ann.act(Act::Add((*other).into())).await;
        }
        ann.act(Act::SignOff).await;
        let mut ann = signed_on(&server, name).await;
        for _ in &others {
            let listed = |e: &Event| match e {
                Event::Listed(name) => Some(name.clone()),
                _ => None,
            };
            let listed = ann.expect(SOON, listed).await.unwrap();
            assert!(others.contains(&listed.as_str()), "{listed}");
        }
    }
}

#[tokio::test]
async fn messages_typing_and_buzzes_arrive_as_they_were_written() {
    for name in NAMES {
        let server = server().await;
        let other = if name == "ann10" { "ann16" } else { "ann10" };
        let (from, mut to) = (signed_on(&server, name).await, signed_on(&server, other).await);
        from.act(Act::Type { to: other.into(), typing: Typing::Active }).await;
        shows(&mut to, Event::Typing { from: name.into(), typing: Typing::Active }).await;
        let mut bold = RichText::plain("this is ");
        bold.push("bold", &[Style::Bold]);
        for text in [bold, "Zoë".into(), "Привет \u{1f600}".into()] {
            from.say(other, text.clone()).await;
            shows(&mut to, Event::Said { from: name.into(), text, auto: false }).await;
        }
        from.act(Act::Nudge(other.into())).await;
        shows(&mut to, Event::Nudged { by: name.into() }).await;
        from.act(Act::Invite(other.into())).await;
        shows(&mut to, Event::Invited { by: name.into() }).await;
    }
}

#[tokio::test]
async fn what_is_said_to_one_who_is_away_waits() {
    let server = server().await;
    let ann = signed_on(&server, "ann10").await;
    ann.say("ann16", "for later").await;
    ann.act(Act::SignOff).await;
    let mut late = signed_on(&server, "ann16").await;
    shows(&mut late, Event::Said { from: "ann10".into(), text: "for later".into(), auto: false })
        .await;
}

#[tokio::test]
async fn one_who_is_refused_neither_sees_nor_reaches_anybody() {
    let server = server().await;
    let (mut ann, mut bob) = (signed_on(&server, "ann16").await, signed_on(&server, "ann10").await);
    ann.act(Act::Add("ann10".into())).await;
    sees(&mut ann, "ann10", Availability::Available, "").await;
    bob.act(Act::Deny("ann16".into())).await;
    sees(&mut ann, "ann10", Availability::Offline, "").await;
    ann.say("ann10", "hello").await;
    ann.act(Act::Type { to: "ann10".into(), typing: Typing::Active }).await;
    let typing = |e: &Event| match e {
        Event::Said { .. } => Some(false),
        Event::Typing { .. } => Some(true),
        _ => None,
    };
    assert_eq!(bob.expect(SOON, typing).await, Some(true), "no message came first");
}
