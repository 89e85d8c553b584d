//! Identity of a connection's person, as states that consume themselves.
//!
//! A client says who it wants to be (0x57), the server challenges that name (0x57), the client
//! shows its proof under the same name (0x54), and with the first of its lists or statuses the
//! server says that it has accepted it.

use crosstalk_core::{Address, Claimed, Confirmed, Event, Fault};

use super::account::Account;
use super::context::Cx;
use super::handoff;
use super::roster::Hold;
use super::wire::{Packet, charset, key, service};

/// The first release of clients that answer requests by [`service::AUTHORISE`].
const ANSWERING: u32 = 7;
/// The keys under which a client says who it is in its proof.
const CLAIMS: [u32; 2] = [key::ACCOUNT, key::ID];
/// The keys under which a server says who the person is: the name, names in use, and the
/// current one.
const NAMES: [u32; 4] = [key::ACCOUNT, key::IDS, key::OTHER, key::ID];

/// Progress of a sign-on.
#[derive(Default)]
pub(super) enum SignOn {
    /// Nobody said anything.
    #[default]
    Nobody,
    /// The client asked to be challenged.
    Asked,
    /// The server challenged this name, if it is one.
    Challenged(Option<Claimed>),
    /// The client showed its proof under the name that was challenged; of no use where that is
    /// none, or where the client wrote another name beside it.
    Proves { name: Option<Claimed>, by_ticket: bool },
    /// The server accepted the person.
    Accepted(Confirmed),
}

impl SignOn {
    /// The person, once the server accepted it.
    pub(super) const fn user(&self) -> Option<&Confirmed> {
        if let Self::Accepted(user) = self { Some(user) } else { None }
    }

    /// Whether the server owes its judgement.
    pub(super) const fn is_proved(&self) -> bool {
        matches!(self, Self::Proves { .. })
    }

    /// 0x57 of the client. Behind a proof that is not judged yet it leaves open whom the server
    /// accepts.
    #[must_use]
    pub(super) fn asked(self) -> Self {
        match self {
            Self::Nobody | Self::Asked | Self::Challenged(_) => Self::Asked,
            Self::Proves { by_ticket, .. } => Self::Proves { name: None, by_ticket },
            Self::Accepted(_) => self,
        }
    }

    /// 0x57 of the server, which names whom it challenges.
    #[must_use]
    pub(super) fn challenged(self, name: Option<Address>) -> Self {
        if let Self::Asked = self { Self::Challenged(name.map(Claimed::new)) } else { self }
    }

    /// 0x54 of the client, with the names that it writes; `by_ticket` where it proves itself by
    /// what it got elsewhere, under a name that nobody here has seen.
    #[must_use]
    pub(super) fn proved(self, names: &[Option<Address>], by_ticket: bool) -> Self {
        let (name, by_ticket) = match self {
            Self::Challenged(name) => (name, by_ticket),
            Self::Proves { name, by_ticket: before } => (name, by_ticket || before),
            Self::Nobody | Self::Asked | Self::Accepted(_) => return self,
        };
        let same = |name: &Claimed| names.iter().all(|n| n.as_ref() == Some(name.name()));
        Self::Proves { name: name.filter(|name| !names.is_empty() && same(name)), by_ticket }
    }

    /// 0x54 of the server: no.
    #[must_use]
    pub(super) fn refused(self) -> Self {
        if self.is_proved() { Self::Nobody } else { self }
    }

    /// The server accepts the person, who is `user`, also called by the other `names`. Returns
    /// whether that signs in.
    pub(super) fn named(self, user: Address, names: &[Address]) -> Result<(Self, bool), Fault> {
        match self {
            Self::Proves { name: Some(name), .. } if names.contains(name.name()) => {
                Ok((Self::Accepted(Confirmed::by_server(user)), true))
            }
            Self::Proves { name: Some(_), .. } => {
                Err(Fault::server("it accepted another person than it challenged"))
            }
            unchanged => Ok((unchanged, false)),
        }
    }

    /// The server accepted the person and names nobody but in its challenge: it has accepted that
    /// one, unless a ticket may be somebody else's. Returns whether that signs in.
    #[must_use]
    pub(super) fn unnamed(self) -> (Self, bool) {
        match self {
            Self::Proves { name: Some(name), by_ticket: false } => {
                (Self::Accepted(Confirmed::by_server(name.name().clone())), true)
            }
            unchanged => (unchanged, false),
        }
    }
}

impl Account {
    /// 0x54: the client shows its proof, and what status it begins with.
    pub(super) fn answered(&mut self, packet: &Packet, cx: &mut Cx<'_>) {
        let version = packet.first(key::VERSION).map(charset::read_name).unwrap_or_default();
        format!("Yahoo {version}").trim_end().clone_into(&mut self.endpoint);
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        let is_later = major.is_some_and(|major| major >= ANSWERING) && cx.link.version() > 9;
        self.says_yes = cx.link.has_authorisation() || is_later;
        let names: Vec<_> = CLAIMS.iter().flat_map(|key| packet.all(*key)).collect();
        let names: Vec<_> = names.into_iter().map(|name| address(name, cx)).collect();
        let by_ticket = packet.first(key::COOKIE_T).is_some();
        self.sign_on = std::mem::take(&mut self.sign_on).proved(&names, by_ticket);
        self.own.begin(packet.status);
        if let Some(cookie) = packet.first(key::COOKIE_T) {
            cx.listen(handoff::of_cookie(cookie));
        }
    }

    /// 0x57 of the server, to the name that it is to know.
    pub(super) fn challenged(&mut self, packet: &Packet, cx: &Cx<'_>) {
        let name = packet.first(key::ID).and_then(|name| address(name, cx));
        self.sign_on = std::mem::take(&mut self.sign_on).challenged(name);
    }

    /// A packet with which the server accepts its client, and may say who that is.
    pub(super) fn accepts(&mut self, packet: &Packet, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let texts = NAMES.iter().flat_map(|key| packet.all(*key));
        let mut texts = texts.flat_map(|names| names.split(|b| *b == b',')).peekable();
        while texts.next_if(|name| name.trim_ascii().is_empty()).is_some() {}
        let Some(first) = texts.peek() else { return Ok(()) };
        let me = charset::read_name(first).trim().to_owned();
        let names: Vec<Address> = texts.filter_map(|name| address(name, cx)).collect();
        let Some(user) = address(me.as_bytes(), cx) else {
            self.release(cx);
            self.hold = Hold::Over;
            cx.emit(Event::Opaque);
            return Ok(());
        };
        let judged = std::mem::take(&mut self.sign_on).named(user, &names);
        // Not even passed on unread: the client would go on under the wrong name.
        let (sign_on, signs_in) = judged.inspect_err(|_| cx.out.withhold())?;
        self.sign_on = sign_on;
        if signs_in {
            self.signed_in(me, cx);
        }
        Ok(())
    }

    /// The server knows the person, whom it calls `me`.
    pub(super) fn signed_in(&mut self, me: String, cx: &mut Cx<'_>) {
        let Some(user) = self.sign_on.user().cloned() else { return };
        self.me = me;
        cx.emit(Event::SignedIn { user, endpoint: self.endpoint.clone() });
        self.own.touch();
    }
}

/// Address of a name in a packet, on this network.
fn address(name: &[u8], cx: &Cx<'_>) -> Option<Address> {
    cx.context.names.address(charset::read_name(name).trim(), &cx.context.network).ok()
}

/// Whether a packet of the server may be the one with which it accepts its client.
pub(super) const fn accepts(service: u16) -> bool {
    matches!(service, service::LIST | service::LIST_15 | service::LOGON | service::STATUS_15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Address {
        format!("{name}@yahoo").parse().unwrap()
    }

    fn proved(challenged: &str, names: &[&str], by_ticket: bool) -> SignOn {
        let names: Vec<_> = names.iter().map(|name| Some(person(name))).collect();
        SignOn::Nobody.asked().challenged(Some(person(challenged))).proved(&names, by_ticket)
    }

    #[test]
    fn the_server_accepts_whom_it_challenged() {
        let (ann, annie) = (person("ann"), person("annie"));
        let state = || proved("ann", &["ann", "ann"], false);
        let (accepted, signs_in) = state().named(ann.clone(), &[ann.clone(), annie]).unwrap();
        assert!(signs_in && accepted.user().unwrap().name() == &ann);
        assert!(!accepted.named(person("eve"), &[person("eve")]).unwrap().1);
        assert!(state().named(person("eve"), &[person("eve")]).is_err());
        assert!(state().unnamed().1);
    }

    #[test]
    fn without_every_step_nobody_signs_in() {
        let ann = person("ann");
        let names = [Some(ann.clone())];
        let unasked = SignOn::Nobody.challenged(Some(ann.clone())).proved(&names, false);
        let unchallenged = SignOn::Nobody.asked().proved(&names, false);
        let anew = proved("ann", &["ann"], false).asked();
        let refused = proved("ann", &["ann"], false).refused();
        let two_names = proved("ann", &["ann", "eve"], false);
        for state in [unasked, unchallenged, anew, refused, two_names] {
            let (state, signs_in) = state.unnamed();
            assert!(!signs_in && !state.named(ann.clone(), std::slice::from_ref(&ann)).unwrap().1);
        }
    }

    #[test]
    fn a_ticket_is_whose_the_server_says() {
        let (state, signs_in) = proved("ann", &["ann"], true).unnamed();
        assert!(!signs_in);
        assert!(state.named(person("ann"), &[person("ann")]).unwrap().1);
    }
}
