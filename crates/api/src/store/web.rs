//! People who have only a browser: their passwords, invites, and the sessions of their browsers.

use crosstalk_core::{Address, UnixMillis};
use redb::{
    ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, Table, WriteTransaction,
};
use serde::{Deserialize, Serialize};

use super::tables::{ACCOUNTS, INVITES, PASSKEYS, SESSIONS};
use super::{Passkey, Store, StoreError, Token};
use crate::secret::Hash;

/// The most people, and the most invites.
const MOST: u64 = 2_000;
/// The most sessions of one person: the oldest ends when there is one more.
const MOST_SESSIONS: usize = 8;

/// How somebody is known.
#[derive(Serialize, Deserialize)]
struct Account {
    /// The password, hashed, as a PHC string.
    password: String,
}

/// An invite that nobody has used yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Invite {
    /// Who is invited.
    pub(crate) who: String,
    /// Time at which it ends, in milliseconds since 1970.
    pub(crate) expires_at: u64,
}

/// The way in which somebody was known who signs in.
pub(crate) enum Known {
    /// By the password that is hashed so.
    Password(String),
    /// By the passkey of that name.
    Passkey(Vec<u8>),
}

/// The session of a browser: a token that ends, and the hash of its secret.
pub(crate) type Session = (Hash, Token);

impl Store {
    /// Keeps an invite, in place of an earlier one of the same person. Returns whether there was
    /// room.
    pub(crate) async fn invite(
        &self,
        hash: Hash,
        invite: Invite,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let stored = serde_json::to_vec(&invite).unwrap_or_default();
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            {
                let mut invites = write.open_table(INVITES)?;
                invites.retain(|_, earlier| {
                    serde_json::from_slice::<Invite>(earlier).is_ok_and(|earlier| {
                        earlier.expires_at > now.0 && earlier.who != invite.who
                    })
                })?;
                let accounts = write.open_table(ACCOUNTS)?;
                let is_known = accounts.get(invite.who.as_str())?.is_some();
                if invites.len()? >= MOST || (!is_known && accounts.len()? >= MOST) {
                    return Ok(false);
                }
                invites.insert(&hash.0, stored.as_slice())?;
            }
            write.commit()?;
            Ok(true)
        })
        .await
    }

    /// The invite with that hash, if it is still one.
    pub(crate) async fn invited(
        &self,
        hash: Hash,
        now: UnixMillis,
    ) -> Result<Option<Invite>, StoreError> {
        self.on_disk(move |db| {
            let invites = db.begin_read()?.open_table(INVITES)?;
            let stored = invites.get(&hash.0)?;
            Ok(stored.and_then(|stored| valid(stored.value(), now)))
        })
        .await
    }

    /// Uses an invite up: the person has this password from now on, and this session, and no other
    /// session and no passkey. Returns whether it was still one, and was for this person.
    pub(crate) async fn accept(
        &self,
        invite: Hash,
        password: String,
        session: Session,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let stored = serde_json::to_vec(&Account { password }).unwrap_or_default();
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            let used = {
                let mut invites = write.open_table(INVITES)?;
                let used = invites.remove(&invite.0)?;
                used.and_then(|used| valid(used.value(), now))
            };
            let who = &session.1.who;
            if used.is_none_or(|used| used.who != *who) {
                return Ok(false);
            }
            write.open_table(ACCOUNTS)?.insert(who.as_str(), stored.as_slice())?;
            end_of(&write, who)?;
            insert(&mut write.open_table(SESSIONS)?, &session)?;
            write.commit()?;
            Ok(true)
        })
        .await
    }

    /// The hashed password of somebody who has one.
    pub(crate) async fn password(&self, who: &Address) -> Result<Option<String>, StoreError> {
        let who = who.to_string();
        self.on_disk(move |db| {
            let accounts = db.begin_read()?.open_table(ACCOUNTS)?;
            let stored = accounts.get(who.as_str())?;
            let account = stored.map(|stored| serde_json::from_slice::<Account>(stored.value()));
            Ok(account.and_then(Result::ok).map(|account| account.password))
        })
        .await
    }

    /// Begins a session of somebody who is still known so; the oldest ends where there are too
    /// many. Returns whether it begins.
    pub(crate) async fn begin_session(
        &self,
        known: Known,
        session: Session,
    ) -> Result<bool, StoreError> {
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            {
                if !is_known(&write, &session.1.who, &known)? {
                    return Ok(false);
                }
                let mut sessions = write.open_table(SESSIONS)?;
                let mut own = all(&sessions)?;
                own.retain(|(_, token)| token.who == session.1.who);
                own.sort_by_key(|(_, token)| token.made_at);
                let too_many = (own.len() + 1).saturating_sub(MOST_SESSIONS);
                for (hash, _) in own.iter().take(too_many) {
                    sessions.remove(&hash.0)?;
                }
                insert(&mut sessions, &session)?;
            }
            write.commit()?;
            Ok(true)
        })
        .await
    }

    /// The sessions that have not ended. Forgets those that have.
    pub(crate) async fn sessions(&self, now: UnixMillis) -> Result<Vec<Session>, StoreError> {
        self.on_disk(move |db| {
            let mut sessions = all(&db.begin_read()?.open_table(SESSIONS)?)?;
            let has_ended =
                |(_, token): &mut Session| token.expires_at.is_none_or(|at| at <= now.0);
            let ended: Vec<_> = sessions.extract_if(.., has_ended).collect();
            if !ended.is_empty() {
                let write = db.begin_write()?;
                {
                    let mut table = write.open_table(SESSIONS)?;
                    for (hash, _) in ended {
                        table.remove(&hash.0)?;
                    }
                }
                write.commit()?;
            }
            Ok(sessions)
        })
        .await
    }

    /// Ends a session. Returns whether there was one.
    pub(crate) async fn end_session(&self, hash: Hash) -> Result<bool, StoreError> {
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            let was_there = write.open_table(SESSIONS)?.remove(&hash.0)?.is_some();
            write.commit()?;
            Ok(was_there)
        })
        .await
    }

    /// Forgets how somebody is known: the password, passkeys, invites, and every session.
    pub(crate) async fn close_account(&self, who: &Address) -> Result<(), StoreError> {
        let who = who.to_string();
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            write.open_table(ACCOUNTS)?.remove(who.as_str())?;
            let is_other = |invite: &[u8]| {
                serde_json::from_slice::<Invite>(invite).is_ok_and(|invite| invite.who != who)
            };
            write.open_table(INVITES)?.retain(|_, invite| is_other(invite))?;
            end_of(&write, &who)?;
            write.commit()?;
            Ok(())
        })
        .await
    }
}

/// Whether somebody may still sign in so.
fn is_known(write: &WriteTransaction, who: &str, known: &Known) -> Result<bool, redb::Error> {
    Ok(match known {
        Known::Password(password) => {
            let accounts = write.open_table(ACCOUNTS)?;
            let account = accounts.get(who)?;
            let account = account.map(|a| serde_json::from_slice::<Account>(a.value()));
            matches!(account, Some(Ok(account)) if account.password == *password)
        }
        Known::Passkey(id) => {
            let passkeys = write.open_table(PASSKEYS)?;
            let passkey = passkeys.get(id.as_slice())?;
            let passkey = passkey.map(|p| serde_json::from_slice::<Passkey>(p.value()));
            matches!(passkey, Some(Ok(passkey)) if passkey.who == who)
        }
    })
}

/// Ends every session of somebody, and forgets the passkeys.
fn end_of(write: &WriteTransaction, who: &str) -> Result<(), redb::Error> {
    write.open_table(PASSKEYS)?.retain(|_, passkey| {
        serde_json::from_slice::<Passkey>(passkey).is_ok_and(|passkey| passkey.who != who)
    })?;
    write.open_table(SESSIONS)?.retain(|_, session| {
        serde_json::from_slice::<Token>(session).is_ok_and(|token| token.who != who)
    })?;
    Ok(())
}

fn insert(
    sessions: &mut Table<'_, &'static [u8; 32], &'static [u8]>,
    (hash, token): &Session,
) -> Result<(), redb::Error> {
    let stored = serde_json::to_vec(token).unwrap_or_default();
    sessions.insert(&hash.0, stored.as_slice())?;
    Ok(())
}

fn all(
    table: &impl redb::ReadableTable<&'static [u8; 32], &'static [u8]>,
) -> Result<Vec<Session>, redb::Error> {
    let mut sessions = Vec::new();
    for entry in table.iter()? {
        let (hash, stored) = entry?;
        if let Ok(token) = serde_json::from_slice(stored.value()) {
            sessions.push((Hash(*hash.value()), token));
        }
    }
    Ok(sessions)
}

/// An invite as it is stored, where it has not expired.
fn valid(stored: &[u8], now: UnixMillis) -> Option<Invite> {
    serde_json::from_slice(stored).ok().filter(|invite: &Invite| invite.expires_at > now.0)
}
