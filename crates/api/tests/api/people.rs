//! What programs do as people: they say things, show presence, and ask and give consent.

use std::time::Duration;

use crosstalk_core::{
    Address, Availability, Body, Consent, EnvelopeId, Event, Outgoing, Presence, RosterEdit,
};
use crosstalk_gateway::mail::{DeliveryReceipt, Mail, Mails};
use crosstalk_gateway::router::SessionHandle;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::door::Gateway;

/// Somebody with a client of another network.
pub(crate) struct Client {
    handle: SessionHandle,
    mails: mpsc::Receiver<Mail>,
    last: u128,
}

/// Shows all mail at once, as a client does.
async fn show(mut mails: Mails, shown: mpsc::Sender<Mail>) {
    while let Some(mail) = mails.recv().await {
        let mail = match *mail {
            Mail::Deliver(envelope, receipt) => {
                receipt.done();
                Mail::Deliver(envelope, DeliveryReceipt::default())
            }
            mail => mail,
        };
        if shown.send(mail).await.is_err() {
            return;
        }
    }
}

impl Client {
    pub(crate) fn sign_on(gateway: &Gateway, name: &str) -> Self {
        let (handle, mails) = gateway.router.sign_in(&name.parse().unwrap(), "client");
        handle.take(Event::Presence(Presence::available()));
        handle.takes_texts(true);
        let (shown, seen) = mpsc::channel(4096);
        tokio::spawn(show(mails, shown));
        // No two clients give their messages the same names.
        Self { handle, mails: seen, last: rand::random::<u64>().into() }
    }

    pub(crate) fn says(&mut self, to: &str, body: Body) {
        self.last += 1;
        let (id, to) = (EnvelopeId(self.last), to.parse().unwrap());
        self.handle.take(Event::Send(Outgoing { id, to, body, details: None }));
    }

    pub(crate) fn text(&mut self, to: &str, words: &str) {
        self.says(to, Body::Text { text: words.into(), auto: false });
    }

    /// The next mail for which `is_it` finds something.
    pub(crate) async fn gets<T>(&mut self, mut is_it: impl FnMut(&Mail) -> Option<T>) -> T {
        let found = async {
            loop {
                let mail = self.mails.recv().await.unwrap();
                if let Some(found) = is_it(&mail) {
                    return found;
                }
            }
        };
        timeout(Duration::from_secs(30), found).await.expect("mail in time")
    }

    /// The next text, with its sender.
    pub(crate) async fn hears(&mut self) -> (Address, crosstalk_core::RichText, Option<String>) {
        self.gets(|mail| match mail {
            Mail::Deliver(envelope, _) => match &envelope.body {
                Body::Text { text, .. } if !envelope.from.is_control() => {
                    let replaces = envelope.details.as_ref().and_then(|d| d.replaces.clone());
                    let replaces = replaces.map(|replaces| replaces.as_str().to_owned());
                    Some((envelope.from.clone(), text.clone(), replaces))
                }
                _ => None,
            },
            _ => None,
        })
        .await
    }

    async fn sees(&mut self, who: &str) -> Presence {
        self.gets(|mail| match mail {
            Mail::Presence { of, presence } if of.to_string() == who => Some(presence.clone()),
            _ => None,
        })
        .await
    }
}

/// Makes two people friends, of whom `app` is one of ours.
pub(crate) async fn befriend(gateway: &Gateway, token: &str, app: &str, client: &mut Client) {
    let (address, spelling) = (app.parse().unwrap(), format!("{app}.xt"));
    let list = RosterEdit::List { address, spelling, alias: None, groups: Vec::new() };
    client.handle.take(Event::Roster(list));
    client.says(app, Body::Contact(Consent::Request("May I?".into())));
    let mut asked = Value::Null;
    for _ in 0..300 {
        asked = gateway.call(token, "GET /v1/contacts", None).await.json();
        if asked[0]["is_seen"] == "asked" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(asked[0]["words"], "May I?", "{asked}");
    let name = asked[0]["name"].as_str().unwrap();
    let step = format!("POST /v1/contacts/{name}/consent");
    let granted = gateway.call(token, &step, Some(json!({"step": "grant"}))).await;
    assert_eq!(granted.json()["is_seen"], "granted");
}

#[tokio::test]
async fn a_program_talks_with_a_client_both_ways() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["send", "read"]).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let mut events = gateway.events(&token, None).await;
    let runs = json!([{"text": "Hello "}, {"text": "there", "bold": true, "colour": "#ff0000"}]);
    let said =
        gateway.call(&token, "POST /v1/messages", Some(json!({"to": "Alice@aol", "runs": runs})));
    let said = said.await;
    assert_eq!((said.status.as_u16(), &said.json()["state"]), (200, &json!("delivered")));
    let (from, text, _) = alice.hears().await;
    assert_eq!((from.to_string().as_str(), text.text()), ("weather@apps", "Hello there"));
    assert_eq!(text.spans().len(), 2);

    alice.text("weather@apps", "Rain?");
    let heard = events.next("message").await;
    assert_eq!(
        (&heard["from"], &heard["text"], &heard["id"]),
        (&json!("alice@aol"), &json!("Rain?"), &json!(1))
    );
    let answer = json!({"to": "alice@aol", "text": "Sun.", "reply_to": 1, "replaces": said.json()["message"]});
    let answered = gateway.call(&token, "POST /v1/messages", Some(answer)).await;
    assert_eq!(answered.json()["state"], "delivered", "{answered:?}");
    let (_, text, replaces) = alice.hears().await;
    assert_eq!(text.text(), "> Rain?\nSun.");
    assert_eq!(replaces.as_deref(), said.json()["message"].as_str());
    for (wrong, kind) in [
        (json!({"to": "alice@aol", "text": "x", "reply_to": 2}), "invalid"),
        (json!({"to": "alice@aol", "text": " "}), "invalid"),
        (json!({"to": "alice", "text": "x"}), "invalid"),
        (json!({"to": "alice@aol", "text": 7}), "invalid"),
    ] {
        let refused = gateway.call(&token, "POST /v1/messages", Some(wrong.clone())).await;
        assert_eq!(refused.problem().as_deref(), Some(kind), "{wrong}");
    }

    let typing = json!({"to": "alice@aol", "state": "active"});
    assert_eq!(gateway.call(&token, "PUT /v1/typing", Some(typing)).await.status.as_u16(), 204);
    alice
        .gets(|mail| match mail {
            Mail::Deliver(envelope, _) => matches!(envelope.body, Body::Typing(_)).then_some(()),
            _ => None,
        })
        .await;
    alice.says("weather@apps", Body::Typing(crosstalk_core::Typing::Paused));
    assert_eq!(events.next("typing").await["state"], "paused");
    alice.says("weather@apps", Body::Attention);
    assert_eq!(events.next("nudge").await["from"], "alice@aol");
}

#[tokio::test]
async fn what_does_not_arrive_is_said_in_the_answer() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["send", "contacts"]).await;
    let message = |to: &str| Some(json!({"to": to, "text": "hi"}));
    let stranger = gateway.call(&token, "POST /v1/messages", message("nobody@yahoo")).await.json();
    assert_eq!(
        (&stranger["state"], &stranger["reason"]),
        (&json!("undelivered"), &json!("offline"))
    );
    let own = gateway.call(&token, "POST /v1/messages", message("weather@apps")).await.json();
    assert_eq!((&own["state"], &own["reason"]), (&json!("undelivered"), &json!("refused")));

    // To a friend who is not there it waits.
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    befriend(&gateway, &token, "weather@apps", &mut alice).await;
    drop(alice);
    let kept = gateway.call(&token, "POST /v1/messages", message("alice@aol")).await.json();
    assert_eq!(kept["state"], "kept");
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    assert_eq!(alice.hears().await.1.text(), "hi");
}

#[tokio::test]
async fn what_became_of_what_a_program_says_by_itself_is_said_at_once() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["send"]).await;
    let _alice = Client::sign_on(&gateway, "alice@aol");
    for (to, state) in [("alice@aol", "delivered"), ("nobody@yahoo", "undelivered")] {
        let message = json!({"to": to, "text": "Sun.", "auto": true});
        let said = gateway.call(&token, "POST /v1/messages", Some(message));
        // Long before a call gives up to wait for it.
        let said = timeout(Duration::from_secs(10), said).await.expect("an answer in time");
        assert_eq!((said.status.as_u16(), &said.json()["state"]), (200, &json!(state)), "{to}");
    }
}

#[tokio::test]
async fn a_message_is_said_once_with_one_key() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["send"]).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let said = async |key: &str, words: &str| {
        let body = json!({"to": "alice@aol", "text": words}).to_string();
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        gateway.send(&token, "POST /v1/messages", Some(&body), &headers).await
    };
    let (first, again) = tokio::join!(said("k1", "one"), said("k1", "one"));
    assert_eq!(first.json()["state"], "delivered");
    assert_eq!(first.json(), again.json());
    assert_eq!(said("k1", "other").await.problem().as_deref(), Some("invalid"));
    assert_eq!(said(&"k".repeat(256), "x").await.problem().as_deref(), Some("syntax"));
    said("k2", "two").await;
    assert_eq!(alice.hears().await.1.text(), "one");
    assert_eq!(alice.hears().await.1.text(), "two");
}

#[tokio::test]
async fn a_refused_message_is_refused_to_all_who_send_it_with_its_key() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["send"]).await;
    let body = json!({"to": "alice@aol", "text": "one", "reply_to": 999}).to_string();
    for key in 0..20 {
        let headers = [("content-type", "application/json"), ("idempotency-key", &key.to_string())];
        let said = async || gateway.send(&token, "POST /v1/messages", Some(&body), &headers).await;
        let (first, again) = tokio::join!(said(), said());
        assert_eq!((first.status.as_u16(), again.status.as_u16()), (422, 422), "{key}");
    }
}

#[test]
fn a_message_whose_program_hung_up_is_said_to_who_sends_it_with_its_key() {
    // One thread for the disk, which is held up: the message that is answered takes its time.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(1).build().unwrap().block_on(async {
        let gateway = Gateway::start().await;
        let (token, _) = gateway.token("weather@apps", &["read", "send"]).await;
        let mut alice = Client::sign_on(&gateway, "alice@aol");
        let mut events = gateway.events(&token, None).await;
        alice.text("weather@apps", "Sun?");
        let asked = events.next("message").await["id"].clone();
        let body = json!({"to": "alice@aol", "text": "Yes.", "reply_to": asked}).to_string();
        let (release, held) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || held.recv());
        let mut first = UnixStream::connect(gateway.socket()).await.unwrap();
        let head = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nIdempotency-Key: k\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        first.write_all((head + &body).as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        let hangs_up = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            drop(first);
            tokio::time::sleep(Duration::from_millis(200)).await;
            drop(release);
        };
        let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
        let again = gateway.send(&token, "POST /v1/messages", Some(&body), &headers);
        let (again, ()) = tokio::join!(again, hangs_up);
        let state = again.json()["state"].clone();
        assert_eq!((again.status.as_u16(), state), (200, json!("delivered")));
        assert_eq!(alice.hears().await.1.text(), "> Sun?\nYes.");
    });
}

#[tokio::test]
async fn a_program_is_seen_while_it_hears_and_with_the_presence_that_it_set() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["read", "presence", "contacts"]).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    befriend(&gateway, &token, "weather@apps", &mut alice).await;
    let away = json!({"show": "away", "text": "Storm"});
    let set = gateway.call(&token, "PUT /v1/presence", Some(away)).await;
    assert_eq!(set.json(), json!({"show": "away", "text": "Storm"}));
    let mut events = gateway.events(&token, None).await;
    let seen = alice.sees("weather@apps").await;
    assert_eq!((seen.show, seen.text.text()), (Availability::Away, "Storm"));
    let back = json!({"show": "chatty"});
    gateway.call(&token, "PUT /v1/presence", Some(back)).await;
    assert_eq!(alice.sees("weather@apps").await.show, Availability::Chatty);

    let grant = Body::Contact(Consent::Grant);
    let ask = json!({"step": "request", "words": "And I?"});
    let asked = gateway.call(&token, "POST /v1/contacts/alice@aol/consent", Some(ask)).await;
    assert_eq!(asked.json()["sees"], "asked");
    alice.says("weather@apps", grant);
    loop {
        let contact = events.next("contact").await;
        assert_eq!(contact["name"], "alice@aol");
        if contact["presence"]["show"] == "available" {
            assert_eq!(contact["sees"], "granted");
            break;
        }
    }
    gateway.api.drain();
    while events.any().await.is_some() {}
    assert_eq!(alice.sees("weather@apps").await.show, Availability::Offline);
}

#[tokio::test]
async fn contacts_are_listed_renamed_blocked_and_removed() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["contacts"]).await;
    let put = json!({"alias": "Al", "groups": ["Friends"]});
    let listed = gateway.call(&token, "PUT /v1/contacts/Alice%40aol.xt", Some(put)).await;
    let listed = listed.json();
    assert_eq!((&listed["name"], &listed["alias"]), (&json!("alice@aol"), &json!("Al")));
    assert_eq!((&listed["listed"], &listed["groups"]), (&json!(true), &json!(["Friends"])));
    let block = "PUT /v1/contacts/alice@aol/blocked";
    let blocked = gateway.call(&token, block, Some(json!({"blocked": true}))).await;
    assert_eq!(blocked.json(), json!({"blocked": true}));
    let removed = gateway.call(&token, "DELETE /v1/contacts/alice@aol", None).await;
    assert_eq!(removed.status.as_u16(), 204);
    let contacts = gateway.call(&token, "GET /v1/contacts", None).await.json();
    assert_eq!((&contacts[0]["listed"], &contacts[0]["blocked"]), (&json!(false), &json!(true)));
    gateway.call(&token, block, Some(json!({"blocked": false}))).await;
    assert_eq!(gateway.call(&token, "GET /v1/contacts", None).await.json(), json!([]));
    let own = gateway.call(&token, "PUT /v1/contacts/weather@apps", Some(json!({}))).await;
    assert_eq!(own.problem().as_deref(), Some("invalid"));
}

#[tokio::test]
async fn who_is_blocked_by_a_program_gets_nothing_to_it_and_cannot_tell() {
    let gateway = Gateway::start().await;
    let (token, _) = gateway.token("weather@apps", &["read", "contacts"]).await;
    let mut alice = Client::sign_on(&gateway, "alice@aol");
    let block = Some(json!({"blocked": true}));
    gateway.call(&token, "PUT /v1/contacts/alice@aol/blocked", block).await;
    let mut events = gateway.events(&token, None).await;
    alice.text("weather@apps", "hi");
    alice
        .gets(|mail| match mail {
            Mail::Deliver(envelope, _) => match envelope.body {
                Body::Undelivered { why, .. } => {
                    assert_eq!(why, crosstalk_core::Failure::Offline);
                    Some(())
                }
                _ => None,
            },
            _ => None,
        })
        .await;
    let mut bob = Client::sign_on(&gateway, "bob@yahoo");
    bob.text("weather@apps", "hello");
    assert_eq!(events.next("message").await["from"], "bob@yahoo");
}
