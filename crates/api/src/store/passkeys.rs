//! Passkeys of people who have only a browser.

use redb::{ReadableDatabase as _, ReadableTable as _};
use serde::{Deserialize, Serialize};

use super::tables::{PASSKEYS, SESSIONS};
use super::{Store, StoreError, Token};
use crate::passkey::Key;
use crate::secret::Hash;

/// The most of one person.
const MOST: usize = 8;

/// A passkey: whose it is, and the public part of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Passkey {
    pub(crate) who: String,
    pub(crate) key: Key,
}

impl Store {
    /// Keeps a passkey under its name. Returns whether its person still has that session, there was room,
    /// and nobody has one of that name.
    pub(crate) async fn add_passkey(
        &self,
        session: Hash,
        id: Vec<u8>,
        passkey: Passkey,
    ) -> Result<bool, StoreError> {
        let stored = serde_json::to_vec(&passkey).unwrap_or_default();
        self.on_disk(move |db| {
            let write = db.begin_write()?;
            {
                let sessions = write.open_table(SESSIONS)?;
                let of = sessions.get(&session.0)?;
                let of = of.and_then(|of| serde_json::from_slice::<Token>(of.value()).ok());
                if of.is_none_or(|of| of.who != passkey.who) {
                    return Ok(false);
                }
                let mut passkeys = write.open_table(PASSKEYS)?;
                let mut own = 0;
                for entry in passkeys.iter()? {
                    let other = serde_json::from_slice::<Passkey>(entry?.1.value());
                    own += usize::from(other.is_ok_and(|other| other.who == passkey.who));
                }
                if own >= MOST || passkeys.get(id.as_slice())?.is_some() {
                    return Ok(false);
                }
                passkeys.insert(id.as_slice(), stored.as_slice())?;
            }
            write.commit()?;
            Ok(true)
        })
        .await
    }

    /// The passkey of that name.
    pub(crate) async fn passkey(&self, id: Vec<u8>) -> Result<Option<Passkey>, StoreError> {
        self.on_disk(move |db| {
            let passkeys = db.begin_read()?.open_table(PASSKEYS)?;
            let stored = passkeys.get(id.as_slice())?;
            Ok(stored.and_then(|stored| serde_json::from_slice(stored.value()).ok()))
        })
        .await
    }
}
