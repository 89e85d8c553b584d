//! Features that cannot be let through: hidden where a server offers them, and answered in its place.
//!
//! A stream that is altered, or whose TLS ends here, is never made a pipe: the server would meet
//! foreign names, and the person would be without the gateway and not know why.

use bytes::Bytes;
use crosstalk_core::{Event, Fault, Side};

use crate::xmpp::context::Cx;
use crate::xmpp::sign_on::{Answered, SignOn};
use crate::xmpp::wire::Frame;
use crate::xmpp::wire::ns;
use crate::xmpp::wire::xml::Element;

/// Advice to the operator about a server that offers SASL2 and nothing else.
const SASL2_ALONE: &str = "a Jabber server offers to sign on by SASL2 alone, which the gateway does \
                           not understand: without its host under `terminate`, its people sign on \
                           and meet nobody foreign";

/// A top-level element of a client's that is no stanza.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::xmpp) enum StreamElement {
    /// `<starttls/>`.
    StartTls,
    /// `<auth/>`, `<response/>` or `<abort/>`.
    Sasl,
    /// Something of SASL2 (XEP-0388), which signs on and binds in words of its own.
    Sasl2,
    /// `<compress/>`.
    Compress,
    /// `<enable/>`, `<resume/>`, `<a/>` or `<r/>`.
    Management,
    /// Whether the person looks at the client (XEP-0352).
    Attention,
    /// Anything else: what a server would do with it nobody here can tell.
    Unknown,
}

impl StreamElement {
    /// Kind of the element `name` of `ns`.
    pub(in crate::xmpp) fn of(name: &str, ns: &str) -> Self {
        match (name, ns) {
            ("starttls", ns::TLS) => Self::StartTls,
            ("auth" | "response" | "abort", ns::SASL) => Self::Sasl,
            (_, ns::SASL2) => Self::Sasl2,
            ("compress", ns::COMPRESS) => Self::Compress,
            ("enable" | "resume" | "a" | "r", ns::SM | ns::SM2) => Self::Management,
            ("active" | "inactive", ns::CLIENT_STATE) => Self::Attention,
            _ => Self::Unknown,
        }
    }

    /// Kind of an element of the client's.
    pub(in crate::xmpp) fn of_client(raw: &[u8], cx: &Cx<'_>) -> Result<Self, Fault> {
        cx.name_of(raw).map(|(name, ns)| Self::of(&name, &ns))
    }
}

impl SignOn {
    /// Hides what a stream with a gateway in it cannot carry, and only that.
    pub(super) fn features(&mut self, raw: Bytes, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let mut features = cx.parse(Side::Server, &raw)?;
        let untouched = features.clone();
        let plain_sasl = features.get("mechanisms", ns::SASL).is_some();
        let sasl2_alone = !plain_sasl && features.get("authentication", ns::SASL2).is_some();
        let ends_here = self.facts.client;
        // Behind compression nothing could be read; a sign-on by SASL2 could not be followed, and
        // is left only where there is no other and TLS does not end here.
        features.retain(|f| {
            let sasl2 = f.is("authentication", ns::SASL2);
            !(f.is("compression", ns::COMPRESS_FEATURE) || (plain_sasl || ends_here) && sasl2)
        });
        self.offers_sasl2 = features.get("authentication", ns::SASL2).is_some();
        if sasl2_alone && !self.offers_sasl2 {
            cx.emit(Event::Advise(SASL2_ALONE));
        }
        if self.facts.client
            && let Some(facts) = &self.facts.server
        {
            let allowed = cx.context.option(crate::xmpp::REORIGINATE);
            self.proxy.rewrite_offer(&mut features, facts, allowed);
        }
        if features == untouched {
            cx.out.forward(Side::Client, raw);
        } else {
            cx.replace(Side::Client, &features);
        }
        Ok(())
    }

    /// Whether the stream can only go on as it is, or end: it is not what the server sent, or was
    /// not meant to be read on the way.
    pub(in crate::xmpp) const fn is_ours(&self, cx: &Cx<'_>) -> bool {
        cx.out.altered() || self.facts.client
    }

    /// Whether a client's word that the gateway answers comes before the server's first; then it
    /// is kept until that, since an answer must not stand in front of the server's features.
    pub(in crate::xmpp) fn comes_first(&mut self, raw: &Bytes, cx: &mut Cx<'_>) -> bool {
        let first = self.answer != Answered::Wholly;
        if first {
            cx.link.held.client.put_back(Frame::Stanza(raw.clone()));
            self.awaits_first_word = true;
        }
        first
    }

    /// Ends the stream for a reason that the client is told (RFC 6120, section 4.9).
    pub(in crate::xmpp) fn end_stream(
        &self,
        condition: &str,
        why: &'static str,
        cx: &mut Cx<'_>,
    ) -> Result<(), Fault> {
        if self.answer == Answered::Not {
            // An error stands in a stream (RFC 6120, section 4.9.1.2).
            let open = format!(
                "<stream:stream xmlns='{}' xmlns:stream='{}' version='1.0'>",
                ns::CLIENT,
                ns::STREAMS
            );
            cx.out.insert(Side::Client, open);
        }
        end_stream(condition, why, cx)
    }
}

/// Ends a stream that has begun for a reason that the client is told.
pub(in crate::xmpp) fn end_stream(
    condition: &str,
    why: &'static str,
    cx: &mut Cx<'_>,
) -> Result<(), Fault> {
    let error = Element::new("error", ns::STREAMS)
        .child(Element::new(condition, ns::STREAM_ERRORS))
        .child(Element::new("text", ns::STREAM_ERRORS).say(why));
    cx.out.insert(Side::Client, error.to_xml() + "</stream:stream>");
    Err(Fault::client(why))
}

/// Compression would blind the gateway; a client that asks although it was not offered hears so.
pub(in crate::xmpp) fn compression(cx: &mut Cx<'_>) {
    let failure = Element::new("failure", ns::COMPRESS)
        .child(Element::new("unsupported-method", ns::COMPRESS));
    cx.replace(Side::Client, &failure);
}

/// Clients remember that a server has SASL2, and forget it when they hear this.
pub(in crate::xmpp) fn sasl2(name: &str, cx: &mut Cx<'_>) {
    let condition = if name == "abort" { "aborted" } else { "invalid-mechanism" };
    let failure = Element::new("failure", ns::SASL2)
        .child(Element::new(condition, ns::SASL))
        .child(Element::new("text", ns::SASL2).say("the way to this server is without SASL2"));
    cx.replace(Side::Client, &failure);
}
