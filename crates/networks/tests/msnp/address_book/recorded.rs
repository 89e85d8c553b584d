//! The answers that the gateway gives in the place of an address book have the structure of those
//! that a server of others gave (`tests/recorded/msn.py`): its elements and attributes, and the
//! codes of its errors.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Xml};

use super::{Book, OWNER, TOKEN, between};
use crate::*;

const ALICE: &str = "alice@example.com";
const BOB_ID: &str = "00000002-0000-4000-8000-000000000002";

/// A request and the answer to it, with their status and path.
struct Exchange {
    title: String,
    path: String,
    request: String,
    status: String,
    answer: String,
}

fn recorded() -> Vec<Exchange> {
    let path = format!("{}/../../tests/recorded/msn/soap.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let exchange = |lines: &[&str]| {
        let parted = |line: &str| {
            let (first, rest) = line[2..].split_once(' ').unwrap();
            let rest = &rest[1..rest.len() - 1];
            (first.to_owned(), rest.replace("\\r", "\r").replace("\\n", "\n").replace("\\'", "'"))
        };
        let ((path, request), (status, answer)) = (parted(lines[1]), parted(lines[2]));
        Exchange { title: lines[0][2..].to_owned(), path, request, status, answer }
    };
    lines.chunks(3).map(exchange).collect()
}

/// The elements of a document with their attributes, each as its path. Namespaces are those of the
/// element that is outermost in each.
fn shape(xml: &str) -> Vec<String> {
    let (mut reader, mut path, mut shape) = (Reader::from_str(xml), Vec::new(), Vec::new());
    let open = |path: &[String], tag: &BytesStart<'_>| {
        let mut attributes: Vec<String> = tag
            .attributes()
            .map(|attribute| attribute.unwrap())
            .filter(|attribute| !attribute.key.as_ref().as_bytes().starts_with(b"xmlns"))
            .map(|attribute| attribute.key.as_ref().to_owned())
            .collect();
        attributes.sort();
        format!("{}/{} {}", path.join("/"), tag.name().as_ref(), attributes.join(" "))
    };
    loop {
        match reader.read_event().unwrap() {
            Xml::Start(tag) => {
                shape.push(open(&path, &tag));
                path.push(tag.name().as_ref().to_owned());
            }
            Xml::Empty(tag) => shape.push(open(&path, &tag)),
            Xml::End(_) => drop(path.pop()),
            Xml::Eof => return shape,
            _ => {}
        }
    }
}

/// The entry of somebody in the lists or the address book.
fn entry<'a>(answer: &'a str, name: &str) -> &'a str {
    let found = ["Member", "Contact"].into_iter().find_map(|element| {
        let end = format!("</{element}>");
        let mut from = 0;
        loop {
            let start = from + answer[from..].find(&format!("<{element} "))?;
            let length = answer[start..].find(&end)? + end.len();
            let entry = &answer[start..start + length];
            if entry.contains(&format!(">{name}</")) {
                return Some(entry);
            }
            from = start + 1;
        }
    });
    found.unwrap_or_else(|| panic!("{name} is not in {answer}"))
}

fn send(book: &mut Book, path: &str, envelope: &str) -> (String, String) {
    let length = envelope.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: contacts.msn.com\r\nContent-Length: {length}\r\n\r\n{envelope}"
    );
    book.sends(Side::Client, request.as_bytes());
    let got = (text(book.soap.take(Side::Server)), text(book.soap.take(Side::Client)));
    book.ns.hear();
    got
}

/// Has the server answer; returns the body of what the client got.
fn serve(book: &mut Book, exchange: &Exchange) -> String {
    let (status, answer) = (&exchange.status, exchange.answer.replace(ALICE, OWNER));
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", answer.len());
    book.sends(Side::Server, (head + &answer).as_bytes());
    text(book.soap.take(Side::Client)).split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Differences by design.
fn not_here(path: &str) -> bool {
    // Servers of the time told the nick in the lists too, and clients show it.
    path.ends_with("/DisplayName ") && path.contains("Member")
}

#[test]
fn people_and_answers_have_the_structure_that_a_server_gives_them() {
    let bob = contact(Subscription::Granted, true);
    let mut book = Book::of(roster(Contact { groups: Vec::new(), ..bob }));
    let (mut guid, mut answered) = (String::new(), 0);
    for exchange in recorded() {
        let title = &exchange.title;
        let own = exchange.request.replace("t=tokenalicexxxxxxxxxx", TOKEN).replace(ALICE, OWNER);
        let foreign = own.replace("bob@example.com", BOB).replace(BOB_ID, &guid);
        let foreign = foreign.replace("nobody@example.com", "nobody@nowhere.xt");
        let (sent, got) = send(&mut book, &exchange.path, &foreign);
        if got.is_empty() {
            assert!(!sent.contains("bob") && !sent.contains("nobody"), "{title}: {sent}");
            let got = serve(&mut book, &exchange);
            if !exchange.answer.contains("bob@") {
                continue;
            }
            // Bob of the server's, and ours beside him.
            let got = got.replace("<Member>", "<Member >").replace("<Contact>", "<Contact >");
            let (theirs, ours) = (entry(&got, "bob@example.com"), entry(&got, BOB));
            let mut shapes = [theirs, ours].map(shape);
            shapes[1].retain(|path| !not_here(path));
            assert_eq!(shapes[1], shapes[0], "{title}");
            if let Some((_, rest)) = ours.split_once("<contactId>") {
                rest.split('<').next().unwrap().clone_into(&mut guid);
            }
            continue;
        }
        answered += 1;
        assert_eq!(sent, "", "{title}");
        let (head, got) = got.split_once("\r\n\r\n").unwrap();
        let body = |envelope: &str| between(envelope, "<soap:Body>", "</soap:Body>").to_owned();
        assert_eq!(shape(&body(got)), shape(&body(&exchange.answer)), "{title}");
        let code = |envelope: &str| {
            envelope.contains("<errorcode").then(|| {
                between(between(envelope, "<errorcode", "/errorcode>"), ">", "<").to_owned()
            })
        };
        assert_eq!(code(got), code(&exchange.answer), "{title}");
        // That server says 200 of one error, where SOAP has 500 (SOAP 1.1, section 6.2).
        let status = if got.contains(":Fault>") { "500" } else { &exchange.status };
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{title}: {head}");
    }
    assert_eq!(answered, 14, "answered here");
}
