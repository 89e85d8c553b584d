//! `[services]`: sources that services of people may use.

use std::path::PathBuf;
use std::time::Duration;

use crosstalk_core::Redacted;
use hyper::Uri;
use serde::Deserialize;

use super::allow::Allow;
use super::report::Problem;
use super::text;

/// The shortest time between two times that the posts of an account are asked for: sites take no
/// more of one address.
const SHORTEST: Duration = Duration::from_secs(30);

/// Sources that services of people may use.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Services {
    /// Hosts that may be called although their addresses are not public.
    pub allow: Vec<Allow>,
    /// Sources of `/music`.
    pub music: Music,
    /// Source of `/location`.
    pub location: Location,
    /// Translator of `/translate`.
    pub translate: Translate,
    /// Nodes of flows.
    pub flows: Flows,
    /// File of the key that tokens of people are encrypted with; `services.key` under
    /// [`Config::data`](super::Config::data) unless set, and made there.
    pub key_file: Option<PathBuf>,
    /// Sites that statuses are posted to.
    pub status: Statuses,
    /// Sites whose accounts can be followed.
    pub follow: Follow,
    /// Posting of statuses to X, which costs the operator money.
    pub x: Option<X>,
}

/// Translator of `/translate`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Translate {
    /// The root of `LibreTranslate`'s API; without it nothing is translated.
    pub url: Option<String>,
    /// The key for it, if it needs one.
    pub key: Option<Redacted<String>>,
}

/// Nodes of flows.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flows {
    /// Whether people may have webhooks called.
    pub webhooks: bool,
    /// Hosts that people's webhooks may be at although their addresses are not public.
    pub allow: Vec<Allow>,
    /// Directory of archived texts; without it none are.
    pub archive: Option<PathBuf>,
    /// The most bytes of one file there; beside it stands the one before.
    pub archive_bytes: u64,
    /// Flows of everybody.
    pub everybody: Vec<Redacted<String>>,
}

impl Default for Flows {
    fn default() -> Self {
        let (allow, everybody) = (Vec::new(), Vec::new());
        Self { webhooks: false, allow, archive: None, archive_bytes: 16 << 20, everybody }
    }
}

/// Sites that statuses are posted to.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Statuses {
    /// Whether to Mastodon.
    pub mastodon: bool,
    /// Whether to Bluesky.
    pub bluesky: bool,
    /// Time that a status must stay before it is posted.
    #[serde(deserialize_with = "text::duration")]
    pub wait: Duration,
}

/// Sites whose accounts can be followed.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Follow {
    /// Whether those at Mastodon.
    pub mastodon: bool,
    /// The root of the `AppView` that knows those at Bluesky; without it they cannot be.
    pub bluesky: Option<String>,
    /// Time between two times that the posts of one account are asked for.
    #[serde(deserialize_with = "text::duration")]
    pub every: Duration,
}

/// Posting of statuses to X.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct X {
    /// The root of X's API 2.
    #[serde(default = "X::usual")]
    pub url: String,
    /// The most posts in a month (UTC) of all the people here together.
    pub posts_a_month: u32,
}

impl X {
    fn usual() -> String {
        "https://api.x.com".to_owned()
    }
}

impl Default for Statuses {
    fn default() -> Self {
        Self { mastodon: false, bluesky: false, wait: Duration::from_secs(10) }
    }
}

impl Default for Follow {
    fn default() -> Self {
        Self { mastodon: false, bluesky: None, every: Duration::from_mins(3) }
    }
}

/// Sources of `/music`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Music {
    /// Last.fm's API 2.0.
    pub lastfm: String,
    /// The key of it; without one Last.fm is not asked.
    pub key: Option<Redacted<String>>,
    /// The root of the API of `ListenBrainz`; without it that is not asked.
    pub listenbrainz: Option<String>,
}

/// Source of `/location`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Location {
    /// Databases of cities by address, in `MaxMind`'s format. Held in memory.
    pub databases: Vec<PathBuf>,
    /// Words that name who made them, shown to people.
    pub credit: String,
}

impl Default for Location {
    fn default() -> Self {
        let credit = "IP geolocation by DB-IP, https://db-ip.com".to_owned();
        Self { databases: Vec::new(), credit }
    }
}

impl Default for Music {
    fn default() -> Self {
        let lastfm = "https://ws.audioscrobbler.com/2.0/".to_owned();
        Self { lastfm, key: None, listenbrainz: None }
    }
}

impl Services {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let Music { lastfm, listenbrainz, .. } = &self.music;
        let listenbrainz = listenbrainz.as_deref().map(|url| ("music.listenbrainz", url));
        let follow = self.follow.bluesky.as_deref().map(|url| ("follow.bluesky", url));
        let x = self.x.as_ref().map(|x| ("x.url", x.url.as_str()));
        let music = [("music.lastfm", lastfm.as_str())].into_iter().chain(listenbrainz);
        for (key, url) in music.chain(follow).chain(x) {
            if !is_web(url) {
                let what = "write an address that begins with https:// or http://";
                problems.push(Problem::new(format!("services.{key}"), what));
            }
        }
        if self.translate.url.as_deref().is_some_and(|url| !is_web(url)) {
            let what = "write an address that begins with https:// or http://";
            problems.push(Problem::new("services.translate.url", what));
        }
        for (at, flow) in self.flows.everybody.iter().enumerate() {
            if let Err(what) = crosstalk_services::check_flow(flow.expose()) {
                problems.push(Problem::new(format!("services.flows.everybody.{at}"), what));
            }
        }
        if self.follow.every < SHORTEST {
            let what = "so often no site answers: write 30s or more";
            problems.push(Problem::new("services.follow.every", what));
        }
    }
}

fn is_web(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    matches!(uri.scheme_str(), Some("https" | "http"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri.query().is_none()
}
