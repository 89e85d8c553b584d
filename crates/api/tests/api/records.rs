//! Everything that is stored about somebody, told and forgotten.

use std::time::Duration;

use crosstalk_core::{Address, Availability, Body, Consent, RichText, Style};
use crosstalk_gateway::mail::Mail;
use serde_json::{Value, json};

use crate::door::Gateway;
use crate::people::Client;

const CONTROL: &str = "crosstalk@gateway";

/// What the control contact says next with these words in it.
async fn told(client: &mut Client, words: &str) -> RichText {
    client
        .gets(|mail| match mail {
            Mail::Deliver(envelope, _) if envelope.from.is_control() => match &envelope.body {
                Body::Text { text, .. } if text.text().contains(words) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        })
        .await
}

/// Alice with a contact, a setting, and two texts that wait for that contact.
async fn alice(gateway: &Gateway, long: &str) -> Client {
    let mut alice = Client::sign_on(gateway, "alice@aol");
    let mut bob = Client::sign_on(gateway, "bob@yahoo");
    alice.text(CONTROL, "/add bob@yahoo Bobby");
    bob.gets(|mail| match mail {
        Mail::Deliver(envelope, _) => {
            matches!(envelope.body, Body::Contact(Consent::Request(_))).then_some(())
        }
        _ => None,
    })
    .await;
    bob.text(CONTROL, "/accept alice@aol");
    alice
        .gets(|mail| match mail {
            Mail::Presence { of, presence } if of.local() == "bob" => {
                (presence.show == Availability::Available).then_some(())
            }
            _ => None,
        })
        .await;
    alice.text(CONTROL, "/set location Rome");
    told(&mut alice, "told your location").await;
    drop(bob);
    gateway.overlay.sign_off(&"bob@yahoo".parse().unwrap()).await;
    alice.text("bob@yahoo", "see you \"later\"");
    alice.text("bob@yahoo", long);
    let kept = async {
        while gateway.overlay.kept() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), kept).await.expect("both wait");
    alice
}

#[tokio::test]
async fn everything_is_told_by_a_link_that_is_good_once() {
    let gateway = Gateway::start_listening().await;
    let mut alice = alice(&gateway, "or not").await;
    alice.text(CONTROL, "/export");
    let said = told(&mut alice, "can be got once").await;
    let links: Vec<_> = said.spans().iter().filter_map(|span| link(&span.style)).collect();
    let [link] = &links[..] else { panic!("one link: {said:?}") };
    assert!(said.text().ends_with(link.as_str()), "whoever shows no links can copy it");
    let get = format!("GET {}", &link[link.find("/f/").unwrap()..]);
    let got = gateway.send("", &get, None, &[]).await;
    let all = got.json();
    assert_eq!(
        (&all["name"], &all["settings"]),
        (&json!("alice@aol"), &json!(["location=at Rome"]))
    );
    let bob = &all["contacts"][0];
    assert_eq!(
        (&bob["name"], &bob["alias"], &bob["groups"], &bob["sees"], &bob["is_seen"]),
        (
            &json!("bob@yahoo"),
            &json!("Bobby"),
            &json!(["CrossTalk"]),
            &json!("granted"),
            &json!("none")
        )
    );
    let waiting = &all["waiting"];
    assert_eq!((&waiting[0]["to"], &waiting[0]["kind"]), (&json!("bob@yahoo"), &json!("text")));
    assert_eq!(waiting[0]["text"], json!("see you \"later\""));
    assert_eq!(waiting[1]["text"], json!("or not"));
    let here = gateway.overlay.id().to_string();
    assert_eq!(all["homes"], json!([{"gateway": here, "is_reached": true}]));
    let again = gateway.send("", &get, None, &[]).await;
    assert_eq!(again.problem().as_deref(), Some("not-found"));
}

fn link(style: &Style) -> Option<String> {
    match style {
        Style::Link(link) => Some(link.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn everything_is_told_in_messages_where_others_cannot_get_files() {
    let gateway = Gateway::start().await;
    let long = "words ".repeat(2000);
    let mut alice = alice(&gateway, long.trim()).await;
    let (mut lines, mut part) = (Vec::new(), 1);
    let parts = loop {
        alice.text(CONTROL, &format!("/export {part}"));
        let head = told(&mut alice, &format!("part {part} of ")).await;
        let parts =
            head.text().split(" of ").nth(1).and_then(|n| n.split(':').next()?.parse().ok());
        let parts: usize = parts.unwrap_or_else(|| panic!("{head:?}"));
        let mut messages = 0;
        // Ten messages but for the last part, which ends with how one signs in.
        while messages < 10 && !lines.iter().any(|line: &Value| line.get("sign_in").is_some()) {
            let message = told(&mut alice, "{").await;
            assert!(message.text().len() < 1200, "{}", message.text().len());
            lines.extend(message.text().lines().map(|l| serde_json::from_str::<Value>(l).unwrap()));
            messages += 1;
        }
        assert_eq!(head.text().contains(&format!("/export {}", part + 1)), part < parts);
        if part == parts {
            break parts;
        }
        part += 1;
    };
    assert!(parts > 1);
    assert_eq!(lines[0]["export"]["name"], json!("alice@aol"));
    let about = |what: &str| lines.iter().filter_map(|l| l.get(what)).cloned().collect::<Vec<_>>();
    assert_eq!(about("setting"), [json!("location=at Rome")]);
    assert_eq!(about("contact")[0]["alias"], json!("Bobby"));
    let waiting = about("waiting");
    let texts: String =
        waiting[1..].iter().map(|waiting| waiting["text"].as_str().unwrap()).collect();
    assert_eq!(texts, long.trim(), "a long text goes on in the next line");
    alice.text(CONTROL, "/export all");
    told(&mut alice, "the number of a part").await;
}

#[tokio::test]
async fn who_is_forgotten_is_told_what_did_not_arrive_and_what_others_keep() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["read"]).await;
    let mut events = gateway.events(&token, None).await;
    let mut alice = alice(&gateway, "or not").await;
    alice.text("weather@apps", "rain?");
    events.next("message").await;
    alice.text(CONTROL, "/forget");
    told(&mut alice, "/forget everything forgets it").await;
    assert_eq!(gateway.overlay.kept(), 2, "that was only said");
    alice.text(CONTROL, "/forget everything");
    let said = told(&mut alice, "Forgotten").await;
    assert!(said.text().contains("not arrived and will not: 2 to bob@yahoo.xt"), "{said:?}");
    alice.text(CONTROL, "/list");
    told(&mut alice, "Your list is empty").await;
    assert_eq!(gateway.overlay.kept(), 0);
    let name: Address = "alice@aol".parse().unwrap();
    let roster = gateway.overlay.load(&name).await;
    assert_eq!((roster.contacts().count(), roster.settings().len()), (0, 0));
    let heard = gateway.events(&token, None).await.next("message").await;
    assert_eq!(heard["text"], json!("rain?"), "what has arrived is its receiver's");
}

#[tokio::test]
async fn a_program_is_told_and_forgets_everything_of_its_own_and_nothing_of_others() {
    let gateway = Gateway::start_listening().await;
    let (token, id) =
        gateway.token("weather@apps", &["read", "presence", "files", "records"]).await;
    let mut events = gateway.events(&token, None).await;
    gateway.call(&token, "PUT /v1/presence", Some(json!({"show": "busy", "text": "rain"}))).await;
    gateway.call(&token, "POST /v1/files?name=map.png", Some(json!("a map"))).await;
    let mut bob = Client::sign_on(&gateway, "bob@yahoo");
    bob.text("weather@apps", "rain?");
    events.next("message").await;
    let told = gateway.call(&token, "GET /v1/export", None).await;
    assert!(!String::from_utf8_lossy(&told.body).contains(&token), "no secrets");
    let told = told.json();
    let api = &told["api"];
    assert_eq!((&told["name"], &api["tokens"][0]["id"]), (&json!("weather@apps"), &json!(id)));
    assert_eq!(
        (&api["presence"]["text"], &api["files"][0]["name"]),
        (&json!("rain"), &json!("map.png"))
    );
    assert_eq!((&api["events"][0]["text"], &api["events"][0]["id"]), (&json!("rain?"), &json!(1)));

    for what in [json!({}), json!({"what": ""}), json!({"what": "all"})] {
        let refused = gateway.call(&token, "POST /v1/forget", Some(what)).await;
        assert_eq!(refused.problem().as_deref(), Some("invalid"));
    }
    let forget = Some(json!({"what": "everything"}));
    let forgotten = gateway.call(&token, "POST /v1/forget", forget).await;
    assert_eq!((forgotten.status.as_u16(), &forgotten.json()["elsewhere"]), (200, &json!(0)));
    let told = gateway.call(&token, "GET /v1/export", None).await.json();
    let api = &told["api"];
    assert_eq!(
        (&api["events"], &api["files"], &api["presence"]),
        (&json!([]), &json!([]), &json!(null))
    );
    assert_eq!(api["tokens"][0]["id"], json!(id), "an operator made it, and revokes it");
    assert_eq!(std::fs::read_dir(gateway.home.path().join("files")).unwrap().count(), 0);
}
