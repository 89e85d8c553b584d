//! Bounds on the result of converting a text, and on the time it takes.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::case::{Case, cases};
use crate::chat::Chat;
use crate::gateway::Gateway;
use crate::jabber::{Client, Server};
use crate::world::{EVIL, FRIEND};

/// Longest latency of the others' texts meanwhile. A processor that shares its time with another
/// trial's compiler takes some of it.
const LONGEST: Duration = Duration::from_secs(1);

/// Time between two texts of one person.
const PACE: Duration = Duration::from_millis(60);

pub(crate) fn cases() -> Vec<Case> {
    cases![four_texts_of_the_worst_markup_stop_nobody].map(Case::alone).into()
}

/// A message of about a mebibyte in which every one of many lines has every one of many styles.
pub(crate) fn worst_markup(to: &str) -> String {
    let (styles, lines) = ("color:red;".repeat(50_000), "<br/>".repeat(100_000));
    format!(
        "<message to='{to}' type='chat'><html xmlns='http://jabber.org/protocol/xhtml-im'>\
         <body xmlns='http://www.w3.org/1999/xhtml'><p style='{styles}'>{lines}</p></body></html>\
         </message>"
    )
}

async fn four_texts_of_the_worst_markup_stop_nobody() {
    let (_friends, _evil) = (Server::start(FRIEND), Server::start(EVIL));
    let gateway = Gateway::start().await;
    let mut chat = Chat::begin(FRIEND.0).await;
    let text = worst_markup("ben%friend.example@jabber.xt");
    let mut attackers = Vec::new();
    for number in 0..4 {
        attackers.push(Client::sign_on(&format!("e{number}"), EVIL.0).await);
    }
    let writing = attackers.into_iter().map(|mut attacker| {
        let text = text.clone();
        tokio::spawn(async move {
            attacker.tries(&text).await;
            // What the gateway answers is for it to write, and not for the attacker to wait for.
            sleep(Duration::from_secs(10)).await;
        })
    });
    let writing: Vec<_> = writing.collect();
    let (begun, mut slowest) = (Instant::now(), Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(4) {
        slowest = slowest.max(chat.once().await);
        assert!(slowest < LONGEST, "a text of others took {slowest:?}, {:?}", gateway.worked());
        sleep(PACE).await;
    }
    writing.iter().for_each(tokio::task::JoinHandle::abort);
}
