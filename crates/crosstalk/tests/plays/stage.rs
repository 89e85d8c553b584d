//! The gateways of a play.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{HostPort, Names, NetworkId};
use crosstalk_gateway::Gateway;
use crosstalk_gateway::config::{Config, Direct, HostPattern, NetworkConfig, Proxy};
use crosstalk_gateway::router::{Options, Router};
use crosstalk_gateway::sources::Sources;
use crosstalk_gateway::tls::ca;
use crosstalk_mock::play::{Performance, Play, Stage};
use crosstalk_mock::{LastFm, Translator, Web};
use crosstalk_overlay::{GatewayId, Member, Overlay};
use futures_util::future::{BoxFuture, FutureExt};
use tempfile::TempDir;
use tokio::runtime::{EnterGuard, Runtime};
use tokio::time::{sleep, timeout};

/// Way of clients to a gateway.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Socks5,
    Direct,
}

/// Settings that a play is performed with.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) way: Route,
    /// All through one gateway, instead of each gateway of the play by its own.
    pub(crate) alone: bool,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            Route::Socks5 => "over SOCKS5",
            Route::Direct => "with the gateway as the server",
        };
        write!(f, "{way}{}", if self.alone { ", through one gateway" } else { "" })
    }
}

/// The port of web pages under TLS.
const HTTPS: u16 = 443;
/// Longest time for gateways to find each other.
const JOINING: Duration = Duration::from_secs(20);

/// Every gateway of a play, each in a runtime of its own so that it can die alone.
pub(crate) struct Gateways {
    way: Route,
    names: Arc<Names>,
    /// The networks of the play.
    networks: BTreeMap<NetworkId, NetworkConfig>,
    webs: BTreeMap<NetworkId, Web>,
    /// Hosts whose HTTPS ends at the gateway.
    ending_tls: Vec<String>,
    seats: Vec<Seat>,
    /// Where it is asked what people listen to.
    lastfm: LastFm,
    /// Where texts are translated.
    translator: Translator,
    /// Dropped last: the gateways write there.
    _state: TempDir,
}

/// A gateway, running or not.
struct Seat {
    /// Names in the plays: more than one where it stands for several.
    names: Vec<String>,
    state: PathBuf,
    id: GatewayId,
    /// Address for other gateways, since it was last started.
    mesh: Option<SocketAddr>,
    running: Option<Running>,
}

struct Running {
    _runtime: Background,
    overlay: Overlay,
    proxy: SocketAddr,
    direct: Vec<(NetworkId, SocketAddr)>,
}

impl Gateways {
    /// Starts the gateways that `play` names, in front of the servers of `performance`.
    pub(crate) async fn build(
        play: &Play,
        performance: &Performance<'_>,
        setting: Setting,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let state = tempfile::tempdir()?;
        let named: Vec<Vec<String>> = if setting.alone {
            vec![play.gateways().iter().map(ToString::to_string).collect()]
        } else {
            play.gateways().iter().map(|name| vec![name.to_string()]).collect()
        };
        let mut config = Config::alone(state.path().into());
        let (mut networks, mut webs) = (BTreeMap::new(), BTreeMap::new());
        for id in play.networks() {
            let server = performance.server(id).ok_or("a network without a server")?;
            let known = config.networks.get(&play.protocol(id).parse()?);
            let mut network = network(id.parse()?, known.ok_or("an unknown network")?, server)?;
            if let Some(web) = performance.web(id) {
                network.servers.insert(web.host.to_owned(), host_port(web.addr));
                webs.insert(network.id.clone(), web.clone());
            }
            networks.insert(network.id.clone(), network);
        }
        config.networks.extend(networks.clone());
        let seats = named.into_iter().map(|names| Seat::take(names, &state));
        let mut gateways = Self {
            way: setting.way,
            names: Arc::new(config.names()),
            networks,
            webs,
            ending_tls: play.ending_tls.clone(),
            lastfm: LastFm::start().await?,
            translator: Translator::start().await?,
            seats: seats.collect::<Result<_, _>>()?,
            _state: state,
        };
        for index in 0..gateways.seats.len() {
            gateways.run(index).await?;
        }
        gateways.joined().await?;
        Ok(gateways)
    }

    fn seat(&mut self, name: &str) -> Option<usize> {
        self.seats.iter().position(|seat| seat.names.iter().any(|n| n == name))
    }

    /// Starts the gateway at `index` in a runtime of its own.
    async fn run(&mut self, index: usize) -> Result<(), Box<dyn Error + Send + Sync>> {
        let begun = tokio::time::Instant::now();
        let running = loop {
            match self.start_at(index) {
                // The gateway before it is still ending.
                Err(error) if is_in_use(&*error) && begun.elapsed() < JOINING => {
                    sleep(Duration::from_millis(10)).await;
                }
                started => break started?,
            }
        };
        if let Some(listening) = timeout(JOINING, running.overlay.listening()).await? {
            self.seats[index].mesh = Some(listening);
        }
        self.seats[index].running = Some(running);
        Ok(())
    }

    fn start_at(&self, index: usize) -> Result<Running, Box<dyn Error + Send + Sync>> {
        let config = self.config(index)?;
        let runtime = Background::new()?;
        let entered = runtime.enter();
        let (overlay, inbound) = match self.mesh(index) {
            Some(mesh) => Overlay::join(&mesh, &config.data)?,
            None => Overlay::alone(&config.data)?,
        };
        let options = Options {
            control: config.control,
            memory: config.limits.memory.connections(),
            pace: config.limits.pace(),
            sources: Sources::new(&config)?,
        };
        let router = Router::new(overlay.clone(), inbound, Arc::new(config.names()), options);
        let gateway = Gateway::start(config, router)?;
        let proxy = *gateway.proxies.first().ok_or("no proxy")?;
        let direct = gateway.direct.clone();
        // Its listeners live as long as the gateway does: until the runtime ends.
        tokio::spawn(async move {
            let _gateway = gateway;
            std::future::pending::<()>().await;
        });
        drop(entered);
        Ok(Running { _runtime: runtime, overlay, proxy, direct })
    }

    fn config(&self, index: usize) -> Result<Config, Box<dyn Error + Send + Sync>> {
        let seat = &self.seats[index];
        let mut config = Config::alone(seat.state.clone());
        config.proxies = vec![Proxy::open(anywhere())];
        config.networks.extend(self.networks.clone());
        config.services.allow = vec!["127.0.0.1".parse()?];
        config.services.music.lastfm = format!("http://{}/2.0/", self.lastfm.addr);
        config.services.music.key = Some("the key of the play".to_owned().into());
        config.services.translate.url = Some(format!("http://{}", self.translator.addr));
        if seat.names.iter().any(|name| self.ending_tls.contains(name)) {
            self.end_tls(&mut config)?;
        }
        Ok(config)
    }

    /// Ends the TLS of web pages at a gateway.
    fn end_tls(&self, config: &mut Config) -> Result<(), Box<dyn Error + Send + Sync>> {
        if !config.tls.authority.exists() {
            ca::init(&config.tls.authority)?;
        }
        for (id, web) in &self.webs {
            let root = config.data.join(format!("{id}.pem"));
            std::fs::write(&root, &web.certificate)?;
            config.tls.roots.push(root);
            config.tls.terminate.push(HostPattern::Name(web.host.to_owned()));
            if let Some(network) = config.networks.get_mut(id) {
                let upstream = HostPort::new(web.host, HTTPS);
                network.direct.push(Direct {
                    listen: anywhere(),
                    upstream,
                    advertise: None,
                    behind: Vec::new(),
                });
            }
        }
        Ok(())
    }

    fn mesh(&self, index: usize) -> Option<crosstalk_overlay::Config> {
        let networks: Vec<NetworkId> = self.names.networks().cloned().collect();
        // Who starts later calls those who are there.
        let member = |seat: &Seat| Member {
            id: seat.id,
            addresses: seat.mesh.map(host_port).into_iter().collect(),
            networks: networks.clone(),
        };
        let others = self.seats.iter().enumerate().filter(|(other, _)| *other != index);
        let members: Vec<Member> = others.map(|(_, seat)| member(seat)).collect();
        (!members.is_empty()).then(|| crosstalk_overlay::Config {
            listen: vec![anywhere()],
            advertise: Vec::new(),
            networks: networks.clone(),
            members,
            ..crosstalk_overlay::Config::default()
        })
    }

    /// Waits until every running gateway has a link to every other.
    async fn joined(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let deadline = tokio::time::Instant::now() + JOINING;
        let running: Vec<_> = self.seats.iter().filter_map(|s| s.running.as_ref()).collect();
        let linked = |r: &&Running| r.overlay.linked().len() + 1 == running.len();
        while !running.iter().all(linked) {
            if tokio::time::Instant::now() > deadline {
                return Err("the gateways did not find each other".into());
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Stage for Gateways {
    fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names)
    }

    fn way(&self, network: &str, gateway: &str) -> crosstalk_mock::Route {
        let known = self.networks.values().find(|n| n.id.as_str() == network);
        let ports = known.map_or(&[][..], |network| &network.ports);
        let seat = self.seats.iter().find(|seat| seat.names.iter().any(|n| n == gateway));
        let running = seat.and_then(|s| s.running.as_ref()).expect("the play starts the gateway");
        match self.way {
            Route::Socks5 => crosstalk_mock::Route::Socks5 {
                proxy: running.proxy,
                server: HostPort::new(
                    host(network),
                    *ports.first().expect("a network of the play"),
                ),
            },
            Route::Direct => {
                let mut direct = running.direct.iter().filter(|(id, _)| id.as_str() == network);
                let mut next = || direct.next().map(|(_, addr)| *addr);
                let server = next().expect("each network has a listener");
                let web = self.webs.iter().find(|(id, _)| id.as_str() == network);
                // Nobody has clients look for pages here that are not read here.
                match next().or(web.map(|(_, web)| web.addr)) {
                    Some(web) => crosstalk_mock::Route::Hosts { server, web },
                    None => crosstalk_mock::Route::Direct(server),
                }
            }
        }
    }

    fn kill(&mut self, gateway: &str) {
        if let Some(index) = self.seat(gateway) {
            self.seats[index].running = None;
        }
    }

    fn start<'a>(&'a mut self, gateway: &'a str) -> BoxFuture<'a, ()> {
        async move {
            let index = self.seat(gateway).expect("the play names a gateway of its cast");
            self.run(index).await.expect("a killed gateway starts again");
            self.joined().await.expect("a restarted gateway finds the others");
        }
        .boxed()
    }
}

impl Seat {
    fn take(names: Vec<String>, state: &TempDir) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let state = state.path().join(names.join("-"));
        let id = Overlay::identify(&state)?;
        Ok(Self { names, state, id, mesh: None, running: None })
    }
}

/// A runtime that ends without waiting for its tasks, as a process does that is killed.
struct Background(Option<Runtime>);

impl Background {
    fn new() -> std::io::Result<Self> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
    }

    fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.as_ref().map(Runtime::enter)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn is_in_use(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(crosstalk_overlay::Error::InUse { .. }))
}

/// Host name that clients take for a network's server.
fn host(network: &str) -> String {
    format!("{network}.test")
}

/// A network like the `known` one, whose clients find `server` under the network's name and under
/// the address it has.
fn network(
    id: NetworkId,
    known: &NetworkConfig,
    server: SocketAddr,
) -> Result<NetworkConfig, Box<dyn Error + Send + Sync>> {
    let mut network = NetworkConfig { id, ..known.clone() };
    let port = network.ports.first().ok_or("a network without a port")?;
    let upstream = host_port(server);
    let named = [host(network.id.as_str()), format!("{}:{port}", server.ip())];
    network.servers.extend(named.map(|name| (name, upstream.clone())));
    network.direct =
        vec![Direct { listen: anywhere(), upstream, advertise: None, behind: Vec::new() }];
    Ok(network)
}

fn host_port(addr: SocketAddr) -> HostPort {
    HostPort::new(addr.ip().to_string(), addr.port())
}

fn anywhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}
