//! A client that writes what it is told to, through a gateway or past it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};

use crate::gateway::PROXY;

/// Longest wait for something that is to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const PORT: u16 = 5222;
/// The room of a tight way in either direction, in bytes.
pub(crate) const ROOM: u32 = 16 << 10;
pub(crate) const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
pub(crate) const SM: &str = "urn:xmpp:sm:3";
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

/// A way to a server.
#[derive(Clone, Copy)]
pub(crate) struct Route<'a> {
    /// Address that the client connects from.
    pub(crate) from: Ipv4Addr,
    pub(crate) proxy: &'a str,
    /// The host that the proxy is asked for.
    pub(crate) host: &'a str,
    port: u16,
    /// Keeps what waits in the client rather than in the system's buffers.
    is_tight: bool,
}

impl<'a> Route<'a> {
    /// Route to the Jabber server of a host.
    pub(crate) const fn to(host: &'a str) -> Self {
        Self { from: Ipv4Addr::LOCALHOST, proxy: PROXY, host, port: PORT, is_tight: false }
    }

    /// The same from another address.
    pub(crate) const fn from(self, from: Ipv4Addr) -> Self {
        Self { from, ..self }
    }

    /// Route to another port.
    pub(crate) const fn at(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The same with little room for what is on its way.
    pub(crate) const fn tight(self) -> Self {
        Self { is_tight: true, ..self }
    }

    /// The same by another gateway.
    pub(crate) const fn by(self, proxy: &'a str) -> Self {
        Self { proxy, ..self }
    }

    /// Connects, as far as the gateway allows it; else its SOCKS reply.
    pub(crate) async fn dial(&self) -> Result<TcpStream, u8> {
        const BROKEN: u8 = u8::MAX;
        let opened = async {
            let socket = TcpSocket::new_v4()?;
            if self.is_tight {
                socket.set_send_buffer_size(ROOM)?;
                socket.set_recv_buffer_size(ROOM)?;
            }
            socket.bind(SocketAddr::new(IpAddr::V4(self.from), 0))?;
            let mut stream = socket.connect(self.proxy.parse().unwrap()).await?;
            stream.set_nodelay(true)?;
            let mut greeting = [0; 2];
            stream.write_all(&[5, 1, 0]).await?;
            stream.read_exact(&mut greeting).await?;
            let mut request = vec![5, 1, 0, 3, u8::try_from(self.host.len()).unwrap()];
            request.extend_from_slice(self.host.as_bytes());
            request.extend_from_slice(&self.port.to_be_bytes());
            stream.write_all(&request).await?;
            let mut reply = [0; 10];
            stream.read_exact(&mut reply).await?;
            Ok::<_, std::io::Error>((stream, reply[1]))
        };
        match opened.await {
            Ok((stream, 0)) => Ok(stream),
            Ok((_, reply)) => Err(reply),
            Err(_) => Err(BROKEN),
        }
    }
}

/// One connection.
pub(crate) struct Client {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    /// Bytes that were read and not looked for.
    read_so_far: Vec<u8>,
}

/// The beginning of a stream.
pub(crate) fn open(domain: &str) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream to='{domain}' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
    )
}

/// A message in a chat.
pub(crate) fn message(to: &str, text: &str) -> String {
    format!("<message to='{to}' type='chat'><body>{text}</body></message>")
}

/// Stanzas of a client, and the text that it then waits for.
type Step = (String, &'static str);

fn authentication(user: &str, domain: &str) -> [Step; 3] {
    let secret = STANDARD.encode(format!("\0{user}\0x"));
    let auth = format!("<auth xmlns='{SASL}' mechanism='PLAIN'>{secret}</auth>");
    let features = "</stream:features>";
    [(open(domain), features), (auth, "<success"), (open(domain), features)]
}

fn binding(resource: &str) -> Step {
    let resource = format!("<resource>{resource}</resource>");
    (format!("<iq id='b1' type='set'><bind xmlns='{BIND}'>{resource}</bind></iq>"), "</jid>")
}

fn appearance() -> Step {
    ("<iq id='ro' type='get'><query xmlns='jabber:iq:roster'/></iq>".into(), "id='ro'")
}

impl Client {
    pub(crate) fn new(stream: TcpStream) -> Self {
        let (read, write) = stream.into_split();
        Self { read, write, read_so_far: Vec::new() }
    }

    /// Connects to the server of a host through the gateway.
    pub(crate) async fn dial(way: Route<'_>) -> Self {
        let stream = timeout(PATIENCE, way.dial()).await.expect("an answer of the proxy");
        Self::new(stream.unwrap_or_else(|reply| panic!("the proxy says {reply} to {}", way.host)))
    }

    /// Connects to a server, past every gateway.
    pub(crate) async fn directly(server: SocketAddr) -> Self {
        Self::new(TcpStream::connect(server).await.unwrap())
    }

    /// Somebody who signed on at `host`, is there, and has their list.
    pub(crate) async fn sign_on(user: &str, host: &str) -> Self {
        let mut client = Self::dial(Route::to(host)).await;
        client.signs_on(user, host, "r").await;
        client
    }

    /// Signs on from the beginning.
    pub(crate) async fn signs_on(&mut self, user: &str, domain: &str, resource: &str) {
        self.authenticates(user, domain).await;
        self.binds(resource).await;
        self.appears().await;
    }

    /// The same, if the other side lets it.
    pub(crate) async fn tries_to_sign_on(
        &mut self,
        user: &str,
        domain: &str,
        resource: &str,
    ) -> Option<()> {
        let steps = authentication(user, domain);
        for (said, awaited) in steps.into_iter().chain([binding(resource), appearance()]) {
            self.exchange(&said, awaited).await?;
        }
        self.tries("<presence/>").await.then_some(())
    }

    /// Goes from the beginning to the server's offer to bind.
    pub(crate) async fn authenticates(&mut self, user: &str, domain: &str) {
        for (said, awaited) in authentication(user, domain) {
            self.send(&said).await;
            self.reads(awaited).await;
        }
    }

    pub(crate) async fn binds(&mut self, resource: &str) {
        let (said, awaited) = binding(resource);
        self.send(&said).await;
        self.reads(awaited).await;
    }

    /// Asks for the list and is there.
    pub(crate) async fn appears(&mut self) {
        let (said, awaited) = appearance();
        self.send(&said).await;
        self.reads(awaited).await;
        self.send("<presence/>").await;
    }

    async fn exchange(&mut self, said: &str, awaited: &str) -> Option<String> {
        if !self.tries(said).await {
            return None;
        }
        self.reads_within(PATIENCE, awaited).await
    }

    /// Writes, where the other side still takes it.
    pub(crate) async fn tries(&mut self, text: &str) -> bool {
        let written = timeout(PATIENCE, self.write.write_all(text.as_bytes())).await;
        matches!(written, Ok(Ok(())))
    }

    /// Writes, however long the other side takes to take it.
    pub(crate) async fn insists(&mut self, text: &str) -> bool {
        self.write.write_all(text.as_bytes()).await.is_ok()
    }

    /// Reads to the end, and keeps nothing.
    pub(crate) async fn ignores_all(&mut self) {
        let _ = tokio::io::copy(&mut self.read, &mut tokio::io::sink()).await;
    }

    pub(crate) async fn send(&mut self, text: &str) {
        assert!(self.tries(text).await, "the connection takes no more");
    }

    /// Waits for some text and says all that came up to it.
    pub(crate) async fn reads(&mut self, text: &str) -> String {
        let read = self.reads_within(PATIENCE, text).await;
        read.unwrap_or_else(|| {
            let seen = String::from_utf8_lossy(&self.read_so_far);
            panic!("{text:?} did not come, but {seen:?}")
        })
    }

    /// The same, if it comes in time and before the end.
    pub(crate) async fn reads_within(&mut self, within: Duration, text: &str) -> Option<String> {
        let deadline = Instant::now() + within;
        let mut looked = 0_usize;
        loop {
            let from = looked.saturating_sub(text.len());
            if let Some(at) = memmem::find(&self.read_so_far[from..], text.as_bytes()) {
                let read: Vec<u8> = self.read_so_far.drain(..from + at + text.len()).collect();
                return Some(String::from_utf8_lossy(&read).into_owned());
            }
            looked = self.read_so_far.len();
            match timeout_at(deadline, self.read.read_buf(&mut self.read_so_far)).await {
                Ok(Ok(count)) if count > 0 => {}
                _ => return None,
            }
        }
    }

    /// Everything that comes until the other side is silent for `pause`, or closes.
    pub(crate) async fn reads_on(&mut self, pause: Duration) -> String {
        while let Ok(Ok(count)) = timeout(pause, self.read.read_buf(&mut self.read_so_far)).await {
            if count == 0 {
                break;
            }
        }
        String::from_utf8_lossy(&std::mem::take(&mut self.read_so_far)).into_owned()
    }

    pub(crate) fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        (self.read, self.write)
    }
}
