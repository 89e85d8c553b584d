//! Texts that run through nodes with programs behind them: what programs of every kind come to, and
//! in which time.
#![allow(clippy::unwrap_used)]

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Body, Envelope, EnvelopeId, UnixMillis};
use crosstalk_gateway::config::Config;
use crosstalk_gateway::sources::Sources;
use crosstalk_services::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A program that keeps what it is sent and answers with these bytes; without any it says nothing.
async fn program(reply: Option<Vec<u8>>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = vec![0; 64 * 1024];
            let length = client.read(&mut request).await.unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            hears.lock().unwrap().push(request);
            match &reply {
                Some(reply) => drop(client.write_all(reply).await),
                None => held.push(client),
            }
        }
    });
    (addr, heard)
}

fn response(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").into()
}

const ENGLISH: &str =
    r#"{"detectedLanguage":{"confidence":90,"language":"fr"},"translatedText":"Hello"}"#;

fn sources(change: impl FnOnce(&mut Config)) -> Arc<Sources> {
    let mut config = Config::alone("/nonexistent".into());
    change(&mut config);
    Sources::new(&config).unwrap()
}

/// Sources whose translator is at `addr`.
fn translating(addr: SocketAddr) -> Arc<Sources> {
    sources(|config| {
        config.services.allow = vec!["127.0.0.1".parse().unwrap()];
        config.services.translate.url = Some(format!("http://{addr}/"));
        config.services.translate.key = Some("s3cret".to_owned().into());
    })
}

/// Sources that let people have webhooks, also on this machine.
fn calling() -> Arc<Sources> {
    sources(|config| {
        config.services.flows.webhooks = true;
        config.services.flows.allow = vec!["127.0.0.1".parse().unwrap()];
    })
}

fn said(text: &str) -> Envelope {
    let body = Body::Text { text: text.into(), auto: false };
    let (from, to) = ("bob@yahoo".parse().unwrap(), "alice@aol".parse().unwrap());
    let sent_at = UnixMillis(1_700_000_000_000);
    Envelope { id: EnvelopeId(1), from, to, sent_at, body, details: None }
}

async fn translated(sources: &Sources) -> (Option<String>, Option<String>) {
    told(sources.run(said("Bonjour"), &["translate/bob@yahoo=en".into()]).await)
}

async fn hooked(sources: &Sources, at: SocketAddr) -> (Option<String>, Option<String>) {
    let line = format!("flow/h=webhook http://{at}/in {SECRET}");
    told(sources.run(said("2+2?"), &[line]).await)
}

fn told(outcome: Outcome) -> (Option<String>, Option<String>) {
    let text = |text: crosstalk_core::RichText| text.text().to_owned();
    (outcome.shown.map(text), outcome.trouble.map(text))
}

#[tokio::test]
async fn a_translation_comes_through_http() {
    let (at, heard) = program(Some(response("200 OK", ENGLISH))).await;
    let sources = translating(at);
    let shown = "Bonjour\n[CrossTalk /translate from French: Hello]".to_owned();
    assert_eq!(translated(&sources).await, (Some(shown), None));
    let heard = heard.lock().unwrap();
    let [request] = &heard[..] else { panic!("{heard:?}") };
    assert!(request.starts_with("POST /translate HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("content-type: application/json\r\n"), "{request}");
    assert!(request.contains(r#""api_key":"s3cret""#), "{request}");
    let debugged = format!("{sources:?}");
    assert!(!debugged.contains("s3cret"), "{debugged}");
}

#[tokio::test]
async fn a_webhook_is_signed_and_says_another_text() {
    let (at, heard) = program(Some(response("200 OK", r#"{"text":"4"}"#))).await;
    let sources = calling();
    let shown = "[CrossTalk /flow h: 4]\n2+2?".to_owned();
    assert_eq!(hooked(&sources, at).await, (Some(shown), None));
    let heard = heard.lock().unwrap();
    let (head, body) = heard[0].split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{head}")).to_owned()
    };
    // As a program checks it.
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = format!("{}.{body}", header("x-crosstalk-time"));
    let signature = header("x-crosstalk-signature");
    let tag: Vec<u8> = signature
        .strip_prefix("sha256=")
        .unwrap()
        .as_bytes()
        .chunks(2)
        .map(|hex| u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap())
        .collect();
    ring::hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
    assert!(!heard[0].contains(SECRET));
}

#[tokio::test]
async fn programs_that_lie_or_say_too_much_leave_the_text_as_it_was() {
    for (reply, why) in [
        (response("200 OK", &"x".repeat(1 << 20)), "more than is read"),
        (b"SSH-2.0-x\r\n".to_vec(), "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{".to_vec(), "cannot be reached"),
        (response("200 OK", "[1]"), "does not understand"),
        (response("500 Down", "s3cret"), "out of order"),
    ] {
        let (at, _) = program(Some(reply)).await;
        let (shown, trouble) = translated(&translating(at)).await;
        let trouble = trouble.unwrap();
        assert!(shown.is_none() && trouble.contains(why), "{trouble}");
        assert!(!trouble.contains("s3cret"), "{trouble}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_and_people_reach_no_private_address() {
    let (inside, heard) = program(Some(response("200 OK", r#"{"text":"4"}"#))).await;
    let redirect =
        format!("HTTP/1.1 307 There\r\nLocation: http://{inside}/\r\nContent-Length: 0\r\n\r\n");
    let (at, _) = program(Some(redirect.into())).await;
    let (shown, trouble) = hooked(&calling(), at).await;
    assert!(shown.is_none() && trouble.unwrap().contains("status 307"));
    // What the operator's own services may call is not what people may.
    let sources = sources(|config| {
        config.services.flows.webhooks = true;
        config.services.allow = vec!["127.0.0.1".parse().unwrap()];
    });
    let (shown, trouble) = hooked(&sources, inside).await;
    assert!(shown.is_none() && trouble.unwrap().contains("cannot be reached"));
    let none = translating(inside);
    assert_eq!(hooked(&none, inside).await, (None, None), "nobody may have webhooks");
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_node_that_hangs_costs_two_seconds_all_of_them_four_and_then_nothing() {
    let (at, heard) = program(None).await;
    let sources = calling();
    let begun = Instant::now();
    let lines: Vec<_> =
        (0..5).map(|n| format!("flow/h{n}=webhook http://{at}/{n} {SECRET}")).collect();
    let (shown, trouble) = told(sources.run(said("hi"), &lines).await);
    assert!(shown.is_none() && trouble.unwrap().contains("/flow h0: the webhook did not answer"));
    let took = begun.elapsed();
    assert!((3700..4000).contains(&took.as_millis()), "{took:?}");
    assert_eq!(heard.lock().unwrap().len(), 2);
    // The first has failed once, and is left alone when it has failed twice.
    let first = &lines[..1];
    let took = || async {
        let begun = Instant::now();
        assert!(sources.run(said("hi"), first).await.trouble.is_some());
        begun.elapsed()
    };
    let (second, third) = (took().await, took().await);
    assert!((1900..2500).contains(&second.as_millis()), "{second:?}");
    assert!(third < Duration::from_millis(200), "{third:?}");
    assert_eq!(heard.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn more_calls_than_there_is_room_for_are_not_made_and_take_nothing_from_a_translator() {
    let (at, _) = program(None).await;
    let (translator, _) = program(Some(response("200 OK", ENGLISH))).await;
    let sources = sources(|config| {
        config.services.allow = vec!["127.0.0.1".parse().unwrap()];
        config.services.translate.url = Some(format!("http://{translator}"));
        config.services.flows.webhooks = true;
        config.services.flows.allow = vec!["127.0.0.1".parse().unwrap()];
    });
    let mut calls = JoinSet::new();
    for n in 0..64 {
        let sources = Arc::clone(&sources);
        calls.spawn(async move {
            let line = format!("flow/h=webhook http://{at}/{n} {SECRET}");
            sources.run(said("hi"), &[line]).await
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begun = Instant::now();
    let (_, trouble) = hooked(&sources, at).await;
    assert!(trouble.unwrap().contains("too much is asked of this gateway"));
    assert!(translated(&sources).await.0.unwrap().contains("from French: Hello"));
    assert!(begun.elapsed() < Duration::from_secs(1));
    let ended = calls.join_all().await;
    assert!(ended.iter().all(|outcome| outcome.trouble.is_some()));
}

/// What stands in a file as soon as it holds `words`.
async fn file_with(place: &Path, words: &str) -> String {
    for _ in 0..500 {
        let read = std::fs::read_to_string(place);
        match read {
            Ok(text) if text.contains(words) => return text,
            Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{error}"),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("{} has no {words}", place.display())
}

#[tokio::test]
async fn an_archive_is_a_file_of_a_person_with_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let archive = dir.path().join("archive");
    let sources = sources(|config| {
        config.services.flows.archive = Some(archive.clone());
        config.services.flows.archive_bytes = 1000;
    });
    let alice: Address = "alice@aol".parse().unwrap();
    let write = |words: String| {
        let sources = Arc::clone(&sources);
        let owner = alice.clone();
        async move {
            let lines = ["flow/a=archive jsonl".to_owned()];
            for action in sources.run(said(&words), &lines).await.actions {
                let crosstalk_services::FlowAction::Archive(record) = action else { panic!() };
                sources.archive(&owner, record);
            }
        }
    };
    let place = archive.join("alice%40aol.jsonl");
    for n in 0..4 {
        write(format!("number {n} {}", "x".repeat(300))).await;
        file_with(&place, &format!("number {n} ")).await;
    }
    let (before, new) =
        (archive.join("alice%40aol.jsonl.old"), file_with(&place, "number 3").await);
    assert!(!new.contains("number 1"));
    let old = file_with(&before, "number 1").await;
    assert!(old.len() <= 1000 && new.len() <= 1000, "{} {}", old.len(), new.len());
    for line in old.lines().chain(new.lines()) {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    }
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&archive), mode(&place)), (0o700, 0o600));
    assert!(sources.forget(&"bob@aol".parse().unwrap()).await, "nothing is kept of him");
    assert!(place.exists() && before.exists());
    assert!(sources.forget(&alice).await);
    assert!(!place.exists() && !before.exists());
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let mut config = Config::alone("/nonexistent".into());
    config.services.flows.archive = Some("/dev/null/archive".into());
    let error = Sources::new(&config).unwrap_err().to_string();
    assert!(error.starts_with("/dev/null/archive: texts cannot be archived there"), "{error}");
}
