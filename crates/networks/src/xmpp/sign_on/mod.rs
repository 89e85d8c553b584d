//! Sign-on, from the first byte until the server bound a session: TLS, SASL, and the person's
//! identity.

pub(super) mod refused_features;
pub(super) mod reoriginate;
pub(super) mod sasl_identity;
mod scram;
pub(super) mod stages;

use bytes::Bytes;
use crosstalk_core::{Event, Fault, NameClass, Side, TlsFacts};

use crate::xmpp::account::Account;
use crate::xmpp::context::{Cx, broken};
use crate::xmpp::sign_on::refused_features::StreamElement;
use crate::xmpp::sign_on::reoriginate::Proxy;
use crate::xmpp::sign_on::stages::{
    Answer, Asks, Authenticating, Binding, Bound, Stage, asks, unasked,
};
use crate::xmpp::wire::ns;
use crate::xmpp::wire::stanza_head::Head;
use crate::xmpp::wire::xml::{Element, Scope};

/// Reason for ending a stream on which the client sends an element that nobody here knows.
pub(in crate::xmpp) const NOT_UNDERSTOOD: &str =
    "the gateway on the way does not know this element";

/// Advice to the operator about a client that would notice a gateway.
const CHANNEL_BINDING: &str = "a Jabber client signs on with channel binding, which no gateway gets \
                               through: options = [\"reoriginate\"] under its network lets it in, and \
                               docs/security.md says what that costs";

/// Progress of the stream.
#[derive(Default)]
pub(in crate::xmpp) struct SignOn {
    tls: Tls,
    /// Facts about each side's TLS, once it is on.
    pub(in crate::xmpp) facts: Facts,
    /// Progress of the server's statements about who this is.
    pub(in crate::xmpp) stage: Stage,
    /// A side said `</stream:stream>`: the session is not to be resumed.
    pub(in crate::xmpp) closed: bool,
    /// SASL on the client's behalf.
    pub(in crate::xmpp) proxy: Proxy,
    /// Answer of the server to the client's last header.
    pub(in crate::xmpp) answer: Answered,
    /// The client's next word waits for the first of the server's.
    pub(in crate::xmpp) awaits_first_word: bool,
    /// The client was offered SASL2, as the server said it.
    offers_sasl2: bool,
}

/// Progress of a server's answer to a stream header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::xmpp) enum Answered {
    #[default]
    Not,
    /// By its own header.
    ByHeader,
    /// By that, and by its features or whatever else it says first.
    Wholly,
}

/// Facts about the TLS of both sides.
#[derive(Default)]
pub(in crate::xmpp) struct Facts {
    pub(in crate::xmpp) client: bool,
    /// Of use until somebody is signed on.
    pub(in crate::xmpp) server: Option<Box<TlsFacts>>,
}

/// STARTTLS (RFC 6120, section 5).
#[derive(Debug, Default)]
enum Tls {
    /// Not asked for, or done.
    #[default]
    Idle,
    /// The client asked.
    Asked,
    /// The server agreed, which the client hears once the server's TLS is up.
    Server(Bytes),
    /// The client was told to begin.
    Client,
}

impl SignOn {
    /// Whether what `side` sends next belongs to TLS.
    pub(in crate::xmpp) const fn expects_tls(&self, side: Side) -> bool {
        match side {
            Side::Client => !matches!(self.tls, Tls::Idle),
            Side::Server => matches!(self.tls, Tls::Server(_)),
        }
    }

    /// Whether white space of `side` stands between STARTTLS and TLS, and is nobody's.
    pub(in crate::xmpp) const fn may_be_padded(&self, side: Side) -> bool {
        matches!((side, &self.tls), (Side::Client, Tls::Asked | Tls::Server(_)))
    }

    /// TLS is up on a side; in lockstep, so that a client never talks to a server in the clear.
    pub(in crate::xmpp) fn encrypted(&mut self, side: Side, facts: TlsFacts, cx: &mut Cx<'_>) {
        match side {
            Side::Client => self.facts.client = true,
            Side::Server => self.facts.server = Some(Box::new(facts)),
        }
        self.tls = match (std::mem::take(&mut self.tls), side) {
            (Tls::Server(proceed), Side::Server) => {
                // The client hears of it only now that TLS with the server is up: had that failed,
                // nothing would be lost.
                cx.out.forward(Side::Client, proceed);
                cx.emit(Event::Encrypt(Side::Client, None));
                Tls::Client
            }
            (Tls::Client, Side::Client) => Tls::Idle,
            (other, _) => other,
        };
    }
}

impl SignOn {
    /// A top-level element of a client nobody knows yet, while the server owes it no answer.
    pub(in crate::xmpp) fn client_element(
        &mut self,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let head = Head::of(&raw).map_err(|e| Fault::client(e.0))?;
        match head.name {
            "iq" => return self.iq_of_nobody(&head, raw.clone(), cx),
            "message" | "presence" => return stanza_of_nobody(&head, raw.clone(), cx),
            _ => {}
        }
        match StreamElement::of_client(&raw, cx)? {
            StreamElement::StartTls if matches!(self.stage, Stage::Greeted) => {
                self.tls = Tls::Asked;
            }
            StreamElement::Sasl => return self.sasl_from_client(head.name, raw.clone(), cx),
            StreamElement::Management
                if head.name == "resume" && matches!(self.stage, Stage::Authenticated(_)) =>
            {
                return self.resume_from_client(raw.clone(), cx);
            }
            StreamElement::Compress | StreamElement::Sasl2 if self.comes_first(&raw, cx) => {
                return Ok(());
            }
            StreamElement::Compress => {
                refused_features::compression(cx);
                return Ok(());
            }
            StreamElement::Sasl2 if self.offers_sasl2 && !self.is_ours(cx) => {
                cx.splice();
            }
            StreamElement::Sasl2 => {
                refused_features::sasl2(head.name, cx);
                return Ok(());
            }
            StreamElement::Unknown if self.is_ours(cx) => {
                return self.end_stream("unsupported-stanza-type", NOT_UNDERSTOOD, cx);
            }
            // In any other state these are the server's to refuse.
            StreamElement::StartTls
            | StreamElement::Management
            | StreamElement::Attention
            | StreamElement::Unknown => {}
        }
        cx.out.forward(Side::Server, raw);
        Ok(())
    }

    /// The client's part of SASL.
    fn sasl_from_client(&mut self, name: &str, raw: Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let said = cx.parse(Side::Client, &raw)?;
        let stage = std::mem::take(&mut self.stage);
        self.stage = match (stage, name) {
            (Stage::Greeted | Stage::Authenticating(_), "auth") => {
                if self.proxy_from_client(&said, cx) {
                    return Ok(());
                }
                let mechanism = said.attr("mechanism").unwrap_or_default();
                if self.facts.client && mechanism.to_ascii_uppercase().ends_with("-PLUS") {
                    cx.emit(Event::Advise(CHANNEL_BINDING));
                }
                Authenticating::begin(mechanism, &said.text()).into()
            }
            (Stage::Authenticating(sasl), "response") => sasl.answered(&said.text()).into(),
            (Stage::Authenticating(sasl), "abort") => sasl.answered("").into(),
            (stage @ (Stage::Greeted | Stage::Unfollowed), _) => stage,
            _ => return Err(Fault::client("it signs on twice")),
        };
        cx.out.forward(Side::Server, raw);
        Ok(())
    }

    /// An IQ of a client that is not signed on.
    fn iq_of_nobody(&mut self, head: &Head<'_>, raw: Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let Some(iq) = cx.read(Side::Client, &raw)? else {
            return cx.refuse(head, ("policy-violation", ""), None);
        };
        let asks = asks(&iq, cx.link.naming.domain());
        let stage = std::mem::take(&mut self.stage);
        self.stage = match (asks, stage) {
            (Asks::Other, stage) => {
                self.stage = stage;
                return stanza_of_nobody(head, raw, cx);
            }
            (Asks::ToSignOnOtherwise, Stage::Greeted | Stage::Unfollowed) => Stage::Unfollowed,
            (Asks::ToBind, Stage::Authenticated(authenticated)) => {
                authenticated.bind(head.id.as_deref().unwrap_or_default().into()).into()
            }
            (asks, stage) => {
                // The server could give a session that the gateway does not see.
                self.stage = stage;
                let why = if asks == Asks::ToBindSomehow { "bad-request" } else { "not-allowed" };
                return cx.refuse(head, (why, ""), None);
            }
        };
        cx.out.forward(Side::Server, raw);
        Ok(())
    }

    /// A top-level element of the server before the session is bound.
    pub(in crate::xmpp) fn server_element(
        &mut self,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Box<Account>>, Fault> {
        let head = Head::of(&raw).map_err(|e| Fault::server(e.0))?;
        match head.name {
            "features" => self.features(raw, cx)?,
            "proceed" => self.proceed(raw, cx)?,
            "failure" if matches!(self.tls, Tls::Asked) => {
                self.tls = Tls::Idle;
                cx.out.forward(Side::Client, raw);
            }
            "challenge" | "success" | "failure" => {
                self.sasl_from_server(head.name, raw.clone(), cx)?;
            }
            "resumed" => self.resumed(raw, cx)?,
            "failed" => self.resume_failed(raw, cx)?,
            "iq" => return self.iq_to_nobody(&head, raw.clone(), cx),
            _ => cx.out.forward(Side::Client, raw),
        }
        Ok(None)
    }

    /// The server's part of SASL.
    fn sasl_from_server(&mut self, name: &str, raw: Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if matches!(self.proxy, Proxy::Running(_)) {
            let said = cx.parse(Side::Server, &raw)?;
            if self.proxy_from_server(&said, cx)? {
                return Ok(());
            }
        }
        let stage = std::mem::take(&mut self.stage);
        self.stage = match (stage, name) {
            (Stage::Authenticating(sasl), "challenge") => sasl.challenged()?.into(),
            (Stage::Authenticating(sasl), "success") => sasl.succeeded()?.into(),
            (Stage::Authenticating(_) | Stage::Greeted, "failure") => Stage::Greeted,
            (Stage::Unfollowed, _) => Stage::Unfollowed,
            _ => return Err(unasked()),
        };
        cx.out.forward(Side::Client, raw);
        Ok(())
    }

    /// An IQ of the server, or of whoever it relays, to a client that has no session yet.
    fn iq_to_nobody(
        &mut self,
        head: &Head<'_>,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<Option<Box<Account>>, Fault> {
        let mut account = None;
        let may_be = |binding: &Binding| binding.may_be_answered_by(head);
        if matches!(&self.stage, Stage::Binding(binding) if may_be(binding)) {
            let iq = cx.parse(Side::Server, &raw)?;
            if let Stage::Binding(binding) = std::mem::take(&mut self.stage) {
                match binding.answered(&iq, &cx.context.network)? {
                    Answer::Bound(bound) => account = self.bound(bound, cx),
                    Answer::Refused(stage) => self.stage = stage.into(),
                    Answer::Other(stage) => self.stage = stage.into(),
                }
            }
        }
        cx.out.forward(Side::Client, raw);
        Ok(account)
    }

    /// The server gave a session. What is left of another one is taken over only when the
    /// gateway has let this one in.
    fn bound(&mut self, bound: Bound, cx: &mut Cx<'_>) -> Option<Box<Account>> {
        if bound.former().is_some() {
            self.begin_to_enter(bound.enter(None), cx);
            return None;
        }
        cx.emit(bound.sign_in());
        let (user, full, _) = bound.into_parts();
        let account = Box::new(Account::new(full, user.into_name()));
        self.known(&account, cx);
        Some(account)
    }

    /// Takes the person as known from here on.
    pub(in crate::xmpp) fn known(&mut self, account: &Account, cx: &mut Cx<'_>) {
        if let Some((_, domain)) = account.bare().rsplit_once('@') {
            cx.link.naming.set_domain(domain);
        }
        // Nothing is negotiated on the stream any more, and a session keeps nothing of how it came.
        self.facts.server = None;
        self.proxy = Proxy::Off;
        self.stage = Stage::Bound;
    }

    /// A stream header of `side`: what it declares holds for what follows. Streams that are not a
    /// client's are none of our business.
    pub(in crate::xmpp) fn opened(
        &mut self,
        side: Side,
        raw: Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        let open = Element::parse_open(&raw).map_err(|e| broken(side, e))?;
        let scope = Scope::of(&open);
        match side {
            Side::Client => {
                self.answer = Answered::Not;
                if let Some(domain) = open.attr("to") {
                    cx.link.naming.set_domain(domain);
                }
            }
            Side::Server => self.answer = Answered::ByHeader,
        }
        if scope.stanzas() != ns::CLIENT {
            const NO_CLIENT: &str = "the stream is not a client's";
            match side {
                _ if !self.is_ours(cx) => cx.splice(),
                Side::Client => return self.end_stream("invalid-namespace", NO_CLIENT, cx),
                Side::Server => return Err(Fault::server(NO_CLIENT)),
            }
        }
        cx.link.direction(side).scope = scope;
        cx.out.forward(side.other(), raw);
        Ok(())
    }

    /// Starts TLS on both sides, or steps aside where that is not ours to do.
    fn proceed(&mut self, raw: Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if !matches!(self.tls, Tls::Asked) {
            return Err(unasked());
        }
        if cx.context.terminate_tls {
            self.tls = Tls::Server(raw);
            let domain = cx.link.naming.domain().to_owned();
            cx.emit(Event::Encrypt(Side::Server, Some(domain).filter(|d| !d.is_empty())));
        } else {
            // Nothing behind it could be read.
            cx.out.forward(Side::Client, raw);
            cx.splice();
        }
        Ok(())
    }
}

/// A stanza of a client that is not signed on: nothing foreign is reachable yet.
fn stanza_of_nobody(head: &Head<'_>, raw: Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
    if head.to.as_deref().is_some_and(|to| cx.link.naming.class_of(to) != NameClass::Own) {
        return cx.refuse(head, ("service-unavailable", ""), None);
    }
    cx.forward_if_clean(raw, head, None)
}
