//! Identity of a session's person, as states that consume themselves.
//!
//! A cookie proves nothing here, and neither does a name that the client writes beside it: the
//! server alone says whose the cookie is, in 01/0f on this connection.

use crosstalk_core::{Address, Confirmed, Fault};

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
