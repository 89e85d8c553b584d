//! Performs a play line by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Names, NetworkId};
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::grammar::{Part, Play};
use super::lines::{Does, Step};
use super::outcome::{LOOK_AGAIN, Outcome};
use super::person::{Person, SILENCE};
use super::script::{Spelling, act, address, network};
use crate::{Account, Act, Record, Route, Server, Web, by_id};

/// The shortest text that a log cannot hold by accident.
const TELLING: usize = 8;

/// Gateways between the clients and the servers.
pub trait Stage: Send + Sync {
    /// The names of the networks.
    fn names(&self) -> Arc<Names>;

    /// Route of a client to the server of `network` through `gateway`.
    fn way(&self, network: &str, gateway: &str) -> Route;

    /// Ends a gateway as a crash does.
    fn kill(&mut self, gateway: &str);

    /// Starts a killed gateway again, with the state that it had on disk.
    fn start<'a>(&'a mut self, gateway: &'a str) -> BoxFuture<'a, ()>;
}

/// Difference between a play and its performance.
#[derive(Debug, thiserror::Error)]
#[error("line {number}: {line}\n    but {seen}")]
pub struct Failure {
    /// Number of the line, from 1; 0 after the last.
    pub number: usize,
    /// The line.
    pub line: String,
    /// Events that were seen instead.
    pub seen: String,
}

/// A play with its base servers.
pub struct Performance<'a> {
    pub(super) play: &'a Play,
    servers: BTreeMap<String, Box<dyn Server>>,
    pub(super) people: BTreeMap<String, Person>,
    /// Texts to foreign people, with the speaker's network.
    crossed: Vec<(String, String)>,
    said: Vec<String>,
    /// Bytes that the clients of each network sent.
    sent: BTreeMap<String, Record>,
    pub(super) outcomes: Vec<Outcome>,
}

impl<'a> Performance<'a> {
    /// Starts a server for each network of the cast.
    pub async fn prepare(play: &'a Play) -> io::Result<Self> {
        let mut servers = BTreeMap::new();
        for (number, id) in (1..).zip(play.networks()) {
            let network = by_id(play.protocol(id));
            let network = network.ok_or_else(|| io::Error::other(format!("no mock of {id}")))?;
            let accounts: Vec<Account> =
                play.parts.iter().filter(|p| p.network == id).map(account).collect();
            // What is another of something else has an address that cannot be taken for it.
            let last = if play.protocol(id) == id { 1 } else { number };
            let server = network.serve(([127, 0, 0, last], 0).into(), &accounts).await?;
            servers.insert(id.to_owned(), server);
        }
        let (people, crossed, said, sent, outcomes) = Default::default();
        Ok(Self { play, servers, people, crossed, said, sent, outcomes })
    }

    /// Address of the server of a network.
    pub fn server(&self, network: &str) -> Option<SocketAddr> {
        self.servers.get(network).map(|server| server.addr())
    }

    /// Web server of a network, if it has one.
    pub fn web(&self, network: &str) -> Option<&Web> {
        self.servers.get(network)?.web()
    }

    /// Outcome of each chapter so far.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Strings that no log may hold: passwords, cookies, and texts.
    pub fn secrets(&self) -> Vec<String> {
        let passwords = self.play.parts.iter().map(|p| account(p).password.into_inner());
        let servers = self.servers.values().flat_map(|server| server.secrets());
        let said = self.said.iter().filter(|text| text.len() >= TELLING).cloned();
        passwords.chain(servers).chain(said).collect()
    }

    /// Performs the play.
    pub async fn run(&mut self, stage: &mut dyn Stage) -> Result<(), Failure> {
        for line in &self.play.lines {
            self.open_chapter(&line.chapter);
            match &line.step {
                Step::Kill { gateway } => stage.kill(gateway),
                Step::Start { gateway } => stage.start(gateway).await,
                Step::Untouched { network } => {
                    self.untouched(network, line.within).await.map_err(|seen| Failure {
                        number: line.number,
                        line: line.text.clone(),
                        seen,
                    })?;
                }
                Step::Pass(time) => tokio::time::sleep(*time).await,
                Step::Person { who, does } => {
                    let done = if line.instead.is_empty() {
                        self.step(stage, who, does, line.within).await
                    } else {
                        self.either(stage, line).await
                    };
                    let Err(mut seen) = done else { continue };
                    seen.push_str(&self.stories().await);
                    return Err(Failure { number: line.number, line: line.text.clone(), seen });
                }
            }
        }
        let failed = |seen| Failure { number: 0, line: "after the last line".into(), seen };
        self.curtain(&stage.names()).await.map_err(failed)
    }

    async fn step(
        &mut self,
        stage: &dyn Stage,
        who: &str,
        does: &Does,
        within: Duration,
    ) -> Result<(), String> {
        let part = self.play.part(who)?;
        if *does == Does::SignOn {
            return self.sign_on(part, stage).await;
        }
        let spelling = Spelling { play: self.play, names: stage.names(), of: part };
        let person = self.people.get_mut(who).ok_or("the person is not signed on")?;
        if let Some(act) = act(does, &spelling)? {
            self.said.extend(words(&act));
            if let Does::Say { to, .. } = does
                && spelling.is_foreign(to)
            {
                self.crossed.extend(words(&act).map(|text| (part.network.clone(), text)));
            }
            person.act(act).await;
        }
        match does {
            Does::SignOff => {
                person.watch(Instant::now() + within).await;
                person.nothing_unexpected()
            }
            Does::LoseConnection => {
                person.lose_connection();
                Ok(())
            }
            _ => person.sees(does, &spelling, within).await,
        }
    }

    /// Waits until the server of `network` has all that its clients have sent, and nothing else.
    async fn untouched(&self, network: &str, within: Duration) -> Result<(), String> {
        let server = self.servers.get(network).ok_or("there is no such network")?;
        let sent = self.sent.get(network).ok_or("nobody has signed on")?;
        let deadline = Instant::now() + within;
        while !server.record().equals(sent) {
            if Instant::now() >= deadline {
                return Err("the server got something else".into());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    async fn sign_on(&mut self, part: &Part, stage: &dyn Stage) -> Result<(), String> {
        let network = network(self.play, part)?;
        let sent = self.sent.entry(part.network.clone()).or_default();
        let way = Route::Kept(stage.way(&part.network, &part.gateway).into(), sent.clone());
        let client = network.sign_on(&account(part), &way).await.map_err(|e| e.to_string())?;
        let mut person = Person::new(client, stage.names());
        if let Some(before) = self.people.remove(&part.name) {
            person.seen = before.seen;
        }
        self.people.insert(part.name.clone(), person);
        Ok(())
    }

    /// Events that everybody has seen, for one who looks for the reason of a failure.
    async fn stories(&mut self) -> String {
        let mut stories = String::new();
        let deadline = Instant::now() + SILENCE;
        for (name, person) in &mut self.people {
            person.watch(deadline).await;
            let _ = write!(stories, "\n    {name}: {}", person.story());
        }
        stories
    }

    /// Checks that hold after every play.
    async fn curtain(&mut self, names: &Names) -> Result<(), String> {
        let deadline = Instant::now() + SILENCE;
        for (name, person) in &mut self.people {
            person.watch(deadline).await;
            person.nothing_unexpected().map_err(|heard| format!("{name} {heard}"))?;
        }
        for (network, server) in &self.servers {
            let forbidden = self.forbidden(network, names)?;
            if let Some(leak) = forbidden.iter().find(|text| server.record().contains(text)) {
                return Err(format!("the server of {network} received {leak:?}"));
            }
        }
        Ok(())
    }

    /// Strings that the server of `network` must not receive: foreign names however they are
    /// spelled, and texts to foreign people.
    fn forbidden(&self, network: &str, names: &Names) -> Result<Vec<String>, String> {
        let gateway = NetworkId::gateway();
        let domains = names.networks().chain([&gateway]);
        // Without the `@`, since some protocols name domains by themselves.
        let mut forbidden: Vec<_> = domains.map(|n| format!("{n}.{}", names.suffix())).collect();
        for part in self.play.parts.iter().filter(|part| part.network != network) {
            forbidden.push(address(self.play, names, part)?.to_string());
        }
        let crossed = self.crossed.iter().filter(|(from, _)| from == network);
        forbidden.extend(crossed.map(|(_, text)| text.clone()).filter(|t| t.len() >= TELLING));
        Ok(forbidden)
    }
}

/// The account behind a part.
fn account(part: &Part) -> Account {
    Account::new(&part.account, format!("the password of {}", part.account))
}

/// Words that an act has a person say, if any.
fn words(act: &Act) -> impl Iterator<Item = String> + use<> {
    let words = match act {
        Act::Say { text, .. } => Some(text.text().to_owned()),
        Act::Away(text) => Some(text.clone()),
        _ => None,
    };
    words.into_iter()
}
