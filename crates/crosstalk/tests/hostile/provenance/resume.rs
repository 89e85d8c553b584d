//! A session is resumed by whom the server says, and by nobody else.

use std::time::Duration;

use tokio::time::sleep;

use crate::case::{Case, cases};
use crate::gateway::Gateway;
use crate::jabber::cut::between;
use crate::jabber::{Client, Route, SM, Server, message};
use crate::world::FRIEND;

/// The gateway has noticed that a connection ended.
const A_WHILE: Duration = Duration::from_millis(500);
const SECRET: &str = "a secret for the victim";

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_session_is_resumed_by_its_owner,
        what_was_not_acknowledged_is_resumed_by_its_owner_alone,
        what_was_not_acknowledged_stays_from_those_who_did_not_authenticate,
    ]
    .into()
}

/// Somebody who was told something, did not acknowledge it, and whose network broke. The id of
/// their session is known to others.
struct Scene {
    gateway: Gateway,
    id: String,
    _server: Server,
}

impl Scene {
    async fn begin() -> Self {
        let server = Server::start(FRIEND);
        let gateway = Gateway::start().await;
        let mut victim = Client::sign_on("victim", FRIEND.0).await;
        victim.send(&format!("<enable xmlns='{SM}' resume='true'/>")).await;
        victim.reads("<enabled").await;
        let enabled = victim.reads("max='3600'/>").await;
        let id = between(&enabled, " id='", "'").expect("an id").to_owned();
        let mut ann = Client::sign_on("ann", FRIEND.0).await;
        ann.send(&message("victim%friend.example@jabber.xt", SECRET)).await;
        victim.reads(SECRET).await;
        drop(victim);
        sleep(A_WHILE).await;
        Self { gateway, id, _server: server }
    }

    fn resume(&self) -> String {
        format!("<resume xmlns='{SM}' h='0' previd='{}'/>", self.id)
    }

    /// The owner resumes, and has what was not acknowledged, once.
    async fn the_victim_resumes(self) {
        let mut victim = Client::dial(Route::to(FRIEND.0)).await;
        victim.authenticates("victim", FRIEND.0).await;
        victim.send(&self.resume()).await;
        victim.reads("<resumed").await;
        let read = victim.reads_on(A_WHILE).await;
        assert_eq!(read.matches(SECRET).count(), 1, "{read}\n{}", self.gateway.log());
    }
}

async fn a_session_is_resumed_by_its_owner() {
    Scene::begin().await.the_victim_resumes().await;
}

async fn what_was_not_acknowledged_is_resumed_by_its_owner_alone() {
    let scene = Scene::begin().await;
    let mut mallory = Client::dial(Route::to(FRIEND.0)).await;
    mallory.authenticates("mallory", FRIEND.0).await;
    mallory.send(&scene.resume()).await;
    mallory.reads("failed").await;
    mallory.binds("m").await;
    mallory.appears().await;
    let read = mallory.reads_within(3 * A_WHILE, SECRET).await;
    assert_eq!(read, None, "mallory read what was the victim's");
    scene.the_victim_resumes().await;
}

async fn what_was_not_acknowledged_stays_from_those_who_did_not_authenticate() {
    let scene = Scene::begin().await;
    let mut nobody = Client::dial(Route::to(FRIEND.0)).await;
    nobody.send(&crate::jabber::client::open(FRIEND.0)).await;
    nobody.reads("</stream:features>").await;
    nobody.tries(&scene.resume()).await;
    let read = nobody.reads_within(3 * A_WHILE, SECRET).await;
    assert_eq!(read, None, "somebody unknown read what was the victim's");
    drop(nobody);
    scene.the_victim_resumes().await;
}
