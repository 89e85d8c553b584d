//! Reaching the server, doing without one, and TLS in the midst of a stream.

use std::sync::Arc;

use crosstalk_core::{Fault, HostPort, Input, Side, TlsFacts};
use tokio::net::TcpStream;

use super::{End, Endpoint, Peer, Session};
use crate::shared::Shared;
use crate::stream::{self, Stream};
use crate::tls::{self, Heard};

impl Session {
    /// Connects to the server that the engine wants.
    pub(super) async fn dial(&mut self, to: HostPort) -> Result<(), End> {
        if self.server.stream.is_some() {
            return Err(End::Fault(Fault::gateway("a second server was asked for")));
        }
        let ready = self.peer.ready.take().filter(|ready| ready.0 == to);
        let (stream, facts) = if let Some((_, stream, facts)) = ready.map(|ready| *ready) {
            (stream, Some(facts))
        } else {
            match self.shared.dialer.dial(&self.peer.origin, self.peer.asks(), &to).await {
                Ok(dialled) => secure(&self.shared, &self.peer, dialled.tcp).await?,
                Err(failed) if self.alone => {
                    tracing::info!(%to, %failed, "no server for a conversation");
                    self.leave_server();
                    return self.tell(Input::Closed(Side::Server));
                }
                Err(failed) => return Err(End::Fault(failed.fault(&to))),
            }
        };
        if let Some(facts) = facts {
            self.tell(Input::Encrypted(Side::Server, facts))?;
        }
        self.server.stream = Some(stream);
        self.limit = None;
        Ok(())
    }

    /// From now on there is only the client, until the engine asks for a server again. Nothing
    /// can pass through.
    pub(super) fn leave_server(&mut self) {
        self.out.withhold();
        self.alone = true;
        // The count is of the whole connection, for its line in the log.
        let received = self.server.received;
        self.server = Endpoint::default();
        self.server.received = received;
        self.limit = None;
    }

    /// Starts TLS on one side, after everything queued for it so far.
    pub(super) async fn encrypt(&mut self, side: Side, host: Option<String>) -> Result<(), End> {
        // The last clear bytes, such as the server's `<proceed/>`, must leave as they are: from
        // here on everything queued is for TLS.
        self.write_all(side).await?;
        let shared = Arc::clone(&self.shared);
        self.peer.host = host.unwrap_or_else(|| std::mem::take(&mut self.peer.host));
        let host = self.peer.host.clone();
        let origin = self.peer.origin.clone();
        let endpoint = self.endpoint(side);
        let Some(Stream::Plain(tcp)) = endpoint.stream.take() else {
            return Err(End::Fault(Fault::gateway("TLS was asked for twice, or too early")));
        };
        // Behind the answer to STARTTLS a client may have sent its hello already; the handshake
        // begins with it.
        let early = std::mem::take(&mut endpoint.inbox);
        // Charged before the handshake, which is when the memory is taken.
        self.charge.set(self.client.capacity() + self.server.capacity() + stream::TLS);
        let handshake = shared.tls.handshake(&origin).await.map_err(End::Fault)?;
        let done = match side {
            Side::Client => match shared.tls.hear(tcp, early, &host).await {
                Ok(Heard::Hello(opening)) => {
                    self.peer.host.clone_from(&opening.hello.host);
                    shared.tls.accept(opening, &host, None).await
                }
                Ok(Heard::Other(..)) => Err(Fault::client("it asked for TLS and did not begin it")),
                Err(fault) => Err(fault),
            },
            // Clear bytes of a server behind STARTTLS may be anybody's on the way, and would be
            // read as if TLS had protected them.
            Side::Server if early.is_empty() => {
                shared.tls.connect(tcp, &tls::Hello { host, alpn: Vec::new() }).await
            }
            Side::Server => Err(Fault::server("it spoke between STARTTLS and TLS")),
        };
        let (stream, facts) = done.map_err(End::Fault)?;
        // The permit bounds handshakes only; what follows may take long.
        drop(handshake);
        if side == Side::Server {
            let verified = self.peer.host.clone();
            self.peer.prove(&verified);
        }
        self.endpoint(side).stream = Some(stream);
        self.tell(Input::Encrypted(side, facts))
    }
}

/// Starts TLS with a server where the client began with it.
async fn secure(
    shared: &Shared,
    peer: &Peer,
    tcp: TcpStream,
) -> Result<(Stream, Option<TlsFacts>), End> {
    let Some(hello) = &peer.tls else { return Ok((Stream::Plain(tcp), None)) };
    let _handshake = shared.tls.handshake(&peer.origin).await.map_err(End::Fault)?;
    let (stream, facts) = shared.tls.connect(tcp, hello).await.map_err(End::Fault)?;
    Ok((stream, Some(facts)))
}
