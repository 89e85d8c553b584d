//! Sign-on, from the first byte until the server bound a session: TLS, SASL, and the person's
//! identity.

pub(super) mod refused_features;
pub(super) mod reoriginate;
pub(super) mod sasl_identity;
mod scram;
pub(super) mod stages;

use bytes::Bytes;
use crosstalk_core::{Event, Fault, NameClass, Output, Side, TlsFacts};

use crate::xmpp::Jabber;
use crate::xmpp::account::Account;
use crate::xmpp::sign_on::refused_features::StreamElement;
use crate::xmpp::sign_on::reoriginate::Proxy;
use crate::xmpp::sign_on::stages::{
    Answer, Asks, Authenticating, Binding, Bound, Stage, asks, unasked,
};
use crate::xmpp::wire::head::Head;
use crate::xmpp::wire::ns;

/// Reason for ending a stream on which the client sends an element that nobody here knows.
pub(in crate::xmpp) const NOT_UNDERSTOOD: &str =
    "the gateway on the way does not know this element";
const SASL2_ALONE: &str = "a Jabber server offers to sign on by SASL2 alone, which the gateway does \
                           not understand: without its host under `terminate`, its people sign on \
                           and meet nobody foreign";

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
    pub(in crate::xmpp) fn encrypted(&mut self, side: Side, facts: TlsFacts, out: &mut Output) {
        match side {
            Side::Client => self.facts.client = true,
            Side::Server => self.facts.server = Some(Box::new(facts)),
        }
        self.tls = match (std::mem::take(&mut self.tls), side) {
            (Tls::Server(proceed), Side::Server) => {
                // The client hears of it only now that TLS with the server is up: had that failed,
                // nothing would be lost.
                out.forward(Side::Client, proceed);
                out.emit(Event::Encrypt(Side::Client, None));
                Tls::Client
            }
            (Tls::Client, Side::Client) => Tls::Idle,
            (other, _) => other,
        };
    }
}

impl Jabber {
    /// A top-level element of a client nobody knows yet, while the server owes it no answer.
    pub(in crate::xmpp) fn signon_from_client(
        &mut self,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let head = Head::of(&raw).map_err(|e| Fault::client(e.0))?;
        match head.name {
            "iq" => return self.iq_of_nobody(&head, raw.clone(), out),
            "message" | "presence" => return self.stanza_of_nobody(&head, raw.clone(), out),
            _ => {}
        }
        match self.word(&raw)? {
            StreamElement::StartTls if matches!(self.signon.stage, Stage::Greeted) => {
                self.signon.tls = Tls::Asked;
            }
            StreamElement::Sasl => return self.sasl_from_client(head.name, raw.clone(), out),
            StreamElement::Management
                if head.name == "resume"
                    && matches!(self.signon.stage, Stage::Authenticated(_)) =>
            {
                return self.resume_from_client(raw.clone(), out);
            }
            StreamElement::Compress | StreamElement::Sasl2 if self.comes_first(&raw) => {
                return Ok(());
            }
            StreamElement::Compress => {
                refused_features::compression(out);
                return Ok(());
            }
            StreamElement::Sasl2 if self.signon.offers_sasl2 && !self.is_ours(out) => {
                self.splice(out);
            }
            StreamElement::Sasl2 => {
                refused_features::sasl2(head.name, out);
                return Ok(());
            }
            StreamElement::Unknown if self.is_ours(out) => {
                return self.end_stream("unsupported-stanza-type", NOT_UNDERSTOOD, out);
            }
            // In any other state these are the server's to refuse.
            StreamElement::StartTls
            | StreamElement::Management
            | StreamElement::Attention
            | StreamElement::Unknown => {}
        }
        out.forward(Side::Server, raw);
        Ok(())
    }

    /// The client's part of SASL.
    fn sasl_from_client(&mut self, name: &str, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let said = self.parse(Side::Client, &raw)?;
        let stage = std::mem::take(&mut self.signon.stage);
        self.signon.stage = match (stage, name) {
            (Stage::Greeted | Stage::Authenticating(_), "auth") => {
                if self.proxy_from_client(&said, out) {
                    return Ok(());
                }
                let mechanism = said.attr("mechanism").unwrap_or_default();
                if self.signon.facts.client && mechanism.to_ascii_uppercase().ends_with("-PLUS") {
                    out.emit(Event::Advise(CHANNEL_BINDING));
                }
                Authenticating::begin(mechanism, &said.text()).into()
            }
            (Stage::Authenticating(sasl), "response") => sasl.answered(&said.text()).into(),
            (Stage::Authenticating(sasl), "abort") => sasl.answered("").into(),
            (stage @ (Stage::Greeted | Stage::Unfollowed), _) => stage,
            _ => return Err(Fault::client("it signs on twice")),
        };
        out.forward(Side::Server, raw);
        Ok(())
    }

    /// An IQ of a client that is not signed on.
    fn iq_of_nobody(&mut self, head: &Head<'_>, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let Some(iq) = self.read(Side::Client, &raw)? else {
            return self.refuse(head, "policy-violation", out);
        };
        let asks = asks(&iq, self.naming.domain());
        let stage = std::mem::take(&mut self.signon.stage);
        self.signon.stage = match (asks, stage) {
            (Asks::Other, stage) => {
                self.signon.stage = stage;
                return self.stanza_of_nobody(head, raw, out);
            }
            (Asks::ToSignOnOtherwise, Stage::Greeted | Stage::Unfollowed) => Stage::Unfollowed,
            (Asks::ToBind, Stage::Authenticated(authenticated)) => {
                authenticated.bind(head.id.as_deref().unwrap_or_default().into()).into()
            }
            (asks, stage) => {
                // The server could give a session that the gateway does not see.
                self.signon.stage = stage;
                let why = if asks == Asks::ToBindSomehow { "bad-request" } else { "not-allowed" };
                return self.refuse(head, why, out);
            }
        };
        out.forward(Side::Server, raw);
        Ok(())
    }

    /// A stanza of a client that is not signed on: nothing foreign is reachable yet.
    fn stanza_of_nobody(
        &mut self,
        head: &Head<'_>,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if head.to.as_deref().is_some_and(|to| self.naming.class_of(to) != NameClass::Own) {
            return self.refuse(head, "service-unavailable", out);
        }
        self.forward_if_clean(raw, head, out)
    }

    /// A top-level element of the server before the session is bound.
    pub(in crate::xmpp) fn signon_from_server(
        &mut self,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let head = Head::of(&raw).map_err(|e| Fault::server(e.0))?;
        match head.name {
            "features" => return self.features(raw, out),
            "proceed" => return self.proceed(raw, out),
            "failure" if matches!(self.signon.tls, Tls::Asked) => self.signon.tls = Tls::Idle,
            "challenge" | "success" | "failure" => {
                return self.sasl_from_server(head.name, raw.clone(), out);
            }
            "resumed" => return self.resumed(raw, out),
            "failed" => return self.resume_failed(raw, out),
            "iq" => return self.iq_to_nobody(&head, raw.clone(), out),
            _ => {}
        }
        out.forward(Side::Client, raw);
        Ok(())
    }

    /// The server's part of SASL.
    fn sasl_from_server(&mut self, name: &str, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        if matches!(self.signon.proxy, Proxy::Running(_)) {
            let said = self.parse(Side::Server, &raw)?;
            if self.proxy_from_server(&said, out)? {
                return Ok(());
            }
        }
        let stage = std::mem::take(&mut self.signon.stage);
        self.signon.stage = match (stage, name) {
            (Stage::Authenticating(sasl), "challenge") => sasl.challenged()?.into(),
            (Stage::Authenticating(sasl), "success") => sasl.succeeded()?.into(),
            (Stage::Authenticating(_) | Stage::Greeted, "failure") => Stage::Greeted,
            (Stage::Unfollowed, _) => Stage::Unfollowed,
            _ => return Err(unasked()),
        };
        out.forward(Side::Client, raw);
        Ok(())
    }

    /// An IQ of the server, or of whoever it relays, to a client that has no session yet.
    fn iq_to_nobody(&mut self, head: &Head<'_>, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let may_be = |binding: &Binding| binding.may_be_answered_by(head);
        if matches!(&self.signon.stage, Stage::Binding(binding) if may_be(binding)) {
            let iq = self.parse(Side::Server, &raw)?;
            if let Stage::Binding(binding) = std::mem::take(&mut self.signon.stage) {
                match binding.answered(&iq, &self.context.network)? {
                    Answer::Bound(bound) => self.bound(bound, out),
                    Answer::Refused(stage) => self.signon.stage = stage.into(),
                    Answer::Other(stage) => self.signon.stage = stage.into(),
                }
            }
        }
        out.forward(Side::Client, raw);
        Ok(())
    }

    /// The server gave a session. What is left of another one is taken over only when the
    /// gateway has let this one in.
    fn bound(&mut self, bound: Bound, out: &mut Output) {
        if bound.former().is_some() {
            self.begin_to_enter(bound.enter(None), out);
        } else {
            out.emit(bound.sign_in());
            let (user, full, _) = bound.into_parts();
            self.become_known(Account::new(full, user.into_name()));
        }
    }

    /// Takes the person as known from here on.
    pub(in crate::xmpp) fn become_known(&mut self, account: Account) {
        if let Some((_, domain)) = account.bare().rsplit_once('@') {
            self.naming.set_domain(domain);
        }
        // Nothing is negotiated on the stream any more.
        self.signon.facts.server = None;
        self.signon.proxy = Proxy::Off;
        self.signon.stage = Stage::Bound;
        self.account = Some(Box::new(account));
    }

    /// Starts TLS on both sides, or steps aside where that is not ours to do.
    fn proceed(&mut self, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        if !matches!(self.signon.tls, Tls::Asked) {
            return Err(unasked());
        }
        if self.context.terminate_tls {
            self.signon.tls = Tls::Server(raw);
            let domain = self.naming.domain().to_owned();
            out.emit(Event::Encrypt(Side::Server, Some(domain).filter(|d| !d.is_empty())));
        } else {
            // Nothing behind it could be read.
            out.forward(Side::Client, raw);
            self.splice(out);
        }
        Ok(())
    }

    /// Hides what a stream with a gateway in it cannot carry, and only that.
    fn features(&mut self, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let mut features = self.parse(Side::Server, &raw)?;
        let untouched = features.clone();
        let plain_sasl = features.get("mechanisms", ns::SASL).is_some();
        let sasl2_alone = !plain_sasl && features.get("authentication", ns::SASL2).is_some();
        let ends_here = self.signon.facts.client;
        // Behind compression nothing could be read; a sign-on by SASL2 could not be followed, and
        // is left only where there is no other and TLS does not end here.
        features.retain(|f| {
            let sasl2 = f.is("authentication", ns::SASL2);
            !(f.is("compression", ns::COMPRESS_FEATURE) || (plain_sasl || ends_here) && sasl2)
        });
        self.signon.offers_sasl2 = features.get("authentication", ns::SASL2).is_some();
        if sasl2_alone && !self.signon.offers_sasl2 {
            out.emit(Event::Advise(SASL2_ALONE));
        }
        if self.signon.facts.client
            && let Some(facts) = &self.signon.facts.server
        {
            let allowed = self.context.option(super::REORIGINATE);
            self.signon.proxy.rewrite_offer(&mut features, facts, allowed);
        }
        if features == untouched {
            out.forward(Side::Client, raw);
        } else {
            out.withhold();
            out.insert(Side::Client, features.to_xml());
        }
        Ok(())
    }
}
