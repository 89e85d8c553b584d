//! From the first byte until the server bound a session: TLS, SASL, and who it is.

use bytes::Bytes;
use crosstalk_core::{Address, Confirmed, Event, Fault, Kin, Now, Output, Side, TlsFacts};

use super::engine::Jabber;
use super::head::Head;
use super::jid;
use super::ns;
use super::person::{Leftover, Person};
use super::reoriginate::Proxy;
use super::resume::Resumable;
use super::xml::Element;

/// How far the stream is.
#[derive(Default)]
pub(super) struct SignOn {
    tls: Tls,
    /// What is known of each side's TLS, once it is on.
    pub(super) facts: Facts,
    /// The id of the client's request for resource binding.
    bind: Option<String>,
    /// A side said `</stream:stream>`: the session is not to be resumed.
    pub(super) closed: bool,
    /// SASL on the client's behalf.
    pub(super) proxy: Proxy,
    /// An earlier session that the server is asked to resume.
    pub(super) resuming: Option<Box<Resumable>>,
    /// What is left of a session that could not be resumed.
    pub(super) leftover: Leftover,
}

/// What is known of the TLS of both sides.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) client: bool,
    pub(super) server: Option<TlsFacts>,
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
    pub(super) const fn expects_tls(&self, side: Side) -> bool {
        match side {
            Side::Client => !matches!(self.tls, Tls::Idle),
            Side::Server => matches!(self.tls, Tls::Server(_)),
        }
    }

    /// TLS is up on a side; in lockstep, so that a client never talks to a server in the clear.
    pub(super) fn encrypted(&mut self, side: Side, facts: TlsFacts, out: &mut Output) {
        match side {
            Side::Client => self.facts.client = true,
            Side::Server => self.facts.server = Some(facts),
        }
        self.tls = match (std::mem::take(&mut self.tls), side) {
            (Tls::Server(proceed), Side::Server) => {
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
    /// A top-level element of a client nobody knows yet.
    pub(super) fn signon_from_client(
        &mut self,
        now: Now,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let head = Head::of(&raw).map_err(|e| Fault::client(e.0))?;
        match head.name {
            "starttls" => self.signon.tls = Tls::Asked,
            "compress" => {
                refuse_compression(out);
                return Ok(());
            }
            // SASL2 signs on and binds in words of its own.
            "authenticate" => self.splice(out),
            "auth" | "response" | "abort" if self.proxy_from_client(&raw, out)? => return Ok(()),
            "resume" => return self.resume_from_client(now, &raw, out),
            "iq" => {
                let iq = self.parse(Side::Client, &raw)?;
                if iq.get("bind", ns::BIND).is_some() {
                    self.signon.bind = iq.attr("id").map(str::to_owned);
                    // Nobody is foreign before it is known whose session this is.
                    self.start_holding(now);
                }
            }
            _ => {}
        }
        if head.is_stanza() {
            return self.stanza_of_nobody(&raw, out);
        }
        out.forward(Side::Server, raw);
        Ok(())
    }

    /// A stanza of a client that is not signed on: nothing foreign is reachable yet.
    fn stanza_of_nobody(&mut self, raw: &Bytes, out: &mut Output) -> Result<(), Fault> {
        let stanza = self.parse(Side::Client, raw)?;
        if stanza.attr("to").is_some_and(|to| self.naming.kin(to) != Kin::Own) {
            return self.refuse(&stanza, "service-unavailable", out);
        }
        self.forward_if_clean(raw.clone(), &stanza, out)
    }

    /// A top-level element of the server before the session is bound.
    pub(super) fn signon_from_server(
        &mut self,
        now: Now,
        raw: Bytes,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let head = Head::of(&raw).map_err(|e| Fault::server(e.0))?;
        match head.name {
            "features" => return self.features(raw, out),
            "proceed" => {
                self.proceed(raw, out);
                return Ok(());
            }
            "failure" if matches!(self.signon.tls, Tls::Asked) => self.signon.tls = Tls::Idle,
            "challenge" | "success" | "failure" if self.proxy_from_server(&raw, out)? => {
                return Ok(());
            }
            "resumed" => return self.resumed(now, raw, out),
            "failed" => return self.resume_failed(raw, out),
            "iq" if head.id.is_some() && head.id.as_deref() == self.signon.bind.as_deref() => {
                self.bound(&raw, out)?;
                out.forward(Side::Client, raw);
                return self.release(now, out);
            }
            _ => {}
        }
        out.forward(Side::Client, raw);
        Ok(())
    }

    /// Starts TLS on both sides, or steps aside where that is not ours to do.
    fn proceed(&mut self, raw: Bytes, out: &mut Output) {
        if matches!(self.signon.tls, Tls::Asked) && self.context.terminate_tls {
            self.signon.tls = Tls::Server(raw);
            let domain = self.naming.domain().to_owned();
            out.emit(Event::Encrypt(Side::Server, Some(domain).filter(|d| !d.is_empty())));
        } else {
            out.forward(Side::Client, raw);
            self.splice(out);
        }
    }

    /// Hides what a stream with a gateway in it cannot carry, and only that.
    fn features(&mut self, raw: Bytes, out: &mut Output) -> Result<(), Fault> {
        let mut features = self.parse(Side::Server, &raw)?;
        let untouched = features.clone();
        let plain_sasl = features.get("mechanisms", ns::SASL).is_some();
        features.retain(|f| {
            let sasl2 = f.is("authentication", ns::SASL2);
            !(f.is("compression", ns::COMPRESS_FEATURE) || plain_sasl && sasl2)
        });
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

    /// The server's answer to resource binding: from here on the person is known.
    fn bound(&mut self, raw: &[u8], out: &mut Output) -> Result<(), Fault> {
        let iq = self.parse(Side::Server, raw)?;
        let Some(full) = iq.get("bind", ns::BIND).and_then(|b| b.text_of("jid")) else {
            return Ok(());
        };
        let nobody = |_| Fault::server("it bound a session to an illegal JID");
        let local = jid::prepare(jid::bare(&full)).map_err(nobody)?;
        let user = Address::new(&local, self.context.network.clone()).map_err(nobody)?;
        if let Some((_, domain)) = local.rsplit_once('@') {
            self.naming.set_domain(domain);
        }
        let endpoint = jid::resource(&full).unwrap_or_default().to_owned();
        let leftover = std::mem::take(&mut self.signon.leftover);
        self.person = Some(Box::new(Person::new(full, user.clone(), leftover)));
        out.emit(Event::SignedIn { user: Confirmed::by_server(user), endpoint });
        Ok(())
    }
}

/// Compression would blind the gateway; a client that asks although it was not offered hears so.
pub(super) fn refuse_compression(out: &mut Output) {
    let failure = Element::new("failure", ns::COMPRESS)
        .child(Element::new("unsupported-method", ns::COMPRESS));
    out.withhold();
    out.insert(Side::Client, failure.to_xml());
}
