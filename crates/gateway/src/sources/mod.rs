//! Sources outside, from which services of people are answered.
//!
//! What a service wants looked up is the service's to say ([`crosstalk_services::Step`]); here it is
//! looked up, each within a deadline, so many at a time and within bounds of memory. Nothing else
//! waits for it.

mod archives;
mod flows;
mod places;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crosstalk_core::{Question, RichText};
use crosstalk_services::{
    self as services, Endpoint, FlowOffers, Found, Offers, Request, Step, Translator, Trouble,
};
use tokio::sync::Semaphore;

use crate::config::{Config, Services};
use crate::http_client::{Http, Response};
use crate::status::{self, Sites};
use crate::tls;
pub use archives::forget_archived;
use flows::Flows;
use places::Places;

/// The most look-ups at once: each holds [some memory](crate::http_client::MAX_BODY).
const AT_ONCE: usize = 32;

/// Reason why sources cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database of places is none.
    #[error("{0}: not a database of places: {1}")]
    Places(PathBuf, String),
    /// The directory of archives cannot be used.
    #[error("{0}: texts cannot be archived there: {1}")]
    Archive(PathBuf, io::Error),
    /// Sites cannot be used.
    #[error(transparent)]
    Status(#[from] status::Error),
    /// The roots of TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
}

/// Sources outside, as an operator allows them.
pub struct Sources {
    offers: Offers,
    http: Option<Http>,
    places: Option<Places>,
    sites: Arc<Sites>,
    turns: Semaphore,
    flows: Flows,
}

impl Sources {
    /// The sources that `config` names. The databases of places are read into memory.
    pub fn new(config: &Config) -> Result<Arc<Self>, Error> {
        let Services { allow, music, location, translate, flows, .. } = &config.services;
        let places = Places::open(&location.databases)?;
        let key = music.key.as_ref();
        let lastfm = key.map(|key| Endpoint { url: music.lastfm.clone(), key: key.clone() });
        let listenbrainz = music.listenbrainz.clone();
        let translator =
            translate.url.clone().map(|url| Translator { url, key: translate.key.clone() });
        let calls = [lastfm.is_some(), listenbrainz.is_some(), translator.is_some()];
        let http = if calls.contains(&true) || !flows.everybody.is_empty() {
            Some(Http::new(allow.clone(), tls::client_of(&config.tls)?))
        } else {
            None
        };
        let credit = places.as_ref().map(|_| location.credit.clone());
        let nodes = FlowOffers {
            translator,
            secrets: flows.webhooks.then_some(rand::random),
            has_archive: flows.archive.is_some(),
            everybody: flows.everybody.clone(),
        };
        let sites = Arc::new(Sites::new(config)?);
        let status = sites.offers().clone();
        let offers = Offers { lastfm, listenbrainz, locations: credit, flows: nodes, status };
        let (turns, flows) = (Semaphore::new(AT_ONCE), Flows::new(config)?);
        Ok(Arc::new(Self { offers, http, places, sites, turns, flows }))
    }

    /// No sources.
    pub(crate) fn none() -> Arc<Self> {
        let (http, places, turns) = (None, None, Semaphore::new(AT_ONCE));
        let (sites, flows) = (Arc::new(Sites::none()), Flows::none());
        Arc::new(Self { offers: Offers::default(), http, places, sites, turns, flows })
    }

    /// Sources that services may use.
    pub(crate) const fn offers(&self) -> &Offers {
        &self.offers
    }

    /// Sites outside that statuses go to, and posts come from.
    pub(crate) fn sites(&self) -> Arc<Sites> {
        Arc::clone(&self.sites)
    }

    /// The answer to a question about a person who has set `value`, and whose client connects from
    /// `client`. Takes seconds at most.
    pub async fn answer(
        &self,
        question: &Question,
        value: &str,
        client: Option<IpAddr>,
    ) -> RichText {
        let found = match services::begin(question, value, &self.offers) {
            Step::Say(said) => return said.into(),
            Step::Get(url) => match self.send(Request::get(url)).await {
                Ok((status, body)) => Found::Response { status, body },
                Err(why) => Found::Nothing(why),
            },
            Step::Locate => match (&self.places, client) {
                (Some(places), Some(client)) => places.of(client),
                _ => Found::Unknown,
            },
        };
        services::finish(question, value, found).into()
    }

    async fn send(&self, request: Request) -> Result<Response, Trouble> {
        // Who must wait for a turn is told so at once: a wait of many is no answer in time.
        let _turn = self.turns.try_acquire().map_err(|_| Trouble::Busy)?;
        self.http.as_ref().ok_or(Trouble::Unreachable)?.send(request).await
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("offers", &self.offers).finish_non_exhaustive()
    }
}
