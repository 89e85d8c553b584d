//! One person of MSN, many conversations: each is a connection of its own through the gateway.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Address, Body, EnvelopeIds, Event as Said, HostPort, Outgoing};
use crosstalk_gateway::Gateway;
use crosstalk_gateway::config::{Config, Direct, Proxy};
use crosstalk_gateway::mail::{Mail, Mails};
use crosstalk_gateway::router::{Options, Router, SessionHandle};
use crosstalk_mock::{Account, Client, Event, Route, Server, msn};
use crosstalk_overlay::Overlay;
use tempfile::TempDir;

/// People who talk with so many others at once.
const USERS: [&str; 2] = ["mary", "mike"];
const MANY: usize = 50;
const PATIENCE: Duration = Duration::from_mins(1);

/// A gateway before an MSN server. People of other networks are at the gateway itself.
struct Stage {
    server: msn::Server,
    router: Router,
    gateway: Gateway,
    _state: TempDir,
}

impl Stage {
    async fn build() -> Self {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = msn::Server::start(anywhere, &USERS.map(account)).await.unwrap();
        let upstream = HostPort::new("127.0.0.1", server.addr().port());
        let state = tempfile::tempdir().unwrap();
        let mut config = Config::alone(state.path().into());
        config.proxies = vec![Proxy::open(anywhere)];
        let network = config.networks.get_mut(&"msn".parse().unwrap()).unwrap();
        network.servers.insert("msn.test".into(), upstream.clone());
        network.direct =
            vec![Direct { listen: anywhere, upstream, advertise: None, behind: Vec::new() }];
        let (overlay, inbound) = Overlay::alone(state.path()).unwrap();
        let names = Arc::new(config.names());
        let router = Router::new(overlay, inbound, names, Options::default());
        let gateway = Gateway::start(config, router.clone()).unwrap();
        Self { server, router, gateway, _state: state }
    }

    fn ways(&self) -> [Route; 2] {
        let server = HostPort::new("msn.test", 1863);
        let proxy = self.gateway.proxies[0];
        let direct = self.gateway.direct.iter().find(|(id, _)| id.as_str() == "msn").unwrap().1;
        [Route::Socks5 { proxy, server }, Route::Direct(direct)]
    }

    /// The foreign friends of `user`.
    fn friends(&self, user: &str) -> Vec<Friend> {
        let of: Address = format!("{user}@msn.test@msn").parse().unwrap();
        let friend = |n| {
            let name = format!("friend{n}of{user}@aol");
            let user: Address = name.parse().unwrap();
            let (handle, mail) = self.router.sign_in(&user, "test");
            handle.takes_texts(true);
            let ids = EnvelopeIds::new(n as u64);
            Friend { name: format!("{name}.xt"), of: of.clone(), handle, mail, ids }
        };
        (0..MANY).map(friend).collect()
    }
}

fn account(user: &str) -> Account {
    Account::new(user, "secret")
}

/// Somebody on another network.
struct Friend {
    /// Name as MSN clients spell it.
    name: String,
    of: Address,
    handle: SessionHandle,
    mail: Mails,
    ids: EnvelopeIds,
}

impl Friend {
    fn says(&mut self, text: &str) {
        let to = self.of.clone();
        let body = Body::Text { text: text.into(), auto: false };
        self.handle.take(Said::Send(Outgoing { id: self.ids.next_id(), to, body, details: None }));
    }

    /// Waits for `expected`.
    async fn hears(&mut self, expected: &str) {
        let heard = async {
            loop {
                if let Mail::Deliver(envelope, handed) = *self.mail.recv().await.unwrap() {
                    handed.done();
                    match envelope.body {
                        Body::Text { text, .. } => return text.text().to_owned(),
                        Body::Undelivered { why, .. } => return why.to_string(),
                        _ => {}
                    }
                }
            }
        };
        assert_eq!(tokio::time::timeout(PATIENCE, heard).await.unwrap(), expected, "{}", self.name);
    }
}

/// Waits until the client has shown `text` of each of these friends.
async fn hears_all(client: &mut Client, friends: &[Friend], text: &str) {
    let mut missing: BTreeSet<&str> = friends.iter().map(|f| f.name.as_str()).collect();
    while !missing.is_empty() {
        let heard = client.expect(PATIENCE, |event| match event {
            Event::Said { from, text, .. } => Some((from.clone(), text.text().to_owned())),
            Event::Undelivered { to, why } => Some((to.clone(), why.clone())),
            _ => None,
        });
        let Some((from, heard)) = heard.await else { panic!("nothing of {missing:?}") };
        if !from.starts_with("crosstalk@") {
            assert!(heard == text && missing.remove(from.as_str()), "{from}: {heard}");
        }
    }
}

/// As many words as may be said at once are said by a person, and no more.
#[tokio::test]
async fn one_person_talks_with_fifty_at_once_and_the_server_knows_of_none() {
    let stage = Stage::build().await;
    for (way, user) in stage.ways().into_iter().zip(USERS) {
        let mut friends = stage.friends(user);
        let mut client = msn::sign_on(&account(user), &way).await.unwrap();
        // Who has chosen a status is shown the control contact, and can be talked to.
        let online = |event: &Event| matches!(event, Event::Presence { .. }).then_some(());
        client.expect(PATIENCE, online).await.unwrap();
        // Half of them begin, and with the others the client does.
        let (callers, _) = friends.split_at_mut(MANY / 2);
        for friend in &mut *callers {
            friend.says("hello");
        }
        hears_all(&mut client, callers, "hello").await;
        for friend in &mut friends {
            client.say(&friend.name, format!("hello {}", friend.name)).await;
            friend.hears(&format!("hello {}", friend.name)).await;
        }
        for friend in &mut friends {
            friend.says("still here");
        }
        hears_all(&mut client, &friends, "still here").await;
    }
    for word in ["XFR", "CAL", "friend", "hello", "still"] {
        assert!(!stage.server.record().contains(word), "the server was told of {word}");
    }
}
