//! A gateway that stands still and goes on: a text is shown, or its sender is told that it was not
//! delivered, and never both.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::sleep;

use crate::case::{Case, cases};
use crate::gateway::{Gateway, PROXY, Plan};
use crate::jabber::{Client, Route, Server, message};
use crate::world::{EVIL, FRIEND};

const OTHER: &str = "127.0.0.1:1081";
const BEN: &str = "ben%evil.example@jabber.xt";

/// By when the sender hears what came of it, and by when the receiver does after all.
const TOLD: Duration = Duration::from_secs(40);
const SHOWN: Duration = Duration::from_secs(20);
const A_WHILE: Duration = Duration::from_secs(1);

pub(crate) fn cases() -> Vec<Case> {
    cases![a_text_to_a_gateway_that_stood_still_is_not_called_undelivered_and_shown].into()
}

/// Two gateways of one mesh.
async fn two() -> (Gateway, Gateway) {
    let (here, there) = (Plan::new(), Plan::new().at(OTHER));
    let here_at = ["--at", "127.0.0.1:7701"];
    let init = here.ask(&[&["mesh", "init"][..], &here_at].concat()).await;
    assert!(init.status.success());
    let shown = there.ask(&["mesh", "id", "--at", "127.0.0.1:7702"]).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    let id = shown.split(|c: char| !c.is_ascii_alphanumeric()).find(|w| w.starts_with("12D3Koo"));
    let id = id.expect("an id");
    let words = ["mesh", "admit", id, "--at", "127.0.0.1:7702", "--networks", "jabber"];
    let document = here.ask(&words).await;
    assert!(document.status.success());
    let file = here.data().join("document");
    std::fs::write(&file, document.stdout).unwrap();
    let joined = there.ask(&["mesh", "join", file.to_str().unwrap()]).await;
    assert!(joined.status.success(), "{}", String::from_utf8_lossy(&joined.stderr));
    (here.start().await, there.start().await)
}

async fn a_text_to_a_gateway_that_stood_still_is_not_called_undelivered_and_shown() {
    let (_friends, _others) = (Server::start(FRIEND), Server::start(EVIL));
    let (_here, there) = two().await;
    let mut ann = Client::dial(Route::to(FRIEND.0).by(PROXY)).await;
    ann.signs_on("ann", FRIEND.0, "r").await;
    let mut ben = Client::dial(Route::to(EVIL.0).by(OTHER)).await;
    ben.signs_on("ben", EVIL.0, "r").await;
    sleep(Duration::from_secs(2)).await;
    ann.send(&message(BEN, "before")).await;
    ben.reads("before").await;

    there.signal(Signal::STOP);
    ann.send(&message(BEN, "while stopped")).await;
    let told = ann.reads_within(TOLD, "</message>").await.unwrap_or_default();
    there.signal(Signal::CONT);
    let shown = ben.reads_within(SHOWN, "while stopped").await;
    assert!(!ben.reads_on(A_WHILE).await.contains("while stopped"), "it was shown twice");
    let told = told + &ann.reads_on(A_WHILE).await;
    let undelivered = told.contains("not delivered") || told.contains("recipient-unavailable");
    assert!(!(undelivered && shown.is_some()), "shown, and its sender was told: {told}");
    assert!(shown.is_some() || !told.is_empty(), "neither shown nor reported");
}
