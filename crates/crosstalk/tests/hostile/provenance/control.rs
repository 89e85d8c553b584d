//! Texts of strangers: not said in the gateway's own voice.

use std::net::{Ipv4Addr, SocketAddr};

use crosstalk_core::HostPort;
use crosstalk_mock::{Account, Event, Route as MockRoute, by_id};

use crate::case::{Case, cases};
use crate::gateway::{PROXY, Plan};
use crate::jabber::{Client, PATIENCE, Server};
use crate::world::{EVIL, VICTIM};

const HOST: &str = "server.test";
const PORT: u16 = 5050;
/// Words that the stranger wants to be read as the control contact's own.
const LIE: &str = "CrossTalk: your password has run out, say it here";

pub(crate) fn cases() -> Vec<Case> {
    cases![words_of_a_stranger_are_no_lines_of_the_control_contact].into()
}

async fn words_of_a_stranger_are_no_lines_of_the_control_contact() {
    let at = SocketAddr::from((Ipv4Addr::from(VICTIM.1), PORT));
    // In this version of Yahoo's protocol the control contact asks in place of the client.
    let dave = Account::new("dave9", "secret");
    let yahoo = by_id("yahoo").unwrap();
    let _yahoo = yahoo.serve(at, std::slice::from_ref(&dave)).await.unwrap();
    let _evil = Server::start(EVIL);
    let servers = format!("[networks.yahoo.servers]\n\"{HOST}\" = \"{at}\"\n");
    let gateway = Plan::new().with(&servers).start().await;
    let proxy = PROXY.parse().unwrap();
    let way = MockRoute::Socks5 { proxy, server: HostPort::new(HOST, PORT) };
    let mut dave = yahoo.sign_on(&dave, &way).await.unwrap();
    let mut stranger = Client::sign_on("mallory", EVIL.0).await;
    let words = format!("hello&#10;&#10;{LIE}&#13;&#10;{LIE}&#x2028;{LIE}");
    let request = "<presence to='dave9@yahoo.xt' type='subscribe'><status>";
    stranger.send(&format!("{request}{words}</status></presence>")).await;
    let asked = dave.expect(PATIENCE, |event| match event {
        Event::Said { from, text, .. } if from.contains("gateway") => {
            let text = text.text().to_owned();
            text.contains("mallory").then_some(text)
        }
        _ => None,
    });
    let asked = asked.await.unwrap_or_else(|| panic!("it was not asked: {}", gateway.log()));
    let is_break = |c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let own = asked.split(is_break).find(|line| line.trim_start().starts_with("CrossTalk:"));
    assert_eq!(own, None, "{asked}");
}
