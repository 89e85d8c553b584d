//! Everything the server knows: users with their rosters, and who is signed on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crosstalk_core::Redacted;
use crosstalk_networks::xmpp::wire::ns;
use crosstalk_networks::xmpp::wire::xml::Element;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::Account;
use crate::xmpp::{DOMAIN, bare};

/// A user, signed on or not.
pub(super) struct User {
    pub(super) password: Redacted<String>,
    /// By bare JID.
    pub(super) roster: BTreeMap<String, Item>,
    /// Requests to see the user's presence that wait for an answer, by bare JID.
    pub(super) requests: BTreeMap<String, Element>,
    /// Messages for the next sign-on.
    pub(super) stored: Vec<Element>,
    pub(super) blocked: BTreeSet<String>,
}

/// An entry of a roster (RFC 6121, 2.1).
#[derive(Clone, Default)]
pub(super) struct Item {
    pub(super) name: Option<String>,
    pub(super) groups: Vec<String>,
    /// The user sees the contact's presence.
    pub(super) to: bool,
    /// The contact sees the user's presence.
    pub(super) from: bool,
    /// The user asked to see it.
    pub(super) asks: bool,
}

impl Item {
    /// The entry as `<item/>`.
    pub(super) fn element(&self, jid: &str) -> Element {
        let subscription = match (self.to, self.from) {
            (true, true) => "both",
            (true, false) => "to",
            (false, true) => "from",
            (false, false) => "none",
        };
        let item = Element::new("item", ns::ROSTER)
            .with("jid", jid)
            .with_some("name", self.name.as_deref())
            .with("subscription", subscription)
            .with_some("ask", self.asks.then_some("subscribe"));
        self.groups
            .iter()
            .map(|group| Element::new("group", ns::ROSTER).say(group))
            .fold(item, Element::child)
    }
}

/// One connection of a user, bound to a resource.
pub(super) struct Session {
    pub(super) out: mpsc::Sender<Element>,
    /// The last presence that was broadcast; none before the first and after "unavailable".
    pub(super) presence: Option<Element>,
    /// Whether the client asked for the roster, and so for its changes.
    pub(super) wants_roster: bool,
    /// Whether the client wants copies of what other sessions say (XEP-0280).
    pub(super) wants_carbons: bool,
}

/// The server's whole state.
pub(super) struct ServerState {
    /// TLS that clients must start before they sign on, where it is set.
    pub(super) tls: Option<TlsAcceptor>,
    /// By bare JID.
    pub(super) users: HashMap<String, User>,
    /// By full JID.
    pub(super) sessions: BTreeMap<String, Session>,
}

impl ServerState {
    pub(super) fn new(users: &[Account], tls: Option<TlsAcceptor>) -> Self {
        let users = users.iter().map(|account| {
            let user = User {
                password: account.password.clone(),
                roster: BTreeMap::new(),
                requests: BTreeMap::new(),
                stored: Vec::new(),
                blocked: BTreeSet::new(),
            };
            (format!("{}@{DOMAIN}", account.name.to_lowercase()), user)
        });
        Self { tls, users: users.collect(), sessions: BTreeMap::new() }
    }

    /// The sessions of `user`, by full JID.
    pub(super) fn sessions_of<'a>(
        &'a self,
        user: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Session)> {
        self.sessions.iter().filter(move |(jid, _)| bare(jid) == user)
    }

    /// The sessions of `user` that can take messages.
    pub(super) fn available<'a>(
        &'a self,
        user: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Session)> {
        self.sessions_of(user).filter(|(_, session)| session.presence.is_some())
    }

    /// Hands `stanza` to the session at `jid`, addressed to it.
    pub(super) fn give(&self, jid: &str, stanza: &Element) {
        if let Some(session) = self.sessions.get(jid) {
            // One that does not read for long loses stanzas.
            let _ = session.out.try_send(stanza.clone().with("to", jid));
        }
    }

    /// Whether `user` blocks `other`.
    pub(super) fn blocks(&self, user: &str, other: &str) -> bool {
        self.users.get(user).is_some_and(|u| u.blocked.contains(other))
    }
}
