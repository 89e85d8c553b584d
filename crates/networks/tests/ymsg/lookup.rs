//! The question which server to use.

use crosstalk_core::{Event, HostPort, Roster, Side, Via};
use crosstalk_networks::ymsg::Ymsg;

use crate::common::{Gateway, Shared, expects, left_weight};

const QUESTION: &[u8] = b"GET /capacity HTTP/1.1\r\nHost: vcs1.msg.yahoo.com\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Length: 42\r\n\r\n\
    COLO_CAPACITY=1\r\nCS_IP_ADDRESS=192.0.2.1\r\n";

fn direct(shared: &Shared, upstream: &str, advertise: &str) -> Gateway {
    let (upstream, advertise) = (upstream.parse().unwrap(), advertise.parse().unwrap());
    Gateway::via(&Ymsg, shared, Roster::default(), Via::Direct { upstream, advertise })
}

fn dialled(gateway: &Gateway) -> String {
    match gateway.events.first() {
        Some(Event::Dial(to)) => to.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn behind_a_proxy_the_server_that_was_named_may_be_dialled() {
    let shared = Shared::default();
    let mut gateway = Gateway::new(&Ymsg, &shared, None);
    gateway.bytes(Side::Client, QUESTION).unwrap();
    let server = HostPort::new("192.0.2.1", 5050);
    for byte in ANSWER {
        assert!(!expects(&shared, &server));
        gateway.bytes(Side::Server, &[*byte]).unwrap();
    }
    assert!(expects(&shared, &server));
    assert!(!gateway.altered());
    assert_eq!(gateway.take(Side::Client), ANSWER);
}

#[test]
fn in_direct_mode_the_answer_names_the_gateway_and_the_next_connection_goes_where_it_should() {
    let shared = Shared::default();
    let mut asks = direct(&shared, "vcs.test:80", "192.0.2.9:80");
    asks.bytes(Side::Client, QUESTION).unwrap();
    assert_eq!(dialled(&asks), "vcs.test:80");
    let asked = String::from_utf8(asks.take(Side::Server)).unwrap();
    assert!(asked.starts_with("GET /capacity HTTP/1.0\r\nHost: "), "an answer in one piece");
    for byte in ANSWER {
        asks.bytes(Side::Server, &[*byte]).unwrap();
    }
    let answer = String::from_utf8(asks.take(Side::Client)).unwrap();
    assert!(answer.ends_with("CS_IP_ADDRESS=192.0.2.9\r\n"), "{answer}");
    let mut session = direct(&shared, "scs.test:5050", "192.0.2.9:5051");
    session.bytes(Side::Client, b"YMSG").unwrap();
    assert_eq!(dialled(&session), "192.0.2.1:5050");
    let mut next = direct(&shared, "scs.test:5050", "192.0.2.9:5051");
    next.bytes(Side::Client, b"YMSG").unwrap();
    assert_eq!(dialled(&next), "scs.test:5050");
}

/// Bytes that a client in direct mode gets of an answer that comes byte by byte, and the address it
/// may go to.
fn answered(answer: &str) -> (String, Option<String>) {
    let shared = Shared::default();
    let mut asks = direct(&shared, "vcs.test:80", "192.0.2.9:80");
    asks.bytes(Side::Client, QUESTION).unwrap();
    for byte in answer.as_bytes() {
        asks.bytes(Side::Server, &[*byte]).unwrap();
    }
    let got = String::from_utf8(asks.take(Side::Client)).unwrap();
    let mut session = direct(&shared, "scs.test:5050", "192.0.2.9:5051");
    session.bytes(Side::Client, b"YMSG").unwrap();
    (got, Some(dialled(&session)).filter(|to| to != "scs.test:5050"))
}

#[test]
fn an_answer_in_chunks_is_read_and_goes_on_in_one_piece() {
    let (got, named) = answered(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n\
         14\r\nCS_IP_ADDRESS=192.0.\r\n5\r\n2.1\r\n\r\n0\r\n\r\n",
    );
    let body = "CS_IP_ADDRESS=192.0.2.9\r\n";
    assert_eq!(got, format!("HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 25\r\n\r\n{body}"));
    assert_eq!(named.as_deref(), Some("192.0.2.1:5050"));
}

#[test]
fn answers_that_name_nobody_and_what_is_no_http_pass_as_they_are() {
    for answer in [
        "HTTP/1.0 404 Not Found\r\nContent-Length: 17\r\n\r\nCOLO_CAPACITY=1\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\nCS_IP_ADDRESS=\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "COLO_CAPACITY=1\r\n",
    ] {
        assert_eq!(answered(answer), (answer.to_owned(), None));
    }
}

#[test]
fn an_answer_without_a_length_ends_with_the_connection() {
    let shared = Shared::default();
    let mut asks = direct(&shared, "vcs.test:80", "192.0.2.9:80");
    asks.bytes(Side::Client, QUESTION).unwrap();
    asks.bytes(Side::Server, b"HTTP/1.0 200 OK\r\n\r\nCS_IP_ADDRESS=192.0.2.1").unwrap();
    assert!(asks.take(Side::Client).is_empty());
    asks.input(crosstalk_core::Input::Closed(Side::Server)).unwrap();
    let answer = b"HTTP/1.0 200 OK\r\nContent-Length: 23\r\n\r\nCS_IP_ADDRESS=192.0.2.9";
    assert_eq!(asks.take(Side::Client), answer);
}

/// Addresses that clients may go to after a client has sent the first and its server the second.
fn named(question: &[u8], answers: &[u8]) -> Vec<String> {
    let shared = Shared::default();
    let mut gateway = Gateway::new(&Ymsg, &shared, None);
    gateway.bytes(Side::Client, question).unwrap();
    for byte in answers {
        gateway.bytes(Side::Server, &[*byte]).unwrap();
    }
    assert!(!gateway.altered());
    assert_eq!(gateway.take(Side::Client), answers);
    assert_eq!(gateway.take(Side::Server), question);
    let hosts = (0..20).map(|n| format!("192.0.2.{n}"));
    let is_named = |host: &String| expects(&shared, &HostPort::new(host, 5050));
    hosts.filter(is_named).collect()
}

fn says(text: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len()).into_bytes()
}

#[test]
fn only_the_answer_to_the_question_names_servers() {
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes();
    let [one, two] = ["CS_IP_ADDRESS=192.0.2.1\r\n", "CS_IP_ADDRESS=192.0.2.2\r\n"].map(says);
    let both = [&one[..], &two].concat();
    assert_eq!(named(&ask("/capacity"), &both), ["192.0.2.1"], "nobody asked for the second");
    let page = [ask("/capacity"), ask("/~mallory/page")].concat();
    assert_eq!(named(&page, &both), ["192.0.2.1"], "a page that anybody wrote");
    let page = [ask("/~mallory/capacity"), ask("http://x/capacity?a=b")].concat();
    assert_eq!(named(&page, &both), ["192.0.2.2"]);
    let twice = [ask("/capacity"), ask("/CAPACITY")].concat();
    assert_eq!(named(&twice, &both), ["192.0.2.1", "192.0.2.2"]);
    let on_the_way = [b"HTTP/1.1 100 Continue\r\n\r\n", &one[..]].concat();
    assert_eq!(named(&ask("/capacity"), &on_the_way), ["192.0.2.1"]);
}

#[test]
fn what_is_no_answer_names_nobody() {
    let question = |method: &str| format!("{method} /capacity HTTP/1.1\r\n\r\n").into_bytes();
    let line = "CS_IP_ADDRESS=192.0.2.1\r\n";
    let fails = format!("HTTP/1.1 404 No\r\nContent-Length: {}\r\n\r\n{line}", line.len());
    assert_eq!(named(&question("GET"), fails.as_bytes()), [""; 0]);
    assert_eq!(named(&question("GET"), line.as_bytes()), [""; 0], "it is no HTTP");
    let field = format!("HTTP/1.1 200 OK\r\nX: {line}CS_IP_ADDRESS=192.0.2.1: y\r\n\r\n");
    assert_eq!(named(&question("GET"), field.as_bytes()), [""; 0]);
    let long = "x".repeat(16_500) + "\r\n" + line;
    assert_eq!(named(&question("GET"), &says(&long)), [""; 0]);
    let another_method = [question("GET"), question("HEAD")].concat();
    assert_eq!(named(&another_method, &says(line)), [""; 0]);
}

#[test]
fn an_answer_names_a_few_servers_at_most() {
    let lines = (0..20).map(|n| format!("CS_IP_ADDRESS=192.0.2.{n}\r\n")).collect::<Vec<_>>();
    let answer = says(&lines.concat());
    assert_eq!(named(QUESTION, &answer).len(), 8);
    let shared = Shared::default();
    let mut gateway = Gateway::new(&Ymsg, &shared, None);
    gateway.bytes(Side::Client, QUESTION).unwrap();
    gateway.bytes(Side::Server, &answer).unwrap();
    assert!(left_weight(&shared) < 72 * 1024, "{}", left_weight(&shared));
}
