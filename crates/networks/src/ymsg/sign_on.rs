//! Identity of a connection's person, as states that consume themselves.
//!
//! A client says who it wants to be (0x57), the server challenges that name (0x57), the client
//! shows its proof under the same name (0x54), and with the first of its lists or statuses the
//! server says that it has accepted it.

use crosstalk_core::{Address, Claimed, Confirmed, Fault};

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
