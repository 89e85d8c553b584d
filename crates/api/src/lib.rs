//! A door for programs: what people do with their clients, done by calls over HTTP.
//!
//! An application is a person of the network `apps`, and somebody who has only a browser is one of
//! `web`. Such a person has an account at the router like everybody else, with a list, presence and
//! consent; the session of the API stands where the engine of a connection stands for others. There
//! is no server that says who somebody is: a token does, which the gateway gave out itself.
//!
//! ```text
//! http:    connections, who asks, problems
//! calls:   one file a part of the API, with its description (OpenAPI 3.1)
//! people:  those who are signed on by it, each with a task that takes the mail of the account
//! content: texts, presence, contacts and events, as programs read and write them
//! records: everything that is stored about a person, written down and forgotten
//! store:   tokens and events that were not acknowledged yet, on disk
//! web:     the chat page for people who have only a browser, and how they sign in
//! client:  the side of commands on the same machine
//! ```

mod accounts;
mod calls;
mod challenges;
pub mod client;
mod content;
mod directory;
mod http;
mod idempotency;
mod lock;
mod passkey;
mod password;
mod people;
mod records;
mod scope;
mod secret;
mod state;
mod status;
mod store;
mod tokens;
mod tries;
mod uploads;
mod web;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crosstalk_core::{Address, Names};
use crosstalk_gateway::router::Router;
use crosstalk_gateway::tls::OwnTls;
use crosstalk_overlay::Overlay;
use tokio::task::JoinSet;

pub use calls::{Person, TokenWanted};
pub use http::server::Listen;
pub use scope::Scope;
pub use status::{Dropped, Link, Member, Memory, Mesh, People, Refused, Status};
pub use store::{NewToken, StoreError, Token};
pub use web::{InviteWanted, NewInvite};

use accounts::Accounts;
use calls::OfApi;
use http::origin::origins;
use http::server::{FarDoor, OwnDoor};
use state::State;
use store::Store;

/// The name of the socket in the data directory.
const SOCKET: &str = "api.sock";

/// Reason why the API cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// What it keeps cannot be used.
    #[error("its store: {0}")]
    Store(#[from] StoreError),
    /// The socket cannot be opened.
    #[error("{0}: {1}")]
    Socket(PathBuf, io::Error),
    /// An address cannot be listened at.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
}

/// The socket of the gateway whose data directory is `data`.
pub fn socket(data: &Path) -> PathBuf {
    data.join(SOCKET)
}

/// The API of a running gateway. When it is dropped, it ends.
pub struct Api {
    /// The addresses that it listens at besides its socket.
    pub at: Vec<SocketAddr>,
    state: Arc<State>,
    _serving: JoinSet<()>,
}

impl Api {
    /// Opens the door of the gateway whose data directory is `data`: the socket there, and where else
    /// it is to `listen`.
    pub async fn start(
        data: &Path,
        listen: Listen,
        overlay: Overlay,
        router: Router,
        names: Arc<Names>,
    ) -> Result<Self, ApiError> {
        let store = Store::open(data)?;
        let tokens = store.tokens().await?;
        let mut far = Vec::new();
        for wanted in &listen.at {
            let door = FarDoor::open(*wanted, listen.tls.clone()).await;
            far.push(door.map_err(|e| ApiError::Listen(*wanted, e))?);
        }
        let at: Vec<_> = far.iter().map(|door| door.address).collect();
        let host = listen.tls.as_ref().map(OwnTls::host);
        let origins = at.iter().flat_map(|at| origins(*at, host)).collect();
        let people = Arc::new(people::People::new(router.clone(), store.clone()));
        let accounts = Accounts::open(store.clone(), people).await?;
        let state = State::new(store, overlay, router, names, tokens, accounts, origins);
        let state = Arc::new(state);
        state.router.ask_keeper(OfApi::of(&state));
        let path = socket(data);
        let own = OwnDoor::open(&path).map_err(|e| ApiError::Socket(path, e))?;
        let calls = calls::router(Arc::clone(&state));
        let mut serving = JoinSet::new();
        for door in far {
            serving.spawn(door.serve(calls.clone()));
        }
        serving.spawn(own.serve(calls));
        serving.spawn(state.store.clone().sweep_hourly());
        Ok(Self { at, state, _serving: serving })
    }

    /// Takes nothing new from now on; what is asked is still answered.
    pub fn drain(&self) {
        self.state.drain();
    }
}

/// What the API of a gateway that does not run keeps.
pub struct Asleep(Store);

impl Asleep {
    /// Opens what the API of the gateway keeps in `data`.
    pub fn open(data: &Path) -> Result<Self, StoreError> {
        Store::open(data).map(Self)
    }

    /// Makes a token for a name of one of the gateway's own networks; none where there are very
    /// many.
    pub async fn make_token(
        &self,
        who: Address,
        scopes: Vec<Scope>,
    ) -> Result<Option<NewToken>, StoreError> {
        Ok(self.0.make_token(who, scopes, state::now()).await?.map(|(_, made)| made))
    }

    /// Every token, and behind them the sessions of browsers.
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let sessions = self.0.sessions(state::now()).await?;
        let all = self.0.tokens().await?.into_iter().chain(sessions);
        Ok(all.map(|(_, token)| token).collect())
    }

    /// Forgets everything that is kept of somebody but the tokens.
    pub async fn forget(&self, who: &Address) -> Result<(), StoreError> {
        // First: whoever is forgotten only in part does not sign in.
        self.0.close_account(who).await?;
        self.0.forget(who).await.map(drop)
    }

    /// Forgets a token, or a session. Returns whether there was one.
    pub async fn revoke_token(&self, id: String) -> Result<bool, StoreError> {
        let sessions = self.0.sessions(state::now()).await?;
        if let Some((hash, _)) = sessions.into_iter().find(|(_, session)| session.id == id) {
            return self.0.end_session(hash).await;
        }
        Ok(self.0.revoke_token(id).await?.is_some())
    }
}
