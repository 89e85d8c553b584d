//! Opening of a connection: its target and its protocol, found after it is accepted.

use std::sync::Arc;

use bytes::BytesMut;
use crosstalk_core::{Fault, HostPort, NetworkId, Side, TlsFacts, Via};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::report::Report;
use super::{OpenError, Opened};
use crate::client_origin::ClientOrigin;
use crate::config::{Limits, NetworkConfig, Proxy};
use crate::connection_permits::ConnectionPermit;
use crate::dial::Dialled;
use crate::ingress::Ingress;
use crate::ingress::{HandshakeError, greet, original_destination};
use crate::memory::OpenEntry;
use crate::policy::Asked;
use crate::session::{Endpoint, Peer, Session, Unnamed};
use crate::shared::{Interpreter, Shared};
use crate::sniff::{Recognised, first_of_client, recognise};
use crate::stream::{self, Stream};
use crate::tls::{self, Heard, Hello, Opening};

/// The name of HTTP/2 in the hello of TLS.
const HTTP_2: &[u8] = b"h2";

/// Finds out what a new connection is.
pub(super) async fn open(
    shared: &Arc<Shared>,
    way: &Arc<Ingress>,
    tcp: TcpStream,
    (permit, memory): (&mut ConnectionPermit, &OpenEntry),
    report: &mut Report,
) -> Result<Opened, OpenError> {
    // A small message must not wait for the acknowledgement of the one before.
    tcp.set_nodelay(true).map_err(|_| OpenError::Gone)?;
    match &**way {
        Ingress::Proxy(proxy) => {
            let (client, server, target) =
                by_proxy(shared, proxy, tcp, (&mut permit.origin, memory), report).await?;
            let peer = Peer::new(way, permit, &target);
            across(shared, memory, peer, client, server, (target, report)).await
        }
        Ingress::Transparent => {
            let target = original_destination(&tcp)
                .map_err(|_| Fault::client("no firewall redirected it here"))?;
            let target = HostPort::new(target.ip().to_canonical().to_string(), target.port());
            report.target = Some(target.clone());
            let server = shared.dialer.dial(&permit.origin, Asked::Transparent, &target).await;
            let server = server.map_err(|e| e.fault(&target))?;
            let client = Endpoint::new(Stream::Plain(tcp), BytesMut::new());
            let peer = Peer::new(way, permit, &target);
            across(shared, memory, peer, client, server, (target, report)).await
        }
        Ingress::Direct { network, upstream, advertise, .. } => {
            report.network = Some(network.clone());
            let via = Via::Direct { upstream: upstream.clone(), advertise: advertise.clone() };
            let peer = Peer::new(way, permit, upstream);
            direct(shared, memory, peer, (network, via, upstream), tcp).await
        }
    }
}

/// Hears a proxy client's request and connects it.
async fn by_proxy(
    shared: &Shared,
    proxy: &Proxy,
    mut tcp: TcpStream,
    (origin, memory): (&mut ClientOrigin, &OpenEntry),
    report: &mut Report,
) -> Result<(Endpoint, Dialled, HostPort), OpenError> {
    let patience = shared.config.limits.handshake;
    let request = match timeout(patience, greet(&mut tcp, &proxy.users)).await {
        Ok(Ok(request)) => request,
        Ok(Err(HandshakeError::Gone)) => return Err(OpenError::Gone),
        Ok(Err(HandshakeError::Refused(why))) => return Err(Fault::client(why).into()),
        Err(_) => return Err(Fault::client("it took too long to ask for a host").into()),
    };
    if let Some(user) = &request.user {
        memory.pays(user);
    }
    origin.user = request.user;
    // Charged while the server is dialled, which takes as long as the server pleases.
    let mut early = memory.entry().charge();
    early.set(request.early.capacity());
    report.came_by(request.protocol.name());
    report.target = Some(request.target.clone());
    let dialled = shared.dialer.dial(origin, Asked::Proxy(&proxy.allow), &request.target).await;
    // The client is told also of a failure, in its protocol's words, before the connection ends.
    let told = request.protocol.answer(&mut tcp, dialled.as_ref().map(|_| ())).await;
    let server = dialled.map_err(|e| e.fault(&request.target))?;
    told.map_err(|_| OpenError::Gone)?;
    Ok((Endpoint::new(Stream::Plain(tcp), request.early), server, request.target))
}

/// Finds out what two connected sides speak, under TLS where that ends here.
async fn across(
    shared: &Arc<Shared>,
    memory: &OpenEntry,
    mut peer: Peer,
    mut client: Endpoint,
    server: Dialled,
    (target, report): (HostPort, &mut Report),
) -> Result<Opened, OpenError> {
    let known = server.network;
    let mut server = Endpoint::new(Stream::Plain(server.tcp), BytesMut::new());
    let Limits { handshake, sniff, .. } = shared.config.limits;
    peer.unnamed = Some(Box::new(Unnamed::new(target.clone())));
    let mut recognised = recognise(&mut client, &mut server, handshake, sniff).await;
    if let Recognised::Tls = recognised {
        let place = (known.as_ref(), &target);
        let tls = terminate(shared, memory, &mut client, &mut server, (&mut peer, place)).await?;
        let Some(facts) = tls else {
            return Ok(Opened::Opaque(Box::new((client, server))));
        };
        peer.facts = facts;
        recognised = recognise(&mut client, &mut server, handshake, sniff).await;
    }
    let network = match recognised {
        Recognised::Network(protocol) => shared.network_of(protocol, known.as_ref(), &target),
        Recognised::Unclear => shared.network_at(known.as_ref(), target.port),
        Recognised::Tls => return Ok(Opened::Opaque(Box::new((client, server)))),
        Recognised::Unknown => None,
        Recognised::Nothing => {
            return Err(Fault::client("neither it nor its server said anything").into());
        }
    };
    let Some(network) = network else {
        let Some(watch) = shared.watch(known.as_ref(), &target, false) else {
            return Ok(Opened::Opaque(Box::new((client, server))));
        };
        return Ok(session(shared, memory, watch, (client, server), peer));
    };
    report.network = Some(network.id.clone());
    // A server that the operator named may speak for everybody of its network; any other has to
    // show for whom it speaks.
    peer.unnamed = peer.unnamed.filter(|_| !network.is_named(&target));
    let via = Via::Proxy { dialled: target };
    Ok(interpreted(shared, memory, network, via, (client, server), peer))
}

/// Ends the client's TLS here and starts the same with the server, if it is for a host whose TLS
/// ends here.
async fn terminate(
    shared: &Shared,
    memory: &OpenEntry,
    client: &mut Endpoint,
    server: &mut Endpoint,
    (peer, place): (&mut Peer, (Option<&NetworkId>, &HostPort)),
) -> Result<Option<Vec<(Side, TlsFacts)>>, OpenError> {
    // A server that spoke first spoke in clear: what the client begins then is no TLS with it.
    if !shared.tls.terminates_any() || !server.inbox.is_empty() {
        return Ok(None);
    }
    let (Some(Stream::Plain(tcp)), Some(Stream::Plain(server_tcp))) =
        (client.stream.take(), server.stream.take())
    else {
        return Err(Fault::gateway("TLS within TLS").into());
    };
    let mut handshake = memory.entry().charge();
    handshake.set(stream::TLS);
    let early = std::mem::take(&mut client.inbox);
    let _handshake = shared.tls.handshake(&peer.origin).await?;
    let (tcp, early) = match shared.tls.hear(tcp, early, &peer.host).await? {
        Heard::Hello(mut opening)
            if shared.tls.terminates(&opening.hello.host)
                && !is_web(shared, &opening.hello, place.0) =>
        {
            if !shared.config.refused_at(place.0, place.1).is_empty() {
                // What must not pass unread could not be told in it.
                opening.hello.alpn.retain(|protocol| protocol != HTTP_2);
            }
            return begin_tls(shared, client, opening, server, server_tcp, peer).await.map(Some);
        }
        Heard::Hello(opening) => opening.undo(),
        Heard::Other(tcp, early) => (tcp, early),
    };
    *client = Endpoint::new(Stream::Plain(tcp), early);
    server.stream = Some(Stream::Plain(server_tcp));
    Ok(None)
}

/// Whether a client asks for pages or files of a domain whose chat ends here: nothing in them is
/// ours, and it trusts their certificates by other ways. A host that is terminated by its own name
/// is meant to be.
fn is_web(shared: &Shared, hello: &Hello, known: Option<&NetworkId>) -> bool {
    let offers = |of: &[u8]| hello.alpn.iter().any(|protocol| protocol == of);
    let network = known.and_then(|id| shared.config.networks.get(id));
    let by_domain = network.is_none_or(|n| !n.protocol.services().is_empty());
    let web = (offers(HTTP_2) || offers(b"http/1.1")) && !offers(b"xmpp-client");
    web && by_domain && !shared.config.tls.names(&hello.host)
}

/// Starts TLS with the server as the client asked for it, and then with the client as the server
/// chose.
async fn begin_tls(
    shared: &Shared,
    client: &mut Endpoint,
    opening: Box<Opening>,
    server: &mut Endpoint,
    server_tcp: TcpStream,
    peer: &mut Peer,
) -> Result<Vec<(Side, TlsFacts)>, OpenError> {
    let (stream, server_facts) = match shared.tls.connect(server_tcp, &opening.hello).await {
        Ok(connected) => connected,
        Err(fault) => {
            // An alert tells the client more than a connection that ends.
            shared.tls.refuse(opening).await;
            return Err(fault.into());
        }
    };
    peer.host.clone_from(&opening.hello.host);
    peer.prove(&peer.host.clone());
    let alpn = stream.alpn();
    peer.tls =
        Some(Box::new(Hello { host: peer.host.clone(), alpn: alpn.iter().cloned().collect() }));
    server.stream = Some(stream);
    let (stream, client_facts) = shared.tls.accept(opening, &peer.host, alpn).await?;
    client.stream = Some(stream);
    Ok(vec![(Side::Client, client_facts), (Side::Server, server_facts)])
}

/// A client that takes us for its server. What it says first is waited for only where that may
/// be TLS that ends here, since some clients wait for the server.
async fn direct(
    shared: &Arc<Shared>,
    memory: &OpenEntry,
    mut peer: Peer,
    (network, via, upstream): (&NetworkId, Via, &HostPort),
    tcp: TcpStream,
) -> Result<Opened, OpenError> {
    let mut client = Endpoint::new(Stream::Plain(tcp), BytesMut::new());
    if shared.tls.terminates(&upstream.host) {
        first_of_client(&mut client, shared.config.limits.sniff).await;
    }
    if tls::is_hello(&client.inbox) {
        let dialled = shared.dialer.dial(&peer.origin, Asked::Engine, upstream).await;
        let tcp = dialled.map_err(|e| e.fault(upstream))?.tcp;
        let mut server = Endpoint::new(Stream::Plain(tcp), BytesMut::new());
        let place = (Some(network), upstream);
        let tls = terminate(shared, memory, &mut client, &mut server, (&mut peer, place)).await?;
        let Some(mut facts) = tls else {
            return Ok(Opened::Opaque(Box::new((client, server))));
        };
        let of_server = facts.pop().map(|(_, facts)| facts).unwrap_or_default();
        peer.facts = facts;
        peer.ready = server.stream.map(|stream| Box::new((upstream.clone(), stream, of_server)));
    }
    let network = shared.config.networks.get(network);
    let network =
        network.ok_or_else(|| Fault::gateway("a listener's network is not configured"))?;
    Ok(interpreted(shared, memory, network, via, (client, Endpoint::default()), peer))
}

fn interpreted(
    shared: &Arc<Shared>,
    memory: &OpenEntry,
    network: &NetworkConfig,
    via: Via,
    endpoints: (Endpoint, Endpoint),
    peer: Peer,
) -> Opened {
    let engine = shared.engine(network, via, &peer.host);
    session(shared, memory, engine, endpoints, peer)
}

fn session(
    shared: &Arc<Shared>,
    memory: &OpenEntry,
    engine: Interpreter,
    endpoints: (Endpoint, Endpoint),
    peer: Peer,
) -> Opened {
    let shared = Arc::clone(shared);
    Opened::Interpreted(Box::new(Session::new(
        shared,
        engine,
        endpoints,
        peer,
        memory.entry().charge(),
    )))
}
