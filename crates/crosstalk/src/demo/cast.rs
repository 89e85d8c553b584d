//! The four people, and how each reaches the own server.

use std::sync::Arc;
use std::time::Instant;

use crosstalk_mock::{Account, Way, by_id};

use super::actor::{Actor, Miss};
use super::stage::Stage;
use super::tell::Teller;

/// The password of everybody in the demo.
pub(crate) const PASSWORD: &str = "demo";

/// An account on both networks that nobody in the story uses.
pub(crate) const GUEST: &str = "guest";

/// A part in the story.
pub(crate) struct Part {
    /// How the story calls the person.
    name: &'static str,
    /// The account's name.
    pub(crate) account: &'static str,
    /// The network it is on.
    pub(crate) network: &'static str,
    /// Whether the client uses the gateway as a proxy, or takes it for its server.
    by_proxy: bool,
}

/// Who plays.
pub(crate) const PARTS: [Part; 4] = [
    Part { name: "Alice", account: "alice", network: "aol", by_proxy: true },
    Part { name: "Carol", account: "carol", network: "aol", by_proxy: false },
    Part { name: "Bob", account: "bob", network: "jabber", by_proxy: true },
    Part { name: "Dave", account: "dave", network: "jabber", by_proxy: false },
];

/// Everybody, signed on.
pub(crate) struct Cast {
    pub(crate) alice: Actor,
    pub(crate) carol: Actor,
    pub(crate) bob: Actor,
    pub(crate) dave: Actor,
}

impl Cast {
    /// Signs everybody on.
    pub(crate) async fn gather(tell: Teller, stage: &Stage) -> Result<Self, Miss> {
        let [alice, carol, bob, dave] = &PARTS;
        Ok(Self {
            alice: alice.enter(tell, stage).await?,
            carol: carol.enter(tell, stage).await?,
            bob: bob.enter(tell, stage).await?,
            dave: dave.enter(tell, stage).await?,
        })
    }

    /// All four.
    pub(crate) fn everybody(&self) -> [&Actor; 4] {
        [&self.alice, &self.carol, &self.bob, &self.dave]
    }
}

impl Part {
    /// Signs the person on and says so.
    pub(crate) async fn enter(&self, tell: Teller, stage: &Stage) -> Result<Actor, Miss> {
        let begun = Instant::now();
        let actor = self.sign_on(stage).await?;
        let way = if self.by_proxy { "through the proxy" } else { "gateway as server" };
        let what = format!("signs on as {}, {way}", actor.address);
        tell.step(self.name, what, Some(begun.elapsed()));
        Ok(actor)
    }

    async fn sign_on(&self, stage: &Stage) -> Result<Actor, Miss> {
        let wrong = |what: String| Miss::Wrong(format!("{}: {what}", self.name));
        let network = by_id(self.network).ok_or_else(|| wrong("no such network".into()))?;
        let side = stage.side(self.network);
        let local = network.local(self.account);
        let address =
            stage.names().address(&local, &side.network).map_err(|e| wrong(e.to_string()))?;
        let way = if self.by_proxy {
            Way::Socks5 { proxy: side.proxy, server: side.server.clone() }
        } else {
            Way::Direct(side.direct)
        };
        let account = Account::new(self.account, PASSWORD);
        Actor::sign_on(self.name, address, network, Arc::clone(stage.names()), &account, &way).await
    }
}
