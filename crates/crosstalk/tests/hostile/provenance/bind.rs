//! A session is bound by the server's own answer, and under the name that was authenticated.

use std::time::Duration;

use tokio::time::sleep;

use crate::case::{Case, cases};
use crate::gateway::Gateway;
use crate::jabber::{BIND, Client, Route, Server, message};
use crate::world::{FRIEND, VICTIM};

/// The gateway has read what a client sent, and what came of it.
const A_WHILE: Duration = Duration::from_secs(1);
const CEO: &str = "ceo%victim.example@jabber.xt";

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_answer_to_bind_that_a_client_sent_itself_signs_nobody_on,
        an_answer_to_bind_that_somebody_else_sent_signs_nobody_on,
        an_error_with_what_was_asked_in_it_is_no_answer_to_bind,
        a_second_bind_does_not_change_who_somebody_is,
    ]
    .into()
}

/// A request to bind that has no id, so that its answer has none.
const UNSEEN: &str = "<iq type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
                      <resource>m</resource></bind></iq>";
const TO_MALLORY: &str = " to='mallory@victim.example/m'";

/// Somebody with an account at an honest server, who wants to be another one there.
struct Scene {
    gateway: Gateway,
    mallory: Client,
    fred: Client,
    server: Server,
    _friends: Server,
}

impl Scene {
    /// Mallory is authenticated, and not bound.
    async fn begin() -> Self {
        let (server, friends) = (Server::start(VICTIM), Server::start(FRIEND));
        let gateway = Gateway::start().await;
        let fred = Client::sign_on("fred", FRIEND.0).await;
        let mut mallory = Client::dial(Route::to(VICTIM.0)).await;
        mallory.authenticates("mallory", VICTIM.0).await;
        Self { gateway, mallory, fred, server, _friends: friends }
    }

    /// In the way that the gateway might not see, or where it refuses that, in the usual one.
    async fn mallory_binds_unseen(&mut self) {
        self.mallory.send(UNSEEN).await;
        if self.mallory.reads_within(A_WHILE, "</jid>").await.is_none() {
            self.mallory.binds("m").await;
        }
    }

    /// She is not the other one: neither to the gateway, nor to who reads her, nor to who writes.
    async fn mallory_is_not_the_ceo(mut self) {
        sleep(A_WHILE).await;
        self.mallory.tries("<presence/>").await;
        self.mallory.tries(&message("fred%friend.example@jabber.xt", "wire the money")).await;
        self.fred.send(&message(CEO, "for the eyes of the ceo")).await;
        let (heard, read) =
            tokio::join!(self.fred.reads_on(A_WHILE), self.mallory.reads_on(A_WHILE),);
        let signed_in = self.gateway.signed_in();
        assert!(!signed_in.iter().any(|user| user.contains("ceo")), "{signed_in:?}");
        assert!(!read.contains("eyes of the ceo"), "mallory read {read}");
        let heard = heard.split("<message").find(|stanza| stanza.contains("wire the money"));
        assert!(!heard.is_some_and(|said| said.contains("ceo")), "fred read {heard:?}");
    }
}

/// A stanza that only a server may send.
fn bound_as_the_ceo(kind: &str, more: &str) -> String {
    format!(
        "<iq type='{kind}' id='x'{more}><bind xmlns='{BIND}'><jid>ceo@victim.example/desk</jid>\
         </bind></iq>"
    )
}

/// Says it again and again for longer than the gateway holds anything back.
async fn insist(client: &mut Client, what: &str) {
    for _ in 0..20 {
        client.tries(what).await;
        sleep(A_WHILE / 5).await;
    }
}

async fn an_answer_to_bind_that_a_client_sent_itself_signs_nobody_on() {
    let mut scene = Scene::begin().await;
    scene.mallory_binds_unseen().await;
    insist(&mut scene.mallory, &bound_as_the_ceo("result", TO_MALLORY)).await;
    scene.mallory_is_not_the_ceo().await;
}

async fn an_answer_to_bind_that_somebody_else_sent_signs_nobody_on() {
    let mut scene = Scene::begin().await;
    let mut accomplice = Client::directly(scene.server.addr()).await;
    accomplice.signs_on("accomplice", VICTIM.0, "a").await;
    scene.mallory_binds_unseen().await;
    // The server has nothing to answer to that, and the gateway is to wait for it.
    let asked = format!("<iq type='result' id='x'><bind xmlns='{BIND}'/></iq>");
    scene.mallory.tries(&asked).await;
    insist(&mut accomplice, &bound_as_the_ceo("result", TO_MALLORY)).await;
    scene.mallory_is_not_the_ceo().await;
}

async fn an_error_with_what_was_asked_in_it_is_no_answer_to_bind() {
    let mut scene = Scene::begin().await;
    scene.mallory.send(&bound_as_the_ceo("get", "")).await;
    scene.mallory_is_not_the_ceo().await;
}

async fn a_second_bind_does_not_change_who_somebody_is() {
    let mut scene = Scene::begin().await;
    scene.mallory.binds("m").await;
    scene.mallory.appears().await;
    scene.mallory.tries(&bound_as_the_ceo("set", "")).await;
    scene.mallory.tries(&bound_as_the_ceo("result", TO_MALLORY)).await;
    let signed_in = scene.gateway.signed_in();
    assert_eq!(signed_in.last().map(String::as_str), Some("mallory@victim.example@jabber"));
    scene.mallory_is_not_the_ceo().await;
}
