//! Files that are offered and got, and calls that people are invited to.

use std::time::Duration;

use crosstalk_core::Style;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use crate::door::Gateway;
use crate::people::Client;

const JPEG: [(&str, &str); 1] = [("content-type", "image/jpeg")];

/// The part of a link behind the gateway's address.
fn path(link: &str) -> String {
    let at = link.find("/f/").unwrap();
    format!("GET {}", &link[at..])
}

#[tokio::test]
async fn a_file_is_got_once_by_whoever_has_its_link() {
    let gateway = Gateway::start_listening().await;
    let (token, _) = gateway.token("camera@apps", &["files"]).await;
    let offer = "POST /v1/files?name=Z%C3%BCrich%20%22.jpg";
    let refused = gateway.send(&token, offer, Some("x"), &JPEG).await;
    assert_eq!(refused.problem().as_deref(), Some("invalid"), "no quotes in a name");
    let offer = "POST /v1/files?name=Z%C3%BCrich.jpg";
    let offered = gateway.send(&token, offer, Some("a picture"), &JPEG).await;
    assert_eq!(offered.status.as_u16(), 201, "{offered:?}");
    let offered = offered.json();
    let link = offered["link"].as_str().unwrap();
    assert!(link.starts_with(&format!("http://{}/f/ct_", gateway.api.at[0])), "{link}");
    let listed = gateway.call(&token, "GET /v1/files", None).await.json();
    assert_eq!((&listed[0]["id"], &listed[0]["size"]), (&offered["id"], &json!(9)));
    assert_eq!(listed[0]["link"], json!(null), "it is shown once");
    let (other, _) = gateway.token("spy@apps", &["files"]).await;
    assert_eq!(gateway.call(&other, "GET /v1/files", None).await.json(), json!([]));
    let withdraw = format!("DELETE /v1/files/{}", offered["id"].as_str().unwrap());
    let others = gateway.call(&other, &withdraw, None).await;
    assert_eq!(others.problem().as_deref(), Some("not-found"));

    let kept = gateway.home.path().join("files").join(offered["id"].as_str().unwrap());
    assert!(kept.exists());
    let look = path(link).replace("GET", "HEAD");
    for _ in 0..2 {
        let looked = gateway.send("", &look, None, &[]).await;
        assert_eq!((looked.status.as_u16(), &looked.body[..]), (200, &b""[..]));
        assert_eq!(looked.headers["content-type"], "image/jpeg");
        assert_eq!(looked.headers["content-length"], "9");
    }
    let got = gateway.send("", &path(link), None, &[]).await;
    assert_eq!((got.status.as_u16(), &got.body[..]), (200, &b"a picture"[..]));
    assert_eq!(got.headers["content-type"], "image/jpeg");
    assert_eq!(got.headers["content-disposition"], "inline; filename*=UTF-8''Z%C3%BCrich.jpg");
    assert_eq!(got.headers["x-content-type-options"], "nosniff");
    assert!(!kept.exists());
    assert_eq!(gateway.send("", &look, None, &[]).await.status.as_u16(), 404);
    let again = gateway.send("", &path(link), None, &[]).await;
    assert_eq!(again.problem().as_deref(), Some("not-found"));
    assert_eq!(gateway.call(&token, &withdraw, None).await.problem().as_deref(), Some("not-found"));
}

#[tokio::test]
async fn what_a_browser_could_run_it_only_stores_and_what_is_withdrawn_nobody_gets() {
    let gateway = Gateway::start_listening().await;
    let (token, _) = gateway.token("camera@apps", &["files"]).await;
    let html = [("content-type", "text/html")];
    let offer = "POST /v1/files?name=page.html";
    let page = gateway.send(&token, offer, Some("<script>"), &html).await.json();
    let got = gateway.send("", &path(page["link"].as_str().unwrap()), None, &[]).await;
    assert_eq!(got.headers["content-type"], "application/octet-stream");
    assert!(got.headers["content-disposition"].to_str().unwrap().starts_with("attachment;"));
    let second = gateway.send(&token, offer, Some("x"), &html).await.json();
    let withdraw = format!("DELETE /v1/files/{}", second["id"].as_str().unwrap());
    assert_eq!(gateway.call(&token, &withdraw, None).await.status.as_u16(), 204);
    let gone = gateway.send("", &path(second["link"].as_str().unwrap()), None, &[]).await;
    assert_eq!(gone.problem().as_deref(), Some("not-found"));
    gateway.send(&token, offer, Some("y"), &html).await;
    gateway.call("", "POST /v1/wipe", Some(json!({"name": "camera@apps"}))).await;
    assert_eq!(std::fs::read_dir(gateway.home.path().join("files")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_has_a_size_and_an_address_at_which_others_get_it() {
    let gateway = Gateway::start_listening().await;
    let (token, _) = gateway.token("camera@apps", &["files"]).await;
    let large = "x".repeat((32 << 20) + 1);
    let refused = gateway.send(&token, "POST /v1/files?name=x", Some(&large), &JPEG).await;
    assert_eq!(refused.problem().as_deref(), Some("too-large"));
    assert_eq!(std::fs::read_dir(gateway.home.path().join("files")).unwrap().count(), 0);
    let alone = Gateway::start().await;
    let (token, _) = alone.token("camera@apps", &["files"]).await;
    let refused = alone.send(&token, "POST /v1/files?name=x", Some("x"), &JPEG).await;
    assert_eq!(refused.problem().as_deref(), Some("conflict"), "nobody could get it");
}

#[tokio::test]
async fn an_invitation_to_a_call_is_a_link_that_every_client_shows() {
    let gateway = Gateway::start_listening().await;
    let (token, _) = gateway.token("ann@web", &["calls"]).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let link = "https://meet.example.org/room";
    let invite = json!({"to": "alice@aol", "link": link});
    let dialled = gateway.call(&token, "POST /v1/calls", Some(invite)).await.json();
    assert_eq!(dialled["state"], "delivered");
    let (from, text, _) = alice.hears().await;
    assert_eq!(
        (from.to_string().as_str(), text.text()),
        ("ann@web", "I am calling you. To answer, open https://meet.example.org/room")
    );
    assert_eq!(text.spans()[0].style, Style::Link(link.into()));

    let sdp = "v=0\r\no=ann 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";
    let invite = json!({"to": "alice@aol", "sdp": sdp});
    gateway.call(&token, "POST /v1/calls", Some(invite)).await;
    let (_, text, _) = alice.hears().await;
    let got = gateway.send("", &path(text.text()), None, &[]).await;
    assert_eq!(got.body, sdp);
    for wrong in [
        json!({"to": "alice@aol"}),
        json!({"to": "alice@aol", "link": link, "sdp": sdp}),
        json!({"to": "alice@aol", "link": "javascript:alert(1)"}),
        json!({"to": "alice@aol", "link": "https://a b"}),
        json!({"to": "alice@aol", "sdp": "hello"}),
    ] {
        let refused = gateway.call(&token, "POST /v1/calls", Some(wrong.clone())).await;
        assert_eq!(refused.problem().as_deref(), Some("invalid"), "{wrong}");
    }
}

#[tokio::test]
async fn a_program_sends_one_file_at_a_time_and_one_that_breaks_off_leaves_nothing() {
    let gateway = Gateway::start_listening().await;
    let (token, _) = gateway.token("camera@apps", &["files", "calls"]).await;
    let files = || std::fs::read_dir(gateway.home.path().join("files")).unwrap().count();
    let mut half = UnixStream::connect(gateway.socket()).await.unwrap();
    let head = format!(
        "POST /v1/files?name=x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: 9\r\n\r\nhalf"
    );
    half.write_all(head.as_bytes()).await.unwrap();
    let mut tries = 0;
    let mut until = async |count| {
        while files() != count {
            tries += 1;
            assert!(tries < 500, "{count} files are there");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    until(1).await;
    let second = gateway.send(&token, "POST /v1/files?name=y", Some("y"), &JPEG).await;
    assert_eq!(second.problem().as_deref(), Some("too-many"));
    let sdp = json!({"to": "alice@aol", "sdp": "v=0\r\n"});
    let dialled = gateway.call(&token, "POST /v1/calls", Some(sdp)).await;
    assert_eq!(dialled.status.as_u16(), 200, "a description is small");
    until(2).await;
    let (other, _) = gateway.token("scanner@apps", &["files"]).await;
    let others = gateway.send(&other, "POST /v1/files?name=y", Some("y"), &JPEG).await;
    assert_eq!(others.status.as_u16(), 201, "nobody waits for somebody else's");
    drop(half);
    until(2).await;
    let second = gateway.send(&token, "POST /v1/files?name=y", Some("y"), &JPEG).await;
    assert_eq!(second.status.as_u16(), 201);
}
