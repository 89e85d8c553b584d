//! Accounts outside that people follow: what comes, how often is asked, and that nothing comes
//! twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crosstalk_gateway::config::Config;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bench::{alone_with, restarted, sign_in};
use crate::sites::TestSite;
use crate::status::{CONTROL, both, hears_of, options};

/// Time between two times that posts are asked for here.
const EVERY: Duration = Duration::from_millis(200);

fn following(config: &mut Config) {
    config.services.follow.mastodon = true;
    config.services.follow.every = EVERY;
}

/// A server of Mastodon whose account Eve has so many posts.
async fn mastodon(posts: &Arc<AtomicUsize>) -> TestSite {
    let posts = Arc::clone(posts);
    TestSite::new(move |asked, _| {
        if asked.line.contains("lookup?acct=eve ") {
            return Some((200, r#"{"id":"7","acct":"eve"}"#.into()));
        }
        if !asked.line.contains("/accounts/7/statuses") {
            return Some((404, "{}".into()));
        }
        let number = |name: &str| -> usize {
            let rest = asked.line.split_once(&format!("{name}=")).unwrap().1;
            rest.split(['&', ' ']).next().unwrap().parse().unwrap()
        };
        let (since, limit) = (number("since_id"), number("limit"));
        let newest = posts.load(Ordering::Relaxed);
        let post = |n: usize| {
            let content = format!(
                "<p>post <a href=\"https://a.test\">{n}</a> &amp; <code>x</code><br>end</p>"
            );
            json!({"id": n.to_string(), "content": content, "reblog": null, "spoiler_text": ""})
        };
        let found: Vec<Value> = (since + 1..=newest).rev().take(limit).map(post).collect();
        Some((200, Value::from(found).to_string()))
    })
    .await
}

fn shown(at: std::net::SocketAddr, n: usize) -> String {
    format!("[CrossTalk /follow: \"@eve@{at}\": \"post {n} & x end\"]")
}

#[tokio::test]
async fn new_posts_come_to_all_who_follow_and_are_asked_for_once() {
    let dir = tempfile::tempdir().unwrap();
    let posts = Arc::new(AtomicUsize::new(40));
    let site = mastodon(&posts).await;
    let gateway = alone_with(options(dir.path(), following));
    let [mut ann, mut bob] = both(&gateway.router);
    let command = format!("/follow @Eve@{}", site.at);
    for person in [&mut ann, &mut bob] {
        let said = hears_of(person, &command).await;
        assert!(said.contains("new posts are sent to you"), "{said}");
    }
    sleep(3 * EVERY).await;
    posts.store(42, Ordering::Relaxed);
    for person in [&mut ann, &mut bob] {
        assert_eq!(person.reads(CONTROL).await, shown(site.at, 41), "nothing old came before");
        assert_eq!(person.reads(CONTROL).await, shown(site.at, 42));
    }
    let (begun, before) = (tokio::time::Instant::now(), site.all("since_id").len());
    sleep(5 * EVERY).await;
    let asked = site.all("since_id").len() - before;
    let most = begun.elapsed().as_millis() / EVERY.as_millis() + 1;
    assert!(asked as u128 <= most, "{asked} times for both");
    assert!(hears_of(&mut ann, &format!("/unfollow @eve@{}", site.at)).await.contains("no more"));
    posts.store(43, Ordering::Relaxed);
    assert_eq!(bob.reads(CONTROL).await, shown(site.at, 43));
    assert!(hears_of(&mut ann, "/follow").await.contains("You follow no account outside"));
    drop((ann, bob));
    gateway.router.drained().await;
    sleep(2 * EVERY).await;
    let before = site.all("since_id").len();
    sleep(3 * EVERY).await;
    assert_eq!(site.all("since_id").len(), before, "nobody is signed on");
}

#[tokio::test]
async fn no_post_comes_twice_over_a_restart_and_what_was_missed_comes() {
    let dir = tempfile::tempdir().unwrap();
    let posts = Arc::new(AtomicUsize::new(1));
    let site = mastodon(&posts).await;
    let gateway = restarted(dir.path(), options(dir.path(), following));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    hears_of(&mut ann, &format!("/follow @eve@{}", site.at)).await;
    posts.store(2, Ordering::Relaxed);
    assert_eq!(ann.reads(CONTROL).await, shown(site.at, 2));
    drop(ann);
    gateway.router.drained().await;
    gateway.overlay.shutdown().await;
    drop(gateway);
    posts.store(3, Ordering::Relaxed);
    let gateway = restarted(dir.path(), options(dir.path(), following));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    assert_eq!(ann.reads(CONTROL).await, shown(site.at, 3));
    sleep(3 * EVERY).await;
    ann.hears_nothing_of(CONTROL).await;
}

#[tokio::test]
async fn who_is_not_there_is_not_followed_and_a_site_that_fails_is_asked_less() {
    let dir = tempfile::tempdir().unwrap();
    let posts = Arc::new(AtomicUsize::new(1));
    let site = mastodon(&posts).await;
    let gateway = alone_with(options(dir.path(), following));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    let said = hears_of(&mut ann, &format!("/follow @mallory@{}", site.at)).await;
    assert!(said.contains("Mastodon knows nobody of that name"), "{said}");
    assert!(hears_of(&mut ann, "/follow ann.bsky.social").await.contains("no posts from Bluesky"));
    let broken = TestSite::new(|asked, before| {
        Some(match before {
            _ if asked.line.contains("lookup") => (200, r#"{"id":"7"}"#.into()),
            0 => (200, "[]".into()),
            _ => (500, String::new()),
        })
    })
    .await;
    let said = hears_of(&mut ann, &format!("/follow @eve@{}", broken.at)).await;
    assert!(said.contains("You follow"), "{said}");
    sleep(10 * EVERY).await;
    let asked = broken.all("statuses").len();
    assert!((2..=5).contains(&asked), "{asked} times");
}

#[tokio::test]
async fn posts_of_bluesky_come_from_the_view_that_the_operator_names() {
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::new(|asked, before| {
        if asked.line.contains("getProfile") {
            return Some((200, r#"{"did":"did:plc:1","handle":"eve.test"}"#.into()));
        }
        let item = |n: usize| {
            let uri = format!("at://did:plc:1/app.bsky.feed.post/3k{n}");
            json!({"post": {"uri": uri, "record": {"text": format!("post {n}")},
                "indexedAt": format!("2026-11-30T10:00:0{n}.000Z")}})
        };
        // The first answers are about what was there before.
        let newest = if before < 2 { 1 } else { 2 };
        let feed: Vec<_> = (0..=newest).rev().map(item).collect();
        Some((200, json!({ "feed": feed }).to_string()))
    })
    .await;
    let at = site.at;
    let gateway = alone_with(options(dir.path(), |config| {
        following(config);
        config.services.follow.bluesky = Some(format!("http://{at}/"));
    }));
    let mut ann = sign_in(&gateway.router, "ann@aol");
    assert!(hears_of(&mut ann, "/follow @eve.test").await.contains("You follow eve.test"));
    let link = "\"https://bsky.app/profile/eve.test/post/3k2\"";
    let shown = format!("[CrossTalk /follow: eve.test: \"post 2\" {link}]");
    assert_eq!(ann.reads(CONTROL).await, shown);
}
