//! Yahoo Messenger, which speaks YMSG.
//!
//! A client may first ask over HTTP which server to use (`http/server_lookup`); then everything goes
//! through one connection, whose person is the `account`, except what the client calls its contacts
//! (`http/address_book`). [`wire`] knows packets and what they are for, [`messages::format`] what
//! messages look like.
//! Versions 9 to 16 differ in how one signs on and how the list and presence are written; those
//! above are taken for 16.

mod account;
mod consent;
mod content;
mod context;
mod dispatch;
mod engine;
mod foreign_names;
mod handoff;
mod http;
pub mod messages;
mod presence;
mod roster;
mod sign_on;
mod sniff;
mod unread;
pub mod wire;

use crosstalk_core::{BadName, Context, Defaults, Engine, Network, Side, Sniff, Unread};

/// The longest Yahoo id, in bytes. The usual ones have up to 32; some are mail addresses.
const MAX_NAME: usize = 128;
/// The domain that servers do not count as part of an id.
const DOMAIN: &str = "@yahoo.com";

/// The YMSG protocol.
#[derive(Debug)]
pub struct Ymsg;

impl Network for Ymsg {
    fn name(&self) -> &'static str {
        "ymsg"
    }

    /// Both sides begin with `YMSG`; a look-up begins with `GET /capacity`, and an edit of the
    /// address book with `POST /yab/`, and a file with `POST /notifyft`.
    fn sniff(&self, side: Side, first: &[u8]) -> Sniff {
        sniff::sniff(side, first)
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            id: "yahoo",
            title: "Yahoo",
            hosts: &[
                "scs.msg.yahoo.com",
                "*.msg.yahoo.com",
                "login.yahoo.com",
                "address.yahoo.com",
                "insider.msg.yahoo.com",
            ],
            ports: &[5050, 80, 443, 23, 25, 119],
        }
    }

    /// An id, in any case; `@yahoo.com` says nothing new.
    fn normalise(&self, local: &str) -> Result<String, BadName> {
        let name = local.trim().to_ascii_lowercase();
        let name = name.strip_suffix(DOMAIN).unwrap_or(&name);
        let legal = (1..=MAX_NAME).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_graphic() && !b",:;<>/\\".contains(&b));
        if legal { Ok(name.to_owned()) } else { Err(BadName::Local) }
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &wire::charset::OPTIONS
    }

    fn unread(&self) -> &'static [Unread] {
        unread::UNREAD
    }

    fn engine(&self, context: Context) -> Box<dyn Engine> {
        Box::new(engine::Ymsg::new(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_and_look_ups_are_recognised_and_nothing_else() {
        let sniff = |first: &str| Ymsg.sniff(Side::Client, first.as_bytes());
        for first in [
            "POST /yab/us?v=XM HTTP/1.1",
            "YMSG\0\x0a",
            "GET /capacity HTTP/1.0\r\n",
            "GET /capacity?intl=us HTTP/1.1",
        ] {
            assert_eq!(sniff(first), Sniff::Yes, "{first}");
            for end in 1..4 {
                assert_eq!(sniff(&first[..end]), Sniff::More);
            }
        }
        let absolute = "GET http://vcs1.msg.yahoo.com:80/capacity HTTP/1.1\r\n";
        assert_eq!((sniff(absolute), sniff(&absolute[..30])), (Sniff::Yes, Sniff::More));
        let far = format!("GET http://{}/capacity HTTP/1.1\r\n", "x".repeat(48));
        assert_eq!((sniff(&far[..63]), sniff(&far[..64])), (Sniff::More, Sniff::No));
        for other in
            ["YMCA", "GET /capacitor", "GET / HTTP/1.1", "POST /capacity", "GET http://x/ HTTP"]
        {
            assert_eq!(sniff(other), Sniff::No, "{other}");
        }
        assert_eq!(Ymsg.sniff(Side::Server, b"GET /capacity HTTP/1.0\r\n"), Sniff::No);
    }

    #[test]
    fn ids_are_of_any_case_and_need_no_domain() {
        for spelt in ["Carol_1", "carol_1@Yahoo.com", " carol_1"] {
            assert_eq!(Ymsg.normalise(spelt).unwrap(), "carol_1");
        }
        assert_eq!(Ymsg.normalise("Ann.B-c@ymail.com").unwrap(), "ann.b-c@ymail.com");
        for bad in ["", "@yahoo.com", "a b", "a,b", "a:b", "zoë"] {
            assert!(Ymsg.normalise(bad).is_err(), "{bad:?}");
        }
    }
}
