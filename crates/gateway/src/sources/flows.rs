//! Nodes of flows that are called by HTTP, each within a deadline, and all of a text within another.
//!
//! What fails several times in a row is left alone for a while, so that not every text waits for it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crosstalk_core::{Address, Envelope, UnixMillis};
use crosstalk_services::{Call, Outcome, Record, Run, Trouble};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::archives::Archives;
use super::{Error, Sources};
use crate::config::{self, Config};
use crate::http_client::{Http, Response};
use crate::tls;

/// Longest time for one call of a node, and for all of a text; an account waits a little longer.
const NODE: Duration = Duration::from_secs(2);
const WHOLE: Duration = Duration::from_millis(3800);
/// The most calls at once, of each kind: each holds [some memory](crate::http_client::MAX_BODY).
const AT_ONCE: usize = 64;
/// After so many failures in a row nothing is asked of an address for so long.
const FAILURES: u8 = 2;
const REST: Duration = Duration::from_secs(20);
/// The most addresses of which failures are remembered.
const MAX_FAILING: usize = 4096;

/// State of the nodes of all people.
pub(super) struct Flows {
    /// Client for addresses that people choose.
    people: Option<Http>,
    /// Calls of operators' programs, and apart from them those of people's: who has a slow one takes
    /// nothing from a translator.
    turns: [Semaphore; 2],
    /// By whose choice the address was called: who names an address of the operator's in vain keeps
    /// nobody from it.
    failing: Mutex<HashMap<(bool, String), Failing>>,
    archives: Option<Archives>,
}

/// An address that failed lately.
struct Failing {
    times: u8,
    why: Trouble,
    last: Instant,
}

impl Flows {
    /// The nodes that `config` allows.
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let config::Flows { webhooks, allow, archive, archive_bytes, .. } = &config.services.flows;
        let client = || Ok::<_, Error>(Http::new(allow.clone(), tls::client_of(&config.tls)?));
        let people = webhooks.then(client).transpose()?;
        let archives = archive.as_ref().map(|dir| Archives::open(dir, *archive_bytes));
        let archives = archives.transpose()?;
        Ok(Self { people, archives, ..Self::none() })
    }

    /// No nodes.
    pub(super) fn none() -> Self {
        let (turns, failing) = ([(); 2].map(|()| Semaphore::new(AT_ONCE)), Mutex::default());
        Self { people: None, turns, failing, archives: None }
    }

    /// The failure of an address that is left alone for now.
    fn rests(&self, called: &(bool, String)) -> Option<Trouble> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let found = failing.get(called)?;
        (found.times >= FAILURES && found.last.elapsed() < REST).then_some(found.why)
    }

    /// Remembers what came of a call.
    fn note(&self, called: (bool, String), failed: Option<Trouble>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        // That a program answers, if with nonsense, costs nobody a deadline.
        let is_none = |why: &Trouble| !matches!(why, Trouble::TooLarge | Trouble::Busy);
        let failed = failed.filter(is_none);
        let Some(why) = failed else {
            failing.remove(&called);
            return;
        };
        if failing.len() >= MAX_FAILING {
            failing.retain(|_, failing| failing.last.elapsed() < REST);
        }
        if failing.len() < MAX_FAILING || failing.contains_key(&called) {
            let last = Instant::now();
            let found = failing.entry(called).or_insert(Failing { times: 0, why, last });
            *found = Failing { times: found.times.saturating_add(1), why, last };
        }
    }
}

impl Sources {
    /// Has a text run through the nodes of `lines`. Takes less than four seconds.
    pub async fn run(&self, envelope: Envelope, lines: &[String]) -> Outcome {
        let begun = Instant::now();
        let mut run = Run::new(envelope, lines);
        while let Some(call) = run.next_call(&self.offers, UnixMillis::from(SystemTime::now())) {
            let left = WHOLE.saturating_sub(begun.elapsed()).min(NODE);
            run.returned(self.call(call, left).await);
        }
        run.end()
    }

    /// Writes a text to the archive of `owner`, where there is one. Does not wait for it.
    pub fn archive(&self, owner: &Address, record: Record) {
        if let Some(archives) = &self.flows.archives {
            archives.write(owner, record);
        }
    }

    /// Removes the archive of `owner`. Returns whether nothing is left of it.
    pub async fn forget(&self, owner: &Address) -> bool {
        match &self.flows.archives {
            Some(archives) => archives.forget(owner).await,
            None => true,
        }
    }

    async fn call(
        &self,
        Call { request, is_persons }: Call,
        left: Duration,
    ) -> Result<Response, Trouble> {
        let http = if is_persons { &self.flows.people } else { &self.http };
        let http = http.as_ref().ok_or(Trouble::Unreachable)?;
        let called = (is_persons, request.url.0.clone());
        if let Some(why) = self.flows.rests(&called) {
            return Err(why);
        }
        if left.is_zero() {
            return Err(Trouble::Timeout);
        }
        let turns = &self.flows.turns[usize::from(is_persons)];
        let _turn = turns.try_acquire().map_err(|_| Trouble::Busy)?;
        let response = timeout(left, http.send(request)).await.unwrap_or(Err(Trouble::Timeout));
        // One that had less time than others has not failed.
        if left == NODE || response != Err(Trouble::Timeout) {
            self.flows.note(called, response.as_ref().err().copied());
        }
        response
    }
}
