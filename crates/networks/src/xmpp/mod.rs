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
pub mod messages;
mod presence;
mod privacy_lists;
mod roster;
mod sign_on;
mod sniff;
mod stanza_errors;
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
        sniff::sniff(first)
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
