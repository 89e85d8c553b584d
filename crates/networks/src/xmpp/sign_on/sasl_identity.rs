//! The name that a client shows while it signs on by SASL, as far as the mechanism shows one.
//!
//! It is a claim: the server says later, with the session, whom it authenticated. The two are
//! compared, so that no other statement can be taken for that one.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use crosstalk_core::{Address, Claimed, Confirmed, NetworkId};

use crate::xmpp::jid;

/// Base64 as lenient as servers are about padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Name that one SASL exchange shows of the person who signs on.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::xmpp) struct SaslIdentity {
    mechanism: Mechanism,
    shown: Shown,
}

/// Form of the name in a mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    /// `authzid NUL authcid NUL password` (RFC 4616).
    Plain,
    /// `n=` behind the GS2 header of the first message (RFC 5802).
    Scram,
    /// The directive `username` (RFC 2831).
    DigestMd5,
    /// In front of the digest (RFC 2195).
    CramMd5,
    /// The first answer, alone.
    Login,
    /// An authorisation identity alone, if any (RFC 4422, appendix A).
    External,
    /// `a=` in a GS2 header, if any (RFC 7628).
    OAuthBearer,
    /// Nowhere that a third party could read: Kerberos, tokens, anonymous sign-on.
    Other,
}

#[derive(Debug, PartialEq, Eq)]
enum Shown {
    /// The message that shows it has not been said.
    NotYet,
    /// Nothing: the mechanism, or this use of it, shows no name.
    Nothing,
    /// The name cannot be read.
    Unreadable,
    /// Names as the client wrote them, each a local part or a JID: who signs on, and as whom if
    /// it says so. All have to mean one account: ejabberd 23.01 lets everybody act as anybody.
    Names(Vec<String>),
}

impl SaslIdentity {
    /// The claim of an exchange of which nothing but the mechanism is known.
    pub(in crate::xmpp) fn by(mechanism: &str) -> Self {
        let upper = mechanism.to_ascii_uppercase();
        let mechanism = match upper.as_str() {
            "PLAIN" => Mechanism::Plain,
            "DIGEST-MD5" => Mechanism::DigestMd5,
            "CRAM-MD5" => Mechanism::CramMd5,
            "LOGIN" => Mechanism::Login,
            "EXTERNAL" => Mechanism::External,
            "OAUTHBEARER" => Mechanism::OAuthBearer,
            scram if scram.starts_with("SCRAM-") => Mechanism::Scram,
            _ => Mechanism::Other,
        };
        Self { mechanism, shown: Shown::NotYet }
    }

    /// Learns from a message of the client's, the text of `<auth/>` or `<response/>`. Only the
    /// first that says anything shows a name.
    pub(in crate::xmpp) fn heard(&mut self, text: &str) {
        let text: String = text.split_ascii_whitespace().collect();
        if self.shown != Shown::NotYet || text.is_empty() {
            return;
        }
        // `=` is an initial response that is there and empty (RFC 6120, section 6.4.2).
        let said = if text == "=" { Some(Vec::new()) } else { BASE64.decode(text).ok() };
        let said = said.and_then(|said| String::from_utf8(said).ok());
        self.shown = match (self.mechanism, said) {
            (Mechanism::Other, _) => Shown::Nothing,
            (_, None) => Shown::Unreadable,
            (mechanism, Some(said)) => mechanism.shown_by(&said),
        };
    }

    /// Whether the server may have authenticated the holder of `name` by this exchange.
    pub(in crate::xmpp) fn allows(&self, name: &Confirmed) -> bool {
        match self.shown {
            Shown::Nothing => true,
            Shown::NotYet => !self.mechanism.always_shows(),
            Shown::Unreadable => false,
            Shown::Names(ref names) => names.iter().all(|shown| {
                let (network, local) = (name.name().network(), name.name().local());
                let domain = local.rsplit_once('@').map_or("", |(_, domain)| domain);
                meanings(shown, domain, network).any(|claimed| *name == claimed)
            }),
        }
    }

    /// The accounts that the shown names can mean on a server of `domain`, likeliest first.
    pub(in crate::xmpp) fn names(&self, domain: &str, network: &NetworkId) -> Vec<Claimed> {
        let Shown::Names(names) = &self.shown else { return Vec::new() };
        let mut all = names.iter().map(|name| meanings(name, domain, network).collect::<Vec<_>>());
        let mut accounts = all.next().unwrap_or_default();
        all.for_each(|others| accounts.retain(|account| others.contains(account)));
        accounts
    }
}

/// The accounts that a name can mean on a server of `domain`: clients write their whole JID, a
/// local part, or one that has to be escaped to be one.
fn meanings(name: &str, domain: &str, network: &NetworkId) -> impl Iterator<Item = Claimed> {
    let whole = name.contains('@').then(|| name.to_owned());
    let local = Some(format!("{name}@{domain}"));
    let escaped = Some(format!("{}@{domain}", jid::escape(name)));
    [whole, local, escaped].into_iter().flatten().filter_map(|jid| {
        let jid = jid::prepare(jid::bare(&jid)).ok()?;
        Some(Claimed::new(Address::new(&jid, network.clone()).ok()?))
    })
}

impl Mechanism {
    /// Whether nobody signs on by it without showing a name.
    const fn always_shows(self) -> bool {
        matches!(self, Self::Plain | Self::Scram | Self::DigestMd5 | Self::CramMd5 | Self::Login)
    }

    fn shown_by(self, said: &str) -> Shown {
        let names = match self {
            Self::Plain => plain(said),
            Self::Scram => scram(said),
            Self::DigestMd5 => digest(said),
            Self::CramMd5 => said.rsplit_once(' ').map(|(name, _)| vec![name.to_owned()]),
            Self::Login | Self::External => Some(vec![said.to_owned()]),
            Self::OAuthBearer => gs2_authzid(said).map(|name| vec![name]),
            Self::Other => None,
        };
        let mut names = names.unwrap_or_default();
        names.retain(|name| !name.is_empty());
        if !names.is_empty() {
            Shown::Names(names.iter().map(|name| prepared(name)).collect())
        } else if self.always_shows() {
            Shown::Unreadable
        } else {
            Shown::Nothing
        }
    }
}

/// The names in the message of PLAIN, of which the first may be empty.
fn plain(said: &str) -> Option<Vec<String>> {
    let mut parts = said.split('\0');
    let names = [parts.next()?, parts.next().filter(|authcid| !authcid.is_empty())?];
    parts.next()?;
    Some(names.map(str::to_owned).into())
}

/// The same of SCRAM's first message: `n,a=authzid,n=name,r=nonce`.
fn scram(said: &str) -> Option<Vec<String>> {
    let (_, rest) = said.split_once(',')?;
    let (_, bare) = rest.split_once(',')?;
    let name = bare.split(',').find_map(|field| field.strip_prefix("n="))?;
    Some(gs2_authzid(said).into_iter().chain([unescaped(name)]).collect())
}

/// The authorisation identity of a GS2 header (RFC 5801, section 4).
fn gs2_authzid(said: &str) -> Option<String> {
    let field = said.split(',').nth(1)?;
    field.strip_prefix("a=").map(unescaped)
}

fn unescaped(name: &str) -> String {
    name.replace("=2C", ",").replace("=3D", "=")
}

/// The names in the directives of DIGEST-MD5: `username="ann",authzid="ann@chat.test"`.
fn digest(said: &str) -> Option<Vec<String>> {
    let (mut names, mut rest) = (Vec::new(), said);
    while let Some((key, after)) = rest.split_once('=') {
        let (value, after) = directive(after)?;
        let key = key.trim_matches([' ', '\t', '\r', '\n', ',']).to_ascii_lowercase();
        if matches!(key.as_str(), "username" | "authzid") {
            names.push(value);
        }
        rest = after;
    }
    Some(names)
}

/// The value at the front of `text`, quoted or not, and what comes behind it.
fn directive(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Some((value.trim().to_owned(), rest));
    };
    let (mut value, mut chars) = (String::new(), quoted.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// `SASLprep` (RFC 4013), where it accepts the name.
fn prepared(name: &str) -> String {
    stringprep::saslprep(name).map_or_else(|_| name.to_owned(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(mechanism: &str, said: &[&str]) -> SaslIdentity {
        let mut claim = SaslIdentity::by(mechanism);
        for said in said {
            claim.heard(&BASE64.encode(said));
        }
        claim
    }

    fn confirmed(jid: &str) -> Confirmed {
        Confirmed::by_server(Address::new(jid, "jabber".parse().unwrap()).unwrap())
    }

    #[test]
    fn every_mechanism_that_shows_a_name_is_held_to_it() {
        let final_message = "c=biws,r=ab,p=AAAA";
        for (mechanism, said) in [
            ("PLAIN", &["\0ann\0x"][..]),
            ("PLAIN", &["\0Ann@Chat.Test\0x"]),
            ("plain", &["ann@chat.test\0ann\0x"]),
            ("PLAIN", &["ann\0ann@chat.test\0x"]),
            ("SCRAM-SHA-1", &["n,,n=ann,r=a", final_message]),
            ("SCRAM-SHA-256-PLUS", &["p=tls-exporter,,n=ann@chat.test,r=a", final_message]),
            ("SCRAM-SHA-512", &["y,a=ann@chat.test,n=ann,r=a"]),
            ("DIGEST-MD5", &["username=\"ann\",realm=\"chat.test\",response=1"]),
            ("DIGEST-MD5", &["charset=utf-8,username=\"a\\nn\",authzid=\"ann@chat.test\""]),
            ("CRAM-MD5", &["ann 0123456789abcdef"]),
            ("LOGIN", &["ann", "secret"]),
            ("EXTERNAL", &["ann@chat.test"]),
            ("OAUTHBEARER", &["n,a=ann@chat.test,\u{1}auth=Bearer x\u{1}\u{1}"]),
        ] {
            let claim = claim(mechanism, said);
            assert!(claim.allows(&confirmed("ann@chat.test")), "{mechanism} {said:?}");
            assert!(!claim.allows(&confirmed("ceo@chat.test")), "{mechanism} {said:?}");
            assert!(!claim.allows(&confirmed("mallory@chat.test")), "{mechanism} {said:?}");
        }
    }

    #[test]
    fn nobody_acts_as_somebody_else() {
        for (mechanism, said) in [
            ("PLAIN", "ceo\0mallory\0x"),
            ("PLAIN", "ceo@chat.test\0mallory\0x"),
            ("SCRAM-SHA-1", "n,a=ceo@chat.test,n=mallory,r=a"),
            ("DIGEST-MD5", "username=\"mallory\",authzid=\"ceo@chat.test\""),
            ("DIGEST-MD5", "username=\"mallory\",username=\"ceo\""),
        ] {
            let claim = claim(mechanism, &[said]);
            let network = "jabber".parse().unwrap();
            assert!(claim.names("chat.test", &network).is_empty(), "{said}");
            for name in ["ceo@chat.test", "mallory@chat.test"] {
                assert!(!claim.allows(&confirmed(name)), "{name} by {said}");
            }
        }
    }

    #[test]
    fn where_nothing_is_shown_the_server_names_whom_it_likes() {
        for (mechanism, said) in [
            ("EXTERNAL", &[""][..]),
            ("EXTERNAL", &[]),
            ("ANONYMOUS", &["trace"]),
            ("GSSAPI", &["\u{60}\u{1}"]),
            ("OAUTHBEARER", &["n,,\u{1}auth=Bearer x\u{1}\u{1}"]),
            ("X-TOKEN", &["ceo"]),
        ] {
            assert!(claim(mechanism, said).allows(&confirmed("x7@chat.test")), "{mechanism}");
        }
        let mut empty = SaslIdentity::by("EXTERNAL");
        empty.heard("=");
        assert!(empty.allows(&confirmed("ann@chat.test")));
    }

    #[test]
    fn a_name_that_should_be_shown_and_cannot_be_read_is_nobody_s() {
        for (mechanism, text) in [
            ("PLAIN", "!!"),
            ("PLAIN", "="),
            ("PLAIN", "/w=="),
            ("SCRAM-SHA-1", "bm8="),
            ("PLAIN", ""),
        ] {
            let mut claim = SaslIdentity::by(mechanism);
            claim.heard(text);
            assert!(!claim.allows(&confirmed("ann@chat.test")), "{mechanism} {text}");
        }
    }

    #[test]
    fn names_are_compared_as_servers_prepare_them() {
        for (shown, jid) in [
            ("ANN", "ann@chat.test"),
            ("\u{c4}rger", "\u{e4}rger@chat.test"),
            ("a\u{ad}nn", "ann@chat.test"),
            ("joe@corp.test", "joe\\40corp.test@chat.test"),
            ("a=2Cb", "a,b@chat.test"),
        ] {
            let scram = claim("SCRAM-SHA-1", &[&format!("n,,n={shown},r=a")]);
            assert!(scram.allows(&confirmed(jid)), "{shown}");
        }
        assert!(!claim("PLAIN", &["\0ann@other.test\0x"]).allows(&confirmed("ann@chat.test")));
    }
}
