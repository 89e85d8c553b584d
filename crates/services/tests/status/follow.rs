//! Accounts that are followed: their names, what is asked, and posts as they are shown.

use crosstalk_core::UnixMillis;
use crosstalk_services::status::{Errand, Followed, StatusOffers};
use crosstalk_services::{Action, Trouble};
use serde_json::json;

use crate::{ask, ask_at, offers, reply};

#[test]
fn accounts_are_followed_by_their_whole_name() {
    for (typed, name) in [
        ("@Gargron@Mastodon.social", Some("@gargron@mastodon.social")),
        ("ann.bsky.social", Some("ann.bsky.social")),
        ("@ann.bsky.social", Some("ann.bsky.social")),
        ("@a@b/c", None),
        ("@a b@c.test", None),
        ("ann", None),
        ("@@a.test", None),
        ("a=b.test", None),
        ("@a@b.test?x=1", None),
    ] {
        assert_eq!(Followed::named(typed).as_ref().map(Followed::name), name, "{typed}");
    }
    let answer = ask("/follow @a@b.test", &[]);
    let [Action::Errand { about, words }] = &answer.act[..] else { panic!("{answer:?}") };
    assert_eq!(about, "follow/@a@b.test=");
    let Some(Errand::Follow(name)) = Errand::read(words.expose()) else { panic!() };
    assert_eq!(name.name(), "@a@b.test");
    assert!(ask("/follow", &["follow/a.test=1 2"]).say.text().contains("You follow a.test."));
    assert!(ask("/follow a.test", &["follow/a.test=1 2"]).act.is_empty());
    let ended = ask("/unfollow a.test", &["x=y", "follow/a.test=1 2", "follow/a.test2.net=1 2"]);
    let left = vec!["x=y".to_owned(), "follow/a.test2.net=1 2".into()];
    let dismiss = |line: &str| Action::Dismiss(line.into());
    assert_eq!(ended.act, [Action::Settings(left), dismiss("follow/a.test=")]);
    assert_eq!(ask("/unfollow b.test", &[]).act, [dismiss("follow/b.test=")]);
    assert!(ask("/unfollow b", &[]).act.is_empty());
    let many: Vec<_> = (0..16).map(|n| format!("follow/a{n}.test=1 2")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert!(ask("/follow a.test", &many).say.text().contains("as many as one may"));
    let answer = ask_at("/follow a.test", &[], StatusOffers::default());
    assert!(answer.say.text().contains("no posts from Bluesky") && answer.act.is_empty());
}

fn plain(html: &str) -> String {
    html.replace("<p>", "").replace("</p>", "")
}

#[test]
fn posts_of_mastodon_come_in_their_order_with_author_and_link() {
    let ann = Followed::named("@ann@b.test").unwrap();
    let asked = ann.look_up(&offers()).url.0;
    assert_eq!(asked, "https://b.test/api/v1/accounts/lookup?acct=ann");
    assert_eq!(ann.looked_up(&reply(200, r#"{"id":"7","acct":"ann"}"#)).unwrap(), "7");
    assert!(ann.looked_up(&reply(404, "{}")).unwrap_err().text().contains("knows nobody"));
    assert!(ann.looked_up(&reply(200, r#"{"id":"7/../8"}"#)).is_err());
    let asked = ann.ask("7", "99", 5, &offers()).url.0;
    assert_eq!(
        asked,
        "https://b.test/api/v1/accounts/7/statuses?limit=5&exclude_replies=true\
         &exclude_reblogs=true&since_id=99"
    );
    let posts = json!([
        {"id":"101","url":"https://b.test/@ann/101","content":"<p>second</p>","reblog":null,"spoiler_text":""},
        {"id":"100","url":"https://evil.test/100","content":"<p>first \" x</p>","reblog":null,"spoiler_text":""},
        {"id":"99","url":"https://b.test/@ann/99","content":"<p>rude</p>","reblog":null,"spoiler_text":"politics"},
        {"id":"102","content":"<p>boost</p>","reblog":{"id":"5"},"spoiler_text":""},
        {"id":"no id","content":"x"},
        "nonsense",
    ]);
    let found = ann.posts(&reply(200, &posts.to_string()), &plain).unwrap();
    let found: Vec<_> = found.iter().map(|p| (&*p.position, p.said.text())).collect();
    assert_eq!(
        found,
        [
            ("99", "[CrossTalk /follow: @ann@b.test: \"politics\" \"https://b.test/@ann/99\"]"),
            ("100", "[CrossTalk /follow: @ann@b.test: \"first ' x\"]"),
            ("101", "[CrossTalk /follow: @ann@b.test: \"second\" \"https://b.test/@ann/101\"]"),
        ]
    );
    assert!(ann.order("99", "100").is_lt(), "by number");
    for (answer, said) in [
        (reply(200, "{}"), "does not understand"),
        (reply(401, "{}"), "signed in there"),
        (reply(429, ""), "too often"),
        (reply(500, ""), "out of order"),
        (reply(302, ""), "status 302"),
        (Err(Trouble::Timeout), "in time"),
    ] {
        let error = ann.posts(&answer, &plain).unwrap_err();
        assert!(error.text().contains(said), "{answer:?}: {error}");
    }
}

#[test]
fn posts_of_bluesky_are_those_of_the_account_itself() {
    let ann = Followed::named("ann.test").unwrap();
    let asked = ann.look_up(&offers()).url.0;
    assert_eq!(asked, "https://view.test/xrpc/app.bsky.actor.getProfile?actor=ann.test");
    assert_eq!(ann.looked_up(&reply(200, r#"{"did":"did:plc:1"}"#)).unwrap(), "did:plc:1");
    assert!(ann.looked_up(&reply(400, r#"{"error":"InvalidRequest"}"#)).is_err());
    let asked = ann.ask("did:plc:1", "", 5, &offers()).url.0;
    assert_eq!(
        asked,
        "https://view.test/xrpc/app.bsky.feed.getAuthorFeed?actor=did%3Aplc%3A1&limit=5\
         &filter=posts_no_replies"
    );
    let at = "2026-11-30T10:00:00.000Z";
    let item = |key: &str, text: &str| {
        json!({"post": {"uri": format!("at://did:plc:1/app.bsky.feed.post/{key}"), "cid": "c",
            "author": {"handle": "ann.test"}, "record": {"text": text}, "indexedAt": at}})
    };
    let mut repost = item("3z", "of another");
    repost["reason"] = json!({"$type": "app.bsky.feed.defs#reasonRepost"});
    let feed = json!({"feed": [item("3k", "hello"), repost, {}]}).to_string();
    let found = ann.posts(&reply(200, &feed), &plain).unwrap();
    let said =
        "[CrossTalk /follow: ann.test: \"hello\" \"https://bsky.app/profile/ann.test/post/3k\"]";
    assert_eq!((found.len(), &*found[0].position, found[0].said.text()), (1, at, said));
    assert_eq!(ann.beginning(UnixMillis(0)), "1970-01-01T00:00:00.000Z");
    assert!(ann.order("2026-11-30T10:00:00.000Z", "2026-12-01T10:00:00.000Z").is_lt());
}
