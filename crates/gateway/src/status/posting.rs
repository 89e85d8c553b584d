//! Posting of one person's statuses to one site: when, how often, and what the person is told.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crosstalk_core::{Address, UnixMillis};
use crosstalk_router::{Change, Outward};
use crosstalk_services::Speech;
use crosstalk_services::status::{LineOfLink, Link, Outcome, Posted, Site, Task, words};
use ring::digest::{SHA256, digest};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{Outside, RATE_PAUSE, hex};

/// Pauses between tries, by the time that a status must stay: 10 s, 1 min and 5 min usually.
const PAUSES: [u32; 3] = [1, 6, 30];

/// The task of one person at one site.
pub(super) struct Poster {
    user: Address,
    site: &'static Site,
    outside: Arc<Outside>,
    seen: watch::Receiver<Arc<Outward>>,
    state: State,
}

/// Memory of the task.
#[derive(Default)]
struct State {
    /// The account that all else is about.
    link: Option<LineOfLink>,
    /// Posted, and perhaps not in the settings yet.
    last: Option<Posted>,
    /// Digest of the text about which nothing is left to do, until another comes.
    done_with: Option<String>,
    trying: Option<Attempt>,
    /// The person was told that the token cannot be read here.
    has_complained: bool,
}

/// A text that is to be posted.
struct Attempt {
    text: String,
    /// The same for each try: the site knows by it what it has.
    key: String,
    at: UnixMillis,
    tries: usize,
    next: Instant,
}

/// What comes after a look at the state of things.
enum Next {
    /// There is nothing to do until it changes.
    Wait,
    /// It has changed.
    Look,
    /// The person is gone.
    End,
}

impl Poster {
    pub(super) fn new(
        user: Address,
        site: &'static Site,
        outside: Arc<Outside>,
        seen: watch::Receiver<Arc<Outward>>,
    ) -> Self {
        Self { user, site, outside, seen, state: State::default() }
    }

    /// Posts until the person signs off.
    pub(super) async fn run(mut self) {
        loop {
            match self.look().await {
                Next::Look => {}
                Next::Wait if self.seen.changed().await.is_ok() => {}
                Next::Wait | Next::End => return,
            }
        }
    }

    async fn look(&mut self) -> Next {
        let now = self.seen.borrow_and_update().clone();
        let Some(link) = self.site.link_in(&now.settings) else {
            self.state = State::default();
            return Next::Wait;
        };
        if self.state.link.as_ref() != Some(&link) {
            self.state = State { link: Some(link.clone()), ..State::default() };
        }
        let stored = self.site.posted_in(&now.settings);
        if stored == self.state.last {
            self.state.last = None;
        }
        let Some(last) = self.state.last.clone().or(stored) else {
            // What stands there when posting is turned on was meant for others.
            let text = digest_of(status_of(&now));
            self.note(&link, Posted { text, key: random_key() }).await;
            return Next::Wait;
        };
        let status = status_of(&now);
        if status.is_empty() {
            self.state.trying = None;
            return Next::Wait;
        }
        let text = digest_of(status);
        if last.text == text || self.state.done_with.as_ref() == Some(&text) {
            self.state.trying = None;
            self.state.done_with = Some(text);
            return Next::Wait;
        }
        if self.state.trying.as_ref().is_none_or(|attempt| attempt.text != text) {
            self.state.trying = None;
            if let Some(next) = self.pause(self.outside.sites.wait).await {
                return next;
            }
            while !self.outside.rates.take(&self.user, self.site.name) {
                if let Some(next) = self.pause(RATE_PAUSE).await {
                    return next;
                }
            }
            let key =
                key_of(&[&self.user.to_string(), self.site.name, &link.account, &last.key, status]);
            let at = UnixMillis::from(SystemTime::now());
            let next = Instant::now();
            self.state.trying = Some(Attempt { text, key, at, tries: 0, next });
        }
        self.try_to_post(&link, status).await
    }

    /// Tries until it is posted or given up. A request that is under way is never given up: the
    /// site may have taken it.
    async fn try_to_post(&mut self, link: &LineOfLink, status: &str) -> Next {
        loop {
            let Some(attempt) = &self.state.trying else { return Next::Wait };
            let early = attempt.next.saturating_duration_since(Instant::now());
            if !early.is_zero()
                && let Some(next) = self.pause(early).await
            {
                return next;
            }
            let Some(attempt) = &self.state.trying else { return Next::Wait };
            let Some(token) = self.outside.sites.open(&self.user, self.site, link) else {
                return self.cannot_open(link).await;
            };
            let opened = Link { site: self.site, account: link.account.clone(), token };
            let (key, at) = (attempt.key.clone(), attempt.at);
            let task = Task::Post { text: status.to_owned().into(), key, at };
            match self.outside.sites.post(&opened, &task).await {
                Outcome::Done(_) => return self.posted(link).await,
                Outcome::Refused(why) => return self.refused(link, &why).await,
                Outcome::Again(why) => {
                    if let Some(why) = self.try_later(why) {
                        return self.give_up(link, &why).await;
                    }
                }
                Outcome::Rejected(why) => return self.give_up(link, &why).await,
            }
        }
    }

    /// Has the text tried again later; gives the reason back where that was often enough.
    fn try_later(&mut self, why: Speech) -> Option<Speech> {
        let Some(attempt) = &mut self.state.trying else { return Some(why) };
        let Some(times) = PAUSES.get(attempt.tries) else { return Some(why) };
        attempt.tries += 1;
        attempt.next = Instant::now() + self.outside.sites.wait * *times;
        None
    }

    async fn posted(&mut self, link: &LineOfLink) -> Next {
        if let Some(Attempt { text, key, .. }) = self.state.trying.take() {
            self.state.done_with = Some(text.clone());
            self.note(link, Posted { text, key }).await;
        }
        Next::Wait
    }

    /// Notes what was posted last, as long as the account is set.
    async fn note(&mut self, link: &LineOfLink, posted: Posted) {
        let change = Change {
            only_with: Some(self.site.line(link)),
            without: vec![self.site.of_posted()],
            with: vec![self.site.line_of_posted(&posted)],
            ..Change::default()
        };
        self.state.last = Some(posted);
        self.outside.tell(&self.user, change).await;
    }

    async fn refused(&mut self, link: &LineOfLink, why: &Speech) -> Next {
        self.drop_text();
        let change = Change {
            only_with: Some(self.site.line(link)),
            without: vec![self.site.of_link(), self.site.of_posted()],
            say: vec![words::turned_off(self.site, why).into()],
            ..Change::default()
        };
        self.outside.tell(&self.user, change).await;
        Next::Wait
    }

    async fn give_up(&mut self, link: &LineOfLink, why: &Speech) -> Next {
        self.drop_text();
        self.say(link, words::not_posted(self.site, why)).await
    }

    async fn cannot_open(&mut self, link: &LineOfLink) -> Next {
        self.drop_text();
        if std::mem::replace(&mut self.state.has_complained, true) {
            return Next::Wait;
        }
        self.say(link, words::sealed_elsewhere(self.site)).await
    }

    async fn say(&self, link: &LineOfLink, words: Speech) -> Next {
        let only_with = Some(self.site.line(link));
        let change = Change { only_with, say: vec![words.into()], ..Change::default() };
        self.outside.tell(&self.user, change).await;
        Next::Wait
    }

    fn drop_text(&mut self) {
        self.state.done_with = self.state.trying.take().map(|attempt| attempt.text);
    }

    /// Waits for a time; less where something changes, and then says what comes next.
    async fn pause(&mut self, time: Duration) -> Option<Next> {
        tokio::select! {
            () = sleep(time) => None,
            changed = self.seen.changed() => {
                Some(if changed.is_ok() { Next::Look } else { Next::End })
            }
        }
    }
}

/// The status that everybody sees; empty where there is none.
fn status_of(outward: &Outward) -> &str {
    outward.status.as_ref().map_or("", |status| status.expose().trim())
}

/// A digest by which a text is known again.
fn digest_of(text: &str) -> String {
    hex(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}

/// Name of a post: by the one before it the same text has another name the next time.
fn key_of(parts: &[&str]) -> String {
    hex(&digest(&SHA256, parts.join("\n").as_bytes()).as_ref()[..16])
}

fn random_key() -> String {
    hex(&rand::random::<[u8; 16]>())
}
