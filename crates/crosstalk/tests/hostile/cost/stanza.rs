//! Bound on the memory for a stanza: a small multiple of its size.

use std::time::Duration;

use tokio::time::sleep;

use crate::case::{Case, cases};
use crate::chat::Chat;
use crate::gateway::{Gateway, MIB, Plan};
use crate::jabber::{Client, Route, Server};
use crate::world::{FRIEND, VICTIM};

/// Enough to parse it ten times over.
const A_WHILE: Duration = Duration::from_secs(3);
/// Limit on the process's address space, so that a trial that fails does not take the machine.
const MOST: &str = "--as=1500000000";
/// Limit on the growth of the process by one stanza of a mebibyte.
const GROWTH: u64 = 32 * MIB;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_long_namespace_of_somebody_unknown_is_not_copied_for_each_child,
        a_long_namespace_of_a_stranger_is_not_copied_for_each_child,
        a_million_attributes_and_levels_cost_no_more_than_their_length,
    ]
    .into()
}

/// Children that inherit a long namespace.
fn inherited(namespace: usize, children: usize) -> String {
    format!("<x xmlns='{}'>{}</x>", "A".repeat(namespace), "<a/>".repeat(children))
}

/// The process is there, has not grown, and serves others.
async fn nobody_else_noticed(gateway: &mut Gateway, before: u64, chat: &mut Chat) {
    sleep(A_WHILE).await;
    assert!(gateway.is_up(), "the gateway ended: {}", gateway.log());
    let growth = gateway.peak().saturating_sub(before);
    assert!(growth < GROWTH, "it grew by {} MiB", growth / MIB);
    chat.once().await;
}

async fn a_long_namespace_of_somebody_unknown_is_not_copied_for_each_child() {
    let (_server, _friends) = (Server::start(VICTIM), Server::start(FRIEND));
    let mut gateway = Plan::new().limited(MOST).start().await;
    let mut chat = Chat::begin(FRIEND.0).await;
    let before = gateway.peak();
    let mut nobody = Client::dial(Route::to(VICTIM.0)).await;
    nobody.send(&crate::jabber::client::open(VICTIM.0)).await;
    nobody.reads("</stream:features>").await;
    nobody.tries(&format!("<iq id='1' type='get'>{}</iq>", inherited(500_000, 130_000))).await;
    nobody_else_noticed(&mut gateway, before, &mut chat).await;
}

async fn a_long_namespace_of_a_stranger_is_not_copied_for_each_child() {
    let (server, _friends) = (Server::start(VICTIM), Server::start(FRIEND));
    let mut gateway = Plan::new().limited(MOST).start().await;
    let mut chat = Chat::begin(FRIEND.0).await;
    let mut victim = Client::sign_on("victim", VICTIM.0).await;
    let mut stranger = Client::directly(server.addr()).await;
    stranger.signs_on("stranger", VICTIM.0, "r").await;
    let before = gateway.peak();
    // What looks like a change of the list is read.
    let content = inherited(90_000, 22_500) + "<query xmlns='jabber:iq:roster'/>";
    stranger
        .send(&format!("<iq id='1' type='set' to='victim@victim.example/r'>{content}</iq>"))
        .await;
    // It is none of the gateway's business, and the server relays it.
    victim.reads("jabber:iq:roster'/></iq>").await;
    nobody_else_noticed(&mut gateway, before, &mut chat).await;
}

fn numbered(count: u32, each: impl Fn(u32) -> String) -> String {
    (0..count).map(each).collect()
}

async fn a_million_attributes_and_levels_cost_no_more_than_their_length() {
    let (_server, _friends) = (Server::start(VICTIM), Server::start(FRIEND));
    let mut gateway = Plan::new().limited(MOST).start().await;
    let mut chat = Chat::begin(FRIEND.0).await;
    let before = gateway.peak();
    let attributes = numbered(90_000, |n| format!(" a{n:x}=''"));
    let (down, up) = ("<a>".repeat(130_000), "</a>".repeat(130_000));
    let prefixes = numbered(40_000, |n| format!(" xmlns:p{n:x}='u'"));
    let children = "<p1:a/>".repeat(30_000);
    for content in [
        format!("<x{attributes}/>"),
        format!("<x>{down}{up}</x>"),
        format!("<x{prefixes}>{children}</x>"),
    ] {
        let mut nobody = Client::dial(Route::to(VICTIM.0)).await;
        nobody.send(&crate::jabber::client::open(VICTIM.0)).await;
        nobody.reads("</stream:features>").await;
        nobody.tries(&format!("<iq id='1' type='get'>{content}</iq>")).await;
    }
    nobody_else_noticed(&mut gateway, before, &mut chat).await;
}
