//! Passkeys of accounts: added by who is signed in, and shown to sign in.

use std::sync::Arc;

use super::{Accounts, Refused, SignedIn, begin};
use crate::passkey::{Deed, Key, MAX_ID, Statement};
use crate::secret::Hash;
use crate::state::now;
use crate::store::{Known, Passkey, StoreError};

/// The purpose of challenges for signing in.
const SIGN_IN: &str = "sign in";

/// A passkey that a browser has just made, or shows.
pub(crate) struct Shown<'a> {
    /// Its name.
    pub(crate) id: &'a [u8],
    pub(crate) statement: Statement<'a>,
    /// The public key of a new one, or the signature of one that is known.
    pub(crate) proof: &'a [u8],
}

impl Accounts {
    /// A challenge for a new passkey of somebody.
    pub(crate) fn challenge_of(&self, who: &str) -> String {
        self.challenges.make(&adding(who), now())
    }

    /// A challenge for signing in.
    pub(crate) fn challenge(&self) -> String {
        self.challenges.make(SIGN_IN, now())
    }

    /// Adds a passkey that the browser of a session made at a page of one of these origins. Returns
    /// whether it may be.
    pub(crate) async fn add_passkey(
        &self,
        (session, who): (Hash, &str),
        origins: &[String],
        made: &Shown<'_>,
    ) -> Result<bool, StoreError> {
        let answered = self.answered(&made.statement, Deed::Create, &adding(who), origins);
        let is_it = made.statement.made() == Some(made.id) && made.id.len() <= MAX_ID;
        let Some(key) = Key::read(made.proof).filter(|_| is_it) else { return Ok(false) };
        // Last, so that what is wrong otherwise uses up nothing.
        if !answered.is_some_and(|challenge| self.challenges.use_up(&challenge, now())) {
            return Ok(false);
        }
        self.store.add_passkey(session, made.id.to_vec(), Passkey { who: who.into(), key }).await
    }

    /// Signs a browser in whose person showed a passkey at a page of one of these origins.
    pub(crate) async fn sign_in_by_passkey(
        self: &Arc<Self>,
        origins: &[String],
        shown: &Shown<'_>,
    ) -> Result<SignedIn, Refused> {
        let answered = self.answered(&shown.statement, Deed::Get, SIGN_IN, origins);
        let challenge = answered.filter(|_| shown.id.len() <= MAX_ID).ok_or(Refused::Wrong)?;
        let passkey = self.store.passkey(shown.id.to_vec()).await?.ok_or(Refused::Wrong)?;
        let is_it = passkey.key.signed(&shown.statement, shown.proof);
        if !is_it || !self.challenges.use_up(&challenge, now()) {
            return Err(Refused::Wrong);
        }
        let (signed_in, session) = begin(passkey.who);
        let (store, known) = (self.store.clone(), Known::Passkey(shown.id.to_vec()));
        let begun = self.change(async move { store.begin_session(known, session).await });
        if begun.await? { Ok(signed_in) } else { Err(Refused::Wrong) }
    }

    /// The challenge that a statement answers, where it is one of these.
    fn answered(
        &self,
        statement: &Statement<'_>,
        deed: Deed,
        purpose: &str,
        origins: &[String],
    ) -> Option<String> {
        let challenge = statement.challenge(deed, origins)?;
        self.challenges.is_good(purpose, &challenge, now()).then_some(challenge)
    }
}

/// The purpose of challenges for a new passkey of somebody.
fn adding(who: &str) -> String {
    format!("a passkey of {who}")
}
