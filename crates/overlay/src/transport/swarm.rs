//! The transport: libp2p over TCP with Noise and Yamux, one stream for each pair of gateways.
//!
//! Both ends of a pair dial until they are connected; the one with the lower id then opens the
//! stream. Only members get past the handshake, which proves their key.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crosstalk_core::{Blame, HostPort};
use futures::StreamExt as _;
use libp2p_allow_block_list::AllowedPeers;
use libp2p_connection_limits::ConnectionLimits;
use libp2p_core::multiaddr::Multiaddr;
use libp2p_core::transport::Transport as _;
use libp2p_core::upgrade::Version;
use libp2p_identity::{Keypair, PeerId};
use libp2p_stream::{Control, IncomingStreams};
use libp2p_swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p_swarm::{NetworkBehaviour, Stream, StreamProtocol, Swarm, SwarmEvent};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::compat::FuturesAsyncReadCompatExt as _;
use tokio_util::sync::CancellationToken;

use crate::common::log_limiter::LogLimiter;
use crate::errors::Error;
use crate::hub::Hub;
use crate::transport::addresses::{error_text, look_up, multiaddr, root, socket_addr};
use crate::transport::link::{self, Greeting, Left};
use crate::transport::peer::{FIRST_WAIT, LAST_WAIT, Peer, jitter, wait};

const PROTOCOL: StreamProtocol = StreamProtocol::new("/crosstalk/overlay/1");
/// Longest time for a TCP connection to be authenticated.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest time of a connection without a stream.
const IDLE: Duration = Duration::from_secs(15);
/// The most connections that strangers may be shaking hands on.
const MAX_HANDSHAKES: u32 = 64;
/// The most streams of one peer at a time: its link, and others that take its place.
const MAX_STREAMS: usize = 4;

#[derive(NetworkBehaviour)]
#[behaviour(prelude = "libp2p_swarm::derive_prelude")]
struct Behaviour {
    members: libp2p_allow_block_list::Behaviour<AllowedPeers>,
    limits: libp2p_connection_limits::Behaviour,
    streams: libp2p_stream::Behaviour,
}

/// The transport of one gateway.
pub(crate) struct Net {
    hub: Arc<Hub>,
    swarm: Swarm<Behaviour>,
    control: Control,
    incoming: IncomingStreams,
    greeting: Arc<Greeting>,
    peers: HashMap<PeerId, Peer>,
    links: JoinSet<(PeerId, Left)>,
    lookups: JoinSet<(PeerId, Vec<Multiaddr>)>,
    listening: watch::Sender<Vec<SocketAddr>>,
    violations: LogLimiter,
}

impl Net {
    /// Listens on `listen`, and is ready to [run](Self::run).
    pub(crate) fn new(
        hub: Arc<Hub>,
        key: &Keypair,
        listen: &[SocketAddr],
        advertise: &[HostPort],
    ) -> Result<Self, Error> {
        let mut swarm = make_swarm(key)?;
        for address in listen {
            let multiaddr = multiaddr(address);
            let listened = swarm.listen_on(multiaddr);
            listened.map_err(|e| Error::Listen { address: *address, why: root(&e) })?;
        }
        let mut control = swarm.behaviour().streams.new_control();
        let incoming = control.accept(PROTOCOL).map_err(|e| Error::Network(e.to_string()))?;
        let advertise = advertise.iter().map(ToString::to_string).collect();
        Ok(Self {
            hub,
            swarm,
            control,
            incoming,
            greeting: Arc::new(Greeting::new(advertise)),
            peers: HashMap::new(),
            links: JoinSet::new(),
            lookups: JoinSet::new(),
            listening: watch::Sender::new(Vec::new()),
            violations: LogLimiter::default(),
        })
    }

    /// The addresses listened on, as they become known.
    pub(crate) fn listening(&self) -> watch::Receiver<Vec<SocketAddr>> {
        self.listening.subscribe()
    }

    /// Keeps a link to every member until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let now = Instant::now();
        let mut members = self.hub.members.subscribe();
        // So that the first turn follows the members there are.
        members.mark_changed();
        loop {
            let due = self.peers.values().filter_map(|peer| peer.try_at).min();
            tokio::select! {
                () = stop.cancelled() => return,
                Ok(()) = members.changed() => self.follow(),
                event = self.swarm.select_next_some() => self.on_event(event),
                Some((peer, stream)) = self.incoming.next() => self.on_stream(peer, stream),
                Some(Ok((peer, left))) = self.links.join_next() => self.on_left(peer, left),
                Some(Ok((peer, at))) = self.lookups.join_next() => self.dial(peer, at),
                () = sleep_until(due.unwrap_or(now)), if due.is_some() => self.try_due(),
            }
        }
    }

    /// Lets in and dials who belongs now, and nobody else.
    fn follow(&mut self) {
        let members = self.hub.members.borrow().clone();
        let listed = members.others().filter_map(|m| Some((m.member.id.peer_id()?, m.member)));
        let listed: HashMap<_, _> = listed.collect();
        let gone: Vec<_> =
            self.peers.keys().filter(|peer| !listed.contains_key(peer)).copied().collect();
        for peer in gone {
            self.peers.remove(&peer);
            self.swarm.behaviour_mut().members.disallow_peer(peer);
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        for (peer_id, member) in listed {
            if let Some(peer) = self.peers.get_mut(&peer_id) {
                peer.configured = member.addresses;
                continue;
            }
            self.swarm.behaviour_mut().members.allow_peer(peer_id);
            let mut peer = Peer::new(member.id, member.addresses);
            // The lower has the first try, so that the two rarely meet half way.
            let wait = if self.hub.own < member.id { Duration::ZERO } else { jitter(FIRST_WAIT) };
            peer.try_at = Some(Instant::now() + wait);
            self.peers.insert(peer_id, peer);
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening for other gateways");
                let address = socket_addr(&address);
                self.listening.send_modify(|all| all.extend(address));
            }
            SwarmEvent::ConnectionEstablished { peer_id, .. } => self.open_stream(peer_id),
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.retry(peer_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                tracing::debug!(%peer, "cannot connect: {error}");
                self.retry(peer);
            }
            SwarmEvent::IncomingConnectionError { send_back_addr, error, peer_id, .. } => {
                self.hub.count_stranger();
                if let Some(skipped) = self.violations.due(Instant::now().into_std()) {
                    let (from, peer) = (send_back_addr, peer_id.map(tracing::field::display));
                    let why = error_text(&error);
                    tracing::warn!(%from, peer, skipped, "refused, {}: {why}", Blame::Peer);
                }
            }
            SwarmEvent::ListenerError { error, .. } => {
                tracing::error!("{}: cannot listen for other gateways: {error}", Blame::Gateway);
            }
            SwarmEvent::ListenerClosed { reason: Err(error), .. } => {
                tracing::error!("{}: no longer listening: {error}", Blame::Gateway);
            }
            _ => {}
        }
    }

    /// On a connection of either side's making, the lower of the pair opens the stream.
    fn open_stream(&mut self, peer_id: PeerId) {
        let own = self.hub.own;
        let Some(peer) = self.peers.get_mut(&peer_id) else { return };
        if peer.is_barred() {
            let _ = self.swarm.disconnect_peer_id(peer_id);
            return;
        }
        peer.try_at = None;
        // By the ids, lest both open one and each takes the other's for the link.
        if own > peer.id || peer.streams > 0 {
            return;
        }
        peer.streams += 1;
        let (hub, id, greeting) = (self.hub.clone(), peer.id, self.greeting.clone());
        let mut control = self.control.clone();
        self.links.spawn(async move {
            let left = match control.open_stream(peer_id, PROTOCOL).await {
                Ok(stream) => link::run(hub, id, stream.compat(), greeting).await,
                Err(error) => {
                    tracing::debug!(peer = %peer_id, "cannot open a stream: {error}");
                    Left::default()
                }
            };
            (peer_id, left)
        });
    }

    /// The lower of a pair opened a stream to us.
    fn on_stream(&mut self, peer_id: PeerId, stream: Stream) {
        let own = self.hub.own;
        let Some(peer) = self.peers.get_mut(&peer_id) else { return };
        if peer.is_barred() {
            return;
        }
        if own < peer.id || peer.streams >= MAX_STREAMS {
            tracing::warn!(peer = %peer_id, "{}: a stream that is not its to open", Blame::Peer);
            return;
        }
        peer.streams += 1;
        let (hub, id, greeting) = (self.hub.clone(), peer.id, self.greeting.clone());
        self.links
            .spawn(async move { (peer_id, link::run(hub, id, stream.compat(), greeting).await) });
    }

    fn on_left(&mut self, peer_id: PeerId, left: Left) {
        let Some(peer) = self.peers.get_mut(&peer_id) else { return };
        peer.streams = peer.streams.saturating_sub(1);
        if left.was_up {
            peer.told = left.addresses;
        }
        if left.at_fault {
            peer.barred = Some(Instant::now() + wait(peer.faults));
            peer.faults = peer.faults.saturating_add(1);
        } else if left.was_up {
            peer.failures = 0;
            // Whoever breaks the rules could end a link at once, too, and wait as if for the first
            // time; and where a link breaks the fault may not have been read.
            if left.lasted >= LAST_WAIT {
                peer.faults = 0;
            }
        }
        if peer.streams == 0 {
            // A fresh connection for a fresh link: nothing of the old one lingers.
            let _ = self.swarm.disconnect_peer_id(peer_id);
            self.retry(peer_id);
        }
    }

    /// Sets the next attempt, unless one is set.
    fn retry(&mut self, peer_id: PeerId) {
        let Some(peer) = self.peers.get_mut(&peer_id) else { return };
        if peer.streams == 0 && peer.try_at.is_none() {
            let wait = wait(peer.failures);
            peer.failures = peer.failures.saturating_add(1);
            peer.try_at = Some(Instant::now() + jitter(wait)).max(peer.barred);
        }
    }

    fn try_due(&mut self) {
        let now = Instant::now();
        let due = |peer: &Peer| peer.try_at.is_some_and(|at| at <= now);
        let ids: Vec<_> = self.peers.iter().filter(|(_, p)| due(p)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            peer.try_at = None;
            if self.swarm.is_connected(&id) {
                self.open_stream(id);
            } else {
                let present = self.hub.addresses(&peer.id);
                let at: Vec<_> =
                    present.iter().chain(&peer.configured).chain(&peer.told).cloned().collect();
                self.lookups.spawn(async move { (id, look_up(&at).await) });
            }
        }
    }

    fn dial(&mut self, peer: PeerId, at: Vec<Multiaddr>) {
        // Where there is no address, the other side has to dial; look again in a while.
        let dialled = !at.is_empty() && {
            let options = DialOpts::peer_id(peer).addresses(at).allocate_new_port();
            self.swarm.dial(options.condition(PeerCondition::DisconnectedAndNotDialing).build())
        }
        .is_ok();
        if !dialled {
            self.retry(peer);
        }
    }
}

fn make_swarm(key: &Keypair) -> Result<Swarm<Behaviour>, Error> {
    let noise = libp2p_noise::Config::new(key).map_err(|e| Error::Network(e.to_string()))?;
    let tcp = libp2p_tcp::Config::default().nodelay(true);
    let transport = libp2p_tcp::tokio::Transport::new(tcp)
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(libp2p_yamux::Config::default())
        .timeout(HANDSHAKE)
        .boxed();
    let behaviour = Behaviour {
        members: libp2p_allow_block_list::Behaviour::default(),
        limits: libp2p_connection_limits::Behaviour::new(
            ConnectionLimits::default()
                .with_max_pending_incoming(Some(MAX_HANDSHAKES))
                .with_max_established_per_peer(Some(MAX_STREAMS as u32)),
        ),
        streams: libp2p_stream::Behaviour::new(),
    };
    let config = libp2p_swarm::Config::with_tokio_executor().with_idle_connection_timeout(IDLE);
    Ok(Swarm::new(transport, behaviour, key.public().to_peer_id(), config))
}

#[cfg(test)]
#[path = "swarm_tests.rs"]
mod tests;
