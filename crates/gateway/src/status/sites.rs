//! Sites outside, as an operator allows them, and requests to them.

use std::path::PathBuf;
use std::time::Duration;

use crosstalk_core::{Address, Redacted};
use crosstalk_services::status::{
    LineOfLink, Link, Outcome, Reply, Site, StatusOffers, Task, Then, words,
};
use crosstalk_services::{Request, Trouble};
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use super::budget::Budget;
use super::key::Key;
use crate::config::Config;
use crate::http_client::Http;
use crate::tls;

/// The most requests for people's own accounts at once, and those for accounts that are followed:
/// each holds [some memory](crate::http_client::MAX_BODY).
const AT_ONCE: usize = 16;
const POLLS: usize = 8;

/// Reason why sites cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key of tokens cannot be used.
    #[error("{0}: the key for people's tokens cannot be used: {1}")]
    Key(PathBuf, String),
    /// The posts of a month cannot be counted.
    #[error("{0}: the posts to X cannot be counted: {1}")]
    Budget(PathBuf, std::io::Error),
    /// The roots of TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
}

/// Sites outside, as an operator allows them.
pub(crate) struct Sites {
    pub(super) offers: StatusOffers,
    http: Option<Http>,
    key: Option<Key>,
    budget: Option<Budget>,
    /// Time that a status must stay before it is posted.
    pub(super) wait: Duration,
    /// Time between two times that an account is asked for.
    pub(super) every: Duration,
    turns: Semaphore,
    polls: Semaphore,
}

impl Sites {
    /// The sites that `config` allows. Where statuses are posted the key is read or made.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let services = &config.services;
        let offers = StatusOffers {
            mastodon: services.status.mastodon,
            bluesky: services.status.bluesky,
            x: services.x.as_ref().map(|x| x.url.clone()),
            follow_mastodon: services.follow.mastodon,
            follow_bluesky: services.follow.bluesky.clone(),
        };
        let is_used = offers.posts() || offers.follows();
        let client = || tls::client_of(&config.tls);
        let http = is_used.then(client).transpose()?;
        let http = http.map(|tls| Http::new(services.allow.clone(), tls));
        let own = config.data.join("services.key");
        let path = services.key_file.as_ref().unwrap_or(&own);
        let key = offers.posts().then(|| Key::read(path, services.key_file.is_none()));
        let key = key.transpose().map_err(|error| Error::Key(path.clone(), error))?;
        let file = config.data.join("x-posts");
        let open = |posts| {
            let opened = Budget::open(file.clone(), posts, OffsetDateTime::now_utc());
            opened.map_err(|error| Error::Budget(file.clone(), error))
        };
        let budget = services.x.as_ref().map(|x| open(x.posts_a_month)).transpose()?;
        let (wait, every) = (services.status.wait, services.follow.every);
        let (turns, polls) = (Semaphore::new(AT_ONCE), Semaphore::new(POLLS));
        Ok(Self { offers, http, key, budget, wait, every, turns, polls })
    }

    /// No sites.
    pub(crate) fn none() -> Self {
        let (turns, polls) = (Semaphore::new(AT_ONCE), Semaphore::new(POLLS));
        let (wait, every) = (Duration::from_secs(10), Duration::from_mins(3));
        let offers = StatusOffers::default();
        Self { offers, http: None, key: None, budget: None, wait, every, turns, polls }
    }

    /// The sites that people may use.
    pub(crate) const fn offers(&self) -> &StatusOffers {
        &self.offers
    }

    /// The token of an account, if it can be read here.
    pub(super) fn open(
        &self,
        user: &Address,
        site: &Site,
        link: &LineOfLink,
    ) -> Option<Redacted<String>> {
        if !site.is_offered(&self.offers) {
            return None;
        }
        self.key.as_ref()?.open(user, &bound(site, &link.account), &link.sealed)
    }

    pub(super) fn seal(&self, user: &Address, link: &Link) -> Option<String> {
        let sealed = self.key.as_ref()?.seal(user, &bound(link.site, &link.account), &link.token);
        Some(link.site.line(&LineOfLink { account: link.account.clone(), sealed }))
    }

    /// Posts, within what the operator pays for.
    pub(super) async fn post(&self, link: &Link, task: &Task) -> Outcome {
        let Some(budget) = self.budget.as_ref().filter(|_| link.site.is_paid_for()) else {
            return self.work(link, task).await;
        };
        // A file of a few bytes: shorter than the way to another thread.
        let month = match budget.take(OffsetDateTime::now_utc()) {
            Ok(Some(month)) => month,
            Ok(None) => return Outcome::Rejected(words::month_is_full()),
            Err(error) => {
                tracing::error!(%error, "cannot count the posts of the month");
                return Outcome::Rejected(words::not_counted());
            }
        };
        let (outcome, is_lost) = self.attempt(link, task).await;
        if (is_lost || matches!(outcome, Outcome::Refused(_) | Outcome::Rejected(_)))
            && let Err(error) = budget.give_back(month)
        {
            tracing::warn!(%error, "a post that was not taken counts");
        }
        outcome
    }

    /// Does something at a site.
    pub(super) async fn work(&self, link: &Link, task: &Task) -> Outcome {
        self.attempt(link, task).await.0
    }

    /// The same; says also whether the site has certainly not done it.
    async fn attempt(&self, link: &Link, task: &Task) -> (Outcome, bool) {
        let (request, then) = link.site.begin(link, task, &self.offers);
        let mut reply = self.send(request).await;
        let outcome = match then {
            Then::Read(read) => read(link, task, &reply),
            Then::GoOn(go_on) => match go_on(link, task, &reply) {
                Ok((request, read)) => {
                    reply = self.send(request).await;
                    read(link, task, &reply)
                }
                Err(outcome) => outcome,
            },
        };
        (outcome, is_lost(&reply))
    }

    async fn send(&self, request: Request) -> Reply {
        let _turn = self.turns.try_acquire().map_err(|_| Trouble::Busy)?;
        self.http.as_ref().ok_or(Trouble::Unreachable)?.send(request).await
    }

    /// Asks something for which nobody waits: in its turn.
    pub(super) async fn poll(&self, request: Request) -> Reply {
        let _turn = self.polls.acquire().await.map_err(|_| Trouble::Busy)?;
        self.http.as_ref().ok_or(Trouble::Unreachable)?.send(request).await
    }
}

/// Whether a site has not taken what it gave this reply to: it was never reached, or wants to be
/// asked later.
const fn is_lost(reply: &Reply) -> bool {
    matches!(reply, Err(Trouble::Busy | Trouble::Unreachable) | Ok((429, _)))
}

/// What a token is bound to besides its owner.
fn bound(site: &Site, account: &str) -> String {
    format!("{}\n{account}", site.name)
}
