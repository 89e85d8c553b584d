//! AIM and ICQ, which speak OSCAR.
//!
//! A client signs on at one server (`sign_on`), which hands it a cookie for another, where
//! everything else happens (`account`) but a few services that are left alone. Both are
//! phases of one `engine`; `context` keeps the frame numbers right, [`wire`] knows the bytes.

mod account;
mod away;
mod consent;
mod content;
mod context;
mod dispatch;
mod engine;
mod foreign_names;
mod handoff;
mod identity;
mod locate;
mod messages;
mod presence;
mod rate_limits;
mod roster;
mod service;
mod sign_on;
mod sniff;
mod toc;
mod unread;
mod verdict;
pub mod wire;

use crosstalk_core::{BadName, Context, Defaults, Engine, Network, Side, Sniff, Unread};

/// The option for Russian ICQ clients.
const CP1251: &str = "cp1251";

/// The longest screen name that clients handle, in bytes.
const MAX_NAME: usize = 97;

/// Bytes that a person takes in a set, roughly.
const PER_PERSON: usize = 128;

/// The OSCAR protocol.
#[derive(Debug)]
pub struct Oscar;

impl Network for Oscar {
    fn name(&self) -> &'static str {
        "oscar"
    }

    fn sniff(&self, _: Side, first: &[u8]) -> Sniff {
        sniff::sniff(first)
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            id: "aol",
            title: "AIM",
            hosts: &["login.oscar.aol.com", "login.messaging.aol.com", "login.icq.com"],
            ports: &[5190, 5191, 5192, 5193],
        }
    }

    fn normalise(&self, local: &str) -> Result<String, BadName> {
        let name: String =
            local.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect();
        let uin = name.replace('-', "");
        let name = if uin.bytes().all(|b| b.is_ascii_digit()) { uin } else { name };
        let legal =
            (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        if legal { Ok(name) } else { Err(BadName::Local) }
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[(CP1251, "read eight-bit messages as Windows-1251, which Russian ICQ clients write")]
    }

    fn unread(&self) -> &'static [Unread] {
        unread::UNREAD
    }

    fn engine(&self, context: Context) -> Box<dyn Engine> {
        Box::new(engine::Oscar::new(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_spaces() {
        assert_eq!(Oscar.normalise("Alice T B").unwrap(), "alicetb");
        assert_eq!(Oscar.normalise("123-456-789").unwrap(), "123456789");
        assert_eq!(Oscar.normalise("jean-luc").unwrap(), "jean-luc");
        for bad in ["", " ", "zoë", "a\tb", &"x".repeat(98)] {
            assert!(Oscar.normalise(bad).is_err(), "{bad:?}");
        }
    }
}
