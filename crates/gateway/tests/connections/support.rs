//! A gateway to test with, servers behind it, and a protocol of lines that does on command what
//! real protocols do.

use std::future::Future;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{
    Address, BadName, Body, Claim, Confirmed, Context, Defaults, Engine, EnvelopeIds, Event,
    Exchange, Fault, Handoff, HostPort, Input, Message, Network, NetworkId, Now, Outgoing, Output,
    Presence, Recipient, Side, Sniff, TellResult, Via,
};
use crosstalk_gateway::Gateway;
use crosstalk_gateway::config::{Config, Direct, NetworkConfig, Proxy};
use crosstalk_gateway::router::{Options, Router};
use crosstalk_overlay::Overlay;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The protocol of lines. A line of the client's that begins with `!` is an order to the engine,
/// and one with `?` is an order that passes too; everything else only passes.
pub(crate) struct Lines;

impl Network for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn sniff(&self, _: Side, _: &[u8]) -> Sniff {
        Sniff::No
    }

    fn defaults(&self) -> Defaults {
        Defaults { id: "lines", title: "Lines", hosts: &[], ports: &[] }
    }

    fn normalise(&self, local: &str) -> Result<String, BadName> {
        Ok(local.to_owned())
    }

    fn engine(&self, context: Context) -> Box<dyn Engine> {
        let Context { via, ids, .. } = context;
        Box::new(LinesEngine { via, ids, is_waiting: false, takes_texts: false })
    }
}

struct LinesEngine {
    via: Via,
    ids: EnvelopeIds,
    /// For the answer to a claim, or for what somebody says: nothing more is read before.
    is_waiting: bool,
    takes_texts: bool,
}

impl Engine for LinesEngine {
    fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Output) -> Result<(), Fault> {
        match input {
            Input::Start => {
                if let Via::Direct { upstream, .. } = &self.via {
                    out.emit(Event::Dial(upstream.clone()));
                }
            }
            Input::Bytes(side, buffer) => {
                while !self.is_waiting
                    && let Some(end) = buffer.iter().position(|b| *b == b'\n')
                {
                    let line = buffer.split_to(end + 1).freeze();
                    let order = line.first().filter(|b| b"!?".contains(b) && side == Side::Client);
                    match order {
                        Some(b'!') => out.withhold(),
                        _ => out.forward(side.other(), line.clone()),
                    }
                    if order.is_some() {
                        self.order(now, std::str::from_utf8(&line[1..end]).unwrap(), out)?;
                    }
                }
            }
            Input::Deliver(envelope) => match envelope.body {
                Body::Text { text, .. } => {
                    out.insert(Side::Client, format!("{}: {}\n", envelope.from, text.text()));
                }
                Body::Undelivered { why, .. } => {
                    out.insert(Side::Client, format!("undelivered: {why}\n"));
                }
                _ => {}
            },
            Input::Encrypted(side, facts) => {
                let facts =
                    format!("{} {}", facts.exporter.is_some(), facts.server_end_point.is_some());
                out.insert(Side::Client, format!("encrypted {side:?} {facts}\n"));
            }
            Input::Heard(_, message) => {
                self.is_waiting = false;
                out.insert(
                    Side::Client,
                    format!("heard {}\n", message.downcast::<String>().unwrap()),
                );
            }
            Input::Told(TellResult::Nobody(_)) => out.insert(Side::Client, "nobody\n"),
            Input::Left(_) => out.insert(Side::Client, "left\n"),
            Input::Claimed(claimed) => {
                self.is_waiting = false;
                let note = claimed.taken().and_then(|handoff| handoff.note.downcast().ok());
                let note = note.map_or_else(|| "nothing".to_owned(), |note: Box<String>| *note);
                out.insert(Side::Client, format!("claimed {note}\n"));
            }
            _ => {}
        }
        Ok(())
    }

    fn takes_texts(&self) -> bool {
        self.takes_texts
    }

    fn holds_back(&self) -> bool {
        self.is_waiting
    }
}

impl LinesEngine {
    fn order(&mut self, now: Now, order: &str, out: &mut Output) -> Result<(), Fault> {
        let (verb, rest) = order.split_once(' ').unwrap_or((order, ""));
        match verb {
            "signin" => {
                let user = Confirmed::by_server(rest.parse().unwrap());
                out.emit(Event::SignedIn { user, endpoint: String::new() });
                out.emit(Event::Presence(Presence::available()));
                self.takes_texts = true;
            }
            "signout" => out.emit(Event::SignedOut),
            "busy" => self.takes_texts = false,
            "ready" => self.takes_texts = true,
            "send" => {
                let (to, text) = rest.split_once(' ').unwrap();
                let body = Body::Text { text: text.into(), auto: false };
                let to: Address = to.parse().unwrap();
                out.emit(Event::Send(Outgoing { id: self.ids.next_id(), to, body, details: None }));
            }
            "alone" => {
                out.emit(Event::DetachServer);
                out.insert(Side::Client, "alone\n");
            }
            "dial" => {
                out.emit(Event::Dial(rest.parse().unwrap()));
                out.insert(Side::Server, "hello\n");
            }
            "leave" => {
                let until = now.instant + Duration::from_mins(1);
                let (key, note) = rest.split_once(' ').unwrap();
                let handoff = Handoff::new(note.to_owned(), until);
                out.emit(Event::Exchange(Exchange::Leave(key.into(), handoff)));
            }
            "claim" => {
                self.is_waiting = true;
                out.emit(Event::Exchange(Exchange::Claim(Claim::take(rest))));
            }
            "wait" => self.is_waiting = true,
            "listen" => out.emit(Event::Exchange(Exchange::Listen(rest.into()))),
            "tell" => {
                let (key, text) = rest.split_once(' ').unwrap();
                let to = Recipient::Listener(key.into());
                let message = Message::new(text.to_owned(), text.len());
                out.emit(Event::Exchange(Exchange::Tell(to, message)));
            }
            "tls" => {
                out.insert(Side::Client, "go\n");
                out.emit(Event::Encrypt(Side::Client, Some(rest.to_owned())));
                out.emit(Event::Encrypt(Side::Server, Some(rest.to_owned())));
            }
            "answer" => out.insert(Side::Client, format!("{rest}\n")),
            "work" => std::thread::sleep(Duration::from_millis(rest.parse().unwrap())),
            "fault" => return Err(Fault::client("it gave the order to fail")),
            _ => {}
        }
        Ok(())
    }
}

/// A gateway on loopback with one network, `lines`, whose direct listener has `upstream` behind
/// it, and a proxy that may dial loopback.
pub(crate) fn gateway(upstream: SocketAddr, change: impl FnOnce(&mut Config)) -> Running {
    let free = || "127.0.0.1:0".parse().unwrap();
    let id: NetworkId = "lines".parse().unwrap();
    let upstream = HostPort::new(upstream.ip().to_string(), upstream.port());
    let network = NetworkConfig {
        id: id.clone(),
        protocol: &Lines,
        hosts: Vec::new(),
        ports: Vec::new(),
        servers: [("lines.test".to_owned(), upstream.clone())].into(),
        direct: vec![Direct { listen: free(), upstream, advertise: None, behind: Vec::new() }],
        options: Vec::new(),
        pass: Vec::new(),
    };
    let mut config = Config::alone("/nonexistent".into());
    config.networks = [(id, network)].into();
    let allow = vec!["127.0.0.0/8".parse().unwrap()];
    config.proxies = vec![Proxy { allow, ..Proxy::open(free()) }];
    config.limits.sniff = Duration::from_millis(200);
    change(&mut config);
    let state = tempfile::tempdir().unwrap();
    let (overlay, inbound) = Overlay::alone(state.path()).unwrap();
    let names = Arc::new(config.names());
    let options = Options {
        control: false,
        memory: config.limits.memory.connections(),
        pace: config.limits.pace(),
        ..Options::default()
    };
    let router = Router::new(overlay, inbound, names, options);
    let gateway = Gateway::start(config, router.clone()).unwrap();
    Running { gateway, router, _state: state }
}

/// A gateway with the directory it keeps its state in.
pub(crate) struct Running {
    pub(crate) gateway: Gateway,
    pub(crate) router: Router,
    _state: TempDir,
}

impl Deref for Running {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        &self.gateway
    }
}

/// A server that does `talk` with everybody.
pub(crate) async fn server<F>(talk: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(talk(tcp));
        }
    });
    address
}

/// A server that says everything back, and ends when the client does.
pub(crate) async fn echo() -> SocketAddr {
    server(|mut tcp| async move {
        let (mut read, mut write) = tcp.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
        let _ = write.shutdown().await;
    })
    .await
}

/// Connects to `to` through the SOCKS5 proxy at `proxy`.
pub(crate) async fn socks5(proxy: SocketAddr, to: SocketAddr) -> TcpStream {
    socks5_on(TcpStream::connect(proxy).await.unwrap(), to).await
}

/// Asks the SOCKS5 proxy at the end of `tcp` for `to`.
pub(crate) async fn socks5_on(mut tcp: TcpStream, to: SocketAddr) -> TcpStream {
    let SocketAddr::V4(to) = to else { panic!("IPv4 only") };
    let mut opening = vec![5, 1, 0, 5, 1, 0, 1];
    opening.extend(to.ip().octets());
    opening.extend(to.port().to_be_bytes());
    tcp.write_all(&opening).await.unwrap();
    assert_eq!(exactly(&mut tcp, 12).await, b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0");
    tcp
}

/// The next `n` bytes.
pub(crate) async fn exactly(tcp: &mut (impl AsyncReadExt + Unpin), n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    soon(tcp.read_exact(&mut bytes)).await.unwrap();
    bytes
}

/// The next line.
pub(crate) async fn line(tcp: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut line = Vec::new();
    loop {
        match soon(tcp.read_u8()).await {
            Ok(b'\n') | Err(_) => return String::from_utf8(line).unwrap(),
            Ok(byte) => line.push(byte),
        }
    }
}

/// Everything up to the end.
pub(crate) async fn rest(tcp: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = soon(tcp.read_to_end(&mut bytes)).await;
    bytes
}

/// Result of `future`; the test fails if that takes too long.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it takes too long")
}
