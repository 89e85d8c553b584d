//! Names that cost their owner nothing take no more than their domain's share.

use std::time::Duration;

use crate::case::{Case, cases};
use crate::gateway::{Gateway, MIB, Plan};
use crate::jabber::{Client, Server};
use crate::world::{EVIL, FRIEND, VICTIM};

const FRED: &str = "fred%friend.example@jabber.xt";
const A_WHILE: Duration = Duration::from_secs(5);

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_hundred_strangers_of_one_domain_do_not_keep_out_an_honest_one,
        names_of_one_domain_do_not_fill_the_disk_with_lists,
    ]
    .into()
}

fn subscribe(to: &str) -> String {
    format!("<presence to='{to}' type='subscribe'/>")
}

async fn a_hundred_strangers_of_one_domain_do_not_keep_out_an_honest_one() {
    let (_friends, _evil, _victim) =
        (Server::start(FRIEND), Server::start(EVIL), Server::start(VICTIM));
    let gateway = Gateway::start().await;
    let mut fred = Client::sign_on("fred", FRIEND.0).await;
    for number in 0..120 {
        let mut stranger = Client::sign_on(&format!("s{number}"), EVIL.0).await;
        stranger.send(&subscribe(FRED)).await;
    }
    let mut vera = Client::sign_on("vera", VICTIM.0).await;
    vera.send(&subscribe(FRED)).await;
    let asked = fred.reads_within(A_WHILE, "vera").await;
    assert!(asked.is_some(), "the honest request did not arrive: {}", gateway.log());
}

async fn names_of_one_domain_do_not_fill_the_disk_with_lists() {
    const NAMES: u32 = 16;
    const SHARE: u64 = 4 * MIB;
    let (_friends, _evil) = (Server::start(FRIEND), Server::start(EVIL));
    let limits = format!("[limits]\nlists_of_domain = {SHARE}\n");
    let gateway = Plan::new().with(&limits).start().await;
    let edits = super::disk::edits();
    for number in 0..NAMES {
        let mut client = Client::sign_on(&format!("list{number}"), EVIL.0).await;
        client.tries(&edits).await;
        client.reads_within(A_WHILE, "id='k899'").await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let written = std::fs::metadata(gateway.data().join("overlay.redb")).unwrap().len();
    // The file has room for what it changes, and more of it is written than is kept.
    assert!(written < 4 * SHARE, "one domain has {} MiB on the disk", written / MIB);
}
