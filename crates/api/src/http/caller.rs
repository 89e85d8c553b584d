//! Callers: who asks, and whether that one may.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use crosstalk_core::{Address, Rate};

use super::origin;
use super::problem::Problem;
use crate::scope::Scope;
use crate::secret::Hash;
use crate::state::State;
use crate::store::Token;

/// Requests of one token: so many at once, and one each 20 ms over time.
const PACE: Rate = Rate::new(200, Duration::from_millis(20));

/// The way that a connection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// The socket in the data directory, which only the gateway's own user can open.
    Own,
    /// An address that others may reach.
    Far,
}

/// The client behind a connection: an address, or the network that one has to itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) IpAddr);

/// A part of the API that a call belongs to.
pub(crate) trait Need: Send {
    /// The scope that a token needs for it.
    const SCOPE: Option<Scope>;
}

/// Somebody who may make a call that needs `N`.
pub(crate) struct Caller<N> {
    state: Arc<State>,
    /// The hash of the token.
    hash: Option<Hash>,
    token: Option<Arc<Token>>,
    who: Option<Address>,
    need: PhantomData<N>,
}

/// Needs, each with its scope.
macro_rules! needs {
    ($($(#[$doc:meta])* $need:ident: $scope:expr;)*) => {
        $($(#[$doc])*
        pub(crate) struct $need;

        impl Need for $need {
            const SCOPE: Option<Scope> = $scope;
        })*
    };
}

needs! {
    /// Any token will do.
    Anything: None;
    /// Calls by which something is said.
    Sending: Some(Scope::Send);
    /// Calls by which events are heard.
    Reading: Some(Scope::Read);
    /// Calls about the own presence.
    Showing: Some(Scope::Presence);
    /// Calls about contacts.
    Listing: Some(Scope::Contacts);
    /// Calls about files.
    Filing: Some(Scope::Files);
    /// Calls by which people are invited to talk.
    Dialling: Some(Scope::Calls);
    /// Calls about everything that is stored about the caller.
    Keeping: Some(Scope::Records);
    /// Calls by which the directory is read.
    DirectoryReading: Some(Scope::DirectoryRead);
    /// Calls by which something is kept in the directory.
    DirectoryWriting: Some(Scope::DirectoryWrite);
    /// Calls of an operator.
    Operating: Some(Scope::Operator);
}

impl<N> Caller<N> {
    /// The token; none of whoever came through the gateway's own door without one.
    pub(crate) fn token(&self) -> Option<&Token> {
        self.token.as_deref()
    }

    /// Fails where the token no longer stands. The head of the request was let in by it, and the body may
    /// have come much later.
    pub(crate) fn still_stands(&self) -> Result<(), Problem> {
        let has_ended = |hash: &Hash| self.state.token(hash).is_none();
        if self.hash.as_ref().is_some_and(has_ended) { Err(unknown()) } else { Ok(()) }
    }

    /// The hash of the token, by which it is seen whether it still stands.
    pub(crate) const fn hash(&self) -> Option<Hash> {
        self.hash
    }

    /// The one that the caller speaks for, where the token still stands.
    pub(crate) fn who(&self) -> Result<&Address, Problem> {
        self.still_stands()?;
        self.who
            .as_ref()
            .ok_or_else(|| Problem::token("this is done in somebody's name: show a token"))
    }
}

impl<N: Need> FromRequestParts<Arc<State>> for Caller<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Problem> {
        // Before anything of the request is looked at, so that it tells nobody anything.
        let Some(shown) = parts.headers.get(header::AUTHORIZATION) else {
            let is_own = parts.extensions.get() == Some(&Door::Own);
            // Whoever can open that socket can read the whole data directory.
            if is_own && N::SCOPE == Some(Scope::Operator) {
                let state = Arc::clone(state);
                return Ok(Self { state, hash: None, token: None, who: None, need: PhantomData });
            }
            return Self::of_browser(parts, state);
        };
        let shown = shown.to_str().ok().and_then(|shown| shown.split_once(' '));
        let (_, secret) =
            shown.filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer")).ok_or_else(|| {
                Problem::token("the header must be `Authorization: Bearer` and a token")
            })?;
        Self::of_token(state, Hash::of(secret.trim()))
    }
}

impl<N: Need> Caller<N> {
    /// The caller who has a browser, by the cookie of its session.
    fn of_browser(parts: &Parts, state: &Arc<State>) -> Result<Self, Problem> {
        let secret = state
            .cookie
            .read(&parts.headers)
            .ok_or_else(|| Problem::token("send the header `Authorization: Bearer` and a token"))?;
        // A browser sends the cookie whichever page asks.
        if !origin::is_own(&parts.headers, &state.origins) {
            return Err(Problem::origin());
        }
        Self::of_token(state, Hash::of(secret))
    }

    fn of_token(state: &Arc<State>, hash: Option<Hash>) -> Result<Self, Problem> {
        let (hash, token) =
            hash.and_then(|hash| Some((hash, state.token(&hash)?))).ok_or_else(unknown)?;
        if let Some(wait) = state.pace(hash, Instant::now(), PACE) {
            return Err(Problem::too_many(wait));
        }
        if let Some(scope) = N::SCOPE.filter(|scope| !token.scopes.contains(scope)) {
            let detail = format!("this needs a token with the scope `{scope}`");
            return Err(Problem::scope(detail));
        }
        let (state, who) = (Arc::clone(state), token.address());
        Ok(Self { state, hash: Some(hash), token: Some(token), who, need: PhantomData })
    }
}

fn unknown() -> Problem {
    Problem::token("nobody has such a token, or no longer")
}
