//! The one road: an engine between two streams and the router.

mod end;
mod leg;
mod wake;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crosstalk_core::{
    Address, Bell, Engine, Event, Fault, HostPort, Input, MAX_PENDING, Now, Output, Side, TlsFacts,
    UnixMillis,
};
use tokio::time::Sleep;

use crate::connection::Way;
use crate::mail::{Handed, Mail, Mails};
use crate::policy::Asked;
use crate::router::Member;
use crate::shared::Shared;
use crate::stream::{Stream, settle};
use crate::tls::{self, Heard};

pub(crate) use end::End;
pub(crate) use leg::Leg;
use wake::Wake;

/// How long one side may go on after the other has ended.
const LINGER: Duration = Duration::from_secs(30);
/// How long a connection that is given up may take the rest of what is queued for it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A connection whose protocol is known.
pub(crate) struct Session {
    shared: Arc<Shared>,
    engine: Box<dyn Engine>,
    /// What wakes the engine from other connections.
    bell: Bell,
    out: Output,
    client: Leg,
    server: Leg,
    /// How servers are named in TLS, and by whom.
    peer: Peer,
    person: Option<Person>,
    /// Whether the engine goes on without a server where none can be reached.
    alone: bool,
    /// By when something must have happened for the session to go on.
    limit: Option<Instant>,
    ticked: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    /// Which of client, server and mail is asked first.
    turn: u8,
}

/// What a session knows about its server before and besides the stream.
pub(crate) struct Peer {
    /// How the client came in.
    way: Arc<Way>,
    /// The host that certificates are made for and checked against, unless the client names
    /// another in its hello.
    pub(crate) host: String,
    /// TLS from the first byte: how it was negotiated with the client, and what the engine
    /// is told of it.
    pub(crate) tls: Option<Box<tls::Hello>>,
    /// The two facts of that TLS.
    pub(crate) facts: Vec<(Side, TlsFacts)>,
    /// A connection made ahead of [`Event::Dial`], and to where.
    pub(crate) ready: Option<Box<(HostPort, Stream, TlsFacts)>>,
    /// The names that the server has proven: the one that was resolved, and those that its TLS
    /// was verified for. `None` where the operator knows it for the network's.
    pub(crate) proven: Option<Vec<String>>,
}

impl Peer {
    /// What is known of the server at `host` of a client that came in by `way`.
    pub(crate) fn new(way: Arc<Way>, host: &HostPort) -> Self {
        let host = host.host.clone();
        Self { way, host, tls: None, facts: Vec::new(), ready: None, proven: None }
    }

    /// What the policy is asked for a server that the engine wants: what the client may have.
    fn asks(&self) -> Asked<'_> {
        match &*self.way {
            Way::Proxy(proxy) => Asked::Proxy(&proxy.allow),
            Way::Transparent => Asked::Transparent,
            Way::Direct { .. } => Asked::Engine,
        }
    }

    /// The server's TLS was verified for `host`.
    pub(crate) fn prove(&mut self, host: &str) {
        self.proven.iter_mut().for_each(|proven| proven.push(host.to_owned()));
    }

    /// Whether the server may say that it accepted `user`: where anybody can have a server, it
    /// speaks for its own domain.
    fn may_accept(&self, user: &Address) -> bool {
        let (Some(proven), Some((_, domain))) = (&self.proven, user.local().rsplit_once('@'))
        else {
            return true;
        };
        proven.iter().any(|host| {
            let host = host.strip_suffix('.').unwrap_or(host).to_lowercase();
            let front = host.strip_suffix(domain);
            front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
        })
    }
}

/// The person behind the client, once the base server accepted it.
struct Person {
    user: Address,
    member: Member,
    mail: Mails,
    /// Deliveries that are done when that many bytes were written to the client.
    unconfirmed: VecDeque<(u64, Handed)>,
}

impl Session {
    /// A session of an engine with its bell; `server` is not connected in direct mode.
    pub(crate) fn new(
        shared: Arc<Shared>,
        (engine, bell): (Box<dyn Engine>, Bell),
        client: Leg,
        server: Leg,
        peer: Peer,
    ) -> Self {
        let limit = server.stream.is_none().then(|| Instant::now() + shared.undialled());
        Self {
            shared,
            engine,
            bell,
            out: Output::default(),
            client,
            server,
            peer,
            person: None,
            alone: false,
            limit,
            ticked: None,
            timer: None,
            turn: 0,
        }
    }

    /// Who signed in, if somebody did.
    pub(crate) fn user(&self) -> Option<&Address> {
        self.person.as_ref().map(|p| &p.user)
    }

    /// Drives the engine until the connection ends or there is nothing more to interpret; then
    /// the two legs hold what both sides should still get.
    pub(crate) async fn run(&mut self) -> End {
        let Err(end) = self.interpret().await;
        self.person = self.person.take().filter(|_| !matches!(end, End::Opaque(_)));
        match end {
            End::Opaque(_) => self.hand_over(),
            End::Fault(_) => Box::pin(self.write_rest()).await,
            _ => {}
        }
        end
    }

    async fn interpret(&mut self) -> Result<Infallible, End> {
        self.tell(Input::Start)?;
        for (side, facts) in std::mem::take(&mut self.peer.facts) {
            self.tell(Input::Encrypted(side, facts))?;
        }
        self.act().await?;
        for side in [Side::Client, Side::Server] {
            if !self.leg(side).inbox.is_empty() {
                self.tell_bytes(side)?;
                self.act().await?;
            }
            if self.leg(side).ended {
                self.tell_end(side).await?;
            }
        }
        loop {
            match poll_fn(|cx| self.poll_wake(cx)).await {
                Wake::Bytes(side) => self.tell_bytes(side)?,
                Wake::Ended(side) => {
                    self.limit.get_or_insert(Instant::now() + LINGER);
                    self.tell_end(side).await?;
                }
                Wake::Mail(mail) => self.tell_mail(*mail)?,
                Wake::Rung => self.tell(Input::Rung)?,
                Wake::Tick => self.tell(Input::Tick)?,
                Wake::Over(end) => return Err(end),
            }
            self.act().await?;
        }
    }

    fn tell(&mut self, input: Input<'_>) -> Result<(), End> {
        let result = self.engine.handle(now(), input, &mut self.out);
        result.map_err(|fault| self.at_fault(fault))
    }

    /// Tells the engine that a side ended, which may then leave it; else the other side is told.
    async fn tell_end(&mut self, side: Side) -> Result<(), End> {
        self.tell(Input::Closed(side))?;
        self.act().await?;
        let leg = self.leg(side);
        leg.known = leg.ended;
        Ok(())
    }

    /// Once somebody signed in, passing through would take the next foreign name to the server.
    fn at_fault(&self, fault: Fault) -> End {
        let ends = self.out.altered() || self.person.is_some();
        if ends { End::Fault(fault) } else { End::Opaque(Some(fault)) }
    }

    fn tell_bytes(&mut self, side: Side) -> Result<(), End> {
        let mut inbox = std::mem::take(&mut self.leg(side).inbox);
        let told = self.tell(Input::Bytes(side, &mut inbox));
        settle(&mut inbox);
        let too_much = inbox.len() > MAX_PENDING;
        self.leg(side).inbox = inbox;
        told?;
        if too_much {
            return Err(self.at_fault(Fault::new(side.blame(), "an unfinished frame is too long")));
        }
        Ok(())
    }

    fn tell_mail(&mut self, mail: Mail) -> Result<(), End> {
        match mail {
            Mail::Roster(roster) => self.tell(Input::Roster(roster)),
            Mail::Changed(contact) => self.tell(Input::Changed(contact)),
            Mail::Delivered(id) => self.tell(Input::Delivered(id)),
            Mail::Carbon(envelope) => self.tell(Input::Carbon(envelope)),
            Mail::Deliver(envelope, handed) => {
                if !handed.take() {
                    return Ok(());
                }
                self.tell(Input::Deliver(envelope))?;
                if let Some(held) = self.out.take_held() {
                    if let Some(person) = &self.person {
                        person.member.hold(held, handed);
                    }
                    return Ok(());
                }
                let queued: usize =
                    self.out.queue(Side::Client).iter().map(bytes::Bytes::len).sum();
                let outbox = &self.client.outbox;
                let until = outbox.written() + (outbox.waiting() + queued) as u64;
                if let Some(person) = &mut self.person {
                    person.unconfirmed.push_back((until, handed));
                }
                Ok(())
            }
        }
    }

    /// Does what the engine asked for, after a first attempt to write what it queued.
    async fn act(&mut self) -> Result<(), End> {
        poll_fn(|cx| self.poll_write_once(cx)).await;
        while let Some(event) = self.out.next_event() {
            match event {
                Event::Dial(to) => Box::pin(self.dial(to)).await?,
                Event::Alone => self.leave_server(),
                Event::Encrypt(side, host) => Box::pin(self.encrypt(side, host)).await?,
                Event::Opaque => return Err(End::Opaque(None)),
                Event::Advise(what) => self.shared.advise(what),
                Event::SignedIn { user, endpoint } => self.sign_in(user, endpoint)?,
                Event::Converse { user, endpoint, with } => self.converse(user, endpoint, with)?,
                Event::SignedOut => self.person = None,
                event @ (Event::Presence(_)
                | Event::Send(_)
                | Event::Roster(_)
                | Event::Unshown(_)) => {
                    if let Some(person) = &self.person {
                        person.member.take(event);
                    }
                }
            }
        }
        Ok(())
    }

    fn sign_in(&mut self, user: Address, endpoint: String) -> Result<(), End> {
        self.check(&user)?;
        let (member, mail) = self.shared.router.sign_in(user.clone(), endpoint);
        self.person = Some(Person { user, member, mail, unconfirmed: VecDeque::new() });
        Ok(())
    }

    fn converse(&mut self, user: Address, endpoint: String, with: Vec<Address>) -> Result<(), End> {
        self.check(&user)?;
        if let Some(person) = &self.person {
            person.member.talk_with(with);
            return Ok(());
        }
        let (member, mail) = self.shared.router.converse(user.clone(), endpoint, with);
        self.person = Some(Person { user, member, mail, unconfirmed: VecDeque::new() });
        Ok(())
    }

    /// Whether the server is one that may accept `user`.
    fn check(&self, user: &Address) -> Result<(), End> {
        if self.peer.may_accept(user) {
            return Ok(());
        }
        let what = format!("it is not known to be a server of {user}: name it in `hosts`");
        Err(self.at_fault(Fault::server(what)))
    }

    /// From now on there is only the client, until the engine asks for a server again. Nothing
    /// can pass through.
    fn leave_server(&mut self) {
        self.out.withhold();
        self.alone = true;
        let received = self.server.received;
        self.server = Leg::default();
        self.server.received = received;
        self.limit = None;
    }

    async fn dial(&mut self, to: HostPort) -> Result<(), End> {
        if self.server.stream.is_some() {
            return Err(End::Fault(Fault::gateway("a second server was asked for")));
        }
        let ready = self.peer.ready.take().filter(|ready| ready.0 == to);
        let stream = if let Some((_, stream, facts)) = ready.map(|ready| *ready) {
            self.tell(Input::Encrypted(Side::Server, facts))?;
            stream
        } else {
            let tcp = match self.shared.dialer.dial(self.peer.asks(), &to).await {
                Ok(dialled) => dialled.tcp,
                Err(failed) if self.alone => {
                    tracing::info!(%to, %failed, "no server for a conversation");
                    self.leave_server();
                    return self.tell(Input::Closed(Side::Server));
                }
                Err(failed) => return Err(End::Fault(failed.fault(&to))),
            };
            match &self.peer.tls {
                None => Stream::Plain(tcp),
                Some(hello) => {
                    let (stream, facts) =
                        self.shared.tls.connect(tcp, hello).await.map_err(End::Fault)?;
                    self.tell(Input::Encrypted(Side::Server, facts))?;
                    stream
                }
            }
        };
        self.server.stream = Some(stream);
        self.limit = None;
        Ok(())
    }

    /// Starts TLS on one side, after everything queued for it so far.
    async fn encrypt(&mut self, side: Side, host: Option<String>) -> Result<(), End> {
        self.write_all(side).await?;
        let shared = Arc::clone(&self.shared);
        self.peer.host = host.unwrap_or_else(|| std::mem::take(&mut self.peer.host));
        let host = self.peer.host.clone();
        let leg = self.leg(side);
        let Some(Stream::Plain(tcp)) = leg.stream.take() else {
            return Err(End::Fault(Fault::gateway("TLS was asked for twice, or too early")));
        };
        let early = std::mem::take(&mut leg.inbox);
        let handshake = match side {
            Side::Client => match shared.tls.hear(tcp, early, &host).await {
                Ok(Heard::Hello(opening)) => {
                    self.peer.host.clone_from(&opening.hello.host);
                    shared.tls.accept(opening, None).await
                }
                Ok(Heard::Other(..)) => Err(Fault::client("it asked for TLS and did not begin it")),
                Err(fault) => Err(fault),
            },
            Side::Server if early.is_empty() => {
                shared.tls.connect(tcp, &tls::Hello { host, alpn: Vec::new() }).await
            }
            Side::Server => Err(Fault::server("it spoke between STARTTLS and TLS")),
        };
        let (stream, facts) = handshake.map_err(End::Fault)?;
        if side == Side::Server {
            let verified = self.peer.host.clone();
            self.peer.prove(&verified);
        }
        self.leg(side).stream = Some(stream);
        self.tell(Input::Encrypted(side, facts))
    }

    /// The two sides, client first, for those who carry on without an engine.
    pub(crate) fn into_legs(self) -> Box<(Leg, Leg)> {
        Box::new((self.client, self.server))
    }

    fn leg(&mut self, side: Side) -> &mut Leg {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Leaves what the engine queued to those who carry on without it.
    fn hand_over(&mut self) {
        for side in [Side::Client, Side::Server] {
            let queue = std::mem::take(self.out.queue(side));
            for piece in &queue {
                self.leg(side).outbox.push(piece);
            }
        }
    }
}

/// The present.
fn now() -> Now {
    Now { instant: Instant::now(), wall: UnixMillis::from(SystemTime::now()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_can_be_anywhere_speaks_for_its_own_domain_only() {
        let peer = |proven: Option<&[&str]>| {
            let mut peer = Peer::new(Arc::new(Way::Transparent), &HostPort::new("host.test", 1));
            peer.proven = proven.map(|hosts| hosts.iter().map(|h| (*h).to_owned()).collect());
            peer
        };
        let ann: Address = "ann@chat.test@jabber".parse().unwrap();
        for (proven, may) in [
            (Some(&["chat.test"][..]), true),
            (Some(&["XMPP.Chat.test."]), true),
            (Some(&["192.0.2.1", "chat.test"]), true),
            (Some(&["evil.test"]), false),
            (Some(&["evilchat.test"]), false),
            (Some(&["test"]), false),
            (Some(&["192.0.2.1"]), false),
            (None, true),
        ] {
            assert_eq!(peer(proven).may_accept(&ann), may, "{proven:?}");
        }
        let alice: Address = "alice@aol".parse().unwrap();
        assert!(peer(Some(&["aim.test"])).may_accept(&alice));
    }
}
