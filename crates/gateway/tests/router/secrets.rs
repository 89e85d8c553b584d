//! Tokens of people: where they must not stand.

use std::fmt::{Debug, Write as _};
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};

use crosstalk_core::Availability::Available;
use tokio::time::sleep;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::bench::{restarted, sign_in};
use crate::sites::{TestSite, taken};
use crate::status::{SETTLED, TOKEN, hears_of, links, options};

static LINES: Mutex<String> = Mutex::new(String::new());

/// Keeps everything that is logged, at every level.
struct Kept;

impl Subscriber for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Line);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, record: &Record<'_>) {
        record.record(&mut Line);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line;

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(lines, "{}={value:?}", field.name()).unwrap();
    }
}

#[tokio::test]
async fn a_token_stands_in_no_log_in_no_file_and_in_nothing_that_is_said() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| tracing::subscriber::set_global_default(Kept).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let site = TestSite::mastodon(|asked, _| {
        if asked.json()["status"] == "lunch" { taken() } else { Some((401, "{}".into())) }
    })
    .await;
    let gateway = restarted(dir.path(), options(dir.path(), |_| ()));
    let mut ann = sign_in(&gateway.router, "logged-ann@aol");
    let mut other = sign_in(&gateway.router, "logged-ann@aol");
    links(&mut ann, &site).await;
    ann.shows(Available, "lunch");
    site.gets("POST", 1).await;
    for command in
        ["/services", "/privacy", "/set mastodon", "/set mastdon https://a.test t0ken-of-ann-7f3a"]
    {
        let said = hears_of(&mut ann, command).await;
        assert!(!said.contains(TOKEN), "{said}");
    }
    let seen = other.everything().await;
    assert!(!seen.is_empty(), "answers come to each client");
    // Texts are not printed, but that one was said to the control contact would be.
    let copies = seen.iter().filter(|mail| mail.contains("Carbon")).count();
    assert_eq!(copies, 2, "of those commands that hold no token: {seen:?}");
    sleep(SETTLED).await;
    let is_in = |file: &std::path::PathBuf, words: &str| {
        let bytes = std::fs::read(file).unwrap();
        bytes.windows(words.len()).any(|part| part == words.as_bytes())
    };
    let files = files(dir.path());
    let line = format!("mastodon={} ", site.at);
    assert!(files.iter().any(|file| is_in(file, &line)), "the setting is on disk");
    let told: Vec<_> = files.iter().filter(|file| is_in(file, TOKEN)).collect();
    assert!(told.is_empty(), "{told:?}");
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(lines.contains("logged-ann@aol"), "the log is kept");
    assert!(!lines.contains(TOKEN), "{lines}");
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
