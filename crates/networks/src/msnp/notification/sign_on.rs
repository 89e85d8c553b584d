//! Identity of a notification connection's person, as states that consume themselves.
//!
//! A client says who it wants to be (`USR n TWN I name`) and proves it (`USR n TWN S ticket`, also
//! MD5 and SSO); `USR n OK name`, in answer to that very proof, is the server's word for it.

use crosstalk_core::{Address, Claimed, Confirmed, Fault};

use crate::msnp::account_keys::Token;
use crate::msnp::wire::Command;

/// Progress of a sign-on.
pub(super) enum SignOn {
    /// The client claims to be somebody, or has not said who it is.
    Claims(Option<Claimed>),
    /// The client showed its proof in this transaction, which the server is to judge.
    Proves { claim: Option<Claimed>, transaction: u32, token: Option<Token> },
    /// The server accepted the person, and the ticket that was shown.
    Accepted { user: Confirmed, token: Option<Token> },
}

impl Default for SignOn {
    fn default() -> Self {
        Self::Claims(None)
    }
}

impl SignOn {
    /// The person, once the server accepted it.
    pub(super) const fn user(&self) -> Option<&Confirmed> {
        match self {
            Self::Claims(_) | Self::Proves { .. } => None,
            Self::Accepted { user, .. } => Some(user),
        }
    }

    /// USR of the client: `name` reads a name as an address of this network.
    #[must_use]
    pub(super) fn said(self, usr: &Command, name: impl FnOnce(&str) -> Option<Address>) -> Self {
        let claim = match self {
            // What is proved later, since MSNP18, is what the client is and not who.
            Self::Accepted { .. } => return self,
            Self::Claims(claim) | Self::Proves { claim, .. } => claim,
        };
        match usr.word(3) {
            "I" => Self::Claims(name(usr.word(4)).map(Claimed::new)),
            "S" => {
                let token = Token::shown_by(usr);
                Self::Proves { claim, transaction: usr.transaction(), token }
            }
            _ => Self::Claims(claim),
        }
    }

    /// `USR n OK` of the server, which names `user`. Returns whether that signs somebody in: not
    /// where it answers no proof, and not twice.
    pub(super) fn accepted(self, usr: &Command, user: Address) -> Result<(Self, bool), Fault> {
        match self {
            Self::Proves { claim, transaction, token } if transaction == usr.transaction() => {
                let user = Confirmed::by_server(user);
                if claim.is_some_and(|claim| user != claim) {
                    return Err(Fault::server("it accepted another person than who signed on"));
                }
                Ok((Self::Accepted { user, token }, true))
            }
            Self::Accepted { user: known, .. } if *known.name() != user => {
                Err(Fault::server("it names another person than before"))
            }
            unchanged => Ok((unchanged, false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use crosstalk_core::Side;

    fn usr(side: Side, line: &str) -> Command {
        let mut line = BytesMut::from(format!("{line}\r\n").as_str());
        Command::take(side, &mut line).unwrap().unwrap()
    }

    fn person(name: &str) -> Option<Address> {
        format!("{name}@msn").parse().ok()
    }

    fn said(lines: &[&str]) -> SignOn {
        lines
            .iter()
            .fold(SignOn::default(), |state, line| state.said(&usr(Side::Client, line), person))
    }

    fn ok(state: SignOn, line: &str) -> Result<(SignOn, bool), Fault> {
        let usr = usr(Side::Server, line);
        let user = person(usr.word(3)).unwrap();
        state.accepted(&usr, user)
    }

    #[test]
    fn the_answer_to_the_proof_signs_in_whom_it_was_about() {
        let state = || said(&["USR 3 TWN I mary@x.org", "USR 4 TWN S t=1"]);
        assert!(ok(state(), "USR 4 OK mary@x.org Mary").unwrap().1);
        assert!(!ok(state(), "USR 3 OK mary@x.org Mary").unwrap().1);
        assert!(!ok(state(), "USR 0 OK mary@x.org Mary").unwrap().1);
        assert!(ok(state(), "USR 4 OK eve@x.org Mary").is_err());
    }

    #[test]
    fn without_a_proof_nobody_is_accepted() {
        for lines in [&[][..], &["USR 3 TWN I mary@x.org"], &["USR 3 SHA A x"]] {
            assert!(!ok(said(lines), "USR 3 OK mary@x.org Mary").unwrap().1);
        }
        let anew = ["USR 4 TWN S t=1", "USR 5 TWN I eve@x.org"];
        assert!(!ok(said(&anew), "USR 4 OK mary@x.org Mary").unwrap().1);
    }

    #[test]
    fn nobody_signs_in_twice_or_becomes_somebody_else() {
        let (state, _) = ok(said(&["USR 4 SSO S t=1 p"]), "USR 4 OK mary@x.org 1 0").unwrap();
        let again = ["USR 5 SHA A x", "USR 6 TWN I eve@x.org", "USR 7 TWN S t=2"];
        let state =
            again.iter().fold(state, |state, line| state.said(&usr(Side::Client, line), person));
        let (state, signs_in) = ok(state, "USR 5 OK mary@x.org 0 0").unwrap();
        assert!(!signs_in);
        assert!(ok(state, "USR 7 OK eve@x.org 0 0").is_err());
    }
}
