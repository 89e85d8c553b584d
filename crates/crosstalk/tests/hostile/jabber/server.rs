//! A server that believes every password, and is honest in everything else: it says who somebody
//! is by the name they authenticated, and relays what they send under that name.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::client::{BIND, PORT, ROOM, SM};
use super::cut::{Piece, attribute, between, name, next, stamped};

/// The most that waits for one client.
const QUEUE: usize = 1024;

const OFFER: &str = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                     <mechanism>PLAIN</mechanism></mechanisms></stream:features>";

/// A server of one domain. Dropped, it cuts its connections.
pub(crate) struct Server {
    at: SocketAddr,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct World {
    /// By full JID.
    sessions: HashMap<String, mpsc::Sender<String>>,
    /// Resumable sessions by their stream management id (XEP-0198): the full JID and the count of
    /// stanzas.
    resumable: HashMap<String, (String, Arc<Mutex<u32>>)>,
    /// Number of ids given out.
    ids: u32,
}

/// One connection.
struct Session {
    domain: &'static str,
    world: Arc<Mutex<World>>,
    line: mpsc::Sender<String>,
    user: Option<String>,
    full: Option<String>,
    /// Number of stanzas that came since counting began.
    taken: Option<Arc<Mutex<u32>>>,
}

impl Server {
    /// Serves a domain at its usual port.
    pub(crate) fn start((domain, ip): (&'static str, [u8; 4])) -> Self {
        Self::at(domain, SocketAddr::from((Ipv4Addr::from(ip), PORT)))
    }

    /// Serves a domain from somewhere.
    pub(crate) fn at(domain: &'static str, at: SocketAddr) -> Self {
        let listener = listen(at);
        let world = Arc::new(Mutex::new(World::default()));
        let accepting = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let world = Arc::clone(&world);
                tasks.spawn(serve(domain, world, stream));
                while tasks.try_join_next().is_some() {}
            }
        });
        Self { at, accepting }
    }

    pub(crate) const fn addr(&self) -> SocketAddr {
        self.at
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A listener with room for many who come at once.
pub(crate) fn listen(at: SocketAddr) -> TcpListener {
    const BACKLOG: u32 = 4096;
    let socket = TcpSocket::new_v4().unwrap();
    // Those that are accepted have it too.
    socket.set_send_buffer_size(ROOM).unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(at).unwrap();
    socket.listen(BACKLOG).unwrap()
}

async fn serve(domain: &'static str, world: Arc<Mutex<World>>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let (mut read, write) = stream.into_split();
    let (line, lines) = mpsc::channel(QUEUE);
    let writing = tokio::spawn(write_all(write, lines));
    let mut session = Session { domain, world, line, user: None, full: None, taken: None };
    let mut text = Vec::new();
    'reading: while matches!(read.read_buf(&mut text).await, Ok(count) if count > 0) {
        while let Some(piece) = next(&mut text) {
            let going_on = match piece {
                Piece::Open(_) => session.open().await,
                Piece::Element(element) => session.take(&element).await,
                Piece::Close => false,
            };
            if !going_on {
                break 'reading;
            }
        }
    }
    session.leave();
    writing.abort();
}

async fn write_all(mut write: OwnedWriteHalf, mut lines: mpsc::Receiver<String>) {
    while let Some(line) = lines.recv().await {
        if write.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

impl Session {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether the connection goes on.
    async fn say(&self, text: String) -> bool {
        self.line.send(text).await.is_ok()
    }

    async fn open(&self) -> bool {
        let offer = match self.user {
            Some(_) => format!(
                "<stream:features><bind xmlns='{BIND}'/><sm xmlns='{SM}'/></stream:features>"
            ),
            None => OFFER.into(),
        };
        self.say(format!(
            "<?xml version='1.0'?><stream:stream from='{}' id='s' xmlns='jabber:client' \
             xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>{offer}",
            self.domain
        ))
        .await
    }

    async fn take(&mut self, element: &str) -> bool {
        let is_stanza = matches!(name(element), "iq" | "message" | "presence");
        if let Some(taken) = self.taken.as_ref().filter(|_| is_stanza) {
            *taken.lock().unwrap() += 1;
        }
        match name(element) {
            "auth" => {
                let secret = between(element, ">", "</auth>").unwrap_or_default();
                let secret = STANDARD.decode(secret).unwrap_or_default();
                let user = secret.split(|b| *b == 0).nth(1).unwrap_or_default();
                self.user = Some(String::from_utf8_lossy(user).into_owned());
                self.say("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>".into()).await
            }
            "enable" => self.enable().await,
            "resume" => self.resume(element).await,
            "r" => {
                let taken = self.taken.as_ref().map_or(0, |taken| *taken.lock().unwrap());
                self.say(format!("<a xmlns='{SM}' h='{taken}'/>")).await
            }
            _ if !is_stanza => true,
            _ => match attribute(element, "to").filter(|to| *to != self.domain) {
                Some(to) => self.relay(element, to),
                None if name(element) == "iq" => self.answer(element).await,
                None => true,
            },
        }
    }

    /// Brings a stanza to whom it is for, under the name of who sent it; to nobody if they are
    /// not there.
    fn relay(&self, element: &str, to: &str) -> bool {
        let Some(full) = &self.full else { return true };
        let line = {
            let world = self.world();
            let of = |session: &&String| *session == to || session.split('/').next() == Some(to);
            let found = world.sessions.keys().find(of).and_then(|full| world.sessions.get(full));
            found.cloned()
        };
        if let Some(line) = line {
            let _ = line.try_send(stamped(element, "from", full));
        }
        true
    }

    async fn answer(&mut self, iq: &str) -> bool {
        let id = attribute(iq, "id").map(|id| format!(" id='{id}'")).unwrap_or_default();
        let kind = attribute(iq, "type").unwrap_or_default();
        if matches!(kind, "result" | "error") {
            return true;
        }
        if kind == "set" && iq.contains(BIND) && self.full.is_none() {
            let resource = between(iq, "<resource>", "</resource>").unwrap_or("made-up");
            let Some(user) = &self.user else { return false };
            let full = format!("{user}@{}/{resource}", self.domain);
            self.world().sessions.insert(full.clone(), self.line.clone());
            let answer =
                format!("<iq{id} type='result'><bind xmlns='{BIND}'><jid>{full}</jid></bind></iq>");
            self.full = Some(full);
            return self.say(answer).await;
        }
        if iq.contains("jabber:iq:roster") {
            return self
                .say(format!("<iq{id} type='result'><query xmlns='jabber:iq:roster'/></iq>"))
                .await;
        }
        // As RFC 6120, 8.3.1 allows, the error has what was asked in it.
        let content = between(iq, ">", "</iq>").unwrap_or_default();
        self.say(format!(
            "<iq{id} type='error'>{content}<error type='cancel'><service-unavailable \
             xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        ))
        .await
    }

    /// Stream management (XEP-0198): from here on stanzas are counted.
    async fn enable(&mut self) -> bool {
        let Some(full) = self.full.clone() else { return false };
        let taken = Arc::new(Mutex::new(0));
        self.taken = Some(Arc::clone(&taken));
        let id = {
            let mut world = self.world();
            world.ids += 1;
            let id = format!("sm{}", world.ids);
            world.resumable.insert(id.clone(), (full, taken));
            id
        };
        self.say(format!("<enabled xmlns='{SM}' id='{id}' resume='true' max='3600'/>")).await
    }

    /// A session is resumed by whose it is and by nobody else.
    async fn resume(&mut self, element: &str) -> bool {
        let id = attribute(element, "previd").unwrap_or_default();
        let session = self.world().resumable.get(id).cloned();
        let own = format!("{}@{}/", self.user.as_deref().unwrap_or_default(), self.domain);
        match session.filter(|(full, _)| full.starts_with(&own)) {
            Some((full, taken)) => {
                let h = *taken.lock().unwrap();
                self.world().sessions.insert(full.clone(), self.line.clone());
                (self.full, self.taken) = (Some(full), Some(taken));
                self.say(format!("<resumed xmlns='{SM}' previd='{id}' h='{h}'/>")).await
            }
            None => {
                self.say(format!(
                    "<failed xmlns='{SM}'><item-not-found \
                     xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
                ))
                .await
            }
        }
    }

    fn leave(&self) {
        let Some(full) = &self.full else { return };
        let mut world = self.world();
        if world.sessions.get(full).is_some_and(|line| line.same_channel(&self.line)) {
            world.sessions.remove(full);
        }
    }
}
