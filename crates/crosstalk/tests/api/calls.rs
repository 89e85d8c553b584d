//! Calls and files between somebody with a browser and the clients of each network: what each client
//! shows. `docs/compatibility.md` has it.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use crosstalk_core::{HostPort, NetworkId, RichText, Style};
use crosstalk_gateway::config::Config;
use crosstalk_mock::{Account, Act, Client, Event, NETWORKS, Route};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use crate::door::{PATIENCE, Program};
use crate::networks::{Stage, listen, wait};

/// Environment variable that has the table written anew instead of compared.
const REWRITE: &str = "CROSSTALK_REWRITE";
/// The table, from which the page is made.
const TABLE: &str = "../../tests/kinds/calls.md";
/// A room in which people meet.
const ROOM: &str = "https://meet.example.org/room";
/// The description of a session (RFC 8866).
const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";

/// The next text of somebody that a client shows.
async fn hears(client: &mut Client, by: &str) -> RichText {
    let said = |event: &Event| match event {
        Event::Said { from, text, .. } if from == by => Some(text.clone()),
        _ => None,
    };
    client.expect(PATIENCE, said).await.expect("a text in time")
}

/// The address in a text, and how a client shows it: as something to open, or for copying.
pub(crate) fn address(text: &RichText) -> (String, &'static str) {
    let at = text.text().find("http").unwrap_or_else(|| panic!("an address: {text:?}"));
    let address = &text.text()[at..];
    let is_whole = address.bytes().all(|byte| byte.is_ascii_graphic());
    assert!(is_whole, "whoever copies it gets no more and no less: {text:?}");
    let is_link =
        text.spans().iter().any(|span| matches!(&span.style, Style::Link(to) if to == address));
    (address.to_owned(), if is_link { "a link" } else { "the address as text" })
}

/// Gets what is behind a link, as a browser does.
pub(crate) fn get(link: &str) -> (u16, String) {
    let (host, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// What somebody with a browser does, and what the other's client shows of it.
async fn from_browser(ann: &Program, by: &str, name: &str, client: &mut Client) -> Vec<String> {
    let does = |call: &str, body: &Value| {
        let sent = block_in_place(|| ann.does(call, body));
        assert_eq!(sent["state"], "delivered", "{name}: {call}");
    };
    let mut cells = Vec::new();
    does("POST /v1/calls", &json!({"to": name, "link": ROOM}));
    let said = hears(client, by).await;
    let (link, shown) = address(&said);
    assert_eq!(link, ROOM);
    cells.push(format!("“{}” and {shown}", words(&said)));

    does("POST /v1/calls", &json!({"to": name, "sdp": SDP}));
    let said = hears(client, by).await;
    let (link, shown) = address(&said);
    assert_eq!(block_in_place(|| get(&link)), (200, SDP.to_owned()), "{name}");
    assert_eq!(block_in_place(|| get(&link)).0, 404, "{name}: it is good once");
    cells.push(format!("“{}” and {shown}, good once", words(&said)));

    // As the chat page does it.
    let offered = block_in_place(|| ann.does("POST /v1/files?name=map.txt", &json!("a map")));
    let link = offered["link"].as_str().unwrap();
    let runs = json!([{"text": "map.txt: "}, {"text": link, "link": link}]);
    does("POST /v1/messages", &json!({"to": name, "runs": runs}));
    let said = hears(client, by).await;
    let (link, shown) = address(&said);
    assert_eq!(block_in_place(|| get(&link)), (200, "\"a map\"".to_owned()), "{name}");
    cells.push(format!("“{}” and {shown}, good once", words(&said)));
    cells
}

/// How people call a network.
fn title(id: &str) -> &'static str {
    let known = Config::alone(PathBuf::new()).networks;
    known[&id.parse::<NetworkId>().unwrap()].protocol.defaults().title
}

/// The words before the address.
fn words(said: &RichText) -> &str {
    let text = said.text();
    text[..text.find("http").unwrap_or(text.len())].trim()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_and_files_are_shown_so_that_people_can_act_on_them() {
    let stage = Stage::build("ann@web").await;
    let heard = listen(&stage.bot);
    let app = "ann@web".parse().unwrap();
    let mut rows = String::new();
    for (network, (port, _)) in NETWORKS.iter().zip(&stage.servers) {
        let id = network.id();
        let server = HostPort::new(format!("{id}.test"), *port);
        let way = Route::Socks5 { proxy: stage.gateway.proxies[0], server };
        let mut alice = network.sign_on(&Account::new("alice", "secret"), &way).await.unwrap();
        let (spelled, name) =
            (network.spell(&stage.names, &app), format!("{}@{id}", network.local("alice")));
        alice.act(Act::Add(spelled.clone())).await;
        block_in_place(|| {
            let asks = |event: &Value| event["name"] == name && event["is_seen"] == "asked";
            wait(&heard, &format!("{name} asks"), asks);
            let consent = format!("POST /v1/contacts/{name}/consent");
            stage.bot.does(&consent, &json!({"step": "grant"}));
        });
        let online = |event: &Event| match event {
            Event::Presence { of, presence } => {
                (*of == spelled && presence.is_online()).then_some(())
            }
            _ => None,
        };
        alice.expect(PATIENCE, online).await.unwrap_or_else(|| panic!("{id}: ann is online"));
        let mut cells = from_browser(&stage.bot, &spelled, &name, &mut alice).await;

        // The other way: an invitation that is a link is a text that the page makes a link of.
        let mut text = RichText::plain("call me at ");
        text.push(ROOM, [&Style::Link(ROOM.to_owned())]);
        alice.act(Act::Say { to: spelled.clone(), text }).await;
        let said = |event: &Value| {
            let whole = event["text"].as_str().is_some_and(|text| text.contains(ROOM));
            event["from"] == name && event["type"] == "message" && whole
        };
        block_in_place(|| wait(&heard, &format!("{name} gives a link"), said));
        let is_link = |event: &Value| {
            let runs = event["runs"].as_array();
            said(event) && runs.is_some_and(|runs| runs.iter().any(|run| run["link"] == ROOM))
        };
        let is_link = heard.lock().unwrap().iter().any(is_link);
        cells.push(if is_link { "a link" } else { "the address as text" }.to_owned());
        let _ = writeln!(rows, "| {} | {} |", title(id), cells.join(" | "));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    if std::env::var_os(REWRITE).is_some() {
        fs::write(&path, &rows).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(there, rows, "`cargo xtask compatibility` writes {} anew", path.display());
}
