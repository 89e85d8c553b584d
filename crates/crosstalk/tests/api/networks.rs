//! An application as the clients of each network see it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crosstalk_api::{Api, Listen, NewToken, client};
use crosstalk_core::{HostPort, NetworkId};
use crosstalk_gateway::Gateway;
use crosstalk_gateway::config::{Config, Proxy};
use crosstalk_gateway::router::{Options, Router};
use crosstalk_mock::{Account, Act, Event, NETWORKS, Route, Server};
use crosstalk_overlay::Overlay;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::block_in_place;

use crate::door::{PATIENCE, Program};

/// A gateway before a server of each network.
pub(crate) struct Stage {
    pub(crate) gateway: Gateway,
    pub(crate) bot: Program,
    pub(crate) names: Arc<crosstalk_core::Names>,
    _api: Api,
    /// With the ports that clients dial.
    pub(crate) servers: Vec<(u16, Box<dyn Server>)>,
    _home: TempDir,
}

impl Stage {
    /// With a program of `who`.
    pub(crate) async fn build(who: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut config = Config::alone(home.path().into());
        config.proxies = vec![Proxy::open(anywhere)];
        let mut servers: Vec<(u16, Box<dyn Server>)> = Vec::new();
        for network in NETWORKS {
            let server = network.serve(anywhere, &[Account::new("alice", "secret")]).await.unwrap();
            let id: NetworkId = network.id().parse().unwrap();
            let at = HostPort::new("127.0.0.1", server.addr().port());
            let network = config.networks.get_mut(&id).unwrap();
            network.servers.insert(format!("{id}.test"), at.clone());
            // Servers send their clients on to these.
            for port in [at.port, network.ports[0]] {
                network.servers.insert(format!("127.0.0.1:{port}"), at.clone());
            }
            servers.push((network.ports[0], server));
        }
        let (overlay, inbound) = Overlay::alone(home.path()).unwrap();
        let names = Arc::new(config.names());
        let router = Router::new(overlay.clone(), inbound, names.clone(), Options::default());
        let gateway = Gateway::start(config, router.clone()).unwrap();
        let listen = Listen { at: vec![anywhere], tls: None };
        let api = Api::start(home.path(), listen, overlay, router, names.clone()).await.unwrap();
        let socket = crosstalk_api::socket(home.path());
        let wanted = json!({"who": who});
        let made: NewToken = client::post(&socket, "/v1/tokens", &wanted).await.unwrap();
        let bot = Program::new(socket, made.secret.expose());
        Self { gateway, bot, names, _api: api, servers, _home: home }
    }
}

/// What the bot hears, from a stream that stays.
pub(crate) fn listen(bot: &Program) -> Arc<Mutex<Vec<Value>>> {
    let (heard, bot) = (Arc::new(Mutex::new(Vec::new())), bot.clone());
    let hears = Arc::clone(&heard);
    std::thread::spawn(move || bot.events(0).for_each(|event| hears.lock().unwrap().push(event)));
    heard
}

/// Waits until the bot has heard such an event.
pub(crate) fn wait(heard: &Mutex<Vec<Value>>, what: &str, is_it: impl Fn(&Value) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !heard.lock().unwrap().iter().any(&is_it) {
        assert!(Instant::now() < deadline, "{what}: {:?}", heard.lock().unwrap());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_is_a_buddy_of_clients_of_every_network() {
    let stage = Stage::build("weather@apps").await;
    let heard = listen(&stage.bot);
    let app = "weather@apps".parse().unwrap();
    for (network, (port, _)) in NETWORKS.iter().zip(&stage.servers) {
        let id = network.id();
        let server = HostPort::new(format!("{id}.test"), *port);
        let way = Route::Socks5 { proxy: stage.gateway.proxies[0], server };
        let mut alice = network.sign_on(&Account::new("alice", "secret"), &way).await.unwrap();
        let (spelled, name) =
            (network.spell(&stage.names, &app), format!("{}@{id}", network.local("alice")));
        let consent = format!("POST /v1/contacts/{name}/consent");

        alice.act(Act::Add(spelled.clone())).await;
        block_in_place(|| {
            let asks = |event: &Value| event["name"] == name && event["is_seen"] == "asked";
            wait(&heard, &format!("{name} asks"), asks);
            stage.bot.does(&consent, &json!({"step": "grant"}));
        });
        let online = |event: &Event| match event {
            Event::Presence { of, presence } if *of == spelled => {
                presence.is_online().then_some(())
            }
            _ => None,
        };
        alice.expect(PATIENCE, online).await.unwrap_or_else(|| panic!("{id}: it is online"));

        block_in_place(|| stage.bot.does(&consent, &json!({"step": "request"})));
        let asked = |event: &Event| match event {
            Event::Asked { by, .. } if *by == spelled => Some(by.clone()),
            _ => None,
        };
        let by = alice.expect(PATIENCE, asked).await.unwrap_or_else(|| panic!("{id}: it asks"));
        alice.act(Act::Accept(by)).await;
        block_in_place(|| {
            let seen =
                |event: &Value| event["name"] == name && event["presence"]["show"] == "available";
            wait(&heard, &format!("{name} is online"), seen);
        });

        alice.say(&spelled, "Rain?").await;
        block_in_place(|| {
            let said = |event: &Value| event["from"] == name && event["text"] == "Rain?";
            wait(&heard, &format!("{name} speaks"), said);
            let sent = stage.bot.does("POST /v1/messages", &json!({"to": name, "text": "Sun."}));
            assert_eq!(sent["state"], "delivered", "{id}");
        });
        let said = |event: &Event| match event {
            Event::Said { from, text, .. } if *from == spelled => Some(text.text().to_owned()),
            _ => None,
        };
        assert_eq!(alice.expect(PATIENCE, said).await.as_deref(), Some("Sun."), "{id}");
    }
    for (network, (_, server)) in NETWORKS.iter().zip(&stage.servers) {
        assert!(!server.record().contains("weather"), "the server of {} heard of it", network.id());
    }
}
