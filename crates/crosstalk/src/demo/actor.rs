//! A person of the story: a scripted client that must see certain things.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crosstalk_core::{Address, NameClass, Names, NetworkId};
use crosstalk_mock::xmpp::unescape;
use crosstalk_mock::{Account, Act, Client, Event, Network, Route, SignOnError};
use tokio::time::timeout;

/// Longest time for any step before the story has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Event that a person should have seen and did not.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Miss {
    /// The client is not signed on.
    #[error("{who} could not sign on: {why}")]
    SignOn {
        /// The person.
        who: String,
        /// Reason of the failure.
        why: SignOnError,
    },
    /// The event did not come, or not in time.
    #[error("{who} should have seen {what} within {} s, and did not{}", PATIENCE.as_secs(), instead(.seen))]
    Unseen {
        /// The person.
        who: String,
        /// The event that was expected.
        what: String,
        /// Events that came instead.
        seen: Vec<Event>,
    },
    /// Something that must not have happened.
    #[error("{0}")]
    Wrong(String),
}

fn instead(seen: &[Event]) -> String {
    if seen.is_empty() { String::new() } else { format!("; there was only {seen:?}") }
}

/// A person with a client that is signed on.
pub(crate) struct Actor {
    /// Name of the person in the story.
    pub(crate) name: &'static str,
    /// The person's address.
    pub(crate) address: Address,
    network: &'static dyn Network,
    names: Arc<Names>,
    client: Client,
    unseen: VecDeque<Event>,
}

impl Actor {
    /// Signs `account` on to `network`.
    pub(crate) async fn sign_on(
        name: &'static str,
        address: Address,
        network: &'static dyn Network,
        names: Arc<Names>,
        account: &Account,
        way: &Route,
    ) -> Result<Self, Miss> {
        let refused = |why| Miss::SignOn { who: name.into(), why };
        let client = network.sign_on(account, way).await.map_err(refused)?;
        Ok(Self { name, address, network, names, client, unseen: VecDeque::new() })
    }

    /// Spelling of `other` in this person's client.
    pub(crate) fn spells(&self, other: &Address) -> String {
        if other.network() == self.address.network() {
            other.local().into()
        } else {
            self.network.spell(&self.names, other)
        }
    }

    /// Names in the person's client, for reading spellings.
    pub(crate) fn reader(&self) -> Reader {
        Reader { names: Arc::clone(&self.names), own: self.address.network().clone() }
    }

    /// The next thing the client shows; `None` once it is signed off.
    pub(crate) async fn next_event(&mut self) -> Option<Event> {
        match self.unseen.pop_front() {
            Some(event) => Some(event),
            None => self.client.next_event().await,
        }
    }

    /// Forgets what the client has shown so far, so that only what comes now is seen.
    pub(crate) async fn looks_up(&mut self) {
        self.unseen.clear();
        while let Ok(Some(_)) = timeout(Duration::ZERO, self.client.next_event()).await {}
    }

    /// Performs an act.
    pub(crate) async fn does(&self, act: Act) {
        self.client.act(act).await;
    }

    /// Waits until the client showed `what`; what else it shows is kept for later.
    pub(crate) async fn sees<T>(
        &mut self,
        what: impl fmt::Display,
        mut wanted: impl FnMut(&Event) -> Option<T>,
    ) -> Result<T, Miss> {
        let kept = self.unseen.iter().enumerate().find_map(|(i, e)| Some((i, wanted(e)?)));
        if let Some((i, found)) = kept {
            self.unseen.remove(i);
            return Ok(found);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, self.client.next_event()).await {
                Ok(Some(event)) => match wanted(&event) {
                    Some(found) => return Ok(found),
                    None => self.unseen.push_back(event),
                },
                Ok(None) | Err(_) => return Err(self.missed(what)),
            }
        }
    }

    fn missed(&mut self, what: impl fmt::Display) -> Miss {
        let seen = self.unseen.drain(..).collect();
        Miss::Unseen { who: self.name.into(), what: what.to_string(), seen }
    }
}

/// Names as one person's client spells them.
#[derive(Clone)]
pub(crate) struct Reader {
    names: Arc<Names>,
    own: NetworkId,
}

impl Reader {
    /// Whether `name`, as the person's client shows it, means `address`.
    pub(crate) fn means(&self, name: &str, address: &Address) -> bool {
        let own = || self.names.address(name, &self.own).ok();
        match self.names.classify(&unescape(name)) {
            NameClass::Foreign(foreign) => foreign == *address,
            NameClass::Own => own().is_some_and(|own| own == *address),
            NameClass::Nowhere => false,
        }
    }
}
