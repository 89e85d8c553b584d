//! Jabber: XMPP client streams (RFC 6120, 6121, 7622).
//!
//! [`wire`] cuts streams into stanzas, tells whose they are, and reads the few that matter. `sign_on`
//! watches a stream until its person is known; from then on the `account` takes each stanza, as
//! `dispatch` says.

mod account;
mod consent;
mod content;
mod context;
mod dispatch;
mod engine;
mod handoff;
mod held_frames;
mod iq;
pub mod jid;
mod management;
pub mod messages;
mod presence;
mod privacy_lists;
mod roster;
mod sign_on;
mod stream_management;
mod unread;
pub mod wire;

use crosstalk_core::{BadName, Context, Defaults, Engine, Network, Side, Sniff, Unread};

/// Option that has the gateway sign on for the client (see the option's help).
const REORIGINATE: &str = "reoriginate";

/// The Jabber network.
#[derive(Debug)]
pub struct Xmpp;

impl Network for Xmpp {
    fn name(&self) -> &'static str {
        "xmpp"
    }

    fn sniff(&self, _: Side, first: &[u8]) -> Sniff {
        sniff(first.get(..first.len().min(MAX_SNIFF)).unwrap_or_default())
    }

    fn defaults(&self) -> Defaults {
        Defaults { id: "jabber", title: "Jabber", hosts: &[], ports: &[5222, 5223] }
    }

    fn normalise(&self, local: &str) -> Result<String, BadName> {
        jid::prepare(jid::bare(local))
    }

    /// RFC 6120, section 3.2.1, and XEP-0368.
    fn services(&self) -> &'static [&'static str] {
        &["_xmpp-client._tcp", "_xmpps-client._tcp"]
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[(
            REORIGINATE,
            "for servers with channel binding: take the password from the client, inside its TLS, \
             and sign on with it; it is in this gateway's memory while that lasts",
        )]
    }

    fn unread(&self) -> &'static [Unread] {
        unread::UNREAD
    }

    fn engine(&self, context: Context) -> Box<dyn Engine> {
        Box::new(engine::Xmpp::new(context))
    }
}

/// Number of bytes that decide.
const MAX_SNIFF: usize = 64;
/// Beginning of a stream header.
const OPEN: &[u8] = b"<stream:stream";

/// An XML declaration and the start of a stream header, with any white space, and with the mark of
/// byte order that some put in front.
fn sniff(first: &[u8]) -> Sniff {
    let more = if first.len() < MAX_SNIFF { Sniff::More } else { Sniff::No };
    if !first.is_empty() && wire::BOM.starts_with(first) {
        return more;
    }
    let mut rest = first.strip_prefix(wire::BOM).unwrap_or(first).trim_ascii_start();
    if rest.starts_with(b"<?xml ") {
        let Some(end) = memchr::memmem::find(rest, b"?>") else { return more };
        rest = rest.get(end + 2..).unwrap_or_default().trim_ascii_start();
    } else if b"<?xml ".starts_with(rest) {
        return more;
    }
    if rest.starts_with(OPEN) {
        Sniff::Yes
    } else if OPEN.starts_with(rest) {
        more
    } else {
        Sniff::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_recognised_byte_by_byte() {
        for stream in [
            "<stream:stream to='x'",
            "<?xml version='1.0' encoding='UTF-8'?>\n<stream:stream",
            " \n<?xml version=\"1.0\"?><stream:stream xmlns='jabber:client'",
            "\u{feff}<stream:stream to='x'",
            "\u{feff}<?xml version='1.0'?><stream:stream",
        ] {
            let answers: Vec<_> = (0..=stream.len())
                .map(|n| Xmpp.sniff(Side::Client, &stream.as_bytes()[..n]))
                .skip_while(|s| *s == Sniff::More)
                .collect();
            assert!(!answers.is_empty() && answers.iter().all(|s| *s == Sniff::Yes), "{stream}");
        }
    }

    #[test]
    fn other_protocols_are_not() {
        for other in [
            "GET / HTTP/1.1",
            "<policy-file-request/>",
            "VER 1 MSNP18",
            "*\u{1}",
            "<?xml version='1.0'?><x",
            "\u{feff}GET / HTTP/1.1",
            "\u{fefe}<stream:stream",
        ] {
            assert_eq!(Xmpp.sniff(Side::Client, other.as_bytes()), Sniff::No, "{other}");
        }
        let endless = [b' '; 100];
        assert_eq!(Xmpp.sniff(Side::Client, &endless), Sniff::No);
    }
}
