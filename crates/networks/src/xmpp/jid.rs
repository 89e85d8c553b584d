//! Jabber names: how they are compared, and how foreign people are spelled among them.

use std::borrow::Cow;
use std::sync::Arc;

use crosstalk_core::{Address, BadName, NameClass, Names};
use stringprep::{nameprep, nodeprep};

/// The longest part of a JID, in bytes (RFC 7622, section 3.1).
const MAX_PART: usize = 1023;

/// Characters that XEP-0106 escapes, and their codes.
const ESCAPES: [(char, &str); 10] = [
    (' ', "20"),
    ('"', "22"),
    ('&', "26"),
    ('\'', "27"),
    ('/', "2f"),
    (':', "3a"),
    ('<', "3c"),
    ('>', "3e"),
    ('@', "40"),
    ('\\', "5c"),
];

/// A JID without its resource.
pub fn bare(jid: &str) -> &str {
    jid.split_once('/').map_or(jid, |(bare, _)| bare)
}

/// The resource of a full JID.
pub fn resource(jid: &str) -> Option<&str> {
    jid.split_once('/').map(|(_, resource)| resource)
}

/// A bare JID in the one form that equals itself.
///
/// RFC 7622 asks for PRECIS; servers in use still prepare strings as RFC 6122 does, which agrees
/// but for few characters, and a name must equal what its own server makes of it.
pub fn prepare(jid: &str) -> Result<String, BadName> {
    let (local, domain) = jid.rsplit_once('@').ok_or(BadName::Local)?;
    let local = nodeprep(local).map_err(|_| BadName::Local)?;
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let domain = nameprep(domain).map_err(|_| BadName::Local)?;
    let fits = |part: &str| (1..=MAX_PART).contains(&part.len());
    let plain = !domain.contains(|c: char| c.is_whitespace() || "@/'\"<>&:".contains(c));
    if fits(&local) && fits(&domain) && plain {
        Ok(format!("{local}@{domain}"))
    } else {
        Err(BadName::Local)
    }
}

/// A JID that may be a domain alone, as a bare JID of it is compared; as it is where it is none.
pub(super) fn prepare_any(jid: &str) -> String {
    let domain = || nameprep(jid).map_or_else(|_| jid.to_owned(), Cow::into_owned);
    prepare(jid).unwrap_or_else(|_| domain())
}

/// Names of foreign people as the people of one server use them.
pub(super) struct Naming {
    names: Arc<Names>,
    /// The server's own domain, which no network's name can take away.
    domain: String,
}

impl Naming {
    pub(super) const fn new(names: Arc<Names>) -> Self {
        Self { names, domain: String::new() }
    }

    /// Learns the client's own domain.
    pub(super) fn set_domain(&mut self, domain: &str) {
        self.domain = domain.to_ascii_lowercase();
    }

    /// The own domain, in lower case.
    pub(super) fn domain(&self) -> &str {
        &self.domain
    }

    /// Meaning of a JID, bare or full.
    pub(super) fn class_of(&self, jid: &str) -> NameClass {
        let bare = bare(jid).trim();
        let (local, domain) = bare.rsplit_once('@').unwrap_or(("", bare));
        match self.network_of(domain) {
            None => NameClass::Own,
            Some(_) if local.is_empty() => NameClass::Nowhere,
            Some(domain) => self.names.classify(&format!("{}@{domain}", unescape(local))),
        }
    }

    /// Whether a foreign name may stand in `xml`; cheap, and right where it says no.
    pub(super) fn may_be_in(&self, xml: &[u8]) -> bool {
        // References and CDATA can hide any part of a name.
        let hidden = |sign: &[u8]| memchr::memmem::find(xml, sign).is_some();
        hidden(b"&#") || hidden(b"<![CDATA[") || self.stands_in(xml)
    }

    /// Whether a foreign name stands in `xml` as it is.
    fn stands_in(&self, xml: &[u8]) -> bool {
        memchr::memchr_iter(b'@', xml).any(|at| {
            let rest = xml.get(at + 1..).unwrap_or_default();
            let in_domain =
                |b: &u8| b.is_ascii_alphanumeric() || b"-.".contains(b) || !b.is_ascii();
            let end = rest.iter().position(|b| !in_domain(b)).unwrap_or(rest.len());
            let domain = rest.get(..end).unwrap_or_default();
            std::str::from_utf8(domain).is_ok_and(|d| self.network_of(d).is_some())
        })
    }

    /// Spelling of `address` where its owner has not written it: as the manual says, and as the
    /// gateway itself writes it, `bob@yahoo.xt` and `carol%hotmail.com@msn.xt`.
    pub(super) fn spell(&self, address: &Address) -> String {
        let universal = self.names.universal(address);
        let (local, domain) = universal.rsplit_once('@').unwrap_or_default();
        format!("{}@{domain}", escape(local))
    }

    /// `spelling` if it is a JID that means `address`.
    pub(super) fn accept<'a>(&self, spelling: &'a str, address: &Address) -> Option<&'a str> {
        let legal = prepare(spelling).is_ok_and(|prepared| prepared == spelling);
        (legal && self.class_of(spelling) == NameClass::Foreign(address.clone()))
            .then_some(spelling)
    }

    /// `domain` as servers compare it, if it is a network's.
    fn network_of<'a>(&self, domain: &'a str) -> Option<Cow<'a, str>> {
        let domain = plain(domain);
        let own = domain.eq_ignore_ascii_case(&self.domain);
        (!own && self.names.network_of(&domain).is_some()).then_some(domain)
    }
}

/// A domain without the dots at its end, and prepared where it is not ASCII: servers take
/// look-alikes for the same.
fn plain(domain: &str) -> Cow<'_, str> {
    if domain.is_ascii() {
        return domain.trim_end_matches('.').into();
    }
    // Nameprep leaves the other full stops of RFC 3490 to its caller.
    let dotted = domain.replace(['\u{3002}', '\u{ff61}'], ".");
    let prepared = nameprep(&dotted).map_or_else(|_| dotted.clone(), Cow::into_owned);
    prepared.trim_end_matches('.').to_owned().into()
}

/// Writes a local part as XEP-0106 says.
pub(super) fn escape(local: &str) -> String {
    let mut out = String::with_capacity(local.len());
    for (at, c) in local.char_indices() {
        let code = ESCAPES.iter().find(|(plain, _)| *plain == c).map(|(_, code)| code);
        // A backslash is escaped only where it would be taken for an escape.
        let code = code.filter(|_| c != '\\' || begins_escape(local.get(at..).unwrap_or_default()));
        match code {
            Some(code) => out.extend(["\\", *code]),
            None => out.push(c),
        }
    }
    out
}

/// The local part of a JID as people read it (XEP-0106): `carol@hotmail.com` for
/// `carol\40hotmail.com`.
pub fn unescape(local: &str) -> Cow<'_, str> {
    if !local.contains('\\') {
        return local.into();
    }
    let mut out = String::with_capacity(local.len());
    let mut rest = local;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let found = ESCAPES.iter().find_map(|(c, code)| Some((*c, strip_code(after, code)?)));
        rest = if let Some((c, after)) = found {
            out.push(c);
            after
        } else {
            out.push('\\');
            after
        };
    }
    out.push_str(rest);
    out.into()
}

fn begins_escape(text: &str) -> bool {
    text.strip_prefix('\\').is_some_and(|t| ESCAPES.iter().any(|(_, c)| strip_code(t, c).is_some()))
}

fn strip_code<'a>(text: &'a str, code: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(2)?;
    head.eq_ignore_ascii_case(code).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstalk_core::{Context, Defaults, Engine, Network, Side, Sniff};

    /// A network of e-mail-like names.
    struct Mail;

    impl Network for Mail {
        fn name(&self) -> &'static str {
            "mail"
        }
        fn sniff(&self, _: Side, _: &[u8]) -> Sniff {
            Sniff::No
        }
        fn defaults(&self) -> Defaults {
            Defaults { id: "mail", title: "Mail", hosts: &[], ports: &[] }
        }
        fn normalise(&self, local: &str) -> Result<String, BadName> {
            Ok(local.to_lowercase())
        }
        fn engine(&self, _: Context) -> Box<dyn Engine> {
            unreachable!("names need no engine")
        }
    }

    /// The names of a gateway between `aol`, `msn` and `jabber`.
    fn names() -> Arc<Names> {
        let networks: [(&str, &'static dyn Network); 3] =
            [("aol", &Mail), ("msn", &Mail), ("jabber", &crate::xmpp::Xmpp)];
        Arc::new(Names::new("xt", networks.map(|(id, network)| (id.parse().unwrap(), network))))
    }

    fn naming() -> Naming {
        let mut naming = Naming::new(names());
        naming.set_domain("chat.test");
        naming
    }

    #[test]
    fn every_spelling_of_a_foreign_name_is_understood() {
        for (jid, address) in [
            ("alice@aol", "alice@aol"),
            ("Alice@AOL/CrossTalk", "alice@aol"),
            ("carol\\40hotmail.com@msn", "carol@hotmail.com@msn"),
            ("carol%hotmail.com@msn.xt", "carol@hotmail.com@msn"),
            ("dave%example.org@jabber.xt", "dave@example.org@jabber"),
            ("crosstalk@gateway.xt", "crosstalk@gateway"),
            ("alice@aol.", "alice@aol"),
            ("alice@aol.xt./r", "alice@aol"),
            (" alice@aol ", "alice@aol"),
            ("alice@\u{ff41}\u{ff4f}\u{ff4c}\u{3002}xt", "alice@aol"),
            ("alice@a\u{ad}ol", "alice@aol"),
        ] {
            assert_eq!(
                naming().class_of(jid),
                NameClass::Foreign(address.parse().unwrap()),
                "{jid}"
            );
        }
        for own in
            ["ben@chat.test", "chat.test", "ben@example.org/aol", "room@conference.chat.test"]
        {
            assert_eq!(naming().class_of(own), NameClass::Own, "{own}");
        }
        for nowhere in ["x@icq.xt", "msn.xt", "dave@jabber", "bob@gateway"] {
            assert_eq!(naming().class_of(nowhere), NameClass::Nowhere, "{nowhere}");
        }
    }

    #[test]
    fn what_is_spelled_is_understood_again() {
        for text in
            ["carol@hotmail.com@msn", "a b'c@aol", "100%@msn", "x\\40y\\z@msn", "crosstalk@gateway"]
        {
            let address: Address = text.parse().unwrap();
            let spelled = naming().spell(&address);
            assert_eq!(naming().accept(&spelled, &address), Some(spelled.as_str()), "{text}");
        }
    }

    #[test]
    fn a_server_named_like_a_network_keeps_its_people() {
        let mut naming = naming();
        naming.set_domain("aol");
        assert_eq!(naming.class_of("ben@aol"), NameClass::Own);
        assert_eq!(naming.spell(&"alice@aol".parse().unwrap()), "alice@aol.xt");
    }

    #[test]
    fn names_that_are_no_jids_are_not_shown() {
        let carol: Address = "carol@hotmail.com@msn".parse().unwrap();
        assert_eq!(naming().accept("carol@hotmail.com@msn", &carol), None);
        assert_eq!(naming().accept("alice@aol", &carol), None);
    }

    #[test]
    fn jids_are_prepared() {
        assert_eq!(prepare("Ben@Chat.Test.").unwrap(), "ben@chat.test");
        assert_eq!(prepare("ÄRGER@straße.test").unwrap(), "ärger@strasse.test");
        for bad in
            ["ben", "@chat.test", "ben@", "a b@c", "a@b c", &format!("{}@c", "x".repeat(1024))]
        {
            assert!(prepare(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn foreign_names_are_smelt_anywhere() {
        assert!(naming().may_be_in(b"<item jid='alice@aol'/>"));
        assert!(naming().may_be_in(b"<invite to='bob@yahoo.xt/x'/>"));
        for hidden in
            ["alice&#64;aol", "alice@&#x61;ol", "alice@<![CDATA[aol]]>", "alice@\u{ff41}ol"]
        {
            assert!(naming().may_be_in(hidden.as_bytes()), "{hidden}");
        }
        assert!(!naming().may_be_in(b"<item jid='ben@chat.test'/>a@aol.com"));
    }
}
