//! The eight people, and how each reaches their own server.

use std::sync::Arc;
use std::time::Instant;

use crosstalk_mock::Account;

use super::actor::{Actor, Miss};
use super::stage::{At, Base, Stage};
use super::tell::Teller;

/// The password of everybody in the demo.
pub(crate) const PASSWORD: &str = "demo";

/// An account on every network that nobody in the story uses.
pub(crate) const GUEST: &str = "guest";

/// A part in the story.
pub(crate) struct Part {
    /// Name of the person in the story.
    name: &'static str,
    /// The account's name.
    pub(crate) account: &'static str,
}

/// People at the left gateway, in the order of the stage's networks.
pub(crate) const LEFT: [Part; 4] = [
    Part { name: "Alice", account: "alice" },
    Part { name: "Mary", account: "mary" },
    Part { name: "Yolanda", account: "yolanda" },
    Part { name: "Dave", account: "dave" },
];

/// People at the right gateway.
pub(crate) const RIGHT: [Part; 4] = [
    Part { name: "Carol", account: "carol" },
    Part { name: "Mike", account: "mike" },
    Part { name: "Yusuf", account: "yusuf" },
    Part { name: "Bob", account: "bob" },
];

/// Everybody, signed on, in the order of the stage's networks.
pub(crate) struct Cast {
    pub(crate) left: [Actor; 4],
    pub(crate) right: [Actor; 4],
}

impl Cast {
    /// Signs everybody on.
    pub(crate) async fn gather(tell: Teller, stage: &Stage) -> Result<Self, Miss> {
        let mut sides = Vec::new();
        for (parts, at) in [(LEFT, At::Left), (RIGHT, At::Right)] {
            let mut side = Vec::new();
            for (part, base) in parts.iter().zip(stage.bases()) {
                side.push(part.enter(tell, stage, base, &at).await?);
            }
            let all = side.try_into();
            sides.push(all.map_err(|_| Miss::Wrong("a network has nobody".into()))?);
        }
        let sides: Result<[[Actor; 4]; 2], _> = sides.try_into();
        let [left, right] = sides.map_err(|_| Miss::Wrong("a gateway has nobody".into()))?;
        Ok(Self { left, right })
    }

    /// All of them.
    pub(crate) fn everybody(self) -> impl Iterator<Item = Actor> {
        self.left.into_iter().chain(self.right)
    }
}

impl Part {
    /// Signs the person on and says so.
    pub(crate) async fn enter(
        &self,
        tell: Teller,
        stage: &Stage,
        base: &Base,
        at: &At,
    ) -> Result<Actor, Miss> {
        let begun = Instant::now();
        let wrong = |what: String| Miss::Wrong(format!("{}: {what}", self.name));
        let names = stage.names();
        let local = base.network.local(self.account);
        let address = names.address(&local, &base.id).map_err(|e| wrong(e.to_string()))?;
        let way = stage.way(at, base).ok_or_else(|| wrong("there is no way in".into()))?;
        let account = Account::new(self.account, PASSWORD);
        let actor =
            Actor::sign_on(self.name, address, base.network, Arc::clone(names), &account, &way)
                .await?;
        let way = match at {
            At::Left => "through the left proxy",
            At::Right => "right gateway as server",
        };
        let what = format!("signs on as {}, {way}", actor.address);
        tell.step(self.name, what, Some(begun.elapsed()));
        Ok(actor)
    }
}
