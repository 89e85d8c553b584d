//! What is known of a session's server besides its stream.

use std::sync::Arc;

use crosstalk_core::{Address, HostPort, Side, TlsFacts};

use crate::connection::{Origin, Way};
use crate::policy::Asked;
use crate::stream::Stream;
use crate::tls;

/// What a session knows about its server before and besides the stream.
pub(crate) struct Peer {
    /// How the client came in.
    way: Arc<Way>,
    /// Who the client is, as far as costs go.
    pub(crate) origin: Origin,
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
    /// What is known of the server at `host` of a client of `origin` that came in by `way`.
    pub(crate) fn new(way: &Arc<Way>, origin: &Origin, host: &HostPort) -> Self {
        let (way, origin, host) = (Arc::clone(way), origin.clone(), host.host.clone());
        Self { way, origin, host, tls: None, facts: Vec::new(), ready: None, proven: None }
    }

    /// What the policy is asked for a server that the engine wants: what the client may have.
    pub(super) fn asks(&self) -> Asked<'_> {
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

    /// The domain that pays for what waits for `user`: one that the operator does not know.
    pub(super) fn payer_of<'a>(&self, user: &'a Address) -> Option<&'a str> {
        let (_, domain) = user.local().rsplit_once('@').filter(|_| self.proven.is_some())?;
        Some(domain)
    }

    /// Whether the server may say that it accepted `user`: where anybody can have a server, it
    /// speaks for its own domain.
    pub(super) fn may_accept(&self, user: &Address) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_can_be_anywhere_speaks_for_its_own_domain_only() {
        let peer = |proven: Option<&[&str]>| {
            let mut peer = Peer::new(
                &Arc::new(Way::Transparent),
                &Origin::of([192, 0, 2, 1].into()),
                &HostPort::new("host.test", 1),
            );
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
