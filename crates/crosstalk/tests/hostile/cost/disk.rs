//! A full disk does not make memory of what cannot be written.

use std::time::Duration;

use crate::case::{Case, cases};
use crate::chat::Chat;
use crate::gateway::{MIB, Plan};
use crate::jabber::{Client, Route, Server};
use crate::world::{EVIL, FRIEND, disk};

const NAMES: u32 = 40;
const CONTACTS: u32 = 900;
const BUDGET: u64 = 128 * MIB;
const SETTINGS: &str = "[limits]\nmemory = \"128MiB\"\n";

pub(crate) fn cases() -> Vec<Case> {
    cases![lists_that_a_full_disk_does_not_take_stay_within_the_budget].into()
}

/// Somebody's edits, whose list comes to about a mebibyte.
pub(super) fn edits() -> String {
    let edit = |number| {
        format!(
            "<iq id='k{number}' type='set'><query xmlns='jabber:iq:roster'>\
             <item jid='u{number}%a.example@jabber.xt' name='{}'><group>{}</group></item></query>\
             </iq>",
            "n".repeat(500),
            "g".repeat(500)
        )
    };
    (0..CONTACTS).map(edit).collect()
}

async fn lists_that_a_full_disk_does_not_take_stay_within_the_budget() {
    let (_evil, _friends) = (Server::start(EVIL), Server::start(FRIEND));
    let plan = Plan::new().with(SETTINGS);
    disk(&plan.data(), "14m", true);
    let mut gateway = plan.start().await;
    let mut chat = Chat::begin(FRIEND.0).await;
    let edits = edits();
    for number in 0..NAMES {
        let mut client = Client::dial(Route::to(EVIL.0)).await;
        client.signs_on(&format!("disk{number}"), EVIL.0, "r").await;
        client.tries(&edits).await;
        client.reads_within(Duration::from_secs(5), "id='k899'").await;
        drop(client);
        let peak = gateway.peak();
        assert!(gateway.is_up(), "the gateway ended: {}", gateway.log());
        assert!(peak < BUDGET, "it took {} MiB with {number} names", peak / MIB);
    }
    chat.once().await;
    disk(&gateway.data(), "200m", false);
    chat.once().await;
}
