//! Statuses posted to sites outside: when, how often, and what people are told.

use std::path::Path;
use std::time::{Duration, Instant};

use crosstalk_core::Availability::{Available, Away, Offline};
use crosstalk_gateway::config::{Config, X};
use crosstalk_gateway::router::{Options, Router};
use crosstalk_gateway::sources::Sources;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::bench::{Person, alone_with, befriend, pair_with, restarted, sign_in};
use crate::sites::{TestSite, taken};

pub(crate) const CONTROL: &str = "crosstalk@gateway";
pub(crate) const TOKEN: &str = "t0ken-of-ann-7f3a";
const PASSWORD: &str = "abcd-efgh-ijkl-mnop";

/// Longer than a status must stay here, and whatever is done then takes.
pub(crate) const SETTLED: Duration = Duration::from_millis(400);

/// Options of a gateway whose state is in `dir`.
pub(crate) fn options(dir: &Path, change: impl FnOnce(&mut Config)) -> Options {
    let mut config = Config::alone(dir.into());
    config.services.allow = vec!["127.0.0.1".parse().unwrap()];
    config.services.status.mastodon = true;
    config.services.status.bluesky = true;
    config.services.status.wait = Duration::from_millis(100);
    change(&mut config);
    Options { sources: Sources::new(&config).unwrap(), ..Options::default() }
}

/// What the control contact says to a command in the end.
pub(crate) async fn hears_of(person: &mut Person, command: &str) -> String {
    person.says(CONTROL, command);
    let said = person.reads(CONTROL).await;
    if said.starts_with("I am asking") { person.reads(CONTROL).await } else { said }
}

pub(crate) async fn links(person: &mut Person, site: &TestSite) {
    let said = hears_of(person, &format!("/set mastodon http://{} {TOKEN}", site.at)).await;
    let place = format!("\"{0}\", as \"@ann@{0}\"", site.at);
    assert!(said.contains("From now on") && said.contains(&place), "{said}");
    // What stands there when it is turned on is noted.
    sleep(SETTLED).await;
}

fn texts(site: &TestSite) -> Vec<String> {
    let posts = site.all("POST /api/v1/statuses");
    posts.iter().map(|post| post.json()["status"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_new_status_is_posted_once_when_it_has_stayed() {
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::mastodon(|_, _| taken()).await;
    let gateway = alone_with(options(dir.path(), |_| ()));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    ann.shows(Available, "before it was turned on");
    links(&mut ann, &site).await;
    for text in ["in", "a", "hurry"] {
        ann.shows(Away, text);
    }
    ann.shows(Away, "lunch");
    let posts = site.gets("POST", 1).await;
    assert_eq!(posts[0].header("authorization"), Some(&*format!("Bearer {TOKEN}")));
    assert_eq!(posts[0].header("content-type"), Some("application/json"));
    sleep(SETTLED).await;
    for (show, text) in [(Available, ""), (Available, "lunch"), (Offline, "away"), (Away, "lunch ")]
    {
        ann.shows(show, text);
        sleep(SETTLED).await;
    }
    assert_eq!(texts(&site), ["lunch"]);
    ann.shows(Away, "dinner");
    site.gets("POST", 2).await;
    sleep(SETTLED).await;
    ann.shows(Away, "lunch");
    let posts = site.gets("POST", 3).await;
    assert_eq!(texts(&site), ["lunch", "dinner", "lunch"]);
    let mut keys: Vec<_> = posts.iter().map(|p| p.header("idempotency-key").unwrap()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 3, "the same text said anew is another post");
    assert!(hears_of(&mut ann, "/set mastodon off").await.contains("not posted to Mastodon any"));
    ann.shows(Away, "unheard");
    sleep(SETTLED).await;
    assert_eq!(site.all("POST").len(), 3);
}

#[tokio::test]
async fn what_a_site_does_not_take_at_first_is_tried_again_under_the_same_name() {
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::mastodon(|_, before| match before {
        0 => Some((503, String::new())),
        1 => Some((429, r#"{"error":"Too many requests"}"#.into())),
        _ => taken(),
    })
    .await;
    let gateway = alone_with(options(dir.path(), |_| ()));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    links(&mut ann, &site).await;
    ann.shows(Away, "lunch");
    let posts = site.gets("POST", 3).await;
    let key = posts[0].header("idempotency-key").unwrap();
    assert!(key.len() == 32 && posts.iter().all(|p| p.header("idempotency-key") == Some(key)));
    sleep(SETTLED).await;
    assert_eq!(texts(&site), ["lunch"; 3]);
}

#[tokio::test]
async fn what_is_not_taken_in_the_end_is_dropped_with_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::mastodon(|asked, _| match asked.json()["status"].as_str() {
        Some("too often") => Some((429, String::new())),
        Some("wrong") => Some((422, r#"{"error":"Validation failed"}"#.into())),
        Some("lie") => Some((200, "<html>all is well</html>".into())),
        Some("huge") => Some((200, "x".repeat(1 << 20))),
        _ => taken(),
    })
    .await;
    let gateway =
        alone_with(options(dir.path(), |c| c.services.status.wait = Duration::from_millis(20)));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    links(&mut ann, &site).await;
    for (text, why, tries) in [
        ("wrong", "Mastodon does not take the text", 1),
        ("lie", "something that this gateway does not understand", 1),
        ("huge", "more than is read", 4),
        ("too often", "asked too often", 4),
    ] {
        let before = site.all("POST").len();
        ann.shows(Away, text);
        let said = ann.reads(CONTROL).await;
        assert!(said.contains("was not posted to Mastodon") && said.contains(why), "{said}");
        assert_eq!(site.all("POST").len() - before, tries, "{text}");
    }
    ann.shows(Away, "fine");
    site.gets("POST", 11).await;
    assert_eq!(texts(&site).last().unwrap(), "fine");
}

#[tokio::test]
async fn a_token_that_is_refused_is_told_once_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::mastodon(|_, _| Some((401, r#"{"error":"revoked"}"#.into()))).await;
    let gateway = alone_with(options(dir.path(), |_| ()));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    links(&mut ann, &site).await;
    ann.shows(Away, "lunch");
    let said = ann.reads(CONTROL).await;
    let expected = "Mastodon does not take the token, so your status is not posted there any more. \
                    Turn it on again with /set mastodon https://HOST TOKEN.";
    assert_eq!(said, expected);
    ann.shows(Away, "dinner");
    sleep(SETTLED).await;
    assert_eq!(site.all("POST").len(), 1);
    let said = hears_of(&mut ann, "/set mastodon").await;
    assert!(said.contains("mastodon: off"), "{said}");
}

#[tokio::test]
async fn a_token_is_checked_before_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::new(|_, _| Some((401, "{}".into()))).await;
    let gateway = alone_with(options(dir.path(), |_| ()));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    let command = format!("/set mastodon http://{} {TOKEN}", site.at);
    let said = hears_of(&mut ann, &command).await;
    assert_eq!(said, "Mastodon was not set up: Mastodon does not take the token.");
    let elsewhere = hears_of(&mut ann, "/set mastodon http://127.0.0.2:9 t0ken-of-ann").await;
    assert!(elsewhere.contains("cannot be reached"), "not allowed: {elsewhere}");
    for _ in 0..3 {
        hears_of(&mut ann, &command).await;
    }
    assert!(hears_of(&mut ann, &command).await.contains("too much in a short time"));
    assert!(hears_of(&mut ann, "/services").await.contains("mastodon: off"));
}

#[tokio::test]
async fn after_a_restart_nothing_is_posted_twice_and_the_token_still_works() {
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::mastodon(|_, _| taken()).await;
    let gateway = restarted(dir.path(), options(dir.path(), |_| ()));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    links(&mut ann, &site).await;
    ann.shows(Away, "lunch");
    site.gets("POST", 1).await;
    sleep(SETTLED).await;
    drop(ann);
    gateway.router.drained().await;
    gateway.overlay.shutdown().await;
    drop(gateway);
    let gateway = restarted(dir.path(), options(dir.path(), |_| ()));
    let ann = sign_in(&gateway.router, "ann@aol");
    ann.shows(Away, "lunch");
    sleep(SETTLED).await;
    assert_eq!(site.all("POST").len(), 1);
    ann.shows(Away, "dinner");
    site.gets("POST", 2).await;
    assert_eq!(texts(&site), ["lunch", "dinner"]);
}

#[tokio::test]
async fn another_gateway_without_the_key_says_so_and_leaves_the_setting_alone() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let site = TestSite::mastodon(|_, _| taken()).await;
    let pair = pair_with(dirs.each_ref().map(|dir: &TempDir| options(dir.path(), |_| ()))).await;
    let mut ann = sign_in(&pair.left, "ann@aol");
    links(&mut ann, &site).await;
    drop(ann);
    pair.left.drained().await;
    let mut ann = sign_in(&pair.right, "ann@aol");
    ann.shows(Away, "lunch");
    let said = ann.reads(CONTROL).await;
    assert!(said.contains("does not have its key"), "{said}");
    ann.shows(Away, "dinner");
    sleep(SETTLED).await;
    let said = hears_of(&mut ann, "/set mastodon").await;
    assert!(said.contains("your status is posted to"), "{said}");
    assert!(site.all("POST").is_empty());
    drop(ann);
    pair.right.drained().await;
    let ann = sign_in(&pair.left, "ann@aol");
    ann.shows(Away, "supper");
    site.gets("POST", 1).await;
}

#[tokio::test]
async fn a_site_that_hangs_holds_up_no_text_and_no_presence() {
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::mastodon(|_, _| None).await;
    let gateway = alone_with(options(dir.path(), |_| ()));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    let mut bob = sign_in(&gateway.router, "bob@yahoo");
    befriend(&mut ann, &mut bob).await;
    links(&mut ann, &site).await;
    ann.shows(Away, "lunch");
    site.gets("POST", 1).await;
    let begun = Instant::now();
    for n in 0..20 {
        ann.says("bob@yahoo", &format!("text {n}"));
        assert_eq!(bob.reads("ann@aol").await, format!("text {n}"));
    }
    ann.shows(Available, "back");
    bob.sees("ann@aol", Available).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "it waited: {:?}", begun.elapsed());
}

#[tokio::test]
async fn bluesky_is_posted_to_under_the_same_name_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::new(|asked, before| {
        if asked.line.contains("createSession") {
            let session =
                r#"{"accessJwt":"jwt","refreshJwt":"r","handle":"ann.test","did":"did:plc:1"}"#;
            return Some((200, session.into()));
        }
        match before {
            0 => Some((502, String::new())),
            1 => Some((400, r#"{"error":"ExpiredToken"}"#.into())),
            _ => Some((200, r#"{"uri":"at://did:plc:1/app.bsky.feed.post/3k","cid":"b"}"#.into())),
        }
    })
    .await;
    let gateway = alone_with(options(dir.path(), |_| ()));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    let command = format!("/set bluesky ann.test {PASSWORD} http://{}", site.at);
    let said = hears_of(&mut ann, &command).await;
    assert!(said.contains("From now on") && said.contains("as ann.test"), "{said}");
    sleep(SETTLED).await;
    ann.shows(Away, "lunch");
    let puts = site.gets("putRecord", 3).await;
    assert!(puts.iter().all(|put| put.body == puts[0].body), "{puts:?}");
    assert_eq!(puts[0].json()["record"]["text"], "lunch");
    assert_eq!(puts[0].header("authorization"), Some("Bearer jwt"));
    sleep(SETTLED).await;
    assert_eq!(site.all("putRecord").len(), 3);
}

#[tokio::test]
async fn x_gets_no_more_in_a_month_than_the_operator_pays_for() {
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::new(|asked, before| {
        Some(if asked.line.contains("users/me") {
            (200, r#"{"data":{"username":"ann"}}"#.into())
        } else if asked.body.contains("no credit") {
            (402, "{}".into())
        } else if before == 1 {
            (429, "{}".into())
        } else {
            (201, r#"{"data":{"id":"1"}}"#.into())
        })
    })
    .await;
    let at = site.at;
    let with_x = |c: &mut Config| {
        c.services.x = Some(X { url: format!("http://{at}"), posts_a_month: 1 });
    };
    let gateway = restarted(dir.path(), options(dir.path(), with_x));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    assert!(hears_of(&mut ann, &format!("/set x {TOKEN}")).await.contains("as @ann"));
    sleep(SETTLED).await;
    ann.shows(Away, "no credit");
    assert!(ann.reads(CONTROL).await.contains("no credit left"));
    ann.shows(Away, "lunch");
    site.gets("POST", 3).await;
    sleep(SETTLED).await;
    ann.shows(Away, "dinner");
    let said = ann.reads(CONTROL).await;
    assert!(said.contains("as much there as its operator pays for in a month"), "{said}");
    drop(ann);
    gateway.router.drained().await;
    gateway.overlay.shutdown().await;
    drop(gateway);
    let gateway = restarted(dir.path(), options(dir.path(), with_x));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    ann.shows(Away, "supper");
    assert!(ann.reads(CONTROL).await.contains("pays for in a month"));
    assert_eq!(site.all("POST").len(), 3);
}

/// Two people of one router, for the tests of what is followed.
pub(crate) fn both(router: &Router) -> [Person; 2] {
    ["ann@aol", "bob@yahoo"].map(|name| sign_in(router, name))
}
