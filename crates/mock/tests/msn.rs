//! The MSN clients and server with each other: what a gateway must leave as it is.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{SOON, sees};
use crosstalk_core::Availability;
use crosstalk_mock::{Account, Act, Client, Event, Route, Server as _, SignOnError, msn};

/// A version of each kind there is.
const VERSIONS: [u32; 17] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];

async fn server(names: &[String]) -> msn::Server {
    let users: Vec<_> = names.iter().map(account).collect();
    msn::Server::start(([127, 0, 0, 1], 0).into(), &users).await.unwrap()
}

fn account(name: &String) -> Account {
    Account::new(name, format!("the secret of {name}"))
}

async fn signed_on(server: &msn::Server, name: &String) -> Client {
    msn::sign_on(&account(name), &way(server)).await.unwrap()
}

fn way(server: &msn::Server) -> Route {
    Route::Hosts { server: server.addr(), web: server.web().unwrap().addr }
}

async fn expects(client: &mut Client, wanted: &Event) {
    let mut seen = Vec::new();
    let found = client.expect(SOON, |event| {
        seen.push(event.clone());
        (event == wanted).then_some(())
    });
    assert!(found.await.is_some(), "{wanted:?} was not among {seen:?}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_in_every_version() {
    for version in VERSIONS {
        let name = format!("ann{version}");
        let server = server(std::slice::from_ref(&name)).await;
        let guess = Account::new(&name, "guess");
        let refused = msn::sign_on(&guess, &way(&server)).await;
        assert!(matches!(refused, Err(SignOnError::Refused(why)) if why == "error 911"));
    }
}

#[tokio::test]
async fn every_version_meets_every_other() {
    for version in VERSIONS {
        let (ann, bob) = (format!("ann{version}"), format!("bob{}", 20 - version));
        let server = server(&[ann.clone(), bob.clone()]).await;
        let (ann_name, bob_name) = (format!("{ann}@msn.test"), format!("{bob}@msn.test"));
        let mut a = signed_on(&server, &ann).await;
        let mut b = signed_on(&server, &bob).await;
        a.act(Act::Add(bob_name.clone())).await;
        expects(&mut a, &Event::Listed(bob_name.clone())).await;
        expects(&mut b, &Event::Asked { by: ann_name.clone(), text: "".into() }).await;
        b.act(Act::Accept(ann_name.clone())).await;
        sees(&mut a, &bob_name, Availability::Available, "").await;
        a.say(&bob_name, "hello").await;
        expects(&mut b, &Event::Said { from: ann_name.clone(), text: "hello".into(), auto: false })
            .await;
        b.say(&ann_name, "hello yourself").await;
        let answer =
            Event::Said { from: bob_name.clone(), text: "hello yourself".into(), auto: false };
        expects(&mut a, &answer).await;

        let keeps_book = server.record().contains("ABContactAdd");
        assert_eq!(keeps_book, version >= 13, "what comes under TLS is recorded as it was");

        drop(a);
        let mut a = signed_on(&server, &ann).await;
        expects(&mut a, &Event::Listed(bob_name.clone())).await;
        sees(&mut a, &bob_name, Availability::Available, "").await;
        a.act(Act::Remove(bob_name.clone())).await;
        expects(&mut a, &Event::Unlisted(bob_name.clone())).await;
        drop(a);
        let mut a = signed_on(&server, &ann).await;
        let listed = a.expect(Duration::from_millis(200), |event| {
            matches!(event, Event::Listed(_)).then_some(())
        });
        assert!(listed.await.is_none(), "version {version} still lists whom it removed");
    }
}
