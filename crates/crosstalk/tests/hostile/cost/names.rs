//! Names that nobody resolves keep nobody else from being connected.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::case::{Case, cases};
use crate::dns::RESOLVER;
use crate::gateway::Gateway;
use crate::jabber::{Client, Route, Server};
use crate::world::FRIEND;

/// Address of the attacker.
const THEIRS: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 1);
const DEAD: usize = 300;
/// Longest wait of somebody else for a connection.
const LONGEST: Duration = Duration::from_secs(1);

pub(crate) fn cases() -> Vec<Case> {
    cases![three_hundred_names_without_an_answer_stop_no_other_dial].into()
}

/// Dials names that do not answer, one after the other.
pub(crate) async fn dial_dead(number: usize, from: Ipv4Addr) {
    for again in 0_u32.. {
        let name = format!("x{number}-{again}.blackhole.example");
        let _ = Route::to(&name).from(from).dial().await;
        sleep(Duration::from_millis(10)).await;
    }
}

async fn three_hundred_names_without_an_answer_stop_no_other_dial() {
    let _friends = Server::start(FRIEND);
    let _never_answers = UdpSocket::bind(RESOLVER).await.unwrap();
    let gateway = Gateway::start().await;
    let _dialling: JoinSet<_> = (0..DEAD).map(|number| dial_dead(number, THEIRS)).collect();
    sleep(Duration::from_secs(1)).await;
    for who in ["ann", "ben", "cid"] {
        let begun = Instant::now();
        let mut client = Client::dial(Route::to(FRIEND.0)).await;
        let waited = begun.elapsed();
        assert!(waited < LONGEST, "{who} waited for {waited:?}\n{}", gateway.log());
        client.signs_on(who, FRIEND.0, "r").await;
    }
}
