//! Answers from outside: what upstreams of every kind come to, in words and in time.
#![allow(clippy::unwrap_used)]

mod places;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::Question;
use crosstalk_gateway::config::Config;
use crosstalk_gateway::sources::Sources;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers each connection with these bytes, and then closes it; without any it
/// says nothing.
async fn upstream(reply: Option<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = client.read(&mut request).await;
            match &reply {
                Some(reply) => drop(client.write_all(reply).await),
                None => held.push(client),
            }
        }
    });
    addr
}

fn response(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").into()
}

fn sources(lastfm: SocketAddr, change: impl FnOnce(&mut Config)) -> Arc<Sources> {
    let mut config = Config::alone("/nonexistent".into());
    config.services.allow = vec!["127.0.0.1".parse().unwrap()];
    config.services.music.lastfm = format!("http://{lastfm}/2.0/");
    config.services.music.key = Some("secret".to_owned().into());
    change(&mut config);
    Sources::new(&config).unwrap()
}

async fn music(sources: &Sources) -> String {
    let question = Question::new("music", "").unwrap();
    sources.answer(&question, "lastfm rj", None).await.text().to_owned()
}

const PLAYING: &str = r##"{"recenttracks":{"track":{"artist":{"#text":"Shakira"},
    "name":"Ojos","@attr":{"nowplaying":"true"}}}}"##;

#[tokio::test]
async fn an_answer_comes_through_http() {
    let at = upstream(Some(response("200 OK", PLAYING))).await;
    assert_eq!(music(&sources(at, |_| ())).await, r#"[CrossTalk /music: "Ojos" by "Shakira"]"#);
    let private = r#"{"message":"Login: User required to be logged in","error":17}"#;
    let at = upstream(Some(response("403 Forbidden", private))).await;
    assert!(music(&sources(at, |_| ())).await.contains("is private"));
}

#[tokio::test]
async fn an_upstream_that_hangs_lies_or_says_too_much_is_told_in_words() {
    let begun = Instant::now();
    let silent = upstream(None).await;
    assert!(music(&sources(silent, |_| ())).await.contains("did not answer in time"));
    assert!((4..8).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    let huge = upstream(Some(response("200 OK", &"x".repeat(1 << 20)))).await;
    assert!(music(&sources(huge, |_| ())).await.contains("more than is read"));
    let endless = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1 << 20]].concat();
    for noise in [b"SSH-2.0-x\r\n".to_vec(), Vec::new(), endless] {
        let at = upstream(Some(noise)).await;
        assert!(music(&sources(at, |_| ())).await.contains("cannot be reached"));
    }
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{".to_vec();
    let at = upstream(Some(short)).await;
    assert!(music(&sources(at, |_| ())).await.contains("cannot be reached"));
}

#[tokio::test]
async fn no_redirect_is_followed_and_no_private_address_called_unless_allowed() {
    let inside = upstream(Some(response("200 OK", PLAYING))).await;
    let redirect =
        format!("HTTP/1.1 302 Found\r\nLocation: http://{inside}/\r\nContent-Length: 0\r\n\r\n");
    let at = upstream(Some(redirect.into())).await;
    assert!(music(&sources(at, |_| ())).await.contains("status 302"));
    let forbid = |config: &mut Config| config.services.allow.clear();
    assert!(music(&sources(inside, forbid)).await.contains("cannot be reached"));
    let by_any_name = |config: &mut Config| config.services.allow = vec!["*".parse().unwrap()];
    assert!(music(&sources(inside, by_any_name)).await.contains("cannot be reached"));
}

#[tokio::test]
async fn more_look_ups_than_there_is_room_for_are_told_so_at_once() {
    let sources = sources(upstream(None).await, |_| ());
    for _ in 0..32 {
        let sources = Arc::clone(&sources);
        tokio::spawn(async move { music(&sources).await });
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    assert!(music(&sources).await.contains("too much is asked of this gateway"));
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_place_is_that_of_the_address_in_either_family_and_mapped() {
    let dir = tempfile::tempdir().unwrap();
    let files = ["names.mmdb", "columns.mmdb"].map(|name| dir.path().join(name));
    let named = [
        ("8.8.8.0/24", places::names("San Diego", "United States")),
        ("2a00::/16", places::names("K\u{f6}ln", "Germany")),
    ];
    std::fs::write(&files[0], places::database(&named)).unwrap();
    let rows = [("9.9.8.0/24", places::columns("Zurich (Kreis 1)", "CH"))];
    std::fs::write(&files[1], places::database(&rows)).unwrap();
    let nowhere = "127.0.0.1:1".parse().unwrap();
    let sources = sources(nowhere, |config| config.services.location.databases = files.into());
    let question = Question::new("location", "").unwrap();
    let mut told = Vec::new();
    for client in
        ["8.8.8.8", "::ffff:8.8.8.8", "2a00::1", "9.9.8.9", "9.9.9.9", "192.168.1.1", "::1"]
    {
        let client: IpAddr = client.parse().unwrap();
        let said = sources.answer(&question, "on", Some(client)).await;
        told.push(said.text().trim_start_matches("[CrossTalk /location: ").to_owned());
    }
    let san_diego = "near \"San Diego\", \"United States\"]";
    let (cologne, zurich) = ("near \"K\u{f6}ln\", \"Germany\"]", "near \"Zurich\", \"CH\"]");
    assert_eq!(told[..4], [san_diego, san_diego, cologne, zurich]);
    assert!(told[4].contains("not known"), "{told:?}");
    assert!(told[5].contains("private network") && told[6].contains("private network"));
    let unknown = sources.answer(&question, "on", None).await;
    assert!(unknown.text().contains("not known"));
}

#[test]
fn a_file_that_is_no_database_is_named() {
    let mut config = Config::alone("/nonexistent".into());
    config.services.location.databases = vec!["/dev/null".into()];
    let error = Sources::new(&config).unwrap_err().to_string();
    assert!(error.contains("/dev/null: not a database of places"), "{error}");
}
