//! Identity of a session's person, as states that consume themselves.
//!
//! A cookie proves nothing here, and neither does a name that the client writes beside it: the
//! server alone says whose the cookie is, in 01/0f on this connection.

use std::time::Duration;

use bytes::Bytes;
use crosstalk_core::{Address, Confirmed, Event, Fault, Side};

use super::account::{Account, ConnectionKind};
use super::context::Cx;
use super::verdict::Verdict;
use super::wire::kinds::oservice;
use super::wire::{Reader, Snac, UserInfo};

/// The request id of our own 01/0e; clients count up from one, and servers set the highest bit.
const OUR_QUESTION: u32 = 0x7ffe_0000;

/// Longest wait from sign-on to the client's first sign of life before it is told things.
const SETTLING: Duration = Duration::from_secs(15);

/// Progress of the server's statements about who the person is.
#[derive(Debug)]
pub(super) enum Identity {
    /// The client showed a cookie. Where it was seen being handed out, the server that did so
    /// said for whom.
    Cookie { issued_to: Option<Address> },
    /// The server named the person on this connection.
    Named(Address),
}

impl Default for Identity {
    fn default() -> Self {
        Self::Cookie { issued_to: None }
    }
}

impl Identity {
    /// The person, once the server has said who it is.
    pub(super) const fn user(&self) -> Option<&Address> {
        match self {
            Self::Cookie { .. } => None,
            Self::Named(user) => Some(user),
        }
    }

    /// The server says in 01/0f that the person is `user`. Returns whom that signs in: nobody
    /// where it was said before.
    pub(super) fn stated(self, user: Address) -> Result<(Self, Option<Confirmed>), Fault> {
        match self {
            Self::Cookie { issued_to: Some(other) } if other != user => {
                Err(Fault::server("it names another person than the cookie was issued to"))
            }
            Self::Cookie { .. } => {
                let confirmed = Confirmed::by_server(user.clone());
                Ok((Self::Named(user), Some(confirmed)))
            }
            Self::Named(known) if known == user => Ok((Self::Named(known), None)),
            Self::Named(_) => Err(Fault::server("it names another person than before")),
        }
    }
}

impl Account {
    /// 01/0f of the server: who the person is. The first signs in.
    pub(super) fn self_info(
        &mut self,
        snac: &Snac,
        raw: &Bytes,
        cx: &mut Cx<'_>,
    ) -> Result<Verdict, Fault> {
        let verdict =
            if snac.request == OUR_QUESTION { Verdict::Withhold } else { Verdict::Forward };
        let Some(user) = self.named(snac, cx) else { return Ok(verdict) };
        let (identity, signed_in) = std::mem::take(&mut self.identity).stated(user)?;
        self.identity = identity;
        let Some(user) = signed_in else { return Ok(verdict) };
        // Forwarded before the event: whatever the gateway gives then stands behind it in the stream.
        self.own.signed_in(cx.now.wall);
        if !self.online {
            self.online_by = Some(cx.now.instant + SETTLING);
        }
        if verdict == Verdict::Forward {
            cx.forward(Side::Client, raw.clone());
        } else {
            cx.withhold(Side::Client);
        }
        cx.emit(Event::SignedIn { user, endpoint: self.client.clone() });
        Ok(Verdict::Done)
    }

    /// Person that a user info block of the server's names, in a connection that is a session.
    pub(super) fn named(&self, snac: &Snac, cx: &Cx<'_>) -> Option<Address> {
        let info = UserInfo::read(&mut Reader::new(snac.content().ok()?)).ok()?;
        let name = String::from_utf8_lossy(info.name);
        let names = &cx.context.names;
        names
            .address(&name, &cx.context.network)
            .ok()
            .filter(|_| self.kind == ConnectionKind::Session)
    }

    /// 01/0e of the client: who am I?
    pub(super) const fn asked_who(&mut self) -> Verdict {
        self.has_asked = true;
        Verdict::Forward
    }

    /// Asks the server in place of a client that does not want to know who it is.
    pub(super) fn ask_who(&mut self, cx: &mut Cx<'_>) {
        let is_needed = self.kind == ConnectionKind::Session && self.user().is_none();
        if is_needed && !std::mem::replace(&mut self.has_asked, true) {
            self.tell_server(&Snac::of(oservice::NICK_INFO_QUERY, OUR_QUESTION, Bytes::new()), cx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Address {
        name.parse().unwrap()
    }

    #[test]
    fn somebody_signs_in_once_under_the_name_that_the_server_says() {
        let (identity, user) = Identity::default().stated(person("alice@aol")).unwrap();
        assert_eq!(user.unwrap().name(), &person("alice@aol"));
        assert_eq!(identity.user(), Some(&person("alice@aol")));
        let (identity, user) = identity.stated(person("alice@aol")).unwrap();
        assert!(user.is_none());
        assert!(identity.stated(person("bob@aol")).is_err());
    }

    #[test]
    fn a_cookie_signs_nobody_in_but_whom_it_was_issued_to() {
        let issued = || Identity::Cookie { issued_to: Some(person("alice@aol")) };
        assert!(issued().user().is_none());
        assert!(issued().stated(person("bob@aol")).is_err());
        assert!(issued().stated(person("alice@aol")).unwrap().1.is_some());
    }
}
