//! Answers in the server's place, to what cannot be let through.
//!
//! A stream that is altered, or whose TLS ends here, is never made a pipe: the server would meet
//! foreign names, and the person would be without the gateway and not know why.

use bytes::Bytes;
use crosstalk_core::{Fault, Output, Side};

use crate::xmpp::Jabber;
use crate::xmpp::sign_on::Answered;
use crate::xmpp::wire::Frame;
use crate::xmpp::wire::ns;
use crate::xmpp::wire::xml::Element;

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
}

impl Jabber {
    /// Whether the stream can only go on as it is, or end: it is not what the server sent, or was
    /// not meant to be read on the way.
    pub(in crate::xmpp) const fn is_ours(&self, out: &Output) -> bool {
        out.altered() || self.signon.facts.client || self.account.is_some()
    }

    /// Whether a client's word that the gateway answers comes before the server's first; then it
    /// is kept until that, since an answer must not stand in front of the server's features.
    pub(in crate::xmpp) fn comes_first(&mut self, raw: &Bytes) -> bool {
        let first = self.signon.answer != Answered::Wholly;
        if first {
            self.held.client.put_back(Frame::Stanza(raw.clone()));
            self.signon.awaits_first_word = true;
        }
        first
    }

    /// Ends the stream for a reason that the client is told (RFC 6120, section 4.9).
    pub(in crate::xmpp) fn end_stream(
        &self,
        condition: &str,
        why: &'static str,
        out: &mut Output,
    ) -> Result<(), Fault> {
        if self.signon.answer == Answered::Not {
            // An error stands in a stream (RFC 6120, section 4.9.1.2).
            let open = format!(
                "<stream:stream xmlns='{}' xmlns:stream='{}' version='1.0'>",
                ns::CLIENT,
                ns::STREAMS
            );
            out.insert(Side::Client, open);
        }
        let error = Element::new("error", ns::STREAMS)
            .child(Element::new(condition, ns::STREAM_ERRORS))
            .child(Element::new("text", ns::STREAM_ERRORS).say(why));
        out.insert(Side::Client, error.to_xml() + "</stream:stream>");
        Err(Fault::client(why))
    }
}

/// Compression would blind the gateway; a client that asks although it was not offered hears so.
pub(in crate::xmpp) fn compression(out: &mut Output) {
    let failure = Element::new("failure", ns::COMPRESS)
        .child(Element::new("unsupported-method", ns::COMPRESS));
    out.withhold();
    out.insert(Side::Client, failure.to_xml());
}

/// Clients remember that a server has SASL2, and forget it when they hear this.
pub(in crate::xmpp) fn sasl2(name: &str, out: &mut Output) {
    let condition = if name == "abort" { "aborted" } else { "invalid-mechanism" };
    let failure = Element::new("failure", ns::SASL2)
        .child(Element::new(condition, ns::SASL))
        .child(Element::new("text", ns::SASL2).say("the way to this server is without SASL2"));
    out.withhold();
    out.insert(Side::Client, failure.to_xml());
}
