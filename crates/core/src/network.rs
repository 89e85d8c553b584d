//! A network as a plug-in: its name, the recognition of its protocol, and its engines.

use std::sync::Arc;

use crate::Side;
use crate::address::{BadName, HostPort, NetworkId};
use crate::engine::Engine;
use crate::envelope::EnvelopeIds;
use crate::exchange::ConnectionId;
use crate::names::Names;

/// An opinion on a connection's protocol from the first bytes of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sniff {
    /// The protocol is this one.
    Yes,
    /// The protocol is another one.
    No,
    /// More bytes are needed to tell.
    More,
}

/// A protocol. Implementations are stateless; state lives in engines.
pub trait Network: Send + Sync + 'static {
    /// The protocol's short name, such as `oscar`: used in configuration and logs.
    fn name(&self) -> &'static str;

    /// Judges the first bytes that `side` sent. Called again with more after [`Sniff::More`].
    ///
    /// At most one network answers [`Sniff::Yes`] to any stream, and every network decides
    /// within 64 bytes.
    fn sniff(&self, side: Side, first: &[u8]) -> Sniff;

    /// Hosts and ports of the protocol where nothing is configured.
    fn defaults(&self) -> Defaults;

    /// Brings a local name, as typed on any network, into the one form that equals itself.
    fn normalise(&self, local: &str) -> Result<String, BadName>;

    /// Protocol-specific switches an operator may turn on, each with one line of help.
    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Other protocols in which the network's servers take sign-ons and texts, and which no engine
    /// of this one reads. Where they are readable on the way, their connections are refused unless
    /// the operator lets them pass: what passes unread takes foreign names and texts to the server.
    fn unread(&self) -> &'static [Unread] {
        &[]
    }

    /// The services under which the DNS lists the servers of a domain (RFC 2782), such as
    /// `_xmpp-client._tcp`, where names have a domain whose servers alone speak for it. None where
    /// names belong to the network as a whole.
    fn services(&self) -> &'static [&'static str] {
        &[]
    }

    /// An engine for one connection.
    fn engine(&self, context: Context) -> Box<dyn Engine>;
}

/// A protocol in which a network's servers can be spoken to, and which no engine reads.
#[derive(Debug)]
pub struct Unread {
    /// Its name in configuration, such as `toc`.
    pub name: &'static str,
    /// Title for people to read, such as `TOC`.
    pub title: &'static str,
    /// Judges the first bytes of a client; and of one that speaks HTTP each request: its head, then
    /// its head and the first bytes of its body.
    pub sniff: fn(&[u8]) -> Sniff,
    /// Bytes that the client is sent before its connection ends, in its own protocol.
    pub refusal: &'static [u8],
}

/// The usual names of a network.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// The network's usual id, such as `aol`.
    pub id: &'static str,
    /// Title for people to read, such as `AIM`.
    pub title: &'static str,
    /// The host names its clients dial.
    pub hosts: &'static [&'static str],
    /// The ports its clients dial, the usual one first.
    pub ports: &'static [u16],
}

/// The way in which a connection came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// Through a proxy protocol or a transparent redirect: the client knows the real address,
    /// and `dialled` is already being connected. Redirects by the server need no rewriting.
    Proxy {
        /// The target that the client asked for.
        dialled: HostPort,
    },
    /// The client takes the gateway for the server. The engine asks for the upstream with
    /// [`crate::Event::Dial`], and rewrites redirects to `advertise`.
    Direct {
        /// The configured server.
        upstream: HostPort,
        /// The address at which clients can reach this listener.
        advertise: HostPort,
    },
}

/// Facts and helpers that an engine is given for its connection.
pub struct Context {
    /// The network this connection belongs to.
    pub network: NetworkId,
    /// Every network's names.
    pub names: Arc<Names>,
    /// This connection, to others of its network.
    pub connection: ConnectionId,
    /// The way in which the connection came in.
    pub via: Via,
    /// Ids for the envelopes this engine sends.
    pub ids: EnvelopeIds,
    /// Numbers that nobody can guess, for keys that the engine hands out.
    pub random: fn() -> u128,
    /// Whether the gateway may take the server's place in TLS that the protocol starts itself
    /// (STARTTLS). Where not, the engine must let such a connection pass unseen.
    pub terminate_tls: bool,
    /// The switches of [`Network::options`] that are on, and the names of those of
    /// [`Network::unread`] that may pass.
    pub options: Vec<&'static str>,
}

impl Context {
    /// Whether the operator turned `option` on.
    pub fn option(&self, option: &str) -> bool {
        self.options.contains(&option)
    }
}
