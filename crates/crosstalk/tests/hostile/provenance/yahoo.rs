//! Yahoo: a session is whose the server's list says, and servers are where `/capacity` says.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crosstalk_core::Side;
use crosstalk_mock::yahoo::{cookies, proof};
use crosstalk_networks::ymsg::wire::service;
use crosstalk_networks::ymsg::wire::{Draft, Packet, Style};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::liar::{LIAR, Line, PASSWORD, Scene, VICTIMS_NAME};
use crate::case::{Case, cases};
use crate::gateway::Plan;
use crate::jabber::server::listen;
use crate::jabber::{Client, Route};
use crate::world::{HOLE, VICTIM};

const PORT: u16 = 5050;
const WEB: u16 = 80;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_yahoo_client_that_lies_in_every_field_is_signed_on_as_who_it_is,
        a_page_of_somebody_else_opens_no_way_to_a_server,
    ]
    .into()
}

async fn packet(line: &mut Line) -> Option<Packet> {
    line.next(|read| Packet::take(Side::Server, read).unwrap()).await
}

async fn a_yahoo_client_that_lies_in_every_field_is_signed_on_as_who_it_is() {
    let scene = Scene::begin("yahoo", PORT).await;
    let mut line = scene.through().await;
    let mut style = Style { version: 16, ..Style::default() };
    // Before the challenge and behind it, what a server says when it has accepted its client.
    let list = Draft::new(service::LIST_15, 0).with(3, VICTIMS_NAME).with(1, VICTIMS_NAME);
    let list = list.with(0, VICTIMS_NAME);
    let claim = Draft::new(service::AUTH, 0).with(1, LIAR).with(0, VICTIMS_NAME);
    line.write(&claim.with(2, VICTIMS_NAME).finish(style)).await;
    let challenge = packet(&mut line).await.expect("a challenge");
    style.session = challenge.style.session;
    let seed = String::from_utf8_lossy(challenge.first(94).unwrap()).into_owned();
    let [y, t] = cookies(LIAR, PASSWORD);
    let answer = Draft::new(service::AUTH_RESPONSE, 0).with(1, VICTIMS_NAME).with(0, VICTIMS_NAME);
    let answer = answer.with(277, y).with(278, t).with(307, proof(PASSWORD, &seed));
    let answer = answer.with(2, VICTIMS_NAME).with(2, "1").with(3, VICTIMS_NAME);
    line.write(&list.clone().finish(style)).await;
    line.write(&answer.finish(style)).await;
    line.write(&list.finish(style)).await;
    while packet(&mut line).await.is_some_and(|packet| packet.service != service::LIST_15) {}
    scene.nobody_but_the_liar_is_signed_on().await;
}

/// Page that tells the address of the servers.
fn page(ip: [u8; 4]) -> String {
    let page = format!("COLO_CAPACITY=1\r\nCS_IP_ADDRESS={}\r\n", Ipv4Addr::from(ip));
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len())
}

/// The server's own page, and one as somebody may have written it who has an account there.
async fn serve_pages() {
    let listener = listen(SocketAddr::from((Ipv4Addr::from(VICTIM.1), WEB)));
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut asked = [0; 1024];
        while let Ok(count @ 1..) = stream.read(&mut asked).await {
            let is_own = asked[..count].starts_with(b"GET /capacity ");
            let answer = page(if is_own { VICTIM.1 } else { HOLE.1 });
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }
}

async fn a_page_of_somebody_else_opens_no_way_to_a_server() {
    let _pages = tokio::spawn(serve_pages());
    let _servers = [VICTIM.1, HOLE.1].map(|ip| listen((Ipv4Addr::from(ip), PORT).into()));
    let at = SocketAddr::from((Ipv4Addr::from(VICTIM.1), WEB));
    let servers = format!("[networks.yahoo.servers]\n\"server.test:80\" = \"{at}\"\n");
    let gateway = Plan::new().with(&servers).start().await;
    let mut asking = Client::dial(Route::to("server.test").at(WEB)).await;
    for question in ["/capacity", "/a/page"] {
        asking.send(&format!("GET {question} HTTP/1.1\r\nHost: server.test\r\n\r\n")).await;
        asking.reads_on(Duration::from_millis(500)).await;
    }
    for (ip, opens) in [(VICTIM.1, true), (HOLE.1, false)] {
        let named = Ipv4Addr::from(ip).to_string();
        let is_open = Route::to(&named).at(PORT).dial().await.is_ok();
        assert_eq!(is_open, opens, "{named}: {}", gateway.log());
    }
}
