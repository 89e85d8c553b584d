//! Progress of a client's sign-on (RFC 6120, section 4.3), in states that consume themselves.
//!
//! Each is made from the one before by what the server said to this connection, in the one moment
//! in which it owed that. Only the last of them holds a name that somebody can be signed in by.

use std::borrow::Cow;

use bytes::Bytes;
use crosstalk_core::{Address, Blame, Confirmed, Event, Fault, NetworkId, Side};

use crate::xmpp::jid;
use crate::xmpp::sign_on::sasl_identity::SaslIdentity;
use crate::xmpp::wire::ns;
use crate::xmpp::wire::stanza_head::Head;
use crate::xmpp::wire::xml::Element;

/// The state of one connection. What leads to a session is boxed: the session does without it.
#[derive(Default)]
pub(in crate::xmpp) enum Stage {
    /// The server knows nobody.
    #[default]
    Greeted,
    /// SASL is under way.
    Authenticating(Box<Authenticating>),
    /// SASL succeeded.
    Authenticated(Box<Authenticated>),
    /// The server was asked for a session.
    Binding(Box<Binding>),
    /// The client asks for a session of before, and the gateway is asked for it.
    Looking(Box<Looking>),
    /// The server was asked for a session of before.
    Resuming(Box<Resuming>),
    /// It does not have it, and the gateway is asked what the client has to hear of that.
    Failing(Box<Failing>),
    /// The server gave a session, and the gateway is asked whether that server may.
    Entering(Box<Entering>),
    /// The person is known.
    Bound,
    /// The client signs on by words that are not followed (XEP-0078), so that the server may know
    /// it by any name: nobody signs in on this connection any more.
    Unfollowed,
}

impl Stage {
    /// Whether the gateway owes an answer, before which nothing can be judged that either side says.
    pub(in crate::xmpp) const fn awaits_gateway(&self) -> bool {
        matches!(self, Self::Looking(_) | Self::Failing(_) | Self::Entering(_))
    }

    /// Whether the server owes an answer, before which nothing the client says can be judged.
    pub(in crate::xmpp) const fn awaits_server(&self) -> bool {
        match self {
            Self::Authenticating(sasl) => matches!(sasl.turn, Side::Server),
            Self::Binding(_)
            | Self::Looking(_)
            | Self::Resuming(_)
            | Self::Failing(_)
            | Self::Entering(_) => true,
            Self::Greeted | Self::Authenticated(_) | Self::Bound | Self::Unfollowed => false,
        }
    }

    /// Bytes of the element that waits for the gateway's answer.
    pub(in crate::xmpp) fn weight(&self) -> usize {
        match self {
            Self::Looking(looking) => looking.raw.len(),
            Self::Failing(failing) => failing.raw.len(),
            Self::Entering(entering) => entering.resumed.as_ref().map_or(0, Bytes::len),
            _ => 0,
        }
    }
}

impl From<Authenticating> for Stage {
    fn from(stage: Authenticating) -> Self {
        Self::Authenticating(Box::new(stage))
    }
}

impl From<Authenticated> for Stage {
    fn from(stage: Authenticated) -> Self {
        Self::Authenticated(Box::new(stage))
    }
}

impl From<Binding> for Stage {
    fn from(stage: Binding) -> Self {
        Self::Binding(Box::new(stage))
    }
}

/// A SASL exchange, in which client and server take turns.
pub(in crate::xmpp) struct Authenticating {
    claim: SaslIdentity,
    /// Side that has to send next.
    turn: Side,
}

impl Authenticating {
    /// The client says `<auth/>`.
    pub(in crate::xmpp) fn begin(mechanism: &str, initial: &str) -> Self {
        let mut claim = SaslIdentity::by(mechanism);
        claim.heard(initial);
        Self { claim, turn: Side::Server }
    }

    /// The client says `<response/>` or `<abort/>`.
    pub(in crate::xmpp) fn answered(mut self, text: &str) -> Self {
        self.claim.heard(text);
        Self { turn: Side::Server, ..self }
    }

    /// The server says `<challenge/>`.
    pub(in crate::xmpp) fn challenged(self) -> Result<Self, Fault> {
        match self.turn {
            Side::Server => Ok(Self { turn: Side::Client, ..self }),
            Side::Client => Err(unasked()),
        }
    }

    /// The server says `<success/>`.
    pub(in crate::xmpp) fn succeeded(self) -> Result<Authenticated, Fault> {
        match self.turn {
            Side::Server => Ok(Authenticated { claim: self.claim, former: None, refused: false }),
            Side::Client => Err(unasked()),
        }
    }
}

/// The fault of a server that answers what nobody asked.
pub(in crate::xmpp) const fn unasked() -> Fault {
    Fault { blame: Blame::Server, what: Cow::Borrowed("it answers what it was not asked") }
}

/// The server knows whose connection this is; the gateway knows what the client showed of that.
pub(in crate::xmpp) struct Authenticated {
    claim: SaslIdentity,
    /// The session of before that was not resumed.
    former: Option<Former>,
    /// The gateway itself refused to resume one.
    refused: bool,
}

/// A session of before, by the name that the client has for it.
pub(in crate::xmpp) struct Former {
    /// Its id (XEP-0198).
    pub(in crate::xmpp) id: String,
    /// Number of stanzas that the client says it handled (XEP-0198).
    pub(in crate::xmpp) h: u32,
}

impl Authenticated {
    /// The client asks for a session, by a request that [`asks_to_bind`] finds in order.
    pub(in crate::xmpp) fn bind(self, id: String) -> Binding {
        Binding { authenticated: self, id }
    }

    /// The client asks for the session `former` of `user`, under its `full` JID.
    pub(in crate::xmpp) fn resume(self, former: Former, user: Address, full: String) -> Resuming {
        Resuming { authenticated: self, former, user, full }
    }

    /// The accounts that the client's claim can mean.
    pub(in crate::xmpp) fn accounts(&self, domain: &str, network: &NetworkId) -> Vec<Address> {
        let claimed = self.claim.names(domain, network).into_iter();
        claimed.map(|claimed| claimed.name().clone()).collect()
    }

    /// The gateway knows no session to resume, and says so: once, since a client asks once.
    pub(in crate::xmpp) fn refuse(&mut self, former: Option<Former>) -> Result<(), Fault> {
        if std::mem::replace(&mut self.refused, true) {
            return Err(Fault::client("it asks for one session after the other"));
        }
        self.former = former;
        Ok(())
    }
}

/// A request for resource binding is on its way.
pub(in crate::xmpp) struct Binding {
    authenticated: Authenticated,
    id: String,
}

/// Meaning of an IQ of the server for a client that waits for a session.
pub(in crate::xmpp) enum Answer {
    /// The session.
    Bound(Bound),
    /// No session; the client may ask again.
    Refused(Authenticated),
    /// Nothing that concerns the request.
    Other(Binding),
}

impl Binding {
    /// Whether `iq` can be the server's answer: it has the request's id, and no sender that only
    /// somebody's session can be.
    pub(in crate::xmpp) fn may_be_answered_by(&self, iq: &Head<'_>) -> bool {
        iq.id.as_deref() == Some(self.id.as_str())
            && iq.from.as_deref().is_none_or(|from| !from.contains('/'))
    }

    /// Takes an IQ that [may be](Self::may_be_answered_by) the answer.
    pub(in crate::xmpp) fn answered(
        self,
        iq: &Element,
        network: &NetworkId,
    ) -> Result<Answer, Fault> {
        match iq.attr("type") {
            Some("error") if iq.attr("from").is_none_or(|from| !from.contains('@')) => {
                return Ok(Answer::Refused(self.authenticated));
            }
            Some("result") => {}
            _ => return Ok(Answer::Other(self)),
        }
        let Some(full) = iq.get("bind", ns::BIND).and_then(|bind| bind.text_of("jid")) else {
            return Ok(Answer::Other(self));
        };
        let illegal = |_| Fault::server("it bound a session to an illegal JID");
        let bare = jid::prepare(jid::bare(&full)).map_err(illegal)?;
        // A relayed stanza has the sender that the server put there: somebody's session, another
        // server, or a service.
        let sender = iq.attr("from").map(jid::prepare_any);
        let domain = bare.rsplit_once('@').map_or("", |(_, domain)| domain);
        if sender.is_some_and(|from| from != bare && from != domain) {
            return Ok(Answer::Other(self));
        }
        let user = Address::new(&bare, network.clone()).map_err(illegal)?;
        let user = Confirmed::by_server(user);
        let claim = &self.authenticated.claim;
        if !claim.allows(&user) {
            return Err(if claim.names(domain, network).is_empty() {
                Fault::client("it does not show one name that it signs on by")
            } else {
                Fault::server("it bound a session to another name than it authenticated")
            });
        }
        Ok(Answer::Bound(Bound { user, full, former: self.authenticated.former }))
    }
}

/// A session and whose it is, as the server said.
pub(in crate::xmpp) struct Bound {
    user: Confirmed,
    full: String,
    former: Option<Former>,
}

impl Bound {
    /// Person, the session's full JID, and what may be left of another session of the person.
    pub(in crate::xmpp) fn into_parts(self) -> (Confirmed, String, Option<Former>) {
        (self.user, self.full, self.former)
    }

    /// The person.
    pub(in crate::xmpp) const fn user(&self) -> &Address {
        self.user.name()
    }

    /// Another session of the person, of which something may be left.
    pub(in crate::xmpp) const fn former(&self) -> Option<&Former> {
        self.former.as_ref()
    }

    /// Asks the gateway whether the person may enter by this session, one that goes on if it was
    /// `resumed`.
    pub(in crate::xmpp) const fn enter(self, resumed: Option<Bytes>) -> Entering {
        Entering { bound: self, resumed }
    }

    /// Event that tells the gateway who this is.
    pub(in crate::xmpp) fn sign_in(&self) -> Event {
        let endpoint = jid::resource(&self.full).unwrap_or_default().to_owned();
        Event::SignedIn { user: self.user.clone(), endpoint }
    }
}

/// A request to resume a session that the gateway may know, or not.
pub(in crate::xmpp) struct Looking {
    pub(in crate::xmpp) authenticated: Box<Authenticated>,
    pub(in crate::xmpp) former: Former,
    /// `<resume/>`, as it came.
    pub(in crate::xmpp) raw: Bytes,
}

/// A request to resume a session that the server refused.
pub(in crate::xmpp) struct Failing {
    pub(in crate::xmpp) resuming: Resuming,
    /// `<failed/>`, as it came.
    pub(in crate::xmpp) raw: Bytes,
}

/// A request to resume a session of the authenticated account is on its way.
pub(in crate::xmpp) struct Resuming {
    authenticated: Authenticated,
    former: Former,
    user: Address,
    full: String,
}

impl Resuming {
    /// The server says `<resumed/>`, and of which session.
    pub(in crate::xmpp) fn resumed(self, id: Option<&str>) -> Result<Bound, Fault> {
        if id != Some(self.former.id.as_str()) {
            return Err(Fault::server("it resumed another session than it was asked for"));
        }
        let user = Confirmed::by_server(self.user);
        Ok(Bound { user, full: self.full, former: Some(self.former) })
    }

    /// The server says `<failed/>`: what the client did not get is said again in its next
    /// session.
    pub(in crate::xmpp) fn failed(self) -> Authenticated {
        Authenticated { former: Some(self.former), ..self.authenticated }
    }

    /// Person of the session.
    pub(in crate::xmpp) const fn user(&self) -> &Address {
        &self.user
    }

    /// The session's id.
    pub(in crate::xmpp) fn id(&self) -> &str {
        &self.former.id
    }
}

/// A session that the server gave, in the moment in which the gateway judges whether it may.
/// Nothing that belongs to the person leaves the engine before that.
pub(in crate::xmpp) struct Entering {
    pub(in crate::xmpp) bound: Bound,
    /// `<resumed/>` as it came, for a session that goes on.
    pub(in crate::xmpp) resumed: Option<Bytes>,
}

/// Request of a stanza, as far as signing on goes.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::xmpp) enum Asks {
    /// A session, in words that every server reads alike.
    ToBind,
    /// A session, in words that a server may read and another not.
    ToBindSomehow,
    /// To sign on without SASL (XEP-0078).
    ToSignOnOtherwise,
    /// Nothing of that.
    Other,
}

/// Request of a client's IQ. Servers differ in what they overlook: no `id`, another `type`, a
/// second child. All of that could bind a session that the gateway does not see.
pub(in crate::xmpp) fn asks(iq: &Element, domain: &str) -> Asks {
    if iq.elements().any(|child| child.ns() == ns::AUTH) {
        return Asks::ToSignOnOtherwise;
    }
    if !iq.elements().any(|child| child.ns() == ns::BIND) {
        return Asks::Other;
    }
    let has_id = iq.attr("id").is_some_and(|id| !id.is_empty());
    let to_server = iq.attr("to").is_none_or(|to| to.eq_ignore_ascii_case(domain));
    let alone = iq.elements().count() == 1 && iq.get("bind", ns::BIND).is_some();
    if iq.attr("type") == Some("set") && has_id && to_server && alone {
        Asks::ToBind
    } else {
        Asks::ToBindSomehow
    }
}
