//! MSN Messenger, which speaks MSNP.
//!
//! A client signs on at a notification server, which holds the list and presence; each
//! conversation is a connection of its own to a switchboard. All are phases of one `engine`. What the
//! connections of one person tell each other is in `account_messages`; [`wire`] knows commands,
//! [`content`] their payloads.
//!
//! MSNP2 to 18 are interpreted; a version above is not let through if the client offers another.
//! Up to MSNP12 a list is told by the notification server; since MSNP13 clients keep it in an address
//! book, by SOAP over HTTP. The notification connection keeps the `foreign_list` for both.

mod account_keys;
mod account_messages;
mod address_book;
pub mod content;
mod context;
mod engine;
mod foreign_list;
mod foreign_names;
mod groups;
mod handoff;
mod me;
mod message_chunks;
mod notification;
mod offers;
mod switchboard;
mod unread;
mod versions;
pub mod wire;

use crosstalk_core::{BadName, Context, Defaults, Engine, Network, Side, Sniff, Unread};

/// The longest e-mail address of a passport, in bytes.
const MAX_NAME: usize = 129;

/// The MSNP protocol.
#[derive(Debug)]
pub struct Msnp;

impl Network for Msnp {
    fn name(&self) -> &'static str {
        "msnp"
    }

    /// The client speaks first: `VER n MSNP`, or at a switchboard `USR n` or `ANS n`; or it asks
    /// over HTTP for an address book.
    fn sniff(&self, side: Side, first: &[u8]) -> Sniff {
        if side == Side::Server {
            return Sniff::No;
        }
        match address_book::opening(first) {
            Sniff::No => {}
            sure => return sure,
        }
        let (verb, rest) = first.split_at(first.len().min(4));
        let Some(at) = [b"VER ", b"USR ", b"ANS "].iter().position(|v| v.starts_with(verb)) else {
            return Sniff::No;
        };
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let tail = rest.get(digits..).unwrap_or_default();
        let expected: &[u8] = if at == 0 { b" MSNP" } else { b" " };
        let seen = tail.len().min(expected.len());
        match (digits, tail.first()) {
            (_, None) if digits <= 10 => Sniff::More,
            (1..=10, _) if tail[..seen] != expected[..seen] => Sniff::No,
            (1..=10, _) if seen < expected.len() => Sniff::More,
            (1..=10, _) => Sniff::Yes,
            _ => Sniff::No,
        }
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            id: "msn",
            title: "MSN",
            hosts: &[
                "messenger.hotmail.com",
                "*.messenger.hotmail.com",
                "*.messenger.msn.com",
                "*.contacts.msn.com",
                "nexus.passport.com",
                "login.passport.com",
                "login.live.com",
            ],
            ports: &[1863, 443, 80],
        }
    }

    /// A passport is an e-mail address, in any case.
    fn normalise(&self, local: &str) -> Result<String, BadName> {
        let name = local.to_ascii_lowercase();
        let (user, domain) = name.split_once('@').ok_or(BadName::Local)?;
        let legal = name.len() <= MAX_NAME
            && !user.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && name.bytes().all(|b| b.is_ascii_graphic());
        if legal { Ok(name) } else { Err(BadName::Local) }
    }

    fn unread(&self) -> &'static [Unread] {
        unread::UNREAD
    }

    fn engine(&self, context: Context) -> Box<dyn Engine> {
        Box::new(engine::Msnp::new(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_say_first_is_recognised_and_nothing_else() {
        for first in ["VER 1 MSNP9 MSNP8 CVR0\r\n", "USR 1 a@b.c 1.2\r\n", "ANS 12 a@b.c 1 2\r\n"] {
            assert_eq!(Msnp.sniff(Side::Client, first.as_bytes()), Sniff::Yes, "{first}");
            for end in 0..6 {
                assert_eq!(Msnp.sniff(Side::Client, &first.as_bytes()[..end]), Sniff::More);
            }
        }
        for first in [
            "POST /abservice/SharingService.asmx HTTP/1.1\r\n",
            "POST //abservice/abservice.asmx HTTP/1.1\r\n",
            "POST /OimWS/oim.asmx HTTP/1.1\r\n",
        ] {
            assert_eq!(Msnp.sniff(Side::Client, first.as_bytes()), Sniff::Yes, "{first}");
            for end in 0..12 {
                assert_eq!(Msnp.sniff(Side::Client, &first.as_bytes()[..end]), Sniff::More);
            }
        }
        for other in ["POST /RST2.srf HTTP/1.1", "POST /gateway/gateway.dll?Action=open", "PUT /"] {
            assert_eq!(Msnp.sniff(Side::Client, other.as_bytes()), Sniff::No, "{other}");
        }
        for other in ["USER anonymous\r\n", "VER x", "VER 1 CVR0", "USR \r\n", "GET / HTTP/1.1"] {
            assert_eq!(Msnp.sniff(Side::Client, other.as_bytes()), Sniff::No, "{other}");
        }
    }

    #[test]
    fn names_are_mail_addresses() {
        assert_eq!(Msnp.normalise("Carol@Hotmail.com").unwrap(), "carol@hotmail.com");
        for bad in ["carol", "@x", "x@", "a@b@c", "a b@c", "zoë@x.org"] {
            assert!(Msnp.normalise(bad).is_err(), "{bad:?}");
        }
    }
}
