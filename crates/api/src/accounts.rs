//! Accounts of people who have only a browser: invited by an operator, known by a password or a passkey, and
//! signed in by sessions.

mod passkeys;
#[cfg(test)]
mod tests;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crosstalk_core::{Address, Redacted};

use crate::challenges::Challenges;
use crate::lock::lock;
use crate::password::{self, Hashing, Turn};
use crate::people::People;
use crate::scope::Scope;
use crate::secret::{self, Hash};
use crate::state::now;
use crate::store::{Invite, Known, Session, Store, StoreError, Token};
use crate::tokens::Tokens;
use crate::tries::Tries;

pub(crate) use passkeys::Shown;

/// For how long a session lasts.
pub(crate) const SESSION_AGE: Duration = Duration::from_hours(24 * 30);

/// Accounts, of which the store has everything, and the sessions in memory.
pub(crate) struct Accounts {
    store: Store,
    pub(crate) sessions: Tokens,
    /// Those whose streams end with their sessions.
    pub(crate) people: Arc<People>,
    hashing: Hashing,
    tries: Mutex<Tries>,
    challenges: Challenges,
    /// Whoever changes sessions on the disk takes them into memory before the next one does.
    changing: tokio::sync::Mutex<()>,
}

/// A browser that is signed in now.
pub(crate) struct SignedIn {
    /// The secret of the session, for its cookie.
    pub(crate) secret: Redacted<String>,
    pub(crate) token: Token,
}

/// Reason why somebody is not let in.
pub(crate) enum Refused {
    /// Nobody has that name and password, that passkey, or that invite.
    Wrong,
    /// Too much was tried that is wrong, or too many try.
    Wait(Duration),
    /// The password is none that one may have.
    Password,
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Accounts {
    /// The accounts of a store, and those whose streams end with their sessions.
    pub(crate) async fn open(store: Store, people: Arc<People>) -> Result<Self, StoreError> {
        let sessions = Tokens::default();
        sessions.set(store.sessions(now()).await?);
        let tries = Mutex::new(Tries::new(Instant::now()));
        let (hashing, changing) = (Hashing::default(), tokio::sync::Mutex::default());
        let challenges = Challenges::default();
        Ok(Self { store, sessions, people, hashing, tries, challenges, changing })
    }

    /// Invites somebody, for so long. Returns the secret of the invite, where there is room.
    pub(crate) async fn invite(
        &self,
        who: &Address,
        age: Duration,
    ) -> Result<Option<(Redacted<String>, Invite)>, StoreError> {
        let (secret, hash) = secret::make();
        let now = now();
        let expires_at = now.0 + age.as_millis() as u64;
        let invite = Invite { who: who.to_string(), expires_at };
        let kept = self.store.invite(hash, invite.clone(), now).await?;
        Ok(kept.then_some((secret, invite)))
    }

    /// The invite that a browser shows.
    pub(crate) async fn invited(&self, secret: &str) -> Result<Invite, Refused> {
        // It is not counted: nobody guesses 256 bits.
        let hash = Hash::of(secret).ok_or(Refused::Wrong)?;
        self.store.invited(hash, now()).await?.ok_or(Refused::Wrong)
    }

    /// Uses an invite up, and sets a password. Every other session of that one ends.
    pub(crate) async fn accept(
        self: &Arc<Self>,
        secret: &str,
        password: Redacted<String>,
    ) -> Result<SignedIn, Refused> {
        let invite = self.invited(secret).await?;
        let hash = Hash::of(secret).ok_or(Refused::Wrong)?;
        let hashed = self.hashed(&invite.who, password).await?;
        let (signed_in, session) = begin(invite.who);
        let store = self.store.clone();
        let accepted = self.change(async move { store.accept(hash, hashed, session, now()).await });
        // Somebody else may have used it meanwhile.
        if accepted.await? { Ok(signed_in) } else { Err(Refused::Wrong) }
    }

    /// Signs a browser in whose person knows the password.
    pub(crate) async fn sign_in(
        self: &Arc<Self>,
        client: IpAddr,
        who: &Address,
        password: Redacted<String>,
    ) -> Result<SignedIn, Refused> {
        let known = Known::Password(self.check(client, who, password).await?);
        let (signed_in, session) = begin(who.to_string());
        let store = self.store.clone();
        let begun = self.change(async move { store.begin_session(known, session).await });
        if begun.await? { Ok(signed_in) } else { Err(Refused::Wrong) }
    }

    /// Ends a session. Returns whether there was one: a made-up one costs no write.
    pub(crate) async fn end(self: &Arc<Self>, hash: Hash) -> Result<bool, StoreError> {
        if self.sessions.get(&hash, now()).is_none() {
            return Ok(false);
        }
        let store = self.store.clone();
        self.change(async move { store.end_session(hash).await }).await
    }

    /// Forgets somebody's account, with all its sessions.
    pub(crate) async fn close(self: &Arc<Self>, who: &Address) -> Result<(), StoreError> {
        let (store, who) = (self.store.clone(), who.clone());
        self.change(async move { store.close_account(&who).await }).await
    }

    /// The hash of somebody's password, where this is it.
    async fn check(
        self: &Arc<Self>,
        client: IpAddr,
        who: &Address,
        password: Redacted<String>,
    ) -> Result<String, Refused> {
        if password.expose().len() > password::MOST {
            return Err(Refused::Wrong);
        }
        // Whoever has tried too much takes no place among those who wait.
        self.may_try(client, who)?;
        let turn = self.turn().await?;
        // Others had their turns meanwhile. With this one, no more are let through than may be.
        self.may_try(client, who)?;
        let (this, who) = (Arc::clone(self), who.clone());
        // It goes on when the browser hangs up: what is wrong counts, and before the next one's turn.
        let checking = tokio::spawn(async move {
            let hash = this.store.password(&who).await?;
            if turn.is_it(password, hash.clone()).await {
                return hash.ok_or(Refused::Wrong);
            }
            lock(&this.tries).failed(Instant::now(), client, &who);
            Err(Refused::Wrong)
        });
        checking.await.map_err(|error| StoreError::File(io::Error::other(error)))?
    }

    fn may_try(&self, client: IpAddr, who: &Address) -> Result<(), Refused> {
        let wait = lock(&self.tries).wait(Instant::now(), client, who);
        wait.map_or(Ok(()), |wait| Err(Refused::Wait(wait)))
    }

    async fn turn(&self) -> Result<Turn, Refused> {
        self.hashing.turn().await.ok_or(Refused::Wait(Duration::ZERO))
    }

    /// The hash of a password that somebody may have.
    async fn hashed(&self, who: &str, password: Redacted<String>) -> Result<String, Refused> {
        let words = password.expose();
        let local = who.split('@').next().unwrap_or_default();
        let is_long = words.chars().count() >= password::LEAST && words.len() <= password::MOST;
        if !is_long || [who, local].contains(&words.to_lowercase().as_str()) {
            return Err(Refused::Password);
        }
        let hash = self.turn().await?.hash(password).await;
        hash.ok_or(Refused::Wait(Duration::ZERO))
    }

    /// Changes sessions on the disk, and in memory after that; the streams of those that have ended end
    /// too. It goes on when the browser hangs up, so that all stay the same.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let this = Arc::clone(self);
        let changing = tokio::spawn(async move {
            let _turn = this.changing.lock().await;
            let done = work.await?;
            this.sessions.set(this.store.sessions(now()).await?);
            this.people.tokens_changed();
            Ok(done)
        });
        changing.await.map_err(io::Error::other)?
    }
}

/// A new session of somebody, with what an application may do.
fn begin(who: String) -> (SignedIn, Session) {
    let (secret, hash) = secret::make();
    let now = now().0;
    let token = Token {
        id: format!("{:016x}", rand::random::<u64>()),
        who,
        scopes: Scope::of_applications().collect(),
        made_at: now,
        expires_at: Some(now + SESSION_AGE.as_millis() as u64),
    };
    (SignedIn { secret, token: token.clone() }, (hash, token))
}
