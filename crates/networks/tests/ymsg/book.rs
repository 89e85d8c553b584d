//! Clients' names for their contacts, which they keep in an address book over HTTP.

use std::sync::Arc;

use crosstalk_core::{RosterEdit, Side};
use crosstalk_networks::ymsg::Ymsg;

use crate::common::Gateway;
use crate::scene::{BOB, Scene, listed};

fn edit(entries: &str) -> String {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><ab k=\"ann\" cc=\"9\">\n{entries}</ab>\r\n"
    );
    let length = body.len();
    format!("POST /yab/us?v=XM HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// Bytes that the server and the client get of an edit that comes byte by byte.
fn sent(edit: &str) -> [String; 2] {
    let mut gateway = Gateway::new(&Ymsg, &Arc::default(), None);
    for byte in edit.as_bytes() {
        gateway.bytes(Side::Client, &[*byte]).unwrap();
    }
    [Side::Server, Side::Client].map(|side| String::from_utf8(gateway.take(side)).unwrap())
}

#[test]
fn edits_of_own_contacts_pass_as_they_are() {
    let edit = edit("<ct a=\"1\" yi='eve' nn='Eve' />\n").repeat(2);
    assert_eq!(sent(&edit), [edit, String::new()]);
}

#[test]
fn edits_of_foreign_contacts_are_answered_and_stay_here() {
    let [server, client] = sent(&edit("<ct a=\"1\" yi='bob@aol.xt' nn='B &amp; co' />\n"));
    assert_eq!(server, "");
    let entry = "<ab><ct id=\"1\" a=\"1\" yi='bob@aol.xt' nn='B &amp; co'/></ab>";
    assert!(client.starts_with("HTTP/1.1 200 OK\r\n") && client.contains(entry), "{client}");
}

#[test]
fn what_the_person_calls_a_foreign_contact_is_known_elsewhere() {
    let mut scene = Scene::before_the_list(16, listed());
    scene.client("54/0 0=ann 1=ann 278=z=secret");
    scene.accept();
    scene.forget();
    let mut book = Gateway::new(&Ymsg, &scene.shared, None);
    let edit = edit(&format!("<ct a=\"1\" yi='{BOB}' nn='B &amp; co' />"));
    let edit = edit.replace("Host: x", "Cookie: Y=v=1; T=z=secret");
    book.bytes(Side::Client, edit.as_bytes()).unwrap();
    scene.gateway.hear();
    let Some(RosterEdit::List { alias, groups, .. }) = scene.edited().pop() else { panic!() };
    assert_eq!((alias.as_deref(), groups), (Some("B & co"), vec!["Work".to_owned()]));
    assert!(scene.client_got().is_empty() && scene.server_got().is_empty());
}

#[test]
fn an_edit_in_chunks_is_read_too() {
    let (head, body) = ("POST /yab/us HTTP/1.1\r\n", "<ab><ct yi='bob@aol.xt'/></ab>");
    let chunks = |body: &str| {
        let (length, field) = (body.len(), "Transfer-Encoding: chunked");
        format!("{head}{field}\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n")
    };
    let own = chunks("<ab><ct yi='eve'/></ab>");
    assert_eq!(sent(&own), [own, String::new()]);
    let [server, client] = sent(&chunks(body));
    assert!(server.is_empty() && client.contains("yi='bob@aol.xt'/></ab>"), "{client}");
    let both = body.replace("<ab>", "<ab><ct yi='eve'/>");
    let own = "Content-Length: 23\r\n\r\n<ab><ct yi='eve'/></ab>";
    assert_eq!(sent(&chunks(&both)), [format!("{head}{own}"), String::new()]);
}

#[test]
fn of_several_contacts_the_server_gets_its_own() {
    let foreign = "<ct e=\"1\" yi='bob&#64;aol.xt' id='7' nn='B'>\n<x/></ct>";
    let [server, client] = sent(&edit(&format!("<ct yi='eve'/>{foreign}<ct yi='joe'/>")));
    assert_eq!(server, edit("<ct yi='eve'/><ct yi='joe'/>"));
    assert_eq!(client, "");
}

#[test]
fn what_is_compressed_or_not_in_utf8_is_refused() {
    let foreign = edit(&format!("<ct a=\"1\" yi='{BOB}' nn='Bob' />"));
    for coding in ["gzip", "deflate", "x"] {
        let coded = foreign.replace("Host: x", &format!("Content-Encoding: {coding}"));
        let [server, client] = sent(&coded);
        assert!(server.is_empty() && client.starts_with("HTTP/1.1 415 "), "{client}");
    }
    let mut latin = foreign.replace("'Bob'", "'B?b'").into_bytes();
    *latin.iter_mut().rfind(|byte| **byte == b'?').unwrap() = 0xf6;
    let mut gateway = Gateway::new(&Ymsg, &Arc::default(), None);
    gateway.bytes(Side::Client, &latin).unwrap();
    assert!(gateway.take(Side::Server).is_empty());
    assert!(gateway.take(Side::Client).starts_with(b"HTTP/1.1 415 "));
}
