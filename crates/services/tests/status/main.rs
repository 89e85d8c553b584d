//! Statuses outside: what sites are asked, what their answers mean, and the commands about it.
#![allow(clippy::unwrap_used)]

#[path = "../../../core/tests/plain/mod.rs"]
mod plain;

mod follow;

use crosstalk_core::{Address, MAX_SETTINGS, Names, Presence, Roster, Stamp, UnixMillis};
use crosstalk_services::status::{
    Errand, Link, Outcome, Reply, SITES, Site, StatusOffers, Task, Then,
};
use crosstalk_services::{Action, Answer, Method, Offers, Request, Trouble, View};
use plain::Plain;
use serde_json::{Value, json};

const KEY: &str = "00112233445566778899aabbccddeeff";

pub(crate) fn offers() -> StatusOffers {
    StatusOffers {
        mastodon: true,
        bluesky: true,
        x: Some("https://api.x.test/".into()),
        follow_mastodon: true,
        follow_bluesky: Some("https://view.test".into()),
    }
}

pub(crate) fn ask_at(text: &str, settings: &[&str], offers: StatusOffers) -> Answer {
    let mut roster = Roster::default();
    let settings: Vec<_> = settings.iter().map(ToString::to_string).collect();
    assert!(roster.put_settings(settings, Stamp::default()));
    let names = Names::new("xt", ["aol", "yahoo"].map(|n| (n.parse().unwrap(), &Plain as _)));
    let presence = |_: &Address| Presence::offline();
    let user = "alice@aol".parse().unwrap();
    let offers = &Offers { status: offers, ..Offers::default() };
    let (roster, presence, now) = (&roster, &presence, UnixMillis(0));
    let view = View { user: &user, names: &names, roster, presence, offers, now };
    crosstalk_services::answer(text, &view)
}

pub(crate) fn ask(text: &str, settings: &[&str]) -> Answer {
    ask_at(text, settings, offers())
}

/// The account that a command sets.
fn link(command: &str) -> Link {
    let answer = ask(command, &[]);
    let [Action::Errand { words, .. }] = &answer.act[..] else { panic!("{answer:?}") };
    let Some(Errand::Link(link)) = Errand::read(words.expose()) else { panic!("{answer:?}") };
    assert!(!answer.say.text().contains(link.token.expose()), "{answer:?}");
    assert!(!format!("{answer:?}").contains(link.token.expose()));
    link
}

fn mastodon() -> Link {
    link("/set mastodon https://Social.Test/ t0ken-of-ann")
}

fn bluesky() -> Link {
    link("/set bluesky @Ann.bsky.social abcd-efgh-ijkl-mnop")
}

fn x() -> Link {
    link("/set x t0ken-of-ann")
}

fn post(text: &str) -> Task {
    Task::Post { text: text.to_owned().into(), key: KEY.into(), at: UnixMillis(1_700_000_000_123) }
}

fn begin(link: &Link, task: &Task) -> (Request, Then) {
    link.site.begin(link, task, &offers())
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

fn header(request: &Request, name: &str) -> Option<String> {
    let found = request.headers.iter().find(|(n, _)| *n == name);
    found.map(|(_, value)| value.expose().clone())
}

#[expect(clippy::unnecessary_wraps, reason = "so it comes from a site")]
pub(crate) fn reply(status: u16, body: &str) -> Reply {
    Ok((status, body.into()))
}

/// What a response to the only request of a task means.
fn means(link: &Link, task: &Task, reply: &Reply) -> Outcome {
    match begin(link, task).1 {
        Then::Read(read) => read(link, task, reply),
        Then::GoOn(go_on) => go_on(link, task, reply).unwrap_err(),
    }
}

fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done(_) => "done",
        Outcome::Refused(_) => "refused",
        Outcome::Rejected(_) => "rejected",
        Outcome::Again(_) => "again",
    }
}

fn words(outcome: &Outcome) -> &str {
    let (Outcome::Done(said)
    | Outcome::Refused(said)
    | Outcome::Rejected(said)
    | Outcome::Again(said)) = outcome;
    said.text()
}

#[test]
fn mastodon_is_asked_whose_token_it_is() {
    let ann = mastodon();
    assert_eq!(ann.account, "social.test");
    let (request, _) = begin(&ann, &Task::Check);
    assert_eq!(request.method, Method::Get);
    assert_eq!(request.url.0, "https://social.test/api/v1/accounts/verify_credentials");
    assert_eq!(header(&request, "authorization").unwrap(), "Bearer t0ken-of-ann");
    let found = means(&ann, &Task::Check, &reply(200, r#"{"id":"1","username":"ann"}"#));
    assert_eq!((kind(&found), words(&found)), ("done", "@ann@social.test"));
    let found = means(&ann, &Task::Check, &reply(403, "{}"));
    assert!(words(&found).contains("write:statuses"), "{found:?}");
    for (answer, expected) in [
        (reply(401, r#"{"error":"The access token is invalid"}"#), "refused"),
        (reply(200, "<html>"), "rejected"),
        (reply(404, ""), "rejected"),
        (reply(302, ""), "rejected"),
        (reply(503, ""), "again"),
        (Err(Trouble::Timeout), "again"),
    ] {
        assert_eq!(kind(&means(&ann, &Task::Check, &answer)), expected, "{answer:?}");
    }
}

#[test]
fn mastodon_gets_a_text_under_a_name_of_its_own() {
    let (ann, task) = (mastodon(), post("lunch \"now\""));
    let (request, _) = begin(&ann, &task);
    assert_eq!(
        (request.method, &*request.url.0),
        (Method::Post, "https://social.test/api/v1/statuses")
    );
    assert_eq!(body(&request), json!({ "status": "lunch \"now\"" }));
    assert_eq!(header(&request, "idempotency-key").unwrap(), KEY);
    assert_eq!(header(&request, "authorization").unwrap(), "Bearer t0ken-of-ann");
    let (request, _) = begin(&ann, &post(&"é".repeat(600)));
    let cut = body(&request)["status"].as_str().unwrap().to_owned();
    assert_eq!(cut, format!("{}\u{2026}", "é".repeat(499)));
    for (answer, expected) in [
        (reply(200, r#"{"id":"109"}"#), "done"),
        (reply(200, "{}"), "rejected"),
        (reply(401, "{}"), "refused"),
        (reply(403, "{}"), "refused"),
        (reply(409, "{}"), "again"),
        (reply(422, r#"{"error":"Validation failed"}"#), "rejected"),
        (reply(429, "{}"), "again"),
        (reply(500, ""), "again"),
        (reply(503, ""), "again"),
        (Err(Trouble::Timeout), "again"),
        (Err(Trouble::TooLarge), "again"),
        (Err(Trouble::Unreachable), "again"),
        (Err(Trouble::Broken), "again"),
        (Err(Trouble::Busy), "again"),
    ] {
        assert_eq!(kind(&means(&ann, &task, &answer)), expected, "{answer:?}");
    }
}

#[test]
fn bluesky_gets_a_record_with_a_name_by_a_session_of_its_own() {
    let (ann, task) = (bluesky(), post(&"x".repeat(301)));
    let (request, then) = begin(&ann, &task);
    assert_eq!(request.url.0, "https://bsky.social/xrpc/com.atproto.server.createSession");
    let login = json!({ "identifier": "ann.bsky.social", "password": "abcd-efgh-ijkl-mnop" });
    assert_eq!(body(&request), login);
    let Then::GoOn(go_on) = then else { panic!() };
    let session =
        r#"{"accessJwt":"jwt","refreshJwt":"r","handle":"ann.bsky.social","did":"did:plc:1"}"#;
    let (request, read) = go_on(&ann, &task, &reply(200, session)).unwrap();
    assert_eq!(request.url.0, "https://bsky.social/xrpc/com.atproto.repo.putRecord");
    assert_eq!(header(&request, "authorization").unwrap(), "Bearer jwt");
    let said = body(&request);
    assert_eq!(
        (&said["repo"], &said["collection"]),
        (&json!("did:plc:1"), &json!("app.bsky.feed.post"))
    );
    assert_eq!(said["rkey"].as_str().unwrap().len(), 13);
    let record = json!({
        "$type": "app.bsky.feed.post",
        "text": format!("{}\u{2026}", "x".repeat(299)),
        "createdAt": "2023-11-14T22:13:20.123Z",
    });
    assert_eq!(said["record"], record);
    let (again, _) = go_on(&ann, &task, &reply(200, session)).unwrap();
    assert_eq!(again, request, "the same record under the same name");
    let Task::Post { text, key, .. } = post("x") else { panic!() };
    let elsewhere = Task::Post { text, key, at: UnixMillis(1_800_000_000_000) };
    let (again, _) = go_on(&ann, &elsewhere, &reply(200, session)).unwrap();
    assert_eq!(body(&again)["rkey"], said["rkey"], "a later try from elsewhere");
    for (answer, expected) in [
        (reply(200, r#"{"uri":"at://did:plc:1/app.bsky.feed.post/3k","cid":"b"}"#), "done"),
        (reply(200, ""), "rejected"),
        (reply(400, r#"{"error":"ExpiredToken","message":"Token has expired"}"#), "again"),
        (reply(400, r#"{"error":"InvalidRequest"}"#), "rejected"),
        (reply(401, r#"{"error":"AuthMissing"}"#), "refused"),
        (reply(429, r#"{"error":"RateLimitExceeded"}"#), "again"),
        (reply(502, ""), "again"),
    ] {
        assert_eq!(kind(&read(&ann, &task, &answer)), expected, "{answer:?}");
    }
}

#[test]
fn what_bluesky_says_to_a_sign_in_is_told_in_words() {
    let ann = link("/set bluesky ann.test abcd-efgh-ijkl-mnop https://pds.test");
    let (request, _) = begin(&ann, &Task::Check);
    assert_eq!(request.url.0, "https://pds.test/xrpc/com.atproto.server.createSession");
    let session = r#"{"accessJwt":"jwt","handle":"ann.test","did":"did:plc:1"}"#;
    let found = means(&ann, &Task::Check, &reply(200, session));
    assert_eq!((kind(&found), words(&found)), ("done", "ann.test"));
    for (answer, expected, said) in [
        (reply(401, r#"{"error":"AuthenticationRequired"}"#), "refused", "app password"),
        (reply(401, r#"{"error":"AuthFactorTokenRequired"}"#), "refused", "code by mail"),
        (reply(401, r#"{"error":"AccountTakedown"}"#), "refused", "taken the account down"),
        (reply(400, r#"{"error":"InvalidRequest"}"#), "rejected", "handle"),
        (reply(200, "{}"), "rejected", "does not understand"),
        (reply(429, "{}"), "again", "too often"),
        (reply(500, "{}"), "again", "out of order"),
        (Err(Trouble::Timeout), "again", "in time"),
    ] {
        let found = means(&ann, &Task::Check, &answer);
        assert!(kind(&found) == expected && words(&found).contains(said), "{answer:?}: {found:?}");
    }
}

#[test]
fn x_takes_280_of_what_it_counts_and_knows_what_it_has() {
    let (ann, task) = (x(), post("hello"));
    let (request, _) = begin(&ann, &task);
    assert_eq!(
        (&*request.url.0, body(&request)),
        ("https://api.x.test/2/tweets", json!({ "text": "hello" }))
    );
    let cut = |text: &str| body(&begin(&ann, &post(text)).0)["text"].as_str().unwrap().to_owned();
    assert_eq!(cut(&"a".repeat(280)), "a".repeat(280));
    assert_eq!(cut(&"a".repeat(281)), format!("{}\u{2026}", "a".repeat(279)));
    assert_eq!(cut(&"\u{65e5}".repeat(141)), format!("{}\u{2026}", "\u{65e5}".repeat(139)));
    let duplicate = r#"{"detail":"You are not allowed to create a Tweet with duplicate content.","status":403}"#;
    for (answer, expected) in [
        (reply(201, r#"{"data":{"id":"1","text":"hello"}}"#), "done"),
        (reply(201, "{}"), "rejected"),
        (reply(400, "{}"), "rejected"),
        (reply(401, r#"{"title":"Unauthorized"}"#), "refused"),
        (reply(402, r#"{"title":"CreditsDepleted"}"#), "rejected"),
        (reply(403, duplicate), "done"),
        (reply(403, r#"{"detail":"Your client app is not configured"}"#), "refused"),
        (reply(429, "{}"), "again"),
        (reply(503, "{}"), "again"),
    ] {
        assert_eq!(kind(&means(&ann, &task, &answer)), expected, "{answer:?}");
    }
    let found = means(&ann, &Task::Check, &reply(200, r#"{"data":{"username":"ann"}}"#));
    assert_eq!((kind(&found), words(&found)), ("done", "@ann"));
    assert!(SITES.iter().all(|site| site.is_paid_for() == (site.name == "x")));
}

#[test]
fn a_site_is_set_only_where_it_is_offered_and_what_is_missing_is_said() {
    for (command, said) in [
        ("/set mastodon", "/set mastodon https://HOST TOKEN"),
        ("/set mastodon social.test", "access token"),
        ("/set mastodon http://social.test t0ken-of-ann", "https://mastodon.social"),
        ("/set mastodon https://social.test two words-here", "access token"),
        ("/set bluesky ann.test", "app password"),
        ("/set bluesky ann.test hunter2-is-my-password", "not the one you sign in with"),
        ("/set bluesky ann abcd-efgh-ijkl-mnop", "HANDLE"),
        ("/set bluesky ann.test abcd-efgh-ijkl-mnop http://pds.test", "no address of a server"),
        ("/set x", "/set x TOKEN"),
    ] {
        let answer = ask(command, &[]);
        assert!(answer.say.text().contains(said) && answer.act.is_empty(), "{command}: {answer:?}");
        assert!(!answer.say.text().contains("hunter2"));
    }
    for command in ["mastodon https://a.test t0ken-of-ann", "bluesky a.test a-b", "x t0ken-of-ann"]
    {
        let answer = ask_at(&format!("/set {command}"), &[], StatusOffers::default());
        assert!(answer.say.text().contains("does not post to") && answer.act.is_empty());
    }
    let full = vec!["a=b"; MAX_SETTINGS - 1];
    let answer = ask("/set x t0ken-of-ann", &full);
    assert!(answer.say.text().contains("as much as one may") && answer.act.is_empty());
}

#[test]
fn what_is_set_is_shown_without_its_token_and_ends() {
    let settings =
        ["music=x", "mastodon=social.test c2VhbGVk", "mastodon/last=a b", "follow/@a@b.test=1 2"];
    for command in ["/services", "/privacy", "/set mastodon"] {
        let said = ask(command, &settings).say;
        assert!(
            said.text().contains("mastodon: your status is posted to \"social.test\""),
            "{said}"
        );
        assert!(!said.text().contains("c2VhbGVk"), "{said}");
    }
    assert!(ask("/privacy", &settings).say.text().contains("You follow @a@b.test."));
    let nothing = ask_at("/privacy", &[], StatusOffers::default()).say;
    assert!(
        !nothing.text().contains("mastodon") && !nothing.text().contains("follow"),
        "{nothing}"
    );
    let answer = ask_at("/set mastodon off", &settings, StatusOffers::default());
    let left = vec!["music=x".to_owned(), "follow/@a@b.test=1 2".into()];
    assert_eq!(answer.act, [Action::Settings(left), Action::Dismiss("mastodon=".into())]);
    let answer = ask("/set mastodon https://social.test t0ken-of-ann", &settings);
    assert!(matches!(&answer.act[..], [Action::Errand { about, .. }] if about == "mastodon="));
}

#[test]
fn nothing_of_a_token_is_in_what_is_printed() {
    for link in [mastodon(), bluesky(), x()] {
        let (request, _) = begin(&link, &post("a secret text"));
        let printed = format!("{link:?} {request:?} {:?}", post("a secret text"));
        assert!(!printed.contains(link.token.expose()) && !printed.contains("secret"), "{printed}");
    }
    assert_eq!(Site::named("mastodon").unwrap().title, "Mastodon");
    assert!(Site::named("myspace").is_none());
}
